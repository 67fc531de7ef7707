"""Which programmes are there, in which versions? One document a programme, with every version as published."""

from __future__ import annotations

from domain.events import ProgrammePublished
from domain.recorded import Recorded
from projections.plain import day, instant
from projections.view import Column, Document, View, stream_of

__all__ = ["PROGRAMMES", "evolve"]


def evolve(document: Document | None, recorded: Recorded) -> Document | None:
    """The programme after one more publication; `latest` is the definition in force for new proposals."""
    event = recorded.event
    if not isinstance(event, ProgrammePublished):
        return document
    published = {
        "version": event.version,
        "publishedOn": day(recorded.effective_on),
        "publishedAt": instant(recorded.recorded_at),
        "position": recorded.position,
        "definition": event.definition,
    }
    return {
        "id": recorded.stream,
        "code": event.code,
        "version": recorded.version,
        "position": recorded.position,
        "latestVersion": event.version,
        "latest": event.definition,
        "versions": [*(document["versions"] if document else []), published],
    }


PROGRAMMES = View(
    name="programmes",
    version=1,
    kinds=frozenset({"programme"}),
    key=stream_of,
    evolve=evolve,
    columns=(Column("code", "text", "document ->> 'code'"),),
)
