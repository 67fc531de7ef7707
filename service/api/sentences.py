"""What happened, in words? Each entry of a timeline with a sentence in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from domain.recorded import Recorded
from projections.timeline import timeline
from service.api.problems import language
from service.texts import catalog

__all__ = ["told"]


def told(history: Iterable[Recorded]) -> list[dict[str, Any]]:
    """The entries of a history, each with its sentence; an event that no catalog knows goes by its name."""
    sentences = catalog(language())
    return [
        {**entry, "sentence": sentences.tell(entry["event"], entry["facts"])} for entry in timeline(history)
    ]
