"""When a term ends: weekends and holidays do not count."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.working_days import add_working_days

CHRISTMAS = frozenset({date(2026, 12, 25), date(2026, 12, 26), date(2027, 1, 1)})
DATES = st.dates(date(2000, 1, 1), date(2090, 1, 1))


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        (date(2026, 12, 7), 0, date(2026, 12, 7)),
        (date(2026, 12, 7), 1, date(2026, 12, 8)),
        (date(2026, 12, 7), 10, date(2026, 12, 21)),
        # From a Friday, and from the weekend, the first day is Monday.
        (date(2026, 12, 11), 1, date(2026, 12, 14)),
        (date(2026, 12, 12), 1, date(2026, 12, 14)),
        (date(2026, 12, 13), 1, date(2026, 12, 14)),
        # Over Christmas (a Friday) and New Year's day (a Friday).
        (date(2026, 12, 24), 1, date(2026, 12, 28)),
        (date(2026, 12, 21), 10, date(2027, 1, 6)),
    ],
)
def test_a_term_ends_after_its_working_days(start: date, days: int, end: date) -> None:
    assert add_working_days(start, days, CHRISTMAS) == end


def is_working_day(day: date, holidays: frozenset[date]) -> bool:
    return day.weekday() < 5 and day not in holidays


@given(start=DATES, days=st.integers(1, 60), off=st.sets(st.integers(0, 90), max_size=10))
def test_exactly_so_many_working_days_lie_in_a_term_and_it_ends_on_one(
    start: date, days: int, off: set[int]
) -> None:
    holidays = frozenset(start + timedelta(days=number) for number in off)
    end = add_working_days(start, days, holidays)
    within = [start + timedelta(days=number) for number in range(1, (end - start).days + 1)]
    assert sum(is_working_day(day, holidays) for day in within) == days
    assert is_working_day(end, holidays)


@given(start=DATES, first=st.integers(0, 30), second=st.integers(0, 30))
def test_terms_add_up(start: date, first: int, second: int) -> None:
    middle = add_working_days(start, first, CHRISTMAS)
    assert add_working_days(middle, second, CHRISTMAS) == add_working_days(start, first + second, CHRISTMAS)
