"""Somebody who connects a program subscribes it, tries it, sees what went wrong, renews the secret and removes it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Page, expect
from standardwebhooks.webhooks import Webhook as Standard

from service.identity import people
from service.messaging.channels.webhook import Webhook
from service.messaging.courier import deliver
from service.messaging.subscriptions import MOST_TESTS
from service.settings import Settings
from tests.conftest import fresh_database
from tests.messaging.receiver import Receiver, receiving
from tests.web.conftest import DESKTOP, PHONE, Opener, Site, Visitor, site_on, violations

URL = "https://receiver.example.org/in"
SEAM = '<span class="seam"></span>'
"""Where a long word may be broken: no part of the word."""
SECRET = re.compile(r"whsec_[A-Za-z0-9+/]{43}=")
CLOSED = "nl.besluitspoor.proposal.stage-closed.v1"


@pytest.fixture(scope="module")
def site(admin_url: str, template: Settings) -> Iterator[Site]:
    """Pages of a service that may ask private addresses: that is where the receivers of the tests are."""
    with (
        fresh_database(admin_url, template) as settings,
        site_on(replace(settings, private_webhooks=True)) as made,
    ):
        yield made


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture(autouse=True)
def none_yet(site: Site) -> None:
    """Each test begins without subscriptions."""
    with psycopg.connect(site.service.settings.database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM ledger.subscriptions")
        connection.execute("DELETE FROM ledger.deliveries")
        connection.execute("DELETE FROM ledger.notices")


def fields(**changes: Any) -> dict[str, Any]:
    return {"name": "Zaaksysteem", "channel": "webhook", "url": URL, **changes}


def added(site: Site, who: str = "integration", **changes: Any) -> tuple[Visitor, str]:
    """Somebody who has just subscribed, and the address of the subscription."""
    visitor = site.visitor(who)
    visitor.text("/subscriptions/new")
    response = visitor.post("/subscriptions/new", fields(**changes))
    assert response.status_code == 303, response.get_data(as_text=True)
    return visitor, str(response.location).removesuffix("/secret")


def delivered(site: Site) -> list[str]:
    """Sends what is due; what came of each."""
    parts = site.service.app.extensions["besluitspoor"].parts
    with parts.pool.connection() as connection:
        query = "SELECT id FROM ledger.deliveries WHERE channel = 'webhook' AND state = 'waiting' ORDER BY id"
        due = connection.execute(query).fetchall()
    return [deliver(parts, Webhook(site.service.settings, seconds=30), id) for (id,) in due]


def test_who_subscribes_sees_the_secret_and_can_see_it_again(site: Site) -> None:
    visitor, place = added(site, types=[CLOSED], programmes=["stimuleringsfonds"])
    html = visitor.text(f"{place}/secret")
    assert "Het abonnement is toegevoegd." in html
    (secret,) = SECRET.findall(html)
    assert secret in visitor.text(f"{place}/secret")
    html = visitor.text(place)
    assert secret not in html
    assert "StageClosed" not in html, "in words"
    assert "Stimuleringsfonds" in html.replace(SEAM, "")
    assert "Zaaksysteem" in visitor.text("/subscriptions")


def test_the_page_says_how_long_it_is_tried_as_the_documentation_does(site: Site, project: Path) -> None:
    visitor, place = added(site)
    with psycopg.connect(site.service.settings.database_url, autocommit=True) as connection:
        query = "UPDATE ledger.subscriptions SET failures = 1 WHERE id = %s"
        assert connection.execute(query, (place.rpartition("/")[2],)).rowcount == 1
    assert "10 keer, verspreid over zo'n 75 uur" in unescape(visitor.text(place))
    assert "ten times in some 75 hours" in (project / "docs" / "integrating.md").read_text()


def test_the_form_sent_twice_subscribes_once(site: Site) -> None:
    visitor = site.visitor("integration")
    visitor.text("/subscriptions/new")
    page = visitor.last
    first = visitor.post("/subscriptions/new", fields())
    visitor.last = page
    assert visitor.post("/subscriptions/new", fields()).location == first.location


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"url": ""}, "Dit veld is verplicht"),
        ({"url": "http//x"}, "Dit is geen adres van een webhook"),
        ({"url": "https://a:b@example.org/"}, "het wachtwoord"),
        ({"name": ""}, "Dit veld is verplicht"),
        ({"channel": "queue"}, "Een wachtrij heeft geen adres"),
    ],
)
def test_what_is_refused_is_said_beside_the_field_and_nothing_typed_is_lost(
    site: Site, changes: dict[str, Any], said: str
) -> None:
    visitor = site.visitor("integration")
    visitor.text("/subscriptions/new")
    response = visitor.post("/subscriptions/new", fields(types=[CLOSED], **changes))
    html = response.get_data(as_text=True)
    assert response.status_code == 400
    assert said in html
    assert re.search(rf'value="{re.escape(CLOSED)}" checked', html)
    assert "Nog geen abonnementen" in visitor.text("/subscriptions")


def test_a_test_message_arrives_signed_and_the_page_tells(site: Site, receiver: Receiver) -> None:
    visitor, place = added(site, url=receiver.address)
    (secret,) = SECRET.findall(visitor.text(f"{place}/secret"))
    visitor.text(place)
    assert visitor.post(f"{place}/test", {}).status_code == 303
    assert "Het testbericht is onderweg" in visitor.text(place)
    assert delivered(site) == ["Sent"]
    Standard(secret).verify(receiver.came[0].body, receiver.came[0].headers)
    html = visitor.text(place)
    assert "aangekomen" in html
    assert "200 OK" in html


def test_what_failed_says_why_and_can_be_sent_again(site: Site, receiver: Receiver) -> None:
    visitor, place = added(site, url=receiver.address)
    visitor.text(place)
    visitor.post(f"{place}/test", {})
    receiver.statuses = [500]
    assert delivered(site) == ["Failed"]
    html = visitor.text(place)
    assert "500 Internal Server Error" in html
    assert "De laatste poging is mislukt" in html
    (again,) = re.findall(r'action="([^"]*/deliveries/[^"]*)"', html)
    assert visitor.post(again, {}).status_code == 303
    assert "Het bericht gaat opnieuw de deur uit" in visitor.text(place)
    refused = visitor.post(again, {})
    assert refused.status_code == 409
    assert "nog onderweg" in refused.get_data(as_text=True)
    assert delivered(site) == ["Sent"]
    html = visitor.text(place)
    assert "2 pogingen" in html
    assert "mislukt" not in re.sub(r"<details>.*?</details>", "", html, flags=re.DOTALL)
    assert "Niets te zien" in visitor.text(f"{place}?state=dead")
    visitor.text(f"{place}?state=nonsense&cursor=nonsense")


def test_a_subscription_is_paused_changed_and_turned_on_again(site: Site) -> None:
    visitor, place = added(site)
    visitor.text(place)
    visitor.post(f"{place}/state", {"state": "off"})
    assert "Het abonnement is gepauzeerd." in visitor.text(place)
    html = visitor.text(f"{place}/change")
    assert re.search(r'value="off" checked', html)
    visitor.post(f"{place}/change", {"name": "Nieuw", "url": f"{URL}/2", "state": "off"})
    html = visitor.text(place)
    assert "Nieuw" in html
    assert f"{URL}/2" in html
    assert "Gepauzeerd" in html
    refused = visitor.post(f"{place}/change", {"name": "Nieuw", "url": "x", "state": "on"})
    assert refused.status_code == 400
    visitor.text(place)
    visitor.post(f"{place}/state", {"state": "on"})
    assert "Het abonnement staat weer aan" in visitor.text(place)


def test_a_secret_is_renewed_once_however_often_the_form_is_sent(site: Site) -> None:
    visitor, place = added(site)
    (old,) = SECRET.findall(visitor.text(f"{place}/secret"))
    form = visitor.last
    assert visitor.post(f"{place}/secret", {}).status_code == 303
    html = visitor.text(f"{place}/secret")
    (new,) = SECRET.findall(html)
    assert new != old
    assert "ondertekent ook het oude geheim" in html
    visitor.last = form
    assert visitor.post(f"{place}/secret", {}).status_code == 303
    assert SECRET.findall(visitor.text(f"{place}/secret")) == [new]


def test_it_is_removed_after_asking(site: Site) -> None:
    visitor, place = added(site)
    assert "Houd het" in visitor.text(f"{place}/removal")
    response = visitor.post(f"{place}/removal", {})
    assert (response.status_code, response.location) == (303, "/subscriptions")
    assert "Het abonnement is verwijderd" in visitor.text("/subscriptions")
    assert visitor.get(place).status_code == 404


def test_a_queue_shows_its_name_and_has_no_secret(site: Site) -> None:
    visitor, place = added(site, channel="queue", url="")
    html = visitor.text(place)
    assert re.search(r"besluitspoor\.subscription\.[0-9a-f]{20}", html)
    assert f"{place}/secret" not in html
    assert visitor.get(f"{place}/secret").status_code == 404
    visitor.text(f"{place}/removal")
    assert visitor.post(f"{place}/removal", {}).status_code == 303


def test_the_administrator_sees_all_but_no_secret_of_another(site: Site) -> None:
    _, place = added(site)
    admin = site.visitor("admin")
    assert "Zaaksysteem" in admin.text("/subscriptions")
    html = admin.text(place)
    assert "Integration" in html, "whose it is"
    assert f"{place}/secret" not in html
    assert admin.get(f"{place}/secret").status_code == 403
    assert admin.post(f"{place}/secret", {"version": "2"}).status_code in (403, 409)
    _, others = added(site, "auditor")
    assert site.visitor("integration").get(others).status_code == 404
    for who in ("secretary", "submitter"):
        assert site.visitor(who).get("/subscriptions").status_code == 403


def test_the_administrator_says_for_whom_and_only_who_may_read_events_can_be_chosen(site: Site) -> None:
    owner = site.service.people["integration"].id
    admin = site.visitor("admin")
    html = admin.text("/subscriptions/new")
    offered = re.findall(r'<option value="(person-[^"]*)"', html)
    assert sorted(offered) == sorted([owner, site.service.people["auditor"].id])
    refused = admin.post("/subscriptions/new", fields())
    assert refused.status_code == 400
    assert "Voor wie" in refused.get_data(as_text=True)
    response = admin.post("/subscriptions/new", fields(owner=owner))
    assert response.status_code == 303
    place = str(response.location)
    assert not place.endswith("/secret")
    html = admin.text(place)
    assert "ziet alleen van wie dit abonnement is" in html
    assert not SECRET.search(html)
    assert SECRET.search(site.visitor("integration").text(f"{place}/secret"))
    assert "Voor wie" not in site.visitor("integration").text("/subscriptions/new")


def test_with_nobody_to_subscribe_for_the_page_says_how_to_add_one(site: Site) -> None:
    with psycopg.connect(site.service.settings.database_url, autocommit=True) as connection:
        readers = [site.service.people[who] for who in ("integration", "auditor")]
        for each in readers:
            people.change(connection, replace(each, roles=frozenset({"submitter"})))
        try:
            html = site.visitor("admin").text("/subscriptions/new")
        finally:
            for each in readers:
                people.change(connection, each)
    assert "een persoon toe met de rol koppeling" in html
    assert '/admin/people/new"' in html
    assert 'name="url"' not in html


def test_the_page_says_that_its_owner_may_not_read_events_any_more(site: Site) -> None:
    _, place = added(site)
    owner = site.service.people["integration"]
    with psycopg.connect(site.service.settings.database_url, autocommit=True) as connection:
        people.change(connection, replace(owner, roles=frozenset({"submitter"})))
        try:
            assert "Er wordt niets verstuurd" in site.visitor("admin").text(place)
        finally:
            people.change(connection, owner)


def test_more_tests_than_a_few_in_a_minute_are_refused_in_words(site: Site) -> None:
    visitor, place = added(site)
    for _ in range(MOST_TESTS):
        visitor.text(place)
        assert visitor.post(f"{place}/test", {}).status_code == 303
    visitor.text(place)
    refused = visitor.post(f"{place}/test", {})
    assert refused.status_code == 409
    assert "Wacht even" in refused.get_data(as_text=True)


def test_a_second_new_secret_within_a_day_needs_the_old_one_to_stop(site: Site) -> None:
    visitor, place = added(site)
    for _ in range(2):
        visitor.text(f"{place}/secret")
        response = visitor.post(f"{place}/secret", {})
    assert response.status_code == 409
    assert "laat het oude geheim meteen stoppen" in response.get_data(as_text=True)
    visitor.text(f"{place}/secret")
    assert visitor.post(f"{place}/secret", {"oldStops": "true"}).status_code == 303
    html = visitor.text(f"{place}/secret")
    assert "het oude geldt niet meer" in html
    assert "ondertekent ook het oude geheim" not in html


@pytest.mark.parametrize("locale", ["nl", "en"])
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_the_walk_in_a_browser(
    opened: Opener, served: Site, receiver: Receiver, locale: str, viewport: dict[str, int]
) -> None:
    def said(nl: str, en: str) -> str:
        return nl if locale == "nl" else en

    def is_fine(page: Page) -> None:
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (
            "it scrolls sideways"
        )

    page = opened("integration", "/subscriptions", viewport=viewport, locale=locale)
    is_fine(page)
    page.get_by_role("link", name=said("Voeg een abonnement toe", "Add a subscription")).click()
    is_fine(page)
    page.get_by_role("button", name=said("Voeg toe", "Add")).click()
    expect(page.locator("[data-errors]")).to_be_visible()
    is_fine(page)
    page.get_by_label(said("Naam", "Name")).fill("Zaaksysteem")
    page.get_by_role("radio", name="Webhook").check()
    page.get_by_label(said("Adres van de webhook", "Address of the webhook")).fill(receiver.address)
    page.get_by_role("button", name=said("Voeg toe", "Add")).click()
    expect(page.locator("code")).to_have_text(SECRET)
    is_fine(page)
    page.get_by_role("button", name=said("Maak een nieuw geheim", "Make a new secret")).click()
    expect(page.get_by_text(said("Er is een nieuw geheim", "There is a new secret"))).to_be_visible()
    is_fine(page)
    page.get_by_role("link", name=said("Naar het abonnement", "To the subscription")).click()
    receiver.statuses = [500]
    page.get_by_role("button", name=said("Stuur een testbericht", "Send a test message")).click()
    delivered(served)
    page.reload()
    page.get_by_text("500 Internal Server Error").first.click()
    is_fine(page)
    page.get_by_role("button", name=re.compile(said("Stuur opnieuw", "Send again"))).click()
    delivered(served)
    page.reload()
    expect(page.locator("td .badge")).to_have_text(said("Aangekomen", "Arrived"))
    page.get_by_role("button", name=said("Pauzeer", "Pause")).click()
    expect(
        page.get_by_text(said("Het abonnement is gepauzeerd.", "The subscription is paused."))
    ).to_be_visible()
    is_fine(page)
    page.get_by_role("link", name=said("Wijzig", "Change"), exact=True).click()
    is_fine(page)
    page.get_by_role("link", name="Zaaksysteem").click()
    page.get_by_role("link", name=said("Verwijder", "Remove"), exact=True).click()
    is_fine(page)
    page.get_by_role("button", name=said("Verwijder het abonnement", "Remove the subscription")).click()
    expect(page.get_by_text(said("Nog geen abonnementen", "No subscriptions yet"))).to_be_visible()


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_the_form_of_the_administrator_in_a_browser(
    opened: Opener, served: Site, viewport: dict[str, int]
) -> None:
    page = opened("admin", "/subscriptions/new", viewport=viewport, locale="nl")
    page.get_by_label("Voor wie").select_option(served.service.people["integration"].id)
    assert violations(page) == []
    page.get_by_label("Naam").fill("Zaaksysteem")
    page.get_by_role("radio", name="Webhook").check()
    page.get_by_label("Adres van de webhook").fill(URL)
    page.get_by_role("button", name="Voeg toe").click()
    expect(page.get_by_text("ziet alleen van wie dit abonnement is")).to_be_visible()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "it scrolls sideways"
