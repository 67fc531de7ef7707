"""What is told of what happened? Events behind the position become notices and deliveries in the ledger, exactly once.

One transaction moves the position, from where it was thought to be, and keeps all that was made: who comes second finds
it moved and has written nothing. What cannot be read or told of does not stop the rest: it is set aside, is said in the
process's log, and is tried again by who begins to make notices.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
import structlog
from psycopg.rows import tuple_row

from domain.case import Case
from domain.definition import from_definition
from domain.events import ProgrammePublished
from domain.programme import Programme
from domain.recorded import Recorded
from projections.notices import RELATIONS, URGENCIES, Notice, To, notices, unreached
from service.arrays import array
from service.documents import councils
from service.eventstore import LogError
from service.folding import Event
from service.messaging import ledger, recipients, subscriptions
from service.messaging.acts import Act, acts_of, histories_of, programmes_of
from service.messaging.ledger import Making, Planned
from service.messaging.planning import Wanted, planned
from service.published import programme_of
from service.viewstore import LOG_COLUMNS, decoded, read_log
from service.wiring import Parts

__all__ = ["Fenced", "fold_batch", "position", "try_again"]

Connection = psycopg.Connection[Any]
Made = tuple[Making, list[Planned]]
Found = Mapping[recipients.Relation, Sequence[str]]
"""The people in each relation."""

EVERYBODYS = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.ProgrammingError, LogError)
"""What goes wrong for all events alike, such as a lost connection or a missing table: it is tried again as it was."""

LONGEST_ERROR = 1_000


class Fenced(Exception):
    """Another process makes notices: the position was not where this one thought, and nothing has been written."""


def position(connection: Connection) -> int:
    """Up to which event of the log notices have been made."""
    row = connection.cursor(row_factory=tuple_row).execute("SELECT position FROM ledger.position").fetchone()
    assert row is not None
    return int(row[0])


def fold_batch(parts: Parts, connection: Connection, after: int, limit: int) -> int:
    """Makes the notices of about `limit` events behind `after`, up to the end of a command; answers the new position.

    It is the same as `after` when there is nothing. Raises Fenced when the ledger is not at `after`.
    """
    events = read_log(connection, after, limit)
    if not events:
        return after
    last = events[-1].position
    with connection.transaction():
        # What a crash of the database takes away here is made again: the position goes with what was made. Nothing is
        # sent before its sender has recorded that it begins, and that takes all of this to the disk.
        connection.execute("SET LOCAL synchronous_commit = off")
        moved = connection.execute(
            "UPDATE ledger.position SET position = %s WHERE position = %s", (last, after)
        )
        if moved.rowcount != 1:
            raise Fenced(f"the ledger is not at {after} any more")
        _tell(parts, connection, events)
    return last


def try_again(parts: Parts, connection: Connection) -> int:
    """Tells of what was set aside, now that it may be readable; of how many of those events it could after all?

    For who begins to make notices: a newer version of the service reads what an older one could not.
    """
    with connection.transaction():
        # Who moves the position locks it: nobody sets anything aside meanwhile, or does this too.
        connection.execute("SELECT FROM ledger.position FOR UPDATE")
        rows = connection.execute("DELETE FROM ledger.set_aside RETURNING position").fetchall()
        if not rows:
            return 0
        query = f"SELECT {LOG_COLUMNS} FROM log.events WHERE notification_id = ANY(%s::bigint[]) ORDER BY 1"
        with connection.cursor(binary=True, row_factory=tuple_row) as cursor:
            events = decoded(cursor.execute(query, (array([row[0] for row in rows]),)).fetchall())
        return len(events) - _tell(parts, connection, events)


def _tell(parts: Parts, connection: Connection, events: Sequence[Event]) -> int:
    """Keeps the notices of these events; how many had to be set aside?

    All at once; where something stands in the way, one act after the other, so that it stops no other.
    """
    histories = histories_of(connection, events)
    acts, programmes = acts_of(events, histories), programmes_of(events, histories)
    aside = sum(_set_aside(connection, act, act.trouble) for act in acts if act.trouble)
    if _kept(parts, connection, acts, programmes) is not None:
        for act in acts:
            trouble = _kept(parts, connection, [act], programmes)
            if trouble is not None:
                aside += _set_aside(connection, act, trouble)
    return aside


def _kept(
    parts: Parts, connection: Connection, acts: Sequence[Act], programmes: Mapping[str, str]
) -> str | None:
    """Keeps what is to be told of these acts, all or nothing; answers what stood in the way, None when nothing did.

    This must hold for whatever is wrong with an event, so any exception counts that is of these events alone.
    """
    readable = [event for act in acts for event in act.readable]
    try:
        with connection.transaction():
            made = _made(parts, connection, acts)
            ledger.add(connection, [*made, *subscriptions.made(connection, readable, programmes)])
    except EVERYBODYS:
        raise
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def _set_aside(connection: Connection, act: Act, trouble: str) -> int:
    """Keeps what could not be told of, and says so; how many events?"""
    error = trouble[:LONGEST_ERROR].replace("\x00", "")
    for event in act.events:
        structlog.get_logger("notify").error(
            "could not be told of, set aside", position=event.position, stream=event.stream, error=error
        )
        connection.execute(
            """INSERT INTO ledger.set_aside (position, stream, error) VALUES (%s, %s, %s)
            ON CONFLICT (position) DO UPDATE SET error = excluded.error""",
            (event.position, event.stream, error),
        )
    return len(act.events)


@dataclass(frozen=True, slots=True)
class Told:
    """A notice with the event that it tells of."""

    recorded: Recorded
    notice: Notice


@dataclass(frozen=True, slots=True)
class Heard:
    """Somebody who is to hear it, and why."""

    told: Told
    person: str
    to: To


def _made(parts: Parts, connection: Connection, acts: Sequence[Act]) -> list[Made]:
    """The notices of these acts, each with what is to be delivered of it."""
    told = [list(_told(parts, act)) for act in acts if not act.trouble]
    relations = {(to.relation, to.of) for own in told for one in own for to in one.notice.to}
    owners = {act.events[0].stream: act.about.owner for act in acts if isinstance(act.about, Case)}
    found = recipients.people(connection, relations | {("secretariat", "")}, owners)
    told = [[*own, *_unreached(own, found)] for own in told]
    heard = [each for own in told for each in _heard(own, found)]
    wanted = [
        Wanted(
            each.person,
            each.told.notice.kind,
            "low" if each.to.relation == "watcher" else each.told.notice.urgency,
            each.to.relation,
            each.to.required,
        )
        for each in heard
    ]
    now, timezone = datetime.now(UTC), parts.settings.timezone
    plans: dict[int, list[Planned]] = {}
    for each, plan in zip(heard, planned(connection, wanted, now=now, timezone=timezone), strict=True):
        plans.setdefault(id(each.told), []).extend(plan)
    return [
        (_making(one), [*_oneself_first(plans.get(id(one), [])), *_others(connection, one, found)])
        for own in told
        for one in own
    ]


def _told(parts: Parts, act: Act) -> Iterator[Told]:
    """What is to be told of an act."""
    for recorded in act.readable:
        programme = _programme(parts, act, recorded)
        for notice in notices(recorded, act.about, programme, act.before):
            yield Told(recorded, notice)


def _unreached(told: Sequence[Told], found: Found) -> Iterator[Told]:
    """What the secretariat is told of what the law requires, and reaches nobody."""
    for one in told:
        if any(_must_be_posted(to, found) for to in one.notice.to):
            yield Told(one.recorded, unreached(one.notice))


def _must_be_posted(to: To, found: Found) -> bool:
    """Must who submitted be told by law, while nobody of them can sign in?"""
    return to.relation == "submitter" and to.required and not found.get((to.relation, to.of))


def _programme(parts: Parts, act: Act, recorded: Recorded) -> Programme | None:
    """The programme version that it is about; None when it is about none, or one that was never published."""
    if isinstance(act.about, Case):
        try:
            return programme_of(parts, act.about.programme, act.about.programme_version)
        except IndexError:
            return None
    event = recorded.event
    return from_definition(event.definition) if isinstance(event, ProgrammePublished) else None


def _heard(told: Sequence[Told], found: Found) -> Iterator[Heard]:
    """Who hears what of one act: each the one thing that matters most, and whatever the law requires.

    Nobody hears of what they did themselves, but for what is required, and for the turn of another body of theirs. What
    the secretariat must post is work of its own, so it comes beside whatever else there is to hear.
    """
    by_person: dict[str, list[tuple[tuple[int, ...], Heard]]] = {}
    for index, one in enumerate(told):
        for to in one.notice.to:
            for person in found.get((to.relation, to.of), ()):
                if one.notice.kind == "unreached":
                    yield Heard(one, person, to)
                elif to.required or person != one.recorded.by or _is_anothers_turn(one, to):
                    heard = Heard(one, person, to)
                    by_person.setdefault(person, []).append((_weight(index, heard), heard))
    for several in by_person.values():
        required = {id(heard.told): heard for _, heard in several if heard.to.required}
        if required:
            yield from required.values()
        else:
            yield min(several, key=lambda weighed: weighed[0])[1]


def _is_anothers_turn(told: Told, to: To) -> bool:
    """Is it now the turn of others than for whom was acted? Who sits with both must hear that, whoever did it."""
    acted = told.recorded.capacity
    if told.notice.kind != "turn":
        return False
    if to.relation == "secretariat":
        return acted is None or acted.role != "secretary"
    return to.relation in ("body", "chair") and (acted is None or acted.body != to.of)


def _weight(index: int, heard: Heard) -> tuple[int, ...]:
    """The lower, the more it matters: what asks something first, then how near one stands to the case.

    Who only watches hears what happened, and not what is to come of it.
    """
    if heard.to.relation == "watcher":
        return 1, index
    return 0, URGENCIES.index(heard.told.notice.urgency), RELATIONS.index(heard.to.relation), index


def _oneself_first(plan: list[Planned]) -> list[Planned]:
    """One of two deliveries to the same person is kept, the first: for oneself rather than as another's stand-in."""
    return sorted(plan, key=lambda each: (each.instead_of is not None, not each.required))


def _others(connection: Connection, told: Told, found: Found) -> Iterator[Planned]:
    """What goes to no person that signs in: a letter is made, the councils get their newsletter.

    Of what must be posted and has no letter there is nothing to make: it waits for who writes one.
    """
    for to in told.notice.to:
        by_post = _must_be_posted(to, found)
        if to.relation == "submitter" and to.required and (told.notice.letter or by_post):
            state = "waiting" if told.notice.letter else "to-post"
            yield Planned(to.of, "letter", "submitter", state, required=True, by_post=by_post)
        if to.relation == "council":
            for address in councils.ids(connection, to.of):
                yield Planned(address, "email", "council", "waiting")


def _making(told: Told) -> Making:
    recorded, notice = told.recorded, told.notice
    return Making(
        f"event:{recorded.position}",
        notice.kind,
        recorded.position,
        recorded.stream,
        notice.urgency,
        notice.facts,
        recorded.recorded_at,
        notice.letter,
    )
