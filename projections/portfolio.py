"""What did it all come to, by theme, municipality and subregion? Rows of facts; any sum at any moment is one query.

A case counts fully under each of its themes, municipalities and subregions (those that stand behind it), so the rows
of one dimension may add up to more than the total. What was requested stays counted when a case is rejected or
withdrawn: it was asked for. `committed` and `held_back` are net of what was moved and returned.

A row is the difference that one event makes. So that a sum up to a date is right even where an event counts from an
earlier date than one before it, the document of a case keeps what it was booked on, as marks: such an event books out
all there was, and in again by date.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from domain.events import (
    Awarded,
    Content,
    Event,
    MoneyMovedIn,
    MoneyMovedOut,
    MoneyReturned,
    PhaseReleased,
    ProposalRevised,
    ProposalSubmitted,
)
from domain.recorded import Recorded
from projections.plain import ZERO, cents, day
from projections.view import Document, Facts, View

__all__ = ["MEASURES", "PORTFOLIO", "change_of_money", "evolve", "facts"]

MEASURES = ("proposals", "requested", "promised", "granted", "own", "committed", "held_back")
"""What is summed: a count, and cents."""

NOTHING = [0] * len(MEASURES)

Mark = list[Any]
"""[effective on, position, what it says or None, change of committed, change of held back], the last two in cents.

What it says: [themes, municipalities, subregions, the measures that follow from its content]."""

Row = tuple[str, list[str], list[int]]
"""(effective on, what it counts under: themes, municipalities, subregions; the measures)."""


def key(recorded: Recorded) -> str | None:
    """Only what changes a measure or what it counts under."""
    return recorded.stream if isinstance(recorded.event, MARKED) else None


def evolve(document: Document | None, recorded: Recorded) -> Document | None:
    """The case with one more mark, what it counts under and its sums; None until it was submitted."""
    event = recorded.event
    if isinstance(event, ProposalSubmitted):
        document = {"programme": event.programme, "marks": [], "under": None, "sums": NOTHING}
    elif document is None:
        return None
    says = _says(event.content) if isinstance(event, SAYING) else None
    committed, held_back = change_of_money(event)
    mark: Mark = [day(recorded.effective_on), recorded.position, says, cents(committed), cents(held_back)]
    marks = [*document["marks"], mark]
    if _late(marks):
        under, sums = _state(sorted(marks, key=_order))
    else:
        under, sums = _marked(document["under"], document["sums"], mark)
    return {"programme": document["programme"], "marks": marks, "under": under, "sums": sums}


def _late(marks: list[Mark]) -> bool:
    """Does the last mark count from an earlier date than one before it?"""
    last = marks[-1][0]
    return any(mark[0] > last for mark in marks)


def _order(mark: Mark) -> tuple[str, int]:
    return mark[0], mark[1]


def _marked(under: list[str] | None, sums: list[int], mark: Mark) -> tuple[list[str] | None, list[int]]:
    """What a case counts under and its sums, after one more mark."""
    _, _, says, committed, held_back = mark
    asked = sums[:5]
    if says is not None:
        *under, asked = says
    return under, [*asked, sums[5] + committed, sums[6] + held_back]


def _state(marks: list[Mark]) -> tuple[list[str] | None, list[int]]:
    under: list[str] | None = None
    sums = NOTHING
    for mark in marks:
        under, sums = _marked(under, sums, mark)
    return under, sums


def _says(content: Content) -> list[Any]:
    """Under what a proposal counts, and for how much."""
    cofinancing = {"promised": ZERO, "granted": ZERO, "own": ZERO}
    for part in content.cofinancing:
        cofinancing[part.status] = cofinancing.get(part.status, ZERO) + part.amount
    return [
        ",".join(sorted(set(content.themes))),
        ",".join(sorted(set(content.municipalities))),
        ",".join(sorted({support.subregion for support in content.subregion_support})),
        [1, cents(content.requested), *(cents(cofinancing[s]) for s in ("promised", "granted", "own"))],
    ]


def change_of_money(event: Event) -> tuple[Decimal, Decimal]:
    """The change of (committed, held back)."""
    match event:
        case MoneyReturned():
            return (
                -sum((part.committed for part in event.parts), ZERO),
                -sum((part.held_back for part in event.parts), ZERO),
            )
        case Awarded():
            held = sum((phase.amount for phase in event.phases if phase.release_condition), ZERO)
            return event.amount - held, held
        case PhaseReleased():
            return event.amount, -event.amount
        case MoneyMovedOut():
            return ZERO, -event.amount
        case MoneyMovedIn():
            return event.amount, ZERO
        case _:
            return ZERO, ZERO


SAYING = (ProposalSubmitted, ProposalRevised)
MARKED = (
    *SAYING,
    MoneyReturned,
    Awarded,
    PhaseReleased,
    MoneyMovedOut,
    MoneyMovedIn,
)


def facts(before: Document | None, after: Document | None, recorded: Recorded) -> list[tuple[Any, ...]]:
    """The rows that turn what was booked before into what is to be booked after."""
    if after is None:
        return []
    marks = after["marks"]
    if _late(marks):
        out = [(on, under, [-value for value in sums]) for on, under, sums in _booked(marks[:-1])]
        rows = [*out, *_booked(marks)]
    else:
        was = (before["under"], before["sums"]) if before else (None, NOTHING)
        rows = _difference(marks[-1][0], was, (after["under"], after["sums"]))
    # Nothing rather than zero: sums skip it.
    return [(on, after["programme"], *under, *[value or None for value in sums]) for on, under, sums in rows]


def _difference(
    on: str, was: tuple[list[str] | None, list[int]], now: tuple[list[str] | None, list[int]]
) -> list[Row]:
    """The rows from one state to the next: out and in again where it counts under something else."""
    (under_was, sums_was), (under, sums) = was, now
    if under is None:
        return []
    if under == under_was:
        changed = [a - b for a, b in zip(sums, sums_was, strict=True)]
        return [(on, under, changed)] if any(changed) else []
    rows = [(on, under, sums)]
    if under_was is not None:
        rows.insert(0, (on, under_was, [-value for value in sums_was]))
    return rows


def _booked(marks: list[Mark]) -> list[Row]:
    """The rows of these marks, by date."""
    rows: list[Row] = []
    state: tuple[list[str] | None, list[int]] = (None, NOTHING)
    for mark in sorted(marks, key=_order):
        after = _marked(*state, mark)
        rows += _difference(mark[0], state, after)
        state = after
    return rows


PORTFOLIO = View(
    name="portfolio",
    version=1,
    kinds=frozenset({"proposal"}),
    key=key,
    evolve=evolve,
    facts=Facts(
        name="portfolio_facts",
        columns=(
            ("programme", "text"),
            ("themes", "text"),
            ("municipalities", "text"),
            ("subregions", "text"),
            *((measure, "bigint") for measure in MEASURES),
        ),
        # What an act changed, for who replays the portfolio.
        indexes=("btree (position)",),
        rows=facts,
    ),
)
