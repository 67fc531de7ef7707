"""The secretariat's desk, and the board of terms: what waits for whom, since when and until when."""

from __future__ import annotations

import re
from html import unescape

import pytest

from service.terms import end_of_week
from tests.web.conftest import PHONE, Opener, Site, violations


def row_of(html: str, proposal: str) -> str:
    """The row of a table that is about this proposal, as text."""
    rows = [row for row in re.findall(r"<tr>.*?</tr>", html, re.S) if proposal in row]
    assert len(rows) == 1, (proposal, len(rows))
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", rows[0])))


def reference_of(site: Site, proposal: str) -> str:
    return str(site.service.told("secretary", f"/proposals/{proposal}")["reference"])


def held_over(site: Site, grounds: str) -> str:
    proposal = site.complete(site.submitted(title="Wacht op de provincie"))
    site.service.done(
        "taskforce",
        f"/proposals/{proposal}/reviews",
        {"body": "taskforce", "advice": "positive", "grounds": "Past.", "effectiveOn": "2020-09-03"},
    )
    site.service.done(
        "poho",
        f"/proposals/{proposal}/decisions",
        {"body": "poho", "outcome": "held-over", "grounds": grounds, "effectiveOn": "2020-09-04"},
    )
    return proposal


def test_the_desk_shows_what_waits_for_a_check_with_its_term_and_what_seems_unmet(site: Site) -> None:
    sound = site.submitted(title="Alles in orde")
    lacking = site.submitted(title="Zonder steun", subregionSupport=[], structuralEffect="")
    html = site.visitor("secretary").text("/desk")
    row = row_of(html, reference_of(site, sound))
    assert "Alles in orde" in row
    assert "de regels zien geen bezwaar" in row
    assert "15 september 2020" in row, "ten working days after 1 September"
    row = row_of(html, reference_of(site, lacking))
    assert "Subregionale aanhaking aan de voorkant : houdt de beoordeling tegen" in row
    assert "Structureel effect : wordt bij de beoordeling bekeken" in row
    assert "schaalbare" not in row, "what only a reviewer can see is not for the desk"


def test_who_was_asked_for_a_supplement_stands_there_with_the_question_and_until_when(site: Site) -> None:
    proposal = site.submitted(title="Mist de begroting")
    reference = reference_of(site, proposal)
    site.service.done(
        "secretary",
        f"/proposals/{proposal}/completeness",
        {
            "outcome": "supplement",
            "remarks": "De begroting ontbreekt.",
            "dueOn": "2020-10-01",
            "effectiveOn": "2020-09-02",
        },
    )
    html = site.visitor("secretary").text("/desk")
    assert "Op volledigheid" in html
    row = row_of(html, reference)
    assert "De begroting ontbreekt." in row
    assert "1 oktober 2020" in row


def test_held_over_cases_say_by_whom_and_why(site: Site) -> None:
    proposal = held_over(site, "Eerst het besluit van de provincie.")
    row = row_of(site.visitor("secretary").text("/desk"), reference_of(site, proposal))
    assert "Portefeuillehoudersoverleg Economie" in row
    assert "Eerst het besluit van de provincie." in row
    assert "4 september 2020" in row


@pytest.mark.parametrize("who", ["submitter", "taskforce", "treasurer", "auditor", "admin"])
def test_the_desk_is_the_secretariats(site: Site, who: str) -> None:
    response = site.visitor(who).get("/desk")
    assert response.status_code == 403
    assert "secretaris" in response.get_data(as_text=True)


def test_the_board_counts_and_lists_the_terms_of_every_body(site: Site) -> None:
    proposal = site.complete(site.submitted(title="Bij de taskforce"))
    waiting = site.submitted(title="Bij de secretaris")
    html = site.visitor("secretary").text("/terms")
    assert "Bestuurlijke taskforce" in html
    assert "Ambtelijk kernteam / Secretariaat" in html, "one body, called otherwise by two programmes"
    for each in (proposal, waiting):
        assert "te laat" in row_of(html, reference_of(site, each))


def test_the_filters_of_the_board_are_in_its_address(site: Site) -> None:
    taskforce = site.complete(site.submitted(title="Alleen voor de taskforce"))
    desk = site.submitted(title="Alleen voor het kernteam")
    visitor = site.visitor("secretary")
    html = visitor.text("/terms?body=taskforce&urgency=overdue&programme=regionale-herstelaanpak&kind=advice")
    assert reference_of(site, taskforce) in html
    assert reference_of(site, desk) not in html
    assert "Er loopt nu geen termijn" in visitor.text("/terms?body=taskforce&urgency=later")
    assert "Er loopt nu geen termijn" in visitor.text("/terms?programme=stimuleringsfonds")
    assert visitor.get("/terms?body=no-such-body&urgency=x%00&page=-1").status_code == 200


def test_the_board_as_a_file_has_every_term_and_no_formula(site: Site) -> None:
    proposal = site.submitted(title="=1+1")
    text = site.visitor("secretary").text("/terms.csv?kind=completeness")
    lines = text.splitlines()
    assert lines[0].startswith("\ufeffOrgaan;Kenmerk;Titel;")
    (line,) = [line for line in lines if reference_of(site, proposal) in line]
    assert "'=1+1" in line
    assert "de volledigheidstoets" in line
    english = site.visitor("secretary").text("/terms.csv", headers={"Accept-Language": "en"})
    assert english.splitlines()[0].startswith("\ufeffBody,Reference,Title,")


def test_a_member_sees_the_terms_of_the_own_body_only(site: Site) -> None:
    own = site.complete(site.submitted())
    other = site.submitted()
    visitor = site.visitor("taskforce")
    html = visitor.text("/terms")
    assert reference_of(site, own) in html
    assert reference_of(site, other) not in html
    assert reference_of(site, other) not in visitor.text("/terms?body=secretariat")
    assert reference_of(site, other) not in visitor.text("/terms.csv?body=secretariat")


@pytest.mark.parametrize("path", ["/terms", "/terms.csv"])
def test_who_has_no_body_has_no_board(site: Site, path: str) -> None:
    assert site.visitor("submitter").get(path).status_code == 403
    assert site.visitor(None).get(path).status_code == 303


def test_a_week_ends_on_sunday() -> None:
    from datetime import date

    assert end_of_week(date(2026, 11, 16)) == end_of_week(date(2026, 11, 22)) == date(2026, 11, 22)


@pytest.mark.parametrize(("locale", "dark", "viewport"), [("nl", False, None), ("en", True, PHONE)])
def test_desk_and_board_are_for_everybody(
    opened: Opener, site: Site, locale: str, dark: bool, viewport: dict[str, int] | None
) -> None:
    site.submitted(subregionSupport=[])
    held_over(site, "Later.")
    options = {"viewport": viewport} if viewport else {}
    for path in ("/desk", "/terms", "/terms?body=poho&urgency=later"):
        page = opened("secretary", path, locale=locale, dark=dark, **options)
        assert violations(page) == [], path
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, path
