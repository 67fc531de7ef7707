"""What money is there, where does it come from, and what is left of it?"""

from __future__ import annotations

from datetime import date
from typing import Any

from marshmallow import fields

from domain.envelope import AddSource, OpenEnvelope
from domain.events import Source
from domain.recorded import Moment
from service import commands, figures
from service.api.answers import Answer
from service.api.answers_schema import Shape, day, listed, maybe, money, text, whole
from service.api.blueprint import Resource
from service.api.context import Call
from service.api.fields import Code, Day, Given, ListOf, Money, Part, Text
from service.api.moments_schema import MomentQuery, moment_of
from service.api.snapshot import snapshot
from service.api.waiting import seen, wait_for
from service.commands import Done
from service.errors import Missing
from service.identity.permissions import check, may, needs
from service.words import fill

api = Resource("envelopes", "Money that can be awarded")

NAME = 200
"""Characters at most."""


class SourceSchema(Given):
    source = Text(NAME, required=True, doc="Who gives it")
    amount = Money(required=True)


class EnvelopeGivenSchema(Given):
    code = Code(required=True)
    name = Text(NAME, load_default=None, doc="The code when left out")
    body = Code(required=True, doc="The body that makes the money available")
    programme = Code(load_default=None, allow_none=True, doc="Only for this programme; for any when left out")
    sources = ListOf(Part(SourceSchema), 100, least=1, required=True, doc="They add up to the amount")
    effective_on = Day(load_default=None, allow_none=True, doc="The date it counts; today when left out")


class SourceGivenSchema(SourceSchema):
    effective_on = Day(load_default=None, allow_none=True, doc="The date it counts; today when left out")


class EnvelopeSourceSchema(Shape):
    source = maybe()
    amount = money()
    effective_on = day()
    position = whole()


class ShareSchema(Shape):
    committed = money()
    held_back = money()


class EnvelopeSchema(Shape):
    """amount = committed + heldBack + left."""

    id = text()
    code = text()
    name = maybe()
    body = text()
    programme = maybe("Only for this programme; null is any")
    opened_on = day()
    sources = listed(EnvelopeSourceSchema)
    amount = money()
    committed = money("Awarded and free")
    held_back = money("Awarded, its phase not yet released")
    left = money("What may still be awarded")
    version = whole("What If-Match names")
    position = whole()
    per_proposal = fields.Dict(
        keys=fields.String(),
        values=fields.Nested(ShareSchema),
        metadata={
            "description": "To those who may read all cases, of one envelope; what went to cases that are "
            "confidential for the reader is under `confidential`, together"
        },
    )


class EnvelopesSchema(Shape):
    items = listed(EnvelopeSchema)


@api.question("/envelopes", query=MomentQuery, shows=EnvelopesSchema)
@needs("read-envelopes")
def list_envelopes(call: Call, given: dict[str, Any]) -> Answer:
    """List the envelopes, now or at a moment"""
    check(call.person, "read-envelopes")
    position = seen(call.parts)
    with call.parts.pool.connection() as connection:
        moment = moment_of(call, connection, given)
        wait_for(call.parts, moment.position)
        with snapshot(connection):
            found = fill(figures.budgets(connection, moment), connection, call.scope)
    return Answer({"items": found}, position=position if moment.position is None else moment.position)


@api.question("/envelopes/<code:code>", query=MomentQuery, shows=EnvelopeSchema)
@needs("read-envelopes")
def read_envelope(call: Call, given: dict[str, Any], code: str) -> Answer:
    """Read an envelope: what is committed, held back and left, now or at a moment"""
    check(call.person, "read-envelopes")
    position = seen(call.parts)
    with call.parts.pool.connection() as connection:
        moment = moment_of(call, connection, given)
        wait_for(call.parts, moment.position)
        with snapshot(connection):
            found = figures.budget(connection, code, moment, call.scope.hidden(connection))
            if found is None:
                raise Missing("envelope", code)
            if not may(call.person, "read-case"):
                del found["perProposal"]
            filled = fill(found, connection, call.scope)
        return Answer(
            filled,
            version=found["version"] if moment.is_now else None,
            position=_seen(position, moment, found),
        )


@api.act(
    "/envelopes",
    EnvelopeGivenSchema,
    shows=EnvelopeSchema,
    conditional=False,
    example={
        "code": "herstelaanpak",
        "name": "Regionale Herstelaanpak",
        "body": "ab",
        "programme": "regionale-herstelaanpak",
        "sources": [{"source": "Reserve", "amount": "2000000.00"}],
        "effectiveOn": "2020-07-01",
    },
)
@needs("open-envelope")
def open_envelope(call: Call, given: dict[str, Any]) -> Done:
    """Open an envelope with its sources"""
    command = OpenEnvelope(
        code=given["code"],
        name=given["name"] or given["code"],
        body=given["body"],
        programme=given["programme"],
        sources=tuple(Source(each["source"], each["amount"]) for each in given["sources"]),
        effective_on=_on(call, given),
    )
    return commands.open_envelope(call.parts, call.person, command, call.once)


@api.act(
    "/envelopes/<code:code>/sources",
    SourceGivenSchema,
    shows=EnvelopeSchema,
    example={"source": "Provincie", "amount": "500000.00"},
)
@needs("add-source")
def add_source(call: Call, given: dict[str, Any], code: str) -> Done:
    """Top an envelope up"""
    command = AddSource(Source(given["source"], given["amount"]), _on(call, given))
    return commands.add_source(call.parts, call.person, code, command, call.once, call.if_match)


def _on(call: Call, given: dict[str, Any]) -> date:
    day: date | None = given["effective_on"]
    return day or call.parts.calendar().today


def _seen(position: int, moment: Moment, found: dict[str, Any]) -> int:
    return max(position, found["position"]) if moment.position is None else moment.position
