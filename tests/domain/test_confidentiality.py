"""Who may know of it? The rules on levels of confidentiality."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.award import Award, award
from domain.classification import Classify, classify, with_confidentiality
from domain.confidentiality import GROUNDS, Confidentiality
from domain.errors import Invalid
from domain.events import ConfidentialitySet, Decided, Reviewed
from domain.proposal import Decide, decide
from tests.domain.given import TODAY, World, euros

SECRET = Confidentiality("confidential", "woo-5-1-1-c")


@pytest.fixture
def world() -> World:
    return World()


def test_a_proposal_is_confidential_from_the_moment_that_it_was_set(world: World) -> None:
    proposal = world.to_review()
    assert not world.cases[proposal].secret_on(TODAY)
    world.classify(proposal)
    assert world.cases[proposal].secret_on(TODAY)
    world.classify(proposal, "public")
    assert not world.cases[proposal].secret_on(TODAY)


def test_it_is_confidential_up_to_and_including_its_last_day(world: World) -> None:
    proposal = world.to_review()
    world.classify(proposal, until=TODAY + timedelta(days=3))
    case = world.cases[proposal]
    assert case.secret_on(TODAY + timedelta(days=3))
    assert not case.secret_on(TODAY + timedelta(days=4))


def test_what_is_confidential_has_a_ground_in_law_and_an_end_that_is_still_to_come(world: World) -> None:
    case = world.cases[world.to_review()]
    wrong = {
        "confidential-ground-needed": Confidentiality("confidential"),
        "unknown-choice": Confidentiality("secret", "woo-5-2"),
        "confidential-until-past": Confidentiality("confidential", "woo-5-2", TODAY - timedelta(days=1)),
        "confidential-only": Confidentiality("internal", "woo-5-2"),
    }
    for code, given in wrong.items():
        with pytest.raises(Invalid, match=code):
            classify(Classify(0, given, "", TODAY), case, TODAY)
    with pytest.raises(Invalid, match="confidential-only"):
        classify(Classify(0, Confidentiality("public", until=TODAY), "", TODAY), case, TODAY)
    for ground in GROUNDS:
        assert classify(Classify(0, Confidentiality("confidential", ground, TODAY), "", TODAY), case, TODAY)


def test_only_acts_in_which_somebody_judged_or_moved_money_have_a_level_of_their_own(world: World) -> None:
    world.open_envelope()
    proposal = world.to_award()
    case = world.cases[proposal]
    history = world.events_of(proposal)
    judged = {r.version for r in history if r.name in ("CompletenessChecked", "Reviewed", "Decided")}
    assert set(case.acts) == judged
    assert case.acts[next(r.version for r in history if isinstance(r.event, Reviewed))] == "taskforce"
    for version in {r.version for r in history} - judged | {999}:
        with pytest.raises(Invalid, match="unknown-act"):
            classify(Classify(version, SECRET, "", TODAY), case, TODAY)


def test_the_level_of_an_act_leaves_the_rest_as_it_is(world: World) -> None:
    proposal = world.to_decision()
    version = min(world.cases[proposal].acts)
    world.classify(proposal, about=version)
    case = world.cases[proposal]
    assert case.confidentiality[version].secret_on(TODAY)
    assert not case.secret_on(TODAY)


def test_setting_a_level_is_no_step_so_earlier_steps_can_still_be_recorded(world: World) -> None:
    early = TODAY - timedelta(days=20)
    proposal = world.to_decision(on=early)
    world.classify(proposal)
    assert world.cases[proposal].last_effective_on == early
    world.decide(proposal, on=early + timedelta(days=1))


def test_a_level_can_be_set_of_a_case_that_has_ended(world: World) -> None:
    proposal = world.to_review()
    world.withdraw(proposal)
    world.classify(proposal)
    assert world.cases[proposal].secret_on(TODAY)


def test_who_acts_gives_the_level_of_their_words_along_and_it_is_that_of_the_act_itself(world: World) -> None:
    proposal = world.to_decision()
    case = world.cases[proposal]
    command = Decide("poho", "approved", "Zo is het.", (), TODAY, SECRET)
    events = decide(command, case, world.programme(proposal), world.calendar)
    changes = with_confidentiality([(proposal, e) for e in events], command.confidentiality, case, TODAY)
    assert isinstance(changes[0][1], Decided)
    level = changes[1][1]
    assert isinstance(level, ConfidentialitySet)
    world.record(changes)
    about = next(r.version for r in world.events_of(proposal) if isinstance(r.event, Decided))
    assert level.about == about
    assert world.cases[proposal].confidentiality[about] == SECRET


def test_a_level_along_with_an_act_is_judged_by_the_same_rules(world: World) -> None:
    world.open_envelope()
    proposal = world.to_award()
    case = world.cases[proposal]
    envelope = world.envelopes["herstelaanpak"]
    command = Award("herstelaanpak", euros(10), False, (), TODAY, Confidentiality("confidential"))
    changes = award(command, case, world.programme(proposal), envelope, world.calendar)
    with pytest.raises(Invalid, match="confidential-ground-needed") as refused:
        with_confidentiality(changes, command.confidentiality, case, TODAY)
    assert refused.value.field == "/confidentiality/ground"
    assert with_confidentiality(changes, None, case, TODAY) == changes


def test_the_bodies_on_the_route_are_those_that_it_waits_or_waited_for(world: World) -> None:
    proposal = world.submit()
    world.check(proposal, "supplement", "De begroting.")
    assert world.cases[proposal].route == ("secretariat",)  # the applicant is no body
    world.revise(proposal)
    world.check(proposal)
    assert world.cases[proposal].route == ("secretariat", "taskforce")
