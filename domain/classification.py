"""How does a proposal, or one act on it, get its level of confidentiality? Set by itself, or along with the act."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from domain.case import Case
from domain.confidentiality import Confidentiality, check_confidentiality
from domain.errors import Invalid
from domain.events import ConfidentialitySet, Event

__all__ = ["WHOLE", "Classify", "classify", "with_confidentiality"]

WHOLE = 0
"""What a level is about that is about the whole proposal."""

Changes = Sequence[tuple[str, Event]]


@dataclass(frozen=True, slots=True)
class Classify:
    """Set the level of the whole proposal (WHOLE), or of the act whose event is this version of its stream."""

    about: int
    confidentiality: Confidentiality
    remarks: str
    effective_on: date


def classify(command: Classify, case: Case, today: date) -> list[Event]:
    """The level counts from now on, whatever the case waits for: also of what has ended."""
    if command.about != WHOLE and command.about not in case.acts:
        raise Invalid("unknown-act", "/about", value=command.about, known=sorted(case.acts))
    check_confidentiality(command.confidentiality, today)
    return [_set(command.about, command.confidentiality, command.remarks)]


def with_confidentiality(changes: Changes, given: Confidentiality | None, case: Case, today: date) -> Changes:
    """What an act records, and right behind it the level that was given along with it. The act itself comes first."""
    if given is None:
        return changes
    check_confidentiality(given, today, "/confidentiality")
    level = (case.proposal, _set(case.version + 1, given, ""))
    return [changes[0], level, *changes[1:]]


def _set(about: int, given: Confidentiality, remarks: str) -> Event:
    return ConfidentialitySet(about, given.level, given.ground, given.until, remarks)
