"""Which amounts of money can be given? Whole cents, more than nothing."""

from __future__ import annotations

from decimal import Decimal

from domain.errors import Invalid

__all__ = ["refuse_no_amount"]

CENT = Decimal("0.01")


def refuse_no_amount(amount: Decimal, field: str) -> None:
    """Refuses what can be no amount of money: nothing or less, or parts of a cent. `field` is its JSON pointer."""
    if not amount.is_finite() or amount <= 0:
        raise Invalid("money-not-positive", field)
    if amount != amount.quantize(CENT):
        raise Invalid("money-invalid", field)
