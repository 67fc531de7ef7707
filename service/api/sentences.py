"""What happened, in words? Each entry of a timeline with a sentence in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from domain.recorded import Recorded
from projections.timeline import timeline
from service.api.problems import language
from service.texts import catalog

__all__ = ["Called", "told"]

Called = Mapping[tuple[str, str], str]
"""What a fact is called for people, by its name and code: ("body", "poho") is a consultation of portfolio holders."""
NOTHING: Called = {}


def told(
    history: Iterable[Recorded], reads: str | None = None, called: Called = NOTHING
) -> list[dict[str, Any]]:
    """The entries of a history, each with its sentence; an event that no catalog knows goes by its name.

    `reads`: the reader's language, where it is not the one that the request asks for.
    """
    sentences = catalog(reads or language())
    return [
        {**entry, "sentence": sentences.tell(entry["event"], _named(entry["facts"], called))}
        for entry in timeline(history)
    ]


def _named(facts: Mapping[str, Any], called: Called) -> Mapping[str, Any]:
    return {
        name: called.get((name, value), value) if isinstance(value, str) else value
        for name, value in facts.items()
    }
