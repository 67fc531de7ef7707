"""Everybody sees what is held about them, takes it along, and can ask to be erased."""

from __future__ import annotations

import json

import pytest

from tests.web.conftest import PHONE, Opener, Site, violations

PAGE = "/account/data"


def test_everything_that_is_held_stands_on_one_page(site: Site) -> None:
    site.submitted(title="Mijn eigen voorstel")
    visitor = site.visitor("submitter")
    html = visitor.text(PAGE)
    for said in (
        "submitter@example.org",
        "Stichting submitter",
        "Voorstel ingediend",
        "Waar je bent aangemeld",
    ):
        assert said in html, said
    assert "neighbour@example.org" not in html


def test_the_file_has_what_the_api_answers(site: Site) -> None:
    response = site.visitor("auditor").get(f"{PAGE}/file")
    assert response.headers["Content-Disposition"] == 'attachment; filename="besluitspoor.json"'
    kept = json.loads(response.get_data(as_text=True))
    assert kept["person"]["email"] == "auditor@example.org"
    assert set(kept) == set(site.service.told("auditor", "/people/me/data"))


def test_one_asks_to_be_erased_once_and_is_told_so(site: Site) -> None:
    visitor = site.visitor("neighbour")
    assert "Vraag om wissen" in visitor.text(PAGE)
    before = site.service.head()
    assert visitor.post(f"{PAGE}/erasure", {}).status_code == 303
    html = visitor.text(PAGE)
    assert "Je hebt hierom gevraagd" in html
    assert "Vraag om wissen" not in html
    assert visitor.post(f"{PAGE}/erasure", {}).status_code == 303
    assert site.service.head() == before + 1


@pytest.mark.parametrize(("locale", "dark", "viewport"), [("nl", False, None), ("en", True, PHONE)])
def test_the_pages_of_data_and_erasure_are_for_everybody(
    opened: Opener, site: Site, locale: str, dark: bool, viewport: dict[str, int] | None
) -> None:
    site.submitted()
    options = {"viewport": viewport} if viewport else {}
    erasure = f"/admin/people/{site.service.people['db'].id}/erasure"
    for who, path in (("submitter", PAGE), ("db", PAGE), ("admin", erasure)):
        page = opened(who, path, locale=locale, dark=dark, **options)
        assert violations(page) == [], path
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, path
