"""What keeps the door shut beside the table of permissions (see test_matrix.py): sessions, forms, drafts, lists."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from uuid import uuid4

import psycopg
import pytest
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from service.documents import councils, letters, newsletters
from service.identity import people
from service.messaging.mail import unsubscribe
from service.messaging.mail.unsubscribe import Subscription
from service.web import drafts
from tests.api.conftest import ROLES
from tests.web.conftest import Site, Visitor
from tests.web.messages import told

EVERYBODY = frozenset(ROLES)

PUBLIC = {
    "sign_in.ask", "sign_in.sign_in", "sign_in.choose_language", "sign_in.choose_theme", "sign_in.choose_shortcuts",
    "kit.index", "register.index",
    "register.show", "register.feed", "register.open_data", "register.as_csv", "register.as_json", "unsubscribe.ask",
    "unsubscribe.turn_off", "outbox.index", "outbox.show", "outbox.as_html", "outbox.attachment",
    "elsewhere.go", "elsewhere.answer", "elsewhere.leave",
    "choosing_password.ask", "choosing_password.mail", "choosing_password.show", "choosing_password.use",
    "second_step.ask", "second_step.check", "passkeys.ask_to_sign_in", "passkeys.sign_in",
}  # fmt: skip
FROM_ANYWHERE = {
    "sign_in.sign_in", "unsubscribe.turn_off", "choosing_password.mail", "choosing_password.use",
    "second_step.check", "passkeys.ask_to_sign_in", "passkeys.sign_in", "elsewhere.go",
}  # fmt: skip
"""What is typed, or stands in the address, is the right to send it; or it does nothing yet but send somebody on."""


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
        "figure": "subregions", "waiting": waiting, "chosen": "nl", "provider": "nobody", "identity": "identity-1",
        "reference": "RHA-2020-0001",
        "token": "0" * 16, "session": f"session-{uuid4()}", "passkey": f"passkey-{uuid4()}",
        "letter": letter.id, "delivery": told(site, "secretary", proposal, channel="email"),
    }  # fmt: skip
    message = told(site, "secretary", proposal)
    return Place(
        site,
        {
            "": common,
            "money": {"code": "pot"},
            "cases": {"figure": "budget"},
            "inbox": {"delivery": message},
            "unsubscribe": {"token": token_of(site)},
            "subscriptions": subscribed(site),
            "newsletters": approved(site),
            "organisation": {"person": colleague(site)},
        },
    )


def colleague(site: Site) -> str:
    """Somebody of the submitter's organisation, of which the submitter is the manager."""
    manager = replace(site.service.people["submitter"], organisation_role="manager")
    with psycopg.connect(site.service.settings.database_url, autocommit=True) as connection:
        people.change(connection, manager)
        address = f"{uuid4().hex}@example.org"
        return people.add(
            connection, email=address, name="Collega", roles=["submitter"], organisation=manager.organisation
        ).id


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
