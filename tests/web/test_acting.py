"""How does somebody act on a case from its page: recorded once, refused in words, and nothing typed is lost?"""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.api.conftest import a_proposal
from tests.web.conftest import DESKTOP, PHONE, Opener, Site, Visitor, violations
from tests.web.test_cases import review, words


def scored(site: Site) -> str:
    """A proposal to the fund, whose advisers score: the secretariat recorded it, so it may bear an earlier date."""
    content = a_proposal(programme="stimuleringsfonds", themes=["energie"])
    return site.complete(str(site.service.done("secretary", "/proposals", content)["id"]))


def waiting_for_advice(site: Site, **changes: Any) -> str:
    return site.complete(site.submitted(**changes))


def waiting_for_award(site: Site) -> str:
    proposal = waiting_for_advice(site)
    review(site, proposal)
    decision = {"body": "poho", "outcome": "approved", "grounds": "Goed.", "effectiveOn": "2020-09-20"}
    site.service.done("poho", f"/proposals/{proposal}/decisions", decision)
    return proposal


def envelope(site: Site, amount: str = "500000.00") -> str:
    code = f"e{uuid.uuid4().hex[:10]}"
    opened = {
        "code": code,
        "name": "Pot voor proeven",
        "body": "ab",
        "programme": "regionale-herstelaanpak",
        "sources": [{"source": "Resultaat 2019", "amount": amount}],
        "effectiveOn": "2020-09-01",
    }
    site.service.done("treasurer", "/envelopes", opened)
    return code


def case(site: Site, proposal: str) -> dict[str, Any]:
    found: dict[str, Any] = site.service.told("auditor", f"/proposals/{proposal}")
    return found


def form_of(site: Site, who: str, proposal: str, act: str) -> tuple[Visitor, str]:
    """Somebody who has the form of an act before them, and its address."""
    visitor, path = site.visitor(who), f"/proposals/{proposal}/acts/{act}"
    visitor.text(path)
    return visitor, path


class TestAnAdvice:
    def test_it_is_recorded_today_in_the_capacity_of_the_body(self, site: Site) -> None:
        # Given a member of the taskforce with the form
        proposal = waiting_for_advice(site)
        visitor, path = form_of(site, "taskforce", proposal, "review")
        # When the outcome and the grounds are sent
        sent = visitor.post(path, {"body": "taskforce", "advice": "positive", "grounds": "Past goed."})
        # Then the case says so, and the next page that it was recorded
        assert sent.status_code == 303
        assert "Je advies is vastgelegd." in visitor.text(sent.headers["Location"])
        given = case(site, proposal)["reviews"][0]
        assert (given["advice"], given["grounds"]) == ("positive", "Past goed.")
        assert given["capacity"]["body"] == "taskforce"
        assert given["effectiveOn"] > "2026"

    def test_conditions_scores_and_assessments_are_recorded_as_typed(self, site: Site) -> None:
        proposal = scored(site)
        visitor, path = form_of(site, "adviesgroep", proposal, "review")
        scores = (
            "effectiviteit",
            "efficiency",
            "langetermijnimpact-en-draagvlak",
            "economisch-toegevoegde-waarde",
        )
        fields = {
            "body": "adviesgroep",
            "advice": "positive-with-conditions",
            "conditions.0": "Betrek het mkb.",
            "conditions.1": "",
            "conditions.2": "Deel wat je leert.",
            "assessments.samenwerking": "false",
            **{f"scores.{code}": "7" for code in scores},
        }
        sent = visitor.post(path, fields)
        assert sent.status_code == 303, words(sent.get_data(as_text=True))
        given = case(site, proposal)["reviews"][0]
        assert given["conditions"] == ["Betrek het mkb.", "Deel wat je leert."]
        assert set(given["scores"].values()) == {7}
        assert given["assessments"] == {"samenwerking": False}

    def test_a_double_click_records_one_advice(self, site: Site) -> None:
        proposal = waiting_for_advice(site)
        visitor, path = form_of(site, "taskforce", proposal, "review")
        page, fields = visitor.last, {"body": "taskforce", "advice": "positive", "grounds": "Ja."}
        first = visitor.post(path, fields)
        visitor.last = page
        second = visitor.post(path, fields)
        assert (first.status_code, second.status_code) == (303, 303)
        assert len(case(site, proposal)["reviews"]) == 1

    @pytest.mark.parametrize(
        ("fields", "said"),
        [
            ({"grounds": "Een motivering."}, "Dit veld is verplicht."),
            ({"advice": "negative"}, "Geef hiervoor een motivering."),
            ({"advice": "positive-with-conditions", "grounds": "Een motivering."}, "Noem minstens één voorwaarde."),
            ({"advice": "positive", "conditions.0": "Een motivering."}, "Voorwaarden horen alleen"),
            ({"advice": "positive", "grounds": "Een motivering.", "effectiveOn": "2199-01-01"}, "ligt in de toekomst"),
            ({"advice": "positive", "grounds": "Een motivering.", "effectiveOn": "2019-01-01"}, "ligt voor de vorige"),
        ],
    )  # fmt: skip
    def test_what_is_wrong_is_said_beside_it_and_all_that_was_typed_stays(
        self, site: Site, fields: dict[str, str], said: str
    ) -> None:
        proposal = waiting_for_advice(site)
        visitor, path = form_of(site, "taskforce", proposal, "review")
        refused = visitor.post(path, {"body": "taskforce", **fields})
        html = refused.get_data(as_text=True)
        assert refused.status_code == 400
        assert said in words(html)
        if "Een motivering." in fields.values():
            assert "Een motivering." in html
        assert case(site, proposal)["reviews"] == []

    def test_a_score_outside_the_scale_is_refused_with_the_name_of_the_criterion(self, site: Site) -> None:
        proposal = scored(site)
        visitor, path = form_of(site, "adviesgroep", proposal, "review")
        refused = visitor.post(path, {"body": "adviesgroep", "advice": "positive", "scores.efficiency": "11"})
        assert refused.status_code == 400
        assert "Geef een score voor 'Effectiviteit'" in words(refused.get_data(as_text=True))

    def test_before_it_is_sent_the_page_says_what_will_be_recorded(self, site: Site) -> None:
        proposal = waiting_for_advice(site)
        visitor, path = form_of(site, "taskforce", proposal, "review")
        fields = {"body": "taskforce", "advice": "positive", "grounds": "Past goed.", "do": "preview"}
        said = words(visitor.post(path, fields).get_data(as_text=True))
        assert "Dit wordt vastgelegd" in said
        assert "'Bestuurlijke taskforce' heeft een advies gegeven: positief." in said
        assert "wacht op een besluit door 'Portefeuillehoudersoverleg Economie'" in said
        assert case(site, proposal)["reviews"] == []
        # The page goes on from there
        assert visitor.post(path, {**fields, "do": ""}).status_code == 303

    def test_a_standard_sentence_and_one_more_condition_need_no_script(self, site: Site) -> None:
        proposal = waiting_for_advice(site)
        visitor, path = form_of(site, "taskforce", proposal, "review")
        fields = {
            "body": "taskforce",
            "advice": "positive-with-conditions",
            "grounds": "Mooi.",
            "conditions.0": "Een",
        }
        chosen = visitor.post(path, {**fields, "do": "say-review-positive-1"}).get_data(as_text=True)
        assert re.search(
            r">Mooi\.\s+Het voorstel past bij het thema en levert de regio iets blijvends op\.<", chosen
        )
        more = visitor.post(path, {**fields, "do": "add-condition"}).get_data(as_text=True)
        assert 'name="conditions.0"' in more
        assert 'name="conditions.1"' in more
        assert case(site, proposal)["reviews"] == []

    def test_when_the_case_has_changed_it_says_what_and_keeps_what_was_typed(self, site: Site) -> None:
        # Given a form that is open while the applicant supplements the proposal
        proposal = waiting_for_advice(site)
        visitor, path = form_of(site, "taskforce", proposal, "review")
        review(site, proposal, advice="revise", grounds="Eerst de begroting.")
        # When it is sent
        fields = {"body": "taskforce", "advice": "positive", "grounds": "Mijn lange motivering."}
        stale = visitor.post(path, fields)
        html = stale.get_data(as_text=True)
        # Then nothing is recorded, and the page says what happened, and what was typed is there
        assert stale.status_code == 412
        assert "Intussen gebeurde dit" in html
        assert "heeft een advies gegeven: eerst aanpassen." in words(html)
        assert "Mijn lange motivering." in html
        assert "Dit kan nu niet" in html
        assert len(case(site, proposal)["reviews"]) == 1

    def test_a_change_that_leaves_it_in_turn_lets_it_be_sent_again(self, site: Site) -> None:
        proposal = site.submitted()
        visitor, path = form_of(site, "secretary", proposal, "completeness")
        site.service.done(
            "secretary",
            f"/proposals/{proposal}/completeness",
            {"outcome": "supplement", "remarks": "De begroting.", "effectiveOn": "2020-09-02"},
        )
        revised = {
            name: value for name, value in a_proposal(effectiveOn="2020-09-03").items() if name != "programme"
        }
        site.service.done("submitter", f"/proposals/{proposal}/revisions", revised)
        assert visitor.post(path, {"outcome": "complete"}).status_code == 412
        assert visitor.post(path, {"outcome": "complete"}).status_code == 303

    def test_out_of_turn_the_page_says_what_the_case_waits_for_and_keeps_what_was_typed(
        self, site: Site
    ) -> None:
        proposal = site.submitted()
        visitor = site.visitor("taskforce")
        path = f"/proposals/{proposal}/acts/review"
        said = words(visitor.text(path))
        assert "Dit kan nu niet" in said
        assert "wacht op: Volledigheidstoets (Ambtelijk kernteam)" in said
        version = str(case(site, proposal)["version"])
        refused = visitor.post(
            path,
            {"body": "taskforce", "advice": "positive", "grounds": "Te vroeg getypt.", "version": version},
        )
        assert refused.status_code == 409
        assert "Te vroeg getypt." in refused.get_data(as_text=True)

    @pytest.mark.parametrize(
        ("who", "act"),
        [("poho", "review"), ("secretary", "review"), ("taskforce", "completeness"), ("db", "resume")],
    )
    def test_who_may_not_is_told_who_may_and_nothing_is_recorded(
        self, site: Site, who: str, act: str
    ) -> None:
        proposal = waiting_for_advice(site)
        visitor, path = site.visitor(who), f"/proposals/{proposal}/acts/{act}"
        html = {"Accept": "text/html"}
        assert visitor.get(path, headers=html).status_code == 403
        site.visitor(who).text("/proposals")
        visitor.text("/proposals")
        before = case(site, proposal)["version"]
        fields = {"body": "taskforce", "advice": "positive", "outcome": "complete", "version": str(before)}
        if act == "review":
            fields.pop("outcome")
        else:
            fields = {"outcome": "complete"} if act == "completeness" else {}
        sent = visitor.post(path, fields, headers=html)
        assert sent.status_code == 403, words(sent.get_data(as_text=True))
        assert case(site, proposal)["version"] == before

    def test_a_body_that_somebody_is_no_member_of_cannot_be_slipped_in(self, site: Site) -> None:
        proposal = waiting_for_advice(site)
        visitor, path = form_of(site, "taskforce", proposal, "review")
        sent = visitor.post(path, {"body": "poho", "advice": "positive"}, headers={"Accept": "text/html"})
        assert sent.status_code == 403
        assert case(site, proposal)["reviews"] == []


class TestTheOtherActs:
    def test_a_check_asks_for_a_supplement_with_what_is_missing(self, site: Site) -> None:
        proposal = site.submitted()
        visitor, path = form_of(site, "secretary", proposal, "completeness")
        assert visitor.post(path, {"outcome": "supplement"}).status_code == 400
        assert visitor.post(path, {"outcome": "supplement", "remarks": "De begroting."}).status_code == 303
        found = case(site, proposal)
        assert found["status"] == "supplement"
        assert found["completeness"]["remarks"] == "De begroting."

    def test_a_case_that_a_requirement_blocks_cannot_be_found_complete_and_the_form_says_so(
        self, site: Site
    ) -> None:
        proposal = site.submitted(subregionSupport=[])
        visitor, path = form_of(site, "secretary", proposal, "completeness")
        assert visitor.last is not None
        assert "Subregionale aanhaking" in words(visitor.last.get_data(as_text=True))
        refused = visitor.post(path, {"outcome": "complete"})
        assert refused.status_code == 409
        assert "Subregionale aanhaking" in words(refused.get_data(as_text=True))

    def test_a_decision_is_held_over_and_the_case_is_taken_up_again(self, site: Site) -> None:
        proposal = waiting_for_advice(site)
        review(site, proposal)
        visitor, path = form_of(site, "poho", proposal, "decide")
        sent = visitor.post(path, {"body": "poho", "outcome": "held-over", "grounds": "Volgende keer."})
        assert sent.status_code == 303
        assert case(site, proposal)["status"] == "held-over"
        secretary, resume = form_of(site, "secretary", proposal, "resume")
        assert secretary.post(resume, {}).status_code == 303
        assert case(site, proposal)["status"] == "decision"

    def test_an_award_in_phases_shows_what_is_left_and_is_recorded_as_typed(self, site: Site) -> None:
        code = envelope(site)
        proposal = waiting_for_award(site)
        visitor, path = form_of(site, "db", proposal, "award")
        assert visitor.last is not None
        assert "Pot voor proeven: nog € 500.000,00" in words(visitor.last.get_data(as_text=True))
        fields = {
            "envelope": code,
            "amount": "€ 150.000,00",
            "provisional": "true",
            "phases.0.amount": "100.000",
            "phases.1.amount": "50000",
            "phases.1.releaseCondition": "Na de tussenrapportage.",
        }
        sent = visitor.post(path, fields)
        assert sent.status_code == 303, words(sent.get_data(as_text=True))
        award = case(site, proposal)["award"]
        assert (award["amount"], award["provisional"]) == ("150000.00", True)
        assert [(p["amount"], p["state"]) for p in award["phases"]] == [
            ("100000.00", "free"),
            ("50000.00", "held-back"),
        ]

    def test_more_than_is_left_or_requested_and_phases_that_do_not_add_up_are_refused(
        self, site: Site
    ) -> None:
        code = envelope(site, "1000.00")
        proposal = waiting_for_award(site)
        visitor, path = form_of(site, "db", proposal, "award")
        exhausted = visitor.post(path, {"envelope": code, "amount": "1500"})
        assert exhausted.status_code == 409
        assert "is nog € 1.000,00" in words(exhausted.get_data(as_text=True))
        assert "is meer dan gevraagd" in words(
            visitor.post(path, {"envelope": envelope(site), "amount": "200001"}).get_data(as_text=True)
        )
        wrong = visitor.post(path, {"envelope": code, "amount": "500", "phases.0.amount": "400"})
        assert wrong.status_code == 400
        assert "De fasen tellen op tot € 400,00" in words(wrong.get_data(as_text=True))
        assert case(site, proposal)["award"] is None


def test_a_member_on_a_phone_advises_in_two_taps_and_the_grounds(opened: Opener, served: Site) -> None:
    # Given a phone with the form
    proposal = waiting_for_advice(served)
    page = opened("taskforce", f"/proposals/{proposal}/acts/review", viewport=PHONE)
    # When an outcome is tapped, and a sentence for the grounds
    page.get_by_text("Positief", exact=True).click()
    page.get_by_role("button", name="Partners en cofinanciering zijn goed geregeld.").click()
    expect(page.get_by_label("Motivering")).to_have_value("Partners en cofinanciering zijn goed geregeld.")
    # Then the page says what will be recorded
    page.get_by_text("heeft een advies gegeven: positief").wait_for()
    assert violations(page) == []
    # and the second tap records it
    page.get_by_role("button", name="Leg dit advies vast").click()
    page.get_by_text("Je advies is vastgelegd.").wait_for()
    assert case(served, proposal)["reviews"][0]["grounds"] == "Partners en cofinanciering zijn goed geregeld."


def test_without_scripts_it_takes_the_same_steps(opened: Opener, served: Site) -> None:
    proposal = waiting_for_advice(served)
    page = opened("taskforce", f"/proposals/{proposal}/acts/review", scripts=False)
    page.get_by_text("Negatief", exact=True).click()
    page.get_by_role("button", name="Het voorstel draagt te weinig bij").click()
    expect(page.get_by_label("Motivering")).to_have_value(re.compile("draagt te weinig bij"))
    page.get_by_role("button", name="Leg dit advies vast").click()
    expect(page.get_by_text("Je advies is vastgelegd.")).to_have_count(1)


@pytest.mark.parametrize(("locale", "dark", "viewport"), [("en", False, PHONE), ("nl", True, DESKTOP)])
def test_the_forms_are_accessible_in_every_state(
    opened: Opener, served: Site, locale: str, dark: bool, viewport: dict[str, int]
) -> None:
    envelope(served)
    advice, award = scored(served), waiting_for_award(served)
    fresh = served.submitted()
    for who, proposal, act in (
        ("adviesgroep", advice, "review"),
        ("db", award, "award"),
        ("secretary", fresh, "completeness"),
        ("taskforce", fresh, "review"),
    ):
        page = opened(who, f"/proposals/{proposal}/acts/{act}", viewport=viewport, locale=locale, dark=dark)
        assert violations(page) == [], act
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], act
        if page.locator("form#act").count():
            page.locator("form#act button.utrecht-button--primary-action").last.click()
            page.locator("[data-errors], [data-recorded]").first.wait_for()
            assert violations(page) == [], f"{act} refused"
