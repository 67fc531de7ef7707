"""Before what somebody signs in with changes they show who they are, when that is a while ago; nothing is lost."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import psycopg
import pytest
from werkzeug.test import TestResponse

from service.identity import guard, identities, second_factor
from service.identity.people import Person
from service.web.cookies import SESSION as COOKIE
from tests.api.conftest import PASSWORD
from tests.web.conftest import DESKTOP, PHONE, Opener, Site, Visitor, violations
from tests.web.test_second_factor import code, set_up, signing_in, somebody, sql, told

TOKEN = {"name": "Zaaksysteem", "days": "30", "scope": "act", "acts": ["submit", "read-cases"]}
ASKS = "Ben jij het nog?"


def a_while_passes(site: Site) -> None:
    """As when eleven minutes have passed since everybody showed who they are."""
    sql(site, "UPDATE web.sessions SET shown_at = now() - interval '11 minutes'")


def late(site: Site) -> tuple[Visitor, Person]:
    """Somebody new, who signed in a while ago."""
    who = somebody(site)
    visitor = signing_in(site, who)
    a_while_passes(site)
    return visitor, who


def is_asked(response: TestResponse) -> bool:
    """Is this the page that asks who it is, or does it lead there?"""
    if response.status_code == 303:
        return response.location.startswith("/account/confirm?")
    return response.status_code == 401 and ASKS in response.get_data(as_text=True)


def carried(html: str) -> dict[str, Any]:
    """What the page carries along, as its form sends it."""
    found: dict[str, Any] = {}
    form = html[html.index('id="confirm"') :].partition("</form>")[0]
    for name, value in re.findall(r'<textarea name="([^"]*)" hidden>\n?(.*?)</textarea>', form, re.DOTALL):
        found.setdefault(name, []).append(unescape(value))
    for name in ("next", "typed-by"):
        value = re.search(rf'name="{name}" value="([^"]*)"', form)
        if value:
            found[name] = unescape(value[1])
    return found


@pytest.mark.parametrize(
    ("page", "path", "fields"),
    [
        ("/account/tokens", "/account/tokens", TOKEN),
        ("/account/tokens", "/account/tokens/0123456789abcdef/revoke", {}),
        ("/account/sessions", "/account/sessions/end-others", {}),
        ("/account/sessions", "/account/sessions/session-01234567-89ab-cdef-0123-456789abcdef/end", {}),
        ("/account/passkeys", "/account/passkeys", {"name": "Laptop", "credential": "{}"}),
        ("/account/passkeys", "/account/passkeys/passkey-01234567-89ab-cdef-0123-456789abcdef/remove", {}),
        ("/account/second-factor", "/account/second-factor/begin", {}),
        ("/account/second-factor", "/account/second-factor/confirm", {"code": "123456"}),
        ("/account/second-factor", "/account/second-factor/codes", {"code": "123456"}),
        ("/account/second-factor", "/account/second-factor/off", {"code": "123456"}),
        ("/account", "/account/password", {"current": PASSWORD, "password": "vier gele fietsen"}),
    ],
)
def test_whatever_one_signs_in_with_changes_only_shortly_after_one_showed_who_one_is(
    site: Site, page: str, path: str, fields: dict[str, Any]
) -> None:
    visitor, person = late(site)
    visitor.text(page)
    response = visitor.post(path, fields)
    assert is_asked(response), response.status_code
    html = response.get_data(as_text=True)
    for secret in ("vier gele fietsen", PASSWORD, "123456", "{}"):
        assert f">{secret}<" not in html, "no secret stands on the page"
    assert told(site, person) == []
    assert sql(site, "SELECT count(*) FROM vault.second_factors WHERE person = %s", person.id) == [(0,)]


@pytest.mark.parametrize("path", ["links/identity-1/end", "link", "password", "invite", "second-factor"])
def test_so_does_what_somebody_else_signs_in_with(site: Site, path: str) -> None:
    person = somebody(site)
    admin = site.visitor("admin")
    a_while_passes(site)
    admin.text(f"/admin/people/{person.id}")
    assert is_asked(admin.post(f"/admin/people/{person.id}/{path}", {"account": "ABCD-2345"}))


def test_so_does_the_address_of_somebody_and_nothing_else_of_them(site: Site) -> None:
    person = somebody(site)
    given = {"name": person.name, "email": person.email, "roles": ["auditor"], "organisationRole": "editor"}
    admin = site.visitor("admin")
    a_while_passes(site)
    admin.text(f"/admin/people/{person.id}")
    assert admin.post(f"/admin/people/{person.id}", {**given, "name": "Iemand anders"}).status_code == 303
    admin.text(f"/admin/people/{person.id}")
    assert is_asked(admin.post(f"/admin/people/{person.id}", {**given, "email": "ander@example.org"}))
    assert sql(site, "SELECT email FROM vault.people WHERE id = %s", person.id) == [(person.email,)]


def test_a_button_alone_is_there_to_be_pressed_again(site: Site) -> None:
    person, boss = somebody(site), somebody(site, "admin")
    admin = signing_in(site, boss)
    a_while_passes(site)
    admin.text(f"/admin/people/{person.id}")
    asked = admin.post(f"/admin/people/{person.id}/invite", {})
    fields = carried(asked.get_data(as_text=True))
    again = admin.post("/account/confirm", {**fields, "password": PASSWORD})
    assert f'action="/admin/people/{person.id}/invite"' in again.get_data(as_text=True)
    assert admin.post(f"/admin/people/{person.id}/invite", {}).status_code == 303
    a_while_passes(site)
    admin.text("/account/sessions")
    fields = carried(admin.post("/account/sessions/end-others", {}).get_data(as_text=True))
    shown = admin.post("/account/confirm", {**fields, "password": PASSWORD})
    assert shown.location == "/account/sessions/end-others", "which asks first"


def test_what_was_typed_goes_along_and_is_done_after_that(site: Site) -> None:
    visitor, person = late(site)
    before = visitor.client.get_cookie(COOKIE)
    visitor.text("/account/tokens")
    html = visitor.post("/account/tokens", TOKEN).get_data(as_text=True)
    fields = carried(html)
    assert fields["next"] == "/account/tokens"
    shown = visitor.post("/account/confirm", {**fields, "password": PASSWORD})
    assert shown.status_code == 200
    again = shown.get_data(as_text=True)
    assert "Zaaksysteem" in again
    assert 'action="/account/tokens"' in again
    after = visitor.client.get_cookie(COOKIE)
    assert before is not None
    assert after is not None
    assert before.value != after.value, "what the cookie is good for is more than before"
    made = visitor.post("/account/tokens", TOKEN)
    assert (made.status_code, "bst_" in made.get_data(as_text=True)) == (200, True)
    assert told(site, person) == ["token-made"]
    visitor.text("/account/sessions")
    assert visitor.post("/account/sessions/end-others", {}).status_code == 303, (
        "it is not asked again at once"
    )


def test_a_wrong_password_keeps_what_was_typed_and_counts(site: Site) -> None:
    visitor, person = late(site)
    visitor.text("/account/tokens")
    fields = carried(visitor.post("/account/tokens", TOKEN).get_data(as_text=True))
    wrong = visitor.post("/account/confirm", {**fields, "password": "not this one"})
    html = wrong.get_data(as_text=True)
    assert (wrong.status_code, "Dit is niet je wachtwoord" in html) == (400, True)
    assert carried(html) == fields
    for _ in range(guard.BY_BOTH - 1):
        visitor.post("/account/confirm", {**fields, "password": "not this one"})
    held = visitor.post("/account/confirm", {**fields, "password": PASSWORD})
    assert held.status_code == 429
    assert int(held.headers["Retry-After"]) > 0
    assert carried(held.get_data(as_text=True)) == fields
    elsewhere = site.visitor(None)
    elsewhere.get("/sign-in")
    answer = elsewhere.post("/sign-in", {"email": person.email, "password": PASSWORD})
    assert answer.status_code == 429, "it is one count with that of signing in"
    ways = sql(site, "SELECT DISTINCT way, outcome FROM vault.sign_ins WHERE person = %s", person.id)
    assert {("anew", "refused"), ("anew", "locked")} <= set(ways)


def test_where_there_is_a_second_factor_the_code_is_asked_too(site: Site) -> None:
    person = somebody(site)
    first = signing_in(site, person)
    secret, codes = set_up(site, first)
    a_while_passes(site)
    assert is_asked(first.get("/account/password"))
    assert 'name="code"' in first.text("/account/confirm")
    for fields, words in (
        ({"password": PASSWORD}, "Deze code klopt niet"),
        ({"password": PASSWORD, "code": "1"}, "Deze code klopt niet"),
        ({"password": "not this one", "code": code(secret, 1)}, "Dit is niet je wachtwoord"),
    ):
        first.text("/account/confirm")
        refused = first.post("/account/confirm", fields)
        assert (refused.status_code, words in refused.get_data(as_text=True)) == (400, True), fields
    assert is_asked(first.get("/account/password"))
    first.text("/account/confirm")
    given = {"password": PASSWORD, "code": codes[0], "next": "/account/password"}
    good = first.post("/account/confirm", given)
    assert (good.status_code, good.location) == (303, "/account/password")
    assert first.get("/account/password").status_code == 200
    assert told(site, person) == ["factor-on", "recovery-used"]


def test_too_many_wrong_codes_are_too_many_there_too(site: Site) -> None:
    person = somebody(site)
    visitor = signing_in(site, person)
    secret, _ = set_up(site, visitor)
    a_while_passes(site)
    for _ in range(second_factor.MOST_WRONG):
        visitor.text("/account/confirm")
        visitor.post("/account/confirm", {"password": PASSWORD, "code": "nonsense"})
    visitor.text("/account/confirm")
    blocked = visitor.post("/account/confirm", {"password": PASSWORD, "code": code(secret, 1)})
    assert "te vaak een verkeerde code" in blocked.get_data(as_text=True)


@pytest.mark.parametrize("to", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x"])
def test_nobody_is_sent_to_another_site_after_that(site: Site, to: str) -> None:
    visitor, _ = late(site)
    visitor.text("/account/confirm", query_string={"next": to})
    assert visitor.post("/account/confirm", {"password": PASSWORD, "next": to}).location == "/"
    assert visitor.get("/account/confirm", query_string={"next": to}).location == "/"


def test_what_somebody_else_typed_is_neither_shown_nor_sent(site: Site) -> None:
    visitor, _ = late(site)
    other, _ = late(site)
    other.text("/account/tokens")
    fields = carried(other.post("/account/tokens", TOKEN).get_data(as_text=True))
    visitor.text("/account/confirm")
    answer = visitor.post("/account/confirm", {**fields, "password": PASSWORD})
    assert "Zaaksysteem" not in answer.get_data(as_text=True)


def test_a_form_without_a_token_of_the_session_shows_nothing(site: Site) -> None:
    visitor, _ = late(site)
    visitor.text("/account/confirm")
    assert visitor.client.post("/account/confirm", data={"password": PASSWORD}).status_code == 409
    assert is_asked(visitor.get("/account/password"))


def test_who_has_nothing_to_show_is_told_whom_to_ask(site: Site) -> None:
    visitor = site.visitor("auditor")
    a_while_passes(site)
    html = visitor.text("/account/confirm")
    assert "Vraag de beheerder om een uitnodiging" in html
    assert 'id="confirm"' not in html
    assert visitor.post("/account/confirm", {"password": ""}).status_code == 400


def test_an_account_elsewhere_that_the_settings_name_no_more_is_no_way_to_show_it(site: Site) -> None:
    visitor = site.visitor("treasurer")
    with psycopg.connect(site.service.settings.database_url, autocommit=True) as connection:
        identities.link(connection, "https://login.example.org", "t", site.service.people["treasurer"].id)
    a_while_passes(site)
    assert "Vraag de beheerder om een uitnodiging" in visitor.text("/account/confirm")
    assert visitor.post("/account/confirm/with/nobody", {}).status_code == 404


@pytest.mark.slow
@pytest.mark.parametrize("scripts", [True, False])
def test_a_token_is_made_a_while_after_signing_in_and_nothing_is_typed_twice(
    opened: Opener, served: Site, scripts: bool
) -> None:
    person = somebody(served)
    page = opened(None, "/sign-in?next=/account/tokens", scripts=scripts, viewport=PHONE)
    page.locator("#email").fill(person.email)
    page.locator("#password").fill(PASSWORD)
    page.locator("form button[type=submit]").first.click()
    page.locator("#token-name").fill("Zaaksysteem van ons")
    a_while_passes(served)
    page.locator("#token button[type=submit]").click()
    page.locator("#password").fill(PASSWORD)
    page.locator("#confirm button[type=submit]").click()
    page.locator("dd", has_text="Zaaksysteem van ons").wait_for()
    page.locator("main form[action] button[type=submit]").click()
    page.get_by_text("bst_").wait_for()


@pytest.mark.slow
@pytest.mark.parametrize("locale", ["nl", "en"])
def test_the_page_is_for_everybody(opened: Opener, served: Site, locale: str) -> None:
    person = somebody(served)
    for viewport, dark in ((PHONE, True), (DESKTOP, False)):
        page = opened(None, "/sign-in?next=/keys", locale=locale, viewport=viewport, dark=dark)
        page.locator("#email").fill(person.email)
        page.locator("#password").fill(PASSWORD)
        page.locator("form button[type=submit]").first.click()
        page.wait_for_url("**/keys")
        a_while_passes(served)
        page.goto(f"{served.address}/account/password")
        assert violations(page) == []
        page.locator("#password").fill("not this one")
        page.locator("#confirm button[type=submit]").click()
        page.locator("#wrong").wait_for()
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
