"""Which part of a long list? A page after or before a place in it, however the list has changed meanwhile."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from domain.errors import Invalid

__all__ = ["Cursor", "Page", "page", "read_cursor"]

T = TypeVar("T")

FORWARD, BACKWARD = "n", "p"


@dataclass(frozen=True)
class Cursor:
    """A place in a list, by the key of an entry: what comes after it, or (`backward`) before it."""

    key: tuple[str, ...]
    backward: bool = False

    def __str__(self) -> str:
        plain = msgspec.json.encode([BACKWARD if self.backward else FORWARD, *self.key])
        return base64.urlsafe_b64encode(plain).decode().rstrip("=")


@dataclass(frozen=True)
class Page(Generic[T]):
    """Part of a list, and the cursors of the parts after and before it, where there are such."""

    items: list[T]
    next: str | None = None
    previous: str | None = None


def read_cursor(text: str | None, parts: int) -> Cursor | None:
    """The place that an earlier page named, by a key of so many parts. Refuses what no page named."""
    if text is None:
        return None
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        direction, *key = msgspec.json.decode(base64.b64decode(padded, b"-_", validate=True), type=list[str])
    except (UnicodeEncodeError, binascii.Error, msgspec.DecodeError, ValueError):
        raise Invalid("cursor-invalid", "/cursor") from None
    if direction not in (FORWARD, BACKWARD) or len(key) != parts or any("\x00" in part for part in key):
        raise Invalid("cursor-invalid", "/cursor")
    return Cursor(tuple(key), direction == BACKWARD)


def page(
    found: Sequence[T], limit: int, cursor: Cursor | None, key: Callable[[T], tuple[str, ...]]
) -> Page[T]:
    """The page that was asked for, from at most `limit + 1` entries beyond the cursor, in the order they were met."""
    more = len(found) > limit
    items = list(found[:limit])
    backward = cursor is not None and cursor.backward
    if backward:
        items.reverse()
    if not items:
        return Page([])
    following = str(Cursor(key(items[-1]))) if (backward or more) else None
    before = (cursor is not None and not backward) or (backward and more)
    return Page(items, following, str(Cursor(key(items[0]), backward=True)) if before else None)
