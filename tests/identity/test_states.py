"""In which states of a case can each act be done? The table of permissions says what the rules of the domain refuse."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from domain.errors import Refused
from projections import status as statuses
from service.identity.permissions import STATES, TABLE, in_turn
from tests.domain.given import World, samenwerkingsakkoord

NOT_NOW = {"out-of-turn", "case-ended", "case-awarded", "withdraw-after-award", "not-awarded"}

Walk = Callable[[World], str]


def supplement(world: World) -> str:
    proposal = world.submit()
    world.check(proposal, "supplement", "De begroting ontbreekt.")
    return proposal


def held_over(world: World) -> str:
    proposal = world.to_decision()
    world.decide(proposal, "held-over")
    return proposal


def ratification(world: World) -> str:
    agreement = samenwerkingsakkoord()
    world.programmes[agreement.code] = agreement
    proposal = world.submit(agreement.code)
    while statuses_of(world, proposal) != "ratification":
        if statuses_of(world, proposal) == "completeness":
            world.check(proposal)
        elif statuses_of(world, proposal) == "review":
            world.review(proposal, body=world.cases[proposal].open[0].body)
        else:
            world.decide(proposal, body=world.cases[proposal].open[0].body)
    return proposal


def awarded(world: World) -> str:
    world.open_envelope()
    proposal = world.to_award()
    world.award(proposal, phases=((50_000, ""), (50_000, "Na het verslag")))
    return proposal


def rejected(world: World) -> str:
    proposal = world.to_decision()
    world.decide(proposal, "rejected")
    return proposal


def withdrawn(world: World) -> str:
    proposal = world.submit()
    world.withdraw(proposal)
    return proposal


WALKS: dict[str, Walk] = {
    "completeness": lambda world: world.submit(),
    "supplement": supplement,
    "review": lambda world: world.to_review(),
    "decision": lambda world: world.to_decision(),
    "ratification": ratification,
    "held-over": held_over,
    "award": lambda world: world.to_award(),
    "awarded": awarded,
    "rejected": rejected,
    "withdrawn": withdrawn,
}

ACTS: dict[str, Callable[[World, str], object]] = {
    "completeness": lambda world, proposal: world.check(proposal),
    "revise": lambda world, proposal: world.revise(proposal),
    "review": lambda world, proposal: world.review(proposal, body=waiting(world, proposal)),
    "decide": lambda world, proposal: world.decide(proposal, body=waiting(world, proposal)),
    "resume": lambda world, proposal: world.resume(proposal),
    "award": lambda world, proposal: world.award(proposal),
    "release": lambda world, proposal: world.release(proposal, 2),
    "reallocate": lambda world, proposal: world.reallocate(proposal, 2, world.to_award(), 10_000),
    "return": lambda world, proposal: world.give_back(proposal, 1_000),
    "withdraw": lambda world, proposal: world.withdraw(proposal),
}


def waiting(world: World, proposal: str) -> str | None:
    open_stages = world.cases[proposal].open
    return open_stages[0].body if open_stages else None


def statuses_of(world: World, proposal: str) -> str:
    document = None
    for recorded in world.events_of(proposal):
        document = statuses.evolve(document, recorded)
    assert document is not None
    return str(document["status"])


@pytest.mark.parametrize("status", WALKS)
@pytest.mark.parametrize("act", ACTS)
def test_an_act_can_be_done_in_the_states_that_the_table_names_and_in_no_other(act: str, status: str) -> None:
    world = World()
    world.open_envelope()
    if status == "awarded":
        world = World()
    proposal = WALKS[status](world)
    assert statuses_of(world, proposal) == status
    if in_turn(act, status):
        ACTS[act](world, proposal)
    else:
        with pytest.raises(Refused) as refused:
            ACTS[act](world, proposal)
        assert refused.value.code in NOT_NOW


def test_every_act_that_is_bound_to_a_state_stands_in_the_table_and_is_tried_here() -> None:
    assert set(STATES) == set(ACTS)
    assert set(STATES) <= set(TABLE)
    assert {status for each in STATES.values() for status in each} <= set(WALKS)
