"""On which dates does the demo happen? Working days before the day on which it was first replayed."""

from __future__ import annotations

from datetime import date, timedelta

__all__ = ["period", "working_days_before"]

DECEMBER = 12


def working_days_before(day: date, ago: int, holidays: frozenset[date]) -> date:
    """The working day `ago` working days before `day`, or before the last working day where `day` is none."""
    found = day
    while _free(found, holidays):
        found -= timedelta(days=1)
    for _ in range(ago):
        found -= timedelta(days=1)
        while _free(found, holidays):
            found -= timedelta(days=1)
    return found


def period(submitted: date, months: int) -> dict[str, date]:
    """A project of so many whole months, which begins two months after the month of its submission."""
    start = _month(submitted, 2)
    return {"start": start, "end": _month(start, months) - timedelta(days=1)}


def _free(day: date, holidays: frozenset[date]) -> bool:
    return day.weekday() >= 5 or day in holidays


def _month(day: date, later: int) -> date:
    """The first day of the month so many months later."""
    years, month = divmod(day.month - 1 + later, DECEMBER)
    return date(day.year + years, month + 1, 1)
