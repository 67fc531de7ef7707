"""What command does it come to, what somebody sent with an act? As the schemas load it, for the API and the pages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from domain.award import Award
from domain.classification import Classify
from domain.confidentiality import Confidentiality
from domain.events import Phase
from domain.proposal import CheckCompleteness, Decide, Resume, Review

__all__ = [
    "award_input",
    "classification_input",
    "completeness_input",
    "decision_input",
    "resumption_input",
    "review_input",
]

Given = Mapping[str, Any]


def completeness_input(given: Given, on: date) -> CheckCompleteness:
    """The completeness check, effective on a date."""
    return CheckCompleteness(given["outcome"], given["remarks"], given["due_on"], on, _along(given))


def review_input(given: Given, on: date) -> Review:
    """The advice of a body, effective on a date."""
    return Review(
        body=given["body"],
        advice=given["advice"],
        grounds=given["grounds"],
        conditions=tuple(given["conditions"]),
        effective_on=on,
        scores=given["scores"],
        assessments=given["assessments"],
        confidentiality=_along(given),
    )


def decision_input(given: Given, on: date) -> Decide:
    """The decision of a body, effective on a date."""
    return Decide(
        body=given["body"],
        outcome=given["outcome"],
        grounds=given["grounds"],
        conditions=tuple(given["conditions"]),
        effective_on=on,
        confidentiality=_along(given),
    )


def classification_input(given: Given, today: date) -> Classify:
    """The level of a proposal, or of an act on it; it counts from today."""
    return Classify(given["about"], _level(given), given["remarks"], today)


def _along(given: Given) -> Confidentiality | None:
    """The level that goes along with an act, if one was given."""
    level: Given | None = given["confidentiality"]
    return None if level is None else _level(level)


def _level(given: Given) -> Confidentiality:
    return Confidentiality(given["level"], given["ground"] or "", given["until"])


def resumption_input(given: Given, on: date) -> Resume:
    """A held-over case is taken up again, effective on a date."""
    return Resume(on)


def award_input(given: Given, on: date) -> Award:
    """The award, in phases that count from 1, effective on a date."""
    phases = tuple(
        Phase(number, phase["amount"], phase["release_condition"])
        for number, phase in enumerate(given["phases"], start=1)
    )
    return Award(given["envelope"], given["amount"], given["provisional"], phases, on, _along(given))
