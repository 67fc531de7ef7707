"""Who acts for one's organisation? Its managers add and remove colleagues, and say what they may do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from service import organisations
from service.api.answers import Answer
from service.api.answers_schema import NamedPartySchema, Shape, listed, named, text
from service.api.blueprint import Resource
from service.api.context import Call
from service.api.fields import Given, OneOf, Text
from service.api.openapi import PREFIX
from service.api.people import EMAIL, NAME, Email
from service.api.waiting import seen
from service.errors import Missing
from service.identity.people import ORGANISATION_ROLES, Person
from service.identity.permissions import needs

api = Resource("organisations", "One's organisation, and who acts for it")

EXAMPLE = {"name": "Collega Voorbeeld", "email": "collega@example.org", "role": "editor"}


class ColleagueSchema(Given):
    name = Text(NAME, required=True)
    email = Email(EMAIL, required=True)
    role = OneOf(*ORGANISATION_ROLES, load_default="editor")


class ColleagueRoleSchema(Given):
    role = OneOf(*ORGANISATION_ROLES, required=True)


class ColleagueShape(Shape):
    id = text()
    name = text()
    email = text()
    role = text("manager, editor or reader")


class OrganisationShape(Shape):
    organisation = named(NamedPartySchema)
    people = listed(ColleagueShape)


@api.question("/organisation", shows=OrganisationShape)
@needs("read-organisation")
def read_organisation(call: Call, given: dict[str, Any]) -> Answer:
    """Read who acts for one's organisation"""
    found = organisations.of(call.parts, call.person)
    if found is None:
        raise Missing("organisation", "")
    party = {"id": found.party.id, "name": found.party.name, "kind": found.party.kind}
    return Answer(
        {"organisation": party, "people": [_shown(each) for each in found.people]}, position=seen(call.parts)
    )


@api.change(
    "/organisation/people", ColleagueSchema, shows=ColleagueShape, example=EXAMPLE, status=201, keyed=True
)
@needs("manage-organisation")
def add_colleague(call: Call, given: dict[str, Any]) -> Answer:
    """Add a colleague, who can sign in once they have a way to"""
    added = organisations.invite(call.parts, call.person, **given, once=call.once)
    return replace(Answer(_shown(added)), location=f"{PREFIX}/organisation")


@api.change(
    "/organisation/people/<person:person>",
    ColleagueRoleSchema,
    shows=ColleagueShape,
    example={"role": "reader"},
    method="PUT",
    not_now=True,
)
@needs("manage-organisation")
def change_colleague(call: Call, given: dict[str, Any], person: str) -> Answer:
    """Say what a colleague may do with the organisation's proposals; one manager stays"""
    return Answer(_shown(organisations.set_role(call.parts, call.person, person, given["role"])))


@api.change("/organisation/people/<person:person>", shows=None, method="DELETE", not_now=True)
@needs("manage-organisation")
def remove_colleague(call: Call, given: dict[str, Any], person: str) -> Answer:
    """Remove a colleague from the organisation; one manager stays"""
    organisations.remove(call.parts, call.person, person)
    return Answer(None)


def _shown(person: Person) -> dict[str, Any]:
    return {"id": person.id, "name": person.name, "email": person.email, "role": person.organisation_role}
