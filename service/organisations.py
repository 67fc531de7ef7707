"""Who acts for an applicant's organisation, and who says so? Its managers add and remove colleagues.

Every change is one of rights, so an event on the stream of the person (`service/identity/changing.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from domain.errors import Refused
from service.errors import Missing
from service.eventstore import Once
from service.identity import changing, parties, people
from service.identity.changing import By
from service.identity.parties import Party
from service.identity.people import EmailTaken, Person
from service.identity.permissions import acting_as, check, check_guarded
from service.wiring import Parts

__all__ = ["Organisation", "colleague", "invite", "of", "remove", "set_role"]


@dataclass(frozen=True, slots=True)
class Organisation:
    """An organisation, and who acts for it, by name."""

    party: Party
    people: tuple[Person, ...]


def of(parts: Parts, person: Person) -> Organisation | None:
    """The organisation for which this person acts; None for who applies for themselves."""
    check(person, "read-organisation")
    if person.organisation is None:
        return None
    with parts.pool.connection() as connection:
        party = parties.get(connection, person.organisation)
        if party is None:
            return None
        return Organisation(party, tuple(people.colleagues(connection, party.id)))


def invite(
    parts: Parts, manager: Person, *, email: str, name: str, role: str, once: Once | None = None
) -> Person:
    """Somebody acts for the manager's organisation from now on, and can sign in once they have a way to.

    Refuses an address that cannot be added, without saying whose it is.
    """
    check(manager, "manage-organisation")
    person = people.new(
        email=email, name=name, roles=["submitter"], organisation=manager.organisation, organisation_role=role
    )
    try:
        id = changing.add(parts.log, _by(manager), parts.calendar().today, person, once=once)
    except EmailTaken:
        raise Refused("address-not-possible") from None
    return person if id == person.id else colleague(parts, manager, id)


def set_role(parts: Parts, manager: Person, id: str, role: str) -> Person:
    """From now on a colleague may do this with the organisation's cases. Refuses to leave it without a manager."""
    check(manager, "manage-organisation")
    known = colleague(parts, manager, id)
    changed = replace(known, organisation_role=role)
    _refuse_last(parts, known, changed)
    changing.change(parts.log, _by(manager), parts.calendar().today, known, changed)
    return changed


def remove(parts: Parts, manager: Person, id: str) -> None:
    """A colleague acts for the organisation no more; what they may do elsewhere stays. Refuses the last manager."""
    check(manager, "manage-organisation")
    known = colleague(parts, manager, id)
    left = replace(known, organisation=None, organisation_role="editor")
    _refuse_last(parts, known, left)
    changing.change(parts.log, _by(manager), parts.calendar().today, known, left)


def _by(manager: Person) -> By:
    return By(manager.id, acting_as(manager, "manage-organisation"))


def colleague(parts: Parts, manager: Person, id: str) -> Person:
    """A person of the same organisation, whom this manager may change. Raises Missing for any other."""
    with parts.pool.connection() as connection:
        found = people.get(connection, id) if id.isprintable() else None
    if found is None or found.organisation != manager.organisation:
        raise Missing("person", id)
    check_guarded(manager, found)
    return found


def _refuse_last(parts: Parts, known: Person, changed: Person) -> None:
    stays = changed.organisation == known.organisation and changed.organisation_role == "manager"
    if stays or known.organisation is None or known.organisation_role != "manager":
        return
    with parts.pool.connection() as connection:
        others = people.colleagues(connection, known.organisation)
    if not any(each.organisation_role == "manager" and each.id != known.id for each in others):
        raise Refused("last-manager")
