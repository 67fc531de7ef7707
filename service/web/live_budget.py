"""What does the money come to, as it is filled in so far? Total, share and multiplier, beside what the programme asks.

What cannot be read as an amount yet is left out, and said to be. Whether it is enough is said by the rule that judges
the submission, and not before the amount asked for and every row are complete.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Decimal

from marshmallow import ValidationError

from domain.programme import Programme, Requirement
from domain.requirements import euros_short
from service.api.fields import Money
from service.web.forms import Form, amount

__all__ = ["STATUSES", "Budget", "Need", "budget", "read_amount", "unfinished"]

STATUSES = ("promised", "granted", "own")
"""How sure the money of others is."""

CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Need:
    """A multiplier that the programme asks. `short`: the euros of others that are still missing."""

    requirement: Requirement
    minimum: Decimal
    short: Decimal

    @property
    def met(self) -> bool:
        """Is there enough?"""
        return self.short <= 0


@dataclass(frozen=True, slots=True)
class Budget:
    """`requested` is None until it is filled in; `unread`: how many amounts cannot be read."""

    requested: Decimal | None
    by_status: dict[str, Decimal]
    cofinancing: Decimal
    unread: int
    unfinished: int
    """Rows in which something is missing; while there are any, nothing is said of the needs."""
    needs: tuple[Need, ...]

    @property
    def total(self) -> Decimal:
        """What it costs in all."""
        return (self.requested or Decimal(0)) + self.cofinancing

    @property
    def share(self) -> int | None:
        """The part of the total that is asked for, in whole percents."""
        if self.requested is None:
            return None
        return int((100 * self.requested / self.total).quantize(Decimal(1), ROUND_HALF_UP))

    @property
    def multiplier(self) -> Decimal | None:
        """Euros of others for each euro asked for, rounded down so that too little never looks enough."""
        if self.requested is None:
            return None
        return (self.cofinancing / self.requested).quantize(CENT, ROUND_DOWN)


def budget(form: Form, programme: Programme) -> Budget:
    """What the amounts on a form come to."""
    asked = form.value("requested")
    requested = read_amount(asked)
    by_status = {status: Decimal(0) for status in STATUSES}
    cofinancing, unread = Decimal(0), int(bool(asked.strip()) and requested is None)
    for row in form.rows("cofinancing", 0):
        typed = form.value(f"cofinancing.{row}.amount")
        euros = read_amount(typed)
        if euros is None:
            unread += bool(typed.strip())
            continue
        cofinancing += euros
        status = form.value(f"cofinancing.{row}.status")
        if status in by_status:
            by_status[status] += euros
    left = unfinished(form)
    needs = () if left or requested is None else _needs(requested, cofinancing, form.all("themes"), programme)
    return Budget(requested, by_status, cofinancing, unread, left, tuple(needs))


def unfinished(form: Form) -> int:
    """How many rows of money of others miss a source, an amount that can be read, or how sure it is."""
    rows = [
        [form.value(f"cofinancing.{row}.{column}").strip() for column in ("source", "amount", "status")]
        for row in form.rows("cofinancing", 0)
    ]
    return sum(
        any(row) and not (row[0] and read_amount(row[1]) is not None and row[2] in STATUSES) for row in rows
    )


def read_amount(typed: str) -> Decimal | None:
    """The amount that somebody typed; None while it is none."""
    try:
        found: Decimal = Money().deserialize(amount(typed))
    except ValidationError:
        return None
    return found


def _needs(
    requested: Decimal, cofinancing: Decimal, themes: Iterable[str], programme: Programme
) -> Iterable[Need]:
    chosen = programme.with_parents(themes)
    for requirement in programme.requirements:
        if requirement.function != "multiplier_at_least":
            continue
        if requirement.themes and not chosen.intersection(requirement.themes):
            continue
        short = euros_short(requested, cofinancing, requirement).quantize(CENT, ROUND_UP)
        yield Need(requirement, requirement.minimum or Decimal(1), short)
