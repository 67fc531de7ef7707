"""A letter that nobody could be told of stands on the secretariat's desk, until somebody says that they posted it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from playwright.sync_api import expect
from werkzeug.test import TestResponse

from service.documents import letters
from service.messaging import ledger
from service.messaging.ledger import Making, Planned
from tests.web.conftest import DESKTOP, PHONE, Opener, Site, violations
from tests.web.messages import ids
from tests.web.test_office import reference_of, row_of


def database(site: Site) -> psycopg.Connection[Any]:
    return psycopg.connect(site.service.settings.database_url, autocommit=True)


def to_post(site: Site, proposal: str, letter: str | None = "receipt", state: str = "to-post") -> str:
    """A letter about a proposal that nobody could be told of; the id of its delivery."""
    parts = site.service.app.extensions["besluitspoor"].parts
    position = parts.log.load(proposal)[0].position
    if letter is not None:
        letters.issue(parts, letter, proposal, position)
    facts = {
        "reference": reference_of(site, proposal),
        "title": {"$words": f"{position}/content.title"},
        "programme": "regionale-herstelaanpak",
        "programmeVersion": 1,
        "outcome": "approved",
    }
    kind = "receipt" if letter else "decided"
    made = Making(f"test:{uuid4()}", kind, position, proposal, "normal", facts, datetime.now(UTC), letter)
    plan = Planned("party-of-nobody", "letter", "submitter", state, required=True, by_post=True)
    with database(site) as connection:
        ledger.add(connection, [(made, [plan])])
    return ids(site, made.cause)[0]


def put(site: Site, who: str, path: str) -> TestResponse:
    """What a program asks to be recorded."""
    bearer = {"Authorization": f"Bearer {site.service.tokens[who]}"}
    return site.service.client().put(f"/api/v1{path}", json={}, headers=bearer)


@pytest.fixture(autouse=True)
def nothing_else(site: Site) -> None:
    """Nothing is to be posted yet."""
    with database(site) as connection:
        connection.execute("DELETE FROM ledger.deliveries")


def test_the_desk_shows_what_is_to_be_posted_with_the_letter(site: Site) -> None:
    visitor = site.visitor("secretary")
    assert "Op de post doen" not in visitor.text("/desk")
    assert "op de post" not in visitor.text("/")
    proposal, other = site.submitted(title="Zonder account"), site.submitted(title="Zonder brief")
    to_post(site, proposal)
    to_post(site, other, None)
    to_post(site, site.submitted(title="Nog niet gemaakt"), state="waiting")
    html = visitor.text("/desk")
    assert "Op de post doen (2)" in html
    post = html.partition('aria-labelledby="post"')[2].partition("</section>")[0]
    row = row_of(post, reference_of(site, proposal))
    assert "Zonder account" in row
    assert "Ontvangstbevestiging (PDF)" in row
    assert f'href="/proposals/{proposal}/letters/letter-' in post
    assert "schrijf zelf een brief" in row_of(post, reference_of(site, other))
    assert "Nog niet gemaakt" not in post
    assert "2 brieven moeten nog op de post" in visitor.text("/")
    assert "2 berichten kwamen niet aan" in visitor.text("/deliveries")
    english = site.visitor("secretary").text("/desk", headers={"Accept-Language": "en"})
    assert "I posted it" in english


def test_who_posted_it_says_so_and_it_stands_with_the_delivery(site: Site) -> None:
    id = to_post(site, site.submitted())
    visitor = site.visitor("secretary")
    assert "Moet nog op de post" in visitor.text(f"/deliveries/{id}")
    visitor.text("/desk")
    answer = visitor.post(f"/desk/posted/{id}", {})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/desk#post")
    html = visitor.text("/desk")
    assert "Vastgelegd: jij deed de brief op de post." in html
    assert "Op de post doen" not in html
    said = visitor.text(f"/deliveries/{id}")
    assert "Op de post gedaan" in said
    assert ", door Secretaris" in said or f"door {site.service.people['secretary'].name}" in said
    assert "Verstuur opnieuw" not in said
    visitor.text("/desk")
    visitor.post(f"/desk/posted/{id}", {})
    assert "Er is niets vastgelegd" in visitor.text("/desk")


def test_what_is_not_there_cannot_be_posted(site: Site) -> None:
    visitor = site.visitor("secretary")
    visitor.text("/desk")
    assert visitor.post(f"/desk/posted/delivery-{uuid4()}", {}).status_code == 404


@pytest.mark.parametrize("who", ["submitter", "taskforce", "treasurer", "auditor", "admin"])
def test_others_cannot_say_that_it_was_posted(site: Site, who: str) -> None:
    id = to_post(site, site.submitted())
    visitor = site.visitor(who)
    visitor.text("/keys")
    assert visitor.post(f"/desk/posted/{id}", {}).status_code == 403
    answer = put(site, who, f"/deliveries/{id}/posted")
    assert answer.status_code == 403
    assert site.service.told("secretary", f"/deliveries/{id}")["state"] == "to-post"


def test_a_program_says_so_too_and_twice_is_once(site: Site) -> None:
    id = to_post(site, site.submitted())
    listed = site.service.told("secretary", "/deliveries?state=to-post")["items"]
    assert [(each["id"], each["byPost"], each["postedBy"]) for each in listed] == [(id, True, None)]
    first = put(site, "secretary", f"/deliveries/{id}/posted").get_json()
    assert (first["state"], first["postedBy"]) == ("sent", site.service.people["secretary"].id)
    assert first["postedAt"] is not None
    again = put(site, "secretary", f"/deliveries/{id}/posted")
    assert (again.status_code, again.get_json()) == (200, first)
    missing = put(site, "secretary", f"/deliveries/delivery-{uuid4()}/posted")
    assert missing.status_code == 404


@pytest.mark.parametrize(
    ("viewport", "locale", "dark"), [(DESKTOP, "nl", False), (DESKTOP, "en", True), (PHONE, "nl", True)]
)
def test_it_is_accessible_and_fits(
    opened: Opener, served: Site, viewport: dict[str, int], locale: str, dark: bool
) -> None:
    id = to_post(served, served.submitted())
    to_post(served, served.submitted(), None)
    for path in ("/", "/desk", f"/deliveries/{id}"):
        page = opened("secretary", path, viewport=viewport, locale=locale, dark=dark)
        assert violations(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], path


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_posting_in_a_browser(opened: Opener, served: Site, scripts: bool) -> None:
    id = to_post(served, served.submitted())
    page = opened("secretary", "/desk", scripts=scripts)
    page.locator(f'form[action="/desk/posted/{id}"] button').click()
    expect(page.locator("[data-recorded]")).to_contain_text("Vastgelegd: jij deed de brief op de post.")
    expect(page.locator("#post")).to_have_count(0)
