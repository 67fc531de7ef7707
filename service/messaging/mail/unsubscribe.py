"""May the reader turn this mail off, and how? By a link that only we can have made: it says whose mail, of which kind.

Whoever has the link may use it, without signing in: mail programs do so with one click (RFC 8058).
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from hmac import compare_digest
from typing import Any

import msgspec
import psycopg

from projections.notices import TERMS
from service.documents import councils
from service.identity import people
from service.keyed import sign, signatures
from service.messaging import preferences
from service.messaging.ledger import Delivery
from service.messaging.mail.readers import is_council
from service.settings import Settings

__all__ = ["Subscription", "link", "of", "read", "turn_off"]

PURPOSE = b"besluitspoor unsubscribe 1\n"
"""So that what is signed here is good for nothing else that the secret signs."""
TAG = 16
"""Bytes of the signature: as hard to guess as a key of 128 bits."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """Mail of one kind to one recipient. `mode`: of a digest, which one. `required`: by law, so it stays on.

    `instead_of`: for whom the recipient stands in, as that person chose.
    """

    recipient: str
    kind: str
    mode: str = ""
    required: bool = False
    instead_of: str = ""


def of(delivery: Delivery) -> Subscription:
    """What the mail of this delivery is part of."""
    mode = str(delivery.facts.get("mode", "")) if delivery.kind == "digest" else ""
    return Subscription(delivery.recipient, delivery.kind, mode, delivery.required, delivery.instead_of or "")


def link(settings: Settings, subscription: Subscription) -> str:
    """The address where this can be turned off."""
    return f"{settings.public_url}/unsubscribe/{_token(settings, subscription)}"


def read(settings: Settings, token: str) -> Subscription | None:
    """What this token is about; None for one that we did not make."""
    said, _, signed = token.partition(".")
    try:
        payload, tag = _bytes(said), _bytes(signed)
    except ValueError:
        return None
    made = signatures(settings, PURPOSE + payload)
    if not any(compare_digest(tag, each[:TAG]) for each in made):
        return None
    return Subscription(*msgspec.json.decode(payload, type=tuple[str, str, str, bool, str]))


def turn_off(connection: psycopg.Connection[Any], subscription: Subscription) -> bool:
    """From now on this recipient gets no such mail; again does nothing. False for what the law requires.

    Of a digest, each kind that would have come in it. A council's address is kept as unsubscribed. Who stands in for
    somebody does so no more: that one's mail is for that one to turn off. What is in the inbox stays.
    """
    if subscription.required:
        return False
    if is_council(subscription.recipient):
        councils.unsubscribe(connection, subscription.recipient)
    elif subscription.instead_of:
        connection.execute(
            "UPDATE vault.hearing SET stand_in = NULL WHERE person = %s AND stand_in = %s",
            (subscription.instead_of, subscription.recipient),
        )
    elif people.get(connection, subscription.recipient) is not None:
        preferences.choose(connection, subscription.recipient, _off(connection, subscription))
    return True


def _off(connection: psycopg.Connection[Any], subscription: Subscription) -> dict[tuple[str, str], str]:
    if subscription.kind != "digest":
        kinds = [subscription.kind] if subscription.kind in preferences.CHOOSABLE else []
    elif subscription.mode == "terms":
        kinds = list(TERMS)
    else:
        found = preferences.modes(connection, subscription.recipient)
        kinds = [
            kind
            for (kind, channel), mode in found.items()
            if channel == "email" and mode == subscription.mode
        ]
    return {(kind, "email"): "off" for kind in kinds}


def _token(settings: Settings, subscription: Subscription) -> str:
    each = subscription
    payload = msgspec.json.encode((each.recipient, each.kind, each.mode, each.required, each.instead_of))
    return f"{_text(payload)}.{_text(sign(settings, PURPOSE + payload)[:TAG])}"


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    if not text.isascii() or "=" in text:
        raise ValueError("no letters of ours")
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
