"""Who may sign in, what may they do, and who changed that? The office adds people, changes them, ends their access."""

from __future__ import annotations

import re
from dataclasses import replace
from hashlib import blake2b
from typing import Any

import msgspec
from marshmallow import fields
from psycopg import Connection

from domain.errors import Invalid, Refused
from service import erasing, held
from service.api.answers import Answer, paged
from service.api.answers_schema import NamedPartySchema, Shape, instant, listed, maybe, named, text, whole
from service.api.blueprint import Resource
from service.api.context import Call, running
from service.api.fields import Code, Flag, Given, ListOf, OneOf, Part, Text, refusal
from service.api.moments_schema import PageQuery
from service.api.openapi import PREFIX
from service.api.problems import language
from service.api.proposals import EntrySchema
from service.api.sentences import told
from service.api.waiting import seen
from service.erasing import GROUNDS, IN_OFFICE
from service.errors import Missing, Stale
from service.eventstore import Once
from service.identity import changing, links, parties, people
from service.identity.changing import By, as_changer
from service.identity.parties import Party
from service.identity.people import ORGANISATION_ROLES, ROLES, EmailTaken, Person
from service.identity.permissions import acting_as, check, check_change, check_person, needs
from service.identity.scope import Scope, scope_of
from service.paging import page, read_cursor
from service.published import published_codes, versions
from service.wiring import Parts
from service.words import conceal, fill

api = Resource("people", "Who may sign in, and what they may do")

NAME, EMAIL = 200, 320
"""Characters at most."""
OTHER = "other"
"""The kind of an organisation that is named without one."""
EXAMPLE = {
    "name": "Jo Voorbeeld",
    "email": "jo@example.org",
    "roles": ["member"],
    "bodies": ["poho"],
    "seats": [{"body": "poho", "municipality": "GM0794"}],
}


class Email(Text):
    """An e-mail address: something, @ and a domain."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        found = super()._deserialize(value, attr, data, **kwargs)
        if not re.fullmatch(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)*", found):
            raise refusal("email-invalid")
        return found


class OrganisationSchema(Given):
    name = Text(NAME, required=True)
    kind = Code(load_default=OTHER)


class SeatSchema(Given):
    body = Code(required=True)
    municipality = Text(6, required=True, doc="By the code of Statistics Netherlands")


class PersonSchema(Given):
    """What somebody is from now on: what is left out, they are not."""

    name = Text(NAME, required=True)
    email = Email(EMAIL, required=True)
    roles = ListOf(OneOf(*ROLES), len(ROLES), load_default=list)
    bodies = ListOf(Code(), 100, load_default=list)
    chairs = ListOf(Code(), 100, load_default=list)
    seats = ListOf(
        Part(SeatSchema), 100, load_default=list, doc="For which municipality they sit in which body"
    )
    municipalities = ListOf(
        Text(6), 100, load_default=list, doc="Whose contact they are: they read its cases"
    )
    organisation = Part(OrganisationSchema, load_default=None)
    organisation_role = OneOf(
        *ORGANISATION_ROLES,
        load_default="editor",
        doc="What they may do with the cases of their organisation; a manager adds and removes colleagues too",
    )


class NewPersonSchema(PersonSchema):
    invite = Flag(
        load_default=False, doc="Mail them a link to choose a password: it works once, for seven days"
    )


class PeopleQuery(PageQuery):
    q = Text(NAME, least=0, load_default="", doc="Part of a name or an address")
    role = OneOf(*ROLES, load_default=None)


class SeatShape(Shape):
    body = text()
    municipality = text()


class PersonShape(Shape):
    id = text()
    name = text()
    email = text()
    roles = listed(fields.String())
    bodies = listed(fields.String())
    chairs = listed(fields.String())
    seats = listed(SeatShape)
    municipalities = listed(fields.String())
    organisation = named(NamedPartySchema, allow_none=True)
    organisation_role = text()


class OnePersonShape(PersonShape):
    history = listed(
        EntrySchema, "Who changed what, oldest first; none for what was so before it was recorded"
    )


class PeopleShape(Shape):
    items = listed(PersonShape)


class OwnShape(PersonShape):
    has_password = fields.Boolean(required=True)


class ActHeldShape(Shape):
    position = whole()
    event = text()
    stream = text()
    reference = maybe("What people call the case")
    recorded_at = instant()
    role = maybe()
    body = maybe()


class MessageHeldShape(Shape):
    id = text()
    kind = text()
    stream = text()
    reference = maybe("What people call the case")
    channel = text()
    relation = text()
    state = text()
    created_at = instant()


class RowsHeldShape(Shape):
    table = text()
    rows = fields.List(fields.Dict(), required=True)


class HeldShape(Shape):
    person = named(OwnShape)
    history = listed(EntrySchema, "Who changed what, oldest first")
    acts = listed(ActHeldShape, "What one recorded, newest first")
    messages = listed(MessageHeldShape, "What one was told, newest first")
    held = listed(RowsHeldShape, "Every other row, as it is kept; but for what signs in")


class RequestedShape(Shape):
    requested = fields.Boolean(required=True)


class ErasureSchema(Given):
    ground = OneOf(*GROUNDS, required=True, doc="As article 17 of the GDPR has it")


class MentionShape(Shape):
    stream = text()
    position = whole()


class ErasureShape(Shape):
    id = text()
    position = whole("Of the event that says so")
    letters = whole("How many letters lost their bytes")
    mails = whole("How many mails in the folder for mail went")
    named = maybe("Why the name stays with acts in office; null where it does not")
    mentions = listed(MentionShape, "Texts in which the name still stands")


@api.question("/people", query=PeopleQuery, shows=PeopleShape, pages=True)
@needs("read-people")
def list_people(call: Call, given: dict[str, Any]) -> Answer:
    """List who may sign in, in the order in which they were added"""
    check(call.person, "read-people")
    place, limit = read_cursor(given["cursor"], parts=1), given["limit"]
    with call.parts.pool.connection() as connection:
        some = people.found(connection, given["q"], given["role"], place, limit + 1)
        shown = page(some, limit, place, lambda each: (each.id,))
        return paged(shown, _shown(connection, shown.items, call.scope), seen(call.parts))


@api.question("/people/<person:person>", shows=OnePersonShape)
@needs("read-people")
def read_person(call: Call, given: dict[str, Any], person: str) -> Answer:
    """Read what somebody is, and who made it so"""
    check(call.person, "read-people")
    return _one(call, known(call.parts, person))


@api.change("/people", NewPersonSchema, shows=OnePersonShape, example=EXAMPLE, status=201, keyed=True)
@needs("change-people")
def add_person(call: Call, given: dict[str, Any]) -> Answer:
    """Add somebody, who can sign in once they have a way to

    An address is of one person only.
    """
    check(call.person, "change-people")
    try:
        added = add(call.parts, call.person, given, call.once)
    except EmailTaken:
        raise Refused("email-taken") from None
    return replace(_one(call, added), location=f"{PREFIX}/people/{added.id}")


@api.change(
    "/people/<person:person>",
    PersonSchema,
    shows=OnePersonShape,
    example=EXAMPLE,
    method="PUT",
    conditional=True,
    not_now=True,
)
@needs("change-people")
def change_person(call: Call, given: dict[str, Any], person: str) -> Answer:
    """Change what somebody is; who may do nothing any more is signed out"""
    check(call.person, "change-people")
    try:
        changed = change(call.parts, call.person, known(call.parts, person), given, call.if_match)
    except EmailTaken:
        raise Refused("email-taken") from None
    return _one(call, changed)


@api.change("/people/<person:person>/access", shows=None, method="DELETE")
@needs("change-people")
def end_access(call: Call, given: dict[str, Any], person: str) -> Answer:
    """End every session and token of somebody"""
    check(call.person, "change-people")
    end_access_of(call.parts, call.person, person)
    return Answer(None)


@api.question("/people/me/data", shows=HeldShape)
@needs("own-data")
def read_own_data(call: Call, given: dict[str, Any]) -> Answer:
    """Read everything that is held about oneself"""
    check(call.person, "own-data")
    return Answer(held_about(call.parts, call.person, language()), position=seen(call.parts))


@api.change("/people/me/erasure-request", Given, shows=RequestedShape, example={}, method="PUT")
@needs("own-data")
def ask_erasure(call: Call, given: dict[str, Any]) -> Answer:
    """Ask to be erased; administrators are told"""
    check(call.person, "own-data")
    erasing.ask(call.parts, call.person)
    return Answer({"requested": True})


@api.change(
    "/people/<person:person>/erasure",
    ErasureSchema,
    shows=ErasureShape,
    example={"ground": "request"},
    method="PUT",
    not_now=True,
)
@needs("erase-person")
def erase_person(call: Call, given: dict[str, Any], person: str) -> Answer:
    """Erase somebody: what says who they are goes, and does not come back

    Who acted in office stays named in those acts. Texts in which the name still stands are answered: those are redacted
    by a decision of their own.
    """
    check(call.person, "erase-person")
    by = By(call.person.id, acting_as(call.person, "erase-person"))
    done = erasing.erase(call.parts, by, person, given["ground"])
    mentions = [
        {"stream": each.stream, "position": each.position}
        for each in erasing.mentions_for(call.parts, call.person, done.mentions)
    ]
    return Answer(
        {
            "id": person,
            "position": done.position,
            "letters": done.letters,
            "mails": done.mails,
            "named": IN_OFFICE if done.named else None,
            "mentions": mentions,
        }
    )


def held_about(parts: Parts, person: Person, reads: str) -> dict[str, Any]:
    """Everything that is held about somebody, in the reader's language where there are sentences."""
    history, scope = parts.log.load(person.id), scope_of(person, parts.calendar().today)
    with parts.pool.connection() as connection:
        held_ = [{"table": table, "rows": rows} for table, rows in held.rows(connection, person).items()]
        found: dict[str, Any] = fill(
            {
                "history": told(history, reads),
                "acts": held.acts(connection, person.id, scope),
                "messages": held.messages(connection, person.id, scope),
            },
            connection,
            scope,
        )
        return {
            "person": {
                **_shown(connection, [person], scope)[0],
                "hasPassword": people.has_password(connection, person.id),
            },
            **found,
            # Not filled in: what somebody typed stands in it.
            "held": msgspec.json.decode(conceal(msgspec.json.encode(held_).decode(), connection, scope)),
        }


def known(parts: Parts, id: str) -> Person:
    """The person with this id. Raises Missing."""
    found = None
    if id.isprintable():
        with parts.pool.connection() as connection:
            found = people.get(connection, id)
    if found is None:
        raise Missing("person", id)
    return found


def add(parts: Parts, by: Person, given: dict[str, Any], once: Once | None = None) -> Person:
    """Adds a person as given (NewPersonSchema). Raises Invalid, Barred, EmailTaken and KeyReused."""
    given = dict(given)
    invited = given.pop("invite", False)
    refuse_wrong(parts, given, None)
    organisation, new = _organisation(parts, given)
    added = people.new(**_fields(given), organisation=organisation)
    check_change(by, None, added)
    today = parts.calendar().today
    id = changing.add(parts.log, as_changer(by), today, added, organisation=new, once=once)
    if id != added.id:
        return known(parts, id)
    if invited:
        with parts.pool.connection() as connection:
            links.invite(connection, added)
    return added


def change(
    parts: Parts, by: Person, before: Person, given: dict[str, Any], if_match: int | None = None
) -> Person:
    """Changes a person into what is given (PersonSchema). Raises Forbidden, Invalid, Barred, EmailTaken and Stale."""
    check_person(by, before)
    if if_match not in (None, version(before)):
        raise Stale(version(before))
    refuse_wrong(parts, given, before)
    organisation, new = _organisation(parts, given)
    wanted = replace(before, **_frozen(given), organisation=organisation)
    check_change(by, before, wanted)
    changing.change(parts.log, as_changer(by), parts.calendar().today, before, wanted, new)
    return wanted


def end_access_of(parts: Parts, by: Person, id: str) -> None:
    """Ends every session and token of somebody. Raises Missing and Forbidden."""
    check_person(by, known(parts, id))
    changing.end_access(
        parts.log, as_changer(by), parts.calendar().today, id, lambda found: check_person(by, found)
    )
    running().callers.forget(id)


def version(person: Person) -> int:
    """A number that is another one once this person has been changed: what a form on an old page is known by."""
    plain = repr((person.email, person.name, changing.rights_of(person)))
    return int.from_bytes(blake2b(plain.encode(), digest_size=7).digest())


def content(connection: Connection[Any], scope: Scope, person: Person) -> dict[str, Any]:
    """What somebody is, as PersonSchema takes it."""
    shown = _shown(connection, [person], scope)[0]
    organisation = shown["organisation"]
    return {
        **{name: each for name, each in shown.items() if name != "id"},
        "organisation": {"name": organisation["name"], "kind": organisation["kind"]}
        if organisation
        else None,
    }


def refuse_wrong(parts: Parts, given: dict[str, Any], before: Person | None) -> None:
    """What no schema can see is wrong with what somebody is to be; what they are already stays possible."""
    every = [programme for code in published_codes(parts) for programme in versions(parts, code)]
    bodies = {body for programme in every for body in programme.body_codes()}
    places = {municipality.code for programme in every for municipality in programme.municipalities}
    if before is not None:
        bodies |= before.bodies
        places |= before.municipalities | {municipality for _, municipality in before.seats}
    if set(given["bodies"]) - bodies:
        raise Invalid("person-body-unknown", "/bodies")
    if "member" in given["roles"] and not given["bodies"]:
        raise Invalid("member-without-body", "/bodies")
    if set(given["chairs"]) - set(given["bodies"]):
        raise Invalid("chair-not-member", "/chairs")
    if set(given["municipalities"]) - places:
        raise Invalid("person-municipality-unknown", "/municipalities")
    seats = [seat["body"] for seat in given["seats"]]
    if set(seats) - set(given["bodies"]) or len(seats) != len(set(seats)):
        raise Invalid("seat-not-member", "/seats")
    if {seat["municipality"] for seat in given["seats"]} - places:
        raise Invalid("person-municipality-unknown", "/seats")


def _organisation(parts: Parts, given: dict[str, Any]) -> tuple[str | None, Party | None]:
    """The id of the organisation that was named, and the organisation itself where it is not in the vault yet."""
    if given["organisation"] is None:
        return None, None
    with parts.pool.connection() as connection:
        found = changing.organisation_of(
            connection, given["organisation"]["kind"], given["organisation"]["name"]
        )
        return found.id, None if parties.get(connection, found.id) else found


def _fields(given: dict[str, Any]) -> dict[str, Any]:
    seats = [(seat["body"], seat["municipality"]) for seat in given["seats"]]
    return {**{name: each for name, each in given.items() if name != "organisation"}, "seats": seats}


def _frozen(given: dict[str, Any]) -> dict[str, Any]:
    return {
        name: frozenset(each) if isinstance(each, list) else each for name, each in _fields(given).items()
    }


def _shown(connection: Connection[Any], some: list[Person], scope: Scope) -> list[dict[str, Any]]:
    organisations = [{"$party": each.organisation} if each.organisation else None for each in some]
    return [
        {
            "id": person.id,
            "name": person.name,
            "email": person.email,
            "roles": sorted(person.roles),
            "bodies": sorted(person.bodies),
            "chairs": sorted(person.chairs),
            "seats": [{"body": body, "municipality": code} for body, code in sorted(person.seats)],
            "municipalities": sorted(person.municipalities),
            "organisation": organisation,
            "organisationRole": person.organisation_role,
        }
        for person, organisation in zip(some, fill(organisations, connection, scope), strict=True)
    ]


def _one(call: Call, person: Person) -> Answer:
    history = call.parts.log.load(person.id)
    with call.parts.pool.connection() as connection:
        shown = _shown(connection, [person], call.scope)[0]
        answer = {**shown, "history": fill(told(history), connection, call.scope)}
    return Answer(answer, version=version(person), position=seen(call.parts))
