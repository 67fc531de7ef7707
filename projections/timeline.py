"""What happened in a case, in order? Its stream as readable entries, folded when somebody asks.

An entry names the event and carries its facts; the sentence for it, in the reader's language, is made from these.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from domain.recorded import Recorded
from projections.plain import day, instant, money
from projections.view import Document
from projections.words import capacity, party, person, ref

__all__ = ["NO_LEVELS", "entry", "facts", "timeline"]


NO_LEVELS: Mapping[int, Document] = {}


def timeline(history: Iterable[Recorded], levels: Mapping[int, Document] = NO_LEVELS) -> list[dict[str, Any]]:
    """The entries of a history, in its order; `levels` of confidentiality by the version of the act."""
    return [entry(recorded, levels.get(recorded.version)) for recorded in history]


def entry(recorded: Recorded, confidentiality: Document | None = None) -> dict[str, Any]:
    """One event, readable."""
    return {
        "position": recorded.position,
        "version": recorded.version,
        "event": recorded.name,
        "recordedAt": instant(recorded.recorded_at),
        "effectiveOn": day(recorded.effective_on),
        "by": person(recorded.by),
        "capacity": capacity(recorded.capacity),
        "commandId": recorded.command_id,
        "cause": recorded.cause,
        "confidentiality": confidentiality,
        "facts": facts(recorded),
    }


def facts(recorded: Recorded) -> dict[str, Any]:
    """The fields of the event in JSON types, words and names by reference."""
    return _fields(recorded, recorded.event, "")


def _fields(recorded: Recorded, value: Any, path: str) -> dict[str, Any]:
    return {
        _camel(field.name): _plain(recorded, getattr(value, field.name), str(field.type), path + field.name)
        for field in fields(value)
    }


def _plain(recorded: Recorded, value: Any, annotation: str, path: str) -> Any:
    """A field's value; `annotation` is how `domain/events.py` types it, which tells words and ids from codes."""
    if isinstance(value, str):
        if "Text" in annotation:
            return ref(recorded, path, value)
        if "PartyId" in annotation:
            return party(value)
        return person(value) if "PersonId" in annotation else value
    if isinstance(value, Decimal):
        return money(value)
    if isinstance(value, date):
        return day(value)
    if isinstance(value, tuple):
        return [_plain(recorded, each, annotation, f"{path}.{index}") for index, each in enumerate(value)]
    if is_dataclass(value):
        return _fields(recorded, value, f"{path}.")
    return value


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
