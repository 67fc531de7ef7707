"""What do the headers of a request say? Each is checked for form; what is wrong points at the header."""

from __future__ import annotations

import json
import re
from typing import Any

from flask import request

from service.api.problems import Fault, Problem
from service.eventstore import Once
from service.keyed import once_for
from service.settings import Settings

__all__ = ["bearer", "event_position", "if_match", "once"]

KEY = re.compile(r"[\x21-\x7e]{1,255}")
TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')
"""An entity tag; a comma may stand in it."""
TAGS = re.compile(rf"{TAG.pattern}([ \t]*,[ \t]*{TAG.pattern})*")
VERSION = re.compile(r'"([0-9]{1,18})(\.[0-9a-f]{32})?"')
POSITION = re.compile(r"[0-9]{1,18}")


def bearer() -> str | None:
    """The token of `Authorization: Bearer`, or None without one."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def once(settings: Settings, body: Any) -> Once | None:
    """The Idempotency-Key with a digest of the request it is for, or None without one."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not KEY.fullmatch(key):
        raise wrong("Idempotency-Key", "idempotency-key-invalid")
    plain = json.dumps([request.method, request.path, body], sort_keys=True, separators=(",", ":"))
    return once_for(settings, key, plain.encode())


def if_match() -> tuple[int, ...] | None:
    """The versions that `If-Match` asks for, any of them, or None where any there is will do.

    A weak tag matches nothing (RFC 9110), and neither does that of an answer without a version. Of a tag with a digest
    the version counts: who acts on a case may not have seen a name that was erased since.
    """
    given = request.headers.get("If-Match")
    if given is None or given.strip() == "*":
        return None
    if not TAGS.fullmatch(given.strip()):
        raise wrong("If-Match", "if-match-invalid")
    found = (VERSION.fullmatch(tag) for tag in TAG.findall(given))
    return tuple(int(version[1]) for version in found if version)


def event_position() -> int | None:
    """The position up to which the answer must have seen the log, or None."""
    given = request.headers.get("Event-Position")
    if given is None:
        return None
    if not POSITION.fullmatch(given.strip()):
        raise wrong("Event-Position", "event-position-invalid")
    return int(given)


def wrong(header: str, code: str, **facts: object) -> Problem:
    """The refusal of a header."""
    return Problem(400, "invalid-input", Fault(code, header, "header", facts))
