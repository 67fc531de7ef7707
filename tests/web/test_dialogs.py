"""What takes something away asks first: in a dialog over the page, and without scripts on a page of its own."""

from __future__ import annotations

import psycopg
import pytest
from playwright.sync_api import Page, expect

from service.documents import councils
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
