"""Sessions: their cookie changes now and then without a page noticing, and their person sees and ends them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from service.identity import people
from service.web import sessions
from service.web.browsers import browser_of
from service.web.cookies import SESSION as COOKIE
from tests.api.conftest import PASSWORD
from tests.web.conftest import PHONE, Opener, Site, Visitor, violations

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


def sql(site: Site, query: str, *facts: Any) -> list[Any]:
    """Asks or tells the database."""
    with psycopg.connect(site.service.settings.database_url, autocommit=True) as connection:
        found = connection.execute(query.encode(), facts)
        return found.fetchall() if found.description else []


def cookie(visitor: Visitor) -> str:
    found = visitor.client.get_cookie(COOKIE)
    assert found is not None
    return found.value


def used_for_long(site: Site) -> None:
    """As when half an hour of use has passed since every cookie was given."""
    sql(site, "UPDATE web.sessions SET rotated_at = now() - interval '31 minutes'")


def a_minute_passes(site: Site) -> None:
    """As when a minute has passed since cookies were given, and since they were first sent back."""
    sql(
        site,
        "UPDATE web.sessions SET rotated_at = rotated_at - interval '61 seconds',"
        " taken_at = taken_at - interval '61 seconds'",
    )


def with_cookie(site: Site, value: str) -> Visitor:
    """Somebody whose browser holds this."""
    visitor = site.visitor(None)
    visitor.client.set_cookie(COOKIE, value)
    return visitor


def test_the_cookie_changes_after_half_an_hour_of_use_and_nobody_notices(site: Site) -> None:
    visitor = site.visitor("auditor")
    before = cookie(visitor)
    visitor.text("/keys")
    assert cookie(visitor) == before
    used_for_long(site)
    html = visitor.text("/keys")
    assert cookie(visitor) != before
    assert "Sneltoetsen" in html
    assert visitor.post("/account/sessions/end-others", {}).status_code == 303, "the form of before is good"


def test_requests_that_were_under_way_with_the_old_cookie_are_answered(site: Site) -> None:
    visitor = site.visitor("auditor")
    before = cookie(visitor)
    used_for_long(site)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: with_cookie(site, before).get("/keys"), range(12)))
    assert [answer.status_code for answer in answers] == [200] * 12
    given = [answer.headers["Set-Cookie"] for answer in answers if "Set-Cookie" in answer.headers]
    assert len(given) == 1, "one of them was given the new one"


def test_the_old_cookie_is_good_no_more_a_minute_after_the_new_one_came_back(site: Site) -> None:
    visitor = site.visitor("auditor")
    before = cookie(visitor)
    used_for_long(site)
    visitor.text("/keys")
    visitor.text("/keys")
    assert with_cookie(site, before).get("/keys").status_code == 200
    a_minute_passes(site)
    assert with_cookie(site, before).get("/keys").status_code == 303
    assert visitor.get("/keys").status_code == 200


def test_who_never_got_the_new_cookie_gets_another_one(site: Site) -> None:
    visitor = site.visitor("auditor")
    before = cookie(visitor)
    used_for_long(site)
    lost = with_cookie(site, before)
    lost.text("/keys")
    a_minute_passes(site)
    again = with_cookie(site, before)
    assert again.get("/keys").status_code == 200
    assert cookie(again) not in (before, cookie(lost))
    assert with_cookie(site, before).get("/keys").status_code == 200, "what was under way beside it"
    assert again.get("/keys").status_code == 200
    a_minute_passes(site)
    assert with_cookie(site, before).get("/keys").status_code == 303


def test_the_cookie_changes_when_somebody_becomes_something_else(site: Site) -> None:
    visitor = site.visitor("treasurer")
    before = cookie(visitor)
    person = site.service.people["treasurer"]
    sql(site, "UPDATE vault.people SET roles = '{treasurer,auditor}' WHERE id = %s", person.id)
    try:
        visitor.text("/keys")
        assert cookie(visitor) != before
        changed = cookie(visitor)
        visitor.text("/keys")
        assert cookie(visitor) == changed
    finally:
        sql(site, "UPDATE vault.people SET roles = '{treasurer}' WHERE id = %s", person.id)


def test_a_cookie_that_somebody_else_planted_is_not_the_one_of_the_session(site: Site) -> None:
    """Fixation: what the browser had before signing in is worth nothing after it."""
    planted = cookie(site.visitor("neighbour"))
    for value in (planted, "chosen-by-somebody-else"):
        victim = with_cookie(site, value)
        victim.get("/sign-in")
        signed_in = victim.post("/sign-in", {"email": "submitter@example.org", "password": PASSWORD})
        assert signed_in.status_code == 303
        assert cookie(victim) != value
        assert with_cookie(site, value).get("/keys").status_code == 303


def test_idle_and_absolute_time_outs_hold_whatever_the_cookie_became(site: Site) -> None:
    for column in ("seen_at = now() - interval '121 minutes'", "created_at = now() - interval '721 minutes'"):
        visitor = site.visitor("auditor")
        used_for_long(site)
        visitor.text("/keys")
        sql(site, f"UPDATE web.sessions SET {column}")
        assert visitor.get("/keys").status_code == 303


def test_one_sees_ones_own_sessions_with_this_one_marked_and_no_address(site: Site) -> None:
    sql(site, "DELETE FROM web.sessions")
    here = site.visitor("auditor")
    other = site.visitor(None)
    other.get("/sign-in")
    sign_in = {"email": "submitter@example.org", "password": PASSWORD}
    assert other.post("/sign-in", sign_in, headers={"User-Agent": FIREFOX}).status_code == 303
    html = other.text("/account/sessions")
    assert "Firefox op Windows" in html
    assert html.count(">Deze<") == 1
    assert html.count('/end"') == 1
    assert "127.0.0.1" not in html
    assert "Firefox" not in here.text("/account/sessions")
    assert not any(
        "Mozilla" in row or "127.0" in row for (row,) in sql(site, "SELECT s::text FROM web.sessions s")
    )


def test_one_or_all_others_are_ended_and_that_is_told_by_mail(site: Site) -> None:
    sql(site, "DELETE FROM web.sessions")
    sql(site, "DELETE FROM ledger.deliveries")
    here, there, third = (site.visitor("auditor") for _ in range(3))
    html = here.text("/account/sessions")
    with psycopg.connect(site.service.settings.database_url) as connection:
        found = sessions.find(connection, cookie(there))
    assert found is not None
    assert found.id in html
    assert here.post(f"/account/sessions/{found.id}/end", {}).status_code == 303
    assert there.get("/keys").status_code == 303
    assert third.get("/keys").status_code == 200
    here.text("/account/sessions")
    assert here.post("/account/sessions/end-others", {}).status_code == 303
    assert third.get("/keys").status_code == 303
    assert "beëindigd" in here.text("/account/sessions")
    told = sql(
        site,
        "SELECT count(*) FROM ledger.deliveries d JOIN ledger.notices n ON n.id = d.notice"
        " WHERE n.facts ->> 'what' = 'sessions-ended' AND d.channel = 'email' AND d.recipient = %s",
        site.service.people["auditor"].id,
    )
    assert told == [(2,)]


@pytest.mark.parametrize("way", ["page", "api"])
def test_anothers_session_is_not_there_to_end(site: Site, way: str) -> None:
    victim = site.visitor("secretary")
    with psycopg.connect(site.service.settings.database_url) as connection:
        found = sessions.find(connection, cookie(victim))
    assert found is not None
    if way == "page":
        visitor = site.visitor("auditor")
        visitor.text("/account/sessions")
        assert visitor.post(f"/account/sessions/{found.id}/end", {}).status_code == 404
    else:
        headers = {"Authorization": f"Bearer {site.service.tokens['auditor']}"}
        answer = site.service.client().delete(f"/api/v1/sessions/{found.id}", headers=headers)
        assert answer.status_code == 404
    assert victim.get("/keys").status_code == 200


def test_the_api_lists_and_ends_them_too(site: Site) -> None:
    sql(site, "DELETE FROM web.sessions")
    one, other = site.visitor("treasurer"), site.visitor("treasurer")
    headers = {"Authorization": f"Bearer {site.service.tokens['treasurer']}"}
    items = site.service.told("treasurer", "/sessions")["items"]
    assert len(items) == 2
    assert items[0]["how"] == "password"
    assert cookie(one) not in str(items)
    client = site.service.client()
    assert client.delete(f"/api/v1/sessions/{items[0]['id']}", headers=headers).status_code == 204
    assert len(site.service.told("treasurer", "/sessions")["items"]) == 1
    assert client.delete("/api/v1/sessions", headers=headers).status_code == 204
    assert {one.get("/keys").status_code, other.get("/keys").status_code} == {303}


def test_who_signs_out_is_out_also_with_the_cookie_of_before(site: Site) -> None:
    visitor = site.visitor("auditor")
    before = cookie(visitor)
    used_for_long(site)
    visitor.text("/keys")
    assert visitor.post("/sign-out", {}).status_code == 303
    assert visitor.client.get_cookie(COOKIE) is None
    assert with_cookie(site, before).get("/keys").status_code == 303


def test_who_is_gone_has_no_session(site: Site) -> None:
    with psycopg.connect(site.service.settings.database_url, autocommit=True) as connection:
        gone = people.add(connection, email="weg@example.org", name="Weg", roles=["auditor"])
        token = sessions.start(connection, gone.id)
        connection.execute("DELETE FROM vault.people WHERE id = %s", (gone.id,))
        assert sessions.find(connection, token) is None


@pytest.mark.parametrize(
    ("said", "known"),
    [
        (FIREFOX, ("firefox", "windows")),
        (("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 "
         "Safari/605.1.15"), ("safari", "mac")),
        (("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 "
         "Safari/537.36 Edg/140.0.0.0"), ("edge", "windows")),
        (("Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile "
         "Safari/537.36"), ("chrome", "android")),
        (("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
         "CriOS/140.0 Mobile/15E148 Safari/604.1"), ("chrome", "iphone")),
        ("curl/8.0", ("", "")),
        ("", ("", "")),
    ],
)  # fmt: skip
def test_a_browser_is_known_in_a_word(said: str, known: tuple[str, str]) -> None:
    assert browser_of(said) == known


@pytest.mark.slow
@pytest.mark.parametrize("locale", ["nl", "en"])
@pytest.mark.parametrize("path", ["/account", "/account/sessions", "/account/tokens"])
def test_the_pages_are_for_everybody(opened: Opener, path: str, locale: str) -> None:
    for viewport in (PHONE, {"width": 1440, "height": 900}):
        for dark in (False, True):
            page = opened("auditor", path, viewport=viewport, locale=locale, dark=dark)
            assert violations(page) == []
            assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
