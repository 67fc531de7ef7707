"""A ratification: each of N bodies answers for itself, and so many must approve."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.errors import Invalid, Refused
from domain.events import StageClosed, StageOpened
from domain.programme import Programme, Stage
from tests.domain.given import World, opened, samenwerkingsakkoord

COUNCILS = [f"council-{number}" for number in range(1, 22)]


def ratifying(programme: Programme) -> tuple[World, str]:
    """A proposal that waits for its ratification."""
    world = World({programme.code: programme})
    proposal = world.submit(programme.code)
    world.check(proposal)
    return world, proposal


def test_all_bodies_are_asked_at_once_with_one_term() -> None:
    world, proposal = ratifying(samenwerkingsakkoord())
    stages = world.cases[proposal].open
    assert [stage.body for stage in stages] == COUNCILS
    assert {stage.kind for stage in stages} == {"ratification"}
    assert len({stage.due_on for stage in stages}) == 1


def test_the_case_goes_on_when_the_last_of_21_councils_has_approved() -> None:
    world, proposal = ratifying(samenwerkingsakkoord())
    for council in COUNCILS[:-1]:
        events = world.decide(proposal, body=council)
        assert not opened(events)
        assert [event.outcome for event in events if isinstance(event, StageClosed)] == ["answered"]
    assert world.waits_for(proposal) == [("ratification", "council-21")]
    world.decide(proposal, "approved-with-conditions", conditions=("Een evaluatie.",), body="council-21")
    assert world.waits_for(proposal) == [("decision", "poho")]


def test_bodies_answer_in_any_order_and_each_once() -> None:
    world, proposal = ratifying(samenwerkingsakkoord())
    world.decide(proposal, body="council-13")
    world.decide(proposal, body="council-2")
    with pytest.raises(Refused) as refused:
        world.decide(proposal, body="council-13")
    assert refused.value.code == "out-of-turn"
    assert refused.value.facts["body"] == "council-1"


def test_where_all_must_approve_one_refusal_ends_it_at_once() -> None:
    world, proposal = ratifying(samenwerkingsakkoord())
    world.decide(proposal, body="council-1")
    events = world.decide(proposal, "rejected", "Geen geld.", body="council-2")
    closed = [event for event in events if isinstance(event, StageClosed)]
    assert len(closed) == 20
    assert {event.outcome for event in closed} == {"not-ratified"}
    assert world.cases[proposal].ended == "rejected"
    assert world.waits_for(proposal) == []


def test_where_fewer_are_needed_the_others_still_answer() -> None:
    world, proposal = ratifying(samenwerkingsakkoord(needed=11))
    for council in COUNCILS[:11]:
        world.decide(proposal, body=council)
    assert len(world.waits_for(proposal)) == 10
    for council in COUNCILS[11:20]:
        world.decide(proposal, "rejected", "Geen geld.", body=council)
    assert world.waits_for(proposal) == [("ratification", "council-21")]
    world.decide(proposal, "rejected", "Geen geld.", body="council-21")
    assert world.waits_for(proposal) == [("decision", "poho")]


def test_it_ends_as_soon_as_enough_can_no_longer_approve() -> None:
    world, proposal = ratifying(samenwerkingsakkoord(needed=11))
    for council in COUNCILS[:10]:
        world.decide(proposal, "rejected", "Geen geld.", body=council)
    assert world.cases[proposal].ended is None
    world.decide(proposal, "rejected", "Geen geld.", body="council-11")
    assert world.cases[proposal].ended == "rejected"


def test_a_council_does_not_hold_over() -> None:
    world, proposal = ratifying(samenwerkingsakkoord())
    with pytest.raises(Invalid) as refused:
        world.decide(proposal, "held-over", body="council-1")
    assert (refused.value.code, refused.value.field) == ("ratification-held-over", "/outcome")


def test_the_answers_of_one_ratification_do_not_count_in_the_next() -> None:
    programme = samenwerkingsakkoord(councils=3, needed=2)
    first = programme.stage("ratification")
    second: Stage = replace(first, code="second-ratification")
    check, *_ = programme.stages
    world, proposal = ratifying(replace(programme, stages=(check, first, second, programme.stages[-1])))
    for number in (1, 2, 3):
        world.decide(proposal, body=f"council-{number}")
    assert {stage for stage, _ in world.waits_for(proposal)} == {"second-ratification"}
    world.decide(proposal, "rejected", "Toch niet.", body="council-1")
    world.decide(proposal, "rejected", "Toch niet.", body="council-2")
    assert world.cases[proposal].ended == "rejected"


def test_a_council_that_has_answered_may_not_keep_the_applicant_from_withdrawing() -> None:
    world, proposal = ratifying(samenwerkingsakkoord())
    world.decide(proposal, body="council-1")
    events = world.withdraw(proposal)
    assert sum(isinstance(event, StageClosed) for event in events) == 20
    assert not any(isinstance(event, StageOpened) for event in events)
