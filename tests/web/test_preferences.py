"""How do I want to hear things? What is chosen is kept, what the law requires cannot be turned off, others stay out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import time, timedelta
from typing import Any

import psycopg
import pytest
from playwright.sync_api import expect

from projections.notices import KINDS
from service.identity import people
from service.messaging import preferences
from service.messaging.preferences import CHOOSABLE, Hearing
from service.web.preferences import ALWAYS, AT_THE_END, GROUPS
from tests.web.conftest import DESKTOP, PHONE, Opener, Site, Visitor, violations
from tests.web.hands import Hands, Keyboard, Pointer

PATH = "/inbox/preferences"


@pytest.fixture(autouse=True)
def nothing_chosen(site: Site) -> Iterator[None]:
    yield
    with database(site) as connection:
        connection.execute("DELETE FROM vault.hearing")
        connection.execute("DELETE FROM vault.preferences")


def database(site: Site) -> psycopg.Connection[Any]:
    return psycopg.connect(site.service.settings.database_url, autocommit=True)


def modes(site: Site, who: str) -> dict[tuple[str, str], str]:
    with database(site) as connection:
        return preferences.modes(connection, site.service.people[who].id)


def hearing(site: Site, who: str) -> Hearing:
    with database(site) as connection:
        return preferences.hearing(connection, site.service.people[who].id)


def chosen(visitor: Visitor) -> dict[str, str]:
    """What the form of the page holds, as a browser would send it."""
    assert visitor.last is not None
    html = visitor.last.get_data(as_text=True)
    found = {}
    for name, options in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', html, re.DOTALL):
        selected = re.search(r'value="([^"]*)" selected', options)
        found[name] = selected[1] if selected else ""
    language = re.search(r'name="language" value="(\w+)" checked', html)
    return {**found, "language": language[1] if language else "nl"}


def keep(visitor: Visitor, **changes: str) -> int:
    """Opens the page, changes this, and sends it."""
    visitor.text(PATH)
    fields = {**chosen(visitor), **{name.replace("__", "."): value for name, value in changes.items()}}
    return visitor.post(PATH, fields).status_code


def test_every_kind_stands_on_the_page_once() -> None:
    shown = [kind for kinds in GROUPS.values() for kind in kinds]
    assert sorted(shown) == sorted(CHOOSABLE)
    assert set(ALWAYS) | set(AT_THE_END) <= set(KINDS)


def test_what_is_chosen_is_kept_and_the_rest_stays_as_it_was(site: Site) -> None:
    visitor = site.visitor("taskforce")
    before = modes(site, "taskforce")
    changes = {"kinds__turn__email": "daily", "kinds__advised__inbox": "off"}
    assert keep(visitor, **changes, quietFrom="19:00", quietUntil="07:30", language="en") == 303
    after = modes(site, "taskforce")
    assert after == {**before, ("turn", "email"): "daily", ("advised", "inbox"): "off"}
    assert hearing(site, "taskforce") == Hearing("en", time(19), time(7, 30))
    said = visitor.text(PATH)
    assert "Vanaf nu hoor je het zo" in said
    assert 'value="19:00"' in said
    assert modes(site, "poho") == before, "of another"


def test_what_the_law_requires_is_shown_and_not_asked(site: Site) -> None:
    said = site.visitor("submitter").text(PATH)
    assert "Altijd, en meteen" in said
    assert "Je kunt het niet uitzetten" in said
    for kind in ALWAYS:
        assert f"kinds.{kind}." not in said
    assert "dan krijg je het altijd meteen" in said
    assert "Een budget is geopend" not in said, "of no use to who only submits"
    member = site.visitor("taskforce").text(PATH)
    assert "Altijd, en meteen" not in member
    assert "Je voorstel is ontvangen" not in member


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"quietFrom": "19:00"}, "begin en een einde"),
        ({"quietFrom": "25:00", "quietUntil": "07:00"}, "uren en minuten"),
        ({"quietFrom": "19:00", "quietUntil": "19:00"}, "gelijk"),
        ({"quietFrom": "00:00", "quietUntil": "23:59"}, "Stille uren duren hooguit 16 uur"),
        ({"absentFrom": "2030-02-02", "absentUntil": "2030-02-01"}, "voor het begin"),
        ({"absentUntil": "2030-02-01"}, "eerste dag"),
        ({"kinds__turn__email": "hourly"}, "Maak hier een keuze"),
        ({"kinds__nonsense__email": "daily"}, "Maak hier een keuze"),
        ({"standIn": "person-nobody"}, "kan je niet vervangen"),
        ({"language": "fr"}, "Maak hier een keuze"),
    ],
)
def test_what_cannot_be_is_refused_beside_the_field_and_nothing_is_kept(
    site: Site, wrong: dict[str, str], said: str
) -> None:
    visitor = site.visitor("taskforce")
    before = modes(site, "taskforce")
    assert keep(visitor, kinds__advised__email="off", **wrong) == 400
    assert visitor.last is not None
    html = visitor.last.get_data(as_text=True)
    assert said in html
    assert chosen(visitor).get("kinds.advised.email") == "off", "what was chosen is still there"
    assert modes(site, "taskforce") == before
    assert hearing(site, "taskforce") == Hearing()


def test_a_stand_in_is_chosen_from_who_may_see_the_same(site: Site) -> None:
    with database(site) as connection:
        other = people.by_email(connection, "second@example.org") or people.add(
            connection, email="second@example.org", name="Tweede lid", roles=["member"], bodies=["taskforce"]
        )
    visitor = site.visitor("taskforce")
    said = visitor.text(PATH)
    assert "Tweede lid" in said
    assert "Submitter" not in said.split('name="standIn"')[1].split("</select>")[0]
    today = site.service.app.extensions["besluitspoor"].parts.calendar().today
    until = today + timedelta(days=3)
    assert keep(visitor, absentFrom=today.isoformat(), absentUntil=until.isoformat(), standIn=other.id) == 303
    assert hearing(site, "taskforce").stand_in == other.id
    away = visitor.text(PATH)
    assert "Je staat als afwezig" in away
    assert "Tweede lid krijgt zolang je mail" in away


def test_who_gets_no_mail_is_told(site: Site) -> None:
    with database(site) as connection:
        connection.execute(
            "INSERT INTO vault.undeliverable (email, reason) VALUES ('Treasurer@example.org', '550')"
        )
    assert "Mail aan jou komt niet aan" in site.visitor("treasurer").text(PATH)
    assert "Mail aan jou komt niet aan" not in site.visitor("poho").text(PATH)


@pytest.mark.parametrize(
    ("viewport", "locale", "dark"),
    [(DESKTOP, "nl", False), (DESKTOP, "en", True), (PHONE, "nl", True), (PHONE, "en", False)],
)
def test_it_is_accessible_and_fits(opened: Opener, viewport: dict[str, int], locale: str, dark: bool) -> None:
    for who in ("submitter", "taskforce"):
        page = opened(who, PATH, viewport=viewport, locale=locale, dark=dark)
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
@pytest.mark.parametrize("hands", [Pointer(), Keyboard()], ids=["mouse", "keyboard"])
def test_choosing_in_a_browser(opened: Opener, served: Site, hands: Hands, scripts: bool) -> None:
    page = opened("taskforce", PATH, scripts=scripts)
    hands.choose(page, "select[name='kinds.turn.email'] option[value='weekly']")
    hands.choose(page, "input[name='language'][value='en']")
    hands.press(page, "#preferences button[type='submit']")
    expect(page.locator("[data-recorded]")).to_contain_text("Bewaard")
    assert modes(served, "taskforce")["turn", "email"] == "weekly"
    assert hearing(served, "taskforce").language == "en"
