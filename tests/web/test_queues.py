"""What waits for a body, and what becomes of several cases that are judged at once?"""

from __future__ import annotations

import re
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.web.conftest import DESKTOP, PHONE, Opener, Site, Visitor, violations
from tests.web.test_acting import case, scored, waiting_for_advice, waiting_for_award
from tests.web.test_cases import review, words

QUEUE, TOGETHER = "/queue/taskforce", "/queue/taskforce/together"


def chosen(site: Site, *proposals: str) -> list[str]:
    """How a form names these cases as they are now."""
    return [f"{each}:{case(site, each)['version']}" for each in proposals]


def judged(visitor: Visitor, cases: list[str], do: str = "", **fields: Any) -> TestResponse:
    """One judgement on these cases, sent from the page that was shown last."""
    return visitor.post(
        TOGETHER,
        {
            "step": "judge",
            "kind": "advice",
            "case": cases,
            "advice": "positive",
            "grounds": "Conform.",
            "do": do,
            **fields,
        },
    )


@pytest.fixture
def visitor(site: Site) -> Visitor:
    """A member of the taskforce with the queue before them."""
    site.submitted()
    found = site.visitor("taskforce")
    found.text(QUEUE)
    return found


class TestTheQueue:
    def test_the_oldest_term_comes_first_with_why_it_is_here_and_how_long_it_waits(self, site: Site) -> None:
        # Given two cases that wait for the taskforce, of which one has waited longer
        late = site.submitted(title="De oudste")
        done = {"outcome": "complete", "effectiveOn": "2020-09-01"}
        site.service.done("secretary", f"/proposals/{late}/completeness", done)
        waiting_for_advice(site, title="De jongste")
        # When a member looks
        html = site.visitor("taskforce").text(QUEUE)
        said = words(html)
        # Then the oldest term is at the top
        assert said.index("De oudste") < said.index("De jongste")
        row = said[said.index("De oudste") :].split("De jongste")[0]
        for each in (
            "Nodig: een advies",
            "als advies: dat bindt niemand",
            "Eerder: volledig",
            "werkdagen te laat",
        ):
            assert each in row, each
        assert re.search(r"[\d.]+ dagen sinds 1 september 2020", row)

    def test_it_is_limited_by_programme_and_by_what_has_to_happen(self, site: Site) -> None:
        waiting_for_advice(site, title="Van de aanpak")
        visitor = site.visitor("taskforce")
        assert "Van de aanpak" in visitor.text(f"{QUEUE}?programme=regionale-herstelaanpak&kind=advice")
        for asked in ("programme=stimuleringsfonds", "kind=award"):
            html = visitor.text(f"{QUEUE}?{asked}")
            assert "Van de aanpak" not in html
            assert "Met deze filters blijft niets over." in html
        assert visitor.get(f"{QUEUE}?kind=nonsense").status_code == 400

    def test_the_secretary_looks_on_and_others_do_not_see_it(self, site: Site) -> None:
        waiting_for_advice(site)
        html = site.visitor("secretary").text(QUEUE)
        assert "Je kunt meekijken." in html
        assert 'type="checkbox"' not in html
        assert "/acts/" not in html
        for who in ("poho", "submitter", "auditor"):
            assert site.visitor(who).get(QUEUE, headers={"Accept": "text/html"}).status_code == 403, who
        assert site.visitor("secretary").get("/queue/nobody").status_code == 404

    def test_an_award_is_done_one_by_one(self, site: Site) -> None:
        proposal = waiting_for_award(site)
        visitor = site.visitor("db")
        html = visitor.text("/queue/db")
        assert f"/proposals/{proposal}/acts/award" in html
        assert 'name="case"' not in html
        sent = visitor.post("/queue/db/together", {"case": chosen(site, proposal)})
        assert sent.status_code == 400
        assert "elke zaak krijgt een eigen bedrag" in words(sent.get_data(as_text=True))

    def test_my_queue_is_the_one_of_my_body(self, site: Site) -> None:
        assert site.visitor("poho").get("/queue").headers["Location"] == "/queue/poho"
        assert "Bestuurlijke taskforce" in site.visitor("secretary").text("/queue/taskforce")


class TestTogether:
    def test_first_it_shows_what_will_be_recorded_for_each_case_and_records_nothing(
        self, site: Site, visitor: Visitor
    ) -> None:
        # Given two cases
        one, other = waiting_for_advice(site, title="Eerste"), waiting_for_advice(site, title="Tweede")
        cases = chosen(site, one, other)
        form = visitor.post(TOGETHER, {"case": cases})
        assert "Wat je hier kiest geldt voor elke aangevinkte zaak." in form.get_data(as_text=True)
        # When the preview is asked for
        said = words(judged(visitor, cases, "preview").get_data(as_text=True))
        # Then each case stands there with its reference, title, outcome and version
        for proposal, title in ((one, "Eerste"), (other, "Tweede")):
            found = case(site, proposal)
            row = f"{found['reference']} {title} Positief Naar Portefeuillehoudersoverleg Economie"
            row = f"{row} {found['version']}"
            assert row in said
            assert found["reviews"] == []
        assert "Leg vast voor 2 zaken" in said

    def test_what_the_preview_carries_is_what_is_recorded(self, site: Site, visitor: Visitor) -> None:
        one, other = waiting_for_advice(site), waiting_for_advice(site)
        visitor.post(TOGETHER, {"case": chosen(site, one, other)})
        html = judged(
            visitor, chosen(site, one, other), "preview", advice="positive-with-conditions",
            **{"conditions.0": "Deel wat je leert.", "effectiveOn": "2020-09-15"},
        ).get_data(as_text=True)  # fmt: skip
        carried: dict[str, list[str]] = {}
        for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', html):
            if name not in ("csrf", "once"):
                carried.setdefault(name, []).append(value)
        for name, value in re.findall(r'<textarea name="([^"]+)" hidden>([^<]*)</textarea>', html):
            carried.setdefault(name, []).append(value)
        done = visitor.post(TOGETHER, carried)
        assert "2 zaken zijn vastgelegd." in done.get_data(as_text=True)
        for proposal in (one, other):
            given = case(site, proposal)["reviews"][0]
            assert given["conditions"] == ["Deel wat je leert."]
            assert given["effectiveOn"] == "2020-09-15"

    def test_one_that_is_refused_does_not_stop_the_others(self, site: Site, visitor: Visitor) -> None:
        # Given three cases, of which one moved on and one changed after they were chosen
        good, moved, changed = (waiting_for_advice(site) for _ in range(3))
        cases = chosen(site, good, moved, changed)
        cases[2] = f"{changed}:1"
        review(site, moved)
        # When they are judged together
        said = words(judged(visitor, cases).get_data(as_text=True))
        # Then the good one is recorded, and of the others it says why not
        assert "1 zaak is vastgelegd. 2 zaken niet" in said
        assert "Deze zaak is intussen veranderd." in said
        assert [len(case(site, each)["reviews"]) for each in (good, moved, changed)] == [1, 1, 0]

    def test_sending_it_twice_records_each_once(self, site: Site, visitor: Visitor) -> None:
        one, other = waiting_for_advice(site), waiting_for_advice(site)
        cases = chosen(site, one, other)
        visitor.post(TOGETHER, {"case": cases})
        form = visitor.last
        third = waiting_for_advice(site)
        cases = [*cases, *chosen(site, third)]
        for _ in range(2):
            visitor.last = form
            said = words(judged(visitor, cases).get_data(as_text=True))
        # The cases no longer wait here: what was recorded the first time is answered again
        assert [len(case(site, each)["reviews"]) for each in (one, other, third)] == [1, 1, 1]
        assert "3 zaken zijn vastgelegd." in said

    def test_what_is_wrong_is_said_and_the_choice_and_the_text_stay(
        self, site: Site, visitor: Visitor
    ) -> None:
        proposal = waiting_for_advice(site)
        cases = chosen(site, proposal)
        refused = judged(visitor, cases, "preview", advice="positive-with-conditions", grounds="Bewaar dit.")
        html = refused.get_data(as_text=True)
        # No condition was named: the rules say so of the case, before anything is recorded
        assert "Noem minstens één voorwaarde." in words(html)
        assert "Bewaar dit." in html
        assert cases[0] in html
        wrong = judged(visitor, cases, "preview", advice="", grounds="Bewaar dit.")
        assert wrong.status_code == 400
        assert "Bewaar dit." in wrong.get_data(as_text=True)
        assert case(site, proposal)["reviews"] == []

    def test_scores_cannot_be_given_to_all_at_once_and_the_preview_says_so(self, site: Site) -> None:
        proposal = scored(site)
        visitor = site.visitor("adviesgroep")
        visitor.text("/queue/adviesgroep")
        fields = {"step": "judge", "case": chosen(site, proposal), "advice": "positive", "do": "preview"}
        said = words(visitor.post("/queue/adviesgroep/together", fields).get_data(as_text=True))
        assert "Geef een score voor 'Effectiviteit'" in said
        assert "Leg vast voor" not in said

    def test_nothing_chosen_and_what_waits_elsewhere_are_told_apart(
        self, site: Site, visitor: Visitor
    ) -> None:
        none = visitor.post(TOGETHER, {})
        assert "Je hebt geen zaken gekozen." in none.get_data(as_text=True)
        elsewhere = site.submitted()
        gone = visitor.post(TOGETHER, {"case": chosen(site, elsewhere)})
        assert gone.status_code == 400
        assert "wachten hier niet meer" in words(gone.get_data(as_text=True))
        # Those that moved on while somebody was writing say so one by one
        late = words(judged(visitor, chosen(site, elsewhere)).get_data(as_text=True))
        assert "0 zaken zijn vastgelegd. 1 zaak niet" in late
        assert "wacht nu op de volledigheidstoets" in late

    @pytest.mark.parametrize("who", ["secretary", "poho", "auditor"])
    def test_who_is_no_member_records_nothing(self, site: Site, who: str) -> None:
        proposal = waiting_for_advice(site)
        visitor = site.visitor(who)
        visitor.text("/proposals")
        fields = {"step": "judge", "case": chosen(site, proposal), "advice": "positive", "body": "taskforce"}
        sent = visitor.post(TOGETHER, fields, headers={"Accept": "text/html"})
        assert sent.status_code == 403
        assert case(site, proposal)["reviews"] == []


@pytest.mark.parametrize(
    ("locale", "dark", "viewport", "scripts"), [("nl", False, PHONE, True), ("en", True, DESKTOP, True)]
)
def test_a_member_does_several_at_once_in_a_browser(
    opened: Opener, served: Site, locale: str, dark: bool, viewport: dict[str, int], scripts: bool
) -> None:
    one, other = waiting_for_advice(served), waiting_for_advice(served)
    page = opened("taskforce", QUEUE, viewport=viewport, locale=locale, dark=dark, scripts=scripts)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    for mark in chosen(served, one, other):
        page.locator(f'input[value="{mark}"]').check()
    page.locator(".together-bar button").click()
    page.locator('input[value="positive"]').check()
    page.locator(".sentence:visible").first.click()
    assert violations(page) == []
    page.locator('button[value="preview"]:visible').click()
    page.locator("#confirm").wait_for()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    page.locator("#confirm button.utrecht-button--primary-action").click()
    page.locator("[data-recorded]").wait_for()
    assert violations(page) == []
    assert [len(case(served, each)["reviews"]) for each in (one, other)] == [1, 1]


def test_a_queue_that_is_open_follows_and_keeps_what_is_ticked(opened: Opener, served: Site) -> None:
    proposal = waiting_for_advice(served)
    page = opened("taskforce", QUEUE)
    box = page.locator(f'input[value="{chosen(served, proposal)[0]}"]')
    box.check()
    page.locator("h1").click()
    before = page.locator("#queue-count").inner_text()
    waiting_for_advice(served)
    page.wait_for_function(
        "before => document.getElementById('queue-count').innerText !== before", arg=before
    )
    assert box.is_checked()
