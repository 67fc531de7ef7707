"""What takes something away asks first: in a dialog over the page, and without scripts on a page of its own."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from playwright.sync_api import Page, expect

from service.documents import councils
from service.identity import tokens
from service.ids import new_id
from service.web import drafts
from tests.web.conftest import PHONE, Opener, Site, violations


def a_draft(site: Site, title: str) -> str:
    with psycopg.connect(site.service.settings.database_url, autocommit=True) as connection:
        owner = site.service.people["submitter"].id
        return drafts.begin(connection, owner, "regionale-herstelaanpak", {"title": [title]}).id


def an_address(site: Site, email: str) -> str:
    with psycopg.connect(site.service.settings.database_url, autocommit=True) as connection:
        return councils.add(connection, "GM0772", email)


def asked(page: Page, opener: str) -> None:
    page.locator(opener).first.click()
    expect(page.locator("dialog#asks-first")).to_be_visible()


@pytest.mark.parametrize(("locale", "dark", "phone"), [("nl", False, False), ("en", True, True)])
def test_a_draft_is_thrown_away_from_a_dialog_and_not_without_it(
    opened: Opener, served: Site, locale: str, dark: bool, phone: bool
) -> None:
    draft = a_draft(served, "Weg ermee")
    options = {"viewport": PHONE} if phone else {}
    page = opened("submitter", f"/proposals/new/{draft}/what", locale=locale, dark=dark, **options)
    opener = f'a[data-confirm][href$="{draft}/delete"]'
    asked(page, opener)
    assert "Weg ermee" in page.locator("dialog#asks-first").inner_text()
    assert violations(page) == []
    page.locator("dialog#asks-first a[data-back]").click()
    expect(page.locator("dialog#asks-first")).to_be_hidden()
    expect(page.locator(opener)).to_be_focused()
    asked(page, opener)
    page.keyboard.press("Escape")
    expect(page.locator("dialog#asks-first")).to_be_hidden()
    asked(page, opener)
    page.locator("dialog#asks-first form[action] button[type=submit]").click()
    page.wait_for_url("**/proposals/new")
    assert served.visitor("submitter").get(f"/proposals/new/{draft}/what").status_code == 404


def test_the_access_of_somebody_and_an_address_go_the_same_way(opened: Opener, served: Site) -> None:
    person = served.service.people["treasurer"]
    page = opened("admin", f"/admin/people/{person.id}")
    asked(page, "a[data-confirm]")
    assert person.name in page.locator("#asks-first-title").inner_text()
    page.locator("dialog#asks-first form[action] button[type=submit]").click()
    page.get_by_text("Alle toegang van deze persoon is beëindigd").wait_for()
    address = an_address(served, "weg@example.org")
    page = opened("secretary", "/newsletters/addresses")
    asked(page, f'a[data-confirm][href*="{address}"]')
    page.locator("dialog#asks-first form[action] button[type=submit]").click()
    page.get_by_text("Het adres is weggehaald").wait_for()


def test_without_scripts_each_of_these_is_a_page(site: Site) -> None:
    draft, address = a_draft(site, "Zonder script"), an_address(site, "zonder@example.org")
    person = site.service.people["neighbour"]
    for who, where, to in (
        ("submitter", f"/proposals/new/{draft}/what", f"/proposals/new/{draft}/delete"),
        ("secretary", "/newsletters/addresses", f"/newsletters/addresses/{address}/remove"),
        ("secretary", f"/admin/people/{person.id}", f"/admin/people/{person.id}/end"),
    ):
        visitor = site.visitor(who)
        assert f'data-confirm href="{to}"' in visitor.text(where)
        html = visitor.text(to)
        assert html.count("<h1") == 1
        assert f'action="{to}"' in html
        assert visitor.post(to, {}).status_code == 303


def test_who_may_not_end_the_access_of_somebody_is_not_asked(site: Site) -> None:
    admin = site.service.people["admin"]
    assert site.visitor("secretary").get(f"/admin/people/{admin.id}/end").status_code == 403


def access_of(site: Site, who: str) -> tuple[str, str]:
    """The ids of a token and a passkey of this person."""
    person = site.service.people[who].id
    with psycopg.connect(site.service.settings.database_url, autocommit=True) as connection:
        token, _ = tokens.create(connection, person, timedelta(hours=1), name="Zaaksysteem")
        passkey = new_id("passkey")
        connection.execute(
            "INSERT INTO vault.passkeys (id, credential, person, name, public_key, sign_count, synced)"
            " VALUES (%s, %s, %s, 'Laptop', '', 0, false)",
            (passkey, passkey.encode(), person),
        )
    return tokens.id_of(token), passkey


@pytest.mark.parametrize(("locale", "dark", "phone"), [("nl", False, True), ("en", True, False)])
def test_what_one_signs_in_with_goes_from_a_dialog_too(
    opened: Opener, served: Site, locale: str, dark: bool, phone: bool
) -> None:
    token, passkey = access_of(served, "auditor")
    served.token("auditor")
    options = {"viewport": PHONE} if phone else {}
    for path, opener in (
        ("/account/tokens", f'a[data-confirm][href$="{token}/revoke"]'),
        ("/account/passkeys", f'a[data-confirm][href$="{passkey}/remove"]'),
        ("/account/sessions", 'a[data-confirm][href$="end-others"]'),
    ):
        page = opened("auditor", path, locale=locale, dark=dark, **options)
        asked(page, opener)
        assert violations(page) == []
        page.locator("dialog#asks-first form[action] button[type=submit]").click()
        page.locator("[data-recorded]").wait_for()
        assert page.locator(opener).count() == 0
        page.context.close()


@pytest.mark.parametrize("locale", ["nl", "en"])
def test_without_scripts_it_is_asked_on_a_page(opened: Opener, served: Site, locale: str) -> None:
    token, passkey = access_of(served, "treasurer")
    for path in (
        f"/account/tokens/{token}/revoke",
        f"/account/passkeys/{passkey}/remove",
        "/account/sessions/end-others",
    ):
        page = opened("treasurer", path, locale=locale, viewport=PHONE)
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        page.context.close()
        still = opened("treasurer", path, locale=locale, scripts=False)
        still.locator("main a[data-back]").click()
        still.wait_for_url(f"**/account/{path.split('/')[2]}")
        still.goto(f"{served.address}{path}")
        still.locator("main form[action] button[type=submit]").click()
        still.locator("[data-recorded]").wait_for()
        still.context.close()
