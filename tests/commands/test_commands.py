"""Acts by the commands: who may, on which version, once; and nothing is written for a refused one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

import psycopg
import pytest

from domain.award import Reallocate, Release, Return
from domain.case import fold
from domain.envelope import AddSource, OpenEnvelope
from domain.errors import Invalid, Refused
from domain.events import CompletenessChecked, Decided, Phase, ProposalSubmitted, Reviewed, Source
from domain.proposal import CheckCompleteness, Decide, Resume, Review, Withdraw
from service import commands
from service.commands import Done
from service.errors import KeyReused, Missing, Stale
from service.eventstore import Conflict
from service.identity import people
from service.identity.parties import add, new
from service.identity.people import Person
from service.identity.permissions import Forbidden
from service.ids import new_id
from service.programmes import read_bundled
from service.publishing import publish
from service.worded import digest
from tests.commands.office import (
    ADMIN,
    AUDITOR,
    DAY,
    DB,
    POHO,
    SECRETARY,
    TASKFORCE,
    TREASURER,
    Office,
    at_once,
    award_of,
    once,
    person,
    proposal_input,
)

COMPLETE = CheckCompleteness("complete", "", None, DAY)
POSITIVE = Review("taskforce", "positive", "Goed.", (), DAY)
APPROVED = Decide("poho", "approved", "Goed.", (), DAY)
IN_PHASES = (Phase(1, Decimal(60_000), ""), Phase(2, Decimal(40_000), "na de rapportage"))


@pytest.fixture
def submitter(office: Office) -> Person:
    """Somebody of an organisation that nobody else is of."""
    party = new("company", new_id("Bedrijf"))
    with office.parts.pool.connection() as connection:
        add(connection, party)
    return person("submitter", organisation=party.id)


# The way through


def test_a_case_goes_from_submission_to_money(office: Office) -> None:
    proposal = office.to_award()
    before = office.left()
    done = office.award(proposal)
    assert office.left() == before - 100_000
    history = office.parts.log.load(proposal)
    # The award is booked on the envelope in the same act, last.
    assert (done.stream, done.version, done.replayed) == (proposal, history[-1].version, False)
    assert office.parts.log.load("envelope-herstelaanpak", done.position)[-1].position == done.position


def test_money_is_released_moved_and_returned(office: Office) -> None:
    giver, taker = office.to_award(), office.to_award(30_000)
    before = office.left()
    office.act(DB, giver, award_of(100_000, IN_PHASES))
    office.act(TREASURER, giver, Reallocate(2, taker, Decimal(30_000), "Over.", DAY))
    office.act(TREASURER, giver, Release(2, "Gemeld.", DAY))
    office.act(TREASURER, giver, Return(Decimal(20_000), "Over.", DAY))
    assert office.left() == before - 80_000


def test_every_event_of_an_act_says_who_did_it_in_which_capacity_and_by_which_command(
    office: Office,
) -> None:
    proposal = office.to_review()
    before = office.parts.log.head()
    office.act(TASKFORCE, proposal, POSITIVE)
    events = office.parts.log.read(before, 10)
    assert {(r.by, r.capacity.role, r.capacity.body) for r in events if r.capacity} == {
        (TASKFORCE.id, "member", "taskforce")
    }
    assert len(events) == 3
    assert len({recorded.command_id for recorded in events}) == 1
    assert {recorded.effective_on for recorded in events} == {DAY}


def test_references_count_up(office: Office) -> None:
    references = []
    for _ in range(2):
        submitted = office.parts.log.load(office.submit())[0].event
        assert isinstance(submitted, ProposalSubmitted)
        references.append(int(submitted.reference.removeprefix("RHA-2021-")))
    assert references[1] == references[0] + 1


def test_parties_are_known_by_id_and_one_that_was_named_before_is_not_named_again(office: Office) -> None:
    name = new_id("Naam van een bedrijf")
    first, second = (
        commands.submit(
            office.parts, SECRETARY, "regionale-herstelaanpak", proposal_input(name=name), DAY
        ).stream
        for _ in range(2)
    )
    events = [office.parts.log.load(stream)[0].event for stream in (first, second)]
    assert len({event.content.applicant for event in events if isinstance(event, ProposalSubmitted)}) == 1
    with psycopg.connect(office.parts.settings.database_owner_url) as owner:
        named = owner.execute("SELECT count(*) FROM vault.parties WHERE name = %s", (name,)).fetchone()
        in_log = owner.execute(
            "SELECT count(*) FROM log.events WHERE position(%s IN convert_from(state, 'UTF8')) > 0", (name,)
        ).fetchone()
        in_words = owner.execute(
            "SELECT count(*) FROM log.words WHERE texts::text LIKE %s", (f"%{name}%",)
        ).fetchone()
    assert (named, in_log, in_words) == ((1,), (0,), (0,))


def test_a_case_belongs_to_the_organisation_of_who_submits_it_or_else_to_its_applicant(
    office: Office, submitter: Person
) -> None:
    own = commands.submit(office.parts, submitter, "regionale-herstelaanpak", proposal_input(), None)
    event = office.parts.log.load(own.stream)[0].event
    assert isinstance(event, ProposalSubmitted)
    assert event.owner == submitter.organisation
    event = office.parts.log.load(office.submit())[0].event
    assert isinstance(event, ProposalSubmitted)
    assert event.owner == event.content.applicant


def test_what_the_secretariat_records_for_an_organisation_is_found_by_its_people(office: Office) -> None:
    name = new_id("Stichting")
    party = new("foundation", name)
    with office.parts.pool.connection() as connection:
        add(connection, party)
        people.add(
            connection, email=f"{name}@example.org", name="Lid", roles=["submitter"], organisation=party.id
        )
    # The secretariat takes it for another kind, and writes it in capitals.
    given = proposal_input(name=name.upper())
    done = commands.submit(office.parts, SECRETARY, "regionale-herstelaanpak", given, DAY)
    event = office.parts.log.load(done.stream)[0].event
    assert isinstance(event, ProposalSubmitted)
    assert event.owner == party.id


def test_who_applies_without_an_organisation_follows_their_own_case(
    office: Office, submitter: Person
) -> None:
    alone = replace(person("submitter"), id="person-alone")
    done = commands.submit(office.parts, alone, "regionale-herstelaanpak", proposal_input(), DAY)
    office.act(alone, done.stream, Withdraw("Toch niet.", DAY))
    other = commands.submit(office.parts, alone, "regionale-herstelaanpak", proposal_input(), DAY)
    with pytest.raises(Missing):
        office.act(submitter, other.stream, Withdraw("Niet van mij.", DAY))


def test_a_party_that_two_people_name_first_at_the_same_time_is_one_party(office: Office) -> None:
    given = proposal_input(name=new_id("Nieuw"))
    done = at_once(
        6, lambda _: commands.submit(office.parts, SECRETARY, "regionale-herstelaanpak", given, DAY).stream
    )
    events = [office.parts.log.load(str(stream))[0].event for stream in done]
    assert len({event.content.applicant for event in events if isinstance(event, ProposalSubmitted)}) == 1


def test_what_was_decided_on_can_be_shown_from_the_words_and_still_without_them(office: Office) -> None:
    proposal = office.to_award()
    history = office.parts.log.load(proposal)
    bound = {
        r.event.content_hash for r in history if isinstance(r.event, CompletenessChecked | Reviewed | Decided)
    }
    case = fold(history)
    assert case is not None
    assert bound == {case.content_hash()}
    # The words, with their salts, give the digests that stand in the content that was decided on.
    with psycopg.connect(office.parts.settings.database_url) as connection:
        texts, salts = connection.execute(
            "SELECT texts, salts FROM log.words WHERE position = %s", (history[0].position,)
        ).fetchone()  # type: ignore[misc]
    assert texts["content.title"] == "Digitaal Fit"
    assert case.content.title == digest(salts["content.title"], "Digitaal Fit")
    assert case.content.goals == (digest(salts["content.goals.0"], "200 winkels"),)
    with psycopg.connect(office.parts.settings.database_owner_url) as owner:
        owner.execute("DELETE FROM log.words WHERE stream = %s", (proposal,))
    without_words = fold(office.parts.log.load(proposal))
    assert without_words is not None
    assert bound == {without_words.content_hash()}


# Who may


def test_a_case_that_somebody_may_not_see_is_not_there(office: Office, submitter: Person) -> None:
    proposal = office.submit()
    for attempt in (
        lambda: commands.act(office.parts, submitter, proposal, Withdraw("Toch niet.", DAY)),
        lambda: commands.revise(office.parts, submitter, proposal, proposal_input()),
        lambda: office.act(SECRETARY, "proposal-that-is-not-there", COMPLETE),
        lambda: office.act(SECRETARY, "envelope-herstelaanpak", COMPLETE),
    ):
        with pytest.raises(Missing):
            attempt()


Attempt = Callable[[Office, str, Person], object]
ACTS: dict[str, tuple[Attempt, set[str]]] = {
    "completeness": (lambda o, case, who: o.act(who, case, COMPLETE), {"secretary"}),
    "review": (lambda o, case, who: o.act(who, case, POSITIVE), {"taskforce"}),
    "decision": (lambda o, case, who: o.act(who, case, APPROVED), {"poho"}),
    "award": (lambda o, case, who: o.act(who, case, award_of(1)), {"db"}),
    "resume": (lambda o, case, who: o.act(who, case, Resume(DAY)), {"secretary"}),
    "release": (lambda o, case, who: o.act(who, case, Release(1, "Gemeld.", DAY)), {"treasurer"}),
    "reallocate": (
        lambda o, case, who: o.act(who, case, Reallocate(1, case, Decimal(1), "Over.", DAY)),
        {"treasurer"},
    ),
    "return": (lambda o, case, who: o.act(who, case, Return(Decimal(1), "Over.", DAY)), {"treasurer"}),
    "open envelope": (
        lambda o, case, who: commands.open_envelope(
            o.parts, who, OpenEnvelope("herstelaanpak", "Weer", "ab", None, (), DAY)
        ),
        {"treasurer"},
    ),
    "add source": (
        lambda o, case, who: commands.add_source(
            o.parts, who, "herstelaanpak", AddSource(Source("Meer", Decimal(0)), DAY)
        ),
        {"treasurer"},
    ),
    "publish": (
        lambda o, case, who: publish(o.parts, who, read_bundled("stimuleringsfonds-1")),
        {"secretary", "admin"},
    ),
    "submit": (
        lambda o, case, who: commands.submit(o.parts, who, "no-such-programme", proposal_input()),
        {"secretary"},
    ),
}
PEOPLE = {
    "secretary": SECRETARY,
    "taskforce": TASKFORCE,
    "poho": POHO,
    "db": DB,
    "treasurer": TREASURER,
    "auditor": AUDITOR,
    "admin": ADMIN,
}


@pytest.mark.parametrize("act", ACTS)
def test_who_may_not_is_told_who_may_and_nothing_is_written(office: Office, act: str) -> None:
    attempt, allowed = ACTS[act]
    # In a state in which none of these acts is possible: who may is refused by the rules, not by the permissions.
    proposal = office.to_review() if act == "completeness" else office.submit()
    before = office.rows()
    for name, who in PEOPLE.items():
        if name in allowed:
            with pytest.raises(Refused):
                attempt(office, proposal, who)
        elif name == "admin" and act not in ("open envelope", "add source", "publish", "submit"):
            with pytest.raises(Missing):
                attempt(office, proposal, who)
        else:
            with pytest.raises(Forbidden) as forbidden:
                attempt(office, proposal, who)
            assert set(forbidden.value.roles) & {"secretary", "member", "treasurer", "admin", "submitter"}
    assert office.rows() == before


def test_an_unknown_body_is_pointed_at_before_anybody_is_told_that_they_may_not(office: Office) -> None:
    proposal = office.to_review()
    for command in (replace(POSITIVE, body="provincie"), replace(APPROVED, body="provincie")):
        with pytest.raises(Invalid) as refused:
            office.act(AUDITOR, proposal, command)
        assert (refused.value.code, refused.value.field) == ("unknown-body", "/body")


def test_the_applicant_supplements_or_the_secretariat_for_them(office: Office, submitter: Person) -> None:
    own = commands.submit(office.parts, submitter, "regionale-herstelaanpak", proposal_input(), None)
    today = office.parts.calendar().today
    office.act(SECRETARY, own.stream, CheckCompleteness("supplement", "De begroting.", None, today))
    with pytest.raises(Forbidden):
        commands.revise(office.parts, TASKFORCE, own.stream, proposal_input())
    done = commands.revise(office.parts, submitter, own.stream, proposal_input(90_000))
    assert done.version > own.version
    office.act(SECRETARY, own.stream, CheckCompleteness("supplement", "De begroting.", None, today))
    posted = commands.revise(office.parts, SECRETARY, own.stream, proposal_input(95_000))
    assert posted.version > done.version


# On which version


def test_an_act_on_an_older_version_than_the_present_is_refused_with_the_present_one(office: Office) -> None:
    proposal = office.submit()
    with pytest.raises(Stale) as stale:
        office.act(SECRETARY, proposal, COMPLETE, if_match=1)
    assert stale.value.version == 2
    done = office.act(SECRETARY, proposal, COMPLETE, if_match=2)
    with pytest.raises(Stale):
        office.act(TASKFORCE, proposal, POSITIVE, if_match=2)
    office.act(TASKFORCE, proposal, POSITIVE, if_match=done.version)


def test_who_may_not_is_told_so_before_the_version_is_looked_at(office: Office) -> None:
    proposal = office.submit()
    with pytest.raises(Forbidden):
        office.act(AUDITOR, proposal, COMPLETE, if_match=99)


def test_an_envelope_has_a_version_too(office: Office) -> None:
    envelope = commands.load_envelope(office.parts, "herstelaanpak")
    assert envelope is not None
    more = AddSource(Source("Meer", Decimal(1)), DAY)
    with pytest.raises(Stale) as stale:
        commands.add_source(office.parts, TREASURER, "herstelaanpak", more, if_match=envelope.version + 1)
    assert stale.value.version == envelope.version
    done = commands.add_source(office.parts, TREASURER, "herstelaanpak", more, if_match=envelope.version)
    assert done.version == envelope.version + 1
    with pytest.raises(Missing):
        commands.add_source(office.parts, TREASURER, "no-such-envelope", more)


# Refused: nothing is written


@dataclass(frozen=True)
class Cases:
    """A case that was submitted, one that waits for its award, one with half of its money held back."""

    submitted: str
    waiting: str
    awarded: str


@pytest.fixture
def cases(office: Office) -> Cases:
    """Cases of a test's own."""
    awarded = office.to_award()
    office.act(DB, awarded, award_of(100_000, IN_PHASES))
    return Cases(office.submit(), office.to_award(), awarded)


def submit_new(office: Office, programme: str = "regionale-herstelaanpak", **changes: object) -> object:
    """A submission by somebody who was not named before."""
    given = proposal_input(name=new_id("Nieuw"), **changes)
    return commands.submit(office.parts, SECRETARY, programme, given, DAY)


REFUSALS: dict[str, Callable[[Office, Cases], object]] = {
    "out of turn": lambda o, c: o.act(POHO, c.submitted, APPROVED),
    "in the future": lambda o, c: o.act(
        SECRETARY, c.submitted, replace(COMPLETE, effective_on=date(2999, 1, 1))
    ),
    "before the last act": lambda o, c: o.act(
        SECRETARY, c.submitted, replace(COMPLETE, effective_on=date(2021, 5, 2))
    ),
    "unknown envelope": lambda o, c: o.act(DB, c.waiting, award_of(1, envelope="ander")),
    "more than requested": lambda o, c: o.act(DB, c.waiting, award_of(100_001)),
    "to no proposal": lambda o, c: o.act(
        TREASURER, c.awarded, Reallocate(2, "proposal-x", Decimal(1), "Over.", DAY)
    ),
    "more than held back": lambda o, c: o.act(
        TREASURER, c.awarded, Reallocate(2, c.waiting, Decimal(40_001), "Over.", DAY)
    ),
    "more than awarded": lambda o, c: o.act(TREASURER, c.awarded, Return(Decimal(100_001), "Over.", DAY)),
    "unknown programme": lambda o, c: submit_new(o, "no-such-programme"),
    "unknown theme": lambda o, c: submit_new(o, themes=("energie",)),
    "unknown municipality": lambda o, c: submit_new(o, municipalities=("Tilburg",)),
    "unmet requirement": lambda o, c: submit_new(o, cofinancing=()),
    "tender closed": lambda o, c: submit_new(o, "stimuleringsfonds", themes=("energie",), municipalities=()),
    "envelope exists": lambda o, c: o.open_envelope(),
    "version published": lambda o, c: publish(o.parts, ADMIN, read_bundled("stimuleringsfonds-1")),
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_nothing_is_written_for_a_refused_act(office: Office, cases: Cases, refusal: str) -> None:
    before = office.rows()
    with pytest.raises(Refused):
        REFUSALS[refusal](office, cases)
    assert office.rows() == before


def test_a_refusal_does_not_use_up_a_key(office: Office) -> None:
    proposal, key = office.submit(), new_id("key")
    with pytest.raises(Refused):
        office.act(POHO, proposal, APPROVED, once=once(key))
    assert not office.act(SECRETARY, proposal, COMPLETE, once=once(key, b"another request")).replayed


# Once


def test_the_same_request_with_the_same_key_is_answered_again_and_done_once(office: Office) -> None:
    proposal, key = office.submit(), new_id("key")
    first = office.act(SECRETARY, proposal, COMPLETE, once=once(key))
    before = office.rows()
    again = office.act(SECRETARY, proposal, COMPLETE, once=once(key))
    assert again == Done(first.stream, first.version, first.position, replayed=True)
    assert office.rows() == before


def test_a_repeat_answers_as_of_then_whatever_has_happened_since(office: Office) -> None:
    proposal, key = office.submit(), new_id("key")
    first = office.act(SECRETARY, proposal, COMPLETE, once=once(key))
    office.act(TASKFORCE, proposal, POSITIVE)
    again = office.act(SECRETARY, proposal, COMPLETE, once=once(key))
    assert (again.version, again.position) == (first.version, first.position)


def test_another_request_with_a_used_key_is_refused(office: Office) -> None:
    proposal, key = office.submit(), new_id("key")
    office.act(SECRETARY, proposal, COMPLETE, once=once(key))
    with pytest.raises(KeyReused):
        office.act(SECRETARY, proposal, COMPLETE, once=once(key, b"another request"))
    with pytest.raises(KeyReused):
        office.submit(once=once(key, b"yet another"))


def test_two_people_may_use_the_same_key(office: Office) -> None:
    key, proposal = new_id("key"), office.submit()
    office.act(SECRETARY, proposal, COMPLETE, once=once(key))
    assert not office.act(TASKFORCE, proposal, POSITIVE, once=once(key)).replayed


def test_a_submission_is_repeated_with_its_first_reference(office: Office) -> None:
    key = new_id("key")
    first = office.submit(once=once(key))
    assert office.submit(once=once(key)) == first


def test_the_same_request_at_the_same_time_is_one_event_and_one_answer(office: Office) -> None:
    proposal, key = office.submit(), new_id("key")
    answers = at_once(8, lambda _: office.act(SECRETARY, proposal, COMPLETE, once=once(key)))
    assert {type(answer) for answer in answers} == {Done}
    assert len({(a.stream, a.version, a.position) for a in answers if isinstance(a, Done)}) == 1
    assert len(office.parts.log.load(proposal)) == 5


def test_the_same_award_at_the_same_time_is_one_award(office: Office) -> None:
    proposal, key = office.to_award(), new_id("key")
    before = office.left()
    answers = at_once(8, lambda _: office.award(proposal, once=once(key)))
    assert {type(answer) for answer in answers} == {Done}
    assert office.left() == before - 100_000


# At the same time


def test_different_acts_on_one_case_at_the_same_time_each_see_the_one_before(office: Office) -> None:
    proposal = office.to_review()
    answers = at_once(
        6, lambda index: office.act(TASKFORCE, proposal, POSITIVE, once=once(f"{proposal}-{index}"))
    )
    done = [answer for answer in answers if isinstance(answer, Done)]
    refused = [answer for answer in answers if isinstance(answer, Refused)]
    assert (len(done), len(refused)) == (1, 5)
    assert {refusal.code for refusal in refused} == {"out-of-turn"}


def test_people_never_see_a_conflict_that_is_none(office: Office) -> None:
    # Sources are added without looking at what others add: each is decided again when another came first.
    more = AddSource(Source("Meer", Decimal(10)), DAY)
    before = office.left()
    answers = at_once(12, lambda _: commands.add_source(office.parts, TREASURER, "herstelaanpak", more))
    assert {type(answer) for answer in answers} == {Done}
    assert office.left() == before + 120


def test_a_conflict_is_decided_again_on_what_came_in_between(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposal = office.to_review()
    append = office.parts.log.append
    calls = 0

    def somebody_is_first(*args: object, **how: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 1:
            monkeypatch.setattr(office.parts.log, "append", append)
            office.act(SECRETARY, proposal, Withdraw("Toch niet.", DAY))
            monkeypatch.setattr(office.parts.log, "append", somebody_is_first)
        return append(*args, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(office.parts.log, "append", somebody_is_first)
    with pytest.raises(Refused) as refused:
        office.act(TASKFORCE, proposal, POSITIVE)
    assert refused.value.code == "case-ended"


def test_who_keeps_being_too_late_is_told_so_in_the_end(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*args: object, **how: object) -> object:
        raise Conflict("somebody else was first")

    proposal = office.to_review()
    monkeypatch.setattr(office.parts.log, "append", never)
    with pytest.raises(Conflict):
        office.act(TASKFORCE, proposal, POSITIVE)
