"""What day is it in the region, and on which days does nobody work?"""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cache
from zoneinfo import ZoneInfo

import holidays

from domain.route import Calendar

__all__ = ["calendar", "today"]

LEGAL_FROM = 2015
LEGAL_UNTIL = 2060


def today(timezone: str) -> date:
    """The date it is now in this time zone."""
    return datetime.now(UTC).astimezone(ZoneInfo(timezone)).date()


def calendar(timezone: str) -> Calendar:
    """Today and the days on which nobody works, as decisions need them."""
    return Calendar(today(timezone), dutch_holidays())


@cache  # Working them out takes milliseconds, and every act asks.
def dutch_holidays() -> frozenset[date]:
    """The holidays of the Algemene termijnenwet in the years in which a term can end.

    That law has 5 May every year; the `holidays` package calls it public once in five years and else optional.
    """
    found = holidays.country_holidays(
        "NL", years=range(LEGAL_FROM, LEGAL_UNTIL), categories=("public", "optional")
    )
    return frozenset(found)
