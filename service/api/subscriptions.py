"""Which programs of others hear of which events? They subscribe here, try it, and see what came of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from marshmallow import fields

from service import subscribing
from service.api.answers import Answer, paged
from service.api.answers_schema import Shape, instant, listed, maybe, text, whole
from service.api.blueprint import Resource
from service.api.context import Call
from service.api.fields import Code, Digits, Flag, Given, ListOf, OneOf, Text, Whole
from service.api.openapi import PREFIX
from service.api.problems import Problem
from service.api.waiting import seen
from service.identity.permissions import needs
from service.messaging import subscriptions
from service.messaging.addresses import LONGEST_URL
from service.messaging.channels.queue import queue_name
from service.messaging.cloudevent import TYPES
from service.messaging.ledger import STATES
from service.messaging.subscriptions import CHANNELS, Subscription
from service.paging import read_cursor
from service.subscribing import BrokerAway, Kept

api = Resource("subscriptions", "Events for the programs of others: over a webhook, or a queue of their own")

NAME = 200
"""Characters at most."""


class FilterSchema(Given):
    """What is left out lets everything through."""

    name = Text(NAME, required=True, doc="For people: what listens there")
    url = Text(
        LONGEST_URL, least=0, load_default="", doc="Of a webhook, and of that only: https, on the internet"
    )
    types = ListOf(
        OneOf(*TYPES), len(TYPES), load_default=list, doc="Types of CloudEvents; all when left out"
    )
    programmes = ListOf(Code(), 100, load_default=list, doc="Codes; all, and what is of none, when left out")


class SubscriptionGivenSchema(FilterSchema):
    channel = OneOf(*CHANNELS, load_default="webhook")
    owner = Text(
        100,
        load_default=None,
        doc="The id of who it is for, who may read events; you, when left out. For others: administrators only",
    )


class SubscriptionChangeSchema(FilterSchema):
    """All of it: what is left out is let go of."""

    state = OneOf("on", "off", load_default="on", doc="off: for a while nothing goes there")


class RotationSchema(Given):
    version = Whole(2, 1_000_000, required=True, doc="The secretVersion to be: one more than the present one")
    old_stops = Flag(load_default=False, doc="The secret before stops at once, as when others know it")


class DeliveriesQuery(Given):
    state = OneOf(*STATES, load_default=None, doc="Only those in this state")
    cursor = Text(500, load_default=None, doc="As a link of an earlier answer has it")
    limit = Digits(1, 200, load_default=50)


def _maybe_instant(description: str) -> fields.String:
    about = {"description": description, "format": "date-time"}
    return fields.String(required=True, allow_none=True, metadata=about)


class SubscriptionSchema(Shape):
    id = text()
    name = text()
    channel = text("webhook or queue")
    url = text("Of a webhook")
    queue = maybe("The name at the broker, of a queue")
    types = listed(fields.String(), "Empty: all of them")
    programmes = listed(fields.String(), "Empty: all of them, and what is of none")
    state = text("on, off (paused), or gone (the other side answered 410)")
    failures = whole("Tries that failed since the last that went well")
    owner = text("The id of the person whose it is")
    owner_may_read = fields.Boolean(
        required=True, metadata={"description": "May its owner read events? If not (any more), none are sent"}
    )
    secret_version = whole()
    secret_since = instant()
    old_secret_until = _maybe_instant("Until then the secret before signs too; null when it does not")
    created_at = instant()


class WithSecretSchema(SubscriptionSchema):
    secret = maybe("What the messages are signed with (whsec_...); null of a queue, which needs none")


class SubscriptionsSchema(Shape):
    items = listed(SubscriptionSchema)


class SecretSchema(Shape):
    secret = text("whsec_ and base64: what the messages are signed with")
    version = whole()
    since = instant()
    old_until = _maybe_instant("Until then the secret before signs too; null when it does not")


class AttemptSchema(Shape):
    number = whole()
    at = instant()
    outcome = text("sent, failed, dropped or dead")
    detail = text("What the other side answered, or why nothing could be asked")


class SubscriptionDeliverySchema(Shape):
    id = text("The webhook-id: the same each time it is sent")
    type = text("Of the CloudEvent")
    event = maybe("The id of the CloudEvent; null of a test")
    position = whole("In the log; 0 of a test")
    state = text("waiting, queued, sending, sent, dead (given up) or dropped (not sent on purpose)")
    created_at = instant()
    due_at = instant("Not before this")
    settled_at = _maybe_instant("When it came to an end; null before that")
    reason = maybe("Why it was not sent (yet)")
    tries = listed(AttemptSchema)


class SubscriptionDeliveriesSchema(Shape):
    items = listed(SubscriptionDeliverySchema)


EXAMPLE = {
    "name": "Zaaksysteem Eindhoven",
    "url": "https://receiver.example.org/besluitspoor",
    "types": ["nl.besluitspoor.proposal.proposal-submitted.v1", "nl.besluitspoor.proposal.decided.v1"],
    "programmes": ["regionale-herstelaanpak"],
}


@api.question("/subscriptions", shows=SubscriptionsSchema)
@needs("subscribe")
def list_subscriptions(call: Call, given: dict[str, Any]) -> Answer:
    """List your subscriptions, newest first; the administrator sees everybody's"""
    found = subscribing.visible(call.parts, call.person)
    return Answer({"items": [_shown(each) for each in found]}, position=seen(call.parts))


@api.change(
    "/subscriptions", SubscriptionGivenSchema, shows=WithSecretSchema, example=EXAMPLE, status=201, keyed=True
)
@needs("subscribe")
def subscribe(call: Call, given: dict[str, Any]) -> Answer:
    """Subscribe to what happens from now on; the answer has the secret

    A subscription is of somebody who may read events. An administrator makes one for such a person, and does not get
    the secret: its owner reads that.
    """
    try:
        made = subscribing.subscribe(call.parts, call.person, **given, once=call.once)
    except BrokerAway:
        raise _away() from None
    return Answer(_with_secret(call, made), location=_place(made.id))


@api.question("/subscriptions/<subscription:subscription>", shows=SubscriptionSchema)
@needs("own-subscription")
def read_subscription(call: Call, given: dict[str, Any], subscription: str) -> Answer:
    """Read a subscription: what it asks for, and how it is doing"""
    found = subscribing.find(call.parts, call.person, subscription)
    return Answer(_shown(found), position=seen(call.parts))


@api.change(
    "/subscriptions/<subscription:subscription>",
    SubscriptionChangeSchema,
    shows=SubscriptionSchema,
    example={**EXAMPLE, "state": "off"},
    method="PUT",
)
@needs("own-subscription")
def change_subscription(call: Call, given: dict[str, Any], subscription: str) -> Answer:
    """Change a subscription, pause it, or turn it on again

    While it is off nothing goes there, and what waited is dropped: catch up by the feed of events. Turning it on begins
    with what happens from then on. A subscription whose other side answered 410 is turned on again in the same way.
    """
    return Answer(_shown(subscribing.change(call.parts, call.person, subscription, **given)))


@api.change("/subscriptions/<subscription:subscription>", shows=None, method="DELETE")
@needs("own-subscription")
def remove_subscription(call: Call, given: dict[str, Any], subscription: str) -> Answer:
    """Remove a subscription, and its queue with what is in it"""
    try:
        subscribing.remove(call.parts, call.person, subscription)
    except BrokerAway:
        raise _away() from None
    return Answer(None)


@api.question("/subscriptions/<subscription:subscription>/secret", shows=SecretSchema)
@needs("own-secret")
def read_secret(call: Call, given: dict[str, Any], subscription: str) -> Answer:
    """Read the secret of a webhook of your own"""
    return Answer(_secret(call, subscribing.with_secret(call.parts, call.person, subscription)))


@api.change(
    "/subscriptions/<subscription:subscription>/secret",
    RotationSchema,
    shows=SecretSchema,
    example={"version": 2},
    method="PUT",
    not_now=True,
)
@needs("own-secret")
def rotate_secret(call: Call, given: dict[str, Any], subscription: str) -> Answer:
    """Give a webhook of your own a new secret

    For 24 hours messages are signed with both, so that you can change over without losing one; within that time
    another one is refused, unless the old one is to stop at once (`oldStops`). Name the version that it is to be: sent
    again, it is not rotated again.
    """
    return Answer(_secret(call, subscribing.rotate(call.parts, call.person, subscription, **given)))


@api.change(
    "/subscriptions/<subscription:subscription>/tests",
    shows=SubscriptionDeliverySchema,
    status=201,
    keyed=True,
)
@needs("own-subscription")
def send_test(call: Call, given: dict[str, Any], subscription: str) -> Answer:
    """Send a signed test event, also while it is off; it is tried once

    A few in a minute, of one subscription and by one person.
    """
    kept = subscribing.try_out(call.parts, call.person, subscription, call.once)
    return Answer(_delivery(kept), location=f"{_place(subscription)}/deliveries")


@api.question(
    "/subscriptions/<subscription:subscription>/deliveries",
    query=DeliveriesQuery,
    shows=SubscriptionDeliveriesSchema,
    pages=True,
)
@needs("own-subscription")
def list_subscription_deliveries(call: Call, given: dict[str, Any], subscription: str) -> Answer:
    """List what went there or is to go there, newest first, with every try"""
    position = seen(call.parts)
    cursor = read_cursor(given["cursor"], 1)
    found = subscribing.deliveries(
        call.parts, call.person, subscription, state=given["state"], cursor=cursor, limit=given["limit"]
    )
    return paged(found, [_delivery(each) for each in found.items], position)


@api.change(
    "/subscriptions/<subscription:subscription>/deliveries/<delivery:delivery>/resend",
    shows=SubscriptionDeliverySchema,
    method="PUT",
    not_now=True,
)
@needs("own-subscription")
def resend_delivery(call: Call, given: dict[str, Any], subscription: str, delivery: str) -> Answer:
    """Send a delivery once more, as the same message"""
    return Answer(_delivery(subscribing.resend(call.parts, call.person, subscription, delivery)))


def _shown(found: Subscription) -> dict[str, Any]:
    return {
        "id": found.id,
        "name": found.name,
        "channel": found.channel,
        "url": found.url,
        "queue": queue_name(found.id) if found.channel == "queue" else None,
        "types": found.types,
        "programmes": found.programmes,
        "state": found.state,
        "failures": found.failures,
        "owner": found.person,
        "ownerMayRead": found.allowed,
        "secretVersion": found.secret_version,
        "secretSince": _utc(found.secret_since),
        "oldSecretUntil": _old_until(found),
        "createdAt": _utc(found.created_at),
    }


def _with_secret(call: Call, found: Subscription) -> dict[str, Any]:
    shown = subscribing.may_see_secret(call.person, found)
    plain = subscriptions.secret(call.parts.settings, found) if shown else None
    return {**_shown(found), "secret": plain}


def _secret(call: Call, found: Subscription) -> dict[str, Any]:
    return {
        "secret": subscriptions.secret(call.parts.settings, found),
        "version": found.secret_version,
        "since": _utc(found.secret_since),
        "oldUntil": _old_until(found),
    }


def _old_until(found: Subscription) -> str | None:
    until = subscriptions.old_signs_until(found, datetime.now(UTC))
    return _utc(until) if until else None


def _delivery(kept: Kept) -> dict[str, Any]:
    return {
        "id": kept.id,
        "type": kept.type,
        "event": kept.event,
        "position": kept.position,
        "state": kept.state,
        "createdAt": _utc(kept.created_at),
        "dueAt": _utc(kept.due_at),
        "settledAt": _utc(kept.settled_at) if kept.settled_at else None,
        "reason": kept.error,
        "tries": [{**each, "at": _utc(datetime.fromisoformat(each["at"]))} for each in kept.tries],
    }


def _place(subscription: str) -> str:
    return f"{PREFIX}/subscriptions/{subscription}"


def _away() -> Problem:
    return Problem(503, "broker-unavailable", headers={"Retry-After": "30"})


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
