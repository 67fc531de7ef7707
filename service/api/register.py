"""What may everybody know? The public register, open to all: without personal data, without a token."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from service import register
from service.api.answers import Answer, paged
from service.api.answers_schema import Shape, day, instant, listed, maybe, money, named, text
from service.api.blueprint import Resource
from service.api.context import Call
from service.api.fields import Code, Digits, OneOf, Text
from service.api.moments_schema import PageQuery
from service.api.waiting import seen
from service.errors import Missing
from service.published import municipality_code, parts_of_theme
from service.register import OUTCOMES, Filters

api = Resource("register", "What everybody may know, as open data (CC0)")

FIRST_YEAR, LAST_YEAR = 1900, 2199


class RegisterQuery(PageQuery):
    programme = Code(load_default=None)
    year = Digits(FIRST_YEAR, LAST_YEAR, load_default=None, doc="In which it was published")
    municipality = Text(100, load_default=None, doc="By name, or by the code of Statistics Netherlands")
    theme = Code(load_default=None, doc="With the themes that are part of it, in a programme in force")
    outcome = OneOf(*OUTCOMES, load_default=None)
    q = Text(
        200,
        load_default=None,
        doc="Words in Dutch of a title or a summary, the beginning of a reference, or part of an organisation's name",
    )


class RegisterApplicantSchema(Shape):
    name = maybe()
    kind = text()


class RegisterCofinancingSchema(Shape):
    promised = money()
    granted = money()
    own = money()
    total = money()


class RegisterJudgementSchema(Shape):
    what = text("advice, decision or award")
    body = text()
    outcome = text()
    on = day()
    grounds = maybe("Only where they are public")
    conditions = listed(fields.String(allow_none=True), "Only where they are public")


class RegisterEntrySchema(Shape):
    """A proposal, as far as everybody may know of it."""

    reference = text()
    programme = text()
    title = maybe()
    summary = maybe()
    applicant = named(
        RegisterApplicantSchema, "Null for who applies without an organisation", allow_none=True
    )
    municipalities = listed(fields.String(), "Codes of Statistics Netherlands")
    themes = listed(fields.String())
    requested = money()
    awarded = money("Committed and held back together, now")
    cofinancing = named(RegisterCofinancingSchema)
    outcome = maybe("awarded, approved, rejected or withdrawn; null while it is under way")
    published_on = day()
    submitted_on = day()
    decided_on = day(allow_none=True)
    awarded_on = day(allow_none=True)
    ended_on = day(allow_none=True)
    changed_at = instant()
    judgements = listed(RegisterJudgementSchema)


class RegisterSchema(Shape):
    items = listed(RegisterEntrySchema)


def filters_of(call: Call, given: dict[str, Any]) -> Filters:
    """What the register is limited to: the names of a municipality and a theme as the programmes have them."""
    names = ("programme", "year", "municipality", "theme", "outcome", "q")
    asked = {name: given[name] for name in names}
    if asked["municipality"] is not None:
        asked["municipality"] = municipality_code(call.parts, asked["municipality"])
    theme = asked["theme"]
    return Filters(
        **asked, theme_parts=parts_of_theme(call.parts, theme) if theme is not None else frozenset()
    )


@api.question("/register", query=RegisterQuery, shows=RegisterSchema, public=True, pages=True)
def list_register(call: Call, given: dict[str, Any]) -> Answer:
    """List what is public, what was published last first

    Open to all. Nothing that is confidential, and nobody's name. The licence is CC0.
    """
    position = seen(call.parts)
    with call.parts.pool.connection() as connection:
        page = register.found(
            call.parts, connection, filters_of(call, given), cursor=given["cursor"], limit=given["limit"]
        )
    return paged(page, page.items, position)


@api.question("/register/<reference:reference>", shows=RegisterEntrySchema, public=True)
def read_entry(call: Call, given: dict[str, Any], reference: str) -> Answer:
    """Read what is public of one proposal"""
    position = seen(call.parts)
    with call.parts.pool.connection() as connection:
        found = register.one(call.parts, connection, reference)
    if found is None:
        raise Missing("proposal", reference)
    return Answer(found, position=position)
