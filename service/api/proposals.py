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
    LevelSchema,
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
from service.identity.permissions import check, needs
from service.identity.scope import Scope
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
    confidentiality = named(LevelSchema, "Of an act that has a level of its own", allow_none=True)
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

    Submitters see those of their own organisation. A confidential one is there for few: see `read_proposal`.
    """
    check(call.person, "read-cases")
    names = ("programme", "status", "body", "theme", "municipality", "q")
    filters = Filters(**{name: given[name] for name in names})
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
            page = proposals(
                connection, call.scope, filters, moment, cursor=given["cursor"], limit=given["limit"]
            )
            items = fill(page.items, connection, call.scope)
        return paged(page, items, _known(position, moment))


@api.question("/proposals/<case:proposal>", query=MomentQuery, shows=CaseSchema)
@needs("read-case")
def read_proposal(call: Call, given: dict[str, Any], proposal: str) -> Answer:
    """Read a proposal and where it stands, now or at a moment

    One that is confidential is not there but for its applicant, the secretariat, auditors and the bodies on its route.
    Words of an act that is confidential are null for who may not read them; its `confidentiality` says why.
    """
    position = seen(call.parts)
    with call.parts.pool.connection() as connection:
        moment = moment_of(call, connection, given)
        found = (
            reading.status_now(connection, proposal, call.scope)
            if moment.is_now
            else _then(connection, call.scope, proposal, moment)
        )
        if found is None:
            raise Missing("proposal", proposal)
        case, _, version, last = found
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
        found = reading.case_history(connection, proposal, call.scope, moment)
        if found is None:
            raise Missing("proposal", proposal)
        entries = fill(told(found.history, levels=found.levels), connection, call.scope)
        position = max(_known(position, moment), found.history[-1].position)
        return Answer({"proposal": proposal, "entries": entries}, position=position)


def _then(
    connection: Connection[Any], scope: Scope, proposal: str, moment: Moment
) -> tuple[str, str, int, int] | None:
    """A case at a moment, as `reading.status_now` gives it for now."""
    case = reading.status(connection, proposal, scope, moment)
    if case is None:
        return None
    text = fill_text(msgspec.json.encode(case).decode(), connection, scope)
    return text, case["owner"]["$party"], case["version"], case["position"]


def _known(position: int, moment: Moment) -> int:
    return position if moment.position is None else moment.position
