"""Every address, as everybody, about what is one's own, another's, and not there: is the answer what the table says?

The addresses come from the router, what each needs from its mark, and who may from the table of permissions. So a new
address cannot be forgotten: without a mark it is refused to all, and this says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from werkzeug.routing import Rule

from service.api.openapi import PREFIX
from service.documents import councils, letters, newsletters
from service.identity import identities, people, tokens
from service.identity.people import Person
from service.identity.permissions import TABLE, may
from service.ids import new_id
from service.messaging.mail import unsubscribe
from service.messaging.mail.unsubscribe import Subscription
from service.web import drafts, sessions
from tests.api.conftest import ROLES, a_proposal
from tests.web.conftest import Site
from tests.web.messages import told

OWN, OTHER, NONE = "own", "another's", "not there"
PROGRAMME = "regionale-herstelaanpak"
CHANGING = ("POST", "PUT", "PATCH", "DELETE")
REFUSED = (403, 404)


@dataclass(frozen=True)
class Thing:
    """What an address can be about: what stands in the address, and what the table must know of it."""

    named: dict[str, object]
    owner: str | None = None
    body: str | None = None


@dataclass
class Office:
    """Things of everybody, made when they are first asked for."""

    site: Site
    shared: dict[str, object] = field(default_factory=dict)

    def person(self, who: str) -> Person:
        return self.site.service.people[who]

    def owner(self, who: str) -> str:
        """Whose a case of this person is."""
        return self.person(who).organisation or self.person(who).id

    def case_of(self, who: str) -> Thing:
        """A case that waits for the secretariat."""
        proposal = str(self.site.service.done(who, "/proposals", a_proposal())["id"])
        self.site.service.told("secretary", f"/proposals/{proposal}")  # the views have it
        return Thing({"proposal": proposal}, self.owner(who))

    def letter_of(self, proposal: str) -> str:
        parts = self.site.service.app.extensions["besluitspoor"].parts
        return letters.issue(parts, "receipt", proposal, parts.log.load(proposal)[0].position).id

    def colleague_of(self, who: str) -> Thing:
        """Somebody who acts for the same organisation."""
        organisation = self.person(who).organisation
        return Thing({"colleague": somebody(self, organisation)}, organisation)

    def draft_of(self, who: str) -> Thing:
        with psycopg.connect(self.site.service.settings.database_url, autocommit=True) as connection:
            draft = drafts.begin(connection, self.person(who).id, PROGRAMME, {"title": ["Geheim"]})
        return Thing({"draft": draft.id}, self.person(who).id)

    def access_of(self, who: str) -> Thing:
        """A session, a token and a passkey."""
        person = self.person(who).id
        with psycopg.connect(self.site.service.settings.database_url, autocommit=True) as connection:
            session = sessions.find(connection, sessions.start(connection, person))
            assert session is not None
            token, _ = tokens.create(connection, person, timedelta(hours=1), name="Zaaksysteem")
            passkey = new_id("passkey")
            connection.execute(
                "INSERT INTO vault.passkeys (id, credential, person, name, public_key, sign_count, synced)"
                " VALUES (%s, %s, %s, 'Laptop', '', 0, false)",
                (passkey, passkey.encode(), person),
            )
        return Thing({"session": session.id, "token": tokens.id_of(token), "passkey": passkey}, person)

    def message_of(self, who: str) -> Thing:
        message = told(self.site, who, str(self.shared["proposal"]))
        return Thing({"delivery": message}, self.person(who).id)

    def subscription_of(self, who: str) -> Thing:
        """A subscription, and something that was sent to it: made anew once it has been removed."""
        there = [each["id"] for each in self.site.service.told(who, "/subscriptions")["items"]]
        given = {"name": "Zaaksysteem", "url": "https://receiver.example.org/in"}
        made = there[0] if there else self.site.service.done(who, "/subscriptions", given)["id"]
        delivery = told(self.site, who, str(self.shared["proposal"]), channel="webhook", recipient=made)
        return Thing({"subscription": made, "delivery": delivery}, self.person(who).id)


@pytest.fixture(scope="module")
def office(site: Site) -> Office:
    """Beside the things of each: what is everybody's, such as an envelope and a newsletter that was sent."""
    made = Office(site)
    service = site.service
    manager = replace(service.people["submitter"], organisation_role="manager")
    with psycopg.connect(service.settings.database_url, autocommit=True) as connection:
        people.change(connection, manager)
    service.people = {**service.people, "submitter": manager}
    parts = service.app.extensions["besluitspoor"].parts
    sources = [{"source": "Regio", "amount": "1000.00"}]
    service.done(
        "treasurer",
        "/envelopes",
        {"code": PROGRAMME, "name": "Pot", "body": "poho", "sources": sources, "effectiveOn": "2020-01-01"},
    )
    secretary = service.people["secretary"]
    draft = newsletters.create(parts, secretary, PROGRAMME, date(2020, 1, 1), date(2020, 3, 31))
    newsletters.approve(parts, secretary, draft.id)
    proposal = site.submitted()
    made.shared = {"proposal": proposal}
    link = unsubscribe.link(service.settings, Subscription(service.people["neighbour"].id, "turn"))
    made.shared |= {
        "act": "completeness", "code": PROGRAMME, "step": "what", "number": 1, "figure": "municipalities",
        "chosen": "nl", "newsletter": draft.id, "municipality": "GM0772", "token": link.rpartition("/")[2],
        "delivery": told(site, "secretary", proposal, channel="email"),
    }  # fmt: skip
    return made


OTHERS = {"submitter": "neighbour", "integration": "auditor"}
"""Whose is another's for somebody who can have one; for the others the first is."""


def another(who: str, first: str) -> str:
    return OTHERS[first] if who == first else first


def things(office: Office, rule: Rule, who: str) -> Iterator[tuple[str, Thing]]:
    """What this address can be about for this person, by relation; one thing where it makes no difference."""
    takes, area = rule.arguments, rule.endpoint.removeprefix("web.").split(".")[0]
    made: dict[str, Callable[[], Thing]] = {}
    if "proposal" in takes:
        made[OTHER] = lambda: office.case_of(another(who, "submitter"))
        if ROLES[who][0] == "submitter":
            made[OWN] = lambda: office.case_of(who)
    elif "draft" in takes:
        made[OTHER] = lambda: office.draft_of(another(who, "submitter"))
        made[OWN] = lambda: office.draft_of(who)
    elif "subscription" in takes:
        made[OTHER] = lambda: office.subscription_of(another(who, "integration"))
        if may(office.person(who), "read-events"):
            made[OWN] = lambda: office.subscription_of(who)
    elif takes & {"session", "token", "passkey"}:
        made[OTHER] = lambda: office.access_of(another(who, "submitter"))
        made[OWN] = lambda: office.access_of(who)
    elif area == "inbox" and "delivery" in takes:
        made[OTHER] = lambda: office.message_of(another(who, "submitter"))
        made[OWN] = lambda: office.message_of(who)
    elif area in ORGANISATIONS and "person" in takes:
        made[OTHER] = lambda: office.colleague_of(another(who, "submitter"))
        if office.person(who).organisation:
            made[OWN] = lambda: office.colleague_of(who)
    elif "body" in takes:
        for body in ("taskforce", "poho"):
            relation = OWN if body in office.person(who).bodies else OTHER
            made[f"{relation}: {body}"] = lambda body=body: Thing({"body": body}, body=body)
    else:
        yield "whoever's", Thing({}, office.person(who).id)
        return
    for relation, make in made.items():
        yield relation, make()


def named(office: Office, rule: Rule, thing: Thing) -> dict[str, object]:
    """What stands in the address."""
    known = {**office.shared, **thing.named}
    if rule.endpoint == "web.cases.figures":
        known["figure"] = "budget"
    if "letter" in rule.arguments:
        known["letter"] = office.letter_of(str(known["proposal"]))
    if "person" in rule.arguments:
        known["person"] = known["colleague"] if "colleague" in known else somebody(office)
    if "identity" in rule.arguments:
        known["identity"] = linked_to(office, str(known["person"]))
    if "address" in rule.arguments:
        with psycopg.connect(office.site.service.settings.database_url, autocommit=True) as connection:
            known["address"] = councils.add(connection, "GM0772", f"{uuid4().hex}@example.org")
    return {name: known[name] for name in rule.arguments}


def somebody(office: Office, organisation: str | None = None) -> str:
    """A person of no importance, whom things can be done to."""
    address = f"{uuid4().hex}@example.org"
    with psycopg.connect(office.site.service.settings.database_url, autocommit=True) as connection:
        return people.add(
            connection, email=address, name="Iemand", roles=["submitter"], organisation=organisation
        ).id


def linked_to(office: Office, person: str) -> str:
    """An account elsewhere of this person."""
    with psycopg.connect(office.site.service.settings.database_url, autocommit=True) as connection:
        identities.link(connection, "https://login.example.org", uuid4().hex, person)
        return identities.of_person(connection, person)[0].id


def needed(site: Site, rule: Rule, address: dict[str, object]) -> tuple[str, ...]:
    """The acts of which one must be allowed: the one that stands in the address, where there are several."""
    acts: tuple[str, ...] = getattr(site.service.app.view_functions[rule.endpoint], "needs", ())
    return (str(address["act"]),) if "act" in address else acts


def example(site: Site, rule: Rule) -> dict[str, Any]:
    """What the published document gives as an example of a body."""
    described = getattr(site.service.app.view_functions[rule.endpoint], "_apidoc", {}).get("arguments", {})
    return next((dict(each["example"]) for each in described.get("parameters", ()) if "example" in each), {})


def allowed(office: Office, who: str, rule: Rule, stands: dict[str, object], thing: Thing) -> bool:
    """What the table says."""
    person, acts = office.person(who), needed(office.site, rule, stands)
    of_body = thing.body or example(office.site, rule).get("body") or ("db" if "award" in acts else None)
    if of_body is None and rule.endpoint in OF_ANY_BODY:
        of_body = next(iter(person.bodies), None)
    if "colleague" in thing.named and thing.owner != person.organisation:
        return False
    return any(may(person, act, owner=thing.owner, body=of_body) for act in acts)


ORGANISATIONS = {"organisation", "organisations"}
"""Where managers say what the people of their own organisation may do, and nobody those of another."""


REACHES_ONES_OWN = {"web.submission.delete"}
"""What goes on as if it were done, and does nothing to another's: whoever deletes a draft twice is told no lie."""

OF_A_PROVIDER = {"web.elsewhere.show"}
"""What is there only where the settings name a provider: `test_elsewhere.py` has it."""

OF_ANY_BODY = {"web.queues.mine"}
"""What leads a member to what is theirs, whichever body that is of."""

Ask = Callable[[str, str, dict[str, Any]], int]


def as_program(site: Site, who: str) -> Ask:
    """Asks with a token; the status of the answer."""
    headers = {"Authorization": f"Bearer {site.service.tokens[who]}"}

    def ask(method: str, path: str, given: dict[str, Any]) -> int:
        body: dict[str, Any] = {} if method in ("GET", "DELETE") else {"json": given}
        position = {"Event-Position": str(site.service.head())}
        return (
            site.service.client()
            .open(path, method=method, headers={**headers, **position}, **body)
            .status_code
        )

    return ask


def as_reader(site: Site, who: str) -> Ask:
    """Asks as a page does, with a session and its token; the status of the answer."""

    def ask(method: str, path: str, given: dict[str, Any]) -> int:
        visitor = site.visitor(who)
        if method == "GET":
            return visitor.get(path).status_code
        visitor.text("/keys")
        return visitor.post(path, given).status_code

    return ask


FORM = {"go": "stay", "step": "choose"}
"""What a form is sent with: what is in it may be refused all the same."""


def given_to(site: Site, rule: Rule) -> dict[str, Any]:
    return example(site, rule) if rule.rule.startswith(PREFIX) else FORM


def kind(rule: Rule) -> str:
    """Addresses of one kind are about the same things, which need be made only once for those that change nothing."""
    area = rule.endpoint.removeprefix("web.").split(".")[0]
    things = {"proposal", "draft", "body", "delivery", "session", "token", "passkey", "person"}
    return " ".join([*sorted(rule.arguments & things), area])


def routes(site: Site) -> list[tuple[str, Rule]]:
    """Every address that is not open to all, with each way to ask it."""
    found = []
    for rule in site.service.app.url_map.iter_rules():
        view = site.service.app.view_functions[rule.endpoint]
        if getattr(view, "public", False) or rule.endpoint in OPEN:
            continue
        found += [(method, rule) for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})]
    return found


OPEN = {
    "static", "static_files.send", "docs.openapi_json", "docs.page", "tokens.sign_in", "passwords.ask_link",
    "passwords.choose_by_link", "machines.live", "machines.ready", "machines.metrics",
}  # fmt: skip
"""What needs no sign-in and is no page: files, the document of the API, signing in itself, and what machines ask."""


def test_every_role_has_somebody() -> None:
    assert {role for role, _ in ROLES.values()} == {rule.role for rules in TABLE.values() for rule in rules}


def test_every_address_is_marked_with_what_it_needs_or_as_open_to_all(site: Site) -> None:
    for _, rule in routes(site):
        acts = getattr(site.service.app.view_functions[rule.endpoint], "needs", None)
        assert acts, f"{rule.endpoint} is marked with nothing, so nobody gets in"
        assert set(acts) <= set(TABLE), rule.endpoint


AT_ONCE = {"submitter", "secretary"}
EVERYBODY = [who if who in AT_ONCE else pytest.param(who, marks=pytest.mark.slow) for who in sorted(ROLES)]
"""Those with things of their own and those who see the most at once; everybody else with the slow tests."""


@pytest.mark.parametrize("who", EVERYBODY)
def test_whoever_asks_gets_what_the_table_says(office: Office, who: str) -> None:
    site = office.site
    ways = {True: as_program(site, who), False: as_reader(site, who)}
    address = site.service.app.url_map.bind("localhost").build
    once: dict[str, list[tuple[str, Thing]]] = {}
    wrong = []
    for method, rule in routes(site):
        if rule.endpoint in OF_A_PROVIDER:
            continue
        ask = ways[rule.rule.startswith(PREFIX)]
        kept = once.setdefault(kind(rule), [])
        if method in CHANGING or not kept or "subscription" in rule.arguments:
            kept[:] = things(office, rule, who)
        for relation, thing in kept:
            stands = named(office, rule, thing)
            says = allowed(office, who, rule, stands, thing)
            status = ask(method, str(address(rule.endpoint, stands)), given_to(site, rule))
            if not says and rule.endpoint in REACHES_ONES_OWN and status == 303:
                continue
            if (status in (*REFUSED, 401, 405) or status >= 500) if says else status not in REFUSED:
                wrong.append((rule.endpoint, method, relation, says, status))
        if method in CHANGING and rule.arguments & {"session", "token", "passkey"}:
            kept.clear()  # they have been taken away
    assert wrong == []


@pytest.mark.parametrize("who", EVERYBODY)
def test_what_is_not_there_is_told_to_nobody_from_what_one_may_not_see(office: Office, who: str) -> None:
    site = office.site
    ways = {True: as_program(site, who), False: as_reader(site, who)}
    address = site.service.app.url_map.bind("localhost").build
    wrong = []
    thing = office.case_of(another(who, "submitter"))
    if may(office.person(who), "read-case", owner=thing.owner):
        return
    for method, rule in routes(site):
        if "proposal" not in rule.arguments:
            continue
        ask = ways[rule.rule.startswith(PREFIX)]
        stands = named(office, rule, thing)
        absent = {**stands, "proposal": f"proposal-{uuid4()}"}
        given = given_to(site, rule)
        there = ask(method, str(address(rule.endpoint, stands)), given)
        nowhere = ask(method, str(address(rule.endpoint, absent)), given)
        if there != nowhere or there not in REFUSED:
            wrong.append((rule.endpoint, method, there, nowhere))
    assert wrong == []
