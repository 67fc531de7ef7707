"""What did an act do? 201 with what it was about, folded as of the last position the act recorded.

So the answer to a repeat with the same Idempotency-Key is the first answer again, whatever happened since.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response

from domain.recorded import Moment, stream_kind
from projections import budget, programmes
from projections.timeline import facts
from projections.view import Document
from service import reading
from service.api.answers import written
from service.api.context import Call
from service.api.openapi import PREFIX
from service.commands import Done
from service.words import fill

__all__ = ["created"]

PLACES = {
    "proposal": "proposals", "envelope": "envelopes", "programme": "programmes", "newsletter": "newsletters",
}  # fmt: skip
"""Where each kind of stream is found."""

BY_STREAM = ("proposal", "newsletter")
"""What goes by the whole name of its stream."""

FOLDS: dict[str, Callable[[Any, Any], Document | None]] = {
    "envelope": budget.evolve,
    "programme": programmes.evolve,
    "newsletter": lambda _, recorded: {"id": recorded.stream, **facts(recorded)},
}


def created(call: Call, done: Done) -> Response:
    """The answer to an act."""
    kind = stream_kind(done.stream)
    name = done.stream if kind in BY_STREAM else done.stream.removeprefix(f"{kind}-")
    headers = {
        "Location": f"{PREFIX}/{PLACES[kind]}/{name}",
        "ETag": f'"{done.version}"',
        "Event-Position": str(done.position),
    }
    return written(_document(call, kind, done), 201, headers)


def _document(call: Call, kind: str, done: Done) -> Document | None:
    with call.parts.pool.connection() as connection:
        history = done.history
        if history is None:
            history = reading.history(connection, done.stream, Moment(position=done.position))
        document: Document | None = None
        if kind == "proposal":
            document = reading.status_of(history)
        else:
            for recorded in history:
                document = FOLDS[kind](document, recorded)
        return fill(document, connection, call.scope, done.said)
