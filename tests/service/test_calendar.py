"""On which days nobody works: those of the Algemene termijnenwet."""

from __future__ import annotations

from datetime import date

import pytest

from service.calendar import calendar, today

NOBODY_WORKS = [
    (2026, 1, 1),  # Nieuwjaarsdag
    (2026, 4, 3),  # Goede Vrijdag
    (2026, 4, 6),  # tweede paasdag
    (2026, 4, 27),  # Koningsdag
    (2026, 5, 14),  # Hemelvaartsdag
    (2026, 5, 25),  # tweede pinksterdag
    (2026, 12, 25),
    (2026, 12, 26),
    (2025, 4, 26),  # Koningsdag, the 27th being a Sunday
]


@pytest.mark.parametrize("day", NOBODY_WORKS, ids=str)
def test_nobody_works_on_the_holidays_the_law_names(day: tuple[int, int, int]) -> None:
    assert date(*day) in calendar("Europe/Amsterdam").holidays


@pytest.mark.parametrize("year", [2020, 2021, 2025, 2026, 2030])
def test_liberation_day_counts_every_year_not_once_in_five(year: int) -> None:
    assert date(year, 5, 5) in calendar("Europe/Amsterdam").holidays


@pytest.mark.parametrize("day", [(2026, 12, 5), (2026, 12, 31), (2026, 5, 4), (2025, 4, 27)], ids=str)
def test_people_work_on_other_days(day: tuple[int, int, int]) -> None:
    assert date(*day) not in calendar("Europe/Amsterdam").holidays


def test_today_is_the_date_in_the_region() -> None:
    # A clock may pass midnight between the two.
    assert (today("Europe/Amsterdam") - calendar("Europe/Amsterdam").today).days in (0, -1)
