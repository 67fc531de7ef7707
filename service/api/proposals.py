"""Which proposals are there, how does one stand, what happened to it? And how does a new one come in?"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import msgspec
from marshmallow import fields
from psycopg import Connection

from domain.recorded import Moment
from service import commands, reading
from service.api.answers import Answer, paged
from service.api.answers_schema import (
    CapacitySchema,
    CaseSchema,
    NameSchema,
    Shape,
    day,
    instant,
    listed,
    maybe,
    named,
    text,
    whole,
)
from service.api.blueprint import Resource
from service.api.context import Call
from service.api.fields import Code, OneOf, Text
from service.api.moments_schema import MomentQuery, PageQuery, moment_of
from service.api.proposals_schema import EXAMPLE, SubmissionSchema, proposal_input
from service.api.sentences import told
from service.api.snapshot import snapshot
from service.api.waiting import seen, wait_for
from service.commands import Done
from service.errors import Missing
from service.identity.permissions import check, limit, may, needs
from service.listing import Filters, proposals
from service.published import municipality_code, parts_of_theme
from service.words import fill, fill_text

api = Resource("proposals", "Proposals and where they stand")

STATUSES = (
    "completeness", "supplement", "review", "decision", "ratification", "held-over", "award",
    "awarded", "approved", "rejected", "withdrawn",
)  # fmt: skip


class CasesQuery(MomentQuery, PageQuery):
    programme = Code(load_default=None)
    status = OneOf(*STATUSES, load_default=None)
    body = Code(load_default=None, doc="What waits for this body")
    theme = Code(load_default=None, doc="With the themes that are part of it, in a programme in force")
    municipality = Text(100, load_default=None, doc="By name, or by the code of Statistics Netherlands")
    q = Text(
        200,
        load_default=None,
        doc="Words in Dutch, the beginning of a reference, or part of an applicant's name",
    )


class CasesSchema(Shape):
    items = listed(CaseSchema)


class EntrySchema(Shape):
    position = whole()
    version = whole()
    event = text()
    sentence = text("What happened, for people")
    recorded_at = instant()
    effective_on = day()
    by = named(NameSchema)
    capacity = named(CapacitySchema, allow_none=True)
    command_id = text("Events of one act share it")
    cause = maybe()
    facts = fields.Dict(required=True)


class TimelineSchema(Shape):
    proposal = text()
    entries = listed(EntrySchema)


@api.act(
    "/proposals",
    SubmissionSchema,
    shows=CaseSchema,
    conditional=False,
    example={"programme": "regionale-herstelaanpak", **EXAMPLE},
)
@needs("submit")
def submit(call: Call, given: dict[str, Any]) -> Done:
    """Submit a proposal

    It is bound to the version of its programme that is in force.
    """
    return commands.submit(
        call.parts, call.person, given["programme"], proposal_input(given), given["effective_on"], call.once
    )


@api.question("/proposals", query=CasesQuery, shows=CasesSchema, pages=True)
@needs("read-cases")
def list_proposals(call: Call, given: dict[str, Any]) -> Answer:
    """List proposals, newest first, now or at a moment

    Submitters see those of their own organisation.
    """
    check(call.person, "read-cases")
    names = ("programme", "status", "body", "theme", "municipality", "q")
    filters = Filters(**{name: given[name] for name in names}, limit=limit(call.person))
    if filters.municipality is not None:
        filters = replace(filters, municipality=municipality_code(call.parts, filters.municipality))
    if filters.theme is not None:
        filters = replace(filters, theme_parts=parts_of_theme(call.parts, filters.theme))
    position = seen(call.parts)
    with call.parts.pool.connection() as connection:
        moment = moment_of(call, connection, given)
        wait_for(call.parts, moment.position)
        # Now it is one query, which needs none.
        with nullcontext() if moment.is_now else snapshot(connection):
            page = proposals(connection, filters, moment, cursor=given["cursor"], limit=given["limit"])
            items = fill(page.items, connection)
        return paged(page, items, _known(position, moment))


@api.question("/proposals/<case:proposal>", query=MomentQuery, shows=CaseSchema)
@needs("read-case")
def read_proposal(call: Call, given: dict[str, Any], proposal: str) -> Answer:
    """Read a proposal and where it stands, now or at a moment"""
    position = seen(call.parts)
    with call.parts.pool.connection() as connection:
        moment = moment_of(call, connection, given)
        found = (
            reading.status_now(connection, proposal) if moment.is_now else _then(connection, proposal, moment)
        )
        if found is None or not may(call.person, "read-case", owner=found[1], municipalities=found[4]):
            raise Missing("proposal", proposal)
        case, _, version, last, _ = found
        position = max(_known(position, moment), last)
        return Answer(
            case.encode(),
            version=version if moment.is_now else None,
            position=position,
        )


@api.question("/proposals/<case:proposal>/timeline", query=MomentQuery, shows=TimelineSchema)
@needs("read-case")
def read_timeline(call: Call, given: dict[str, Any], proposal: str) -> Answer:
    """Read everything that happened to a proposal, up to a moment"""
    position = seen(call.parts)
    with call.parts.pool.connection() as connection:
        moment = moment_of(call, connection, given)
        history = reading.history(connection, proposal, moment)
        case = reading.status_of(history)
        if case is None or not may(
            call.person,
            "read-case",
            owner=case["owner"]["$party"],
            municipalities=case["content"]["municipalities"],
        ):
            raise Missing("proposal", proposal)
        entries = fill(told(history), connection)
        position = max(_known(position, moment), history[-1].position)
        return Answer({"proposal": proposal, "entries": entries}, position=position)


def _then(
    connection: Connection[Any], proposal: str, moment: Moment
) -> tuple[str, str, int, int, list[str]] | None:
    """A case at a moment, as `reading.status_now` gives it for now."""
    case = reading.status(connection, proposal, moment)
    if case is None:
        return None
    text = fill_text(msgspec.json.encode(case).decode(), connection)
    return text, case["owner"]["$party"], case["version"], case["position"], case["content"]["municipalities"]


def _known(position: int, moment: Moment) -> int:
    return position if moment.position is None else moment.position
