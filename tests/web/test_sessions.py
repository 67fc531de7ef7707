"""Signing in, staying signed in, and losing nothing when that ends."""

from __future__ import annotations

import re

import psycopg
import pytest
from werkzeug.test import TestResponse

from service.identity import people
from service.web.cookies import SESSION as COOKIE
from service.web.visit import inside
from tests.api.conftest import PASSWORD
from tests.web.conftest import Site, Visitor, hidden_fields

SUBMITTER = {"email": "submitter@example.org", "password": PASSWORD}


def sign_in(visitor: Visitor, fields: dict[str, str] | None = None) -> TestResponse:
    visitor.get("/sign-in")
    return visitor.post("/sign-in", {**SUBMITTER, **(fields or {})})


def forget_sessions(site: Site) -> None:
    """As when the time of everybody's session is over."""
    with psycopg.connect(site.service.settings.database_url) as connection:
        connection.execute("UPDATE web.sessions SET seen_at = now() - interval '3 hours'")


def test_who_is_not_signed_in_is_asked_to_and_then_goes_on_where_they_wanted_to(site: Site) -> None:
    visitor = site.visitor(None)
    response = visitor.get("/keys?x=1")
    assert (response.status_code, response.location) == (303, "/sign-in?next=/keys?x%3D1")
    assert "Aanmelden" in visitor.text(response.location)
    response = visitor.post("/sign-in", {**SUBMITTER, "next": "/keys?x=1"})
    assert (response.status_code, response.location) == (303, "/keys?x=1")
    assert visitor.get("/keys").status_code == 200


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(site: Site) -> None:
    cookie = sign_in(site.visitor(None)).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie
    secure = site.visitor(None).client.post(
        "/sign-in", data=SUBMITTER, base_url="https://besluitspoor.example"
    )
    assert "Secure" in secure.headers["Set-Cookie"]


@pytest.mark.parametrize("email", ["submitter@example.org", "nobody@example.org"])
def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(site: Site, email: str) -> None:
    visitor = site.visitor(None)
    response = visitor.post("/sign-in", {"email": email, "password": "wrong"})
    assert response.status_code == 400
    assert "horen niet bij elkaar" in response.get_data(as_text=True)
    assert email in response.get_data(as_text=True)
    assert visitor.get("/keys").status_code == 303


def test_an_address_that_none_can_be_is_refused_as_any_other(site: Site) -> None:
    visitor = site.visitor(None)
    for email in ("submitter\x00@example.org", "\x00", "\ud800@example.org".encode("utf-8", "surrogatepass")):
        visitor.get("/sign-in")
        assert visitor.post("/sign-in", {"email": email, "password": PASSWORD}).status_code == 400


def test_the_database_has_nothing_to_sign_in_with(site: Site) -> None:
    visitor = site.visitor("submitter")
    cookie = visitor.client.get_cookie(COOKIE)
    assert cookie is not None
    with psycopg.connect(site.service.settings.database_url) as connection:
        rows = connection.execute("SELECT s::text FROM web.sessions s").fetchall()
    assert rows
    assert not any(cookie.value in row for (row,) in rows)


def test_who_signs_out_leaves_nothing_in_the_browser_but_how_pages_look(site: Site) -> None:
    visitor = site.visitor(None)
    visitor.get("/language/en")
    visitor.get("/theme/dark")
    visitor.get("/shortcuts/off")
    sign_in(visitor)
    visitor.get("/keys")
    answer = visitor.post("/sign-out", {})
    # "cookies" would take the language along.
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    html = visitor.text("/sign-in")
    assert 'lang="en"' in html
    assert "theme-dark" in html
    assert 'data-shortcuts="off"' in html
    visitor.get("/shortcuts/on")
    assert "data-shortcuts" not in visitor.text("/sign-in")


def test_who_signs_out_is_out_also_with_the_old_cookie(site: Site) -> None:
    visitor = site.visitor("submitter")
    cookie = visitor.client.get_cookie(COOKIE)
    assert cookie is not None
    visitor.text("/keys")
    assert visitor.post("/sign-out", {}).status_code == 303
    assert visitor.get("/keys").status_code == 303
    visitor.client.set_cookie(COOKIE, cookie.value)
    assert visitor.get("/keys").status_code == 303


@pytest.mark.parametrize(
    "to",
    ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example", "javascript:x", "keys", ""],
)
def test_nobody_is_sent_to_another_site(site: Site, to: str) -> None:
    assert inside(to) == "/"
    assert sign_in(site.visitor(None), {"next": to}).location == "/"


def test_demo_people_are_one_click_away_in_a_demonstration_only(site: Site) -> None:
    visitor = site.visitor(None)
    assert 'name="demo"' not in visitor.text("/sign-in")
    assert visitor.post("/sign-in", {"demo": "submitter@example.org"}).status_code == 400


def test_a_form_without_its_token_is_shown_to_be_sent_again_and_does_nothing(site: Site) -> None:
    visitor = site.visitor("submitter")
    visitor.text("/keys")
    whose = hidden_fields(visitor.text("/keys"))["csrf"].partition(".")[2]
    response = visitor.client.post("/sign-out", data={"csrf": f"wrong.{whose}", "grounds": "Wat ik typte"})
    assert response.status_code == 409
    assert "Wat ik typte" in response.get_data(as_text=True)
    assert visitor.get("/keys").status_code == 200


def test_a_form_of_an_earlier_session_is_shown_to_who_typed_it_only(site: Site) -> None:
    """In another tab somebody else signed in meanwhile, or the same person did."""
    earlier = site.visitor("submitter")
    typed = {**hidden_fields(earlier.text("/keys")), "grounds": "Wat ik typte"}
    for who, shown in (("submitter", True), ("secretary", False)):
        now = site.visitor(who)
        response = now.client.post("/sign-out", data=typed)
        assert response.status_code == 409
        assert ("Wat ik typte" in response.get_data(as_text=True)) == shown
        assert now.get("/keys").status_code == 200, "nothing was done"


@pytest.mark.parametrize("rest", ["", ".", ".0123456789abcdef", "x.y.z"])
def test_a_form_of_nobody_known_is_shown_to_nobody(site: Site, rest: str) -> None:
    visitor = site.visitor("submitter")
    response = visitor.client.post("/sign-out", data={"csrf": rest, "grounds": "Wat iemand typte"})
    assert response.status_code == 409
    assert "van iemand anders" in response.get_data(as_text=True)
    assert "Wat iemand typte" not in response.get_data(as_text=True)


def test_a_page_marks_its_reader_always_the_same_and_not_by_the_id(site: Site) -> None:
    """So that a tab can tell whose words it keeps."""

    def mark(who: str) -> str:
        found = re.search(r'<body[^>]* data-reader="([^"]+)"', site.visitor(who).text("/keys"))
        assert found is not None
        assert found[1] not in site.service.people[who].id
        assert site.service.people[who].id not in found[1]
        return found[1]

    assert mark("submitter") == mark("submitter")
    assert mark("submitter") != mark("secretary")
    assert 'data-reader=""' in site.visitor(None).text("/sign-in")


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://elsewhere.example"}]
)
def test_a_form_on_another_site_is_refused_whoever_is_signed_in(site: Site, headers: dict[str, str]) -> None:
    visitor = site.visitor("submitter")
    visitor.text("/keys")
    response = visitor.post("/sign-out", {}, headers={**headers, "Accept": "text/html"})
    assert response.status_code == 403
    assert "niet van deze website" in response.get_data(as_text=True)
    assert visitor.get("/keys").status_code == 200


def test_a_token_is_masked_anew_on_every_page(site: Site) -> None:
    visitor = site.visitor("submitter")
    one, other = (hidden_fields(visitor.text("/keys"))["csrf"] for _ in range(2))
    assert one != other


def test_what_was_typed_survives_a_session_that_is_over(site: Site) -> None:
    visitor = site.visitor("submitter")
    visitor.text("/keys")
    forget_sessions(site)
    typed = 'Mijn <grond>, op\ntwee regels met "aanhaling"'
    nowhere = visitor.client.post("/language-of-nobody", data={"grounds": typed, "list": ["a", "b"]})
    assert nowhere.status_code == 404, "a page that is not there has nothing to send"
    expired = visitor.post("/sign-out", {"grounds": typed, "list": ["a", "b"]})
    assert expired.status_code == 401
    assert "alsnog versturen" in expired.get_data(as_text=True)
    carried = dict_of_areas(expired)
    assert carried["again.grounds"] == [typed]
    assert carried["again.list"] == ["a", "b"]
    carried |= {"typed-by": [typed_by(expired)]}
    again = visitor.client.post("/sign-in", data={**SUBMITTER, "next": "/sign-out", **carried})
    assert again.status_code == 200
    html = again.get_data(as_text=True)
    assert 'action="/sign-out"' in html
    fields = dict_of_areas(again)
    assert fields["grounds"] == [typed]
    assert visitor.client.post("/sign-out", data={**fields, **hidden_fields(html)}).status_code == 303
    assert visitor.get("/keys").status_code == 303, "the form was carried out"


def test_a_password_is_not_carried_along(site: Site) -> None:
    visitor = site.visitor("admin")
    whose = hidden_fields(visitor.text("/keys"))["csrf"].partition(".")[2]
    fields = {"csrf": f".{whose}", "password": "geheim woord", "grounds": "Tekst"}
    response = visitor.client.post("/sign-out", data=fields)
    assert response.status_code == 409
    assert "Tekst" in response.get_data(as_text=True)
    assert "geheim woord" not in response.get_data(as_text=True)


@pytest.mark.parametrize("session", ["expired", "gone"])
def test_what_was_typed_is_not_shown_to_whoever_else_signs_in(site: Site, session: str) -> None:
    """Not even when of the session itself nothing is left: the form says whose it is."""
    visitor = site.visitor("secretary")
    visitor.text("/keys")
    forget_sessions(site)
    if session == "gone":
        with psycopg.connect(site.service.settings.database_url) as connection:
            connection.execute("DELETE FROM web.sessions")
    expired = visitor.post("/sign-out", {"grounds": "Tussen ons gezegd"})
    assert expired.status_code == 401
    carried = {**dict_of_areas(expired), "typed-by": typed_by(expired), "next": "/sign-out"}
    other = visitor.client.post("/sign-in", data={**SUBMITTER, **carried})
    assert "van iemand anders" in other.get_data(as_text=True)
    assert "Tussen ons gezegd" not in other.get_data(as_text=True)
    assert visitor.get("/keys").status_code == 200, "who signed in is in, and can go on"
    with psycopg.connect(site.service.settings.database_url, autocommit=True) as connection:
        people.set_password(connection, site.service.people["secretary"].id, PASSWORD)
    same = visitor.client.post(
        "/sign-in", data={**carried, "email": "secretary@example.org", "password": PASSWORD}
    )
    assert dict_of_areas(same)["grounds"] == ["Tussen ons gezegd"]


def test_what_nobody_known_typed_is_shown_to_nobody(site: Site) -> None:
    response = site.visitor(None).client.post("/sign-in", data={**SUBMITTER, "again.grounds": "Tekst"})
    assert "van iemand anders" in response.get_data(as_text=True)
    assert "Tekst" not in response.get_data(as_text=True)


def test_a_wrong_password_loses_nothing_of_what_was_carried_along(site: Site) -> None:
    visitor = site.visitor(None)
    response = visitor.post(
        "/sign-in",
        {
            "email": "x@example.org", "password": "wrong", "next": "/sign-out", "again.grounds": "Tekst",
            "typed-by": "somebody",
        },
    )  # fmt: skip
    assert dict_of_areas(response)["again.grounds"] == ["Tekst"]
    assert typed_by(response) == "somebody"


def typed_by(response: TestResponse) -> str:
    """Who typed what a page carries along."""
    found = re.search(r'name="typed-by" value="([^"]*)"', response.get_data(as_text=True))
    assert found is not None
    return found[1]


def dict_of_areas(response: TestResponse) -> dict[str, list[str]]:
    """The text areas of a page, by name."""
    from html import unescape

    found: dict[str, list[str]] = {}
    for name, text in re.findall(
        r'<textarea name="([^"]*)"[^>]*>(.*?)</textarea>', response.get_data(as_text=True), re.S
    ):
        # A browser drops one line break right behind the tag.
        found.setdefault(unescape(name), []).append(unescape(text.removeprefix("\n")))
    return found


def test_language_and_look_are_chosen_and_remembered(site: Site) -> None:
    visitor = site.visitor("submitter")
    assert '<html lang="nl"' in visitor.text("/keys")
    assert '<html lang="en"' in visitor.text("/keys", headers={"Accept-Language": "en"})
    assert visitor.get("/language/en?next=/keys").location == "/keys"
    assert '<html lang="en"' in visitor.text("/keys")
    visitor.get("/theme/dark")
    assert "theme-dark" in visitor.text("/keys")
    visitor.get("/theme/device")
    assert "theme-dark" not in visitor.text("/keys")
    visitor.get("/language/fr")
    assert '<html lang="nl"' in visitor.text("/keys")
