"""Which words of a case are taken away, and on which ground? The log keeps its digests, and who decided it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from domain.errors import Invalid
from domain.event_texts import texts_of
from domain.events import Event, RetentionApplied, TextRedacted
from domain.recorded import Recorded

__all__ = ["GROUNDS", "RETENTION", "Redact", "gone", "redact"]

GROUNDS = ("privacy", "woo", "legal-order", "mistake")
"""Why words may be taken away: personal data (AVG), Woo 5.1, an order of a court or authority, recorded by mistake."""

RETENTION = "retention"
"""Why all words of a case went: the term for which they are kept is over."""


@dataclass(frozen=True, slots=True)
class Redact:
    """Take these texts away, each by the position of its event and its path in it: `12/content.summary`."""

    texts: tuple[str, ...]
    ground: str
    remarks: str
    effective_on: date


def gone(history: Sequence[Recorded]) -> dict[str, str]:
    """What has been taken away in a case, with the ground of each: `12/content.summary` for `privacy`."""
    found: dict[str, str] = {}
    for number, recorded in enumerate(history):
        match recorded.event:
            case TextRedacted() as event:
                found |= {f"{event.about}/{path}": event.ground for path in event.paths}
            case RetentionApplied():
                before = {
                    f"{each.position}/{path}" for each in history[:number] for path in texts_of(each.event)
                }
                found = {**dict.fromkeys(before, RETENTION), **found}
    return found


def redact(command: Redact, history: Sequence[Recorded]) -> list[Event]:
    """One event for each event that texts are taken from. Refuses a text that is not there, or not any more."""
    if command.ground not in GROUNDS:
        raise Invalid("unknown-choice", "/ground", value=command.ground, known=GROUNDS)
    there = {f"{recorded.position}/{path}" for recorded in history for path in texts_of(recorded.event)}
    taken = gone(history)
    chosen: dict[int, list[str]] = {}
    for index, text in enumerate(dict.fromkeys(command.texts)):
        if text not in there:
            raise Invalid("unknown-text", f"/texts/{index}", value=text)
        if text in taken:
            raise Invalid("text-redacted-before", f"/texts/{index}", value=text)
        position, _, path = text.partition("/")
        chosen.setdefault(int(position), []).append(path)
    if not chosen:
        raise Invalid("texts-needed", "/texts")
    return [
        TextRedacted(about, tuple(paths), command.ground, command.remarks)
        for about, paths in sorted(chosen.items())
    ]
