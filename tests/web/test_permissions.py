"""Who may open which page, and who may send which form? A table of every route, walked as everybody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from uuid import uuid4

import psycopg
import pytest
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from service.documents import councils, letters, newsletters
from service.messaging.mail import unsubscribe
from service.messaging.mail.unsubscribe import Subscription
from service.web import drafts
from tests.api.conftest import ROLES
from tests.web.conftest import Site, Visitor
from tests.web.messages import told

EVERYBODY = frozenset(ROLES)
MEMBERS = frozenset({"taskforce", "adviesgroep", "poho", "db"})
SUBMITTERS = frozenset({"submitter", "neighbour"})
OFFICE = frozenset({"secretary"})
SEE_ALL = OFFICE | MEMBERS | {"treasurer", "auditor"}
SEE_CASE = SEE_ALL | {"submitter"}
TREASURER, AUDITORS, ADMIN = (
    frozenset({"treasurer"}),
    frozenset({"auditor", "integration"}),
    frozenset({"admin"}),
)
SUBSCRIBERS = ADMIN | AUDITORS
MANAGERS = ADMIN | {"integration"}
"""Of a subscription of the integration: an auditor has their own only."""
OWN_DRAFT = frozenset({"submitter"})
TASKFORCE = OFFICE | {"taskforce"}

GET: dict[str, frozenset[str]] = {
    "start.work": EVERYBODY,
    "start.keys": EVERYBODY,
    "live.live": EVERYBODY,
    "cases.index": SUBMITTERS | SEE_ALL,
    "cases.as_file": SUBMITTERS | SEE_ALL,
    "search.index": SUBMITTERS | SEE_ALL,
    "cases.show": SEE_CASE,
    "differences.show": SEE_CASE,
    "submission.received": SEE_CASE,
    "acting.ask": OFFICE,
    "supplement.ask": OWN_DRAFT,
    "classification.ask": OFFICE,
    "withdrawal.ask": OFFICE | {"submitter"},
    "submission.new": SUBMITTERS | OFFICE,
    "submission.show": OWN_DRAFT,
    "submission.ask_delete": OWN_DRAFT,
    "queues.mine": TASKFORCE | MEMBERS,
    "queues.show": TASKFORCE,
    "queues.back": EVERYBODY,
    "desk.index": OFFICE,
    "inbox.index": EVERYBODY,
    "inbox.show": OFFICE,
    "preferences.ask": EVERYBODY,
    "deliveries.index": OFFICE | ADMIN,
    "deliveries.show": OFFICE | ADMIN,
    "deliveries.ask_resend": OFFICE | ADMIN,
    "deliveries.as_mail": OFFICE,
    "letters.index": OFFICE,
    "letters.preview": OFFICE,
    "letters.download": SEE_CASE,
    "terms.index": OFFICE | MEMBERS,
    "terms.as_file": OFFICE | MEMBERS,
    "programme_pages.index": EVERYBODY,
    "programme_pages.show": EVERYBODY,
    "programme_pages.compare": EVERYBODY,
    "programme_pages.ask": ADMIN,
    "programme_pages.edit": ADMIN,
    "admin.index": ADMIN,
    "admin.ask": ADMIN,
    "admin.show": ADMIN,
    "money.index": EVERYBODY,
    "money.as_file": EVERYBODY,
    "money.envelope": EVERYBODY,
    "money.phases": SEE_ALL,
    "money.open_envelope": TREASURER,
    "money.top_up": TREASURER,
    "money.release": TREASURER,
    "money.reallocate": TREASURER,
    "money.give_back": TREASURER,
    "subscriptions.index": SUBSCRIBERS,
    "subscriptions.ask": SUBSCRIBERS,
    "subscriptions.show": MANAGERS,
    "subscriptions.edit": MANAGERS,
    "subscriptions.ask_removal": MANAGERS,
    "subscriptions.secret": frozenset({"integration"}),
    "newsletters.index": EVERYBODY,
    "newsletters.show": EVERYBODY,
    "newsletters.read_edition": EVERYBODY,
    "newsletters.read_file": EVERYBODY,
    "newsletters.ask": OFFICE,
    "newsletters.addresses": OFFICE,
    "newsletters.ask_approval": OFFICE,
    "newsletters.ask_removal": OFFICE,
    "portfolio.index": EVERYBODY,
    "portfolio.download": EVERYBODY,
    "audit.index": AUDITORS,
    "audit.download": AUDITORS,
    "replay.portfolio": AUDITORS,
    "replay.case": frozenset({"auditor"}),
}
"""Who may open a page: one of a case of the submitter, a draft of theirs, or the queue of the task force."""

POST: dict[str, frozenset[str]] = {
    "sign_in.sign_out": EVERYBODY,
    "acting.do": OFFICE,
    "supplement.send": OWN_DRAFT,
    "supplement.keep": OWN_DRAFT,
    "classification.send": OFFICE,
    "withdrawal.send": OFFICE | {"submitter"},
    "submission.begin": SUBMITTERS | OFFICE,
    "submission.go": OWN_DRAFT,
    "submission.keep": OWN_DRAFT,
    "submission.send": OWN_DRAFT,
    "queues.together": frozenset({"taskforce"}),
    "inbox.change": EVERYBODY,
    "inbox.watch": SEE_CASE,
    "preferences.change": EVERYBODY,
    "deliveries.resend": OFFICE | ADMIN,
    "subscriptions.add": SUBSCRIBERS,
    "subscriptions.change": MANAGERS,
    "subscriptions.switch": MANAGERS,
    "subscriptions.send_test": MANAGERS,
    "subscriptions.rotate": frozenset({"integration"}),
    "subscriptions.resend": MANAGERS,
    "subscriptions.remove": MANAGERS,
    "newsletters.create": OFFICE,
    "newsletters.add_addresses": OFFICE,
    "newsletters.remove_address": OFFICE,
    "newsletters.mail_again": OFFICE,
    "newsletters.change": OFFICE,
    "newsletters.preview": OFFICE,
    "newsletters.approve": OFFICE,
    "newsletters.remove": OFFICE,
    "programme_pages.publish": ADMIN,
    "programme_pages.edited": ADMIN,
    "admin.add": ADMIN,
    "admin.change": ADMIN,
    "admin.set_password": ADMIN,
    "admin.end_access": ADMIN,
    "admin.try_address": ADMIN,
    "money.open_envelope": TREASURER,
    "money.top_up": TREASURER,
    "money.release": TREASURER,
    "money.reallocate": TREASURER,
    "money.give_back": TREASURER,
}
"""Who may send a form; what is in it may be refused all the same."""

PUBLIC = {
    "sign_in.ask", "sign_in.sign_in", "sign_in.choose_language", "sign_in.choose_theme", "kit.index", "register.index",
    "register.show", "register.feed", "register.open_data", "register.as_csv", "register.as_json", "unsubscribe.ask",
    "unsubscribe.turn_off", "outbox.index", "outbox.show", "outbox.as_html", "outbox.attachment",
}  # fmt: skip
FROM_ANYWHERE = {"sign_in.sign_in", "unsubscribe.turn_off"}
"""What is typed, or stands in the address, is the right to send it."""
ONES_OWN = {"submission.delete"}
"""Reaches nothing but what is one's own: for another's it does nothing, as the rule about drafts below says."""
REFUSED = (303, 403, 404)


@dataclass(frozen=True)
class Place:
    """A site in which each kind of thing is there that an address can name."""

    site: Site
    facts: dict[str, dict[str, object]]

    def address(self, rule: Rule) -> str:
        """An address of a route, of things that are there."""
        path: object = self.site.service.app.url_map.bind("localhost").build(rule.endpoint, self.named(rule))
        return str(path)

    def named(self, rule: Rule) -> dict[str, object]:
        """What stands in the address."""
        area = rule.endpoint.split(".")[1]
        known = {**self.facts[""], **self.facts.get(area, {})}
        return {name: known[name] for name in rule.arguments}


@pytest.fixture(scope="module")
def place(site: Site) -> Place:
    """A proposal of the submitter that waits for the secretariat, one that waits for advice, an envelope, a draft."""
    proposal, waiting = site.submitted(), site.complete(site.submitted())
    parts = site.service.app.extensions["besluitspoor"].parts
    letter = letters.issue(parts, "receipt", proposal, parts.log.load(proposal)[0].position)
    site.service.done(
        "treasurer",
        "/envelopes",
        {
            "code": "pot",
            "name": "Pot",
            "body": "poho",
            "programme": "regionale-herstelaanpak",
            "sources": [{"source": "Regio", "amount": "1000.00"}],
            "effectiveOn": "2020-01-01",
        },
    )
    with psycopg.connect(site.service.settings.database_url, autocommit=True) as connection:
        draft = drafts.begin(
            connection, site.service.people["submitter"].id, "regionale-herstelaanpak", {"title": ["Geheim"]}
        )
    common: dict[str, object] = {
        "proposal": proposal, "act": "completeness", "body": "taskforce", "code": "regionale-herstelaanpak",
        "person": site.service.people["neighbour"].id, "draft": draft.id, "step": "what", "number": 1,
        "figure": "subregions", "waiting": waiting, "chosen": "nl",
        "letter": letter.id, "delivery": told(site, "secretary", proposal, channel="email"),
    }  # fmt: skip
    message = told(site, "secretary", proposal)
    return Place(
        site,
        {
            "": common,
            "money": {"code": "pot"},
            "inbox": {"delivery": message},
            "unsubscribe": {"token": token_of(site)},
            "subscriptions": subscribed(site),
            "newsletters": approved(site),
        },
    )


def approved(site: Site) -> dict[str, object]:
    """A newsletter that was approved, and an address of a council: drafts have rules of their own."""
    parts, secretary = site.service.app.extensions["besluitspoor"].parts, site.service.people["secretary"]
    period = date(2020, 1, 1), date(2020, 3, 31)
    draft = newsletters.create(parts, secretary, "regionale-herstelaanpak", *period)
    newsletters.approve(parts, secretary, draft.id)
    with parts.pool.connection() as connection:
        address = councils.add(connection, "GM0772", "griffie@example.org")
    return {"newsletter": draft.id, "municipality": "GM0772", "address": address}


def subscribed(site: Site) -> dict[str, object]:
    """A subscription of the integration, and a delivery to it."""
    given = {"name": "Zaaksysteem", "url": "https://receiver.example.org/in"}
    subscription = site.service.done("integration", "/subscriptions", given)["id"]
    delivery = site.service.done("integration", f"/subscriptions/{subscription}/tests", {})["id"]
    return {"subscription": subscription, "delivery": delivery}


def token_of(site: Site) -> str:
    """What stands in the link that turns off mail to the neighbour."""
    subscription = Subscription(site.service.people["neighbour"].id, "turn")
    return unsubscribe.link(site.service.settings, subscription).rpartition("/")[2]


def rules(site: Site, method: str) -> Iterator[tuple[str, Rule]]:
    """Every route of the pages that takes this method, by its name without `web.`."""
    for rule in site.service.app.url_map.iter_rules():
        if rule.endpoint.startswith("web.") and method in (rule.methods or ()):
            yield rule.endpoint.removeprefix("web."), rule


def signed_in(site: Site, who: str) -> Visitor:
    """Somebody whose page carries what a form needs."""
    visitor = site.visitor(who)
    visitor.text("/keys")
    return visitor


def sent(visitor: Visitor, address: str, fields: dict[str, str]) -> TestResponse:
    """A form with the token of the session, which is on every page."""
    visitor.get("/keys")
    return visitor.post(address, fields)


def test_every_route_stands_in_the_table(site: Site) -> None:
    assert {name for name, _ in rules(site, "GET")} - PUBLIC == set(GET)
    assert {name for name, _ in rules(site, "POST")} - PUBLIC - ONES_OWN == set(POST)


@pytest.mark.parametrize("who", sorted(ROLES))
def test_a_page_opens_for_who_may_and_for_nobody_else(place: Place, who: str) -> None:
    visitor = signed_in(place.site, who)
    wrong = []
    for name, rule in rules(place.site, "GET"):
        if name in PUBLIC:
            continue
        status = visitor.get(place.address(rule)).status_code
        allowed = who in GET[name]
        if (allowed and status in (403, 404, 500)) or (not allowed and status not in (403, 404)):
            wrong.append((name, status))
    assert wrong == []


@pytest.mark.parametrize("who", sorted(ROLES))
def test_a_form_is_taken_from_who_may_send_it_and_from_nobody_else(place: Place, who: str) -> None:
    wrong = []
    for name, rule in rules(place.site, "POST"):
        ends = {
            "sign_in.sign_out", "admin.end_access", "subscriptions.remove", "newsletters.remove_address",
        }  # fmt: skip
        if name in PUBLIC | ONES_OWN | ends and who in POST.get(name, ()):
            continue
        if name in PUBLIC | ONES_OWN:
            continue
        before = place.site.service.head()
        fields = {"go": "stay", "case": f"{place.facts['']['waiting']}:2", "step": "choose"}
        visitor = signed_in(place.site, who)
        status = sent(visitor, place.address(rule), fields).status_code
        allowed = who in POST[name]
        if (allowed and status in (403, 404, 500)) or (not allowed and status not in (403, 404)):
            wrong.append((name, status))
        assert place.site.service.head() == before, name
    assert wrong == []


def test_nobody_gets_past_the_door_without_signing_in(place: Place) -> None:
    visitor = place.site.visitor(None)
    for method in ("GET", "POST"):
        for name, rule in rules(place.site, method):
            if name in PUBLIC:
                continue
            response = visitor.client.open(place.address(rule), method=method)
            assert response.status_code == (303 if method == "GET" else 401), name
            assert b"Geheim" not in response.get_data()


def test_every_form_has_to_come_from_a_page_of_ours(place: Place) -> None:
    for who in ("submitter", "secretary", "treasurer", "admin"):
        visitor = place.site.visitor(who)
        for name, rule in rules(place.site, "POST"):
            if name in FROM_ANYWHERE:
                continue
            address = place.address(rule)
            assert visitor.client.post(address, data={"csrf": "bm9uc2Vuc2U="}).status_code == 409, name
            elsewhere = {"Sec-Fetch-Site": "cross-site"}
            assert visitor.client.post(address, headers=elsewhere).status_code == 403, name
            assert visitor.client.post(address, headers={"Origin": "http://[evil"}).status_code == 403, name


def test_what_another_organisation_has_cannot_be_told_from_what_is_not_there(place: Place) -> None:
    absent = f"proposal-{uuid4()}"
    there = str(place.facts[""]["proposal"])
    visitor = signed_in(place.site, "neighbour")
    for method in ("GET", "POST"):
        for name, rule in rules(place.site, method):
            if "proposal" not in rule.arguments:
                continue
            said = []
            for id in (there, absent):
                address = place.address(rule).replace(there, id)
                response = visitor.get(address) if method == "GET" else sent(visitor, address, {})
                said.append((response.status_code, response.get_data(as_text=True).replace(id, "")))
            assert said[0][0] == said[1][0], name
            assert "Digitale werkplaats" not in said[0][1], name


def test_whether_anything_happened_in_anothers_case_is_not_told(place: Place) -> None:
    there = place.facts[""]["proposal"]
    visitor = signed_in(place.site, "neighbour")
    said = {
        visitor.get("/live", query_string={"case": id, "version": version}).status_code
        for id in (there, f"proposal-{uuid4()}")
        for version in range(1, 5)
    }
    assert said == {204}


def test_a_draft_is_its_makers_alone(place: Place) -> None:
    owner = place.site.service.people["submitter"].id
    with psycopg.connect(place.site.service.settings.database_url, autocommit=True) as connection:
        draft = drafts.begin(connection, owner, "regionale-herstelaanpak", {"title": ["Geheim"]}).id
    for who in sorted(EVERYBODY - {"submitter"}):
        visitor = signed_in(place.site, who)
        assert "Geheim" not in visitor.get(f"/proposals/new/{draft}/check").get_data(as_text=True)
        assert "Geheim" not in visitor.get("/").get_data(as_text=True)
        sent(visitor, f"/proposals/new/{draft}/delete", {})
    assert "Geheim" in signed_in(place.site, "submitter").text(f"/proposals/new/{draft}/what")


def test_lists_files_and_searches_hold_ones_own_cases_alone(place: Place) -> None:
    visitor = signed_in(place.site, "neighbour")
    for path in ("/", "/proposals", "/proposals.csv", "/search?q=werkplaats", "/proposals?q=Werkplaats",
                 "/proposals?effectiveOn=2021-01-01", "/proposals?atPosition=5", "/proposals?sort=reference",
                 "/money/pot", "/portfolio"):  # fmt: skip
        said = visitor.text(path)
        assert "Digitale werkplaats" not in said, path
        assert "proposal-0" not in said, path
