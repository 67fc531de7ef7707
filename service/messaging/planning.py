"""When does somebody hear a thing, over which channels? From who they are and what they chose: what to deliver.

- The inbox has it at once, unless one turned that off.
- Mail goes at once, or waits for the end of one's quiet hours; or it is collected for a digest.
- What the law requires can't be turned off or collected; it may wait for the end of quiet hours.
- Who is away has a stand-in who gets the mail, both find it in their inbox. The stand-in must still be one who may see
  the same, must not be away too, and must have an address that takes mail; else it is mailed as if nobody were away.
- An address that refuses mail for good gets none; when the law requires it, that is kept as given up, for the office.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg.rows import tuple_row

from service.arrays import array
from service.calendar import dutch_holidays
from service.identity.people import Person
from service.messaging.ledger import Planned
from service.messaging.preferences import Hearing, default_mode, may_stand_in

__all__ = [
    "DIGEST_AT", "EXPIRES", "Addressee", "Wanted", "addressees", "after_quiet", "next_digest", "plan", "planned",
]  # fmt: skip

Connection = psycopg.Connection[Any]

DIGEST_AT = time(8)
"""When digests go: the daily one on working days, the weekly one on Mondays."""
EXPIRES = timedelta(days=31)
"""What happened longer ago is no news any more: it is not mailed, but for what the law requires. The inbox has it."""
MONDAY, SATURDAY = 0, 5


@dataclass(frozen=True, slots=True)
class Wanted:
    """Somebody is to hear of something, for this relation; `required` by law."""

    person: str
    kind: str
    urgency: str
    relation: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Addressee:
    """Somebody with all that decides how they hear things; `refused`: why their address takes no mail."""

    person: Person
    hearing: Hearing = field(default_factory=Hearing)
    refused: str | None = None
    modes: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def mode(self, kind: str, channel: str) -> str:
        """How this one hears a kind of notice over a channel."""
        return self.modes.get((kind, channel)) or default_mode(kind, channel)


def planned(
    connection: Connection, wanted: Sequence[Wanted], *, now: datetime, timezone: str
) -> list[list[Planned]]:
    """What to deliver for each of these, in their order; nothing for who is not there any more.

    One may be the stand-in of another and hear it for oneself too: `ledger.add` keeps one of the two.
    """
    found = addressees(connection, {each.person for each in wanted})
    zone, holidays = ZoneInfo(timezone), dutch_holidays()
    today = now.astimezone(zone).date()
    answer: list[list[Planned]] = []
    for each in wanted:
        who = found.get(each.person)
        if who is None:
            answer.append([])
            continue
        other = _standing_in(who, found, today)
        answer.append(plan(each, who, other, now=now, zone=zone, holidays=holidays))
    return answer


def plan(
    wanted: Wanted,
    who: Addressee,
    stand_in: Addressee | None,
    *,
    now: datetime,
    zone: ZoneInfo,
    holidays: frozenset[date],
) -> list[Planned]:
    """What to deliver to one addressee, or to who stands in today; `stand_in` None when one is there oneself."""
    made: list[Planned] = []

    def add(
        to: Addressee, channel: str, state: str, due_at: datetime | None = None, error: str | None = None
    ) -> None:
        instead_of = who.person.id if to is not who else None
        made.append(
            Planned(
                to.person.id,
                channel,
                wanted.relation,
                state,
                wanted.required,
                due_at,
                instead_of,
                error=error,
            )
        )

    if wanted.required or who.mode(wanted.kind, "inbox") != "off":
        for each in (who, stand_in):
            if each is not None:
                add(each, "inbox", "sent")

    to = stand_in or who
    mode = "at-once" if wanted.required else who.mode(wanted.kind, "email")
    if mode == "off" or (to.refused is not None and not wanted.required):
        return made
    if to.refused is not None:
        add(to, "email", "dead", error=to.refused)
    elif mode == "at-once":
        due_at = after_quiet(now, to.hearing, zone)
        add(to, "email", "waiting", due_at if due_at > now else None)
    else:
        add(to, "email", "collected", next_digest(mode, now, zone, holidays))
    return made


def _standing_in(who: Addressee, found: Mapping[str, Addressee], today: date) -> Addressee | None:
    """Who hears it today instead of this one; None when that is nobody."""
    if who.hearing.stand_in is None or not who.hearing.absent_on(today):
        return None
    other = found.get(who.hearing.stand_in)
    if other is None or other.refused is not None or other.hearing.absent_on(today):
        return None
    # What somebody is may have changed since this one was chosen.
    return other if may_stand_in(who.person, other.person) else None


def addressees(connection: Connection, ids: Iterable[str]) -> dict[str, Addressee]:
    """These people and those who stand in for them, by id, in two queries; who is not there any more is left out."""
    wanted = array(sorted(set(ids)))
    with connection.cursor(row_factory=tuple_row) as cursor:
        preferences: dict[str, dict[tuple[str, str], str]] = {}
        for person, kind, channel, mode in cursor.execute(
            "SELECT person, kind, channel, mode FROM vault.preferences WHERE person = ANY(%s::text[])",
            (wanted,),
        ):
            preferences.setdefault(person, {})[kind, channel] = mode
        rows = cursor.execute(
            """SELECT p.id, p.email, p.name, p.roles, p.bodies, p.organisation, p.chairs, p.municipalities,
                coalesce(h.language, 'nl'), h.quiet_from, h.quiet_until, h.absent_from, h.absent_until, h.stand_in,
                (SELECT u.reason FROM vault.undeliverable u WHERE lower(u.email) = lower(p.email) LIMIT 1)
            FROM vault.people p LEFT JOIN vault.hearing h ON h.person = p.id
            WHERE p.id = ANY(%(ids)s::text[])
                OR p.id IN (SELECT stand_in FROM vault.hearing WHERE person = ANY(%(ids)s::text[]))""",
            {"ids": wanted},
        ).fetchall()
    found = {}
    for id, email, name, roles, bodies, organisation, chairs, municipalities, *rest in rows:
        person = Person(
            id, email, name, frozenset(roles), frozenset(bodies), organisation, frozenset(chairs),
            frozenset(municipalities),
        )  # fmt: skip
        found[id] = Addressee(person, Hearing(*rest[:6]), rest[6], preferences.get(id, {}))
    return found


def after_quiet(now: datetime, hearing: Hearing, zone: ZoneInfo) -> datetime:
    """When mail may go: now, or when the quiet hours end in which it is now.

    On the night in which the clock goes back, an hour that comes twice is quiet until it has ended twice. When it goes
    forward, what is skipped ends as the hour after it begins. They are never longer than LONGEST_QUIET, whatever is
    kept: else mail that a server refused, or that came to us late, could miss what is left of each day.
    """
    quiet_until = hearing.quiet_ends
    if hearing.quiet_from is None or quiet_until is None:
        return now
    over_midnight = timedelta(days=1 if quiet_until <= hearing.quiet_from else 0)
    today = now.astimezone(zone).date()
    for day in (today - timedelta(days=1), today):
        start = _instant(day, hearing.quiet_from, zone, fold=0)
        end = _instant(day + over_midnight, quiet_until, zone, fold=1)
        if start <= now < end:
            now = end
    return now


def next_digest(mode: str, now: datetime, zone: ZoneInfo, holidays: frozenset[date]) -> datetime:
    """When the next daily or weekly digest goes, after now."""
    day = now.astimezone(zone).date()
    while True:
        at = _instant(day, DIGEST_AT, zone, fold=0)
        goes = (
            day.weekday() == MONDAY if mode == "weekly" else day.weekday() < SATURDAY and day not in holidays
        )
        if goes and at > now:
            return at
        day += timedelta(days=1)


def _instant(day: date, at: time, zone: ZoneInfo, *, fold: int) -> datetime:
    """The instant at which clocks say this; of two the first (fold 0) or the last, of none the next there is."""
    while True:
        local = datetime.combine(day, at, zone).replace(fold=fold)
        instant = local.astimezone(UTC)
        if instant.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
            return instant
        following = local.replace(tzinfo=None) + timedelta(minutes=1)
        day, at = following.date(), following.time()
