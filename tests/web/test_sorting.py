"""Tables are sorted by what the address says, without scripts, and page by page it is the same order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

import pytest

from service.settings import Settings
from service.web import event_search, queues, terms
from tests.conftest import fresh_database
from tests.web.conftest import Site, Visitor, site_on


@pytest.fixture(scope="module")
def site(admin_url: str, template: Settings) -> Iterator[Site]:
    """Cases that came in on other days than in the order of their age, and envelopes of which the amounts differ."""
    with fresh_database(admin_url, template) as settings, site_on(settings) as made:
        for number, day in enumerate(("2020-09-07", "2020-09-01", "2020-10-05", "2020-09-03"), 1):
            made.submitted(title=f"Voorstel {number}", effectiveOn=day)
        for code, name, amount in (
            ("a", "Zuid", "9.00"),
            ("b", "midden", "1000.00"),
            ("c", "Noord", "80.00"),
        ):
            made.service.done(
                "treasurer",
                "/envelopes",
                {
                    "code": code,
                    "name": name,
                    "body": "poho",
                    "programme": "regionale-herstelaanpak",
                    "sources": [{"source": "Regio", "amount": amount}],
                    "effectiveOn": "2020-01-01",
                },
            )
        made.service.told("treasurer", "/envelopes/c")
        yield made


def shown(html: str, what: str) -> list[str]:
    return re.findall(what, html)


def whole(visitor: Visitor, path: str, what: str) -> list[str]:
    """What all pages of a list show, one after the other."""
    found: list[str] = []
    for _ in range(60):
        html = visitor.text(path)
        found += shown(html, what)
        onward = re.search(r'rel="next" href="([^"]+)"', html)
        if onward is None:
            return found
        path = unescape(onward[1])
    raise AssertionError("there is no end to it")


ORDERS = [
    ("due", [2, 4, 1, 3]),
    ("-due", [3, 1, 4, 2]),
    ("since", [2, 4, 1, 3]),
    ("-since", [3, 1, 4, 2]),
    ("proposal", [1, 2, 3, 4]),
    ("-proposal", [4, 3, 2, 1]),
    ("nonsense", [2, 4, 1, 3]),
]


@pytest.mark.parametrize(("sort", "order"), ORDERS)
@pytest.mark.parametrize("path", ["/terms?body=secretariat&", "/terms?", "/queue/secretariat?"])
def test_what_waits_is_sorted_by_its_term_since_when_it_waits_and_its_age(
    site: Site, monkeypatch: pytest.MonkeyPatch, path: str, sort: str, order: list[int]
) -> None:
    visitor = site.visitor("secretary")
    expected = [f"Voorstel {number}" for number in order]
    assert shown(visitor.text(f"{path}sort={sort}"), r"Voorstel \d") == expected
    # Page by page too, where there are pages.
    monkeypatch.setattr(terms, "MOST", 1)
    monkeypatch.setattr(queues, "MOST", 1)
    if path != "/terms?":
        assert whole(visitor, f"{path}sort={sort}", r"Voorstel \d") == expected


def test_the_head_says_how_a_table_is_sorted_and_leads_to_the_other_way(site: Site) -> None:
    visitor = site.visitor("secretary")
    for path in ("/terms", "/queue/secretariat"):
        html = visitor.text(path)
        assert 'aria-sort="ascending"' in html
        assert f'href="{path}?sort=-due"' in html
        turned = visitor.text(f"{path}?sort=-due&programme=regionale-herstelaanpak&page=1")
        assert 'aria-sort="descending"' in turned
        assert f'href="{path}?sort=due&amp;programme=regionale-herstelaanpak"' in turned or (
            f'href="{path}?programme=regionale-herstelaanpak&amp;sort=due"' in turned
        )


@pytest.mark.parametrize(
    ("sort", "codes"),
    [
        ("", "abc"),
        ("name", "bca"),
        ("-name", "acb"),
        ("amount", "acb"),
        ("-left", "bca"),
        ("nonsense", "abc"),
    ],
)
def test_envelopes_are_sorted_by_name_and_by_amounts_as_numbers(site: Site, sort: str, codes: str) -> None:
    html = site.visitor("submitter").text(f"/money?sort={sort}")
    rows = html[html.index("<table", html.index("aria-sort") - 2000 if "aria-sort" in html else 0) :]
    found = re.findall(r'<a class="utrecht-link" href="/money/([abc])', rows)
    assert found[-3:] == list(codes)


@pytest.mark.parametrize("sort", ["name", "-name", "email", "-email"])
def test_people_are_sorted_by_name_or_address(site: Site, sort: str) -> None:
    html = site.visitor("admin").text(f"/admin?sort={sort}")
    names = re.findall(r'href="/admin/people/person-[^"]+">([^<]+)', html)
    addresses = re.findall(r"([a-z]+)<wbr>@example", html)
    by = addresses if "email" in sort else [name.casefold() for name in names]
    assert len(by) == len(set(site.service.people)) > 5
    assert by == sorted(by, reverse=sort.startswith("-"))


@pytest.mark.parametrize(
    "asked", ["", "kind=StageOpened&", "about=RHA&", "words=voorstel&", "recordedFrom=2020-01-01&"]
)
def test_the_log_is_read_from_either_end(site: Site, monkeypatch: pytest.MonkeyPatch, asked: str) -> None:
    auditor = site.visitor("auditor")
    event = r'id="event-(\d+)"'
    newest = whole(auditor, f"/audit?{asked}", event)
    assert len(newest) > 3
    assert whole(auditor, f"/audit?{asked}sort=position", event) == newest[::-1]
    # In stretches that end in between, and with many pages.
    monkeypatch.setattr(event_search, "FIRST_STRETCH", 2)
    monkeypatch.setattr("service.web.audit.PAGE", 3)
    assert whole(auditor, f"/audit?{asked}sort=position", event) == newest[::-1]
    assert whole(auditor, f"/audit?{asked}sort=-position", event) == newest
