"""Searching finds everything one may see, of whatever kind, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from html import unescape

import pytest

from service.documents import newsletters
from service.settings import Settings
from tests.api.conftest import ROLES
from tests.conftest import fresh_database
from tests.web.conftest import PHONE, Opener, Site, site_on, violations

WORD = "Zilverreiger"


@pytest.fixture(scope="module")
def site(admin_url: str, template: Settings) -> Iterator[Site]:
    """A site in which one word stands in a thing of each kind."""
    with fresh_database(admin_url, template) as settings, site_on(settings) as made:
        made.submitted(title=f"Digitale werkplaats {WORD}")
        envelope = {
            "code": "zilver",
            "name": f"Budget {WORD}",
            "body": "poho",
            "programme": "regionale-herstelaanpak",
            "sources": [{"source": "Regio", "amount": "1000.00"}],
            "effectiveOn": "2020-01-01",
        }
        made.service.done("treasurer", "/envelopes", envelope)
        parts, secretary = made.service.app.extensions["besluitspoor"].parts, made.service.people["secretary"]
        for quarter, sent in ((1, True), (4, False)):
            days = date(2020, quarter, 1), date(2020, quarter + 2, 28)
            draft = newsletters.create(parts, secretary, "regionale-herstelaanpak", *days)
            content = newsletters.Content(title=f"Nieuws over de {WORD} {'verstuurd' if sent else 'concept'}")
            newsletters.change(parts, secretary, draft.id, None, content)
            if sent:
                newsletters.approve(parts, secretary, draft.id)
        made.service.told("secretary", "/envelopes/zilver")
        yield made


def groups(site: Site, who: str, words: str) -> dict[str, list[tuple[str, str]]]:
    """The answers by kind: where each leads, and what it is called."""
    html = site.visitor(who).text(f"/search?q={words}")
    found = {}
    for kind, rest in re.findall(r'id="found-([a-z]+)"(.*?)</section>', html, re.DOTALL):
        links = re.findall(r'result__title"><a class="utrecht-link" href="([^"]+)">([^<]+)', rest)
        found[kind] = [(unescape(to), unescape(title)) for to, title in links]
    if "/proposals/proposal-" in html:
        found["proposals"] = re.findall(r'href="(/proposals/proposal-[^"]+)">([^<]+)', html)
    return found


def test_one_word_is_found_in_everything_one_may_see(site: Site) -> None:
    found = groups(site, "submitter", WORD)
    assert set(found) == {"proposals", "envelopes", "newsletters"}
    assert found["envelopes"] == [("/money/zilver", f"Budget {WORD}")]
    assert len(found["newsletters"]) == 1, "a draft is nobody's to find"
    assert groups(site, "submitter", "zil") == {"envelopes": [("/money/zilver", f"Budget {WORD}")]}


def test_what_one_may_not_see_is_not_found(site: Site) -> None:
    assert "proposals" not in groups(site, "neighbour", WORD)
    assert "proposals" not in groups(site, "admin", WORD)
    for who in set(ROLES) - {"secretary", "admin"}:
        assert "people" not in groups(site, who, "example.org"), who
    for who in set(ROLES) - {"auditor", "integration"}:
        assert "events" not in groups(site, who, WORD), who
    assert groups(site, "secretary", "treasurer@")["people"]
    events = groups(site, "auditor", WORD)["events"]
    assert any(to.startswith("/audit/proposals/") for to, _ in events)
    assert any(to == "/money/zilver" for to, _ in events)


def test_a_programme_is_found_by_its_name_its_themes_and_its_bodies(site: Site) -> None:
    for words in ("herstelaanpak", "recovery", "vitale kernen", "RHA"):
        assert ("/programmes/regionale-herstelaanpak", "Regionale Herstelaanpak") in groups(
            site, "integration", words
        )["programmes"], words
    assert "programmes" not in groups(site, "integration", "bestaat-niet")


@pytest.mark.parametrize("who", sorted(ROLES))
def test_every_answer_leads_to_a_page_that_opens(site: Site, who: str) -> None:
    for words in (WORD, "herstelaanpak", "example.org", "regio"):
        for kind, links in groups(site, who, words).items():
            for to, title in links:
                assert site.visitor(who).get(to).status_code == 200, (kind, to, title)


@pytest.mark.parametrize("words", ["%", "_", "'", "zilver%00", "&quot;", "-", "\\", "a" * 400])
def test_nonsense_finds_nothing_and_breaks_nothing(site: Site, words: str) -> None:
    assert site.visitor("admin").get(f"/search?q={words}").status_code in (200, 400)


@pytest.mark.parametrize(("locale", "dark", "phone"), [("nl", False, False), ("en", True, True)])
def test_the_answers_are_for_everybody(
    opened: Opener, site: Site, locale: str, dark: bool, phone: bool
) -> None:
    page = opened(
        "auditor", f"/search?q={WORD}", locale=locale, dark=dark, **({"viewport": PHONE} if phone else {})
    )
    assert violations(page) == []
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
