"""What happened, in words? Each entry of a timeline with a sentence in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from domain.recorded import Recorded
from projections.timeline import NO_LEVELS, timeline
from projections.view import Document
from service.api.problems import language
from service.texts import catalog

__all__ = ["Called", "told"]

Called = Mapping[tuple[str, str], str]
"""What a fact is called for people, by its name and code: ("body", "poho") is a consultation of portfolio holders."""
NOTHING: Called = {}


def told(
    history: Iterable[Recorded],
    reads: str | None = None,
    called: Called = NOTHING,
    levels: Mapping[int, Document] = NO_LEVELS,
) -> list[dict[str, Any]]:
    """The entries of a history, each with its sentence; an event that no catalog knows goes by its name.

    `reads`: the reader's language, where it is not the one that the request asks for. `levels` of confidentiality go by
    the version of the act.
    """
    sentences = catalog(reads or language())
    return [
        {**entry, "sentence": sentences.tell(entry["event"], _named(_whole(entry), called))}
        for entry in timeline(history, levels)
    ]


def _whole(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """The facts of an entry; of a level also in words what it is about, and that it has no ground."""
    facts: Mapping[str, Any] = entry["facts"]
    if entry["event"] != "ConfidentialitySet":
        return facts
    what = "one-act" if facts["about"] else "whole-proposal"
    return {**facts, "what": what, "ground": facts["ground"] or "none"}


def _named(facts: Mapping[str, Any], called: Called) -> Mapping[str, Any]:
    return {
        name: called.get((name, value), value) if isinstance(value, str) else value
        for name, value in facts.items()
    }
