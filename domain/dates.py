"""On which date may an act count? Not in the future, and not before what the case already did."""

from __future__ import annotations

from datetime import date

from domain.errors import Invalid

__all__ = ["refuse_before", "refuse_future"]


def refuse_future(effective_on: date, today: date) -> None:
    """Refuses a date after today."""
    if effective_on > today:
        raise Invalid("date-in-future", "/effectiveOn", effectiveOn=effective_on, today=today)


def refuse_before(effective_on: date, last: date) -> None:
    """Refuses a date before the case's last act: only a correction may go back."""
    if effective_on < last:
        raise Invalid("date-before-last-act", "/effectiveOn", effectiveOn=effective_on, lastActOn=last)
