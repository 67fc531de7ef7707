"""Where do people find the letters? With their case, in the API, in the search of auditors; and how they will look."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from service.documents import letters
from service.documents.letters import Letter
from tests.documents.conftest import Pdf
from tests.web.conftest import DESKTOP, PHONE, Site, violations


def with_letter(site: Site, proposal: str) -> Letter:
    """The confirmation of receipt of this case."""
    parts = site.service.app.extensions["besluitspoor"].parts
    return letters.issue(parts, "receipt", proposal, parts.log.load(proposal)[0].position)


@pytest.fixture(scope="module")
def case(site: Site) -> tuple[str, Letter]:
    """A case of the submitter, with its first letter."""
    proposal = site.submitted()
    return proposal, with_letter(site, proposal)


def reference(site: Site, proposal: str) -> str:
    return str(site.service.told("auditor", f"/proposals/{proposal}")["reference"])


def test_a_letter_stands_with_its_case_and_in_its_story(site: Site, case: tuple[str, Letter]) -> None:
    proposal, letter = case
    page = site.visitor("submitter").text(f"/proposals/{proposal}")
    address = f"/proposals/{proposal}/letters/{letter.id}"
    assert page.count(address) == 2
    assert "Brief gemaakt: Ontvangstbevestiging" in page
    english = site.visitor("submitter").text(f"/proposals/{proposal}", headers={"Accept-Language": "en"})
    assert "Letter made: Confirmation of receipt" in english


def test_a_case_without_letters_says_so(site: Site) -> None:
    page = site.visitor("submitter").text(f"/proposals/{site.submitted()}")
    assert "Over deze zaak zijn nog geen brieven gemaakt." in page


def test_at_a_moment_before_it_there_is_no_letter(site: Site, case: tuple[str, Letter]) -> None:
    proposal, letter = case
    visitor = site.visitor("submitter")
    parts = site.service.app.extensions["besluitspoor"].parts
    position = parts.log.load(letter.id)[0].position
    assert letter.id not in visitor.text(f"/proposals/{proposal}?atPosition={position - 1}")
    assert letter.id in visitor.text(f"/proposals/{proposal}?atPosition={position}")


def test_a_letter_downloads_as_it_was_sent(site: Site, case: tuple[str, Letter]) -> None:
    proposal, letter = case
    response = site.visitor("submitter").get(f"/proposals/{proposal}/letters/{letter.id}")
    assert response.status_code == 200
    assert response.mimetype == "application/pdf"
    assert response.headers["Content-Disposition"] == f'attachment; filename="{letter.filename}"'
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "no-store"
    assert hashlib.sha256(response.get_data()).hexdigest() == letter.sha256


@pytest.mark.parametrize("who", ["neighbour", "admin", "integration"])
def test_who_may_not_read_the_case_may_not_read_its_letters(
    site: Site, case: tuple[str, Letter], who: str
) -> None:
    proposal, letter = case
    assert site.visitor(who).get(f"/proposals/{proposal}/letters/{letter.id}").status_code == 404
    assert site.service.ask(who, f"/proposals/{proposal}/letters").status_code == 404
    assert site.service.ask(who, f"/proposals/{proposal}/letters/{letter.id}").status_code == 404


def test_a_letter_is_found_with_its_own_case_only(site: Site, case: tuple[str, Letter]) -> None:
    other = site.submitted()
    assert site.visitor("submitter").get(f"/proposals/{other}/letters/{case[1].id}").status_code == 404
    assert site.service.ask("submitter", f"/proposals/{other}/letters/{case[1].id}").status_code == 404


def test_the_api_lists_letters_and_hands_them_out(site: Site, case: tuple[str, Letter]) -> None:
    proposal, letter = case
    (item,) = site.service.told("submitter", f"/proposals/{proposal}/letters")["items"]
    assert item["id"] == letter.id
    assert (item["letter"], item["language"], item["filename"]) == ("receipt", "nl", letter.filename)
    response = site.service.ask("submitter", f"/proposals/{proposal}/letters/{letter.id}")
    assert response.status_code == 200
    assert response.mimetype == "application/pdf"
    assert response.headers["Content-Disposition"] == f'attachment; filename="{letter.filename}"'
    assert hashlib.sha256(response.get_data()).hexdigest() == item["sha256"]
    assert len(response.get_data()) == item["size"]
    again = site.service.ask(
        "submitter",
        f"/proposals/{proposal}/letters/{letter.id}",
        headers={"If-None-Match": response.headers["ETag"]},
    )
    assert again.status_code == 304


def test_the_outside_hears_where_a_letter_is(site: Site, case: tuple[str, Letter]) -> None:
    proposal, letter = case
    events = site.service.ask("integration", "/events?limit=1000").get_json(force=True)
    (event,) = [each for each in events if each["subject"] == letter.id]
    assert event["type"] == "nl.besluitspoor.letter.letter-issued.v1"
    assert event["dataref"].endswith(f"/api/v1/proposals/{proposal}/letters/{letter.id}")
    assert event["data"]["payload"]["sha256"] == letter.sha256


def test_auditors_find_a_letter_by_its_kind_its_case_and_its_programme(
    site: Site, case: tuple[str, Letter]
) -> None:
    proposal, letter = case
    visitor = site.visitor("auditor")
    address = f"/proposals/{proposal}/letters/{letter.id}"
    called = reference(site, proposal)
    for asked in (
        "kind=LetterIssued",
        f"about={called}",
        "programme=regionale-herstelaanpak&kind=LetterIssued",
    ):
        page = visitor.text(f"/audit?{asked}")
        assert address in page, asked
        assert "Ontvangstbevestiging" in page
        assert called in page
    assert address not in visitor.text("/audit?programme=stimuleringsfonds&kind=LetterIssued")


def test_the_secretariat_sees_each_letter_as_it_will_be(site: Site, case: tuple[str, Letter]) -> None:
    visitor = site.visitor("secretary")
    assert "Brieven bekijken" in visitor.text("/desk")
    page = visitor.text("/letters")
    called = reference(site, case[0])
    head = site.service.head()
    for letter in ("receipt", "supplement", "award", "refusal"):
        assert f'value="{letter}"' in page
        for about in ("", f"&reference={called}", f"&reference=%20{called.lower()}%20"):
            response = visitor.get(f"/letters/preview?letter={letter}&language=nl{about}")
            assert response.status_code == 200
            assert response.mimetype == "application/pdf"
            assert response.headers["Content-Disposition"].startswith("inline")
            text = Pdf(response.get_data()).text
            assert "Dit is een voorbeeld." in text
            assert (called in text) == bool(about)
            assert ("verzonnen" in text) == (not about or letter != "receipt")
    assert site.service.head() == head
    assert len(site.service.told("auditor", f"/proposals/{case[0]}/letters")["items"]) == 1


def test_who_looks_at_the_letters_is_told_which_bodies_have_no_address(site: Site) -> None:
    page = site.visitor("secretary").text("/letters")
    assert "Er ontbreekt een adres" in page
    assert 'href="/programmes/regionale-herstelaanpak"' in page
    assert "Dagelijks Bestuur" in page
    assert "Bestuurlijke taskforce" not in page, "it takes no decisions"
    english = site.visitor("secretary").text("/letters", headers={"Accept-Language": "en"})
    assert "An address is missing" in english
    preview = site.visitor("secretary").get("/letters/preview?letter=award&language=nl")
    assert "Van dit orgaan staat geen adres in het programma." in Pdf(preview.get_data()).text


def test_a_preview_tells_of_what_really_happened_where_it_did(site: Site) -> None:
    proposal = site.submitted(title="Werkplaats *vet* #import")
    asked = {"outcome": "supplement", "remarks": "Stuur de #begroting_.", "effectiveOn": "2020-09-02"}
    site.service.done("secretary", f"/proposals/{proposal}/completeness", asked)
    called = reference(site, proposal)
    response = site.visitor("secretary").get(
        f"/letters/preview?letter=supplement&language=en&reference={called}"
    )
    text = Pdf(response.get_data()).text
    assert "Stuur de #begroting_." in text
    assert "Werkplaats *vet* #import" in text
    assert "made up" not in text


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        ("letter=award&language=nl&reference=RHA-1999-0001", 404, "Er is geen zaak met dit kenmerk."),
        ("letter=invoice&language=nl", 400, ""),
        ("language=nl", 400, ""),
        ("letter=award&language=fr", 400, ""),
        ("letter=award&language=nl&reference=" + "x" * 50, 400, ""),
    ],
)
def test_what_cannot_be_shown_says_why(site: Site, asked: str, status: int, said: str) -> None:
    response = site.visitor("secretary").get(f"/letters/preview?{asked}")
    assert response.status_code == status
    assert "Deze brief kan niet worden getoond" in response.get_data(as_text=True)
    assert said in response.get_data(as_text=True)


def test_nobody_else_looks_at_previews(site: Site) -> None:
    for who in ("submitter", "taskforce", "auditor", "admin"):
        assert site.visitor(who).get("/letters").status_code == 403
        assert site.visitor(who).get("/letters/preview?letter=award&language=nl").status_code == 403


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("locale", ["nl", "en"])
def test_the_pages_work_for_everybody(
    opened: Callable[..., Page], served: Site, case: tuple[str, Letter], viewport: Any, locale: str
) -> None:
    page = opened("secretary", "/letters", viewport=viewport, locale=locale)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page = opened(
        "secretary",
        "/letters/preview?letter=award&language=nl&reference=none",
        viewport=viewport,
        locale=locale,
    )
    assert violations(page) == []
    page = opened("submitter", f"/proposals/{case[0]}", viewport=viewport, locale=locale)
    assert violations(page) == []
    with page.expect_download() as downloading:
        page.locator("#letters a").first.click()
    assert downloading.value.suggested_filename == case[1].filename


def test_a_preview_opens_from_the_form(opened: Callable[..., Page], served: Site, case: Any) -> None:
    page = opened("secretary", "/letters")
    page.get_by_label("Brief", exact=True).select_option("award")
    page.get_by_label("Kenmerk van de zaak").fill(reference(served, case[0]))
    with page.expect_response(lambda response: "/letters/preview" in response.url) as answered:
        page.get_by_role("button", name="Toon de brief").click(no_wait_after=True)
    assert answered.value.status == 200
    assert answered.value.headers["content-type"] == "application/pdf"
