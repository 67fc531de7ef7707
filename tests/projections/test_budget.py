"""Does the budget of an envelope show what became of its money?"""

from __future__ import annotations

from decimal import Decimal

from domain.events import (
    EnvelopeOpened,
    Event,
    FundsMoved,
    FundsReleased,
    FundsReserved,
    FundsReturned,
    Source,
    SourceAdded,
)
from projections.budget import evolve, facts
from projections.view import Document
from tests.projections.story import Story

OPENED = EnvelopeOpened(
    "e", "n" * 64, "db", None, (Source("s" * 64, Decimal("100.00")), Source("", Decimal("20.00")))
)

STEPS: list[tuple[Event, tuple[str, str, str, str]]] = [
    (OPENED, ("120.00", "0.00", "0.00", "120.00")),
    (SourceAdded(Source("s" * 64, Decimal("30.00"))), ("150.00", "0.00", "0.00", "150.00")),
    (FundsReserved("proposal-1", Decimal("40.00"), Decimal("60.00")), ("150.00", "40.00", "60.00", "50.00")),
    (FundsReleased("proposal-1", Decimal("10.00")), ("150.00", "50.00", "50.00", "50.00")),
    (FundsMoved("proposal-1", "proposal-2", Decimal("20.00")), ("150.00", "70.00", "30.00", "50.00")),
    (FundsReturned("proposal-1", Decimal("5.00"), Decimal("30.00")), ("150.00", "65.00", "0.00", "85.00")),
]


def test_each_event_moves_the_money_and_its_facts_say_the_same() -> None:
    story, document, sums = Story(), None, [0, 0, 0]
    for event, expected in STEPS:
        recorded = story.tell(event, stream="envelope-e")
        after: Document | None = evolve(document, recorded)
        assert after is not None
        assert (after["amount"], after["committed"], after["heldBack"], after["left"]) == expected
        for _, _, _, *cents in facts(document, after, recorded):
            sums = [a + b for a, b in zip(sums, cents, strict=True)]
        assert [f"{value / 100:.2f}" for value in sums] == [
            after["amount"],
            after["committed"],
            after["heldBack"],
        ]
        document = after
    assert document is not None
    assert [source["source"] for source in document["sources"]] == [
        {"$words": "1/sources.0.name"},
        None,
        {"$words": "2/source.name"},
    ]
    assert document["version"] == len(STEPS)


def test_money_moved_is_booked_on_both_proposals() -> None:
    story = Story()
    document = evolve(None, story.tell(OPENED, stream="envelope-e"))
    moved = story.tell(FundsMoved("proposal-1", "proposal-2", Decimal("20.00")), stream="envelope-e")
    rows = facts(document, evolve(document, moved), moved)
    assert [row[2:] for row in rows] == [("proposal-1", 0, 0, -2000), ("proposal-2", 0, 2000, 0)]


def test_nothing_before_the_opening() -> None:
    recorded = Story().tell(FundsReleased("proposal-1", Decimal("1.00")), stream="envelope-e")
    assert evolve(None, recorded) is None
    assert facts(None, None, recorded) == []
