"""Money: awarding, releasing, moving and returning it, and what an envelope has left on each date."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from domain import award as money
from domain import envelope as envelopes
from domain.errors import Invalid, Refused
from domain.events import (
    AmountHeld,
    Awarded,
    FundsMoved,
    FundsReleased,
    FundsReserved,
    FundsReturned,
    MoneyMovedIn,
    MoneyReturned,
    Phase,
    PhaseReleased,
)
from tests.domain.given import DIRECT, TODAY, World, euros, opened, stimuleringsfonds

HELD = "na de voortgangsrapportage"


def world_with(*amounts: int) -> World:
    """A world with one envelope."""
    world = World()
    world.open_envelope(amounts=amounts or (2_000_000,))
    return world


def awarded_in_phases(world: World, requested: int = 300_000) -> str:
    """Half is free at once, half is held back."""
    proposal = world.to_award(requested)
    half = requested // 2
    world.award(proposal, phases=[(half, DIRECT), (half, HELD)])
    return proposal


def phases(world: World, proposal: str) -> list[tuple[int, Decimal, Decimal]]:
    """Each phase: its number, held back, committed."""
    return [(phase.number, phase.held_back, phase.committed) for phase in world.cases[proposal].phases]


# Awards


def test_an_award_without_phases_is_free_at_once() -> None:
    world = world_with()
    proposal = world.to_award(100_000)
    world.award(proposal)
    assert world.money_left() == (euros(100_000), euros(0), euros(1_900_000))
    assert phases(world, proposal) == [(1, euros(0), euros(100_000))]


def test_a_phase_with_a_release_condition_is_held_back() -> None:
    world = world_with()
    proposal = awarded_in_phases(world)
    assert world.money_left() == (euros(150_000), euros(150_000), euros(1_700_000))
    assert phases(world, proposal) == [(1, euros(0), euros(150_000)), (2, euros(150_000), euros(0))]
    reserved = world.history[-1].event
    assert reserved == FundsReserved(proposal, euros(150_000), euros(150_000))


@pytest.mark.parametrize("provisional", [True, False])
def test_an_award_says_whether_it_is_provisional(provisional: bool) -> None:
    world = world_with()
    awarded = world.award(world.to_award(), provisional=provisional)[0]
    assert isinstance(awarded, Awarded)
    assert awarded.provisional is provisional


def test_phases_add_up_to_the_award() -> None:
    world = world_with()
    proposal = world.to_award(300_000)
    with pytest.raises(Invalid) as refused:
        world.award(proposal, phases=[(150_000, DIRECT), (149_999, HELD)])
    assert (refused.value.code, refused.value.field) == ("phases-do-not-add-up", "/phases")
    assert refused.value.facts == {"amount": euros(300_000), "sum": euros(299_999)}


def test_phases_count_from_one_in_the_order_given() -> None:
    world = world_with()
    proposal = world.to_award(300_000)
    given = (Phase(7, euros(100_000), ""), Phase(7, euros(200_000), HELD))
    command = money.Award("herstelaanpak", euros(300_000), True, given, TODAY)
    changes = money.award(
        command,
        world.cases[proposal],
        world.programme(proposal),
        world.envelopes["herstelaanpak"],
        world.calendar,
    )
    world.record(changes)
    assert [number for number, _, _ in phases(world, proposal)] == [1, 2]


def test_an_award_may_be_less_than_was_requested_but_not_more() -> None:
    world = world_with()
    with pytest.raises(Invalid) as refused:
        world.award(world.to_award(100_000), "100000.01")
    assert (refused.value.code, refused.value.field) == ("more-than-requested", "/amount")
    world.award(world.to_award(100_000), "99999.99")
    assert world.money_left()[0] == euros("99999.99")


@pytest.mark.parametrize(
    ("amount", "code"),
    [("0", "money-not-positive"), ("-1", "money-not-positive"), ("0.001", "money-invalid")],
)
def test_only_whole_cents_above_nothing_are_an_amount(amount: str, code: str) -> None:
    world = world_with()
    giver, waiting = awarded_in_phases(world), world.to_award(300_000)
    given = Decimal(amount)
    in_phases = [(given, DIRECT), (300_000 - given, HELD)]
    attempts: list[tuple[str, Callable[[], object]]] = [
        ("/amount", lambda: world.award(waiting, given)),
        ("/phases/0/amount", lambda: world.award(waiting, phases=in_phases)),
        ("/amount", lambda: world.reallocate(giver, 2, waiting, given)),
        ("/amount", lambda: world.give_back(giver, given)),
        ("/amount", lambda: world.add_source(amount=given)),
        ("/sources/1/amount", lambda: world.open_envelope("nieuw", [100, given])),
    ]
    for field, attempt in attempts:
        with pytest.raises(Invalid) as refused:
            attempt()
        assert (refused.value.code, refused.value.field) == (code, field)


def test_an_exhausted_envelope_says_how_much_is_left() -> None:
    world = world_with(250_000)
    world.award(world.to_award(200_000))
    late = world.to_award(100_000)
    before = list(world.history)
    with pytest.raises(Refused) as refused:
        world.award(late)
    assert refused.value.code == "envelope-exhausted"
    assert refused.value.facts == {
        "envelope": "herstelaanpak",
        "left": euros(50_000),
        "amount": euros(100_000),
    }
    assert world.history == before
    world.award(late, 50_000)
    assert world.money_left() == (euros(250_000), euros(0), euros(0))


def test_held_back_money_is_not_left_for_others() -> None:
    world = world_with(300_000)
    awarded_in_phases(world, 300_000)
    with pytest.raises(Refused) as refused:
        world.award(world.to_award(), "0.01")
    assert refused.value.facts["left"] == euros(0)


def test_an_envelope_of_one_programme_serves_no_other() -> None:
    world = World()
    world.open_envelope(programme="stimuleringsfonds")
    with pytest.raises(Refused) as refused:
        world.award(world.to_award())
    assert refused.value.code == "envelope-of-other-programme"
    world.award(world.to_award(programme="stimuleringsfonds"))


def test_no_award_counts_before_its_envelope_was_there() -> None:
    world = World()
    world.open_envelope(on=date(2026, 11, 16))
    proposal = world.to_award(on=date(2026, 11, 2))
    with pytest.raises(Invalid) as refused:
        world.award(proposal, on=date(2026, 11, 13))
    assert (refused.value.code, refused.value.field) == ("before-envelope-opened", "/effectiveOn")
    world.award(proposal, on=date(2026, 11, 16))


# Envelopes


def test_an_envelope_is_opened_once() -> None:
    world = world_with()
    with pytest.raises(Refused) as refused:
        world.open_envelope()
    assert refused.value.code == "envelope-exists"


def test_an_envelope_is_opened_by_a_body_that_is_known() -> None:
    command = envelopes.OpenEnvelope("nieuw", "Nieuw", "provincie", None, (), TODAY)
    with pytest.raises(Invalid) as refused:
        envelopes.open_envelope(command, None, TODAY, frozenset({"ab", "db"}))
    assert (refused.value.code, refused.value.field) == ("unknown-body", "/body")


def test_the_amount_of_an_envelope_is_the_sum_of_its_sources() -> None:
    world = world_with(1_200_000, 800_000)
    assert world.envelopes["herstelaanpak"].amount == euros(2_000_000)
    world.add_source(amount="0.50")
    assert world.envelopes["herstelaanpak"].amount == euros("2000000.50")


def test_a_source_is_an_amount_and_comes_not_before_the_envelope() -> None:
    world = World()
    with pytest.raises(Invalid) as refused:
        world.open_envelope(amounts=(100, -1))
    assert (refused.value.code, refused.value.field) == ("money-not-positive", "/sources/1/amount")
    world.open_envelope(on=date(2026, 11, 16))
    with pytest.raises(Invalid) as refused:
        world.add_source(amount=0)
    assert (refused.value.code, refused.value.field) == ("money-not-positive", "/amount")
    with pytest.raises(Invalid) as refused:
        world.add_source(on=date(2026, 11, 13))
    assert (refused.value.code, refused.value.field) == ("before-envelope-opened", "/effectiveOn")


# What is left on each date


def test_money_that_comes_later_cannot_be_awarded_earlier() -> None:
    world = World()
    world.open_envelope(amounts=(100_000,), on=date(2026, 11, 2))
    world.add_source(amount=100_000, on=date(2026, 11, 16))
    proposal = world.to_award(150_000, on=date(2026, 11, 2))
    with pytest.raises(Refused) as refused:
        world.award(proposal, on=date(2026, 11, 13))
    assert refused.value.facts["left"] == euros(100_000)
    world.award(proposal, on=date(2026, 11, 16))


def test_an_earlier_award_may_not_take_what_a_later_one_has_taken() -> None:
    world = World()
    world.open_envelope(amounts=(100_000,), on=date(2026, 11, 2))
    early, late = (world.to_award(100_000, on=date(2026, 11, 2)) for _ in range(2))
    world.award(late, on=date(2026, 11, 16))
    with pytest.raises(Refused) as refused:
        world.award(early, on=date(2026, 11, 3))
    assert refused.value.facts["left"] == euros(0)


def test_returned_money_is_left_from_the_day_it_came_back() -> None:
    world = World()
    world.open_envelope(amounts=(100_000,), on=date(2026, 11, 2))
    first, second = (world.to_award(100_000, on=date(2026, 11, 2)) for _ in range(2))
    world.award(first, on=date(2026, 11, 3))
    world.give_back(first, 40_000, on=date(2026, 11, 16))
    with pytest.raises(Refused) as refused:
        world.award(second, 40_000, on=date(2026, 11, 13))
    assert refused.value.facts["left"] == euros(0)
    world.award(second, 40_000, on=date(2026, 11, 16))


def test_the_least_that_is_left_from_a_day_on_counts() -> None:
    world = World()
    world.open_envelope(amounts=(100_000,), on=date(2026, 11, 2))
    first = world.to_award(90_000, on=date(2026, 11, 2))
    world.award(first, on=date(2026, 11, 9))
    world.give_back(first, 50_000, on=date(2026, 11, 16))
    envelope = world.envelopes["herstelaanpak"]
    lefts = {day: envelope.left_from(date(2026, 11, day)) for day in (1, 2, 8, 9, 15, 16, 20)}
    assert lefts == {
        1: euros(0),
        2: euros(10_000),
        8: euros(10_000),
        9: euros(10_000),
        15: euros(10_000),
        16: euros(60_000),
        20: euros(60_000),
    }


def test_what_is_recorded_late_counts_on_its_own_date() -> None:
    world = World()
    world.open_envelope(amounts=(100_000,), on=date(2026, 11, 2))
    world.award(world.to_award(60_000, on=date(2026, 11, 2)), on=date(2026, 11, 16))
    world.add_source(amount=50_000, on=date(2026, 11, 9))
    world.award(world.to_award(30_000, on=date(2026, 11, 2)), on=date(2026, 11, 9))
    envelope = world.envelopes["herstelaanpak"]
    lefts = {day: envelope.left_from(date(2026, 11, day)) for day in (2, 9, 16)}
    assert lefts == {2: euros(60_000), 9: euros(60_000), 16: euros(60_000)}
    world.give_back("proposal-1", 40_000, on=date(2026, 11, 18))
    with pytest.raises(Refused) as refused:
        world.award(world.to_award(100_000, on=date(2026, 11, 2)), on=date(2026, 11, 9))
    assert refused.value.facts["left"] == euros(60_000)


# Releasing


def test_a_release_frees_what_a_phase_holds_back() -> None:
    world = world_with()
    proposal = awarded_in_phases(world)
    events = world.release(proposal, 2)
    assert events == [
        PhaseReleased(2, euros(150_000), "Voortgang gemeld."),
        FundsReleased(proposal, euros(150_000)),
    ]
    assert world.money_left() == (euros(300_000), euros(0), euros(1_700_000))


def test_a_phase_is_released_once_and_one_that_holds_nothing_back_never() -> None:
    world = world_with()
    proposal = awarded_in_phases(world)
    world.release(proposal, 2)
    for phase in (1, 2):
        with pytest.raises(Refused) as refused:
            world.release(proposal, phase)
        assert refused.value.code == "phase-holds-nothing-back"


@pytest.mark.parametrize("phase", [-1, 0, 3])
def test_a_phase_that_is_not_there_is_refused_with_those_that_are(phase: int) -> None:
    world = world_with()
    proposal = awarded_in_phases(world)
    with pytest.raises(Refused) as refused:
        world.release(proposal, phase)
    assert refused.value.code == "no-such-phase"
    assert refused.value.facts["known"] == [1, 2]


# Moving


def test_held_back_money_may_go_to_a_case_that_waits_for_its_award() -> None:
    world = world_with()
    giver, taker = awarded_in_phases(world), world.to_award(85_000)
    events = world.reallocate(giver, 2, taker, 85_000)
    moved = MoneyMovedIn("herstelaanpak", euros(85_000), giver, 2, 1, world.cases[taker].content_hash(), 1)
    assert moved in events
    assert events[-1] == FundsMoved(giver, taker, euros(85_000))
    assert world.money_left() == (euros(235_000), euros(65_000), euros(1_700_000))
    assert phases(world, giver) == [(1, euros(0), euros(150_000)), (2, euros(65_000), euros(0))]
    assert phases(world, taker) == [(0, euros(0), euros(85_000))]
    assert world.waits_for(taker) == []
    assert world.cases[taker].awarded


def test_held_back_money_may_go_to_a_case_awarded_from_the_same_envelope() -> None:
    world = world_with()
    giver, taker = awarded_in_phases(world), world.to_award(100_000)
    world.award(taker, 60_000)
    world.reallocate(giver, 2, taker, 40_000)
    assert phases(world, taker) == [(0, euros(0), euros(40_000)), (1, euros(0), euros(60_000))]
    with pytest.raises(Invalid) as refused:
        world.reallocate(giver, 2, taker, "0.01")
    assert (refused.value.code, refused.value.field) == ("more-than-requested", "/amount")


def test_money_does_not_move_to_a_case_with_money_from_another_envelope() -> None:
    world = world_with()
    world.open_envelope("ander", [500_000])
    giver, taker = awarded_in_phases(world), world.to_award(100_000)
    world.award(taker, 50_000, envelope="ander")
    with pytest.raises(Refused) as refused:
        world.reallocate(giver, 2, taker, 10_000)
    assert refused.value.code == "award-from-other-envelope"


def test_money_of_a_programme_does_not_move_to_a_case_of_another() -> None:
    world = World()
    world.open_envelope(programme="regionale-herstelaanpak")
    giver, taker = awarded_in_phases(world), world.to_award(programme="stimuleringsfonds")
    with pytest.raises(Refused) as refused:
        world.reallocate(giver, 2, taker, 10_000)
    assert refused.value.code == "envelope-of-other-programme"


def test_no_more_moves_than_is_held_back_or_was_requested() -> None:
    world = world_with()
    giver, taker = awarded_in_phases(world), world.to_award(100_000)
    with pytest.raises(Refused) as refused:
        world.reallocate(giver, 2, taker, "150000.01")
    assert refused.value.code == "more-than-held-back"
    assert refused.value.facts["heldBack"] == euros(150_000)
    with pytest.raises(Invalid) as refused:
        world.reallocate(giver, 2, taker, "100000.01")
    assert refused.value.code == "more-than-requested"


def test_money_moves_to_another_case_only() -> None:
    world = world_with()
    giver = awarded_in_phases(world)
    with pytest.raises(Invalid) as refused:
        world.reallocate(giver, 2, giver, 10_000)
    assert (refused.value.code, refused.value.field) == ("reallocation-to-itself", "/to")


def test_money_does_not_move_to_a_case_whose_turn_for_money_has_not_come_or_has_gone() -> None:
    world = world_with()
    giver, undecided, withdrawn = awarded_in_phases(world), world.to_decision(), world.to_award()
    world.withdraw(withdrawn)
    with pytest.raises(Refused) as refused:
        world.reallocate(giver, 2, undecided, 10_000)
    assert (refused.value.code, refused.value.facts["waitsFor"]) == ("out-of-turn", "decision")
    with pytest.raises(Refused) as refused:
        world.reallocate(giver, 2, withdrawn, 10_000)
    assert refused.value.code == "case-ended"


@pytest.mark.parametrize("awarded", [False, True])
def test_money_moves_not_before_the_last_act_of_either_case(awarded: bool) -> None:
    world = World()
    world.open_envelope(on=date(2026, 11, 2))
    giver = world.to_award(300_000, on=date(2026, 11, 2))
    world.award(giver, phases=[(150_000, DIRECT), (150_000, HELD)], on=date(2026, 11, 4))
    taker = world.to_award(100_000, on=date(2026, 11, 9))
    if awarded:
        world.award(taker, 50_000, on=date(2026, 11, 9))
    for day in (3, 6):
        with pytest.raises(Invalid) as refused:
            world.reallocate(giver, 2, taker, 10_000, on=date(2026, 11, day))
        assert refused.value.code == "date-before-last-act"
    world.reallocate(giver, 2, taker, 10_000, on=date(2026, 11, 9))


# Returning


def test_what_was_held_back_is_returned_first_and_the_last_phase_first() -> None:
    world = world_with()
    proposal = world.to_award(300_000)
    world.award(proposal, phases=[(100_000, DIRECT), (100_000, HELD), (100_000, HELD)])
    events = world.give_back(proposal, 120_000)
    assert events == [
        MoneyReturned(
            euros(120_000),
            "Het kostte minder.",
            (AmountHeld(2, euros(20_000), euros(0)), AmountHeld(3, euros(100_000), euros(0))),
        ),
        FundsReturned(proposal, euros(0), euros(120_000)),
    ]
    world.give_back(proposal, 100_000)
    assert phases(world, proposal) == [
        (1, euros(0), euros(80_000)),
        (2, euros(0), euros(0)),
        (3, euros(0), euros(0)),
    ]
    assert world.money_left() == (euros(80_000), euros(0), euros(1_920_000))


def test_no_more_is_returned_than_was_awarded_and_is_still_there() -> None:
    world = world_with()
    proposal = awarded_in_phases(world)
    world.reallocate(proposal, 2, world.to_award(100_000), 100_000)
    with pytest.raises(Refused) as refused:
        world.give_back(proposal, "200000.01")
    assert refused.value.code == "more-than-awarded"
    assert refused.value.facts["left"] == euros(200_000)
    world.give_back(proposal, 200_000)
    with pytest.raises(Refused):
        world.give_back(proposal, "0.01")


def test_money_that_moved_in_can_be_returned_too() -> None:
    world = world_with()
    giver, taker = awarded_in_phases(world), world.to_award(85_000)
    world.reallocate(giver, 2, taker, 85_000)
    world.give_back(taker, 25_000)
    assert phases(world, taker) == [(0, euros(0), euros(60_000))]
    assert world.money_left() == (euros(210_000), euros(65_000), euros(1_725_000))


def test_money_that_moved_in_is_no_phase_to_release_or_move_on() -> None:
    world = world_with()
    giver, taker = awarded_in_phases(world), world.to_award(85_000)
    world.reallocate(giver, 2, taker, 85_000)
    with pytest.raises(Refused) as refused:
        world.release(taker, 0)
    assert refused.value.code == "no-such-phase"


def test_returned_money_can_be_awarded_again() -> None:
    world = world_with(100_000)
    first = world.to_award(100_000)
    world.award(first)
    world.give_back(first, 30_000)
    world.award(world.to_award(30_000))
    assert world.money_left() == (euros(100_000), euros(0), euros(0))


# What has no award yet, and routes that go on


@pytest.mark.parametrize("act", ["release", "give_back", "reallocate"])
def test_money_acts_wait_for_the_award(act: str) -> None:
    world = world_with()
    proposal, other = world.to_award(), world.to_award()
    attempts: dict[str, Callable[[], object]] = {
        "release": lambda: world.release(proposal, 1),
        "give_back": lambda: world.give_back(proposal, 1),
        "reallocate": lambda: world.reallocate(proposal, 1, other, 1),
    }
    with pytest.raises(Refused) as refused:
        attempts[act]()
    assert (refused.value.code, refused.value.facts["waitsFor"]) == ("out-of-turn", "award")


def test_a_route_that_ends_in_a_decision_is_over_without_money() -> None:
    programme = stimuleringsfonds()
    short = replace(programme, stages=programme.stages[:-1])
    world = World({short.code: short})
    proposal = world.submit(short.code)
    world.check(proposal)
    world.review(proposal)
    assert not opened(world.decide(proposal))
    world.open_envelope()
    with pytest.raises(Refused) as refused:
        world.award(proposal)
    assert refused.value.code == "case-awarded"
    assert not world.cases[proposal].awarded
