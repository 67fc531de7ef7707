"""History always loads: evolve refuses nothing, and asks no programme, clock or rule."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import case as cases
from domain import envelope as envelopes
from domain import proposal as acts
from domain.case import Case
from domain.errors import Refused
from domain.events import EVENTS, Content
from domain.programme import Programme, Requirement
from domain.recorded import Moment, Recorded, known_and_true
from domain.requirements import FUNCTIONS
from tests.domain.given import DIRECT, World, samenwerkingsakkoord

HELD = "na de voortgangsrapportage"


def walks() -> Iterator[World]:
    """Stories in which every kind of event of a case and an envelope happens."""
    world = World()
    world.open_envelope()
    world.add_source()
    giver, taker, ended = world.submit(), world.to_award(85_000), world.to_decision()
    world.check(giver, "supplement", "De begroting.")
    world.revise(giver)
    world.check(giver)
    world.review(giver, "revise", "De effecten.")
    world.revise(giver)
    world.review(giver, "positive-with-conditions", conditions=("Een evaluatie.",))
    world.decide(giver, "held-over")
    world.resume(giver)
    world.decide(giver, "approved-with-conditions", conditions=("Een evaluatie.",))
    world.award(giver, phases=[(20_000, DIRECT), (40_000, HELD), (40_000, HELD)])
    world.release(giver, 2)
    world.reallocate(giver, 3, taker, 15_000)
    world.give_back(giver, 35_000)
    world.give_back(taker, 5_000)
    world.classify(giver)
    world.decide(ended, "rejected")
    world.withdraw(world.to_review())
    yield world
    world = World({"samenwerkingsakkoord": samenwerkingsakkoord(3, 2)})
    for outcomes in (["approved"] * 3, ["rejected"] * 2):
        proposal = world.submit("samenwerkingsakkoord")
        world.check(proposal)
        for number, outcome in enumerate(outcomes, 1):
            world.decide(proposal, outcome, body=f"council-{number}")
    yield world


HISTORIES = [
    world.events_of(stream) for world in walks() for stream in dict.fromkeys(r.stream for r in world.history)
]


def fold(history: list[Recorded]) -> object:
    """The state of a case or an envelope after this history."""
    folded: Callable[[list[Recorded]], object] = (
        cases.fold if history[0].kind == "proposal" else envelopes.fold
    )
    return folded(history)


def test_the_stories_tell_of_every_event_of_a_case_and_of_an_envelope() -> None:
    told = {recorded.name for history in HISTORIES for recorded in history}
    assert told == EVENTS.keys() - {
        "ProgrammePublished",
        "LetterIssued",
        "NewsletterApproved",
        "TextRedacted",
        "RetentionApplied",
        "PersonAdded",
        "PersonChanged",
        "AccessEnded",
        "ErasureRequested",
        "PersonErased",
    }


@given(st.sampled_from(HISTORIES), st.integers(0, 40))
def test_every_beginning_of_a_history_loads(history: list[Recorded], length: int) -> None:
    if length and history[:length]:
        assert fold(history[:length]) is not None


@given(st.sampled_from(HISTORIES), st.randoms(use_true_random=False))
def test_events_in_any_order_and_number_are_no_reason_to_refuse(
    history: list[Recorded], chance: random.Random
) -> None:
    # A moment (`effectiveOn`) may leave events out; a document that is repaired may see them again.
    fold(chance.choices(history, k=len(history)))


def test_events_before_the_beginning_leave_nothing() -> None:
    for history in HISTORIES:
        assert fold(history[1:]) is None


def test_what_is_true_on_a_date_is_a_beginning_of_the_case() -> None:
    world = World(today=date(2026, 11, 20))
    proposal = world.to_award(on=date(2026, 11, 2))
    world.withdraw(proposal, on=date(2026, 11, 16))
    history = world.events_of(proposal)
    true = known_and_true(history, Moment(effective_on=date(2026, 11, 13)))
    assert true == history[: len(true)]
    case = cases.fold(true)
    assert case is not None
    assert case.ended is None


@pytest.mark.parametrize("consequence", ["refuses-submission", "blocks-review", "assessed"])
def test_an_old_history_loads_whatever_the_rules_have_become(
    consequence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def always_objects(content: Content, programme: Programme, requirement: Requirement) -> bool:
        return True

    (world, _) = walks()
    before = {case: world.cases[case] for case in world.cases}
    for name in FUNCTIONS:
        monkeypatch.setitem(FUNCTIONS, name, always_objects)  # type: ignore[arg-type]
    stricter = replace(
        world.programme("proposal-1"),
        requirements=tuple(
            replace(requirement, consequence=consequence)
            for requirement in world.programme("proposal-1").requirements
        ),
    )
    for proposal, case in before.items():
        assert cases.fold(world.events_of(proposal)) == case
    # The new rule does hold for who acts now.
    if consequence == "refuses-submission":
        now = acts.Submit(before["proposal-1"].content, "party-1", "RHA-2026-0099", world.today)
        with pytest.raises(Refused):
            acts.submit(now, stricter, world.calendar)


def test_evolve_leaves_the_state_it_was_given_as_it_was() -> None:
    for history in HISTORIES:
        if history[0].kind != "proposal":
            continue
        case: Case | None = None
        for recorded in history:
            before = deepcopy(case)
            after = cases.evolve(case, recorded)
            assert case == before
            case = after
