"""How does what somebody may do change? As an event on a stream of their own, and in the vault with it: both or none.

The stream is named by the person's id. Who was in the vault before this was recorded has no history, and gets one with
the first change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from psycopg import Connection

from domain.events import AccessEnded, Event, PersonAdded, PersonChanged, Rights, Seat
from domain.recorded import Capacity
from service.errors import KeyReused, Missing, Stale
from service.eventstore import Appended, Conflict, Log, Meta, Once, afterwards
from service.identity import links, parties, people, tokens
from service.identity.parties import Party
from service.identity.people import Person
from service.identity.permissions import acting_as
from service.ids import new_id

__all__ = [
    "SYSTEM", "By", "add", "as_changer", "change", "end_access", "organisation_of", "record", "rights_of",
    "version_of",
]  # fmt: skip

ATTEMPTS = 10
"""How often it is done anew when another change of the same person keeps coming first."""


@dataclass(frozen=True, slots=True)
class By:
    """Who changes somebody, and in which role."""

    id: str
    capacity: Capacity | None = None


SYSTEM = By("system")
"""Who is at the terminal of the service."""


def as_changer(person: Person) -> By:
    """This person, who may change people."""
    return By(person.id, acting_as(person, "change-people"))


def rights_of(person: Person) -> Rights:
    """What the log keeps of what somebody may do: ids and codes, in one order."""
    return Rights(
        tuple(sorted(person.roles)),
        tuple(sorted(person.bodies)),
        tuple(sorted(person.chairs)),
        tuple(sorted(person.municipalities)),
        person.organisation,
        person.organisation_role if person.organisation is not None else None,
        tuple(Seat(body, municipality) for body, municipality in sorted(person.seats)),
    )


def version_of(log: Log, person: str) -> int:
    """How many events there are about somebody."""
    history = log.load(person)
    return history[-1].version if history else 0


def organisation_of(connection: Connection[Any], kind: str, name: str) -> Party:
    """The organisation of this name, which may be new; one that has people already is the same, whatever its kind."""
    known = parties.known_parties(connection, kind, name) or parties.organisation_named(connection, name)
    found = parties.get(connection, known) if known is not None else None
    return found or parties.new(kind, name)


def add(
    log: Log,
    by: By,
    today: date,
    person: Person,
    password: str | None = None,
    organisation: Party | None = None,
    once: Once | None = None,
) -> str:
    """Puts a new person in the vault, and answers the id: with `once`, of whom the same key added before.

    `organisation` is that of the person where it is not in the vault yet. Raises EmailTaken and KeyReused.
    """
    event = PersonAdded(rights_of(person))
    new = () if organisation is None else (organisation,)
    done = record(
        log, by, today, person.id, [event], 0, lambda c: people.insert(c, person, password), new, once
    )
    if done.replayed and once is not None and not once.is_of(done.request):
        raise KeyReused(once.key)
    return done.stream


def change(
    log: Log,
    by: By,
    today: date,
    known: Person,
    wanted: Person,
    organisation: Party | None = None,
    also: Callable[[Connection[Any]], None] = lambda _: None,
) -> None:
    """From now on a person is this; who may do nothing any more is signed out. What changes nothing is not recorded.

    `also` is done in the same transaction. Raises EmailTaken, Stale when the person is not as `known` any more, and
    Missing when there is none.
    """
    before, after = rights_of(known), rights_of(wanted)
    details = tuple(name for name in ("email", "name") if getattr(known, name) != getattr(wanted, name))
    if before == after and not details:
        return
    events: list[Event] = [PersonChanged(before, after, details)]
    out = not wanted.roles and bool(known.roles)
    if out:
        events.append(AccessEnded())

    def beside(connection: Connection[Any]) -> None:
        # Nobody else can change them now: their stream would have moved on.
        if (found := people.get(connection, known.id, held=True)) != known:
            raise Missing("person", known.id) if found is None else Stale(0)
        people.change(connection, wanted)
        also(connection)
        if out:
            _end_access(connection, known.id)

    new = () if organisation is None else (organisation,)
    try:
        record(log, by, today, known.id, events, version_of(log, known.id), beside, new)
    except Conflict:
        raise Stale(0) from None


def end_access(
    log: Log, by: By, today: date, person: str, judge: Callable[[Person], None] = lambda _: None
) -> None:
    """Ends every session and token of somebody, unless `judge` raises about how they are now. Raises Missing."""

    def beside(connection: Connection[Any]) -> None:
        found = people.get(connection, person, held=True)
        if found is None:
            raise Missing("person", person)
        judge(found)
        _end_access(connection, person)

    for attempt in range(ATTEMPTS):
        try:
            at = version_of(log, person)
            record(log, by, today, person, [AccessEnded()], at, beside)
        except Conflict:
            if attempt == ATTEMPTS - 1:
                raise
        else:
            return


def record(
    log: Log,
    by: By,
    today: date,
    person: str,
    events: Sequence[Event],
    version: int,
    change: Callable[[Connection[Any]], None],
    organisations: Sequence[Party] = (),
    once: Once | None = None,
) -> Appended:
    """Appends events about somebody with the `change` of the vault. Raises Conflict."""
    meta = Meta(today, by.id, by.capacity, new_id("command"))
    changes = [(person, event) for event in events]
    return log.append(changes, {person: version}, meta, once, organisations, beside=afterwards(change))


def _end_access(connection: Connection[Any], person: str) -> None:
    connection.execute("DELETE FROM web.sessions WHERE person = %s", (person,))
    tokens.revoke_all(connection, person)
    links.end_all(connection, person)
