"""A confidential case does not exist for who may not know of it: on no page, in no answer, file, feed or message.

Every route is asked, taken from the router, so that a new one is asked too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from werkzeug.routing import Rule

from service.api.context import Running
from service.confidential_events import secret_cases
from service.documents import letters, newsletters
from service.identity import people
from service.identity.people import Person
from service.messaging import noticing, subscriptions
from service.messaging.ledger import by_id
from service.messaging.wording import hidden, messages
from service.wiring import Parts
from tests.api.conftest import ROLES
from tests.web.conftest import Site
from tests.web.messages import told
from tests.web.test_permissions import token_of

WORD = "zilverduifnest"
"""Stands in every text of the case; no other text has it."""
CONTROL = "koperkraaiveer"
"""Stands nowhere."""

OUTSIDERS = ("neighbour", "adviesgroep", "treasurer", "admin", "integration")
LOOKING = [
    who if who in ("neighbour", "admin") else pytest.param(who, marks=pytest.mark.slow) for who in OUTSIDERS
]
"""Who looks for it: an applicant and an administrator at once, all others with the slow tests."""
INSIDERS = ("submitter", "secretary", "taskforce", "poho", "db", "auditor")
"""Its applicant, the office, and members of the bodies that it waited for."""

QUERIES = ("q", "words", "about", "case", "reference", "person", "who")
"""What can be asked by words, by a reference or by a name, anywhere."""

MONEY = {"effectiveOn": "2020-09-05"}


@dataclass(frozen=True)
class Told:
    """What there is: the confidential case, another one that had money of it, and what an address can name."""

    site: Site
    secret: str
    reference: str
    other: str
    facts: dict[str, Any]

    @property
    def parts(self) -> Parts:
        running: Running = self.site.service.app.extensions["besluitspoor"]
        return running.parts


@pytest.fixture(scope="module")
def story(site: Site) -> Told:
    """A case that went from submission to money, of which much was told; and then it was found to be confidential."""
    done = site.service.done
    envelope = {
        "code": "pot", "name": "Pot", "body": "db", "programme": "regionale-herstelaanpak",
        "sources": [{"source": "Regio", "amount": "900000.00"}], "effectiveOn": "2020-01-01",
    }  # fmt: skip
    done("treasurer", "/envelopes", envelope)
    said = {"title": f"De {WORD}", "summary": f"Een {WORD} in de stad.", "effect": f"Een {WORD}.",
            "goals": [f"Een {WORD}"], "applicant": {"name": f"Stichting {WORD}", "kind": "foundation"}}  # fmt: skip
    secret = through(site, site.submitted(**said))
    other = through(site, site.submitted(), award="100000.00")
    moved = {"to": other, "amount": "20000.00", "grounds": f"Naar een {WORD}.", **MONEY}
    done("treasurer", f"/proposals/{secret}/phases/2/reallocation", moved)
    reference = str(site.service.told("secretary", f"/proposals/{secret}")["reference"])
    subscription = done("integration", "/subscriptions", {"name": "Zaken", "url": "https://a.example.org/in"})
    running: Running = site.service.app.extensions["besluitspoor"]
    parts = running.parts
    with psycopg.connect(site.service.settings.database_url, autocommit=True) as connection:
        # All of it was told before it became confidential.
        while (at := noticing.position(connection)) < parts.log.head():
            noticing.fold_batch(parts, connection, at, 100)
    letter = letters.issue(parts, "award", secret, award_of(parts, secret))
    message = told(site, "treasurer", secret, grounds=f"Een {WORD}.")
    level = {"level": "confidential", "ground": "woo-5-1-1-c", "remarks": f"Om het {WORD}."}
    done("secretary", f"/proposals/{secret}/confidentiality", level)
    site.service.told("secretary", f"/proposals/{secret}")
    newsletter = newsletters.create(
        parts,
        site.service.people["secretary"],
        "regionale-herstelaanpak",
        date(2020, 1, 1),
        date(2020, 12, 31),
    )
    newsletters.approve(parts, site.service.people["secretary"], newsletter.id)
    facts = {
        "proposal": secret, "body": "adviesgroep", "person": site.service.people["neighbour"].id,
        "draft": f"draft-{uuid4()}", "step": "what", "number": 2, "figure": "municipalities", "letter": letter.id,
        "delivery": message, "subscription": subscription["id"], "newsletter": newsletter.id,
        "municipality": "GM0772", "address": f"address-{uuid4()}", "token": token_of(site), "chosen": "nl",
        "provider": "nobody", "identity": "identity-1",
        "session": f"session-{uuid4()}", "passkey": f"passkey-{uuid4()}",
        "act": "completeness", "filename": "shell.css", "fingerprint": "0", "name": "x", "path": "x",
    }  # fmt: skip
    return Told(site, secret, reference, other, facts)


def through(site: Site, proposal: str, award: str = "200000.00") -> str:
    """Complete, advised, decided and awarded: half of it held back."""
    done, on = site.service.done, {"effectiveOn": "2020-09-03"}
    site.complete(proposal)
    grounds = f"Een {WORD} past." if award == "200000.00" else "Past."
    done("taskforce", f"/proposals/{proposal}/reviews",
         {"body": "taskforce", "advice": "positive", "grounds": grounds, **on})  # fmt: skip
    done("poho", f"/proposals/{proposal}/decisions",
         {"body": "poho", "outcome": "approved-with-conditions", "grounds": grounds, "conditions": [grounds],
          **on})  # fmt: skip
    half = f"{int(award[:-3]) // 2}.00"
    phases = [{"amount": half}, {"amount": half, "releaseCondition": grounds}]
    done("db", f"/proposals/{proposal}/awards", {"envelope": "pot", "amount": award, "phases": phases, **on})
    return proposal


def award_of(parts: Parts, proposal: str) -> int:
    return next(each.position for each in parts.log.load(proposal) if each.name == "Awarded")


def addresses(story: Told, api: bool) -> Iterator[tuple[str, str]]:
    """Every address of a route that is asked with GET, by the name of the route, with what there is in it."""
    adapter = story.site.service.app.url_map.bind("localhost")
    for rule in story.site.service.app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.rule.startswith("/api/v1") != api:
            continue
        codes = ("pot", "adviesgroep", "regionale-herstelaanpak") if "code" in rule.arguments else ("",)
        for code in codes:
            yield rule.endpoint, str(adapter.build(rule.endpoint, named(story, rule, code)))


def named(story: Told, rule: Rule, code: str) -> dict[str, Any]:
    facts = {**story.facts, "code": code, "reference": story.reference}
    if "unsubscribe" not in rule.endpoint:
        facts["token"] = "0" * 16
    if "subscriptions" in rule.endpoint:
        facts["delivery"] = f"delivery-{uuid4()}"
    return {name: facts[name] for name in rule.arguments}


def same(text: str, *words: str) -> str:
    """A page without what is another each time: the keys of its forms, and these words."""
    text = re.sub(r'(name="(?:csrf|once|version)" )?value="[^"]{16,}"', "", text)
    for word in words:
        text = text.replace(word, "").replace(word.upper(), "")
    return text


def page_of(story: Told, who: str | None, address: str, api: bool, **query: str) -> tuple[int, str]:
    """The status and the text of an answer."""
    if api:
        answer = story.site.service.ask(who, address.removeprefix("/api/v1"), query_string=query)
    else:
        answer = story.site.visitor(who).get(address, query_string=query)
    body = answer.get_data()
    text = body.decode("utf-8", "replace")
    headers = " ".join(f"{name}: {value}" for name, value in answer.headers)
    return answer.status_code, f"{text} {headers}"


@pytest.mark.parametrize("api", [False, True], ids=["pages", "api"])
@pytest.mark.parametrize("who", [*LOOKING, None])
def test_no_route_says_a_word_of_it(story: Told, who: str | None, api: bool) -> None:
    told_of = []
    for name, address in addresses(story, api):
        _, text = page_of(story, who, address, api)
        # What somebody asks for by its reference repeats that: the register, which answers as for none at all.
        asked = story.reference in address
        if WORD in text.casefold() or (story.reference in text and not asked):
            told_of.append((name, address))
    assert told_of == []


@pytest.mark.parametrize("who", LOOKING)
def test_who_looks_for_it_finds_what_is_found_of_nothing(story: Told, who: str) -> None:
    visitor = story.site.visitor(who)
    for name, address in addresses(story, api=False):
        if name.rpartition(".")[2] in (
            "choose_language",
            "choose_theme",
            "choose_shortcuts",
        ) or not name.startswith("web."):
            continue
        for query in QUERIES:
            if not asks(story, name, query):
                continue
            for word, control in ((WORD, CONTROL), (story.reference, "RHA-1999-9999")):
                found = visitor.get(address, query_string={query: word}).get_data(as_text=True)
                nothing = visitor.get(address, query_string={query: control}).get_data(as_text=True)
                assert same(found, word) == same(nothing, control), (name, query)


def asks(story: Told, endpoint: str, query: str) -> bool:
    """Does a page have a field of this name, for who sees most of it?"""
    known = {
        "cases.index": {"q"}, "cases.as_file": {"q"}, "search.index": {"q"}, "audit.index": {"words", "about", "who"},
        "audit.download": {"words", "about"}, "deliveries.index": {"case", "person"}, "letters.preview": {"reference"},
    }  # fmt: skip
    return query in known.get(endpoint.removeprefix("web."), ())


@pytest.mark.parametrize("api", [False, True], ids=["pages", "api"])
@pytest.mark.parametrize("who", LOOKING)
def test_its_address_answers_as_that_of_a_case_that_never_was(story: Told, who: str, api: bool) -> None:
    absent = f"proposal-{uuid4()}"
    for name, address in addresses(story, api):
        if story.secret not in address:
            continue
        there, gone = (
            page_of(story, who, each, api) for each in (address, address.replace(story.secret, absent))
        )
        assert there[0] == gone[0], name
        assert same(there[1], story.secret) == same(gone[1], absent), name


def test_acts_on_it_are_refused_as_on_what_is_not_there(story: Told) -> None:
    absent = f"proposal-{uuid4()}"
    acts = {
        "treasurer": [("phases/2/release", {}), ("return", {"amount": "1.00"})],
        "adviesgroep": [("reviews", {"body": "adviesgroep", "advice": "positive"})],
        "neighbour": [("withdrawal", {"grounds": "Nee."})],
    }
    for who, several in acts.items():
        for path, given in several:
            said = [
                story.site.service.act(who, f"/proposals/{id}/{path}", given) for id in (story.secret, absent)
            ]
            assert [each.status_code for each in said] == [404, 404], path
            texts = [
                each.get_data(as_text=True).replace(id, "")
                for each, id in zip(said, (story.secret, absent), strict=True)
            ]
            assert texts[0] == texts[1]


def test_no_money_goes_to_it_and_the_refusal_says_nothing(story: Told) -> None:
    absent = f"proposal-{uuid4()}"
    answers = []
    for id in (story.secret, absent):
        given = {"to": id, "amount": "1.00", **MONEY}
        answer = story.site.service.act("treasurer", f"/proposals/{story.other}/phases/2/reallocation", given)
        answers.append((answer.status_code, answer.get_data(as_text=True).replace(id, "")))
    assert answers[0] == answers[1]
    assert answers[0][0] == 400


@pytest.mark.parametrize("who", INSIDERS)
def test_who_may_know_of_it_sees_it_as_any_other(story: Told, who: str) -> None:
    visitor = story.site.visitor(who)
    assert WORD in visitor.text(f"/proposals/{story.secret}")
    assert story.reference in visitor.text(f"/search?q={WORD}")
    assert story.reference in visitor.text("/proposals.csv")
    assert "is vertrouwelijk" in visitor.text(f"/proposals/{story.secret}")


def test_an_envelope_adds_up_and_does_not_say_which_case(story: Told) -> None:
    told_ = {who: story.site.service.told(who, "/envelopes/pot") for who in ("treasurer", "secretary")}
    mine, whole = (told_[who].pop("perProposal") for who in ("treasurer", "secretary"))
    assert told_["treasurer"] == told_["secretary"]
    assert set(whole) == {story.secret, story.other}
    assert mine == {"confidential": whole[story.secret], story.other: whole[story.other]}


def test_the_feed_goes_on_over_what_it_leaves_out(story: Told) -> None:
    def feed(who: str) -> tuple[list[dict[str, Any]], int]:
        found: list[dict[str, Any]] = []
        after = 0
        while True:
            answer = story.site.service.ask(who, f"/events?after={after}&limit=10")
            found += answer.json
            at = int(answer.headers["Event-Position"])
            if at == after:
                return found, at
            after = at

    (seen, to), (all_of_them, end) = feed("integration"), feed("auditor")
    assert to == end == story.site.service.head()
    about = [each["subject"] for each in all_of_them if story.secret in str(each)]
    assert story.secret in about
    assert not any(story.secret in str(each) for each in seen)
    names = [each for each in seen if "confidential" in str(each["data"])]
    assert {each["type"].rsplit(".", 2)[-2] for each in names} == {
        "funds-reserved",
        "funds-moved",
        "money-moved-in",
    }
    assert len(seen) == len([each for each in all_of_them if not left_out(each, story.secret)])


def left_out(event: dict[str, Any], secret: str) -> bool:
    return bool(
        event["subject"] == secret
        or (
            event["data"]["payload"].get("proposal") == secret
            and (event["type"].endswith("letter-issued.v1"))
        )
    )


def test_programs_are_sent_nothing_of_it(story: Told) -> None:
    with psycopg.connect(story.site.service.settings.database_url, autocommit=True) as connection:
        position = award_of(story.parts, story.secret)
        rows = connection.execute(
            "SELECT d.id FROM ledger.deliveries d JOIN ledger.notices n ON n.id = d.notice"
            " WHERE n.position = %s AND d.channel = 'webhook'",
            (position,),
        ).fetchall()
        assert rows  # planned before it became confidential
        for (id,) in rows:
            delivery = by_id(connection, id)
            assert delivery is not None
            assert subscriptions.concealed(story.parts, delivery)
        # And nothing new is planned.
        events = story.parts.log.load(story.secret)
        today = story.parts.calendar().today
        assert secret_cases(connection, events, today) == {story.secret}
        made = subscriptions.made(connection, events, {}, today)
        assert made == []


def test_messages_that_were_planned_before_are_not_sent_or_shown_any_more(story: Told) -> None:
    with psycopg.connect(story.site.service.settings.database_url, autocommit=True) as connection:
        rows = connection.execute(
            "SELECT d.id, d.recipient FROM ledger.deliveries d JOIN ledger.notices n ON n.id = d.notice"
            " WHERE n.stream = %s AND d.recipient LIKE 'person-%%'",
            (story.secret,),
        ).fetchall()
        deliveries = [by_id(connection, id) for id, _ in rows]
        known = people.some(connection, [recipient for _, recipient in rows])
    seen = set()
    for delivery in deliveries:
        assert delivery is not None
        who = name_of(known[delivery.recipient])
        (said,) = messages(story.parts, [delivery], "nl")
        text = f"{said.subject} {' '.join(said.lines)}"
        outside = who in OUTSIDERS
        seen.add(outside)
        assert hidden(story.parts, delivery) is outside, who
        assert (story.reference in text or WORD in text) is not outside, (who, text)
    assert seen == {True, False}


def name_of(person: Person) -> str:
    return next(who for who in ROLES if person.email == f"{who}@example.org")


def test_what_happens_from_then_on_is_told_to_nobody_else(story: Told) -> None:
    returned = {"amount": "1.00", **MONEY}
    assert (
        story.site.service.act("treasurer", f"/proposals/{story.secret}/return", returned).status_code == 404
    )
    done = story.site.service.done
    done("secretary", f"/proposals/{story.secret}/confidentiality", {"level": "internal"})
    done("treasurer", f"/proposals/{story.secret}/return", {"amount": "5.00", **MONEY})
    position = story.site.service.head()
    done(
        "secretary",
        f"/proposals/{story.secret}/confidentiality",
        {"level": "confidential", "ground": "woo-5-1-1-c", "until": "2199-01-01"},
    )
    with psycopg.connect(story.site.service.settings.database_url, autocommit=True) as connection:
        while (at := noticing.position(connection)) < story.parts.log.head():
            noticing.fold_batch(story.parts, connection, at, 100)
        rows = connection.execute(
            "SELECT DISTINCT d.recipient FROM ledger.deliveries d JOIN ledger.notices n ON n.id = d.notice"
            " WHERE n.stream = %s AND n.position >= %s - 2 AND d.recipient LIKE 'person-%%'",
            (story.secret, position),
        ).fetchall()
        heard = {name_of(each) for each in people.some(connection, [id for (id,) in rows]).values()}
    assert "submitter" in heard
    assert heard.isdisjoint(OUTSIDERS)


def test_after_its_last_day_it_is_confidential_no_more(story: Told) -> None:
    """What was set with an end, as the calendar of the day after reads it."""
    parts = story.parts
    today = parts.calendar().today
    level = {"level": "confidential", "ground": "woo-5-1-2-f", "until": today.isoformat()}
    case = story.site.submitted(title="Een groene zaak")
    story.site.service.done("secretary", f"/proposals/{case}/confidentiality", level)
    seen = {"Event-Position": str(story.site.service.head())}
    assert story.site.service.ask("treasurer", f"/proposals/{case}", headers=seen).status_code == 404
    usual = parts.calendar
    tomorrow = usual().__class__(today + timedelta(days=1), usual().holidays)
    try:
        parts.calendar = lambda: tomorrow
        assert story.site.service.told("treasurer", f"/proposals/{case}")["id"] == case
    finally:
        parts.calendar = usual
