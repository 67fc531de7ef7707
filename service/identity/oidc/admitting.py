"""Who is it here that signed in elsewhere? A person by what the provider claims, or a stranger with a code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import structlog
from psycopg import Connection
from psycopg.errors import UniqueViolation

from domain.events import PersonAdded
from service.errors import Stale
from service.identity import changing, identities, parties, people
from service.identity.changing import SYSTEM
from service.identity.identities import Identity
from service.identity.oidc.providers import Provider
from service.identity.oidc.refusal import NotAccepted
from service.identity.people import EmailTaken, Person
from service.wiring import Parts

__all__ = ["person_for"]

NAME, EMAIL, SUBJECT, ORGANISATION = 200, 320, 255, 200
"""Characters at most."""
ATTEMPTS = 5
"""How often it is looked at anew when somebody else keeps changing the same person."""
ADDRESS = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)*")


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a provider says of somebody; `verified`: the address is theirs."""

    subject: str
    name: str
    email: str
    verified: bool
    organisation: str
    organisation_name: str
    roles: frozenset[str]

    @property
    def domain(self) -> str:
        """Behind the @ of the address, when it is known to be theirs."""
        return self.email.rpartition("@")[2].lower() if self.verified else ""


@dataclass(frozen=True, slots=True)
class Given:
    """What the settings give somebody with these claims."""

    roles: frozenset[str]
    organisation: str | None


def person_for(parts: Parts, provider: Provider, claims: Mapping[str, Any]) -> Person:
    """Who it is here, with what the provider gives them. Raises NotAccepted for who is nobody here, or not let in.

    What a refusal leaves behind (a stranger's code) stays. No connection is held while something is recorded.
    """
    who = _claimed(provider, claims)
    if provider.domains and who.domain not in provider.domains:
        raise NotAccepted("domain" if who.verified else "email-unverified")
    for attempt in range(ATTEMPTS):
        try:
            return _let_in(parts, provider, who)
        except (EmailTaken, Stale):
            # Just now, by somebody else, or by the same person in another browser.
            if attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


def _let_in(parts: Parts, provider: Provider, who: Claimed) -> Person:
    with parts.pool.connection() as connection, connection.transaction():
        known = identities.find(connection, provider.issuer, who.subject)
        person = _person(connection, provider, who, known)
        new = person is None and _may_be_added(connection, provider, who, known)
        if person is None and not new:
            code = identities.note(connection, provider.issuer, who.subject, who.email, who.name)
        else:
            code, given = "", _given(connection, provider, who)
            if known is None:
                known = identities.find(connection, provider.issuer, who.subject)
    if code:
        raise NotAccepted("stranger", say=code)
    if person is None:
        return _added(parts, provider, who, given)
    assert known is not None
    return _with_what_is_given(parts, provider, who, given, known, person)


def _person(
    connection: Connection[Any], provider: Provider, who: Claimed, known: Identity | None
) -> Person | None:
    """Who is known by this account elsewhere, or by an address that is as good as that."""
    if known is not None:
        # What an administrator ended does not begin again by itself.
        return people.get(connection, known.person) if known.ended_at is None else None
    account = people.by_email(connection, who.email) if who.verified else None
    if account is None:
        return None
    # An address that somebody had before this person has another account there already: not the same person.
    others = [each for each in identities.of_person(connection, account.id) if each.issuer == provider.issuer]
    if who.domain not in provider.trusted or others:
        return None
    identities.link(connection, provider.issuer, who.subject, account.id)
    _log_linked(provider, account)
    return account


def _may_be_added(
    connection: Connection[Any], provider: Provider, who: Claimed, known: Identity | None
) -> bool:
    """Does somebody who is nobody here become a person? Raises NotAccepted where the address may not be theirs."""
    if known is not None or not provider.admits:
        return False
    if not who.verified:
        raise NotAccepted("email-unverified")
    return people.by_email(connection, who.email) is None


def _added(parts: Parts, provider: Provider, who: Claimed, given: Given) -> Person:
    made = people.new(
        email=who.email, name=who.name or who.email, roles=given.roles, organisation=given.organisation
    )

    def beside(connection: Connection[Any]) -> None:
        people.insert(connection, made)
        identities.link(connection, provider.issuer, who.subject, made.id)
        identities.used(connection, provider.issuer, who.subject, given.roles, given.organisation)

    event = PersonAdded(changing.rights_of(made))
    changing.record(parts.log, SYSTEM, parts.calendar().today, made.id, [event], 0, beside)
    structlog.get_logger().info("person added", person=made.id, by=f"provider {provider.code}")
    _log_linked(provider, made)
    return made


def _log_linked(provider: Provider, person: Person) -> None:
    structlog.get_logger().info("identity linked", person=person.id, provider=provider.code)


def _with_what_is_given(
    parts: Parts, provider: Provider, who: Claimed, given: Given, known: Identity, person: Person
) -> Person:
    """The person, with what the provider gives now and without what it gave and gives no more.

    Only what is new is given, and only what the provider itself gave is taken away: what an administrator gave stays,
    and what an administrator took away stays away.
    """
    roles = (person.roles - (known.roles - given.roles)) | (given.roles - known.roles)
    organisation = person.organisation
    if given.organisation != known.organisation and organisation in (None, known.organisation):
        organisation = given.organisation

    def used(connection: Connection[Any]) -> None:
        identities.used(connection, provider.issuer, who.subject, given.roles, given.organisation)

    changed = replace(person, roles=roles, organisation=organisation)
    if changed == person:
        with parts.pool.connection() as connection:
            used(connection)
        return person
    changing.change(parts.log, SYSTEM, parts.calendar().today, person, changed, also=used)
    structlog.get_logger().info(
        "person changed", person=person.id, roles=sorted(roles), by=f"provider {provider.code}"
    )
    return changed


def _given(connection: Connection[Any], provider: Provider, who: Claimed) -> Given:
    roles = {provider.roles[each] for each in who.roles if each in provider.roles}
    if not who.organisation:
        return Given(frozenset(roles), None)
    for organisation in provider.organisations:
        if organisation.id == who.organisation:
            party = parties.find_or_add(connection, organisation.kind, organisation.name)
            return Given(frozenset(roles.union(organisation.roles)), party)
    others = provider.others
    if others is None:
        return Given(frozenset(roles), None)
    known = identities.party_of(connection, provider.issuer, who.organisation)
    if known is None and who.organisation_name:
        known = _new_party(connection, others.kind, who.organisation_name)
        if known is not None:
            identities.remember_party(connection, provider.issuer, who.organisation, known)
    if known is None:
        return Given(frozenset(roles), None)
    return Given(frozenset(roles.union(others.roles)), known)


def _new_party(connection: Connection[Any], kind: str, name: str) -> str | None:
    """A new organisation; None when one of this name is known already: a name is no proof of being the same."""
    made = parties.new(kind, name)
    try:
        with connection.transaction():
            parties.add(connection, made)
    except UniqueViolation:
        return None
    return made.id


def _claimed(provider: Provider, claims: Mapping[str, Any]) -> Claimed:
    names = provider.claims
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= SUBJECT or not subject.isprintable():
        raise NotAccepted("not-trusted", "the sub is no identifier")
    email = _text(claims, names.email, EMAIL)
    email = email if ADDRESS.fullmatch(email) else ""
    listed = claims.get(names.roles) if names.roles else None
    roles = [listed] if isinstance(listed, str) else listed if isinstance(listed, list) else []
    return Claimed(
        subject=subject,
        name=_text(claims, names.name, NAME),
        email=email,
        # Some providers write it as a text, or as a number.
        verified=bool(email) and claims.get(names.verified) in (True, "true", "1"),
        organisation=_text(claims, names.organisation, ORGANISATION),
        organisation_name=_text(claims, names.organisation_name, NAME),
        roles=frozenset(each for each in roles if isinstance(each, str)),
    )


def _text(claims: Mapping[str, Any], name: str, most: int) -> str:
    found = claims.get(name) if name else None
    if not isinstance(found, str) or not found.isprintable() or len(found) > most:
        return ""
    return found.strip()
