"""Choosing a password by a mailed link, or under one's account: once, in time, telling nobody who has an account."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from service.identity import links, people
from service.identity.people import Person
from service.messaging import inspecting, ledger
from service.messaging.channels.channel import Dropped, Sent
from service.messaging.channels.email import Email
from service.messaging.courier import deliver
from service.messaging.mail.composing import preview
from service.web.cookies import SESSION as COOKIE
from tests.api.conftest import PASSWORD
from tests.web.conftest import DESKTOP, PHONE, Opener, Site, Visitor, violations

NEW = "een zin die niemand raadt"
number = iter(range(10_000))


def sql(site: Site, query: str, *facts: Any) -> list[Any]:
    with psycopg.connect(site.service.settings.database_url, autocommit=True) as connection:
        found = connection.execute(query.encode(), facts)
        return found.fetchall() if found.description else []


@pytest.fixture
def somebody(site: Site) -> Person:
    """Somebody new, with a password."""
    with psycopg.connect(site.service.settings.database_url, autocommit=True) as connection:
        return people.add(
            connection, email=f"iemand{next(number)}@example.org", name="Iemand Anders", roles=["auditor"],
            password=PASSWORD,
        )  # fmt: skip


def asked(site: Site, email: str) -> str:
    """What who asks for a link is told."""
    visitor = site.visitor(None)
    visitor.get("/sign-in/forgot")
    response = visitor.post("/sign-in/forgot", {"email": email})
    assert response.status_code == 200
    return response.get_data(as_text=True)


def deliveries(site: Site, person: Person, kind: str) -> list[str]:
    """The ids of the mails of this kind to somebody, the last one last."""
    rows = sql(
        site,
        "SELECT d.id FROM ledger.deliveries d JOIN ledger.notices n ON n.id = d.notice"
        " WHERE d.recipient = %s AND n.kind = %s AND d.channel = 'email' ORDER BY d.id",
        person.id,
        kind,
    )
    return [id for (id,) in rows]


def mailed(site: Site, person: Person, tmp_path: Any) -> str:
    """The path of the link in the last mail, which goes out now."""
    parts = site.service.app.extensions["besluitspoor"].parts
    id = deliveries(site, person, "link")[-1]
    channel = Email(replace(site.service.settings, mail_folder=str(tmp_path)))
    assert deliver(parts, channel, id) == "Sent"
    (file,) = tmp_path.glob(f"*{id}*")
    found = re.search(r"/sign-in/link/[\w.-]+", file.read_text("utf-8").replace("=\n", ""))
    assert found is not None
    return found[0]


def chosen(site: Site, path: str, password: str = NEW) -> tuple[int, str]:
    visitor = site.visitor(None)
    visitor.get(path)
    response = visitor.post(path, {"password": password})
    return response.status_code, response.get_data(as_text=True)


def signs_in(site: Site, person: Person, password: str) -> bool:
    visitor = site.visitor(None)
    visitor.get("/sign-in")
    return visitor.post("/sign-in", {"email": person.email, "password": password}).status_code == 303


def test_who_forgot_a_password_is_mailed_a_link_and_chooses_another(
    site: Site, somebody: Person, tmp_path: Any
) -> None:
    session = Visitor(site.service.app.test_client(), site.service.head)
    session.get("/sign-in")
    session.post("/sign-in", {"email": somebody.email, "password": PASSWORD})
    assert session.get("/keys").status_code == 200
    signed_in = site.service.act(None, "/tokens", {"email": somebody.email, "password": PASSWORD}).json[
        "token"
    ]
    asked(site, somebody.email.upper())
    path = mailed(site, somebody, tmp_path)
    status, html = chosen(site, path)
    assert (status, "Je wachtwoord is ingesteld" in html) == (200, True)
    assert signs_in(site, somebody, NEW)
    assert not signs_in(site, somebody, PASSWORD)
    assert session.get("/keys").status_code == 303, "who was signed in with the old one is out"
    answer = site.service.client().get("/api/v1/envelopes", headers={"Authorization": f"Bearer {signed_in}"})
    assert answer.status_code == 401
    assert len(deliveries(site, somebody, "security")) == 1, "and one is told"


def test_a_link_is_used_once(site: Site, somebody: Person, tmp_path: Any) -> None:
    asked(site, somebody.email)
    path = mailed(site, somebody, tmp_path)
    assert chosen(site, path)[0] == 200
    status, html = chosen(site, path, "een heel andere zin")
    assert (status, "werkt niet meer" in html) == (410, True)
    assert signs_in(site, somebody, NEW)


def test_of_two_who_use_it_at_once_one_does(site: Site, somebody: Person, tmp_path: Any) -> None:
    asked(site, somebody.email)
    path = mailed(site, somebody, tmp_path)
    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(pool.map(lambda each: chosen(site, path, f"{NEW} {each}")[0], range(4)))
    assert statuses == [200, 410, 410, 410]


def test_looking_at_a_link_uses_nothing_up_and_tells_nobody_where_one_is(
    site: Site, somebody: Person, tmp_path: Any
) -> None:
    asked(site, somebody.email)
    path = mailed(site, somebody, tmp_path)
    for _ in range(3):
        response = site.visitor(None).get(path)
        assert response.status_code == 200
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert site.visitor(None).client.head(path).status_code == 200
    assert chosen(site, path)[0] == 200
    assert site.visitor(None).get(path).headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("purpose", "lasts"), [("reset", timedelta(minutes=30)), ("invitation", timedelta(days=7))]
)
def test_a_link_that_is_too_old_is_refused(
    site: Site, somebody: Person, tmp_path: Any, purpose: str, lasts: timedelta
) -> None:
    if purpose == "reset":
        asked(site, somebody.email)
    else:
        with psycopg.connect(site.service.settings.database_url) as connection:
            links.invite(connection, somebody)
    path = mailed(site, somebody, tmp_path)
    ((until,),) = sql(site, "SELECT expires_at FROM vault.password_links WHERE person = %s", somebody.id)
    assert lasts - timedelta(minutes=1) < until - datetime.now(UTC) <= lasts
    sql(site, "UPDATE vault.password_links SET expires_at = now() WHERE person = %s", somebody.id)
    assert chosen(site, path)[0] == 410
    assert site.visitor(None).get(path).status_code == 410
    assert signs_in(site, somebody, PASSWORD)


def test_a_link_that_nobody_was_mailed_is_refused(site: Site, somebody: Person, tmp_path: Any) -> None:
    asked(site, somebody.email)
    path = mailed(site, somebody, tmp_path)
    other = "A" if path[-2] != "A" else "B"
    for wrong in (path[:-2] + other + path[-1], path.rpartition(".")[0], "/sign-in/link/x", path + "x"):
        assert chosen(site, wrong)[0] in (404, 410), wrong
    secret = replace(site.service.settings, secret=b"another secret of 32 characters!!")
    ((id,),) = sql(site, "SELECT id FROM vault.password_links WHERE person = %s", somebody.id)
    assert chosen(site, links.address(secret, id).removeprefix(secret.public_url))[0] == 410
    assert chosen(site, path)[0] == 200


def test_a_link_goes_with_the_address_it_was_mailed_to(site: Site, somebody: Person, tmp_path: Any) -> None:
    asked(site, somebody.email)
    path = mailed(site, somebody, tmp_path)
    sql(site, "UPDATE vault.people SET email = 'anders' || email WHERE id = %s", somebody.id)
    assert chosen(site, path)[0] == 410


def test_no_link_is_kept_anywhere_and_who_looks_at_the_mail_does_not_see_it(
    site: Site, somebody: Person, tmp_path: Any
) -> None:
    asked(site, somebody.email)
    path = mailed(site, somebody, tmp_path)
    signature = path.rpartition(".")[2]
    for table in ("vault.password_links", "ledger.notices", "ledger.deliveries", "ledger.tries"):
        assert not any(signature in row for (row,) in sql(site, f"SELECT t::text FROM {table} t")), table
    parts = site.service.app.extensions["besluitspoor"].parts
    with parts.pool.connection() as connection:
        kept = inspecting.find(connection, deliveries(site, somebody, "link")[-1])
    assert kept is not None
    assert kept.delivery.cause == f"link:{kept.delivery.facts['link']}"
    shown = preview(parts, kept.delivery).as_string().replace("=\n", "")
    assert "/sign-in/link/" not in shown
    admin = site.visitor("admin")
    html = admin.text(f"/deliveries/{kept.delivery.id}")
    assert "Een link om een wachtwoord mee te kiezen" in html
    assert signature not in html


def test_asking_tells_nobody_whether_there_is_an_account(site: Site, somebody: Person) -> None:
    with psycopg.connect(site.service.settings.database_url, autocommit=True) as connection:
        without = people.add(
            connection, email=f"zonder{next(number)}@example.org", name="Z", roles=["auditor"]
        )

    def rows() -> list[Any]:
        return sql(site, "SELECT count(*) FROM vault.password_links")

    told, written = set(), set()
    for email in (somebody.email, "niemand@example.org", without.email):
        ((before,),) = rows()
        told.add(re.sub(r'value="[^"]*"', "", asked(site, email)))
        ((after,),) = rows()
        written.add(after - before)
    assert len(told) == 1
    assert written == {1}, "a trace of the same size"
    assert len(deliveries(site, somebody, "link")) == 1
    assert deliveries(site, without, "link") == [], "who signs in elsewhere chooses no password here"


def test_asking_again_and_again_sends_no_heap_of_mail(site: Site, somebody: Person) -> None:
    told = {asked(site, somebody.email) for _ in range(6)}
    assert len({re.sub(r'value="[^"]*"', "", each) for each in told}) == 1
    assert len(deliveries(site, somebody, "link")) == links.MOST_AT_ONCE


def test_a_mail_that_would_come_too_late_is_not_sent(site: Site, somebody: Person, tmp_path: Any) -> None:
    asked(site, somebody.email)
    id = deliveries(site, somebody, "link")[-1]
    sql(site, "UPDATE vault.password_links SET expires_at = now() WHERE person = %s", somebody.id)
    parts = site.service.app.extensions["besluitspoor"].parts
    with parts.pool.connection() as connection:
        delivery = ledger.by_id(connection, id)
    assert delivery is not None
    outcome = Email(replace(site.service.settings, mail_folder=str(tmp_path))).send(parts, delivery)
    assert isinstance(outcome, Dropped)
    assert list(tmp_path.iterdir()) == []


def test_neither_waits_for_the_end_of_quiet_hours(site: Site, somebody: Person, tmp_path: Any) -> None:
    sql(
        site,
        "INSERT INTO vault.hearing (person, quiet_from, quiet_until) VALUES (%s, '00:00', '23:59')",
        somebody.id,
    )
    asked(site, somebody.email)
    parts = site.service.app.extensions["besluitspoor"].parts
    with parts.pool.connection() as connection:
        delivery = ledger.by_id(connection, deliveries(site, somebody, "link")[-1])
    assert delivery is not None
    channel = Email(replace(site.service.settings, mail_folder=str(tmp_path)))
    assert isinstance(channel.send(parts, delivery), Sent)


def test_an_administrator_invites_in_place_of_typing_a_password(site: Site, tmp_path: Any) -> None:
    admin = site.visitor("admin")
    admin.text("/admin/people/new")
    fields = {
        "name": "Nieuw",
        "email": f"nieuw{next(number)}@example.org",
        "roles": ["auditor"],
        "invite": "true",
    }
    added = admin.post("/admin/people/new", fields)
    assert added.status_code == 303
    with psycopg.connect(site.service.settings.database_url) as connection:
        person = people.get(connection, added.location.rpartition("/")[2])
    assert person is not None
    first = mailed(site, person, tmp_path)
    admin.text(added.location)
    assert admin.post(f"{added.location}/invite", {}).status_code == 303
    assert "De uitnodiging is onderweg" in admin.text(added.location)
    second = mailed(site, person, tmp_path)
    assert chosen(site, first)[0] == 410, "a new invitation takes the place of the one before"
    assert chosen(site, second)[0] == 200
    assert signs_in(site, person, NEW)


def test_ending_somebodys_access_ends_their_links(site: Site, somebody: Person, tmp_path: Any) -> None:
    asked(site, somebody.email)
    path = mailed(site, somebody, tmp_path)
    admin = site.visitor("admin")
    admin.text(f"/admin/people/{somebody.id}")
    assert admin.post(f"/admin/people/{somebody.id}/end", {}).status_code == 303
    assert chosen(site, path)[0] == 410


@pytest.mark.parametrize(
    "password",
    [
        "kort",
        "iemand anders",
        "IemandAnders",
        "qwerty123456",
        "aaaaaaaaaaaaaaa",
        "abcabcabcabcabc",
        "123456789123",
        "Herstelaanpak-2024",
    ],
)
def test_a_password_that_is_easy_to_guess_is_refused_in_words(
    site: Site, somebody: Person, tmp_path: Any, password: str
) -> None:
    asked(site, somebody.email)
    path = mailed(site, somebody, tmp_path)
    status, html = chosen(site, path, password)
    assert status == 400
    assert 'id="choose-password-error"' in html
    assert password not in html
    assert chosen(site, path)[0] == 200, "the link was not used up by it"


def test_under_ones_account_one_needs_the_present_one_and_others_are_signed_out(
    site: Site, somebody: Person
) -> None:
    here, there = (Visitor(site.service.app.test_client(), site.service.head) for _ in range(2))
    for each in (here, there):
        each.get("/sign-in")
        each.post("/sign-in", {"email": somebody.email, "password": PASSWORD})
    here.text("/account/password")
    wrong = here.post("/account/password", {"current": "not this one", "password": NEW})
    assert wrong.status_code == 400
    assert "Dit is niet je wachtwoord" in wrong.get_data(as_text=True)
    assert there.get("/keys").status_code == 200
    before = here.client.get_cookie(COOKIE)
    here.text("/account/password")
    assert here.post("/account/password", {"current": PASSWORD, "password": NEW}).status_code == 303
    after = here.client.get_cookie(COOKIE)
    assert before is not None
    assert after is not None
    assert before.value != after.value
    assert here.get("/account").status_code == 200
    assert there.get("/keys").status_code == 303
    stolen = site.visitor(None)
    stolen.client.set_cookie(COOKIE, before.value)
    assert stolen.get("/keys").status_code == 303, "what the cookie held before is good no more"
    assert signs_in(site, somebody, NEW)


@pytest.mark.slow
@pytest.mark.parametrize("locale", ["nl", "en"])
def test_the_pages_are_for_everybody(
    opened: Opener, site: Site, somebody: Person, tmp_path: Any, locale: str
) -> None:
    asked(site, somebody.email)
    path = mailed(site, somebody, tmp_path)
    for where in ("/sign-in/forgot", path, "/sign-in/link/wrong", "/account/password"):
        for viewport in (PHONE, DESKTOP):
            who = "submitter" if where.startswith("/account") else None
            page = opened(who, where, viewport=viewport, locale=locale, dark=viewport is PHONE)
            assert violations(page) == [], where
            assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], where
    page = opened(None, path, locale=locale, scripts=False)
    page.locator("#choose-password").fill("een zin uit de browser")
    page.locator("#choose button[type=submit]").click()
    page.locator("a[href='/sign-in'].utrecht-button-link").click()
    page.locator("#email").fill(somebody.email)
    page.locator("#password").fill("een zin uit de browser")
    page.locator("form button[type=submit]").first.click()
    page.wait_for_url("**/")
    assert page.locator(".site-person__name").inner_text().startswith("Iemand Anders")
