"""Does the status of a case show what happened to it?"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from domain.events import (
    AmountHeld,
    Awarded,
    CompletenessChecked,
    Decided,
    Event,
    MoneyMovedIn,
    MoneyMovedOut,
    MoneyReturned,
    Phase,
    PhaseReleased,
    ProposalResumed,
    ProposalRevised,
    ProposalWithdrawn,
    Reviewed,
    StageClosed,
    StageOpened,
)
from projections.status import STATUS, evolve
from projections.view import Document
from tests.projections.story import Story, content, submitted

DUE = date(2020, 11, 16)


def opened(stage: str, kind: str, body: str) -> StageOpened:
    return StageOpened(stage, kind, body, "advies", DUE)


def told(*events: Event, on: date = date(2020, 11, 2)) -> Document:
    """The case after a submission and these events."""
    story = Story()
    story.tell(submitted(), on=on)
    for event in events:
        story.tell(event, on=on)
    document: Document | None = None
    for recorded in story.history:
        document = evolve(document, recorded)
    assert document is not None
    return document


def awarded(*phases: Phase) -> Awarded:
    amount = sum((phase.amount for phase in phases), Decimal("0.00"))
    return Awarded("award", "db", "herstelaanpak", amount, True, phases, 1, "hash", 1)


def closed(stage: str, body: str, outcome: str) -> StageClosed:
    return StageClosed(stage, body, outcome)


ROUTE: list[tuple[list[Event], str]] = [
    ([opened("check", "completeness", "secretariat")], "completeness"),
    (
        [closed("check", "secretariat", "supplement"), opened("supplement", "supplement", "applicant")],
        "supplement",
    ),
    ([closed("supplement", "applicant", "revised"), opened("review", "advice", "taskforce")], "review"),
    ([closed("review", "taskforce", "positive"), opened("decision", "decision", "poho")], "decision"),
    ([closed("decision", "poho", "held-over"), opened("held-over", "held-over", "secretariat")], "held-over"),
    (
        [closed("held-over", "secretariat", "resumed"), opened("raden", "ratification", "raad-1")],
        "ratification",
    ),
    ([opened("raden", "ratification", "raad-2"), closed("raden", "raad-1", "answered")], "ratification"),
    ([closed("raden", "raad-2", "answered"), opened("award", "award", "db")], "award"),
    ([awarded(Phase(1, Decimal("100.00"), "")), closed("award", "db", "awarded")], "awarded"),
]


def test_status_follows_the_route() -> None:
    so_far: list[Event] = []
    for events, expected in ROUTE:
        so_far += events
        assert told(*so_far)["status"] == expected
    assert told(*so_far)["waitingFor"] == []


def test_what_waits_is_named_with_its_term() -> None:
    document = told(opened("review", "advice", "taskforce"))
    assert document["waitingFor"] == [
        {
            "stage": "review",
            "kind": "advice",
            "body": "taskforce",
            "capacity": "advies",
            "dueOn": "2020-11-16",
            "since": "2020-11-02",
        }
    ]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([StageClosed("decision", "poho", "rejected")], "rejected"),
        ([StageClosed("decision", "poho", "not-ratified")], "rejected"),
        ([ProposalWithdrawn("w" * 64), StageClosed("decision", "poho", "withdrawn")], "withdrawn"),
        ([StageClosed("decision", "poho", "approved")], "approved"),
        (
            [
                MoneyMovedIn("e", Decimal("5.00"), "proposal-2", 2),
                StageClosed("decision", "poho", "reallocated"),
            ],
            "awarded",
        ),
    ],
)
def test_status_at_the_end_of_the_route(events: list[Event], expected: str) -> None:
    document = told(opened("decision", "decision", "poho"), *events)
    assert (document["status"], document["waitingFor"]) == (expected, [])


def test_content_refers_to_words_and_names() -> None:
    says = told()["content"]
    assert says["title"] == {"$words": "1/content.title"}
    assert says["goals"] == [{"$words": "1/content.goals.0"}, {"$words": "1/content.goals.1"}]
    assert says["structuralEffect"] is None
    assert says["applicant"] == {"$party": "party-1"}
    assert says["requested"] == "300000.00"
    assert says["cofinancing"][1] == {"source": {"$party": "party-1"}, "amount": "100000.50", "status": "own"}
    assert says["subregionSupport"] == [
        {"subregion": "peel", "evidence": {"$words": "1/content.subregion_support.0.evidence"}}
    ]
    assert says["period"] == {"start": "2021-01-01", "end": "2022-12-31"}


def test_a_revision_replaces_the_content() -> None:
    document = told(ProposalRevised(2, content("250000.00")))
    assert (document["revision"], document["content"]["requested"]) == (2, "250000.00")
    assert document["content"]["title"] == {"$words": "2/content.title"}


def test_judgements_are_bound_to_what_was_judged() -> None:
    document = told(
        CompletenessChecked("completeness", "secretariat", "complete", "", 1, "hash"),
        Reviewed(
            "review",
            "taskforce",
            "positive",
            "g" * 64,
            ("c" * 64,),
            {"kwaliteit": 8},
            1,
            "hash",
            3,
            {"rule": True},
        ),
        Decided("decision", "poho", "approved", "", (), 1, "hash", 3),
        ProposalResumed("decision"),
    )
    assert document["completeness"]["remarks"] is None
    review, decision = document["reviews"][0], document["decisions"][0]
    assert review["conditions"] == [{"$words": "3/conditions.0"}]
    assert (review["scores"], review["assessments"]) == ({"kwaliteit": 8}, {"rule": True})
    assert (review["contentHash"], review["programmeVersion"], review["revision"]) == ("hash", 3, 1)
    assert review["by"] == {"$person": "person-1"}
    assert review["capacity"] == {"role": "member", "body": "db", "seat": None, "substituteFor": None}
    assert (decision["outcome"], decision["grounds"], decision["position"]) == ("approved", None, 4)


def phase(document: Document, number: int) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in document["award"]["phases"] if each["number"] == number)
    return found


TWO_PHASES = awarded(Phase(1, Decimal("150000.00"), ""), Phase(2, Decimal("150000.00"), "c" * 64))


def test_an_award_in_two_phases_holds_back_the_second() -> None:
    document = told(TWO_PHASES)
    assert phase(document, 1)["state"] == "free"
    assert phase(document, 2)["state"] == "held-back"
    assert phase(document, 2)["releaseCondition"] == {"$words": "2/phases.1.release_condition"}
    assert document["totals"] == {
        "awarded": "300000.00",
        "committed": "150000.00",
        "heldBack": "150000.00",
        "returned": "0.00",
    }


def test_a_phase_never_released_partly_moved_partly_returned() -> None:
    document = told(
        TWO_PHASES,
        MoneyMovedOut(2, Decimal("85000.00"), "proposal-2", "g" * 64),
        MoneyReturned(Decimal("65000.00"), "g" * 64, (AmountHeld(2, Decimal("65000.00"), Decimal("0.00")),)),
    )
    second = phase(document, 2)
    assert second["state"] == "never-released"
    assert (second["released"], second["releasedOn"]) == ("0.00", None)
    assert (second["movedOut"], second["returned"], second["heldBack"]) == ("85000.00", "65000.00", "0.00")
    assert second["movedTo"][0]["proposal"] == "proposal-2"
    assert document["totals"]["committed"] == "150000.00"
    assert document["returned"] == "65000.00"


def test_a_released_phase_says_when() -> None:
    document = told(TWO_PHASES, PhaseReleased(2, Decimal("150000.00"), "g" * 64), on=date(2021, 3, 1))
    second = phase(document, 2)
    assert (second["state"], second["released"], second["releasedOn"]) == (
        "released",
        "150000.00",
        "2021-03-01",
    )
    returned = MoneyReturned(
        Decimal("150000.00"), "g" * 64, (AmountHeld(2, Decimal("0.00"), Decimal("150000.00")),)
    )
    document = told(TWO_PHASES, PhaseReleased(2, Decimal("150000.00"), "g" * 64), returned)
    assert phase(document, 2)["state"] == "returned"


def test_money_moved_in_counts_and_goes_back_last_first() -> None:
    first, second = (MoneyMovedIn("e", Decimal(amount), "proposal-2", 2) for amount in ("100.00", "50.00"))
    back = MoneyReturned(Decimal("70.00"), "g" * 64, (AmountHeld(0, Decimal("0.00"), Decimal("70.00")),))
    document = told(first, second, back)
    assert [entry["committed"] for entry in document["movedIn"]] == ["80.00", "0.00"]
    assert [entry["returned"] for entry in document["movedIn"]] == ["20.00", "50.00"]
    assert document["totals"] == {
        "awarded": "80.00",
        "committed": "80.00",
        "heldBack": "0.00",
        "returned": "70.00",
    }


def test_nothing_before_the_submission() -> None:
    story = Story()
    assert evolve(None, story.tell(ProposalResumed("decision"))) is None


def test_evolve_leaves_the_document_before_as_it_was() -> None:
    story = Story()
    document = evolve(None, story.tell(submitted()))
    for event in (
        opened("award", "award", "db"),
        TWO_PHASES,
        PhaseReleased(2, Decimal("150000.00"), "g" * 64),
    ):
        kept = repr(document)
        after = evolve(document, story.tell(event))
        assert repr(document) == kept
        document = after


def test_history_says_when_an_event_came_late() -> None:
    assert STATUS.facts is not None
    story = Story()
    first = evolve(None, story.tell(submitted(), on=date(2020, 12, 1)))
    late = story.tell(opened("award", "award", "db"), on=date(2020, 11, 1))
    (row,) = STATUS.facts.rows(first, evolve(first, late), late)
    assert (row[0], row[-1]) == ("2020-11-01", True)
