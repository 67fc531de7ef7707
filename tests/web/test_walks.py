"""From submission to award: five people in five browsers, by mouse, by finger, by keyboard, and without scripts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import DESKTOP, PHONE, Opener, Site, violations
from tests.web.hands import Hands, Keyboard, Pointer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

RECORD = 'main form button[type="submit"]:not([hidden]):not([name])'


@dataclass
class Walk:
    """A walk: with what hands, on what screen, in which language. `judge` looks at each page on the way."""

    hands: Hands
    opened: Callable[[str, str], Page]
    judge: Callable[[Page], None]
    scripts: bool = True

    def submits(self, page: Page, title: str) -> str:
        """The applicant fills in a proposal, step by step; the id of the case."""
        hands = self.hands
        self.judge(page)
        hands.press(page, 'main a[href="/proposals/new"]')
        page.wait_for_url(re.compile("/proposals/new$"))
        self.judge(page)
        hands.press(page, 'form:has(input[value="regionale-herstelaanpak"]) button[type="submit"]')
        self._step(page, "what")
        hands.fill(page, '[name="title"]', title)
        hands.fill(page, '[name="summary"]', "Winkeliers leren van elkaar hoe zij op het web verkopen.")
        hands.choose(page, '[name="themes"][value="digitaliseren-mkb"]')
        hands.fill(page, '[name="period.start"]', "2027-01-01")
        hands.fill(page, '[name="period.end"]', "2027-12-12")
        self._next(page)
        self._step(page, "who")
        hands.choose(page, '[name="municipalities"][value="GM0772"]')
        self._next(page)
        self._step(page, "money")
        hands.fill(page, '[name="requested"]', "50.000")
        hands.fill(page, '[name="cofinancing.0.source"]', "Winkeliersvereniging")
        hands.fill(page, '[name="cofinancing.0.amount"]', "60.000")
        hands.choose(page, '[name="cofinancing.0.status"] option[value="promised"]')
        self._next(page)
        self._step(page, "effect")
        hands.fill(page, '[name="effect"]', "Honderd winkels verkopen ook op het web.")
        hands.fill(page, '[name="structuralEffect"]', "De vereniging gaat ermee door.")
        hands.choose(page, '[name$=".subregion"][value="stedelijk-gebied"]')
        hands.fill(page, '.support-row:has([value="stedelijk-gebied"]) textarea', "Brief van 1 oktober")
        self._next(page)
        self._step(page, "check")
        expect(page.locator("main")).to_contain_text("Winkeliersvereniging")
        hands.press(page, 'main form[action^="/proposals/new/"] button[type="submit"]')
        page.wait_for_url(re.compile("/proposals/proposal-.*/received"))
        expect(page.locator("h1")).to_contain_text(re.compile(r"RHA-\d{4}-\d{4}"))
        self.judge(page)
        found = re.search(r"proposal-[0-9a-f-]{36}", page.url)
        assert found is not None
        return found[0]

    def acts(
        self, page: Page, case: str, act: str, chosen: Mapping[str, str], typed: Mapping[str, str]
    ) -> None:
        """Somebody goes to the case and the act, chooses, gives the grounds, and records it."""
        self.judge(page)
        if case not in page.url:
            self.hands.press(page, f'main a[href$="/proposals/{case}"]')
            page.wait_for_url(re.compile(case))
            self.judge(page)
        self.hands.press(page, f'main a[href$="/proposals/{case}/acts/{act}"]')
        page.wait_for_url(re.compile(f"/acts/{act}"))
        self.judge(page)
        for name, value in chosen.items():
            self.hands.choose(page, f'[name="{name}"][value="{value}"]')
        for name, text in typed.items():
            self.hands.fill(page, f'[name="{name}"]', text)
        if self.scripts:
            expect(page.locator("#preview li").first).to_be_visible()
            self.judge(page)
        self.hands.press(page, RECORD)
        page.wait_for_url(re.compile(f"/proposals/{case}$"))
        expect(page.locator("[data-recorded]")).to_be_visible()
        self.judge(page)

    def _next(self, page: Page) -> None:
        self.hands.press(page, 'main button[name="go"][value="next"]:not([tabindex="-1"])')

    def _step(self, page: Page, step: str) -> None:
        page.wait_for_url(re.compile(f"/{step}$"))
        self.judge(page)


def walk(the: Walk, title: str, follows: bool) -> None:
    """The whole route. `follows`: the applicant's page stays open, and shows each step by itself."""
    applicant = the.opened("submitter", "/")
    case = the.submits(applicant, title)
    at = f"/proposals/{case}"
    applicant.goto(applicant.url.partition("/proposals")[0] + at)
    here = applicant.locator("[data-case]")
    version = int(here.get_attribute("data-version") or 0)

    def seen() -> None:
        nonlocal version
        if not follows:
            applicant.reload()
        expect(here).not_to_have_attribute("data-version", str(version))
        version = int(here.get_attribute("data-version") or 0)
        the.judge(applicant)

    the.acts(the.opened("secretary", at), case, "completeness", {"outcome": "complete"}, {})
    seen()
    the.acts(
        the.opened("taskforce", "/queue/taskforce"),
        case,
        "review",
        {"advice": "positive"},
        {"grounds": "Past bij het thema."},
    )
    seen()
    the.acts(
        the.opened("poho", at), case, "decide", {"outcome": "approved"}, {"grounds": "Conform het advies."}
    )
    seen()
    the.acts(the.opened("db", at), case, "award", {"envelope": "herstelaanpak"}, {"amount": "50.000"})
    seen()
    expect(applicant.locator("main")).to_contain_text(re.compile(r"Toegekend|Awarded"))


@pytest.fixture(scope="module", autouse=True)
def money(site: Site) -> None:
    """There is money to award."""
    body = {
        "code": "herstelaanpak",
        "body": "ab",
        "programme": "regionale-herstelaanpak",
        "sources": [{"source": "Reserve", "amount": "2000000.00"}],
        "effectiveOn": "2020-07-01",
    }
    site.service.done("treasurer", "/envelopes", body)


class Judge:
    """axe finds nothing, and every page has its h1: each kind of page in each state once, not again and again."""

    def __init__(self) -> None:
        self.seen: set[tuple[str, ...]] = set()

    def __call__(self, page: Page) -> None:
        page.wait_for_load_state()
        path = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "…", urlsplit(page.url).path)
        state = page.evaluate(
            """() => [['[data-recorded]', '#preview li', '.utrecht-form-field--invalid', '[role=alert]:not([hidden])']
                .filter(each => document.querySelector(each)).join(),
                document.querySelector('main .badge')?.textContent]"""
        )
        # The start page is another for everybody.
        whose = page.locator(".site-person__name").text_content() if path == "/" else ""
        key = (path, whose or "", *map(str, state))
        if key not in self.seen:
            self.seen.add(key)
            assert violations(page) == [], page.url


def nothing(page: Page) -> None:
    """Looks away: axe is a script, and here are none."""


# Each of two languages, of two screens and of two colours with each of the others.
@pytest.mark.parametrize(
    ("locale", "viewport", "dark"),
    [("nl", DESKTOP, False), ("nl", PHONE, True), ("en", PHONE, False), ("en", DESKTOP, True)],
    ids=["nl-desktop-light", "nl-phone-dark", "en-phone-light", "en-desktop-dark"],
)
def test_a_proposal_goes_from_submission_to_award(
    opened: Opener, locale: str, viewport: Mapping[str, int], dark: bool
) -> None:
    def open_page(who: str, path: str) -> Page:
        return opened(who, path, viewport=viewport, locale=locale, dark=dark)

    walk(Walk(Pointer(), open_page, Judge()), f"Webwinkels {locale} {dark}", follows=True)


def test_the_same_by_keyboard_alone(opened: Opener) -> None:
    """In Dutch and light, but on a phone: the one that the walks by mouse leave out."""

    def open_page(who: str, path: str) -> Page:
        return opened(who, path, viewport=PHONE, dark=False)

    walk(Walk(Keyboard(), open_page, Judge()), "Met het toetsenbord", follows=True)


@pytest.mark.parametrize(
    ("locale", "viewport", "dark"),
    [("nl", PHONE, False), ("en", DESKTOP, True)],
    ids=["nl-phone-light", "en-desktop-dark"],
)
def test_the_same_without_scripts(
    opened: Opener, locale: str, viewport: Mapping[str, int], dark: bool
) -> None:
    def open_page(who: str, path: str) -> Page:
        return opened(who, path, viewport=viewport, locale=locale, dark=dark, scripts=False)

    walk(Walk(Pointer(), open_page, nothing, scripts=False), "Zonder scripts", follows=False)
