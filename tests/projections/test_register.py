"""From which day is a proposal public, and what of it? The fold says the day of each moment; never who did what."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.events import RetentionApplied, TextRedacted
from domain.programme import PUBLICATIONS
from projections.register import evolve
from projections.view import Document
from tests.domain.given import DIRECT, TODAY, World, content

HELD = "Na de tussenrapportage."


@pytest.fixture
def world() -> World:
    world = World()
    world.open_envelope(on=TODAY - timedelta(days=60))
    return world


def entry(world: World, proposal: str) -> Document:
    document: Document | None = None
    for recorded in world.events_of(proposal):
        document = evolve(document, recorded)
    assert document is not None
    return document


def days(document: Document) -> dict[str, Any]:
    return {name: day for name, day in document["on"].items() if day is not None}


def test_each_moment_has_the_day_on_which_it_came(world: World) -> None:
    start = TODAY - timedelta(days=30)
    proposal = world.to_decision(on=start)
    assert days(entry(world, proposal)) == {"submission": start.isoformat()}
    decided, awarded = start + timedelta(days=5), start + timedelta(days=9)
    world.decide(proposal, on=decided)
    assert days(entry(world, proposal)) == {
        "submission": start.isoformat(),
        "decision": decided.isoformat(),
    }
    world.award(proposal, on=awarded)
    found = entry(world, proposal)
    assert set(days(found)) == set(PUBLICATIONS)
    assert (found["on"]["award"], found["on"]["closing"]) == (awarded.isoformat(), awarded.isoformat())
    assert found["outcome"] == "awarded"


def test_what_is_withdrawn_has_come_to_no_end(world: World) -> None:
    for proposal in (world.submit(), world.to_review(), world.to_decision(), world.to_award()):
        world.withdraw(proposal)
        found = entry(world, proposal)
        assert found["outcome"] == "withdrawn"
        assert found["on"]["closing"] is None
        assert found["open"] == []


def test_a_rejection_ends_the_route_and_holding_over_does_not(world: World) -> None:
    proposal = world.to_decision()
    world.decide(proposal, "held-over")
    assert set(days(entry(world, proposal))) == {"submission"}
    world.resume(proposal)
    world.decide(proposal, "rejected")
    found = entry(world, proposal)
    assert found["outcome"] == "rejected"
    assert set(days(found)) == {"submission", "decision", "closing"}


def test_what_a_supplement_closed_was_no_end(world: World) -> None:
    proposal = world.submit()
    world.check(proposal, "supplement", "De begroting.")
    world.revise(proposal, content(requested=90_000))
    found = entry(world, proposal)
    assert set(days(found)) == {"submission"}
    assert found["outcome"] is None
    assert found["requested"] == "90000.00"


def test_money_counts_as_it_is_now(world: World) -> None:
    proposal, taker = world.to_award(), world.to_award()
    world.award(proposal, 60_000, phases=[(20_000, DIRECT), (40_000, HELD)])
    world.reallocate(proposal, 2, taker, 15_000)
    world.give_back(proposal, 5_000)
    assert entry(world, proposal)["awarded"] == "40000.00"
    found = entry(world, taker)
    assert (found["awarded"], found["outcome"]) == ("15000.00", "awarded")


def test_bodies_are_told_with_their_outcome_and_nobody_is_named(world: World) -> None:
    proposal = world.to_award()
    world.award(proposal)
    found = entry(world, proposal)
    assert [(each["what"], each["body"], each["outcome"]) for each in found["acts"]] == [
        ("advice", "taskforce", "positive"),
        ("decision", "poho", "approved"),
        ("award", "db", "awarded"),
    ]
    assert "$person" not in str(found)


def test_an_act_has_the_level_that_was_set_last(world: World) -> None:
    proposal = world.to_award()
    version = next(each["version"] for each in entry(world, proposal)["acts"] if each["what"] == "decision")
    world.classify(proposal, about=version)
    world.classify(proposal, "public", about=version)
    levels = {each["what"]: each["level"] for each in entry(world, proposal)["acts"]}
    assert levels == {"advice": None, "decision": "public"}
    assert entry(world, proposal)["confidentiality"] is None


def test_it_changes_when_words_go_that_are_public_and_not_for_others(world: World) -> None:
    proposal = world.to_award()
    (submitted, *_, last) = world.events_of(proposal)
    before = entry(world, proposal)
    later = replace(last, recorded_at=last.recorded_at + timedelta(days=1))

    def after(event: TextRedacted | RetentionApplied) -> Document | None:
        return evolve(before, replace(later, event=event))

    def redacted(path: str) -> TextRedacted:
        return TextRedacted(submitted.position, (path,), "privacy", "")

    assert after(redacted("content.effect")) == before
    for event in (redacted("content.title"), RetentionApplied("awarded", TODAY, 7)):
        found = after(event)
        assert found is not None
        assert found["changedAt"] > before["changedAt"]
        assert {**found, "changedAt": None} == {**before, "changedAt": None}
