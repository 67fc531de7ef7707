"""How do money, dates and instants look in a document? As JSON has none of these."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache

__all__ = ["ZERO", "cents", "day", "euros", "instant", "money"]

ZERO = Decimal("0.00")


def money(amount: Decimal) -> str:
    """Euros with two decimals: 25000.00."""
    return f"{amount:.2f}"


def cents(amount: Decimal) -> int:
    """Whole cents: sums of these are exact and fast."""
    return int(amount.scaleb(2))


def euros(cents: int) -> str:
    """A sum of cents as euros with two decimals."""
    return f"{Decimal(cents).scaleb(-2):.2f}"


@lru_cache(maxsize=4096)
def day(value: date) -> str:
    """2020-12-07."""
    return value.isoformat()


@lru_cache(maxsize=20_000)
def instant(value: datetime) -> str:
    """2020-12-07T10:00:00.000000Z: UTC, always with its microseconds, so that it sorts as text.

    Remembered for about a batch of events: several views show the same ones.
    """
    utc = value.astimezone(UTC)
    return f"{day(utc.date())}T{utc.time().isoformat('microseconds')}Z"
