"""What do words and names say on a page? As everywhere; and where words were redacted, that they were, and why."""

from __future__ import annotations

from typing import Any, TypeVar

import psycopg

from domain.redaction import GROUNDS, RETENTION
from service import words
from service.identity.scope import Scope
from service.web.rendering import say, word

__all__ = ["fill", "is_redacted", "redacted"]

T = TypeVar("T")


def fill(documents: T, connection: psycopg.Connection[Any], scope: Scope) -> T:
    """The same with every reference replaced, for whose scope this is and in their language."""
    return words.fill(documents, connection, scope, redacted=redacted)


def redacted(ground: str) -> str:
    """What stands where words were taken away on this ground."""
    return say("redaction.here", ground=word(ground))


def is_redacted(text: str | None) -> bool:
    """Is this what stands where words were taken away?"""
    return text in {redacted(ground) for ground in (*GROUNDS, RETENTION)}
