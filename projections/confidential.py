"""Which words are withheld? Of a case of which a level was set: its acts by version, and where it says why.

Words at these places are left out for who may not read what is confidential (`service/identity/scope.py`).
"""

from __future__ import annotations

from collections.abc import Iterable

from domain.events import ConfidentialitySet
from domain.recorded import Recorded
from projections.plain import day
from projections.view import Column, Document, View

__all__ = ["CONFIDENTIAL", "SECRET_UNTIL", "evolve", "level", "levels", "secret_until"]

NO_END = "9999-12-31"
"""Until when what is confidential is so, where no end was set."""

SECRET_UNTIL = Column(
    "secret_until",
    'text COLLATE "C"',
    "CASE WHEN document #>> '{confidentiality,level}' = 'confidential'"
    f" THEN coalesce(document #>> '{{confidentiality,until}}', '{NO_END}') END",
)
"""Beside a document with its level: the last day on which it is confidential; nothing for nearly every case."""


def key(recorded: Recorded) -> str | None:
    """Only what sets a level."""
    return recorded.stream if isinstance(recorded.event, ConfidentialitySet) else None


def evolve(document: Document | None, recorded: Recorded) -> Document | None:
    """`acts`: [version, last day] of each that is confidential; `remarks`: the positions where it says why."""
    event = recorded.event
    if not isinstance(event, ConfidentialitySet):
        return document
    before = document or {"acts": [], "remarks": []}
    acts = [each for each in before["acts"] if each[0] != event.about]
    until = secret_until(level(event))
    if event.about and until is not None:
        acts.append([event.about, until])
    remarks = [*before["remarks"], recorded.position] if event.remarks else before["remarks"]
    return {"acts": acts, "remarks": remarks}


def level(event: ConfidentialitySet) -> Document:
    """A level as documents have it."""
    return {
        "level": event.level,
        "ground": event.ground or None,
        "until": day(event.until) if event.until is not None else None,
    }


def levels(history: Iterable[Recorded]) -> dict[int, Document]:
    """The levels that were set in a case, by what they are about: 0 for the whole, else the version of an act."""
    return {r.event.about: level(r.event) for r in history if isinstance(r.event, ConfidentialitySet)}


def secret_until(level: Document | None) -> str | None:
    """The last day on which something of this level is confidential; None when it is not."""
    if level is None or level["level"] != "confidential":
        return None
    return str(level["until"] or NO_END)


CONFIDENTIAL = View(
    name="confidential",
    version=1,
    kinds=frozenset({"proposal"}),
    key=key,
    evolve=evolve,
    columns=(
        Column("acts", "jsonb", "document -> 'acts'"),
        Column("remarks", "jsonb", "document -> 'remarks'"),
    ),
)
