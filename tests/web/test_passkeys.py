"""Passkeys: added and used in a real browser with a virtual authenticator; what is not right is refused."""

from __future__ import annotations

import base64
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from service.identity import passkeys, people
from service.identity.passkeys import NotAccepted, Place, place
from service.identity.people import Person
from service.settings import Settings
from service.web.cookies import SESSION as COOKIE
from tests.api.conftest import PASSWORD
from tests.conftest import fresh_database
from tests.web.conftest import DESKTOP, PHONE, Site, Visitor, site_on, violations

AUTHENTICATOR = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip
HOLD_BACK = """() => {
    HTMLFormElement.prototype.submit = function () {
        document.documentElement.dataset.held = this.elements.namedItem("credential").value;
    };
}"""
number = iter(range(10_000))


def sql(site: Site, query: str, *facts: Any) -> list[Any]:
    with psycopg.connect(site.service.settings.database_url, autocommit=True) as connection:
        found = connection.execute(query.encode(), facts)
        return found.fetchall() if found.description else []


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("https://besluitspoor.example", Place("besluitspoor.example", "https://besluitspoor.example")),
        ("https://b.example:8443", Place("b.example", "https://b.example:8443")),
        ("http://localhost:8000", Place("localhost", "http://localhost:8000")),
        ("http://127.0.0.1:8000", None),
        ("https://[::1]", None),
        ("http://besluitspoor.example", None),
        ("", None),
    ],
)
def test_passkeys_are_for_an_address_with_a_name_and_tls(address: str, found: Place | None) -> None:
    assert place(Settings("", "", b"", public_url=address)) == found


def test_where_there_can_be_none_nothing_offers_them(site: Site) -> None:
    assert "data-passkey" not in site.visitor(None).text("/sign-in")
    assert site.visitor(None).client.post("/sign-in/passkey/options").status_code == 404
    assert site.visitor(None).client.post("/sign-in/passkey").status_code == 404
    visitor = site.visitor("auditor")
    assert "data-passkey" not in visitor.text("/account/passkeys")
    assert visitor.post("/account/passkeys/options", {}).status_code == 400


@pytest.fixture(scope="module")
def named(admin_url: str, template: Settings) -> Iterator[Site]:
    """A site at an address with a name."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        fresh_database(admin_url, template) as settings,
        site_on(replace(settings, public_url=f"http://localhost:{listening.getsockname()[1]}")) as made,
    ):
        server = make_server("127.0.0.1", 0, made.service.app, threaded=True, fd=listening.fileno())
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        made.address = made.service.settings.public_url
        try:
            yield made
        finally:
            server.shutdown()
            thread.join(10)
            server.server_close()


def a_while_passes(site: Site) -> None:
    sql(site, "UPDATE web.sessions SET shown_at = now() - interval '11 minutes'")


NONSENSE = ("", "x", "{}", "[]", '{"id": 1}', '{"id":"a","rawId":"a","response":{}}', "9" * 30_000)


@pytest.mark.parametrize("answer", NONSENSE)
def test_what_is_no_answer_of_an_authenticator_is_refused(named: Site, answer: str) -> None:
    signing_in = named.visitor(None)
    signing_in.get("/sign-in")
    assert signing_in.post("/sign-in/passkey", {"credential": answer}).status_code == 400
    adding = named.visitor("auditor")
    adding.text("/account/passkeys")
    assert adding.post("/account/passkeys", {"name": "Laptop", "credential": answer}).status_code == 400
    assert sql(named, "SELECT count(*) FROM vault.passkeys") == [(0,)]


def test_adding_one_asks_who_it_is_when_that_was_shown_a_while_ago(named: Site) -> None:
    visitor = named.visitor("submitter")
    visitor.text("/account/passkeys")
    options = json.loads(visitor.post("/account/passkeys/options", {}).data)
    assert options["rp"]["id"] == "localhost"
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    a_while_passes(named)
    visitor.text("/account/passkeys")
    refused = visitor.post("/account/passkeys/options", {}, headers={"Accept": "application/json"})
    assert (refused.status_code, refused.json["anew"]) == (401, True)
    visitor.text("/account/passkeys")
    answered = visitor.post("/account/passkeys", {"name": "Laptop", "credential": "{}"})
    assert answered.status_code == 401


@dataclass
class Using:
    """Somebody at a browser with an authenticator."""

    site: Site
    page: Page
    cdp: Any
    authenticator: str
    person: Person

    def add(self, name: str = "Laptop", works: bool = True) -> None:
        """Goes to the page and adds a passkey."""
        self.page.goto(f"{self.site.address}/account/passkeys")
        self.page.locator("#passkey-name").fill(name)
        self.page.locator("#passkey button").click()
        if works:
            expect(self.page.locator("[data-recorded]")).to_have_text("De passkey is toegevoegd.")

    def held_back(self, where: str) -> str:
        """What the authenticator answers on this page, which does not send it."""
        self.page.goto(f"{self.site.address}{where}")
        self.page.evaluate(HOLD_BACK)
        if where != "/sign-in":
            self.page.locator("#passkey-name").fill("Laptop")
        self.page.locator("#passkey button").click()
        held = self.page.locator("html[data-held]")
        expect(held).to_have_count(1)
        return str(held.get_attribute("data-held"))

    def sign_out(self) -> None:
        self.page.context.clear_cookies(name=COOKIE)


@pytest.fixture
def using(chromium: Browser, named: Site) -> Iterator[Using]:
    """Somebody new who signed in with a password, with an authenticator that is unlocked."""
    with psycopg.connect(named.service.settings.database_url, autocommit=True) as connection:
        person = people.add(
            connection,
            email=f"iemand{next(number)}@example.org",
            name="Iemand",
            roles=["auditor"],
            password=PASSWORD,
        )
    context = chromium.new_context(locale="nl")
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None
    )
    cdp = context.new_cdp_session(page)
    cdp.send("WebAuthn.enable")
    made = cdp.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})["authenticatorId"]
    page.goto(f"{named.address}/sign-in")
    page.locator("#email").fill(person.email)
    page.locator("#password").fill(PASSWORD)
    page.locator("form button[type=submit]").first.click()
    page.wait_for_url("**/")
    yield Using(named, page, cdp, made, person)
    context.close()
    assert wrong == []


def sent(site: Site, answer: str) -> Any:
    """What who sends this to sign in is answered."""
    visitor = site.visitor(None)
    visitor.get("/sign-in")
    return visitor.post("/sign-in/passkey", {"credential": answer})


def changed(answer: str, **parts: Any) -> str:
    """The same answer, with other things in it."""
    found = json.loads(answer)
    found["response"].update(parts)
    return json.dumps(found)


def text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def plain(value: str) -> bytes:
    return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))


def told(site: Site, person: Person) -> list[str]:
    rows = sql(
        site,
        "SELECT n.facts ->> 'what' FROM ledger.deliveries d JOIN ledger.notices n ON n.id = d.notice"
        " WHERE d.recipient = %s AND d.channel = 'email' ORDER BY d.id",
        person.id,
    )
    return [what for (what,) in rows]


@pytest.mark.slow
def test_one_is_added_signs_in_is_seen_and_is_removed(using: Using) -> None:
    using.add()
    expect(using.page.locator("table")).to_contain_text("Laptop")
    expect(using.page.locator("table")).to_contain_text("Nog niet")
    using.sign_out()
    using.page.goto(f"{using.site.address}/sign-in?next=/account/passkeys")
    using.page.locator("#passkey button").click()
    using.page.wait_for_url("**/account/passkeys")
    expect(using.page.locator("table")).not_to_contain_text("Nog niet")
    using.page.goto(f"{using.site.address}/account/sessions")
    expect(using.page.locator("tr", has_text="deze")).to_contain_text("Passkey")
    items = using.site.service.told("auditor", "/passkeys")["items"]
    assert items == [], "another person's are not told"
    using.page.goto(f"{using.site.address}/account/passkeys")
    using.page.locator("table a[data-confirm]").click()
    using.page.locator("dialog#asks-first form[action] button[type=submit]").click()
    expect(using.page.locator("[data-recorded]")).to_have_text("De passkey is verwijderd.")
    using.sign_out()
    using.page.goto(f"{using.site.address}/sign-in")
    using.page.locator("#passkey button").click()
    expect(using.page.locator("h1")).to_have_text("Aanmelden is niet gelukt")
    assert told(using.site, using.person) == ["passkey-added", "passkey-removed"]


@pytest.mark.slow
def test_an_answer_is_good_once_and_in_time(using: Using) -> None:
    using.add()
    using.sign_out()
    answer = using.held_back("/sign-in")
    assert sent(using.site, answer).status_code == 303
    assert sent(using.site, answer).status_code == 400, "replayed"
    late = using.held_back("/sign-in")
    sql(using.site, "UPDATE web.challenges SET expires_at = now()")
    assert sent(using.site, late).status_code == 400
    ours = using.held_back("/sign-in")
    sql(using.site, "DELETE FROM web.challenges")
    assert sent(using.site, ours).status_code == 400, "a challenge that nobody gave"


@pytest.mark.slow
def test_an_answer_that_was_changed_is_refused_and_used_up(using: Using) -> None:
    using.add()
    using.sign_out()
    answer = using.held_back("/sign-in")
    said = json.loads(answer)["response"]
    about = json.loads(plain(said["clientDataJSON"]))
    elsewhere = text(json.dumps({**about, "origin": "https://elsewhere.example"}).encode())
    assert sent(using.site, changed(answer, clientDataJSON=elsewhere)).status_code == 400
    assert sent(using.site, answer).status_code == 400, "its challenge was taken"
    for part in ("signature", "authenticatorData"):
        answer = using.held_back("/sign-in")
        value = bytearray(plain(json.loads(answer)["response"][part]))
        value[-1] ^= 1
        assert sent(using.site, changed(answer, **{part: text(bytes(value))})).status_code == 400, part


@pytest.mark.slow
def test_an_answer_for_another_site_is_refused_whoever_signed_it(using: Using) -> None:
    using.add()
    using.sign_out()
    parts = using.site.service.app.extensions["besluitspoor"].parts
    for where, why in (
        (Place("localhost", "https://localhost"), "origin"),
        (Place("elsewhere.example", using.site.address), "RP ID"),
    ):
        answer = using.held_back("/sign-in")
        with parts.pool.connection() as connection:
            challenge = passkeys.take_challenge(connection, "sign-in", answer)
            assert challenge is not None
            with pytest.raises(NotAccepted, match=why):
                passkeys.sign_in(connection, where, answer, challenge)
    answer = using.held_back("/sign-in")
    with parts.pool.connection() as connection, pytest.raises(NotAccepted, match="challenge"):
        passkeys.sign_in(connection, Place("localhost", using.site.address), answer, b"x" * 32)


@pytest.mark.slow
def test_a_passkey_is_of_one_person(using: Using) -> None:
    using.add()
    using.sign_out()
    other = using.site.service.people["secretary"]
    for handle in (text(other.id.encode()), "", None):
        answer = using.held_back("/sign-in")
        assert sent(using.site, changed(answer, userHandle=handle)).status_code == 400
    answer = using.held_back("/sign-in")
    credential = plain(json.loads(answer)["rawId"])
    sql(using.site, "UPDATE vault.passkeys SET person = %s WHERE credential = %s", other.id, credential)
    assert sent(using.site, answer).status_code == 400, "nor when somebody else's row holds it"


@pytest.mark.slow
def test_what_was_asked_for_one_person_cannot_be_added_by_another(using: Using) -> None:
    answer = using.held_back("/account/passkeys")
    other = using.site.visitor("secretary")
    other.text("/account/passkeys")
    assert other.post("/account/passkeys", {"name": "Van een ander", "credential": answer}).status_code == 400
    assert sql(using.site, "SELECT count(*) FROM vault.passkeys WHERE name = 'Van een ander'") == [(0,)]
    own = Visitor(using.site.service.app.test_client(), using.site.service.head)
    cookies = {each["name"]: each["value"] for each in using.page.context.cookies()}
    own.client.set_cookie(COOKIE, cookies[COOKIE])
    own.text("/account/passkeys")
    assert own.post("/account/passkeys", {"name": "Laptop", "credential": answer}).status_code == 303
    own.text("/account/passkeys")
    assert own.post("/account/passkeys", {"name": "Nog eens", "credential": answer}).status_code == 400, (
        "replayed"
    )
    using.sign_out()
    answer = using.held_back("/sign-in")
    own.text("/account/passkeys")
    assert own.post("/account/passkeys", {"name": "Anders", "credential": answer}).status_code == 400


@pytest.mark.slow
def test_a_counter_that_goes_back_is_refused_and_told(using: Using) -> None:
    using.add()
    using.sign_out()
    sql(using.site, "UPDATE vault.passkeys SET sign_count = 1000 WHERE person = %s", using.person.id)
    answer = sent(using.site, using.held_back("/sign-in"))
    assert (answer.status_code, "niet geaccepteerd" in answer.get_data(as_text=True)) == (400, True)
    assert told(using.site, using.person) == ["passkey-added", "passkey-copied"]
    assert sql(using.site, "SELECT sign_count FROM vault.passkeys WHERE person = %s", using.person.id) == [
        (1000,)
    ]


@pytest.mark.slow
def test_an_authenticator_that_is_not_unlocked_gets_nowhere_and_the_page_says_so(using: Using) -> None:
    using.add()
    using.sign_out()
    using.cdp.send(
        "WebAuthn.setUserVerified", {"authenticatorId": using.authenticator, "isUserVerified": False}
    )
    using.page.goto(f"{using.site.address}/sign-in")
    using.page.locator("#passkey button").click()
    expect(using.page.locator("#passkey [data-wrong]")).to_contain_text("Het is niet gelukt")


@pytest.mark.slow
def test_several_can_be_added_but_none_twice(using: Using) -> None:
    using.add("Eerste")
    expect(using.page.locator("table")).to_contain_text("Eerste")
    using.add("Dezelfde", works=False)
    expect(using.page.locator("#passkey [data-wrong]")).to_contain_text("Het is niet gelukt")
    # Another device: an authenticator that has none of it yet.
    using.cdp.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": using.authenticator})
    using.cdp.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    using.add("Tweede")
    expect(using.page.locator("table")).to_contain_text("Tweede")
    assert sql(using.site, "SELECT count(*) FROM vault.passkeys WHERE person = %s", using.person.id) == [(2,)]


@pytest.mark.slow
def test_who_signed_in_a_while_ago_shows_who_they_are_by_a_passkey_and_goes_on(using: Using) -> None:
    using.add("Eerste")
    a_while_passes(using.site)
    using.page.locator("#passkey-name").fill("Tweede")
    using.page.locator("#passkey button").click()
    expect(using.page.locator("h1")).to_have_text("Ben jij het nog?")
    using.page.locator("#passkey button").click()
    expect(using.page.locator("#passkey-name")).to_have_value("Tweede")
    a_while_passes(using.site)
    using.page.goto(f"{using.site.address}/account/password")
    expect(using.page.locator("h1")).to_have_text("Ben jij het nog?")
    using.page.locator("#password").fill(PASSWORD)
    using.page.locator("#confirm button").click()
    expect(using.page.locator("h1")).to_have_text("Wachtwoord")


@pytest.mark.slow
def test_a_passkey_of_somebody_else_does_not_show_who_one_is(using: Using) -> None:
    using.add()
    using.sign_out()
    other = using.site.visitor("secretary")
    a_while_passes(using.site)
    other.text("/account/confirm")
    answer = other.post("/account/confirm/passkey", {"credential": using.held_back("/sign-in")})
    assert answer.status_code == 400
    assert other.get("/account/password").status_code == 303, "they still have to"
    for nonsense in NONSENSE:
        other.text("/account/confirm")
        assert other.post("/account/confirm/passkey", {"credential": nonsense}).status_code == 400


@pytest.mark.slow
def test_anothers_passkey_is_not_there_to_remove(using: Using) -> None:
    using.add()
    expect(using.page.locator("table")).to_contain_text("Laptop")
    ((id,),) = sql(using.site, "SELECT id FROM vault.passkeys WHERE person = %s", using.person.id)
    other = using.site.visitor("secretary")
    other.text("/account/passkeys")
    assert other.post(f"/account/passkeys/{id}/remove", {}).status_code == 404
    headers = {"Authorization": f"Bearer {using.site.service.tokens['secretary']}"}
    client = using.site.service.client()
    assert client.delete(f"/api/v1/passkeys/{id}", headers=headers).status_code == 404
    assert sql(using.site, "SELECT count(*) FROM vault.passkeys WHERE id = %s", id) == [(1,)]


@pytest.mark.slow
def test_the_pages_are_for_everybody(using: Using) -> None:
    using.add()
    for viewport in (PHONE, DESKTOP):
        using.page.set_viewport_size(viewport)  # type: ignore[arg-type]
        for path in (
            "/account/passkeys",
            "/language/en?next=/account/passkeys",
            "/language/nl?next=/sign-in",
        ):
            using.page.goto(f"{using.site.address}{path}")
            assert violations(using.page) == [], path
            assert using.page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    using.sign_out()
    using.page.goto(f"{using.site.address}/sign-in")
    expect(using.page.locator("#passkey button")).to_be_visible()
    assert violations(using.page) == []
