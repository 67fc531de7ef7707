"""Which programs hear of what happens, and did it arrive? Subscriptions are made, tried, changed and removed here."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from domain.errors import Invalid
from service import subscribing
from service.api.fields import Given
from service.api.subscriptions import RotationSchema, SubscriptionChangeSchema, SubscriptionGivenSchema
from service.identity import people
from service.identity.permissions import may, needs
from service.messaging import subscriptions
from service.messaging.addresses import LONGEST_URL
from service.messaging.channels.queue import queue_name
from service.messaging.channels.webhook import WAITS
from service.messaging.cloudevent import TEST_TYPE, TYPES
from service.messaging.ledger import STATES
from service.messaging.subscriptions import MOST_EACH, Subscription
from service.paging import read_cursor
from service.published import published_codes
from service.subscribing import BrokerAway, Kept
from service.texts import catalog
from service.web import visit
from service.web.event_words import kind_of
from service.web.forms import Form
from service.web.linking import address_of
from service.web.naming import names
from service.web.rendering import has_text, page, say

area = Blueprint("subscriptions", __name__)

BEGIN = "nl.besluitspoor."
"""What every type begins with."""
MOST = 25
"""Deliveries on a page."""
SHOWN_STATES = ("waiting", "queued", "sending", "sent", "dead", "dropped")
assert set(SHOWN_STATES) <= set(STATES)
TONES = {"on": "ok", "off": "neutral", "gone": "error", "sent": "ok", "dead": "error", "dropped": "neutral"}


@area.get("/subscriptions")
@needs("subscribe")
def index() -> Response:
    """The subscriptions that one may see, the newest first."""
    found = subscribing.visible(visit.parts(), visit.person())
    with visit.parts().pool.connection() as connection:
        owners = people.names(connection, {each.person for each in found})
    person = visit.person()
    own = sum(each.person == person.id for each in found)
    return page(
        "subscriptions/index.html",
        subscriptions=found,
        owners=owners,
        others=len(found) > own,
        full=own >= MOST_EACH and not may(person, "subscribe-others"),
        most=MOST_EACH,
        tones=TONES,
    )


@area.get("/subscriptions/new")
@needs("subscribe")
def ask() -> Response:
    """The form for a new subscription."""
    person = visit.person()
    subscribing.visible(visit.parts(), person)
    owner = person.id if may(person, "read-events") and may(person, "subscribe-others") else None
    return _asked(Form.holding(SubscriptionGivenSchema(), {"channel": "webhook", "owner": owner}), None)


@area.post("/subscriptions/new")
@needs("subscribe")
def add() -> AnyResponse:
    """Subscribes; of a webhook of one's own the secret is shown after that."""
    subscribing.visible(visit.parts(), visit.person())
    form = Form.sent(SubscriptionGivenSchema())
    with form.refusals():
        try:
            made = subscribing.subscribe(visit.parts(), visit.person(), **form.load(), once=form.once())
        except BrokerAway:
            _say_away(form)
    if not form.ok:
        return _asked(form, None)
    shows = subscribing.may_see_secret(visit.person(), made)
    to = "web.subscriptions.secret" if shows else "web.subscriptions.show"
    return visit.kept(url_for(to, subscription=made.id), "subscriptions.added")


@area.get("/subscriptions/<subscription:subscription>")
@needs("own-subscription")
def show(subscription: str) -> Response:
    """One subscription: what it asks for, how it is doing, and what went there."""
    return _shown(subscribing.find(visit.parts(), visit.person(), subscription))


@area.get("/subscriptions/<subscription:subscription>/change")
@needs("own-subscription")
def edit(subscription: str) -> Response:
    """The form to change it."""
    known = subscribing.find(visit.parts(), visit.person(), subscription)
    content = {
        "name": known.name, "url": known.url, "types": known.types, "programmes": known.programmes,
        "state": "off" if known.state == "off" else "on",
    }  # fmt: skip
    return _asked(Form.holding(SubscriptionChangeSchema(), content), known)


@area.post("/subscriptions/<subscription:subscription>/change")
@needs("own-subscription")
def change(subscription: str) -> AnyResponse:
    """Changes what it asks for, where that goes, and whether."""
    known = subscribing.find(visit.parts(), visit.person(), subscription)
    form = Form.sent(SubscriptionChangeSchema())
    with form.refusals():
        subscribing.change(visit.parts(), visit.person(), subscription, **form.load())
    if not form.ok:
        return _asked(form, known)
    return visit.kept(url_for("web.subscriptions.show", subscription=subscription), "subscriptions.changed")


@area.post("/subscriptions/<subscription:subscription>/state")
@needs("own-subscription")
def switch(subscription: str) -> AnyResponse:
    """Pauses it, or turns it on again."""
    known = subscribing.find(visit.parts(), visit.person(), subscription)
    state = "off" if request.form.get("state") == "off" else "on"
    form = Form(Given())
    with form.refusals():
        subscribing.change(
            visit.parts(),
            visit.person(),
            subscription,
            name=known.name,
            url=known.url,
            types=known.types,
            programmes=known.programmes,
            state=state,
        )
    if not form.ok:
        # The address may not be used any more: it has to be changed first.
        return redirect(url_for("web.subscriptions.edit", subscription=subscription), 303)
    return visit.kept(
        url_for("web.subscriptions.show", subscription=subscription), f"subscriptions.turned-{state}"
    )


@area.post("/subscriptions/<subscription:subscription>/test")
@needs("own-subscription")
def send_test(subscription: str) -> AnyResponse:
    """Sends a test event."""
    form = Form.sent(Given())
    with form.refusals():
        subscribing.try_out(visit.parts(), visit.person(), subscription, form.once())
    if not form.ok:
        return _shown(subscribing.find(visit.parts(), visit.person(), subscription), form)
    return visit.kept(url_for("web.subscriptions.show", subscription=subscription), "subscriptions.test-sent")


@area.get("/subscriptions/<subscription:subscription>/secret")
@needs("own-secret")
def secret(subscription: str) -> Response:
    """The secret of one's own webhook."""
    return _secret(subscription, Form(_rotation()))


@area.post("/subscriptions/<subscription:subscription>/secret")
@needs("own-secret")
def rotate(subscription: str) -> AnyResponse:
    """Gives it a new secret; the one before signs along for a day, or stops at once."""
    form = Form.sent(_rotation())
    at_once = False
    with form.refusals():
        at_once = form.load()["old_stops"]
        subscribing.rotate(
            visit.parts(), visit.person(), subscription, form.if_match() or 0, old_stops=at_once
        )
    if not form.ok:
        return _secret(subscription, form)
    said = "subscriptions.rotated-at-once" if at_once else "subscriptions.rotated"
    return visit.kept(url_for("web.subscriptions.secret", subscription=subscription), said)


@area.get("/subscriptions/<subscription:subscription>/removal")
@needs("own-subscription")
def ask_removal(subscription: str) -> Response:
    """What removing it means."""
    return _removal(subscribing.find(visit.parts(), visit.person(), subscription), Form(Given()))


@area.post("/subscriptions/<subscription:subscription>/removal")
@needs("own-subscription")
def remove(subscription: str) -> AnyResponse:
    """Removes it, and its queue."""
    known = subscribing.find(visit.parts(), visit.person(), subscription)
    form = Form(Given())
    try:
        subscribing.remove(visit.parts(), visit.person(), subscription)
    except BrokerAway:
        _say_away(form)
        return _removal(known, form)
    return visit.kept(url_for("web.subscriptions.index"), "subscriptions.removed")


@area.post("/subscriptions/<subscription:subscription>/deliveries/<delivery:delivery>")
@needs("own-subscription")
def resend(subscription: str, delivery: str) -> AnyResponse:
    """Sends one message once more."""
    form = Form(Given())
    with form.refusals():
        subscribing.resend(visit.parts(), visit.person(), subscription, delivery)
    if not form.ok:
        return _shown(subscribing.find(visit.parts(), visit.person(), subscription), form)
    here = address_of(
        "web.subscriptions.show",
        subscription=subscription,
        state=_state(request.form.get("state")),
        cursor=request.form.get("cursor"),
    )
    return visit.kept(here, "subscriptions.resent")


def _shown(known: Subscription, form: Form | None = None) -> Response:
    state, cursor = _state(request.args.get("state")), request.args.get("cursor") or None
    try:
        place = read_cursor(cursor, 1)
    except Invalid:
        place = cursor = None
    found = subscribing.deliveries(
        visit.parts(), visit.person(), known.id, state=state, cursor=place, limit=MOST
    )

    def address(to: str | None) -> str | None:
        if to is None:
            return None
        return address_of("web.subscriptions.show", subscription=known.id, state=state, cursor=to)

    form = form or Form(Given())
    with visit.parts().pool.connection() as connection:
        owner = people.names(connection, {known.person}).get(known.person)
    return page(
        "subscriptions/show.html",
        form.status,
        refused=form,
        test=Form(Given()),
        subscription=known,
        queue=queue_name(known.id),
        owner=None if known.person == visit.person().id else owner,
        secret=subscribing.may_see_secret(visit.person(), known),
        until=_until(known),
        types=[kind_of(TYPES[each]) for each in known.types if each in TYPES],
        programmes=[names(visit.parts()).programme(code) for code in known.programmes],
        deliveries=found.items,
        called=_called,
        why=_why,
        state=state,
        states=[(each, say(f"subscriptions.state-{each}")) for each in SHOWN_STATES],
        cursor=cursor,
        previous=address(found.previous),
        next=address(found.next),
        tones=TONES,
        tries=len(WAITS) + 1,
        hours=int(sum(WAITS) / 3600),
    )


def _asked(form: Form, known: Subscription | None) -> Response:
    called = names(visit.parts())
    found = None if known else subscribing.owners(visit.parts(), visit.person())
    owners = None if found is None else [(id, f"{name} ({email})") for id, name, email in found]
    codes = sorted({*published_codes(visit.parts()), *(known.programmes if known else ())})
    return page(
        "subscriptions/edit.html",
        form.status,
        form=form,
        subscription=known,
        types=[(type, kind_of(name), type.removeprefix(BEGIN)) for type, name in TYPES.items()],
        programmes=[(code, called.programme(code)) for code in codes],
        longest=LONGEST_URL,
        owners=owners,
        own=may(visit.person(), "read-events"),
    )


def _secret(id: str, form: Form) -> Response:
    known = subscribing.with_secret(visit.parts(), visit.person(), id)
    return page(
        "subscriptions/secret.html",
        form.status,
        form=form,
        subscription=known,
        secret=subscriptions.secret(visit.parts().settings, known),
        until=_until(known),
    )


def _removal(known: Subscription, form: Form) -> Response:
    return page("subscriptions/removal.html", form.status, form=form, subscription=known)


def _rotation() -> RotationSchema:
    """What is ticked; the version stands in the form by itself."""
    return RotationSchema(only=("old_stops",))


def _until(known: Subscription) -> datetime | None:
    """Until when the secret before signs along; None when it does not (any more)."""
    return subscriptions.old_signs_until(known, datetime.now(UTC))


def _called(kept: Kept) -> str:
    """What a message tells of, in words."""
    return say("subscriptions.a-test") if kept.type == TEST_TYPE else kind_of(TYPES[kept.type])


def _why(reason: str | None) -> str:
    """Why something did not arrive: our own codes in words, and what they are about; what the other side said as is."""
    code, _, about = (reason or "").partition(" ")
    key = f"subscriptions.why-{code}"
    if has_text(key):
        return f"{say(key)}: {about}" if about else say(key)
    sentences = catalog(visit.language()).sentences
    return sentences[code] if code in sentences and not about else reason or ""


def _state(given: str | None) -> str | None:
    return given if given in SHOWN_STATES else None


def _say_away(form: Form) -> None:
    form.status, form.message = 503, catalog(visit.language()).say("broker-unavailable", {})
