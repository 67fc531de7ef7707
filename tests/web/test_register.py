"""The public register: what everybody may know, from its moment on, without a person in it and without signing in."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import pytest
from playwright.sync_api import expect
from werkzeug.test import TestResponse

from tests.web.conftest import DESKTOP, PHONE, Opener, Site, violations
from tests.web.test_confidential import through

WORD, HIDDEN = "kobaltooievaar", "amberzwaluw"
"""In a title that is public; in texts that never are, or of cases that are not."""
ATOM = "{http://www.w3.org/2005/Atom}"


@dataclass(frozen=True)
class Told:
    site: Site
    public: str
    rejected: str
    hidden: dict[str, str]

    def get(self, path: str, **options: Any) -> TestResponse:
        """A page, for nobody who signed in."""
        return self.site.visitor(None).get(path, **options)

    def text(self, path: str) -> str:
        response = self.get(path)
        assert response.status_code == 200, (path, response.status_code)
        return response.get_data(as_text=True)

    def api(self, path: str) -> Any:
        return self.site.service.told(None, path)


@pytest.fixture(scope="module")
def story(site: Site) -> Told:
    done = site.service.done
    envelope = {
        "code": "pot", "name": "Pot", "body": "db", "programme": "regionale-herstelaanpak",
        "sources": [{"source": "Regio", "amount": "900000.00"}], "effectiveOn": "2020-01-01",
    }  # fmt: skip
    done("treasurer", "/envelopes", envelope)
    never = {"effect": f"Een {HIDDEN}.", "goals": [f"Een {HIDDEN}"]}
    public = through(site, site.submitted(title=f"De {WORD}", **never), award="100000.00")
    rejected = site.complete(
        site.submitted(title=f"Geen {WORD}", applicant={"name": f"Jan {HIDDEN}", "kind": "person"}, **never)
    )
    on = {"effectiveOn": "2020-09-04"}
    review = {"body": "taskforce", "advice": "positive", "grounds": f"Een {HIDDEN}."}
    done("taskforce", f"/proposals/{rejected}/reviews", {**review, **on})
    decision = {"body": "poho", "outcome": "rejected", "grounds": "Openbaar gemaakte grond.",
                "confidentiality": {"level": "public"}}  # fmt: skip
    done("poho", f"/proposals/{rejected}/decisions", {**decision, **on})
    said = {"title": f"Een {HIDDEN}"}
    secret = through(site, site.submitted(**said), award="100000.00")
    done(
        "secretary",
        f"/proposals/{secret}/confidentiality",
        {"level": "confidential", "ground": "woo-5-1-1-c"},
    )
    internal = through(site, site.submitted(**said), award="100000.00")
    done("secretary", f"/proposals/{internal}/confidentiality", {"level": "internal"})
    under_way = site.complete(site.submitted(**said))
    withdrawn = site.complete(site.submitted(**said))
    done("submitter", f"/proposals/{withdrawn}/withdrawal", {"grounds": "Nee."})
    hidden = {"secret": secret, "internal": internal, "under way": under_way, "withdrawn": withdrawn}
    site.service.told("secretary", f"/proposals/{withdrawn}")
    return Told(site, public, rejected, hidden)


def reference(story: Told, proposal: str) -> str:
    return str(story.site.service.told("secretary", f"/proposals/{proposal}")["reference"])


def places(story: Told) -> list[str]:
    """Every address of the register that says something of proposals."""
    return ["/register", "/register/feed.atom", "/register/open-data.csv", "/register/open-data.json",
            f"/register?q={WORD}", f"/register/{reference(story, story.public)}",
            f"/register/{reference(story, story.rejected)}"]  # fmt: skip


def test_what_was_decided_on_is_there_for_everybody(story: Told) -> None:
    html = story.text("/register")
    assert WORD in html
    assert reference(story, story.public) in html
    page = story.text(f"/register/{reference(story, story.public)}")
    assert f"De {WORD}" in page
    assert "Stichting Werkplaats" in page
    assert "€\u00a0100.000" in page
    answer = story.api(f"/register/{reference(story, story.public)}")
    assert (answer["awarded"], answer["outcome"]) == ("100000.00", "awarded")
    assert answer["endedOn"] == answer["publishedOn"] == "2020-09-03"
    assert [each["body"] for each in answer["judgements"]] == ["taskforce", "poho", "db"]
    assert {each["reference"] for each in story.api("/register")["items"]} == {
        reference(story, each) for each in (story.public, story.rejected)
    }


def test_what_is_confidential_internal_under_way_or_withdrawn_is_nowhere_in_it(story: Told) -> None:
    for why, proposal in story.hidden.items():
        known = reference(story, proposal)
        gone = story.get(f"/register/{known}")
        assert gone.status_code == 404, why
        absent = story.get("/register/RHA-1999-0001").get_data(as_text=True)
        assert gone.get_data(as_text=True).replace(known, "") == absent.replace("RHA-1999-0001", "")
        assert story.site.service.ask(None, f"/register/{known}").status_code == 404
        for place in places(story):
            assert known not in story.text(place), (why, place)


def test_no_person_and_no_words_that_are_not_public(story: Told) -> None:
    everybody = [person.name for person in story.site.service.people.values()]
    for place in places(story):
        text = story.text(place)
        assert HIDDEN not in text, place
        assert "person-" not in text
        assert "party-" not in text
        for name in ("Submitter", "Secretary", "Taskforce", "Poho"):
            assert name in everybody
            assert not re.search(rf"\b{name}\b", text), (place, name)
    assert story.api(f"/register/{reference(story, story.rejected)}")["applicant"] is None


def test_words_of_an_act_are_there_only_where_their_level_is_public(story: Told) -> None:
    judged = story.api(f"/register/{reference(story, story.rejected)}")["judgements"]
    assert [each["grounds"] for each in judged] == [None, "Openbaar gemaakte grond."]
    assert "Openbaar gemaakte grond." in story.text(f"/register/{reference(story, story.rejected)}")
    public = story.api(f"/register/{reference(story, story.public)}")["judgements"]
    assert [(each["grounds"], each["conditions"]) for each in public] == [(None, [])] * 3


def test_filters_and_words(story: Told) -> None:
    rejected, public = (reference(story, each) for each in (story.rejected, story.public))

    def found(query: str) -> set[str]:
        return {each["reference"] for each in story.api(f"/register?{query}")["items"]}

    assert found(f"q={WORD}") == {rejected, public}
    assert found(f"q={HIDDEN}") == set()  # it stands in them, where nobody may look
    assert found("q=werkplaats") == {public} | (found("q=werkplaats") - {rejected})
    assert found("outcome=rejected") == {rejected}
    assert found("year=2020") == {rejected, public}
    assert found("year=2019") == set()
    assert found("municipality=Eindhoven") == {rejected, public}
    assert found("municipality=Helmond") == set()
    assert found("theme=digitaliseren-mkb") == {rejected, public}
    assert found("programme=stimuleringsfonds") == set()
    assert found(f"q={public}") == {public}
    assert rejected in story.text("/register?outcome=rejected")
    assert public not in story.text("/register?outcome=rejected")
    assert story.get("/register?year=x").status_code == 400


def test_pages_follow_each_other(story: Told) -> None:
    first = story.site.service.ask(None, "/register?limit=1")
    link = re.search(r'<([^>]*)>; rel="next"', first.headers["Link"])
    assert link
    second = story.site.service.client().get(link[1]).json["items"]
    assert {first.json["items"][0]["reference"], second[0]["reference"]} == {
        reference(story, each) for each in (story.public, story.rejected)
    }


def test_the_feed_is_atom_with_stable_addresses(story: Told) -> None:
    response = story.get("/register/feed.atom")
    assert response.mimetype == "application/atom+xml"
    feed = ElementTree.fromstring(response.get_data(as_text=True))
    ids = [entry.findtext(f"{ATOM}id") for entry in feed.iter(f"{ATOM}entry")]
    url = story.site.service.settings.public_url
    assert set(ids) == {f"{url}/register/{reference(story, e)}" for e in (story.public, story.rejected)}
    assert feed.findtext(f"{ATOM}updated") == max(
        e.findtext(f"{ATOM}updated") or "" for e in feed.iter(f"{ATOM}entry")
    )


def test_open_data_are_the_same_in_every_language_and_say_what_they_mean(story: Told) -> None:
    dutch, english = (
        story.get("/register/open-data.csv", headers={"Accept-Language": language}).get_data(as_text=True)
        for language in ("nl", "en")
    )
    assert dutch == english
    rows = list(csv.DictReader(io.StringIO(dutch.removeprefix("\ufeff"))))
    data = story.get("/register/open-data.json").json
    assert [row["reference"] for row in rows] == [item["reference"] for item in data["items"]]
    assert {row["awarded"] for row in rows} == {"100000.00", "0.00"}
    assert set(rows[0]) == set(data["columns"]) == set(data["items"][0])
    assert all(set(each) == {"nl", "en"} for each in data["columns"].values())
    assert data["licence"].startswith("https://creativecommons.org/publicdomain/zero/")
    described = story.text("/register/open-data")
    assert "CC0 1.0" in described
    assert all(name in described for name in rows[0])
    assert len(list(csv.reader(io.StringIO(story.text("/register/open-data.csv?outcome=rejected"))))) == 2


def test_caches_may_keep_it_and_ask_whether_it_changed(story: Told) -> None:
    for place in places(story):
        response = story.get(place)
        assert "public" in response.headers["Cache-Control"], place
        again = story.get(place, headers={"If-None-Match": response.headers["ETag"]})
        assert again.status_code == 304, place
    mine = story.site.visitor("secretary").get("/register")
    assert "private" in mine.headers["Cache-Control"]


def test_a_case_that_becomes_confidential_goes_and_comes_back(story: Told) -> None:
    case = through(story.site, story.site.submitted(title="Een keer weg"), award="1000.00")
    known = reference(story, case)
    assert story.get(f"/register/{known}").status_code == 200
    done = story.site.service.done
    for level, status in (("confidential", 404), ("public", 200), ("internal", 404)):
        given = {"level": level, **({"ground": "woo-5-2"} if level == "confidential" else {})}
        done("secretary", f"/proposals/{case}/confidentiality", given)
        reference(story, case)
        assert story.get(f"/register/{known}").status_code == status, level


def test_a_programme_says_when_its_proposals_are_published(story: Told) -> None:
    done = story.site.service.done
    programme = story.site.service.told("secretary", "/programmes/regionale-herstelaanpak")
    version = programme["latestVersion"] + 1
    done(
        "admin",
        "/programmes",
        {**programme["latest"], "version": version, "publication": {"moment": "submission"}},
    )
    case = story.site.submitted(title="Meteen openbaar")
    known = reference(story, case)
    answer = story.api(f"/register/{known}")
    assert (answer["title"], answer["outcome"]) == ("Meteen openbaar", None)
    assert answer["publishedOn"] == answer["submittedOn"]
    done("submitter", f"/proposals/{case}/withdrawal", {"grounds": "Nee."})
    reference(story, case)
    assert story.api(f"/register/{known}")["outcome"] == "withdrawn"  # what was public stays so


def test_everybody_is_told_where_it_is(story: Told) -> None:
    assert "/register" in story.text("/sign-in")
    assert 'href="/register"' in story.site.visitor("submitter").text("/")


@pytest.mark.slow
@pytest.mark.parametrize("locale", ["nl", "en"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
@pytest.mark.parametrize("dark", [False, True])
def test_it_is_walked_in_a_browser_and_axe_finds_nothing(
    story: Told, opened: Opener, locale: str, viewport: dict[str, int], dark: bool
) -> None:
    page = opened(None, "/register", viewport=viewport, locale=locale, dark=dark)
    assert violations(page) == []
    page.get_by_role("link", name=f"De {WORD}").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(WORD)
    assert violations(page) == []
    page.go_back()
    page.get_by_role("link", name="Open data", exact=True).click()
    assert violations(page) == []


@pytest.mark.slow
@pytest.mark.parametrize("locale", ["nl", "en"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
def test_a_level_is_set_in_a_browser_and_axe_finds_nothing(
    story: Told, opened: Opener, locale: str, viewport: dict[str, int]
) -> None:
    case = story.site.submitted(title="In de browser")
    reference(story, case)
    page = opened("secretary", f"/proposals/{case}/confidentiality", viewport=viewport, locale=locale)
    assert violations(page) == []
    page.locator('[name="level"]').select_option("confidential")
    page.locator('[name="ground"]').select_option("woo-5-1-1-c")
    page.locator("form#classification button[type=submit]").click()
    expect(page.locator(".callout--warning")).to_contain_text("Woo 5.1")
    assert violations(page) == []
