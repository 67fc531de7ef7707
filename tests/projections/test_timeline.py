"""Does every event read as an entry, with its words and names by reference?"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from domain.events import AmountHeld, Awarded, MoneyReturned, Phase, StageClosed, StageOpened
from projections.queue import QUEUE, evolve, facts
from projections.timeline import timeline
from tests.projections.story import DAY, Story, submitted


def test_an_entry_says_what_when_who_and_the_facts() -> None:
    story = Story()
    story.tell(submitted())
    story.tell(
        Awarded(
            "award", "db", "e", Decimal("1.00"), True, (Phase(1, Decimal("1.00"), "c" * 64),), 1, "hash", 2
        )
    )
    story.tell(MoneyReturned(Decimal("1.00"), "", (AmountHeld(1, Decimal("1.00"), Decimal("0.00")),)))
    first, second, third = timeline(story.history)
    assert (first["event"], first["position"], first["version"]) == ("ProposalSubmitted", 1, 1)
    assert first["recordedAt"] == "2024-01-01T00:00:01.000000Z"
    assert (first["effectiveOn"], first["by"]) == ("2020-11-02", {"$person": "person-1"})
    assert first["facts"]["owner"] == {"$party": "party-1"}
    assert first["facts"]["content"]["partners"] == [{"$party": "party-2"}]
    assert first["facts"]["content"]["title"] == {"$words": "1/content.title"}
    assert first["facts"]["content"]["cofinancing"][0]["source"] == {"$party": "party-2"}
    assert first["facts"]["content"]["periodStart"] == "2021-01-01"
    evidence = first["facts"]["content"]["subregionSupport"][0]["evidence"]
    assert evidence == {"$words": "1/content.subregion_support.0.evidence"}
    assert second["facts"]["phases"] == [
        {"number": 1, "amount": "1.00", "releaseCondition": {"$words": "2/phases.0.release_condition"}}
    ]
    assert second["facts"]["programmeVersion"] == 2
    assert (third["facts"]["grounds"], third["facts"]["parts"][0]["heldBack"]) == (None, "1.00")


def test_a_stage_waits_in_the_queue_until_it_closes() -> None:
    story = Story()
    opened = story.tell(StageOpened("review", "advice", "taskforce", "advies", DAY))
    assert QUEUE.key(opened) == "proposal-1/review/taskforce"
    assert QUEUE.key(story.tell(submitted())) is None
    document = evolve(None, opened)
    assert document is not None
    assert (document["body"], document["dueOn"], document["proposal"]) == (
        "taskforce",
        "2020-11-02",
        "proposal-1",
    )


def test_a_turn_that_ended_leaves_how_long_it_took_but_a_withdrawal_is_no_turn() -> None:
    story = Story()
    waits = evolve(None, story.tell(StageOpened("review", "advice", "taskforce", "advies", DAY)))
    ended = story.tell(StageClosed("review", "taskforce", "positive"), on=DAY + timedelta(days=3))
    assert facts(waits, None, ended) == [("2020-11-05", "review", "advice", "taskforce", "2020-11-02")]
    assert facts(waits, None, story.tell(StageClosed("review", "taskforce", "withdrawn"))) == []
    assert facts(None, waits, story.history[0]) == []
