"""The main pages of every role, wide and on a phone: nothing jumps, no word is broken, and the keyboard shows."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence

import pytest
from playwright.sync_api import Page, Route

from tests.web import figures_story
from tests.web.conftest import DESKTOP, PHONE, Opener, Site

HARDLY = 0.002
"""A layout shift (CLS) that nobody sees: one line that takes its place later counts for more, letters for less."""

LATE = 0.1
"""Seconds that a script takes to come: long enough to see the page without it."""

PAGES: dict[str, Sequence[str]] = {
    "": ("/sign-in",),
    "submitter": (
        "/", "/proposals", "/proposals/new", "/proposals/{checked}", "/proposals/{checked}/withdrawal",
        "/proposals/{asked}/supplement", "/proposals/{third}/differences", "/proposals/{new}/received", "/inbox",
        "/inbox/preferences", "/newsletters",
    ),
    "secretary": (
        "/", "/proposals/{new}", "/proposals/{new}/acts/completeness", "/search?q=winkelstraat", "/desk", "/terms",
        "/letters", "/deliveries", "/newsletters/new",
    ),
    "taskforce": ("/", "/queue/taskforce", "/proposals/{checked}", "/proposals/{checked}/acts/review?body=taskforce"),
    "poho": ("/", "/queue/poho", "/proposals/{reviewed}", "/proposals/{reviewed}/acts/decide?body=poho"),
    "db": ("/", "/queue/db", "/proposals/{approved}/acts/award?body=db"),
    "treasurer": ("/", "/money", "/money/herstelaanpak", "/money/phases", "/money/opening", "/proposals/{first}"),
    "auditor": (
        "/", "/proposals/{first}", "/audit", "/audit/proposals/{first}", "/audit/portfolio", "/portfolio",
        "/programmes/regionale-herstelaanpak",
    ),
    "admin": ("/", "/admin", "/admin/people/new", "/programmes", "/programmes/publication", "/subscriptions/new"),
}  # fmt: skip
"""What each of them works with; who is nobody yet has one."""


@pytest.fixture(scope="module")
def cases(site: Site) -> Mapping[str, str]:
    """A case at every step, by what was done last."""
    told = figures_story.tell(site.service)
    found = {name: site.submitted() for name in ("new", "checked", "asked", "reviewed", "approved")}
    done = site.service.done
    done(
        "secretary", f"/proposals/{found['asked']}/completeness", {"outcome": "supplement", "remarks": "Hoe?"}
    )
    for name in ("checked", "reviewed", "approved"):
        site.complete(found[name])
    for name in ("reviewed", "approved"):
        advice = {"body": "taskforce", "advice": "positive", "grounds": "Past."}
        done("taskforce", f"/proposals/{found[name]}/reviews", advice)
    agreed = {"body": "poho", "outcome": "approved", "grounds": "Akkoord."}
    done("poho", f"/proposals/{found['approved']}/decisions", agreed)
    return {**found, "first": told.first, "third": told.third}


SHIFTED = """() => new Promise(resolve => {
    const found = [];
    new PerformanceObserver(list => { for (const each of list.getEntries()) found.push(each); })
        .observe({type: 'layout-shift', buffered: true});
    setTimeout(() => resolve([found.reduce((sum, each) => sum + each.value, 0),
        found.flatMap(each => each.sources.map(source => source.node && source.node.outerHTML?.slice(0, 100)))]), 50);
})"""

BROKEN = """() => {
    // Where a browser hyphenates by itself, that is another matter: it does so at a syllable.
    for (const each of document.querySelectorAll('*')) each.style?.setProperty('hyphens', 'manual', 'important');
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
    while (texts.nextNode()) {
        const text = texts.currentNode;
        if (text.parentElement.closest('.visually-hidden, svg, script, noscript, textarea, select')) continue;
        for (const word of text.data.matchAll(/[\\p{L}]{6,}/gu)) {
            const range = document.createRange();
            range.setStart(text, word.index);
            range.setEnd(text, word.index + word[0].length);
            if (new Set([...range.getClientRects()].map(each => Math.round(each.top))).size > 1)
                found.push(word[0] + ' in ' + text.parentElement.outerHTML.slice(0, 160));
        }
    }
    // A mark in a row of boxes would make boxes of what stands on each side of it.
    for (const mark of document.querySelectorAll('.seam'))
        if (/flex|grid/.test(getComputedStyle(mark.parentElement).display)) found.push(mark.parentElement.outerHTML);
    return found;
}"""

HIDDEN_FOCUS = """() => {
    const found = [];
    let seen = 0;
    for (const each of document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')) {
        if (each.tabIndex < 0) continue;
        each.focus();
        if (document.activeElement !== each) continue;
        seen += 1;
        const style = getComputedStyle(each), box = each.getBoundingClientRect();
        const ring = style.outlineStyle === 'solid' && parseFloat(style.outlineWidth) >= 2;
        const shows = ring && style.boxShadow !== 'none' && style.opacity !== '0';
        const there = box.width > 0 && box.height > 0 && box.right > 0 && box.left < innerWidth;
        if (!shows || !there) found.push(each.outerHTML.slice(0, 160));
    }
    return [seen, found];
}"""


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("viewport", "dark"), [(PHONE, True), (DESKTOP, False)], ids=["phone-dark", "desktop-light"]
)
@pytest.mark.parametrize("who", list(PAGES))
def test_a_main_page_stands_still_breaks_no_word_and_shows_where_the_keyboard_is(
    opened: Opener, site: Site, cases: Mapping[str, str], who: str, viewport: Mapping[str, int], dark: bool
) -> None:
    """All of it in one visit of each page: to fetch a page is what takes the time."""
    wrong: list[object] = []
    page = opened(who or None, "/sign-in" if not who else "/keys", viewport=viewport, dark=dark)
    page.route(re.compile(r"/web/[a-z]+\.js$"), _late)
    for path in PAGES[who]:
        address = path.format(**cases)
        answer = page.goto(site.address + address)
        assert answer is not None
        assert answer.status == 200, address
        page.evaluate("document.fonts.ready")
        shifted, sources = page.evaluate(SHIFTED)
        if shifted >= HARDLY:
            wrong.append((address, "jumps", shifted, sources))
        wrong += [(address, "broken", word) for word in page.evaluate(BROKEN)]
        wrong += [(address, "focus", each) for each in _hidden_focus(page)]
        if page.evaluate("document.documentElement.scrollWidth") > viewport["width"]:
            wrong.append((address, "scrolls sideways"))
    assert wrong == []


def _late(route: Route) -> None:
    """Scripts come when the page is there already, as over a slow line."""
    time.sleep(LATE)
    route.continue_()


def _hidden_focus(page: Page) -> list[str]:
    """What can have the focus without showing it. A key is pressed first: the browser then knows by what means."""
    page.keyboard.press("Tab")
    seen, found = page.evaluate(HIDDEN_FOCUS)
    assert seen >= 3
    return list(found)
