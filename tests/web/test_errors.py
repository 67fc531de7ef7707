"""No dead end: each page about an error says what happened and what to do, and leads on."""

from __future__ import annotations

import pytest

from service.texts import catalog
from tests.web.conftest import Site

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def test_a_page_that_is_not_there_says_so_and_leads_on(site: Site) -> None:
    response = site.visitor("submitter").get("/no-such-page", headers=HTML)
    html = response.get_data(as_text=True)
    assert response.status_code == 404
    assert response.mimetype == "text/html"
    assert "Niet gevonden" in html
    assert 'href="/"' in html


def test_the_api_and_machines_get_problems_whatever_they_accept(site: Site) -> None:
    for path in ("/api/v1/nothing", "/api/v1/proposals", "/health/nothing"):
        response = site.visitor(None).get(path, headers=HTML)
        assert response.mimetype == "application/problem+json", path


def test_a_program_that_asks_for_json_gets_it_everywhere(site: Site) -> None:
    response = site.visitor(None).get("/no-such-page", headers={"Accept": "application/json"})
    assert response.mimetype == "application/problem+json"


@pytest.mark.parametrize("language", ["nl", "en"])
def test_a_method_that_a_page_does_not_take_is_explained(site: Site, language: str) -> None:
    headers = {**HTML, "Accept-Language": language}
    response = site.visitor("submitter").client.delete("/keys", headers=headers)
    assert response.status_code == 405
    assert catalog(language).title(405) in response.get_data(as_text=True)


def test_a_page_says_what_it_may_load_and_from_where(site: Site) -> None:
    response = site.visitor("submitter").get("/keys")
    policy = response.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert response.headers["Cache-Control"] == "no-store"


def test_a_file_is_kept_for_good_and_only_under_its_own_address(site: Site) -> None:
    visitor = site.visitor(None)
    html = visitor.text("/sign-in")
    address = html.split('src="')[1].split('"')[0]
    response = visitor.get(address, headers={"Accept-Encoding": "gzip"})
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert response.headers["Content-Encoding"] == "gzip"
    _, assets, _, *path = address.split("/")
    other = "/".join(["", assets, "0" * 12, *path])
    assert visitor.get(other).status_code == 404
    assert visitor.get(f"/{assets}/{'0' * 12}/../secrets.py").status_code == 404


@pytest.mark.parametrize(
    ("who", "path", "asks"),
    [("submitter", "/desk", "Vraag het secretariaat"), ("submitter", "/audit", "Vraag een beheerder"),
     ("poho", "/queue/db", "Vraag het secretariaat")],
)  # fmt: skip
def test_who_may_not_is_told_whom_to_ask(site: Site, who: str, path: str, asks: str) -> None:
    response = site.visitor(who).get(path, headers={"Accept": "text/html"})
    assert response.status_code == 403
    assert asks in response.get_data(as_text=True)


def test_an_abbreviation_is_explained_where_it_stands(site: Site) -> None:
    case = site.visitor("submitter").text(f"/proposals/{site.submitted()}")
    assert "Besluitvorming in het PHO" in case
    assert case.count("PHO is het portefeuillehoudersoverleg") == 1
