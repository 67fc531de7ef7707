"""When does a term end? Working days: Monday to Friday, less the holidays passed in."""

from __future__ import annotations

from datetime import date, timedelta

__all__ = ["add_working_days", "working_days_until"]


def add_working_days(start: date, days: int, holidays: frozenset[date]) -> date:
    """The date `days` working days after `start`; 0 gives `start` itself."""
    day = start
    while days > 0:
        day += timedelta(days=1)
        if day.weekday() < 5 and day not in holidays:
            days -= 1
    return day


def working_days_until(start: date, end: date, holidays: frozenset[date]) -> int:
    """How many working days after `start` the date `end` is: 0 on the same day, negative when it has passed."""
    first, last = min(start, end), max(start, end)
    weeks, rest = divmod((last - first).days, 7)
    days = 5 * weeks + sum((first + timedelta(days=n)).weekday() < 5 for n in range(1, rest + 1))
    days -= sum(1 for day in holidays if first < day <= last and day.weekday() < 5)
    return days if start <= end else -days
