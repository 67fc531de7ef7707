"""The recovery approach as it really went: what was committed, held back and left after each meeting of the board."""

from __future__ import annotations

from datetime import date

import pytest

from domain.case import fold
from domain.events import PhaseReleased
from tests.domain.given import DIRECT, World, euros

OPENED = date(2020, 9, 30)
FIRST, SECOND, THIRD = date(2020, 12, 7), date(2021, 2, 8), date(2021, 9, 27)


@pytest.fixture(scope="module")
def world() -> World:
    """Everything that was decided, on the dates on which it counted."""
    world = World(today=date(2021, 12, 31))
    world.open_envelope(amounts=(1_200_000, 800_000), on=OPENED)
    for amount in (700_000, 175_000, 100_000, 200_000):
        world.award(world.to_award(amount, on=OPENED), on=FIRST)
    vouchers = world.to_award(300_000, on=OPENED)
    world.award(vouchers, phases=[(150_000, DIRECT), (150_000, "Terugkoppeling en DB-besluit")], on=SECOND)
    de_peel = world.to_award(200_000, on=SECOND)
    world.award(de_peel, on=THIRD)
    digitaal_fit = world.to_award(85_000, on=SECOND)
    world.reallocate(vouchers, 2, digitaal_fit, 85_000, on=THIRD)
    world.give_back(vouchers, 65_000, on=THIRD)
    return world


@pytest.mark.parametrize(
    ("on", "committed", "held_back", "left"),
    [
        (OPENED, 0, 0, 2_000_000),
        (date(2020, 12, 6), 0, 0, 2_000_000),
        (FIRST, 1_175_000, 0, 825_000),
        (date(2021, 2, 7), 1_175_000, 0, 825_000),
        (SECOND, 1_325_000, 150_000, 525_000),
        (date(2021, 9, 26), 1_325_000, 150_000, 525_000),
        (THIRD, 1_610_000, 0, 390_000),
        (date(2021, 12, 31), 1_610_000, 0, 390_000),
    ],
)
def test_the_envelope_comes_out_as_it_did(
    world: World, on: date, committed: int, held_back: int, left: int
) -> None:
    envelope = world.envelope_on(on)
    assert envelope is not None
    assert envelope.amount == euros(2_000_000)
    assert (envelope.committed, envelope.held_back, envelope.left) == (
        euros(committed),
        euros(held_back),
        euros(left),
    )


def test_the_second_phase_was_never_released_but_partly_moved_and_partly_returned(world: World) -> None:
    vouchers = world.events_of("proposal-5")
    assert not any(isinstance(recorded.event, PhaseReleased) for recorded in vouchers)
    case = fold(vouchers)
    assert case is not None
    assert [(p.number, p.held_back, p.committed) for p in case.phases] == [
        (1, euros(0), euros(150_000)),
        (2, euros(0), euros(0)),
    ]


def test_before_a_source_was_there_nothing_was(world: World) -> None:
    assert world.envelope_on(date(2020, 9, 29)) is None
