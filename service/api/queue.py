"""What waits for a body? Oldest term first."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from service import reading
from service.api.answers import Answer, paged
from service.api.answers_schema import (
    NamedPartySchema,
    Shape,
    day,
    instant,
    listed,
    maybe,
    money,
    named,
    text,
    whole,
)
from service.api.blueprint import Resource
from service.api.context import Call
from service.api.moments_schema import PageQuery
from service.api.waiting import seen
from service.errors import Missing
from service.identity.permissions import check, needs
from service.published import all_bodies
from service.words import fill

api = Resource("bodies", "What waits for each body")


class WaitsSchema(Shape):
    proposal = text()
    reference = text()
    programme = text()
    title = maybe()
    applicant = named(NamedPartySchema)
    requested = money()
    revision = whole()
    version = whole("What If-Match names")
    stage = text()
    kind = text()
    body = text()
    capacity = text()
    due_on = day()
    since = day()
    opened_at = instant()
    days_waiting = whole("Calendar days")
    working_days_left = whole("Until the term ends; negative when it has passed")
    overdue = fields.Boolean(required=True)


class QueueSchema(Shape):
    items = listed(WaitsSchema)


@api.question("/bodies/<code:body>/queue", query=PageQuery, shows=QueueSchema, pages=True)
@needs("read-queue")
def read_queue(call: Call, given: dict[str, Any], body: str) -> Answer:
    """Read what waits for a body, oldest term first"""
    if body not in all_bodies(call.parts):
        raise Missing("body", body)
    check(call.person, "read-queue", body=body)
    position = seen(call.parts)
    calendar = call.parts.calendar()
    with call.parts.pool.connection() as connection:
        page = reading.queue(
            connection,
            body,
            call.scope,
            today=calendar.today,
            holidays=calendar.holidays,
            cursor=given["cursor"],
            limit=given["limit"],
        )
        return paged(page, fill(page.items, connection, call.scope), position)
