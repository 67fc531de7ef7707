"""Who hears what? The rules of the field: what an act on a case tells, to whom, and what the law requires of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from domain import case as cases
from domain.case import Case
from domain.definition import to_definition
from domain.definition_rules import NOTICE_KINDS, NOTICE_RELATIONS, WITHOUT_BODY
from domain.events import EditionHash, Event, LetterIssued, NewsletterApproved, ProgrammePublished
from domain.programme import NoticeRule
from domain.recorded import Recorded
from projections.notices import (
    KINDS,
    RELATIONS,
    TERMS,
    URGENCIES,
    Notice,
    To,
    notices,
    of_nobody,
    of_term,
    unreached,
)
from tests.domain.given import TODAY, World, content, herstelaanpak, samenwerkingsakkoord

SUBMITTER = To("submitter", "party-1")
BY_LAW = To("submitter", "party-1", required=True)
PARTNER = To("partner", "party-2")
ASTEN, EINDHOVEN = To("municipality", "GM0743"), To("municipality", "GM0772")
SECRETARIAT, TREASURER = To("secretariat"), To("treasurer")


def watcher(stream: str = "proposal-1") -> To:
    """Who follows a case."""
    return To("watcher", stream)


def told(world: World, stream: str = "proposal-1") -> list[Notice]:
    """All notices that a stream has led to so far."""
    history = world.events_of(stream)
    found: list[Notice] = []
    before: Case | None = None
    for _, group in groupby(history, key=lambda recorded: recorded.command_id):
        own = list(group)
        if own[0].kind != "proposal":
            about: Any = world.envelopes[stream.removeprefix("envelope-")]
            found += [notice for recorded in own for notice in notices(recorded, about, None)]
            continue
        case = before
        for recorded in own:
            case = cases.evolve(case, recorded)
        assert case is not None
        programme = world.programmes[case.programme]
        found += [notice for recorded in own for notice in notices(recorded, case, programme, before)]
        before = case
    return found


def last(world: World, stream: str = "proposal-1") -> dict[str, Notice]:
    """What the last act on a stream led to, by kind."""
    so_far = told(world, stream)
    command = world.events_of(stream)[-1].command_id
    earlier = replace_history(world, [r for r in world.history if r.command_id != command])
    new = so_far[len(told(earlier, stream)) :]
    assert len({notice.kind for notice in new}) == len(new)
    return {notice.kind: notice for notice in new}


def replace_history(world: World, history: list[Recorded]) -> World:
    """The same world with this history."""
    return World(world.programmes, world.today, history, world.cases, world.envelopes)


def recorded(event: Event, stream: str) -> Recorded:
    """An event of its own."""
    return Recorded(9, stream, 1, datetime(2026, 1, 5, tzinfo=UTC), TODAY, "person-1", None, "c", None, event)


@pytest.fixture
def world() -> World:
    """Nothing happened yet, but for an envelope."""
    made = World()
    made.open_envelope()
    return made


# On its way to a decision


def test_who_submits_gets_a_receipt_with_a_letter_and_all_who_are_named_hear_it(world: World) -> None:
    world.submit()
    heard = last(world)
    assert set(heard) == {"receipt", "named", "turn"}
    assert heard["receipt"].to == (BY_LAW,)
    assert heard["receipt"].letter == "receipt"
    assert heard["receipt"].facts == {
        "owner": "party-1",
        "reference": "RHA-2026-0001",
        "programme": "regionale-herstelaanpak",
        "programmeVersion": 1,
        "title": {"$words": "2/content.title"},
        "applicant": {"$party": "party-1"},
        "effectiveOn": "2026-11-20",
        "body": "secretariat",
        "dueOn": "2026-12-04",
    }
    assert heard["named"].to == (PARTNER, ASTEN, EINDHOVEN)


def test_an_applicant_for_whom_somebody_else_submits_takes_part(world: World) -> None:
    world.submit(given=content(applicant="party-3", partners=("party-1", "party-2")))
    assert last(world)["named"].to[:2] == (To("partner", "party-3"), PARTNER)


def test_the_secretariat_hears_that_its_own_desk_has_a_turn(world: World) -> None:
    world.submit()
    turn = last(world)["turn"]
    assert turn.to == (SECRETARIAT, watcher())
    assert turn.urgency == "high"
    assert turn.facts["stageKind"] == "completeness"


def test_a_complete_proposal_is_told_as_the_turn_of_the_next_body(world: World) -> None:
    world.to_review()
    heard = last(world)
    assert set(heard) == {"turn"}
    assert heard["turn"].to == (To("body", "taskforce"), watcher())
    assert {k: heard["turn"].facts[k] for k in ("stage", "body", "capacity", "dueOn")} == {
        "stage": "review",
        "body": "taskforce",
        "capacity": "advies",
        "dueOn": "2026-12-04",
    }


def test_a_supplement_is_asked_by_law_with_what_is_missing_and_by_when(world: World) -> None:
    proposal = world.submit()
    world.check(proposal, "supplement", "De begroting ontbreekt.", due_on=date(2026, 12, 1))
    heard = last(world)
    assert set(heard) == {"supplement"}
    asked = heard["supplement"]
    assert (asked.to, asked.letter, asked.urgency) == ((BY_LAW, watcher()), "supplement", "high")
    assert asked.facts["dueOn"] == "2026-12-01"
    assert asked.facts["remarks"] == {"$words": "4/remarks"}
    assert asked.facts["body"] == "secretariat"


def test_an_advice_to_revise_asks_the_applicant_too_and_is_no_advice_to_tell(world: World) -> None:
    proposal = world.to_review()
    world.review(proposal, "revise", "Het effect is onduidelijk.")
    heard = last(world)
    assert set(heard) == {"supplement"}
    assert heard["supplement"].to == (BY_LAW, watcher())
    assert str(heard["supplement"].facts["remarks"]["$words"]).endswith("/grounds")
    assert heard["supplement"].facts["body"] == "taskforce"


def test_a_revision_goes_to_the_secretariat_and_to_whose_turn_it_is_again(world: World) -> None:
    proposal = world.to_review()
    world.review(proposal, "revise", "Het effect is onduidelijk.")
    world.revise(proposal)
    heard = last(world)
    assert set(heard) == {"revised", "turn"}
    assert heard["revised"].to == (SECRETARIAT, watcher())
    assert heard["revised"].facts["revision"] == 2
    assert heard["turn"].to == (To("body", "taskforce"), watcher())


def test_a_turn_after_a_revision_is_told_as_such_and_the_next_one_as_any_other(world: World) -> None:
    proposal = world.submit()
    assert "revision" not in last(world)["turn"].facts
    world.check(proposal, "supplement", "De begroting ontbreekt.")
    world.revise(proposal)
    assert last(world)["turn"].facts["revision"] == 2
    world.check(proposal)
    assert "revision" not in last(world)["turn"].facts
    world.review(proposal, "revise", "Onduidelijk.")
    world.revise(proposal)
    assert last(world)["turn"].facts["revision"] == 3


def test_after_a_revision_the_title_is_that_of_the_revision(world: World) -> None:
    proposal = world.submit()
    world.check(proposal, "supplement", "De titel is onduidelijk.")
    world.revise(proposal)
    assert last(world)["revised"].facts["title"] == {"$words": "7/content.title"}


def test_only_who_is_named_for_the_first_time_hears_so_in_a_revision(world: World) -> None:
    proposal = world.submit()
    world.check(proposal, "supplement", "Wie doet er mee?")
    world.revise(
        proposal, content(partners=("party-2", "party-4"), municipalities=("GM0743", "GM0772", "GM0848"))
    )
    assert last(world)["named"].to == (To("partner", "party-4"), To("municipality", "GM0848"))


def test_an_advice_goes_to_who_submitted(world: World) -> None:
    world.to_decision()
    heard = last(world)
    assert set(heard) == {"advised", "turn"}
    assert heard["advised"].to == (SUBMITTER, watcher())
    assert heard["advised"].facts["advice"] == "positive"


# Decisions


def test_a_decision_that_is_a_step_is_told_to_all_concerned_but_not_by_law(world: World) -> None:
    proposal = world.to_decision()
    world.decide(proposal, "approved-with-conditions", conditions=("Jaarlijks verslag.",))
    heard = last(world)
    assert set(heard) == {"decided", "turn"}
    assert heard["decided"].to == (SUBMITTER, PARTNER, ASTEN, EINDHOVEN, watcher())
    assert heard["decided"].letter is None
    assert heard["decided"].facts["outcome"] == "approved-with-conditions"
    assert len(heard["decided"].facts["conditions"]) == 1


def test_a_rejection_ends_the_route_so_it_is_told_by_law_with_a_letter(world: World) -> None:
    proposal = world.to_decision()
    world.decide(proposal, "rejected")
    heard = last(world)
    assert set(heard) == {"decided"}
    assert heard["decided"].to[0] == BY_LAW
    assert heard["decided"].letter == "refusal"


def test_an_approval_at_the_end_of_a_route_without_award_is_told_by_law(world: World) -> None:
    route = tuple(stage for stage in herstelaanpak().stages if stage.kind != "award")
    world.programmes["regionale-herstelaanpak"] = replace(herstelaanpak(), stages=route)
    proposal = world.to_decision()
    world.decide(proposal)
    assert (last(world)["decided"].to[0], last(world)["decided"].letter) == (BY_LAW, None)


def test_a_case_held_over_waits_for_the_secretariat_and_is_no_refusal(world: World) -> None:
    proposal = world.to_decision()
    world.decide(proposal, "held-over", "Eerst overleg.")
    heard = last(world)
    assert (heard["decided"].to[0], heard["decided"].letter) == (SUBMITTER, None)
    assert heard["turn"].to == (SECRETARIAT, watcher())
    assert heard["turn"].facts["stageKind"] == "held-over"


def test_a_case_taken_up_again_is_told_to_who_submitted(world: World) -> None:
    proposal = world.to_decision()
    world.decide(proposal, "held-over", "Eerst overleg.")
    world.resume(proposal)
    heard = last(world)
    assert set(heard) == {"resumed", "turn"}
    assert heard["resumed"].to == (SUBMITTER, watcher())
    assert (heard["resumed"].facts["stage"], heard["resumed"].facts["body"]) == ("decision", "poho")


def councils(world: World, needed: int | None, *outcomes: str) -> list[dict[str, Notice]]:
    """What each answer in a ratification by three councils led to."""
    world.programmes["samenwerkingsakkoord"] = samenwerkingsakkoord(3, needed)
    proposal = world.submit("samenwerkingsakkoord")
    world.check(proposal)
    heard = []
    for number, outcome in enumerate(outcomes, 1):
        world.decide(proposal, outcome, body=f"council-{number}")
        heard.append(last(world))
    return heard


def test_each_council_hears_that_it_is_its_turn(world: World) -> None:
    councils(world, None)
    turns = [notice.to[0] for notice in told(world) if notice.kind == "turn"]
    assert turns == [SECRETARIAT, *(To("body", f"council-{number}") for number in (1, 2, 3))]


def test_an_answer_while_other_councils_must_still_answer_is_a_small_step(world: World) -> None:
    first, second, third = councils(world, None, "approved", "approved", "approved")
    assert first["decided"].to == second["decided"].to == (SUBMITTER, watcher())
    assert first["decided"].urgency == "low"
    assert third["decided"].to == (SUBMITTER, PARTNER, ASTEN, EINDHOVEN, watcher())


def test_the_answer_after_which_too_few_can_approve_is_the_refusal(world: World) -> None:
    first, second = councils(world, 2, "rejected", "rejected")
    assert (first["decided"].to[0], first["decided"].letter) == (SUBMITTER, None)
    assert (second["decided"].to[0], second["decided"].letter) == (BY_LAW, "refusal")


def test_a_withdrawn_proposal_leaves_the_table_of_who_had_it(world: World) -> None:
    proposal = world.to_review()
    world.withdraw(proposal)
    heard = last(world)
    assert set(heard) == {"withdrawn"}
    assert heard["withdrawn"].to == (SUBMITTER, PARTNER, SECRETARIAT, To("body", "taskforce"), watcher())


# Money


def test_an_award_is_told_by_law_with_a_letter_and_to_the_treasurer(world: World) -> None:
    proposal = world.to_award()
    world.award(proposal, phases=[(60_000, ""), (40_000, "Na het eerste verslag.")])
    heard = last(world)
    assert set(heard) == {"awarded"}
    assert heard["awarded"].to == (BY_LAW, PARTNER, ASTEN, EINDHOVEN, TREASURER, watcher())
    assert heard["awarded"].letter == "award"
    facts = heard["awarded"].facts
    assert (facts["amount"], facts["phases"], facts["envelope"], facts["provisional"]) == (
        "100000.00",
        2,
        "herstelaanpak",
        True,
    )


def awarded_in_phases(world: World) -> str:
    """A proposal of which the second phase is held back."""
    proposal = world.to_award()
    world.award(proposal, phases=[(60_000, ""), (40_000, "Na het eerste verslag.")])
    return proposal


def test_what_happens_to_the_money_later_is_told_to_who_gets_it_and_the_treasurer(world: World) -> None:
    proposal, other = awarded_in_phases(world), world.to_award(10_000)
    world.reallocate(proposal, 2, other, 5_000)
    assert last(world)["money"].facts | {"what": "moved-out", "amount": "5000.00", "number": 2} == (
        last(world)["money"].facts
    )
    world.release(proposal, 2)
    released = last(world)["money"]
    assert released.to == (SUBMITTER, TREASURER, watcher())
    assert (released.facts["what"], released.facts["amount"], released.facts["number"]) == (
        "released",
        "35000.00",
        2,
    )
    world.give_back(proposal, 1_000)
    returned = last(world)["money"]
    assert (returned.facts["what"], returned.facts["amount"]) == ("returned", "1000.00")


def test_money_moved_to_a_case_that_waits_for_its_award_is_its_award(world: World) -> None:
    proposal, other = awarded_in_phases(world), world.to_award(10_000)
    world.reallocate(proposal, 2, other, 5_000)
    heard = last(world, other)
    assert set(heard) == {"awarded"}
    assert (heard["awarded"].to[0], heard["awarded"].letter) == (BY_LAW, "award")
    assert (heard["awarded"].facts["body"], heard["awarded"].facts["amount"]) == ("db", "5000.00")
    world.reallocate(proposal, 2, other, 2_000)
    again = last(world, other)
    assert set(again) == {"money"}
    assert again["money"].facts["what"] == "moved-in"


def test_an_envelope_is_told_to_the_treasurer_by_its_own_name(world: World) -> None:
    world.add_source(amount=500_000)
    opened, topped_up = told(world, "envelope-herstelaanpak")
    assert opened.to == topped_up.to == (TREASURER, watcher("envelope-herstelaanpak"))
    assert (opened.facts["what"], opened.facts["amount"]) == ("opened", "2000000.00")
    assert (topped_up.facts["what"], topped_up.facts["amount"]) == ("topped-up", "500000.00")
    assert opened.facts["name"] == topped_up.facts["name"] == {"$words": "1/name"}


def test_what_an_award_does_to_the_envelope_is_told_with_the_award_only(world: World) -> None:
    awarded_in_phases(world)
    assert len(told(world, "envelope-herstelaanpak")) == 1


# What is about no case


def test_a_published_programme_is_told_to_the_office() -> None:
    event = ProgrammePublished("regionale-herstelaanpak", 2, to_definition(herstelaanpak()))
    (notice,) = notices(recorded(event, "programme-regionale-herstelaanpak"), None, herstelaanpak())
    assert notice.to[:3] == (SECRETARIAT, TREASURER, To("auditor"))
    assert notice.facts["version"] == 2


def test_an_approved_newsletter_goes_to_the_council_of_each_edition() -> None:
    editions = (EditionHash("GM0743", "a" * 64), EditionHash("GM0772", "b" * 64))
    event = NewsletterApproved("regionale-herstelaanpak", date(2026, 1, 1), date(2026, 3, 31), editions)
    (notice,) = notices(recorded(event, "newsletter-1"), None, None)
    assert notice.to == (To("council", "GM0743"), To("council", "GM0772"))
    assert (notice.facts["firstDay"], notice.facts["lastDay"]) == ("2026-01-01", "2026-03-31")


def test_a_letter_that_was_issued_leads_to_no_other() -> None:
    event = LetterIssued("receipt", "proposal-1", 2, "nl", "a" * 64)
    assert notices(recorded(event, "letter-1"), None, None) == ()


def test_what_happens_to_a_case_that_is_not_known_is_told_to_nobody(world: World) -> None:
    world.submit()
    assert all(notices(each, None, herstelaanpak()) == () for each in world.events_of("proposal-1"))


# Terms


def term(world: World, kind: str, days: int = 2) -> Notice:
    """What a term of the case tells."""
    case = world.cases["proposal-1"]
    return of_term(kind, case.open[0], case, world.programmes[case.programme], days)


def test_a_term_is_told_to_who_must_act_then_the_chair_then_the_secretariat(world: World) -> None:
    world.to_review()
    body, chair = To("body", "taskforce"), To("chair", "taskforce")
    assert term(world, "term-near").to == (body,)
    assert term(world, "term-passed").to == (body, chair)
    assert term(world, "term-escalated").to == (body, chair, SECRETARIAT)
    facts = term(world, "term-near").facts
    assert (facts["stage"], facts["dueOn"], facts["workingDays"]) == ("review", "2026-12-04", 2)


def test_a_term_of_a_supplement_is_told_to_who_submitted(world: World) -> None:
    proposal = world.submit()
    world.check(proposal, "supplement", "De begroting ontbreekt.")
    assert term(world, "term-near").to == term(world, "term-passed").to == (SUBMITTER,)
    assert term(world, "term-escalated").to == (SUBMITTER, SECRETARIAT)


def test_a_term_of_the_secretariat_is_told_to_the_secretariat(world: World) -> None:
    world.submit()
    assert {term(world, kind).to for kind in TERMS} == {(SECRETARIAT,)}


# What a programme adds


def with_rules(world: World, *rules: NoticeRule) -> World:
    """The recovery approach, with these additions."""
    world.programmes["regionale-herstelaanpak"] = replace(herstelaanpak(), notices=rules)
    return world


def test_a_programme_adds_relations_and_bodies_to_a_kind(world: World) -> None:
    with_rules(world, NoticeRule("advised", ("secretariat", "chair", "partner"), ("ab",)))
    world.to_decision()
    assert last(world)["advised"].to == (
        SUBMITTER,
        watcher(),
        SECRETARIAT,
        To("chair", "taskforce"),
        PARTNER,
        To("body", "ab"),
    )


def test_what_a_programme_adds_twice_is_there_once_and_by_law_stays_by_law(world: World) -> None:
    with_rules(world, NoticeRule("awarded", ("submitter", "treasurer", "auditor")))
    awarded_in_phases(world)
    to = last(world)["awarded"].to
    assert (to.count(BY_LAW), to.count(SUBMITTER), to.count(TREASURER), to[-1]) == (1, 0, 1, To("auditor"))


def test_a_programme_adds_to_its_own_publication_and_to_terms(world: World) -> None:
    with_rules(world, NoticeRule("programme", ("admin",)), NoticeRule("term-near", ("chair",), reminder=4))
    programme = world.programmes["regionale-herstelaanpak"]
    event = ProgrammePublished("regionale-herstelaanpak", 2, to_definition(programme))
    (notice,) = notices(recorded(event, "programme-regionale-herstelaanpak"), None, programme)
    assert notice.to[-1] == To("admin")
    world.to_review()
    assert term(world, "term-near").to == (To("body", "taskforce"), To("chair", "taskforce"))


def test_the_applicant_is_no_body_that_has_a_chair(world: World) -> None:
    with_rules(world, NoticeRule("term-near", ("chair", "body")))
    proposal = world.submit()
    world.check(proposal, "supplement", "De begroting ontbreekt.")
    assert term(world, "term-near").to == (SUBMITTER,)


def test_another_programme_keeps_what_everybody_hears(world: World) -> None:
    with_rules(world, NoticeRule("advised", ("secretariat",)))
    world.to_decision(programme="stimuleringsfonds", given=content(themes=("energie",)))
    assert last(world)["advised"].to == (SUBMITTER, watcher())


def test_what_a_programme_may_name_exists_and_tells_of_a_body_or_not(world: World) -> None:
    assert set(NOTICE_KINDS) <= KINDS.keys()
    assert set(NOTICE_RELATIONS) <= set(RELATIONS)
    for notice in everything():
        if notice.kind in NOTICE_KINDS:
            assert ("body" in notice.facts) == (notice.kind not in WITHOUT_BODY), notice.kind


# Who can't be told


def test_what_the_law_requires_and_reaches_nobody_is_for_the_secretariat_to_post(world: World) -> None:
    world.submit()
    receipt = last(world)["receipt"]
    told = unreached(receipt)
    assert (told.kind, told.urgency, told.to) == ("unreached", "high", (To("secretariat", required=True),))
    assert told.letter == "receipt"
    assert told.facts == {**receipt.facts, "letter": "receipt"}


def test_a_decision_for_which_no_letter_is_made_is_for_the_secretariat_to_write(world: World) -> None:
    proposal = world.to_decision()
    world.decide(proposal)
    told = unreached(replace(last(world)["decided"], letter=None))
    assert (told.letter, told.facts["letter"]) == (None, "decision")


def test_the_secretariat_hears_of_a_term_of_an_applicant_who_is_nobody(world: World) -> None:
    proposal = world.submit()
    world.check(proposal, "supplement", "De begroting ontbreekt.")
    near, late = term(world, "term-near"), term(world, "term-escalated")
    assert of_nobody(near).to == (SUBMITTER, SECRETARIAT)
    assert of_nobody(late).to == late.to == (SUBMITTER, SECRETARIAT)
    assert of_nobody(near).facts == {**near.facts, "nobody": True}


# All of it


def everything() -> list[Notice]:
    """A notice of everything that can happen, by walks along every way."""
    found: list[Notice] = []
    world = World()
    world.open_envelope()
    world.add_source()
    first, second = world.to_award(), world.to_award(10_000)
    world.award(first, phases=[(60_000, ""), (40_000, "Na het eerste verslag.")])
    world.reallocate(first, 2, second, 5_000)
    world.release(first, 2)
    world.give_back(first, 1_000)
    third = world.submit()
    world.check(third, "supplement", "De begroting ontbreekt.")
    asked = world.cases[third]
    world.revise(third, content(partners=("party-2", "party-4")))
    world.check(third)
    reviewing = world.cases[third]
    world.review(third, "revise", "Onduidelijk.")
    world.revise(third)
    world.review(third)
    world.decide(third, "held-over", "Eerst overleg.")
    held_over = world.cases[third]
    world.resume(third)
    world.decide(third, "rejected")
    fourth = world.to_review()
    world.withdraw(fourth)
    other = World()
    councils(other, None, "approved", "approved", "approved")
    for each in (world, other):
        for stream in dict.fromkeys(recorded.stream for recorded in each.history):
            found += told(each, stream)
    for case in (asked, reviewing, held_over):
        found += [of_term(kind, case.open[0], case, herstelaanpak(), 2) for kind in TERMS]
    published = ProgrammePublished("regionale-herstelaanpak", 1, to_definition(herstelaanpak()))
    found += notices(recorded(published, "programme-regionale-herstelaanpak"), None, herstelaanpak())
    approved = NewsletterApproved("x", TODAY, TODAY, (EditionHash("GM0743", "a" * 64),))
    found += notices(recorded(approved, "newsletter-1"), None, None)
    found += [unreached(notice) for notice in found if BY_LAW in notice.to]
    return found


def test_every_kind_is_told_of_something() -> None:
    # The others are made elsewhere: of what was collected, and for programs.
    assert {notice.kind for notice in everything()} == KINDS.keys() - {"digest", "event", "test"}


def test_every_notice_holds_what_is_known_and_no_words() -> None:
    for notice in everything():
        assert notice.kind in KINDS
        assert notice.urgency in URGENCIES
        assert notice.to
        assert all(to.relation in RELATIONS for to in notice.to)
        assert len(set(notice.to)) == len(notice.to)
        plain = repr(notice.facts)
        assert not any(word in plain for word in ("Digitaal", "begroting", "overleg", "Onduidelijk", "Bron"))


def test_only_letters_are_required_by_law_and_the_last_word() -> None:
    for notice in everything():
        required = [to for to in notice.to if to.required]
        if notice.kind == "unreached":
            assert required == list(notice.to) == [To("secretariat", required=True)]
            continue
        if notice.letter:
            assert required == [BY_LAW]
        if required:
            assert [to.relation for to in required] == ["submitter"]


def rows(heading: str) -> list[list[str]]:
    """The rows of the first table under a heading in docs/notifications.md."""
    page = (Path(__file__).parents[2] / "docs" / "notifications.md").read_text(encoding="utf-8")
    lines = page.split(f"{heading}\n", 1)[1].splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith("|---")) + 1
    table: list[list[str]] = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        table.append([cell.strip() for cell in line.strip("|").split("|")])
    return table


def words(cell: str) -> set[str]:
    """What is set as code in a cell."""
    return set(re.findall(r"`([^`]+)`", cell))


def relations(several: Iterable[Notice], *, required: bool = False) -> set[str]:
    """Which relations hear these notices, or must."""
    return {to.relation for notice in several for to in notice.to if to.required or not required}


def test_the_table_of_who_hears_what_says_what_the_code_does() -> None:
    every: dict[str, list[Notice]] = {}
    for notice in everything():
        every.setdefault(notice.kind, []).append(notice)
    said = {next(iter(words(row[0]))): row for row in rows("## Who hears what")}
    assert list(said) == [kind for kind in KINDS if kind in every]
    for kind, (_, _, to, by_law, letter) in said.items():
        found: Sequence[Notice] = every[kind]
        assert words(to) == relations(found), kind
        assert words(by_law) == relations(found, required=True), kind
        assert words(letter) == {notice.letter for notice in found} - {None}, kind
