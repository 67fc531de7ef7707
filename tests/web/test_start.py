"""Everybody begins with what they have to do: by role, with who has a case, since when and until when."""

from __future__ import annotations

import re
from html import unescape

import pytest
from playwright.sync_api import expect

from tests.web.conftest import Opener, Site, violations


def page(site: Site, who: str, **options: str) -> str:
    """The start page of somebody, as it reads."""
    return unescape(site.visitor(who).text("/", **options))


def awarded(site: Site, envelope: str) -> str:
    """A proposal that was awarded in two phases, the second of which waits for a condition."""
    proposal = site.complete(site.submitted(title="In twee fasen"))
    done = site.service.done
    done(
        "taskforce",
        f"/proposals/{proposal}/reviews",
        {"body": "taskforce", "advice": "positive", "effectiveOn": "2020-10-01"},
    )
    done(
        "poho",
        f"/proposals/{proposal}/decisions",
        {"body": "poho", "outcome": "approved", "effectiveOn": "2020-10-02"},
    )
    done(
        "treasurer",
        "/envelopes",
        {
            "code": envelope,
            "name": "Geld voor herstel",
            "body": "ab",
            "sources": [{"source": "Reserve", "amount": "1000000"}],
            "effectiveOn": "2020-07-01",
        },
    )
    done(
        "db",
        f"/proposals/{proposal}/awards",
        {
            "envelope": envelope,
            "amount": "200000",
            "phases": [
                {"amount": "50000"},
                {"amount": "150000", "releaseCondition": "Een plan voor fase twee"},
            ],
            "effectiveOn": "2020-10-03",
        },
    )
    return proposal


def test_who_has_nothing_yet_is_told_how_to_begin(site: Site) -> None:
    said = page(site, "neighbour")
    assert "Je hebt nog geen lopend voorstel" in said
    assert 'href="/proposals/new"' in said


def test_a_submitter_sees_where_each_stands_who_has_it_since_when_and_until_when(site: Site) -> None:
    proposal = site.complete(site.submitted(title="Op weg naar advies"))
    said = page(site, "submitter")
    assert "Op weg naar advies" in said
    assert "Aan zet: Bestuurlijke taskforce, sinds 2 september 2020" in said
    assert re.search(r"werkdagen te laat", said)
    assert f"/proposals/{proposal}" in said
    assert "Op weg naar advies" not in page(site, "neighbour")


def test_a_question_stands_first_with_its_words_and_a_button(site: Site) -> None:
    proposal = site.submitted(title="Nog niet af")
    site.service.done(
        "secretary",
        f"/proposals/{proposal}/completeness",
        {"outcome": "supplement", "remarks": "Wie betaalt de huur?", "effectiveOn": "2020-09-02"},
    )
    said = page(site, "submitter")
    assert said.index("Wie betaalt de huur?") < said.index("Je voorstellen")
    assert f'href="/proposals/{proposal}/supplement"' in said
    assert "Gevraagd door Ambtelijk kernteam" in said


def test_a_question_of_an_adviser_is_one_too(site: Site) -> None:
    proposal = site.complete(site.submitted())
    site.service.done(
        "taskforce",
        f"/proposals/{proposal}/reviews",
        {
            "body": "taskforce",
            "advice": "revise",
            "grounds": "Maak het kleiner.",
            "effectiveOn": "2020-10-01",
        },
    )
    assert "Maak het kleiner." in page(site, "submitter")
    assert "Maak het kleiner." in site.visitor("submitter").text(f"/proposals/{proposal}/supplement")


def test_a_member_sees_what_comes_first_for_each_of_their_bodies(site: Site) -> None:
    site.complete(site.submitted(title="Voor de taskforce"))
    said = page(site, "taskforce")
    assert "Bestuurlijke taskforce" in said
    assert "Beoordeling door de taskforce" in said
    assert "Er wacht nu niets" in page(site, "adviesgroep")
    assert "Voor de taskforce" not in page(site, "adviesgroep")


def test_the_secretary_sees_how_much_is_where_and_what_is_overdue(site: Site) -> None:
    site.submitted(title="Al lang binnen", effectiveOn="2015-01-05")
    said = page(site, "secretary")
    assert re.search(r"Ambtelijk kernteam.*?te laat", said, re.S)
    assert "Al lang binnen" in said
    assert "Nieuw voorstel" in said


def test_the_treasurer_sees_what_is_left_and_which_phase_can_be_released(site: Site) -> None:
    proposal = awarded(site, "start-geld")
    said = page(site, "treasurer")
    assert "Geld voor herstel" in said
    assert "€\u00a0800.000" in said
    assert "Een plan voor fase twee" in said
    assert re.search(r"Fase 2 van RHA-2020-\d{4}: €\u00a0150.000", said)
    site.service.done("treasurer", f"/proposals/{proposal}/phases/2/release", {"effectiveOn": "2020-11-01"})
    assert "Een plan voor fase twee" not in page(site, "treasurer")
    finished = page(site, "submitter")
    assert "Toegekend: €\u00a0200.000." in finished


@pytest.mark.parametrize(
    ("who", "words"), [("auditor", "Hier werd het laatst iets vastgelegd"), ("admin", "Mensen en rollen")]
)
def test_everybody_else_has_somewhere_to_begin(site: Site, who: str, words: str) -> None:
    site.submitted()
    said = page(site, who)
    assert words in said
    assert "Nieuw voorstel" not in said


def test_a_program_that_signs_in_here_is_shown_the_way(site: Site) -> None:
    assert "/api/v1/docs" in page(site, "integration")


def test_the_page_of_a_body_follows_what_happens(opened: Opener, served: Site) -> None:
    shown = opened("poho", "/")
    proposal = served.complete(served.submitted(title="Komt er vanzelf bij"))
    served.service.done(
        "taskforce",
        f"/proposals/{proposal}/reviews",
        {"body": "taskforce", "advice": "positive", "effectiveOn": "2020-10-01"},
    )
    shown.get_by_role("link", name="Komt er vanzelf bij").wait_for()


def test_shortcuts_go_to_a_page_and_can_be_turned_off(opened: Opener, served: Site) -> None:
    shown = opened("secretary", "/keys")
    assert violations(shown) == []
    shown.locator("h1").click()
    shown.keyboard.press("g")
    shown.keyboard.press("m")
    shown.wait_for_url(served.address + "/")
    shown.goto(served.address + "/keys")
    shown.get_by_label("Sneltoetsen aan").uncheck()
    expect(shown.locator("body")).to_have_attribute("data-shortcuts", "off")
    shown.wait_for_load_state()
    shown.locator("h1").click()
    shown.keyboard.press("g")
    shown.keyboard.press("m")
    shown.keyboard.press("/")
    assert shown.url == served.address + "/keys"
    assert shown.evaluate("document.activeElement.id") != "search"
    shown.reload()
    assert not shown.get_by_label("Sneltoetsen aan").is_checked()


def test_the_page_of_shortcuts_names_those_of_ones_own_menu(site: Site) -> None:
    said = unescape(site.visitor("submitter").text("/keys"))
    assert "Ga naar Mijn werk" in said
    assert "Ga naar Secretariaat" not in said
    assert "Zoek in alles" in said


@pytest.mark.slow
@pytest.mark.parametrize("who", ["submitter", "secretary", "taskforce", "treasurer", "auditor", "admin"])
@pytest.mark.parametrize(("locale", "dark"), [("nl", True), ("en", False)])
def test_every_start_is_accessible(opened: Opener, served: Site, who: str, locale: str, dark: bool) -> None:
    shown = opened(who, "/", locale=locale, dark=dark)
    assert violations(shown) == []


@pytest.mark.parametrize(
    ("who", "path", "place"),
    [
        ("auditor", "/audit/portfolio", "/audit"),
        ("secretary", "/terms", "/desk"),
        ("submitter", "/proposals/new", "/proposals"),
    ],
)
def test_the_menu_shows_under_which_place_a_page_stands(site: Site, who: str, path: str, place: str) -> None:
    here = re.findall(r'<a href="([^"]*)" aria-current="page"', site.visitor(who).text(path))
    assert place in here
