"""Every page of the router, in a real browser: readable for everybody, in both languages, on a desk and on a phone."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from playwright.sync_api import Page

from tests.web.conftest import DESKTOP, PHONE, Opener, Site, violations
from tests.web.test_nonsense import who_for
from tests.web.test_permissions import PUBLIC, Place, place, rules

__all__ = ["place"]

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("locale", "viewport", "dark"),
    [("nl", DESKTOP, False), ("en", PHONE, True)],
    ids=["nl-desktop-light", "en-phone-dark"],
)
def test_axe_finds_nothing_and_nothing_sticks_out(
    place: Place, served: Site, opened: Opener, locale: str, viewport: Mapping[str, int], dark: bool
) -> None:
    shown: dict[str | None, Page] = {}
    wrong, seen = [], 0
    for name, rule in rules(place.site, "GET"):
        who = None if name in PUBLIC else who_for(name)
        address = place.address(rule)
        answer = place.site.visitor(who).get(address)
        if answer.status_code != 200 or answer.mimetype != "text/html":
            continue
        if who not in shown:
            shown[who] = opened(
                who, "/sign-in" if who is None else "/", viewport=viewport, locale=locale, dark=dark
            )
        page = shown[who]
        page.goto(served.address + address)
        seen += 1
        said = violations(page)
        if page.evaluate("document.documentElement.lang") != locale:
            said.append("another language")
        if page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") > 0:
            said.append("sticks out")
        wrong += [(name, each) for each in said]
    assert wrong == []
    assert seen > 80
