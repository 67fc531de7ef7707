"""How does somebody turn off the mail they just got? By the link in it: a page that asks, and then does it.

The link is the right to do it, so nobody has to sign in. Mail programs send the form by themselves, with one click
(RFC 8058), from wherever they are.
"""

from __future__ import annotations

from flask import Blueprint, Response, abort

from service.messaging.mail import readers, unsubscribe
from service.messaging.mail.unsubscribe import Subscription
from service.web import visit
from service.web.rendering import has_text, page, say
from service.web.visit import from_anywhere, public

area = Blueprint("unsubscribe", __name__)


@area.get("/unsubscribe/<token>")
@public
def ask(token: str) -> Response:
    """Is this mail to be turned off? Nothing changes yet: programs open links to see what is behind them."""
    subscription = _read(token)
    return _page(subscription, "ask")


@area.post("/unsubscribe/<token>")
@public
@from_anywhere
def turn_off(token: str) -> Response:
    """It is turned off. What the law requires stays on, and the page says so."""
    subscription = _read(token)
    with visit.parts().pool.connection() as connection:
        done = unsubscribe.turn_off(connection, subscription)
    return _page(subscription, "done" if done else "ask", 200 if done else 409)


def _read(token: str) -> Subscription:
    """What the link is about. It is read to who got it, in their language, whoever looks."""
    found = unsubscribe.read(visit.parts().settings, token)
    if found is None:
        abort(404)
    with visit.parts().pool.connection() as connection:
        reader = readers.find(connection, found.recipient)
    if reader is not None:
        visit.speak(reader.language)
    return found


def _page(subscription: Subscription, step: str, status: int = 200) -> Response:
    return page(
        "unsubscribe/ask.html", status, step=step, of=_of(subscription), required=subscription.required,
        what=_what(subscription),
    )  # fmt: skip


def _of(subscription: Subscription) -> str:
    """Which words of the page count: those for a council, for a stand-in, or for anybody."""
    if readers.is_council(subscription.recipient):
        return "-council"
    return "-stand-in" if subscription.instead_of else ""


def _what(subscription: Subscription) -> str:
    """What the mail is about that is turned off; empty where that has no name."""
    for key in (f"unsubscribe.digest-{subscription.mode}", f"preferences.kind-{subscription.kind}"):
        if has_text(key):
            return say(key)
    return ""
