"""Do the facts of the portfolio add up, at any position and any date?"""

from __future__ import annotations

import random
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from domain.events import (
    AmountHeld,
    Awarded,
    Event,
    MoneyMovedIn,
    MoneyReturned,
    Phase,
    PhaseReleased,
    ProposalRevised,
)
from domain.recorded import Moment, known_and_true
from projections.portfolio import MEASURES, PORTFOLIO, evolve, facts
from projections.view import Document
from tests.projections.story import DAY, Story, content, submitted

Row = tuple[Any, ...]


def booked(story: Story) -> list[tuple[int, Row]]:
    """(position, row) of every fact."""
    document: Document | None = None
    rows = []
    for recorded in story.history:
        if PORTFOLIO.key(recorded) is None:
            continue
        after = evolve(document, recorded)
        rows += [(recorded.position, row) for row in facts(document, after, recorded)]
        document = after
    return rows


def sums(rows: list[Row]) -> dict[tuple[str, ...], tuple[int, ...]]:
    """The measures by what they count under, without what comes to nothing."""
    found: dict[tuple[str, ...], Counter[str]] = {}
    for _, *counted in rows:
        counter = found.setdefault(tuple(counted[:4]), Counter())
        for measure, value in zip(MEASURES, counted[4:], strict=True):
            counter[measure] += value or 0
    return {
        under: tuple(counter[measure] for measure in MEASURES)
        for under, counter in found.items()
        if any(counter.values())
    }


def test_an_award_is_booked_and_released() -> None:
    story = Story()
    story.tell(submitted())
    phases = (Phase(1, Decimal("100.00"), ""), Phase(2, Decimal("50.00"), "c" * 64))
    story.tell(Awarded("award", "db", "e", Decimal("150.00"), True, phases, 1, "hash", 1))
    story.tell(PhaseReleased(2, Decimal("50.00"), "g" * 64))
    under = ("herstel", "scholing", "GM0772", "peel")
    assert [row[5:] for _, row in booked(story)] == [
        (1, 30_000_000, 20_000_000, None, 10_000_050, None, None),
        (None, None, None, None, None, 10_000, 5_000),
        (None, None, None, None, None, 5_000, -5_000),
    ]
    assert sums([row for _, row in booked(story)])[under][-2:] == (15_000, 0)


def test_a_revision_books_out_and_in_again() -> None:
    story = Story()
    story.tell(submitted())
    story.tell(MoneyMovedIn("e", Decimal("10.00"), "proposal-2", 2))
    story.tell(ProposalRevised(2, content("100.00", themes=("digitaal", "scholing"))))
    total = sums([row for _, row in booked(story)])
    assert list(total) == [("herstel", "digitaal,scholing", "GM0772", "peel")]
    assert total["herstel", "digitaal,scholing", "GM0772", "peel"] == (
        1,
        10_000,
        20_000_000,
        0,
        10_000_050,
        1_000,
        0,
    )


def test_sums_up_to_any_position_and_date_are_those_of_a_fold_by_date() -> None:
    """Also where events count from an earlier date than those before them."""
    chance = random.Random(3)
    for _ in range(60):
        story = Story()
        story.tell(submitted(), on=DAY)
        for _ in range(chance.randrange(1, 9)):
            amount = Decimal(chance.randrange(1, 500))
            event: Event = chance.choice(
                [
                    MoneyMovedIn("e", amount, "proposal-2", 2),
                    MoneyReturned(amount, "g", (AmountHeld(0, Decimal("0.00"), amount),)),
                    ProposalRevised(2, content(f"{amount}.00", themes=(chance.choice("abc"),))),
                ]
            )
            story.tell(event, on=DAY + timedelta(days=chance.randrange(6)))
        rows = booked(story)
        for position in range(len(story.history) + 1):
            for day in (None, *(DAY + timedelta(days=n) for n in range(-1, 7))):
                moment = Moment(position, day)
                plain = Story(known_and_true(story.history, moment))
                until = day.isoformat() if day else "9999"
                known = [row for at, row in rows if at <= position and row[0] <= until]
                assert sums(known) == sums([row for _, row in booked(plain)])


def test_subregions_and_municipalities_are_those_of_the_content() -> None:
    story = Story()
    story.tell(submitted(content(municipality="GM0794")), on=date(2020, 1, 1))
    (_, row) = booked(story)[0]
    assert row[:5] == ("2020-01-01", "herstel", "scholing", "GM0794", "peel")
