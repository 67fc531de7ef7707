"""Which words does an event carry, and how does it look without them? Digests stay, the words go beside the log."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Hashable, Iterator
from typing import Any, cast

import msgspec

from domain.event_texts import text_paths
from domain.events import Event

__all__ = ["Words", "digest", "take_words"]

SALT_BYTES = 16


class Words(msgspec.Struct, frozen=True):
    """The texts of one event by their path in it, and the salt of each."""

    texts: dict[str, str]
    salts: dict[str, str]


def digest(salt: str, text: str) -> str:
    """The salted SHA-256 (hex) that stands in the log for a text; `salt` is hex."""
    return hashlib.sha256(bytes.fromhex(salt) + text.encode()).hexdigest()


def take_words(event: Event) -> tuple[Event | dict[str, Any], Words | None]:
    """The event as plain values with a digest for each text, and the texts; an empty text stays empty.

    An event of a kind that has no texts is answered as it is.
    """
    paths = text_paths(cast(Hashable, type(event)))
    if not paths:
        return event, None
    plain = msgspec.json.decode(msgspec.json.encode(event))  # lists for tuples, to be replaced in place
    found = [each for path in paths for each in _texts(plain, path, "")]
    # One draw for all of them: each is a call of the system, and lets other threads go first.
    random = secrets.token_bytes(SALT_BYTES * len(found))
    texts: dict[str, str] = {}
    salts: dict[str, str] = {}
    for index, (holder, key, at) in enumerate(found):
        texts[at] = holder[key]
        salts[at] = random[SALT_BYTES * index : SALT_BYTES * (index + 1)].hex()
        holder[key] = digest(salts[at], texts[at])
    return plain, Words(texts, salts) if texts else None


def _texts(plain: Any, path: tuple[str, ...], at: str) -> Iterator[tuple[Any, Any, str]]:
    """The texts at a path that are not empty: what holds each, under which key, and its whole path."""
    step, rest = path[0], path[1:]
    for key in range(len(plain)) if step == "*" else (step,):
        here = f"{at}.{key}" if at else str(key)
        if rest:
            yield from _texts(plain[key], rest, here)
        elif plain[key]:
            yield plain, key, here
