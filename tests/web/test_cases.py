"""What does somebody see of the proposals: the list, the search, and a case on one page?"""

from __future__ import annotations

import re
import uuid
from html import unescape
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.web.conftest import DESKTOP, PHONE, Opener, Site, violations


def words(html: str) -> str:
    """What a page says, without its markup."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html)).replace("\u00a0", " "))


def titled(site: Site, **changes: Any) -> tuple[str, str]:
    """A proposal with a title of its own, and that title."""
    title = f"Proef {uuid.uuid4().hex[:10]}"
    return site.submitted(title=title, **changes), title


def review(site: Site, proposal: str, **changes: Any) -> dict[str, Any]:
    body = {
        "body": "taskforce",
        "advice": "positive",
        "grounds": "Past bij het thema.",
        "effectiveOn": "2020-09-10",
    }
    return site.service.done("taskforce", f"/proposals/{proposal}/reviews", {**body, **changes})


def awarded(site: Site, **changes: Any) -> str:
    """A proposal with money in two phases, of which one is held back."""
    proposal = site.complete(site.submitted(**changes))
    review(site, proposal, assessments={"schaalbare-meerwaarde": False})
    site.service.done(
        "poho",
        f"/proposals/{proposal}/decisions",
        {
            "body": "poho",
            "outcome": "approved",
            "grounds": "Conform het advies.",
            "effectiveOn": "2020-09-20",
        },
    )
    code = f"e{uuid.uuid4().hex[:10]}"
    site.service.done(
        "treasurer",
        "/envelopes",
        {
            "code": code,
            "name": "Pot voor proeven",
            "body": "ab",
            "programme": "regionale-herstelaanpak",
            "sources": [{"source": "Resultaat 2019", "amount": "1000000.00"}],
            "effectiveOn": "2020-09-01",
        },
    )
    site.service.done(
        "db",
        f"/proposals/{proposal}/awards",
        {
            "envelope": code,
            "amount": "150000.00",
            "provisional": True,
            "phases": [
                {"amount": "100000.00"},
                {"amount": "50000.00", "releaseCondition": "Na de tussenrapportage."},
            ],
            "effectiveOn": "2020-09-30",
        },
    )
    return proposal


class TestTheList:
    def test_filters_stand_in_the_address_and_leave_what_matches(self, site: Site) -> None:
        # Given two proposals in different municipalities
        _, here = titled(site, municipalities=["Eindhoven"])
        _, there = titled(site, municipalities=["Best"], themes=["opleiden"])
        visitor = site.visitor("secretary")
        # When somebody asks for one of these, by municipality or by theme
        by_place, by_theme = (
            visitor.text("/proposals?municipality=GM0753"),
            visitor.text("/proposals?theme=opleiden"),
        )
        # Then only that one is there
        assert there in by_place
        assert here not in by_place
        assert there in by_theme
        assert here not in by_theme
        # and the filter shows what was asked
        assert '<option value="opleiden" selected>' in by_theme

    def test_it_can_be_sorted_both_ways_and_goes_on_page_by_page(self, site: Site) -> None:
        for _ in range(3):
            titled(site)
        visitor = site.visitor("auditor")

        def references(path: str) -> list[str]:
            return re.findall(r'class="utrecht-table__cell reference"[^>]*>([^<]+)<', visitor.text(path))

        up, down = references("/proposals?sort=reference"), references("/proposals?sort=-reference")
        assert up == sorted(up)
        assert len(set(up)) == len(up) >= 3
        assert down == sorted(down, reverse=True)
        # By pages of one it is the same list, there and back again
        first = visitor.text("/proposals?sort=reference&limit=1")
        following = re.search(r'rel="next" href="([^"]+)"', first)
        assert following is not None
        assert references(unescape(following[1])) == up[1:2]
        back = re.search(r'rel="prev" href="([^"]+)"', visitor.text(unescape(following[1])))
        assert back is not None
        assert references(unescape(back[1])) == up[:1]

    def test_a_submitter_sees_only_the_cases_of_the_own_organisation(self, site: Site) -> None:
        proposal, title = titled(site)
        assert title in site.visitor("submitter").text("/proposals")
        neighbour = site.visitor("neighbour")
        for path in ("/proposals", "/proposals.csv", f"/search?q={title.split()[1]}"):
            assert title not in words(neighbour.text(path)).replace(f"‘{title}’", "")
        assert neighbour.get(f"/proposals/{proposal}", headers={"Accept": "text/html"}).status_code == 404

    def test_who_may_not_read_cases_is_told_who_may(self, site: Site) -> None:
        response = site.visitor("admin").get("/proposals", headers={"Accept": "text/html"})
        assert response.status_code == 403
        assert "secretaris" in response.get_data(as_text=True)

    def test_the_charts_of_a_case_leave_as_files(self, site: Site) -> None:
        proposal, _ = titled(site)
        visitor = site.visitor("submitter")
        html = visitor.text(f"/proposals/{proposal}")
        for figure, line in (
            ("budget", "Gevraagd aan de regio;200000,00"),
            ("municipalities", "Eindhoven;ja"),
        ):
            path = f"/proposals/{proposal}/{figure}.csv"
            assert f'href="{path}"' in html
            answer = visitor.get(path)
            assert answer.content_type.startswith("text/csv")
            assert line in answer.get_data(as_text=True).splitlines()
            assert site.visitor("neighbour").get(path).status_code == 404
        assert "Asten;nee" in visitor.text(f"/proposals/{proposal}/municipalities.csv")
        before = visitor.get(f"/proposals/{proposal}/budget.csv?effectiveOn=2000-01-01")
        assert before.status_code == 404, "the moment counts for the file too"

    def test_the_file_holds_all_that_the_filters_leave(self, site: Site) -> None:
        proposal, title = titled(site, requested="123456.78", cofinancing=[
            {"source": "Brainport Development", "amount": "250000.00", "status": "granted"}
        ])  # fmt: skip
        q = title.split()[1]
        dutch = site.visitor("secretary").get(f"/proposals.csv?q={q}")
        assert dutch.content_type.startswith("text/csv")
        lines = dutch.get_data(as_text=True).removeprefix("\ufeff").splitlines()
        assert len(lines) == 2
        assert f";{title};" in lines[1]
        assert "123456,78" in lines[1]
        assert site.service.told("secretary", f"/proposals/{proposal}")["reference"] in lines[1]

    def test_an_address_that_asks_the_impossible_says_so(self, site: Site) -> None:
        for asked in ("status=nonsense", "sort=colour", "asOf=yesterday", "cursor=x", "atPosition=999999999"):
            response = site.visitor("secretary").get(f"/proposals?{asked}")
            assert response.status_code == 400, asked
            assert "Wis alle filters" in response.get_data(as_text=True)

    def test_it_shows_the_proposals_as_they_were_known(self, site: Site) -> None:
        before = site.service.head()
        _, title = titled(site)
        visitor = site.visitor("auditor")
        then = visitor.text(f"/proposals?atPosition={before}")
        assert title not in then
        assert "eerder moment" in then
        assert title in visitor.text("/proposals")


class TestTheSearch:
    def test_it_finds_words_of_an_advice_and_shows_them(self, site: Site) -> None:
        proposal = site.complete(site.submitted())
        review(site, proposal, grounds="De <b>zonnebloemen</b> staan er prachtig bij.")
        found = site.visitor("poho").text("/search?q=zonnebloem")
        assert "<mark>zonnebloemen</mark>" in found
        assert "<b>" not in found
        assert "In een motivering" in found

    @pytest.mark.parametrize(
        ("asked", "said"), [("RHA-2020", "Het nummer begint zo"), ("Stichting Werkpl", "Aanvrager")]
    )
    def test_it_finds_a_reference_and_an_applicant(self, site: Site, asked: str, said: str) -> None:
        site.submitted(title="Iets heel anders", summary="Niets.", structuralEffect="Ja.", goals=[])
        assert said in site.visitor("poho").text(f"/search?q={asked}")

    def test_when_nothing_is_found_it_says_what_to_try(self, site: Site) -> None:
        found = words(site.visitor("poho").text("/search?q=bestaatnergens"))
        assert "Niets gevonden" in found
        assert "Probeer minder of andere woorden" in found


class TestTheCase:
    def test_everything_about_it_stands_on_one_page(self, site: Site) -> None:
        proposal = awarded(site)
        said = words(site.visitor("auditor").text(f"/proposals/{proposal}"))
        for each in (
            "Digitale werkplaats", "Toegekend", "Bedrijven leren digitaal werken.", "€ 200.000", "€ 250.000",
            "1,25 euro van anderen", "Multiplier van minstens 1 Berekend uit het voorstel",
            "Structurele, schaalbare meerwaarde Volgens Bestuurlijke taskforce, 10 september 2020",
            "Past bij het thema.", "Conform het advies.", "als advies: dat bindt niemand", "Pot voor proeven",
            "Na de tussenrapportage.", "Ingehouden", "Eindhoven", "Fontys", "Stedelijk Gebied", "Een brief",
            "Honderd bedrijven", "1 oktober 2020 tot en met 1 oktober 2022", "Versie 1",
            "'Bestuurlijke taskforce' heeft een advies gegeven: positief.", "Db (lid, Dagelijks Bestuur)",
        ):  # fmt: skip
            assert each in said, each

    def test_a_requirement_is_as_the_reviewer_said_and_not_as_the_rule_sees_it(self, site: Site) -> None:
        proposal = site.complete(site.submitted())
        before = words(site.visitor("auditor").text(f"/proposals/{proposal}"))
        assert "Nog te beoordelen Structurele, schaalbare meerwaarde" in before
        review(site, proposal, assessments={"structureel-effect": False, "schaalbare-meerwaarde": True})
        after = words(site.visitor("auditor").text(f"/proposals/{proposal}"))
        assert "Niet voldaan Structureel effect" in after
        assert " Voldaan Structurele, schaalbare meerwaarde" in after

    def test_it_offers_what_this_person_may_do_now_and_nothing_else(self, site: Site) -> None:
        proposal = site.complete(site.submitted())
        path = f"/proposals/{proposal}"
        member = site.visitor("taskforce").text(path)
        assert f"{path}/acts/review" in member
        assert "Als lid van ‘Bestuurlijke taskforce’, als advies: dat bindt niemand." in words(member)
        for who in ("secretary", "poho", "auditor", "submitter"):
            assert f"{path}/acts/" not in site.visitor(who).text(path), who

    def test_a_case_that_went_back_is_still_in_the_stage_that_asked(self, site: Site) -> None:
        proposal = site.complete(site.submitted())
        review(site, proposal, advice="revise", grounds="Noem de gemeenten.")
        html = site.visitor("secretary").text(f"/proposals/{proposal}")
        step = re.search(r'aria-current="step".*?</li>', html, re.S)
        assert step is not None
        assert "Beoordeling door de taskforce" in step[0]
        assert "De aanvrager" in words(html)

    def test_a_moment_in_the_address_shows_the_case_as_it_was_with_a_banner_and_no_acts(
        self, site: Site
    ) -> None:
        proposal = site.complete(site.submitted())
        before = site.service.head()
        review(site, proposal, grounds="Nog onbekend toen.")
        visitor = site.visitor("poho")
        then = visitor.text(f"/proposals/{proposal}?atPosition={before}")
        assert "eerder moment" in then
        assert "Nog onbekend toen." not in then
        assert "/acts/" not in then
        assert "data-live" not in then
        assert "Nog onbekend toen." in visitor.text(f"/proposals/{proposal}")
        on = visitor.text(f"/proposals/{proposal}?effectiveOn=2020-09-01")
        assert "zoals het gold op 2020-09-01" in on
        assert "Volledigheidstoets" in on

    def test_a_moment_that_cannot_be_is_refused_with_the_case_of_now(self, site: Site) -> None:
        proposal, title = titled(site)
        response = site.visitor("auditor").get(f"/proposals/{proposal}?asOf=ooit")
        assert response.status_code == 400
        assert title in response.get_data(as_text=True)

    def test_a_case_that_is_not_there_is_not_found(self, site: Site) -> None:
        missing = "proposal-01890a5d-ac96-774b-bcce-b302099a8057"
        assert site.visitor("auditor").get(f"/proposals/{missing}").status_code == 404

    def test_words_of_people_are_text_and_never_markup(self, site: Site) -> None:
        proposal = site.submitted(title="<script>alert(1)</script>", summary="<img src=x onerror=alert(1)>")
        html = site.visitor("auditor").text(f"/proposals/{proposal}")
        assert "<script>alert" not in html
        assert "<img src=x" not in html


@pytest.mark.parametrize(("locale", "dark", "viewport"), [("nl", False, PHONE), ("en", True, DESKTOP)])
def test_the_pages_about_cases_are_accessible(
    opened: Opener, served: Site, locale: str, dark: bool, viewport: dict[str, int]
) -> None:
    proposal = awarded(served)
    for path in ("/proposals", f"/proposals/{proposal}", "/search?q=werkplaats", "/search?q=nergens"):
        page = opened("auditor", path, viewport=viewport, locale=locale, dark=dark)
        assert violations(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], path


def test_an_open_page_follows_what_others_do(opened: Opener, served: Site) -> None:
    # Given a page about a case that is open
    proposal = served.complete(served.submitted())
    page = opened("submitter", f"/proposals/{proposal}")
    assert page.get_by_text("Wacht op advies").count() == 1
    # When somebody else gives advice, through the API
    review(served, proposal, grounds="Dit kwam er live bij.")
    # Then the page says so within seconds
    page.get_by_text("Dit kwam er live bij.").first.wait_for()
    expect(page.get_by_text("Wacht op besluit")).to_have_count(1)
