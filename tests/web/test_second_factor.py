"""The second step on the pages and over the API: set up with a QR code, asked after the password, reset, compulsory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import psycopg
import pyotp
import pytest
from playwright.sync_api import expect

from service.identity import people, second_factor
from service.identity.people import Person
from service.settings import Settings
from service.web import half_way
from service.web.cookies import SESSION as COOKIE
from service.web.cookies import STEP
from service.web.visit import mark_of
from tests.api.conftest import PASSWORD
from tests.conftest import fresh_database
from tests.web.conftest import DESKTOP, PHONE, Opener, Site, Visitor, site_on, violations

number = iter(range(10_000))


def sql(site: Site, query: str, *facts: Any) -> list[Any]:
    with psycopg.connect(site.service.settings.database_url, autocommit=True) as connection:
        found = connection.execute(query.encode(), facts)
        return found.fetchall() if found.description else []


def somebody(site: Site, role: str = "auditor") -> Person:
    """Somebody new, with a password."""
    with psycopg.connect(site.service.settings.database_url, autocommit=True) as connection:
        return people.add(
            connection,
            email=f"iemand{next(number)}@example.org",
            name="Iemand",
            roles=[role],
            password=PASSWORD,
        )


def code(secret: str, ahead: int = 0) -> str:
    return pyotp.TOTP(secret).at(datetime.now(UTC) + timedelta(seconds=30 * ahead))


def signing_in(site: Site, person: Person, **fields: str) -> Visitor:
    """Somebody who gave the right password."""
    visitor = site.visitor(None)
    visitor.get("/sign-in")
    visitor.post("/sign-in", {"email": person.email, "password": PASSWORD, **fields})
    return visitor


def set_up(site: Site, visitor: Visitor) -> tuple[str, list[str]]:
    """The secret and the recovery codes of who is signed in, and sets it up on the pages."""
    visitor.text("/account/second-factor")
    assert visitor.post("/account/second-factor/begin", {}).status_code == 303
    html = visitor.text("/account/second-factor")
    words = re.search(r"<dd>((?:[A-Z2-7]{4} ?)+)</dd>", html)
    assert words is not None
    secret = words[1].replace(" ", "")
    picture = visitor.get("/account/second-factor/code.svg")
    assert picture.mimetype == "image/svg+xml"
    assert picture.data.startswith(b"<?xml") or picture.data.startswith(b"<svg")
    visitor.text("/account/second-factor")
    answer = visitor.post("/account/second-factor/confirm", {"code": code(secret)})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return secret, [
        unescape(each) for each in re.findall(r"<code>(.*?)</code>", answer.get_data(as_text=True))
    ]


def told(site: Site, person: Person) -> list[str]:
    rows = sql(
        site,
        "SELECT n.facts ->> 'what' FROM ledger.deliveries d JOIN ledger.notices n ON n.id = d.notice"
        " WHERE d.recipient = %s AND d.channel = 'email' ORDER BY d.id",
        person.id,
    )
    return [what for (what,) in rows]


def test_after_the_password_comes_the_code_and_only_then_is_there_a_session(site: Site) -> None:
    person = somebody(site)
    first = signing_in(site, person)
    elsewhere = signing_in(site, person)
    before = first.client.get_cookie(COOKIE)
    secret, codes = set_up(site, first)
    after = first.client.get_cookie(COOKIE)
    assert before is not None
    assert after is not None
    assert before.value != after.value, "what one may has changed, and so has the cookie"
    assert elsewhere.get("/keys").status_code == 303, "who was signed in elsewhere has to do so again"
    assert len(codes) == 10
    assert told(site, person) == ["factor-on"]

    visitor = signing_in(site, person, next="/keys?x=1")
    assert visitor.client.get_cookie(COOKIE) is None
    assert visitor.get("/keys").status_code == 303
    sessions = sql(site, "SELECT count(*) FROM web.sessions WHERE person = %s", person.id)
    assert sessions == [(1,)]
    wrong = visitor.post("/sign-in/code", {"code": "123", "next": "/keys?x=1"})
    assert (wrong.status_code, "Deze code klopt niet" in wrong.get_data(as_text=True)) == (400, True)
    good = visitor.post("/sign-in/code", {"code": code(secret, 1), "next": "/keys?x=1"})
    assert (good.status_code, good.location) == (303, "/keys?x=1")
    assert visitor.get("/keys").status_code == 200
    assert visitor.client.get_cookie(STEP) is None
    assert sql(
        site, "SELECT how FROM web.sessions WHERE person = %s ORDER BY created_at DESC LIMIT 1", person.id
    ) == [("password-and-code",)]


def test_a_code_that_was_used_is_refused(site: Site) -> None:
    person = somebody(site)
    secret, codes = set_up(site, signing_in(site, person))
    used = code(secret, 1)
    assert signing_in(site, person).post("/sign-in/code", {"code": used}).status_code == 303
    again = signing_in(site, person)
    assert again.post("/sign-in/code", {"code": used}).status_code == 400
    assert again.post("/sign-in/code", {"code": codes[0]}).status_code == 303
    assert signing_in(site, person).post("/sign-in/code", {"code": codes[0]}).status_code == 400
    assert told(site, person) == ["factor-on", "recovery-used"]


def test_there_are_few_tries_and_little_time(site: Site) -> None:
    person = somebody(site)
    secret, _ = set_up(site, signing_in(site, person))
    late = signing_in(site, person)
    sql(site, "UPDATE web.half_way SET created_at = now() - interval '11 minutes'")
    answer = late.post("/sign-in/code", {"code": code(secret, 1)})
    assert (answer.status_code, "duurde te lang" in answer.get_data(as_text=True)) == (400, True)
    guessing = signing_in(site, person)
    for _ in range(half_way.MOST_TRIES):
        assert guessing.post("/sign-in/code", {"code": "nonsense"}).status_code == 400
    for visitor in (guessing, signing_in(site, person)):
        assert visitor.post("/sign-in/code", {"code": code(secret, 1)}).status_code == 400, (
            "nor from the start"
        )
    sql(site, "UPDATE vault.second_factors SET blocked_until = now() WHERE person = %s", person.id)
    assert signing_in(site, person).post("/sign-in/code", {"code": code(secret, 1)}).status_code == 303


def test_a_code_without_the_password_is_nothing(site: Site) -> None:
    person, other = somebody(site), somebody(site)
    secret, _ = set_up(site, signing_in(site, person))
    set_up(site, signing_in(site, other))
    visitor = site.visitor(None)
    visitor.get("/sign-in")
    assert visitor.post("/sign-in/code", {"code": code(secret, 1)}).status_code == 400
    visitor.client.set_cookie(STEP, "planted")
    assert visitor.post("/sign-in/code", {"code": code(secret, 1)}).status_code == 400
    assert signing_in(site, other).post("/sign-in/code", {"code": code(secret, 1)}).status_code == 400
    assert site.visitor(None).get("/sign-in/code").status_code == 303


def test_what_was_typed_before_comes_along_through_the_second_step(site: Site) -> None:
    person = somebody(site)
    secret, _ = set_up(site, signing_in(site, person))
    with site.service.app.app_context():
        own, others = mark_of(person.id), mark_of(site.service.people["secretary"].id)
    carried = {"next": "/sign-out", "again.grounds": "Wat ik typte", "typed-by": own}
    visitor = signing_in(site, person, **carried)
    assert visitor.last is not None
    assert 'name="again.grounds"' in visitor.last.get_data(as_text=True)
    assert own in visitor.last.get_data(as_text=True)
    answer = visitor.post("/sign-in/code", {**carried, "code": code(secret, 1)})
    assert answer.status_code == 200
    html = answer.get_data(as_text=True)
    assert 'action="/sign-out"' in html
    assert "Wat ik typte" in html
    with psycopg.connect(site.service.settings.database_url, autocommit=True) as connection:
        fall_back = second_factor.new_codes(connection, person.id)
    visitor = signing_in(site, person)
    answer = visitor.post("/sign-in/code", {**carried, "typed-by": others, "code": fall_back[0]})
    assert "Wat ik typte" not in answer.get_data(as_text=True), "by somebody else it is neither seen nor sent"


def test_the_api_asks_the_code_too(site: Site) -> None:
    person = somebody(site)
    secret, _ = set_up(site, signing_in(site, person))
    who = {"email": person.email, "password": PASSWORD}
    for given, why in ((who, "code-needed"), ({**who, "code": "123456x"}, "code-wrong")):
        refused = site.service.act(None, "/tokens", given)
        assert (refused.status_code, refused.json["code"]) == (401, why)
    wrong = site.service.act(None, "/tokens", {**who, "password": "wrong", "code": code(secret, 1)})
    assert wrong.json["code"] == "wrong-password"
    used = {**who, "code": code(secret, 1)}
    assert site.service.act(None, "/tokens", used).status_code == 201
    assert site.service.act(None, "/tokens", used).json["code"] == "code-wrong"
    for _ in range(second_factor.MOST_WRONG):
        last = site.service.act(None, "/tokens", {**who, "code": "nonsense"})
    assert site.service.act(None, "/tokens", {**who, "code": "nonsense"}).json["code"] == "code-blocked", (
        last.json
    )


def test_setting_it_up_asks_a_code_that_is_right(site: Site) -> None:
    person = somebody(site)
    visitor = signing_in(site, person)
    assert visitor.get("/account/second-factor/code.svg").status_code == 303
    visitor.text("/account/second-factor")
    visitor.post("/account/second-factor/begin", {})
    visitor.text("/account/second-factor")
    refused = visitor.post("/account/second-factor/confirm", {"code": "1"})
    assert refused.status_code == 400
    assert "<img" in refused.get_data(as_text=True)
    assert signing_in(site, person).get("/keys").status_code == 200, "nothing is asked yet"


def test_a_secret_is_seen_until_it_is_confirmed_and_by_its_person_alone(site: Site) -> None:
    person = somebody(site)
    visitor = signing_in(site, person)
    secret, _ = set_up(site, visitor)
    assert visitor.get("/account/second-factor/code.svg").status_code == 303
    grouped = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
    assert grouped not in visitor.text("/account/second-factor")


def test_new_recovery_codes_and_turning_it_off_ask_a_code(site: Site) -> None:
    person = somebody(site)
    visitor = signing_in(site, person)
    _, codes = set_up(site, visitor)
    for what in ("codes", "off"):
        visitor.text("/account/second-factor")
        assert visitor.post(f"/account/second-factor/{what}", {"code": "wrong"}).status_code == 400
    visitor.text("/account/second-factor")
    renewed = visitor.post("/account/second-factor/codes", {"code": codes[0]})
    fresh = re.findall(r"<code>(.*?)</code>", renewed.get_data(as_text=True))
    assert len(fresh) == 10
    visitor.text("/account/second-factor")
    assert visitor.post("/account/second-factor/off", {"code": codes[1]}).status_code == 400, "an old one"
    visitor.text("/account/second-factor")
    assert visitor.post("/account/second-factor/off", {"code": fresh[0]}).status_code == 303
    assert signing_in(site, person).get("/keys").status_code == 200
    assert told(site, person) == [
        "factor-on", "recovery-used", "recovery-codes", "recovery-used", "factor-off",
    ]  # fmt: skip


def test_an_administrator_resets_it_and_its_person_is_told(site: Site) -> None:
    person = somebody(site)
    visitor = signing_in(site, person)
    set_up(site, visitor)
    admin = site.visitor("admin")
    assert "Zet de tweede stap uit" in admin.text(f"/admin/people/{person.id}")
    assert admin.post(f"/admin/people/{person.id}/second-factor", {}).status_code == 303
    assert visitor.get("/keys").status_code == 303
    assert signing_in(site, person).get("/keys").status_code == 200
    assert told(site, person) == ["factor-on", "factor-reset"]
    assert "Zet de tweede stap uit" not in admin.text(f"/admin/people/{person.id}")


@pytest.fixture(scope="module")
def strict(admin_url: str, template: Settings) -> Iterator[Site]:
    """A site where treasurers must have a second factor."""
    with (
        fresh_database(admin_url, template) as settings,
        site_on(replace(settings, second_factor_roles=frozenset({"treasurer"}))) as made,
    ):
        yield made


def test_who_must_have_one_sees_nothing_else_until_there_is_one(strict: Site) -> None:
    person = somebody(strict, "treasurer")
    visitor = signing_in(strict, person)
    for path in ("/", "/money", "/account", "/account/tokens", "/inbox"):
        answer = visitor.get(path)
        assert (answer.status_code, answer.location) == (303, "/account/second-factor"), path
    visitor.text("/account/second-factor")
    assert visitor.post("/account/tokens", {"name": "x", "scope": "act", "days": "1"}).status_code == 303
    assert sql(strict, "SELECT count(*) FROM vault.tokens WHERE person = %s", person.id) == [(0,)]
    refused = strict.service.act(None, "/tokens", {"email": person.email, "password": PASSWORD})
    assert (refused.status_code, refused.json["code"]) == (403, "second-factor-needed")
    secret, _ = set_up(strict, visitor)
    assert visitor.get("/money").status_code == 200
    again = signing_in(strict, person)
    assert again.post("/sign-in/code", {"code": code(secret, 1)}).status_code == 303
    assert again.get("/money").status_code == 200


def test_who_need_not_have_one_is_not_asked(strict: Site) -> None:
    assert signing_in(strict, somebody(strict, "auditor")).get("/").status_code == 200
    assert signing_in(strict, somebody(strict, "treasurer")).post("/sign-out", {}).status_code in (303, 409)


@pytest.mark.slow
@pytest.mark.parametrize("locale", ["nl", "en"])
def test_it_is_set_up_and_used_in_a_browser_without_scripts(
    opened: Opener, served: Site, locale: str
) -> None:
    person = somebody(served)
    page = opened(None, "/sign-in?next=/account/second-factor", locale=locale, scripts=False, viewport=PHONE)

    def sign_in() -> None:
        page.locator("#email").fill(person.email)
        page.locator("#password").fill(PASSWORD)
        page.locator("form button[type=submit]").first.click()

    sign_in()
    page.locator("#begin button[type=submit]").click()
    picture = page.locator("main img")
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("image => image.naturalWidth > 100")
    secret = page.locator("main dd").first.inner_text().replace(" ", "")
    page.locator("#confirm-code").fill(code(secret))
    page.locator("#confirm button[type=submit]").click()
    expect(page.locator("#recovery-codes li")).to_have_count(10)
    page.context.clear_cookies(name=COOKIE)
    page.goto(f"{served.address}/sign-in")
    sign_in()
    page.locator("#code").fill(code(secret, 1))
    page.locator("#second-step button[type=submit]").click()
    page.wait_for_url("**/")


@pytest.mark.slow
@pytest.mark.parametrize("locale", ["nl", "en"])
def test_the_pages_are_for_everybody(opened: Opener, served: Site, locale: str) -> None:
    person = somebody(served)
    for viewport, dark in ((PHONE, True), (DESKTOP, False)):
        page = opened(
            None, "/sign-in?next=/account/second-factor", locale=locale, viewport=viewport, dark=dark
        )

        def fine() -> None:
            assert violations(page) == [], page.url  # noqa: B023
            assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]  # noqa: B023

        page.locator("#email").fill(person.email)
        page.locator("#password").fill(PASSWORD)
        page.locator("form button[type=submit]").first.click()
        fine()
        page.locator("#begin button[type=submit]").click()
        fine()
        secret = page.locator("main dd").first.inner_text().replace(" ", "")
        page.locator("#confirm-code").fill(code(secret))
        page.locator("#confirm button[type=submit]").click()
        fine()
        page.goto(f"{served.address}/account/second-factor")
        fine()
        page.goto(f"{served.address}/account")
        fine()
        page.context.clear_cookies(name=COOKIE)
        page.goto(f"{served.address}/sign-in")
        page.locator("#email").fill(person.email)
        page.locator("#password").fill(PASSWORD)
        page.locator("form button[type=submit]").first.click()
        fine()
        page.locator("#code").fill("wrong")
        page.locator("#second-step button[type=submit]").click()
        fine()
        with psycopg.connect(served.service.settings.database_url, autocommit=True) as connection:
            second_factor.remove(connection, person.id)
