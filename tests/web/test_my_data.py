"""Everybody sees what is held about them, takes it along, and can ask to be erased."""

from __future__ import annotations

import json

import psycopg
import pytest

from service import held
from service.web import my_data
from service.web.rendering import has_text
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


def test_every_table_and_column_that_can_be_held_has_a_name_in_words(site: Site) -> None:
    with psycopg.connect(site.service.settings.database_owner_url) as connection:
        found = {(each.schema, each.table) for each in held.places(connection)}
        columns = [
            (schema, table, column)
            for schema, table in found
            for (column,) in connection.execute(
                "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s",
                (schema, table),
            ).fetchall()
        ]
    wanted = {f"my-data.table-{schema}-{table}" for schema, table in found} | {
        f"my-data.column-{column}"
        for _, _, column in columns
        if column != "person" and not any(part in column for part in held.SECRET)
    }
    with site.service.app.test_request_context():
        assert [key for key in sorted(wanted) if not has_text(key)] == []


def test_of_much_the_newest_stands_on_the_page_and_all_of_it_in_the_file(site: Site) -> None:
    proposals = [site.submitted() for _ in range(my_data.NEWEST + 1)]
    visitor = site.visitor("submitter")
    page = visitor.text("/account/data")
    assert f"Dit zijn de laatste {my_data.NEWEST} van " in page
    file = visitor.text("/account/data/file")
    assert all(proposal in file for proposal in proposals)
