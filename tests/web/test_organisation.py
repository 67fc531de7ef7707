"""The page of an organisation, and drafts that colleagues share: seen, continued, and nothing typed is lost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import pytest

from service import organisations
from service.identity import changing
from service.identity.changing import SYSTEM
from service.identity.people import Person
from service.wiring import Parts
from tests.web.conftest import PHONE, Opener, Site, Visitor, hidden_fields, violations

PAGE = "/organisation"


@dataclass
class Team:
    """An organisation with its manager, an editor and a reader."""

    site: Site
    people: dict[str, Person]

    def visitor(self, who: str) -> Visitor:
        return self.site.visitor(who)


@pytest.fixture(scope="module")
def team(site: Site) -> Team:
    parts: Parts = site.service.app.extensions["besluitspoor"].parts
    known = site.service.people["submitter"]
    manager = replace(known, organisation_role="manager")
    changing.change(parts.log, SYSTEM, date(2026, 11, 30), known, manager)
    made = {"submitter": manager}
    for name, role in (("editor", "editor"), ("reader", "reader")):
        made[name] = organisations.invite(
            parts, manager, email=f"{name}@team.example", name=f"Collega {name}", role=role
        )
    site.service.people = {**site.service.people, **made}
    return Team(site, made)


def begun(team: Team) -> tuple[Visitor, str]:
    """The manager with a draft: the address of its first step."""
    visitor = team.visitor("submitter")
    visitor.text("/proposals/new")
    return visitor, visitor.post("/proposals/new", {"programme": "regionale-herstelaanpak"}).headers[
        "Location"
    ]


def test_a_manager_adds_changes_and_removes_a_colleague(team: Team) -> None:
    visitor = team.visitor("submitter")
    assert "Stichting submitter" in visitor.text(PAGE)
    given = {"name": "Nieuwe Collega", "email": "nieuw@team.example", "role": "reader"}
    assert visitor.post(f"{PAGE}/people", given).status_code == 303
    html = visitor.text(PAGE)
    assert "De collega is toegevoegd" in html
    assert "Nieuwe Collega" in html
    id = next(
        each["id"]
        for each in team.site.service.told("submitter", PAGE)["people"]
        if each["name"] == "Nieuwe Collega"
    )
    assert visitor.post(f"{PAGE}/people/{id}/role", {"role": "editor"}).status_code == 303
    visitor.text(PAGE)
    assert visitor.post(f"{PAGE}/people/{id}/remove", {}).status_code == 303
    assert "Nieuwe Collega" not in visitor.text(PAGE)
    me = team.people["submitter"].id
    response = visitor.post(f"{PAGE}/people/{me}/remove", {})
    assert response.status_code == 409
    assert "Een organisatie houdt minstens één beheerder" in response.get_data(as_text=True)
    visitor.text(PAGE)
    taken = visitor.post(f"{PAGE}/people", {**given, "email": "neighbour@example.org"})
    assert taken.status_code == 409
    assert "Dit adres kan niet worden toegevoegd" in taken.get_data(as_text=True)
    assert 'value="neighbour@example.org"' in taken.get_data(as_text=True)


@pytest.mark.parametrize("who", ["editor", "reader"])
def test_who_is_no_manager_sees_the_people_and_changes_nothing(team: Team, who: str) -> None:
    visitor = team.visitor(who)
    html = visitor.text(PAGE)
    assert "Collega reader" in html
    assert "Voeg een collega toe" not in html
    other = team.people["reader"].id
    for path in (f"{PAGE}/people", f"{PAGE}/people/{other}/role", f"{PAGE}/people/{other}/remove"):
        visitor.text(PAGE)
        assert visitor.post(path, {"role": "manager"}).status_code == 403


def test_a_draft_is_private_until_it_is_shared_and_then_a_colleague_goes_on_with_it(team: Team) -> None:
    visitor, step = begun(team)
    editor = team.visitor("editor")
    assert editor.get(step).status_code == 404
    assert "Alleen jij ziet dit concept" in visitor.text(step)
    assert visitor.post(step, {"title": "Samen maken", "go": "share"}).status_code == 303
    assert "gedeeld met je collega" in visitor.text(step)
    assert "Samen maken" in editor.text("/proposals/new")
    assert 'value="Samen maken"' in editor.text(step)
    assert editor.post(step, {"title": "Samen af", "go": "save"}).status_code == 303
    assert 'value="Samen af"' in visitor.text(step)
    for stranger in ("reader", "neighbour"):
        assert team.visitor(stranger).get(step).status_code in (403, 404), stranger
    assert visitor.post(step, {"title": "Samen af", "go": "unshare"}).status_code == 303
    assert editor.get(step).status_code == 404


def test_what_a_colleague_changed_meanwhile_is_told_and_nothing_typed_is_lost(team: Team) -> None:
    visitor, step = begun(team)
    visitor.text(step)
    visitor.post(step, {"title": "Eerste", "go": "share"})
    editor = team.visitor("editor")
    visitor.text(step)
    editor.text(step)
    assert editor.post(step, {"title": "Van de collega", "go": "save"}).status_code == 303
    kept = visitor.client.post(
        f"{step}/keep", data={**fields(visitor), "title": "Van mij", "version": version(visitor)}
    )
    assert "heeft dit concept intussen gewijzigd" in kept.get_data(as_text=True)
    response = visitor.post(step, {"title": "Van mij", "go": "save"})
    html = response.get_data(as_text=True)
    assert response.status_code == 409
    assert "Collega editor heeft dit concept intussen gewijzigd" in html
    assert 'value="Van mij"' in html
    assert 'value="Van de collega"' in editor.text(step)
    assert visitor.post(step, {"title": "Van mij", "go": "save"}).status_code == 303
    assert 'value="Van mij"' in editor.text(step)


def fields(visitor: Visitor) -> dict[str, str]:
    assert visitor.last is not None
    return hidden_fields(visitor.last.get_data(as_text=True))


def version(visitor: Visitor) -> str:
    return fields(visitor)["version"]


@pytest.mark.parametrize(("locale", "dark", "viewport"), [("nl", False, None), ("en", True, PHONE)])
def test_the_page_of_an_organisation_is_for_everybody(
    opened: Opener, team: Team, locale: str, dark: bool, viewport: dict[str, int] | None
) -> None:
    options = {"viewport": viewport} if viewport else {}
    for who in ("submitter", "reader"):
        page = opened(who, PAGE, locale=locale, dark=dark, **options)
        assert violations(page) == [], who
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, who
