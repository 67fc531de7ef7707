"""What was sent to whom, and did it arrive? For the secretariat and the administrator, who can send it again."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from service.api.answers import Answer, paged, utc
from service.api.answers_schema import Shape, instant, listed, maybe, text, whole
from service.api.blueprint import Resource
from service.api.context import Call
from service.api.fields import OneOf, Text
from service.api.moments_schema import PageQuery
from service.api.waiting import seen
from service.errors import Missing
from service.identity.permissions import check, needs
from service.messaging import inspecting, ledger
from service.messaging.channels import NAMES
from service.messaging.inspecting import Filters, Kept
from service.messaging.ledger import STATES
from service.words import fill

api = Resource("deliveries", "What was sent to whom, and how far it is")


class DeliveriesQuery(PageQuery):
    state = OneOf(*STATES, load_default=None)
    channel = OneOf(*NAMES, load_default=None)
    required = OneOf("true", "false", load_default=None, doc="Only what the law requires, or what not")
    recipient = Text(
        100, load_default=None, doc="The id of a person, a subscription or an address of a council"
    )
    stream = Text(100, load_default=None, doc="What it is about, such as the id of a proposal")


class SentSchema(Shape):
    """Facts alone: what a message says about a case stands with that case."""

    id = text()
    kind = maybe(
        "What it tells of, such as turn or decided; null for who may not read the case that it is about"
    )
    cause = maybe("The event, term or day that it comes from; null for who may not know its kind")
    position = whole("The event that it tells of, in the log; 0 for none")
    stream = text("What it is about; empty for a digest")
    urgency = text()
    recipient = text("The id of a person, a subscription or an address")
    channel = text("inbox, email, letter, webhook or queue")
    relation = text("Why this recipient hears it")
    required = fields.Boolean(required=True, metadata={"description": "By law"})
    instead_of = maybe("The id of who is absent")
    state = text(
        "collected, bundled, waiting, queued, sending, sent, filed, to-post, dead, bounced or dropped"
    )
    tries = whole("How often it was tried")
    reason = maybe("Why it did not arrive")
    by_post = fields.Boolean(required=True, metadata={"description": "A letter that has to be posted"})
    posted_by = maybe("The id of who posted it")
    posted_at = text(allow_none=True)
    bundle = maybe("The digest it went along in")
    resendable = fields.Boolean(required=True)
    created_at = instant()
    due_at = instant()
    settled_at = text(allow_none=True)


class SentListSchema(Shape):
    items = listed(SentSchema)


class TrySchema(Shape):
    number = whole("Which try it was; of what bounced, the one that it came back from")
    at = instant()
    outcome = text("sent, made, failed, bounced, dead, dropped or crashed; what bounced was sent first")
    detail = text("What the other side said, or why it failed")


class SentWithTriesSchema(SentSchema):
    every_try = listed(TrySchema)


@api.question("/deliveries", query=DeliveriesQuery, shows=SentListSchema, pages=True)
@needs("read-deliveries")
def list_deliveries(call: Call, given: dict[str, Any]) -> Answer:
    """List what was sent and is to be sent, newest first"""
    check(call.person, "read-deliveries")
    filters = Filters(
        states=[given["state"]] if given["state"] else None,
        channel=given["channel"],
        recipients=[given["recipient"]] if given["recipient"] else None,
        streams=[given["stream"]] if given["stream"] else None,
        required=None if given["required"] is None else given["required"] == "true",
    )
    position = seen(call.parts)
    with call.parts.pool.connection() as connection:
        found = inspecting.found(connection, filters, cursor=given["cursor"], limit=given["limit"])
        shown = fill([_shown(call, each) for each in found.items], connection, call.scope)
    return paged(found, shown, position)


@api.question("/deliveries/<delivery:delivery>", shows=SentWithTriesSchema)
@needs("read-deliveries")
def read_delivery(call: Call, given: dict[str, Any], delivery: str) -> Answer:
    """Read one delivery, with every try"""
    check(call.person, "read-deliveries")
    return Answer(_with_tries(call, delivery))


@api.change("/deliveries/<delivery:delivery>/resend", shows=SentWithTriesSchema, example={}, method="PUT")
@needs("resend")
def send_again(call: Call, given: dict[str, Any], delivery: str) -> Answer:
    """Send a delivery once more, as the same message

    What is still under way, or lies in an inbox, is left as it is; so doing this twice does it once.
    """
    check(call.person, "resend")
    with call.parts.pool.connection() as connection:
        ledger.resend(connection, [delivery])
    return Answer(_with_tries(call, delivery))


@api.change("/deliveries/<delivery:delivery>/posted", shows=SentWithTriesSchema, example={}, method="PUT")
@needs("post-letters")
def record_posted(call: Call, given: dict[str, Any], delivery: str) -> Answer:
    """Record that you posted a letter

    For a letter of which nobody of the applicant could be told (its state is to-post), and for mail to the applicant
    that the law requires and that was given up or came back. What is neither, or was posted already, is left as it is;
    so doing this twice does it once.
    """
    check(call.person, "post-letters")
    with call.parts.pool.connection() as connection:
        ledger.posted(connection, delivery, call.person.id)
    return Answer(_with_tries(call, delivery))


def _with_tries(call: Call, id: str) -> dict[str, Any]:
    with call.parts.pool.connection() as connection:
        kept = inspecting.find(connection, id)
        if kept is None:
            raise Missing("delivery", id)
        tries = inspecting.tries(connection, id)
        shown: dict[str, Any] = fill(_shown(call, kept), connection, call.scope)
    return {
        **shown,
        "everyTry": [
            {"number": each.number, "at": utc(each.at), "outcome": each.outcome, "detail": each.detail}
            for each in tries
        ],
    }


def _shown(call: Call, kept: Kept) -> dict[str, Any]:
    delivery = kept.delivery
    known = inspecting.may_know_kind(call.person, delivery)
    return {
        "id": delivery.id,
        "kind": delivery.kind if known else None,
        "cause": delivery.cause if known else None,
        "position": delivery.position,
        "stream": delivery.stream,
        "urgency": delivery.urgency,
        "recipient": delivery.recipient,
        "channel": delivery.channel,
        "relation": delivery.relation,
        "required": delivery.required,
        "insteadOf": delivery.instead_of,
        "state": delivery.state,
        "tries": delivery.tries,
        "reason": delivery.error,
        "byPost": delivery.by_post,
        "postedBy": kept.posted_by,
        "postedAt": utc(kept.posted_at) if kept.posted_at else None,
        "bundle": delivery.bundle,
        "resendable": kept.resendable,
        "createdAt": utc(delivery.created_at),
        "dueAt": utc(delivery.due_at),
        "settledAt": utc(kept.settled_at) if kept.settled_at else None,
    }
