"""What pages do beyond HTML: they follow what happens, lose nothing that is typed, and go by the keyboard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from playwright.sync_api import Page, Route, expect

from service.identity import people
from service.web.cookies import SESSION as COOKIE
from tests.api.conftest import PASSWORD
from tests.web.conftest import Opener, Site

TYPED = "Wij zien ervan af: de partner stopt."


@pytest.fixture
def withdrawing(opened: Opener, site: Site) -> Page:
    """Somebody is about to withdraw a proposal, and has typed why."""
    page = opened("submitter", f"/proposals/{site.submitted()}/withdrawal")
    page.locator('[name="grounds"]').fill(TYPED)
    return page


def send(page: Page) -> None:
    page.locator('main form button[type="submit"]:visible').first.click()


def test_what_is_typed_is_still_there_after_a_reload(withdrawing: Page) -> None:
    withdrawing.reload()
    expect(withdrawing.locator('[name="grounds"]')).to_have_value(TYPED)


def test_what_was_recorded_does_not_come_back(withdrawing: Page) -> None:
    form = withdrawing.url
    send(withdrawing)
    expect(withdrawing.locator("[data-recorded]")).to_be_visible()
    withdrawing.wait_for_function(NOTHING_KEPT)
    withdrawing.goto(form)
    assert (
        TYPED not in withdrawing.locator("main").inner_text() or withdrawing.locator("textarea").count() == 0
    )


def test_a_lost_connection_is_said_and_loses_nothing(withdrawing: Page) -> None:
    form = withdrawing.url
    withdrawing.context.set_offline(True)
    send(withdrawing)
    expect(withdrawing.locator("#offline")).to_be_visible()
    assert withdrawing.url == form
    expect(withdrawing.locator('[name="grounds"]')).to_have_value(TYPED)
    withdrawing.context.set_offline(False)
    send(withdrawing)
    expect(withdrawing.locator("[data-recorded]")).to_be_visible()


def test_a_session_that_is_over_loses_nothing(withdrawing: Page, site: Site) -> None:
    session_over(site)
    send(withdrawing)
    expect(withdrawing.locator("h1")).to_contain_text("Aanmelden")
    sign_in(withdrawing, "submitter")
    expect(withdrawing.locator("main")).to_contain_text(TYPED)
    send(withdrawing)
    expect(withdrawing.locator("[data-recorded]")).to_be_visible()


KEPT = "() => Object.keys(sessionStorage).filter(key => key.startsWith('besluitspoor:'))"
NOTHING_KEPT = f"() => ({KEPT})().length === 0"


def sign_in(page: Page, who: str) -> None:
    page.locator("#email").fill(f"{who}@example.org")
    page.locator("#password").fill(PASSWORD)
    send(page)


@pytest.fixture(scope="module")
def colleague(site: Site) -> str:
    """Somebody else of the organisation of the applicant."""
    with psycopg.connect(site.service.settings.database_url, autocommit=True) as connection:
        people.add(
            connection,
            email="colleague@example.org",
            name="Colleague",
            roles=["submitter"],
            organisation=site.service.people["submitter"].organisation,
            password=PASSWORD,
        )
    return "colleague"


def session_over(site: Site) -> None:
    with psycopg.connect(site.service.settings.database_url) as connection:
        connection.execute("UPDATE web.sessions SET seen_at = now() - interval '3 hours'")


def test_what_was_sent_once_more_after_signing_in_again_does_not_come_back(
    withdrawing: Page, site: Site
) -> None:
    session_over(site)
    send(withdrawing)
    sign_in(withdrawing, "submitter")
    send(withdrawing)
    expect(withdrawing.locator("[data-recorded]")).to_be_visible()
    withdrawing.wait_for_function(NOTHING_KEPT)


def test_who_signs_out_leaves_nothing_behind_that_was_typed(withdrawing: Page) -> None:
    elsewhere = withdrawing.context.new_page()
    elsewhere.goto(withdrawing.url)
    elsewhere.locator('[name="grounds"]').fill("In een ander tabblad.")
    assert elsewhere.evaluate(KEPT) != []
    assert withdrawing.evaluate(KEPT) != []
    withdrawing.get_by_role("button", name="Afmelden").click()
    expect(withdrawing.locator("h1")).to_contain_text("Aanmelden")
    withdrawing.wait_for_function(NOTHING_KEPT)
    elsewhere.wait_for_function(NOTHING_KEPT)


def test_who_signs_out_without_our_script_leaves_nothing_behind_either(withdrawing: Page) -> None:
    """A page that was opened before the script was there, or whose script broke."""
    withdrawing.evaluate("document.querySelector('form[data-sign-out]').removeAttribute('data-sign-out')")
    withdrawing.evaluate(
        "document.querySelector('form[action$=sign-out]').replaceWith("
        "document.querySelector('form[action$=sign-out]').cloneNode(true))"
    )
    assert withdrawing.evaluate(KEPT) != []
    withdrawing.get_by_role("button", name="Afmelden").click()
    expect(withdrawing.locator("h1")).to_contain_text("Aanmelden")
    withdrawing.wait_for_function(NOTHING_KEPT)


def test_a_colleague_in_the_same_tab_does_not_get_what_somebody_typed(
    withdrawing: Page, site: Site, colleague: str
) -> None:
    """The session of who typed is over; somebody else of the same organisation signs in and opens the same form."""
    form = withdrawing.url
    session_over(site)
    withdrawing.goto(form)
    sign_in(withdrawing, colleague)
    expect(withdrawing.locator("body")).not_to_have_attribute("data-reader", "")
    withdrawing.goto(form)
    expect(withdrawing.locator('[name="grounds"]')).to_have_value("")
    assert TYPED not in withdrawing.evaluate("() => JSON.stringify(sessionStorage)")


def test_who_signs_in_again_finds_what_they_typed(withdrawing: Page, site: Site) -> None:
    session_over(site)
    withdrawing.goto(withdrawing.url)
    expect(withdrawing.locator("h1")).to_contain_text("Aanmelden")
    sign_in(withdrawing, "submitter")
    expect(withdrawing.locator('[name="grounds"]')).to_have_value(TYPED)


def test_an_open_page_says_that_the_session_is_over(opened: Opener, site: Site) -> None:
    page = opened("submitter", f"/proposals/{site.submitted()}")
    with psycopg.connect(site.service.settings.database_url) as connection:
        connection.execute("DELETE FROM web.sessions")
    expect(page.locator("#signed-out")).to_be_visible(timeout=10_000)
    page.locator("#signed-out a").click()
    expect(page.locator("h1")).to_contain_text("Aanmelden")


def test_an_open_page_follows_what_happens_and_says_so(opened: Opener, site: Site) -> None:
    case = site.submitted()
    page = opened("submitter", f"/proposals/{case}")
    expect(page.locator("main")).to_contain_text("Volledigheidstoets")
    before = page.locator("[data-case]").get_attribute("data-version")
    page.evaluate("() => { window.same = true; }")
    site.complete(case)
    expect(page.locator("[data-case]")).not_to_have_attribute("data-version", before or "")
    expect(page.locator("#updated")).to_contain_text(re.compile(r"\w"))
    assert page.evaluate("() => window.same"), "the page was not loaded anew"


def test_the_menu_and_the_search_go_by_letters_unless_turned_off(opened: Opener) -> None:
    page = opened("secretary", "/")
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type("gp")
    expect(page.locator("#search")).to_have_value("gp")
    page.locator("h1").click()
    page.keyboard.press("g")
    page.keyboard.press("p")
    page.wait_for_url(re.compile("/proposals$"))
    page.goto(page.url.replace("/proposals", "/keys"))
    page.locator("#keys-on").click()
    expect(page.locator("body")).to_have_attribute("data-shortcuts", "off")
    expect(page.locator("#keys-on")).not_to_be_checked()
    page.locator("h1").click()
    page.keyboard.press("g")
    page.keyboard.press("m")
    page.wait_for_timeout(300)
    assert page.url.endswith("/keys")
    page.get_by_role("button", name="Afmelden").click()
    expect(page.locator("h1")).to_contain_text("Aanmelden")
    expect(page.locator("body")).to_have_attribute("data-shortcuts", "off")


# What follows does so around somebody who uses the page.


def version(page: Page) -> str:
    return page.locator("[data-case]").get_attribute("data-version") or ""


def sees(page: Page, before: str) -> None:
    """The page shows what happened since it was at this version, all of it."""
    expect(page.locator("[data-case]")).not_to_have_attribute("data-version", before)


@contextmanager
def heard(page: Page) -> Iterator[None]:
    """The page hears of what happens in here, looks how it is now, and has time to show it."""
    with page.expect_response(lambda said: "/live" in said.url and said.status == 204):
        yield
    page.wait_for_timeout(500)


def test_a_region_with_the_focus_on_a_link_follows_and_keeps_the_focus(opened: Opener, site: Site) -> None:
    case = site.submitted()
    page = opened("submitter", f"/proposals/{case}")
    link = page.locator("#case-now a[href$='/withdrawal']")
    link.focus()
    before = version(page)
    site.complete(case)
    sees(page, before)
    expect(page.locator("#case-now")).to_contain_text("Wacht op advies")
    expect(link).to_be_focused()


def test_what_had_the_focus_and_is_gone_leaves_the_keyboard_where_it_was(opened: Opener, site: Site) -> None:
    case = site.submitted()
    page = opened("secretary", f"/proposals/{case}")
    page.locator("#case-now a[href$='/acts/completeness']").focus()
    before = version(page)
    site.complete(case)
    sees(page, before)
    expect(page.locator("#case-now")).to_be_focused()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#case-now, .case-nav') !== null")


def test_what_was_opened_in_a_region_stays_open(opened: Opener, site: Site) -> None:
    open_envelope(site, "1000000.00")
    page = opened("treasurer", "/money/herstelaanpak")
    figures = page.locator("#envelope .chart__table")
    figures.first.locator("summary").click()
    others = range(1, figures.count())
    body = {"amount": "500000.00", "source": "Later erbij", "effectiveOn": "2020-07-02"}
    site.service.done("treasurer", "/envelopes/herstelaanpak/sources", body)
    expect(page.locator("#envelope")).to_contain_text("1.500.000")
    expect(figures.first).to_have_attribute("open", "")
    expect(figures.first.locator("summary")).to_be_focused()
    for index in others:
        assert figures.nth(index).get_attribute("open") is None


def test_what_was_opened_does_not_count_as_news(opened: Opener, site: Site) -> None:
    """Only a part of the page changes; what else is on it stays, with what was done to it."""
    case = site.submitted()
    page = opened("secretary", f"/proposals/{case}")
    page.locator("#case-content .chart__table summary").first.click()
    page.evaluate("document.getElementById('case-content').same = true")
    before = version(page)
    site.complete(case)
    sees(page, before)
    assert page.evaluate("document.getElementById('case-content').same"), "it was not put there anew"


def test_where_somebody_types_nothing_is_replaced_until_they_are_done(opened: Opener, site: Site) -> None:
    """A page that has a field in a part that follows."""
    case = site.submitted()
    page = opened("secretary", f"/proposals/{case}")
    page.evaluate("document.getElementById('case-now').append(document.createElement('textarea'))")
    field = page.locator("#case-now textarea")
    field.fill("Nog niet af")
    before = version(page)
    with heard(page):
        site.complete(case)
    expect(field).to_have_value("Nog niet af")
    assert version(page) == before, "the page does not say that it is up to date"
    expect(page.locator("#case-story")).to_contain_text("De volledigheid is getoetst")
    field.blur()
    page.wait_for_timeout(500)
    expect(field).to_have_value("Nog niet af")
    field.fill("")
    assert version(page) == before
    field.blur()
    sees(page, before)
    expect(page.locator("#case-now")).to_contain_text("Wacht op advies")


def test_a_box_in_a_list_that_follows_is_waited_for_only_while_it_is_used(opened: Opener, site: Site) -> None:
    first = site.complete(site.submitted())
    page = opened("taskforce", "/queue/taskforce")
    box = page.locator(f"#queue-list input[value^='{first}']")
    box.check()
    count = page.locator("#queue-count")
    said = count.inner_text()
    second = site.complete(site.submitted())
    expect(count).not_to_have_text(said)
    expect(box).to_be_checked()
    row = page.locator(f"#queue-list a[href$='/proposals/{second}']")
    assert row.count() == 0
    box.uncheck()
    assert row.count() == 0
    page.locator("h1").click()
    expect(row).to_have_count(1)


def test_what_happens_before_a_page_looks_for_the_first_time_is_shown(opened: Opener, site: Site) -> None:
    page = opened("taskforce", "/queue/taskforce")
    held: list[Route] = []
    page.route("**/live?*", lambda route: held.append(route))
    page.reload()
    case = site.complete(site.submitted())
    assert site.service.app.extensions["besluitspoor"].parts.clock.wait_for(site.service.head(), 30)
    while not held:
        page.wait_for_timeout(100)
    assert page.locator(f"#queue-list a[href$='/proposals/{case}']").count() == 0
    for route in held:
        route.continue_()
    page.unroute("**/live?*")
    expect(page.locator(f"#queue-list a[href$='/proposals/{case}']")).to_have_count(1)


def test_a_page_of_somebody_shows_nothing_of_who_signed_in_in_another_tab(opened: Opener, site: Site) -> None:
    case = site.submitted()
    page = opened("submitter", f"/proposals/{case}")
    page.context.add_cookies([{"name": COOKIE, "value": site.token("secretary"), "url": site.address}])
    before = version(page)
    site.complete(case)
    expect(page.locator("#signed-out")).to_be_visible(timeout=10_000)
    page.wait_for_timeout(500)
    assert version(page) == before
    assert page.locator("#case-now a[href='/desk']").count() == 0


def open_envelope(site: Site, amount: str) -> None:
    body = {
        "code": "herstelaanpak",
        "body": "ab",
        "programme": "regionale-herstelaanpak",
        "sources": [{"source": "Reserve", "amount": amount}],
        "effectiveOn": "2020-07-01",
    }
    site.service.done("treasurer", "/envelopes", body)
