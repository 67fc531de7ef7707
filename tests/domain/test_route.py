"""The route of a proposal: from submission by completeness check, advice and decision to the award."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest

from domain.errors import Invalid, Refused
from domain.events import (
    Awarded,
    CompletenessChecked,
    Decided,
    FundsReserved,
    ProposalResumed,
    ProposalRevised,
    ProposalSubmitted,
    ProposalWithdrawn,
    Reviewed,
    StageClosed,
    StageOpened,
    SubregionSupport,
)
from tests.domain.given import TODAY, World, content, for_the_fund, opened

# The whole route


def test_a_proposal_of_the_recovery_approach_goes_by_taskforce_and_portfolio_holders_to_the_board() -> None:
    world = World()
    world.open_envelope()
    proposal = world.submit()
    assert world.waits_for(proposal) == [("completeness", "secretariat")]
    world.check(proposal)
    assert world.waits_for(proposal) == [("review", "taskforce")]
    world.review(proposal)
    assert world.waits_for(proposal) == [("decision", "poho")]
    world.decide(proposal)
    assert world.waits_for(proposal) == [("award", "db")]
    world.award(proposal)
    assert world.waits_for(proposal) == []
    assert world.cases[proposal].awarded
    assert [type(recorded.event) for recorded in world.events_of(proposal)] == [
        ProposalSubmitted,
        StageOpened,
        CompletenessChecked,
        StageClosed,
        StageOpened,
        Reviewed,
        StageClosed,
        StageOpened,
        Decided,
        StageClosed,
        StageOpened,
        Awarded,
        StageClosed,
    ]
    assert isinstance(world.events_of("envelope-herstelaanpak")[-1].event, FundsReserved)


def test_a_proposal_of_the_stimulus_fund_goes_by_its_advisers_to_the_board_which_decides_and_awards() -> None:
    world = World()
    world.open_envelope("stimuleringsfonds", [3_000_000])
    proposal = world.submit("stimuleringsfonds")
    world.check(proposal)
    assert world.waits_for(proposal) == [("advice", "adviesgroep")]
    world.review(proposal)
    assert world.waits_for(proposal) == [("decision", "db")]
    world.decide(proposal)
    assert world.waits_for(proposal) == [("award", "db")]
    world.award(proposal, envelope="stimuleringsfonds")
    assert world.cases[proposal].awarded


def test_the_kind_of_a_stage_and_the_legal_capacity_are_two_things() -> None:
    world = World()
    proposal = world.to_decision()
    (decision,) = world.cases[proposal].open
    assert (decision.kind, decision.body, decision.capacity) == ("decision", "poho", "advies")
    (award,) = opened(world.decide(proposal))
    assert (award.kind, award.body, award.capacity) == ("award", "db", "besluit")


# Out of turn

WAITING: dict[str, tuple[Callable[[World], str], str, str]] = {
    "completeness": (lambda world: world.submit(), "completeness", "secretariat"),
    "review": (lambda world: world.to_review(), "review", "taskforce"),
    "decision": (lambda world: world.to_decision(), "decision", "poho"),
    "award": (lambda world: world.to_award(), "award", "db"),
    "supplement": (lambda world: supplement_asked(world), "supplement", "applicant"),
    "held-over": (lambda world: held_over(world), "held-over", "secretariat"),
}
ACTS: dict[str, Callable[[World, str], object]] = {
    "completeness": lambda world, case: world.check(case),
    "review": lambda world, case: world.review(case),
    "decision": lambda world, case: world.decide(case),
    "award": lambda world, case: world.award(case),
    "supplement": lambda world, case: world.revise(case),
    "held-over": lambda world, case: world.resume(case),
    "release": lambda world, case: world.release(case, 1),
    "return": lambda world, case: world.give_back(case, 1),
    "reallocation": lambda world, case: world.reallocate(case, 1, case, 1),
}


def supplement_asked(world: World) -> str:
    proposal = world.submit()
    world.check(proposal, "supplement", "De begroting ontbreekt.")
    return proposal


def held_over(world: World) -> str:
    proposal = world.to_decision()
    world.decide(proposal, "held-over")
    return proposal


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("waiting", WAITING)
def test_an_act_out_of_turn_is_refused_with_what_the_case_waits_for(waiting: str, act: str) -> None:
    reach, stage, body = WAITING[waiting]
    world = World()
    world.open_envelope()
    proposal = reach(world)
    before = list(world.history)
    if waiting == act:
        ACTS[act](world, proposal)
        assert len(world.history) > len(before)
        return
    with pytest.raises(Refused) as refused:
        ACTS[act](world, proposal)
    assert type(refused.value) is Refused
    assert refused.value.code == "out-of-turn"
    assert refused.value.facts["waitsFor"] == stage
    assert refused.value.facts["body"] == body
    assert refused.value.facts["reference"] == "RHA-2026-0001"
    assert refused.value.facts["dueOn"] == world.cases[proposal].open[0].due_on
    assert world.history == before


@pytest.mark.parametrize("act", ["completeness", "review", "decision", "award", "supplement", "held-over"])
def test_after_its_award_a_case_waits_for_nothing(act: str) -> None:
    world = World()
    world.open_envelope()
    proposal = world.to_award()
    world.award(proposal)
    with pytest.raises(Refused) as refused:
        ACTS[act](world, proposal)
    assert refused.value.code == "case-awarded"


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("outcome", ["rejected", "withdrawn"])
def test_nothing_happens_to_a_case_that_has_ended(outcome: str, act: str) -> None:
    world = World()
    world.open_envelope()
    proposal = world.to_decision()
    if outcome == "rejected":
        world.decide(proposal, "rejected")
    else:
        world.withdraw(proposal)
    with pytest.raises(Refused) as refused:
        ACTS[act](world, proposal)
    assert refused.value.code == "case-ended"
    assert refused.value.facts["outcome"] == outcome


def test_another_body_than_the_one_whose_turn_it_is_may_not_act() -> None:
    world = World()
    proposal = world.to_review()
    with pytest.raises(Refused) as refused:
        world.review(proposal, body="poho")
    assert (refused.value.code, refused.value.facts["body"]) == ("out-of-turn", "taskforce")
    world.review(proposal)
    with pytest.raises(Refused) as refused:
        world.decide(proposal, body="db")
    assert (refused.value.code, refused.value.facts["body"]) == ("out-of-turn", "poho")


def test_a_body_that_the_programme_does_not_know_is_pointed_at() -> None:
    world = World()
    proposal = world.to_review()
    with pytest.raises(Invalid) as refused:
        world.review(proposal, body="provincie")
    assert (refused.value.code, refused.value.field) == ("unknown-body", "/body")
    world.review(proposal)
    with pytest.raises(Invalid) as refused:
        world.decide(proposal, body="provincie")
    assert (refused.value.code, refused.value.field) == ("unknown-body", "/body")


# Supplement and revise


def test_an_incomplete_proposal_goes_back_to_the_applicant_and_is_checked_again() -> None:
    world = World()
    proposal = world.submit()
    events = world.check(proposal, "supplement", "De begroting ontbreekt.")
    assert [stage.body for stage in opened(events)] == ["applicant"]
    world.revise(proposal)
    assert world.waits_for(proposal) == [("completeness", "secretariat")]
    assert world.cases[proposal].revision == 2
    world.check(proposal, "supplement", "Nu ontbreekt het plan.")
    world.revise(proposal)
    world.check(proposal)
    assert world.waits_for(proposal) == [("review", "taskforce")]
    assert world.cases[proposal].revision == 3


def test_a_supplement_says_what_is_missing() -> None:
    world = World()
    proposal = world.submit()
    with pytest.raises(Invalid) as refused:
        world.check(proposal, "supplement")
    assert (refused.value.code, refused.value.field) == ("remarks-needed", "/remarks")


def test_the_secretariat_may_say_by_when_a_supplement_is_due() -> None:
    world = World()
    proposal = world.submit()
    (waits,) = opened(world.check(proposal, "supplement", "De begroting.", due_on=date(2026, 12, 24)))
    assert waits.due_on == date(2026, 12, 24)


def test_a_supplement_cannot_be_due_before_it_was_asked() -> None:
    world = World()
    proposal = world.submit()
    with pytest.raises(Invalid) as refused:
        world.check(proposal, "supplement", "De begroting.", due_on=date(2026, 11, 19))
    assert (refused.value.code, refused.value.field) == ("due-before-act", "/dueOn")


def test_a_reviewer_may_send_a_proposal_back_and_sees_it_again_without_another_check() -> None:
    world = World()
    proposal = world.to_review()
    events = world.review(proposal, "revise", "De effecten zijn te vaag.")
    assert [stage.kind for stage in opened(events)] == ["supplement"]
    revised = world.revise(proposal, content(effect="Vierhonderd winkels."))
    assert [type(event) for event in revised] == [ProposalRevised, StageClosed, StageOpened]
    assert world.waits_for(proposal) == [("review", "taskforce")]
    world.review(proposal)
    assert world.waits_for(proposal) == [("decision", "poho")]


def test_after_both_loops_the_stage_that_asked_last_opens_again() -> None:
    world = World()
    proposal = world.submit()
    world.check(proposal, "supplement", "De begroting.")
    world.revise(proposal)
    world.check(proposal)
    world.review(proposal, "revise", "De effecten.")
    world.revise(proposal)
    assert world.waits_for(proposal) == [("review", "taskforce")]


def test_a_revision_must_meet_what_refuses_a_submission() -> None:
    world = World()
    proposal = supplement_asked(world)
    with pytest.raises(Invalid) as refused:
        world.revise(proposal, content(cofinancing=()))
    assert (refused.value.code, refused.value.field) == ("requirement-not-met", "/cofinancing")
    with pytest.raises(Invalid) as refused:
        world.revise(proposal, content(themes=("energie",)))
    assert (refused.value.code, refused.value.field) == ("unknown-theme", "/themes/0")
    assert world.cases[proposal].revision == 1


# What blocks the review


def test_the_review_does_not_begin_while_a_subregion_is_not_on_board() -> None:
    world = World()
    proposal = world.submit(given=content(subregion_support=()))
    with pytest.raises(Refused) as refused:
        world.check(proposal)
    assert refused.value.code == "requirement-blocks-review"
    assert refused.value.facts["requirements"] == ["subregionale-aanhaking"]
    assert world.waits_for(proposal) == [("completeness", "secretariat")]
    world.check(proposal, "supplement", "De Peel moet erachter staan.")
    world.revise(proposal, content())
    world.check(proposal)
    assert world.waits_for(proposal) == [("review", "taskforce")]


def test_a_revision_for_the_reviewer_may_not_lose_what_let_the_review_begin() -> None:
    world = World()
    proposal = world.to_review()
    world.review(proposal, "revise", "De effecten.")
    with pytest.raises(Refused) as refused:
        world.revise(proposal, content(subregion_support=()))
    assert refused.value.code == "requirement-blocks-review"
    assert world.waits_for(proposal) == [("supplement", "applicant")]


# Advice and decision


def test_a_negative_advice_still_goes_to_whoever_decides() -> None:
    world = World()
    proposal = world.to_review()
    world.review(proposal, "negative", "Geen structureel effect.")
    assert world.waits_for(proposal) == [("decision", "poho")]
    world.decide(proposal)
    assert world.waits_for(proposal) == [("award", "db")]


def test_a_rejection_ends_the_route() -> None:
    world = World()
    proposal = world.to_decision()
    world.decide(proposal, "rejected", "Te weinig draagvlak.")
    assert world.waits_for(proposal) == []
    assert world.cases[proposal].ended == "rejected"


@pytest.mark.parametrize("outcome", ["rejected", "held-over"])
def test_rejecting_and_holding_over_need_grounds(outcome: str) -> None:
    world = World()
    proposal = world.to_decision()
    with pytest.raises(Invalid) as refused:
        world.decide(proposal, outcome, grounds="")
    assert (refused.value.code, refused.value.field) == ("grounds-needed", "/grounds")


@pytest.mark.parametrize("advice", ["negative", "revise"])
def test_a_negative_advice_and_sending_back_need_grounds(advice: str) -> None:
    world = World()
    proposal = world.to_review()
    with pytest.raises(Invalid) as refused:
        world.review(proposal, advice, grounds="")
    assert (refused.value.code, refused.value.field) == ("grounds-needed", "/grounds")


def test_conditions_belong_to_an_advice_or_decision_with_conditions() -> None:
    world = World()
    proposal = world.to_review()
    with pytest.raises(Invalid) as refused:
        world.review(proposal, "positive-with-conditions")
    assert (refused.value.code, refused.value.field) == ("conditions-needed", "/conditions")
    with pytest.raises(Invalid) as refused:
        world.review(proposal, conditions=("Meld de voortgang.",))
    assert (refused.value.code, refused.value.field) == ("conditions-not-allowed", "/conditions")
    world.review(proposal, "positive-with-conditions", conditions=("Meld de voortgang.",))
    with pytest.raises(Invalid) as refused:
        world.decide(proposal, "approved-with-conditions")
    assert refused.value.code == "conditions-needed"
    with pytest.raises(Invalid) as refused:
        world.decide(proposal, "held-over", conditions=("Meld de voortgang.",))
    assert refused.value.code == "conditions-not-allowed"
    world.decide(proposal, "approved-with-conditions", conditions=("Een evaluatie na een jaar.",))
    assert world.waits_for(proposal) == [("award", "db")]
    decided = next(r.event for r in world.history if isinstance(r.event, Decided))
    assert decided.conditions == ("Een evaluatie na een jaar.",)


@pytest.mark.parametrize(
    ("reach", "act", "field"),
    [
        (World.submit, lambda world, case: world.check(case, "volledig"), "/outcome"),
        (World.to_review, lambda world, case: world.review(case, "positief"), "/advice"),
        (World.to_decision, lambda world, case: world.decide(case, "goedgekeurd"), "/outcome"),
    ],
)
def test_a_judgement_that_nobody_has_heard_of_never_counts_as_an_approval(
    reach: Callable[[World], str], act: Callable[[World, str], object], field: str
) -> None:
    world = World()
    proposal = reach(world)
    with pytest.raises(Invalid) as refused:
        act(world, proposal)
    assert (refused.value.code, refused.value.field) == ("unknown-choice", field)


# Scores and assessments


def test_the_advisers_of_the_fund_score_each_criterion() -> None:
    world = World()
    proposal = world.to_review(programme="stimuleringsfonds")
    with pytest.raises(Invalid) as refused:
        world.review(proposal, scores={"effectiviteit": 8})
    assert (refused.value.code, refused.value.field) == ("score-needed", "/scores/efficiency")
    for score in (0, 11):
        with pytest.raises(Invalid) as refused:
            world.review(proposal, scores={"effectiviteit": score})
        assert (refused.value.code, refused.value.field) == ("score-needed", "/scores/effectiviteit")
    with pytest.raises(Invalid) as refused:
        world.review(proposal, scores={"schoonheid": 8})
    assert (refused.value.code, refused.value.field) == ("unknown-criterion", "/scores/schoonheid")
    reviewed = world.review(proposal)[0]
    assert isinstance(reviewed, Reviewed)
    assert sum(reviewed.scores.values()) == 30


def test_who_sends_a_proposal_back_need_not_score_it() -> None:
    world = World()
    proposal = world.to_review(programme="stimuleringsfonds")
    world.review(proposal, "revise", "De begroting klopt niet.", scores={})
    assert world.waits_for(proposal) == [("supplement", "applicant")]


def test_scores_of_an_advice_that_asks_for_revision_are_checked_when_given() -> None:
    world = World()
    proposal = world.to_review(programme="stimuleringsfonds")
    with pytest.raises(Invalid) as refused:
        world.review(proposal, "revise", "Zie de scores.", scores={"effectiviteit": 99})
    assert refused.value.code == "score-needed"


def test_where_no_criteria_are_set_no_scores_are_taken() -> None:
    world = World()
    proposal = world.to_review()
    with pytest.raises(Invalid) as refused:
        world.review(proposal, scores={"effectiviteit": 8})
    assert (refused.value.code, refused.value.field) == ("unknown-criterion", "/scores/effectiviteit")


def test_a_review_keeps_how_each_assessed_requirement_came_out() -> None:
    world = World()
    proposal = world.to_review(content(structural_effect=""))
    reviewed = world.review(proposal)[0]
    assert isinstance(reviewed, Reviewed)
    assert reviewed.assessments == {"structureel-effect": False}


def test_the_reviewer_has_the_last_word_on_what_is_left_to_be_assessed() -> None:
    world = World()
    proposal = world.to_review(content(themes=("digitaliseren-mkb",), structural_effect=""))
    reviewed = world.review(
        proposal, assessments={"structureel-effect": True, "schaalbare-meerwaarde": False}
    )[0]
    assert isinstance(reviewed, Reviewed)
    assert reviewed.assessments == {"schaalbare-meerwaarde": False, "structureel-effect": True}


def test_only_requirements_that_concern_the_proposal_and_are_left_to_the_reviewer_are_assessed() -> None:
    world = World()
    proposal = world.to_review()
    for code in ("schaalbare-meerwaarde", "multiplier", "schoonheid"):
        with pytest.raises(Invalid) as refused:
            world.review(proposal, assessments={code: True})
        assert (refused.value.code, refused.value.field) == ("unknown-requirement", f"/assessments/{code}")


# Holding over and resuming


def test_a_held_over_case_waits_for_the_secretariat_and_comes_back_where_it_was() -> None:
    world = World()
    proposal = held_over(world)
    assert world.waits_for(proposal) == [("held-over", "secretariat")]
    events = world.resume(proposal)
    assert [type(event) for event in events] == [ProposalResumed, StageClosed, StageOpened]
    assert world.waits_for(proposal) == [("decision", "poho")]
    world.decide(proposal, "held-over")
    world.resume(proposal)
    world.decide(proposal)
    assert world.waits_for(proposal) == [("award", "db")]


def test_a_resumed_case_gets_a_new_term() -> None:
    world = World(today=date(2026, 12, 18))
    proposal = world.to_decision(on=date(2026, 11, 2))
    assert world.cases[proposal].open[0].due_on == date(2026, 11, 16)
    world.decide(proposal, "held-over", on=date(2026, 11, 9))
    (again,) = opened(world.resume(proposal))
    assert again.due_on == date(2027, 1, 5)


# Withdrawing


@pytest.mark.parametrize("waiting", WAITING)
def test_an_applicant_may_withdraw_at_any_stage_before_money_has_come(waiting: str) -> None:
    world = World()
    proposal = WAITING[waiting][0](world)
    events = world.withdraw(proposal)
    assert [type(event) for event in events] == [ProposalWithdrawn, StageClosed]
    assert world.cases[proposal].ended == "withdrawn"
    assert world.waits_for(proposal) == []


def test_once_money_has_come_it_is_returned_and_not_withdrawn() -> None:
    world = World()
    world.open_envelope()
    proposal = world.to_award()
    world.award(proposal)
    with pytest.raises(Refused) as refused:
        world.withdraw(proposal)
    assert refused.value.code == "withdraw-after-award"
    world.give_back(proposal, 100_000)
    with pytest.raises(Refused) as refused:
        world.withdraw(proposal)
    assert refused.value.code == "withdraw-after-award"


# Dates


def test_no_act_counts_on_a_date_that_has_yet_to_come() -> None:
    world = World()
    world.open_envelope()
    tomorrow = date(2026, 11, 21)
    proposal = world.submit()
    attempts: list[Callable[[], object]] = [
        lambda: world.submit(on=tomorrow),
        lambda: world.check(proposal, on=tomorrow),
        lambda: world.withdraw(proposal, on=tomorrow),
        lambda: world.award(world.to_award(), on=tomorrow),
        lambda: world.open_envelope("nieuw", on=tomorrow),
        lambda: world.add_source(on=tomorrow),
    ]
    for attempt in attempts:
        with pytest.raises(Invalid) as refused:
            attempt()
        assert (refused.value.code, refused.value.field) == ("date-in-future", "/effectiveOn")


def test_no_act_counts_before_the_last_act_of_the_case() -> None:
    world = World()
    proposal = world.submit(on=date(2026, 11, 2))
    world.check(proposal, on=date(2026, 11, 9))
    for act in (world.review, world.withdraw):
        with pytest.raises(Invalid) as refused:
            act(proposal, on=date(2026, 11, 8))
        assert (refused.value.code, refused.value.field) == ("date-before-last-act", "/effectiveOn")
        assert refused.value.facts["lastActOn"] == date(2026, 11, 9)
    world.review(proposal, on=date(2026, 11, 9))
    assert world.cases[proposal].last_effective_on == date(2026, 11, 9)


def test_an_act_may_count_on_an_earlier_date_than_it_was_recorded() -> None:
    world = World()
    proposal = world.to_decision(on=date(2026, 11, 2))
    world.decide(proposal, on=date(2026, 11, 16))
    assert world.events_of(proposal)[-1].effective_on == date(2026, 11, 16)


# Terms


def test_every_stage_has_a_term_of_ten_working_days_counted_from_the_day_the_act_counts() -> None:
    world = World()
    proposal = world.submit(on=date(2026, 11, 2))
    assert world.cases[proposal].open[0].due_on == date(2026, 11, 16)
    (review,) = opened(world.check(proposal, on=date(2026, 11, 6)))
    assert review.due_on == date(2026, 11, 20)


def test_dutch_holidays_are_no_working_days() -> None:
    world = World(today=date(2026, 12, 21))
    proposal = world.submit()
    # Christmas and New Year's Day fall within it.
    assert world.cases[proposal].open[0].due_on == date(2027, 1, 6)
    world = World(today=date(2021, 4, 26))
    (check,) = world.cases[world.submit()].open
    # King's Day, Liberation Day; Ascension Day comes after.
    assert check.due_on == date(2021, 5, 12)


def test_a_stage_may_have_a_term_of_its_own() -> None:
    world = World()
    proposal = world.submit("stimuleringsfonds")
    assert world.cases[proposal].open[0].due_on == date(2026, 12, 4)
    (advice,) = opened(world.check(proposal))
    assert advice.due_on == date(2027, 1, 5)


# Requirements and names at submission


def test_a_multiplier_below_one_refuses_the_submission() -> None:
    world = World()
    with pytest.raises(Invalid) as refused:
        world.submit(given=content(100_000, cofinancing=content(99_999).cofinancing))
    assert (refused.value.code, refused.value.field) == ("requirement-not-met", "/cofinancing")
    assert refused.value.facts["requirement"] == "multiplier"
    assert refused.value.facts["minimum"] == Decimal(1)


@pytest.mark.parametrize(
    ("field", "changes", "code"),
    [
        ("/themes/1", {"themes": ("opleiden", "energie")}, "unknown-theme"),
        ("/municipalities/0", {"municipalities": ("GM0363",)}, "unknown-municipality"),
        ("/period/end", {"period_end": date(2025, 12, 31)}, "end-before-start"),
    ],
)
def test_what_the_programme_does_not_know_is_pointed_at(
    field: str, changes: dict[str, object], code: str
) -> None:
    with pytest.raises(Invalid) as refused:
        World().submit(given=content(**changes))
    assert (refused.value.code, refused.value.field) == (code, field)


def test_a_period_of_one_day_is_a_period() -> None:
    world = World()
    world.submit(given=content(period_start=TODAY, period_end=TODAY))


def test_an_unknown_subregion_is_pointed_at() -> None:
    support = (*content().subregion_support, SubregionSupport("veluwe", "Brief."))
    with pytest.raises(Invalid) as refused:
        World().submit(given=content(subregion_support=support))
    assert (refused.value.code, refused.value.field) == ("unknown-subregion", "/subregionSupport/2/subregion")


# Tenders


def test_a_proposal_to_a_fund_belongs_to_the_tender_that_is_open() -> None:
    world = World()
    proposal = world.submit("stimuleringsfonds")
    submitted = world.events_of(proposal)[0].event
    assert isinstance(submitted, ProposalSubmitted)
    assert submitted.tender == "2027-01"


@pytest.mark.parametrize(
    ("today", "is_open"),
    [
        (date(2020, 6, 30), False),
        (date(2020, 7, 1), True),
        (date(2020, 10, 1), True),
        (date(2020, 10, 2), False),
    ],
)
def test_a_tender_is_open_from_its_first_day_to_its_last(today: date, is_open: bool) -> None:
    world = World(today=today)
    if is_open:
        world.submit("stimuleringsfonds")
        return
    with pytest.raises(Invalid) as refused:
        world.submit("stimuleringsfonds")
    assert (refused.value.code, refused.value.field) == ("tender-closed", "/programme")
    opens = date(2020, 7, 1) if today < date(2020, 7, 1) else date(2021, 1, 2)
    assert refused.value.facts["opens"] == opens


def test_an_applicant_cannot_slip_into_a_tender_by_an_earlier_date_but_the_secretariat_records_late_post() -> (
    None
):
    world = World(today=date(2020, 10, 5))
    with pytest.raises(Invalid) as refused:
        world.submit("stimuleringsfonds", on=date(2020, 10, 1))
    assert (refused.value.code, refused.value.field) == ("backdated-in-tender", "/effectiveOn")
    proposal = world.submit("stimuleringsfonds", for_the_fund(), date(2020, 10, 1), by_secretariat=True)
    submitted = world.events_of(proposal)[0].event
    assert isinstance(submitted, ProposalSubmitted)
    assert submitted.tender == "2020-10"


def test_a_supplement_may_come_after_the_tender_has_closed() -> None:
    world = World(today=date(2020, 10, 1))
    proposal = world.submit("stimuleringsfonds")
    world.check(proposal, "supplement", "De begroting.")
    world.today = date(2020, 10, 8)
    world.revise(proposal, for_the_fund())
    assert world.waits_for(proposal) == [("completeness", "secretariat")]
