"""Has every message plain words, in both languages, for whoever reads it, also when part of it is gone?"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.notices import KINDS, RELATIONS
from service import publishing, wiring
from service.identity import parties, people
from service.identity.people import Person
from service.messaging import wording
from service.messaging.ledger import Delivery
from service.messaging.wording import ITEM, Message, messages
from service.settings import Settings
from service.texts import LANGUAGES, side_by_side
from service.wiring import Parts
from tests.conftest import fresh_database

STREAM = "proposal-0197a000-0000-7000-8000-000000000001"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

OF_CASE: dict[str, Any] = {
    "owner": "party-1",
    "reference": "RHA-2026-0012",
    "programme": "regionale-herstelaanpak",
    "programmeVersion": 1,
    "title": "Digitale werkplaats",
    "applicant": {"id": "party-1", "name": "Stichting Werkplaats", "kind": "foundation"},
    "effectiveOn": "2026-03-02",
}
STEP = {"stage": "review", "stageKind": "advice", "body": "taskforce", "dueOn": "2026-03-16"}
FACTS: dict[str, list[dict[str, Any]]] = {
    "receipt": [{"body": "secretariat", "dueOn": "2026-03-16"}],
    "named": [{}],
    "turn": [
        {**STEP, "capacity": "advies", "stageKind": kind}
        for kind in ("completeness", "advice", "decision", "ratification", "award", "held-over")
    ]
    + [
        {**STEP, "capacity": "advies", "stageKind": kind, "revision": 2} for kind in ("completeness", "advice")
    ],
    "supplement": [
        {"stage": "completeness", "body": "secretariat", "remarks": "De begroting", "dueOn": "2026-03-16"}
    ],
    "revised": [{"revision": 2}],
    "advised": [
        {"stage": "review", "body": "taskforce", "advice": advice, "grounds": "Goed plan"}
        for advice in ("positive", "positive-with-conditions", "negative", "revise")
    ],
    "decided": [
        {"stage": "decision", "body": "poho", "outcome": outcome, "grounds": "Goed", "conditions": ["Een", "Twee"]}
        for outcome in ("approved", "approved-with-conditions", "rejected", "held-over")
    ],
    "resumed": [{"stage": "decision", "body": "poho"}],
    "awarded": [
        {"body": "db", "amount": "200000.00", "envelope": "herstelaanpak", "provisional": provisional, "phases": phases}
        for provisional in (True, False)
        for phases in (1, 3)
    ],
    "money": [
        {"what": what, "amount": "1000.00", "number": 2}
        for what in ("released", "moved-out", "moved-in", "returned")
    ],
    "withdrawn": [{"grounds": "Geen tijd"}],
    "term-near": [{**STEP, "workingDays": days} for days in (1, 2)],
    "term-passed": [{**STEP, "workingDays": 0}],
    "term-escalated": [{**STEP, "workingDays": 0, **more} for more in ({}, {"nobody": True})],
    "unreached": [{"letter": letter} for letter in ("receipt", "supplement", "award", "refusal", "decision")],
    "envelope": [{"what": what, "code": "pot", "name": "Pot", "amount": "5.00"} for what in ("opened", "topped-up")],
    "programme": [{"programme": "regionale-herstelaanpak", "version": 1}],
    "newsletter": [
        {"programme": "regionale-herstelaanpak", "firstDay": "2026-01-01", "lastDay": "2026-03-31"}
    ],
    "digest": [{"mode": mode, "day": "2026-03-02"} for mode in ("daily", "weekly")],
    "event": [{}],
    "test": [{}],
}  # fmt: skip
NOT_OF_A_CASE = ("envelope", "programme", "newsletter", "digest", "event", "test")
CASES = [(kind, facts) for kind, many in FACTS.items() for facts in many]


@pytest.fixture(scope="module")
def parts(admin_url: str, template: Settings) -> Iterator[Parts]:
    """The running parts, with the programmes published."""
    with fresh_database(admin_url, template) as settings:
        publishing.publish_bundled(settings)
        made = wiring.build(settings)
        yield made
        made.close()


def add_person(parts: Parts, role: str) -> Person:
    with psycopg.connect(parts.settings.database_url, autocommit=True) as connection:
        email = f"{role}-{datetime.now(UTC).timestamp()}@example.org"
        return people.add(connection, email=email, name="Iemand", roles=[role])


@pytest.fixture(scope="module")
def secretary(parts: Parts) -> Person:
    """Somebody who may read every case."""
    return add_person(parts, "secretary")


@pytest.fixture(scope="module")
def submitter(parts: Parts) -> Person:
    """Somebody who may read their own cases only."""
    return add_person(parts, "submitter")


Telling = Callable[..., Delivery]


@pytest.fixture(scope="module")
def telling(secretary: Person) -> Telling:
    """A delivery of this kind, about these facts."""

    def make(kind: str, facts: dict[str, Any], relation: str = "watcher", **changes: Any) -> Delivery:
        streams = {"envelope": "envelope-pot", "programme": "programme-regionale-herstelaanpak"}
        whole = facts if kind in NOT_OF_A_CASE else {**OF_CASE, **facts}
        made = Delivery(
            id="delivery-0197a000-0000-7000-8000-000000000002", notice="notice-1", cause="event:1", kind=kind,
            position=1, stream=streams.get(kind, "" if kind in NOT_OF_A_CASE else STREAM), urgency="normal",
            facts=whole, letter=None, at=NOW, recipient=secretary.id, channel="inbox", relation=relation,
            required=False, instead_of=None, state="sent", due_at=NOW, tries=1, error=None, bundle=None,
            created_at=NOW,
        )  # fmt: skip
        return replace(made, **changes)

    return make


def one(parts: Parts, delivery: Delivery, language: str = "nl") -> Message:
    (found,) = messages(parts, [delivery], language)
    return found


def test_every_kind_is_told_of_here() -> None:
    assert set(FACTS) == set(KINDS)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("relation", RELATIONS)
def test_every_kind_has_words_for_every_relation(
    parts: Parts, telling: Telling, relation: str, language: str
) -> None:
    deliveries = [telling(kind, facts, relation) for kind, facts in CASES]
    for delivery, message in zip(deliveries, messages(parts, deliveries, language), strict=True):
        whole = "\n".join((message.subject, *message.lines, message.action))
        generic = (
            wording.said(language, "case.subject-none"),
            wording.said(language, "case.subject", reference="RHA-2026-0012"),
        )
        assert message.subject not in generic, delivery.kind
        assert message.lines, delivery.kind
        assert bool(message.action) == bool(message.path)
        for never in ("{", "None", "\n\n", STREAM, "stageKind", "moved-", "topped-", "approved-with", "poho"):
            assert never not in whole, delivery.kind


@given(data=st.data())
def test_a_message_says_what_it_can_when_facts_are_missing(
    parts: Parts, telling: Telling, data: st.DataObject
) -> None:
    """Words may have been redacted, people erased, and a programme may tell less."""
    kind, facts = data.draw(st.sampled_from(CASES))
    delivery = telling(kind, facts, data.draw(st.sampled_from(RELATIONS)))
    gone = data.draw(st.sets(st.sampled_from(sorted(delivery.facts) or ["nothing"])))
    emptied = data.draw(st.sets(st.sampled_from(sorted(delivery.facts) or ["nothing"])))
    known = {name: value for name, value in delivery.facts.items() if name not in gone}
    known.update(dict.fromkeys(emptied & set(known)))
    message = one(parts, replace(delivery, facts=known), data.draw(st.sampled_from(LANGUAGES)))
    assert message.subject
    assert "None" not in " ".join((message.subject, *message.lines))


def test_every_text_names_only_facts_that_some_notice_has(parts: Parts) -> None:
    """A fact that nobody gives would leave its line out for good."""
    made = {
        "programmeName",
        "envelopeName",
        "daysSaid",
        "phasesSaid",
        "provisionalSaid",
        "letterSaid",
        "revisionSaid",
        "nobodySaid",
        "count",
        "insteadOf",
        "stage",
    }
    for language in LANGUAGES:
        for key, text in side_by_side.texts("service.messaging", language).items():
            kind = key.partition(".")[0]
            known = made | set(OF_CASE) | {name for facts in FACTS.get(kind, []) for name in facts}
            for each in [text] if isinstance(text, str) else text:
                named = {name for _, name, _, _ in string.Formatter().parse(each) if name}
                if kind in FACTS:
                    assert named <= known, key


def test_the_submitter_reads_of_their_own_proposal_others_of_the_proposal(
    parts: Parts, telling: Telling
) -> None:
    facts = FACTS["decided"][0]
    own, others = one(parts, telling("decided", facts, "submitter")), one(parts, telling("decided", facts))
    assert own.subject == "RHA-2026-0012: er is een besluit over je voorstel"
    assert others.subject == "RHA-2026-0012: er is een besluit"
    assert own.lines == (
        "Over je voorstel is een besluit genomen: akkoord.",
        "Besluit van: Portefeuillehoudersoverleg Economie.",
        "Motivering: Goed",
        "Voorwaarden:", ITEM + "Een", ITEM + "Twee",
        "Voorstel: Digitale werkplaats",
    )  # fmt: skip
    assert "Aanvrager: Stichting Werkplaats" in others.lines


def test_a_turn_after_a_supplement_says_so(parts: Parts, telling: Telling) -> None:
    for kind, relation, first, subjects in (
        ("completeness", "secretariat", "is dit voorstel volledig?",
         ("aangevuld. Is dit voorstel nu volledig?", "supplemented. Is this proposal complete now?")),
        ("advice", "body", "jullie advies is gevraagd",
         ("aangevuld. Jullie advies is weer gevraagd", "supplemented. Your advice is asked again")),
    ):  # fmt: skip
        facts = {**STEP, "stageKind": kind, "capacity": "advies"}
        at_first = one(parts, telling("turn", facts, relation))
        assert at_first.subject == f"RHA-2026-0012: {first}"
        assert not any("aangevuld" in line for line in at_first.lines)
        again = telling("turn", {**facts, "revision": 3}, relation)
        nl, en = one(parts, again, "nl"), one(parts, again, "en")
        assert (nl.subject, en.subject) == tuple(f"RHA-2026-0012: {subject}" for subject in subjects)
        assert nl.lines[0] == "De aanvrager heeft het voorstel aangevuld. Dit is nu versie 3."
        assert en.lines[0] == "The applicant supplemented the proposal. This is now version 3."
        assert nl.lines[1:] == at_first.lines
        assert (nl.action, nl.path) == (at_first.action, at_first.path)
    watching = one(parts, telling("turn", {**facts, "revision": 3}))
    assert watching.lines[0] == "De aanvrager heeft het voorstel aangevuld. Dit is nu versie 3."


def test_each_reads_it_in_their_own_language(parts: Parts, telling: Telling) -> None:
    delivery = telling("awarded", FACTS["awarded"][1], "submitter")
    assert one(parts, delivery, "nl").subject == "RHA-2026-0012: je krijgt € 200.000,00"
    assert one(parts, delivery, "en").subject == "RHA-2026-0012: you get €200,000.00"
    assert "The award is provisional." in one(parts, delivery, "en").lines
    assert "Awarded by: Executive board." in one(parts, delivery, "en").lines


def test_a_stand_in_reads_for_whom(parts: Parts, telling: Telling, submitter: Person) -> None:
    message = one(parts, telling("turn", FACTS["turn"][1], "body", instead_of=submitter.id))
    assert message.lines[-1] == "Je leest dit in plaats van Iemand, die afwezig is."


def test_words_are_looked_up_when_the_message_is_made_and_gone_when_they_are(
    parts: Parts, telling: Telling
) -> None:
    with psycopg.connect(parts.settings.database_url, autocommit=True) as connection:
        party = parties.find_or_add(connection, "foundation", "Stichting Van Toen")
        delivery = telling("receipt", {**FACTS["receipt"][0], "applicant": {"$party": party},
                                       "title": {"$words": "999/content.title"}})  # fmt: skip
        assert "Aanvrager: Stichting Van Toen" in one(parts, delivery).lines
        connection.execute("UPDATE vault.parties SET name = 'Stichting Van Nu' WHERE id = %s", (party,))
        lines = one(parts, delivery).lines
    assert "Aanvrager: Stichting Van Nu" in lines
    assert "Voorstel: zonder titel" in lines, "its words are not there"


def test_a_subject_is_one_line_whatever_somebody_typed(parts: Parts, telling: Telling) -> None:
    facts = {**FACTS["envelope"][0], "name": "Pot\r\nBcc: everybody@example.org"}
    assert (
        one(parts, telling("envelope", facts)).subject == "Budget Pot Bcc: everybody@example.org is geopend"
    )


def test_long_words_are_whole(parts: Parts, telling: Telling) -> None:
    long = "Heel lang. " * 200
    assert f"Wat er gevraagd is: {long}" in one(parts, telling("supplement", {"remarks": long})).lines


def test_who_may_not_read_the_case_gets_no_link_to_it(
    parts: Parts, telling: Telling, submitter: Person
) -> None:
    mine = one(parts, telling("named", {}, "partner"))
    theirs = one(parts, telling("named", {}, "partner", recipient=submitter.id))
    assert mine.path == f"/proposals/{STREAM}"
    assert (theirs.action, theirs.path) == ("", "")
    own = one(
        parts,
        telling(
            "supplement",
            {**FACTS["supplement"][0], "owner": submitter.id},
            "submitter",
            recipient=submitter.id,
        ),
    )
    assert (own.action, own.path) == ("Vul je voorstel aan", f"/proposals/{STREAM}/supplement")


def test_what_was_written_about_a_case_is_for_who_may_read_the_case(
    parts: Parts, telling: Telling, submitter: Person
) -> None:
    facts = FACTS["decided"][1]
    theirs = one(parts, telling("decided", facts, "partner", recipient=submitter.id))
    mine = one(parts, telling("decided", facts, "partner"))
    assert "Over het voorstel is een besluit genomen: akkoord, met voorwaarden." in theirs.lines
    assert "Motivering: Goed" in mine.lines
    assert {"Motivering: Goed", "Voorwaarden:", ITEM + "Een"} & set(theirs.lines) == set()


@pytest.mark.parametrize("relation", ["submitter", "body", "chair", "secretariat", "treasurer", "watcher"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_who_may_not_read_the_case_any_more_is_told_that_and_nothing_of_it(
    parts: Parts, telling: Telling, submitter: Person, relation: str, language: str
) -> None:
    """Who left the body or the organisation since: what was collected for them, and what lies in their inbox."""
    for kind, facts in CASES:
        if kind in NOT_OF_A_CASE:
            continue
        message = one(parts, telling(kind, facts, relation, recipient=submitter.id), language)
        assert message.subject == wording.said(language, "case.subject", reference="RHA-2026-0012")
        assert message.lines == (wording.said(language, "case.no-longer"),)
        assert (message.action, message.path) == ("", "")


def test_names_are_those_of_the_version_that_the_case_is_bound_to(parts: Parts, telling: Telling) -> None:
    message = one(parts, telling("turn", {**FACTS["turn"][1], "body": "taskforce"}))
    assert "Aan zet: Bestuurlijke taskforce." in message.lines
    unknown = one(parts, telling("turn", {**FACTS["turn"][1], "programmeVersion": 99}))
    assert "Aan zet: taskforce." in unknown.lines, "a code, rather than nothing"


def test_many_are_said_in_the_order_they_were_given(parts: Parts, telling: Telling) -> None:
    several = [telling("revised", {"revision": number}) for number in range(2, 40)]
    said = messages(parts, several, "nl")
    assert [
        f"versie {number}." in each.lines[0] for number, each in zip(range(2, 40), said, strict=True)
    ] == [True] * 38
    assert messages(parts, [], "nl") == []
