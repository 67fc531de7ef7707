"""Signing in with an account elsewhere, at a real provider: what is right comes in, and nothing else."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import psycopg
import pyotp
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from playwright.sync_api import Browser, expect
from urllib3 import PoolManager
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from service.identity import forgetting, identities, parties, people, sign_ins
from service.identity.people import Person
from service.settings import Settings
from service.web.cookies import SESSION as COOKIE
from tests.conftest import fresh_database
from tests.web.conftest import DESKTOP, PHONE, Site, Visitor, site_on, violations
from tests.web.oidc_provider import CLIENT, SECRET, Claims, OpenProvider, provider_for
from tests.web.test_nonsense import NONSENSE
from tests.web.test_sessions import dict_of_areas, forget_sessions

GO, ANSWER = "/sign-in/with/city", "/sign-in/with/city/answer"

FILE = """
[[provider]]
code = "city"
name = {{nl = "Gemeente Eindhoven", en = "City of Eindhoven"}}
issuer = "{issuer}"
client_id = "{client}"
client_secret_file = "secret of the client"
admits = true
trusted_domains = ["eindhoven.example"]
claims = {{organisation = "org", organisation_name = "org_name", roles = "groups"}}
roles = {{"Auditors" = "auditor", "Treasury" = "treasurer"}}
others = {{kind = "company", roles = ["submitter"]}}

[[provider.organisation]]
id = "0772"
kind = "municipality"
name = "Gemeente Eindhoven"
roles = ["submitter"]

[[provider]]
code = "strict"
name = {{nl = "Strenge aanbieder", en = "Strict provider"}}
issuer = "{issuer}"
client_id = "{client}"
client_secret = "none of its own"
domains = ["strict.example"]
levels = ["high"]
"""


@dataclass
class Place:
    """A site with a provider; each test has people of its own there."""

    site: Site
    provider: OpenProvider
    number: int = field(default=0)

    def visitor(self) -> Visitor:
        return self.site.visitor(None)

    def newcomer(self, **claims: Any) -> Claims:
        """Somebody who is known at the provider only, and signs in there from now on."""
        self.number += 1
        self.provider.forged = None
        self.provider.person = {
            "sub": f"subject {self.number}",
            "name": f"Persoon {self.number}",
            "email": f"person{self.number}@example.net",
            "email_verified": True,
            **claims,
        }
        return self.provider.person

    def begun(self, visitor: Visitor, code: str = "city", **fields: str) -> str:
        """Chooses the provider: the address that the browser goes on to."""
        response = visitor.client.post(f"/sign-in/with/{code}", data=fields)
        assert response.status_code == 200, response.get_data(as_text=True)
        return unescape(response.get_data(as_text=True).partition('content="0; url=')[2].partition('"')[0])

    def signed_in(self, visitor: Visitor, **fields: str) -> TestResponse:
        """To the provider and back."""
        visitor.last = visitor.client.get(self.provider.comes_back(self.begun(visitor, **fields)))
        return visitor.last

    def by(self, email: str) -> Person | None:
        with psycopg.connect(self.site.service.settings.database_url) as connection:
            return people.by_email(connection, email)

    def add(self, email: str, *roles: str, organisation: str | None = None) -> Person:
        with psycopg.connect(self.site.service.settings.database_url) as connection:
            return people.add(
                connection, email=email, name="Al bekend", roles=roles, organisation=organisation
            )


@pytest.fixture(scope="module")
def place(admin_url: str, template: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A site on an address of its own, with a provider that sends people back to it."""
    folder = tmp_path_factory.mktemp("providers")
    (folder / "secret of the client").write_text(f"{SECRET}\n")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with (
            provider_for(address + ANSWER) as provider,
            fresh_database(admin_url, template) as settings,
        ):
            file = folder / "providers.toml"
            file.write_text(FILE.format(issuer=provider.issuer, client=CLIENT))
            settings = replace(
                settings,
                public_url=address,
                oidc_file=str(file),
                second_factor_roles=frozenset({"treasurer"}),
            )
            with site_on(settings) as site:
                server = make_server("127.0.0.1", 0, site.service.app, threaded=True, fd=listening.fileno())
                thread = threading.Thread(target=server.serve_forever, daemon=True)
                thread.start()
                site.address = address
                try:
                    yield Place(site, provider)
                finally:
                    server.shutdown()
                    thread.join(10)
                    server.server_close()


WAITS = "Een beheerder moet je eerst toegang geven"


def shown(response: TestResponse, status: int) -> str:
    assert response.status_code == status
    return response.get_data(as_text=True)


def is_out(visitor: Visitor) -> bool:
    return visitor.client.get("/keys").status_code == 303


def test_the_provider_is_asked_for_a_code_with_pkce_a_state_and_a_nonce(place: Place) -> None:
    place.newcomer()
    one, two = (parse_qs(urlsplit(place.begun(place.visitor())).query) for _ in range(2))
    assert one["response_type"] == ["code"]
    assert one["code_challenge_method"] == ["S256"]
    assert one["redirect_uri"] == [place.site.address + ANSWER]
    assert one["scope"] == ["openid profile email"]
    assert one["ui_locales"] == ["nl"]
    for name in ("state", "nonce", "code_challenge"):
        assert len(one[name][0]) >= 43
        assert one[name] != two[name]


def test_the_sign_in_page_offers_every_provider_above_the_local_accounts(place: Place) -> None:
    html = place.visitor().text("/sign-in")
    assert "Meld aan met Gemeente Eindhoven" in html
    assert html.index("Meld aan met Strenge aanbieder") < html.index('name="password"')
    english = place.visitor().text("/sign-in", headers={"Accept-Language": "en"})
    assert "Sign in with City of Eindhoven" in english


def test_somebody_new_is_known_from_then_on_and_may_do_nothing(place: Place) -> None:
    claims, visitor = place.newcomer(), place.visitor()
    assert WAITS in shown(place.signed_in(visitor, next="/keys"), 403)
    assert is_out(visitor)
    made = place.by(claims["email"])
    assert made is not None
    assert (made.name, made.roles, made.organisation) == (claims["name"], set(), None)
    again = place.visitor()
    place.signed_in(again)
    assert place.by(claims["email"]) == made, "the same account elsewhere is the same person"
    with psycopg.connect(place.site.service.settings.database_url) as connection:
        people.change(connection, replace(made, roles=frozenset({"auditor"})))
        kept = sign_ins.recent(connection, person=made.id)
    assert [(each.way, each.outcome) for each in kept] == [("provider", "refused")] * 2
    assert place.signed_in(again, next="/keys").location == "/keys"
    with psycopg.connect(place.site.service.settings.database_url) as connection:
        assert sign_ins.recent(connection, person=made.id)[0].outcome == "done"


def test_who_comes_back_has_a_session_of_their_own_and_goes_where_they_wanted(place: Place) -> None:
    claims, visitor = place.newcomer(email="ans@eindhoven.example"), place.visitor()
    known = place.add("Ans@Eindhoven.example", "auditor")
    visitor.client.set_cookie(COOKIE, "planted-by-somebody-else")
    response = place.signed_in(visitor, next="/keys?x=1")
    assert (response.status_code, response.location) == (303, "/keys?x=1")
    cookie = visitor.client.get_cookie(COOKIE)
    assert cookie is not None
    assert cookie.value != "planted-by-somebody-else"
    assert visitor.client.get("/keys").status_code == 200
    assert place.by(claims["email"]) == known, "linked by an address that is trusted"
    claims["email"] = "other@example.net"
    response = place.signed_in(place.visitor())
    assert response.location == "/", "from then on by who it is there, whatever the address"


@pytest.mark.parametrize("roles", [True, False])
def test_signing_in_over_another_session_ends_that(place: Place, roles: bool) -> None:
    place.newcomer(groups=["Auditors"] if roles else [])
    visitor = place.site.visitor("submitter")
    before = visitor.client.get_cookie(COOKIE)
    assert before is not None
    place.signed_in(visitor)
    visitor.client.set_cookie(COOKIE, before.value)
    assert is_out(visitor)


@pytest.mark.parametrize("to", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x"])
def test_nobody_is_sent_to_another_site_afterwards(place: Place, to: str) -> None:
    claims = place.newcomer(groups=["Auditors"])
    assert place.signed_in(place.visitor(), next=to).location == "/"
    assert place.by(claims["email"]) is not None


# What must not be accepted


def another_audience(provider: OpenProvider, claims: Claims) -> str:
    return provider.signed({**claims, "aud": ["somebody-else"]})


def for_another_party(provider: OpenProvider, claims: Claims) -> str:
    return provider.signed({**claims, "aud": [CLIENT, "somebody-else"], "azp": "somebody-else"})


def for_two_without_saying_whom(provider: OpenProvider, claims: Claims) -> str:
    return provider.signed({**claims, "aud": [CLIENT, "somebody-else"]})


def another_issuer(provider: OpenProvider, claims: Claims) -> str:
    return provider.signed({**claims, "iss": "https://evil.example"})


def another_nonce(provider: OpenProvider, claims: Claims) -> str:
    return provider.signed({**claims, "nonce": "of-another-sign-in"})


def no_nonce(provider: OpenProvider, claims: Claims) -> str:
    return provider.signed({name: value for name, value in claims.items() if name != "nonce"})


def expired(provider: OpenProvider, claims: Claims) -> str:
    return provider.signed({**claims, "iat": claims["iat"] - 4_000, "exp": claims["iat"] - 300})


def without_an_end(provider: OpenProvider, claims: Claims) -> str:
    return provider.signed({name: value for name, value in claims.items() if name != "exp"})


def of_the_future(provider: OpenProvider, claims: Claims) -> str:
    return provider.signed({**claims, "iat": claims["iat"] + 4_000, "exp": claims["exp"] + 4_000})


def another_access_token(provider: OpenProvider, claims: Claims) -> str:
    return provider.signed({**claims, "at_hash": "bm90LXRoaXMtdG9rZW4"})


def unsigned(provider: OpenProvider, claims: Claims) -> str:
    return by_hand({"alg": "none"}, claims)


def signature_cut_off(provider: OpenProvider, claims: Claims) -> str:
    return provider.signed(claims).rpartition(".")[0] + "."


def with_another_key(provider: OpenProvider, claims: Claims) -> str:
    return provider.signed(claims, key=RSAKey.generate_key(2048, {"kid": provider.key.kid}))


def with_a_key_of_its_own(provider: OpenProvider, claims: Claims) -> str:
    own = RSAKey.generate_key(2048, {"kid": "own"})
    header = {"alg": "RS256", "kid": "own", "jwk": own.as_dict(private=False)}
    return jwt.encode(header, claims, own, ["RS256"])


def with_the_public_key_as_a_secret(provider: OpenProvider, claims: Claims) -> str:
    # joserfc itself does not even let a public key be a secret.
    return by_hand({"alg": "HS256", "kid": provider.key.kid}, claims, provider.key.as_pem(private=False))


def by_hand(header: dict[str, str | None], claims: Claims, secret: bytes | None = None) -> str:
    """A token that no library would make."""
    plain = ".".join(encoded(json.dumps(part).encode()) for part in (header, claims))
    signature = hmac.digest(secret, plain.encode(), hashlib.sha256) if secret else b""
    return f"{plain}.{encoded(signature)}"


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def with_the_secret_of_the_client(provider: OpenProvider, claims: Claims) -> str:
    return provider.signed(claims, key=OctKey.import_key(SECRET * 2), algorithm="HS256")


def changed_afterwards(provider: OpenProvider, claims: Claims) -> str:
    honest = provider.signed(claims).split(".")
    other = provider.signed({**claims, "sub": "somebody else"}).split(".")
    return ".".join([honest[0], other[1], honest[2]])


def nonsense(provider: OpenProvider, claims: Claims) -> str:
    return "no token"


FORGED = [
    another_audience, for_another_party, for_two_without_saying_whom, another_issuer, another_nonce, no_nonce, expired,
    without_an_end, of_the_future, another_access_token, unsigned, signature_cut_off, with_another_key,
    with_a_key_of_its_own, with_the_public_key_as_a_secret, with_the_secret_of_the_client, changed_afterwards, nonsense,
]  # fmt: skip


@pytest.mark.parametrize("forged", FORGED, ids=lambda each: each.__name__)
def test_an_id_token_that_is_not_right_lets_nobody_in(
    place: Place, forged: Callable[[OpenProvider, Claims], str]
) -> None:
    claims, visitor = place.newcomer(groups=["Auditors"]), place.visitor()
    place.provider.forged = forged
    response = place.signed_in(visitor)
    assert response.status_code == 400
    html = response.get_data(as_text=True)
    assert "klopt niet" in html
    assert "Meld aan met Gemeente Eindhoven" in html, "there is a way on"
    assert is_out(visitor)
    assert place.by(claims["email"]) is None
    place.provider.forged = None
    assert place.signed_in(visitor).location == "/", "the same sign-in with an honest token is accepted"


def test_a_token_with_the_same_changes_undone_is_accepted(place: Place) -> None:
    claims, visitor = place.newcomer(groups=["Auditors"]), place.visitor()
    place.provider.forged = lambda provider, claims: provider.signed({**claims, "azp": CLIENT})
    assert place.signed_in(visitor).location == "/"
    assert place.by(claims["email"]) is not None


@pytest.mark.parametrize(("algorithm", "key"), [
    ("RS256", lambda: RSAKey.generate_key(2048, {"kid": "changed"})),
    ("PS256", lambda: RSAKey.generate_key(2048, {"kid": "for ps"})),
    ("ES256", lambda: ECKey.generate_key("P-256", {"kid": "curve"})),
    ("EdDSA", lambda: OKPKey.generate_key("Ed25519", {"kid": "edwards"})),
])  # fmt: skip
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_a_provider_that_changes_its_keys_is_asked_for_them_anew(
    place: Place, algorithm: str, key: Callable[[], Any]
) -> None:
    place.newcomer(groups=["Auditors"])
    place.signed_in(place.visitor())
    before = place.provider.asked.count("/keys")
    usual = place.provider.key, place.provider.algorithm
    place.provider.key, place.provider.algorithm = key(), algorithm
    try:
        assert place.signed_in(place.visitor()).location == "/"
        assert place.signed_in(place.visitor()).location == "/"
    finally:
        place.provider.key, place.provider.algorithm = usual
    assert place.provider.asked.count("/keys") == before + 1


@pytest.mark.filterwarnings("ignore:Key size should be")
def test_a_weak_key_counts_for_nothing(place: Place) -> None:
    place.newcomer(groups=["Auditors"])
    usual = place.provider.key
    place.provider.key = RSAKey.generate_key(1024, {"kid": "weak"})
    try:
        assert place.signed_in(place.visitor()).status_code == 400
    finally:
        place.provider.key = usual


def test_a_state_that_was_never_given_out_is_refused(place: Place) -> None:
    place.newcomer(groups=["Auditors"])
    visitor = place.visitor()
    back = place.provider.comes_back(place.begun(visitor))
    query = parse_qs(urlsplit(back).query)
    for state in ("made-up", "", query["state"][0] + "x"):
        wrong = urlencode({"code": query["code"][0], "state": state, "iss": query["iss"][0]})
        response = visitor.client.get(f"{ANSWER}?{wrong}")
        assert response.status_code == 400
        assert "niet meer geldig" in response.get_data(as_text=True)
    assert visitor.client.get(f"{back}&state=another").status_code == 400, "two states are none"
    assert is_out(visitor)
    assert visitor.client.get(back).status_code == 303


def test_an_answer_counts_once(place: Place) -> None:
    place.newcomer(groups=["Auditors"])
    visitor = place.visitor()
    back = place.provider.comes_back(place.begun(visitor))
    cookie = next(each for each in cookies(visitor) if each[0].startswith("sign-in-"))
    assert visitor.client.get(back).status_code == 303
    visitor.client.delete_cookie(COOKIE)
    visitor.client.set_cookie(cookie[0], cookie[1])
    assert visitor.client.get(back).status_code == 400
    assert is_out(visitor)


def test_a_code_that_was_used_is_refused_by_the_provider_too(place: Place) -> None:
    place.newcomer(groups=["Auditors"])
    one, other = place.visitor(), place.visitor()
    used = parse_qs(urlsplit(place.provider.comes_back(place.begun(one))).query)
    mine = parse_qs(urlsplit(place.begun(other)).query)
    assert one.client.get(f"{ANSWER}?{urlencode(used, doseq=True)}").status_code == 303
    replayed = urlencode({"code": used["code"][0], "state": mine["state"][0], "iss": used["iss"][0]})
    response = other.client.get(f"{ANSWER}?{replayed}")
    assert response.status_code == 400
    assert is_out(other)


def test_a_code_of_another_sign_in_is_worth_nothing(place: Place) -> None:
    """PKCE: a code that was caught somewhere cannot be used in a sign-in of one's own."""
    place.newcomer(groups=["Auditors"])
    caught = parse_qs(urlsplit(place.provider.comes_back(place.begun(place.visitor()))).query)
    visitor = place.visitor()
    mine = parse_qs(urlsplit(place.begun(visitor)).query)
    mixed = urlencode({"code": caught["code"][0], "state": mine["state"][0], "iss": caught["iss"][0]})
    assert visitor.client.get(f"{ANSWER}?{mixed}").status_code == 400
    assert is_out(visitor)


def test_an_answer_is_for_the_browser_in_which_it_was_asked(place: Place) -> None:
    """Nobody is signed in as somebody else by a link that they are sent."""
    place.newcomer(groups=["Auditors"])
    one, other = place.visitor(), place.visitor()
    back = place.provider.comes_back(place.begun(one))
    assert other.client.get(back).status_code == 400
    assert is_out(other)
    assert one.client.get(back).status_code == 303, "and the other took nothing away"


def test_an_answer_of_another_issuer_or_without_one_is_refused(place: Place) -> None:
    place.newcomer(groups=["Auditors"])
    for issuer in ("https://evil.example", ""):
        visitor = place.visitor()
        query = parse_qs(urlsplit(place.provider.comes_back(place.begun(visitor))).query)
        query["iss"] = [issuer] if issuer else []
        assert visitor.client.get(f"{ANSWER}?{urlencode(query, doseq=True)}").status_code == 400
        assert is_out(visitor)


def test_an_answer_is_good_for_ten_minutes(place: Place) -> None:
    place.newcomer(groups=["Auditors"])
    visitor = place.visitor()
    back = place.provider.comes_back(place.begun(visitor))
    with psycopg.connect(place.site.service.settings.database_url) as connection:
        connection.execute("UPDATE web.on_their_way SET created_at = created_at - interval '10 minutes'")
    assert visitor.client.get(back).status_code == 400
    assert is_out(visitor)
    parts = place.site.service.app.extensions["besluitspoor"].parts
    with psycopg.connect(place.site.service.settings.database_url, autocommit=True) as connection:
        forgetting.run_due(parts, connection, datetime.now(UTC))
        assert connection.execute("SELECT count(*) FROM web.on_their_way").fetchone() == (0,)


def test_an_answer_for_one_provider_does_not_count_at_another(place: Place) -> None:
    place.newcomer(groups=["Auditors"])
    visitor = place.visitor()
    back = place.provider.comes_back(place.begun(visitor)).replace("/with/city/", "/with/strict/")
    assert visitor.client.get(back).status_code == 400
    assert is_out(visitor)
    assert visitor.client.get("/sign-in/with/nobody/answer?state=x").status_code == 404


def test_the_database_has_nothing_to_come_back_with(place: Place) -> None:
    place.newcomer()
    visitor = place.visitor()
    state = parse_qs(urlsplit(place.begun(visitor)).query)["state"][0]
    with psycopg.connect(place.site.service.settings.database_url) as connection:
        rows = [row for (row,) in connection.execute("SELECT s::text FROM web.on_their_way s").fetchall()]
    assert rows
    for secret in (state, *(value for _, value in cookies(visitor))):
        assert not any(secret in row for row in rows)


def test_the_cookie_of_a_sign_in_is_out_of_reach_of_scripts_and_gone_afterwards(place: Place) -> None:
    place.newcomer()
    visitor = place.visitor()
    response = visitor.client.post(GO, base_url="https://besluitspoor.example")
    (cookie,) = response.headers.getlist("Set-Cookie")
    for part in ("HttpOnly", "SameSite=Lax", "Secure", "Max-Age=600", "Path=/"):
        assert part in cookie
    place.signed_in(visitor)
    assert [name for name, _ in cookies(visitor) if name.startswith("sign-in-")] == [
        cookie.partition("=")[0]
    ], "that of the sign-in that did not end stays, the other is gone"


def cookies(visitor: Visitor) -> list[tuple[str, str]]:
    return [(cookie.key, cookie.value) for cookie in visitor.client._cookies.values()]


@pytest.mark.parametrize("nonsense", NONSENSE)
def test_nonsense_leads_nowhere(place: Place, nonsense: str) -> None:
    place.newcomer()
    visitor = place.visitor()
    begun = visitor.client.post(GO, data={"next": nonsense, "again.x": nonsense, f"again.{nonsense}": "x"})
    assert begun.status_code == 200
    state = parse_qs(urlsplit(place.begun(visitor)).query)["state"][0]
    for query in (
        dict.fromkeys(("state", "code", "iss", "error"), nonsense),
        {"state": state, "iss": place.provider.issuer, "code": nonsense},
        {"state": nonsense, "error": nonsense},
    ):
        response = visitor.client.get(ANSWER, query_string=query)
        assert response.status_code == 400, query
        assert b"<script>alert" not in response.get_data()
    assert is_out(visitor)


@pytest.mark.parametrize("nonsense", [None, 1, [], {}, "", "\x00", "a\x00b", "x" * 5_000, "\n", True])
def test_claims_that_are_nonsense_make_nobody_of_it(place: Place, nonsense: Any) -> None:
    names = ("name", "email", "email_verified", "org", "org_name", "groups")
    claims = place.newcomer(**dict.fromkeys(names, nonsense))
    assert place.signed_in(place.visitor()).status_code == 403
    claims["sub"] = nonsense
    assert place.signed_in(place.visitor()).status_code == 400


# What goes otherwise at the provider


def test_who_breaks_off_at_the_provider_is_told_what_they_can_do(place: Place) -> None:
    place.newcomer()
    visitor = place.visitor()
    response = visitor.client.get(place.provider.comes_back(place.begun(visitor), declined=True))
    assert response.status_code == 400
    html = response.get_data(as_text=True)
    assert "afgebroken" in html
    assert 'name="password"' in html


def test_what_a_provider_says_is_no_text_on_our_page(place: Place) -> None:
    place.newcomer()
    visitor = place.visitor()
    state = parse_qs(urlsplit(place.begun(visitor)).query)["state"][0]
    said = urlencode({
        "error": "server_error", "error_description": "Bel 0900-1234 <b>nu</b>", "state": state,
        "iss": place.provider.issuer,
    })  # fmt: skip
    html = visitor.client.get(f"{ANSWER}?{said}").get_data(as_text=True)
    assert "kan je nu niet aanmelden" in html
    assert "0900" not in html


def test_a_form_that_came_too_late_survives_the_way_to_the_provider_and_back(place: Place) -> None:
    place.newcomer(email="late@eindhoven.example")
    place.add("late@eindhoven.example", "auditor")
    visitor = place.visitor()
    place.signed_in(visitor)
    typed = 'Mijn <grond>, op\ntwee regels met "aanhaling"'
    carried = typed_too_late(place, visitor, typed)
    asked = visitor.client.post(GO, data={"next": "/sign-out", **carried})
    address = unescape(asked.get_data(as_text=True).partition("0; url=")[2].partition('"')[0])
    broken_off = visitor.client.get(place.provider.comes_back(address, declined=True))
    assert dict_of_areas(broken_off)["again.grounds"][0] == typed, "also when it goes wrong there"
    asked = visitor.client.post(GO, data={"next": "/sign-out", **carried})
    address = unescape(asked.get_data(as_text=True).partition("0; url=")[2].partition('"')[0])
    response = visitor.client.get(place.provider.comes_back(address))
    assert response.status_code == 200
    assert 'action="/sign-out"' in response.get_data(as_text=True)
    fields = dict_of_areas(response)
    assert (fields["grounds"], fields["list"]) == ([typed], ["a", "b"])


def test_what_somebody_else_typed_is_not_shown_to_who_comes_back_from_the_provider(place: Place) -> None:
    visitor = place.site.visitor("auditor")
    carried = typed_too_late(place, visitor, "Van een ander")
    place.newcomer(email="another@eindhoven.example")
    place.add("another@eindhoven.example", "auditor")
    asked = visitor.client.post(GO, data={"next": "/sign-out", **carried})
    address = unescape(asked.get_data(as_text=True).partition("0; url=")[2].partition('"')[0])
    response = visitor.client.get(place.provider.comes_back(address))
    assert response.status_code == 200
    assert "Van een ander" not in response.get_data(as_text=True)
    assert visitor.client.get("/keys").status_code == 200, "signed in all the same"


def typed_too_late(place: Place, visitor: Visitor, typed: str) -> dict[str, list[str]]:
    """What the page carries along that asks to sign in again, as the form of the providers sends it."""
    visitor.text("/keys")
    forget_sessions(place.site)
    expired = visitor.post("/sign-out", {"grounds": typed, "list": ["a", "b"]})
    html = shown(expired, 401)
    carried = {name: values[: len(values) // 2] for name, values in dict_of_areas(expired).items()}
    assert carried["again.grounds"] == [typed]
    mark = html.partition('name="typed-by" value="')[2].partition('"')[0]
    assert mark
    assert html.count('name="typed-by"') == 2, "whichever way of signing in is chosen"
    return {**carried, "typed-by": [mark]}


def test_what_a_provider_gives_and_takes_is_recorded_as_automatic(place: Place) -> None:
    claims = place.newcomer(groups=["Auditors"])
    place.signed_in(place.visitor())
    made = place.by(claims["email"])
    assert made is not None
    assert made.roles == {"auditor"}
    claims["groups"] = []
    place.signed_in(place.visitor())
    place.signed_in(place.visitor())
    log = place.site.service.app.extensions["besluitspoor"].parts.log
    told = [(each.name, each.by) for each in log.load(made.id)]
    assert told == [("PersonAdded", "system"), ("PersonChanged", "system"), ("AccessEnded", "system")]


@pytest.mark.parametrize("role", ["admin", "auditor", "integration"])
def test_a_secretary_links_no_account_of_who_keeps_an_eye_on_the_others(place: Place, role: str) -> None:
    whom = place.site.service.people[role]
    with psycopg.connect(place.site.service.settings.database_url) as connection:
        code = identities.note(
            connection, place.provider.issuer, f"of a secretary {role}", "s@x.example", "S"
        )
        identities.link(connection, place.provider.issuer, f"theirs {role}", whom.id)
        linked = identities.of_person(connection, whom.id)
    secretary, path = place.site.visitor("secretary"), f"/admin/people/{whom.id}"
    assert f"{path}/link" not in secretary.text(path)
    assert secretary.get(f"{path}/link").status_code == 403
    for act, sent in (("link", {"account": code}), (f"links/{linked[0].id}/end", {})):
        secretary.text("/keys")
        assert secretary.post(f"{path}/{act}", sent).status_code == 403
    with psycopg.connect(place.site.service.settings.database_url) as connection:
        assert identities.of_person(connection, whom.id) == linked


def test_a_provider_that_does_not_answer_keeps_nobody_from_signing_in_otherwise(
    admin_url: str, template: Settings, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
    (tmp_path / "secret of the client").write_text("x")
    (tmp_path / "f.toml").write_text(FILE.format(issuer=nobody, client=CLIENT))
    with (
        fresh_database(admin_url, template) as settings,
        site_on(replace(settings, oidc_file=str(tmp_path / "f.toml"))) as site,
    ):
        visitor = site.visitor(None)
        response = visitor.client.post(GO, data={"next": "/keys", "again.grounds": "Tekst"})
        assert response.status_code == 503
        html = response.get_data(as_text=True)
        assert "geeft geen goed antwoord" in html
        assert dict_of_areas(response)["again.grounds"][0] == "Tekst"
        assert 'name="password"' in html


def test_a_discovery_document_that_is_not_right_is_not_followed(
    admin_url: str, template: Settings, tmp_path: Path
) -> None:
    (tmp_path / "secret of the client").write_text(SECRET)
    with provider_for("http://127.0.0.1:8000" + ANSWER) as provider:
        (tmp_path / "f.toml").write_text(FILE.format(issuer=provider.issuer, client=CLIENT))
        with (
            fresh_database(admin_url, template) as settings,
            site_on(replace(settings, oidc_file=str(tmp_path / "f.toml"))) as site,
        ):
            for said in (
                {"issuer": "https://evil.example"},
                {"token_endpoint": "http://example.org/token"},
                {"authorization_endpoint": "javascript:alert(1)"},
                {"jwks_uri": "file:///etc/passwd"},
                {"code_challenge_methods_supported": ["plain"]},
            ):
                provider.extra = said
                assert site.visitor(None).client.post(GO).status_code == 503, said
            provider.extra = {}
            assert site.visitor(None).client.post(GO).status_code == 200


# Who it is here


def test_an_unverified_address_is_nobodys(place: Place) -> None:
    known = place.add("chef@eindhoven.example", "admin")
    for verified in (False, None, "false", 0, "yes"):
        place.newcomer(email=known.email, email_verified=verified)
        visitor = place.visitor()
        response = place.signed_in(visitor)
        assert response.status_code == 403
        assert "gecontroleerd" in response.get_data(as_text=True)
        assert is_out(visitor)
    with psycopg.connect(place.site.service.settings.database_url) as connection:
        assert identities.of_person(connection, known.id) == []


def test_a_verified_address_of_a_domain_that_is_not_trusted_links_nothing(place: Place) -> None:
    known = place.add("anna@elsewhere.example", "admin")
    place.newcomer(email=known.email)
    visitor = place.visitor()
    response = place.signed_in(visitor)
    assert response.status_code == 403
    assert "hoort hier nog bij niemand" in response.get_data(as_text=True)
    assert is_out(visitor)


def test_an_address_that_goes_to_another_at_the_provider_does_not_bring_the_account_along(
    place: Place,
) -> None:
    place.add("jan@eindhoven.example", "auditor")
    place.newcomer(email="jan@eindhoven.example")
    assert place.signed_in(place.visitor()).location == "/"
    place.newcomer(email="jan@eindhoven.example")
    assert place.signed_in(place.visitor()).status_code == 403


def test_a_provider_for_some_domains_and_levels_lets_in_no_others(place: Place) -> None:
    """The second provider of the file: the same server, with more conditions and nobody admitted."""
    other = place.provider.redirect_uri.replace("/city/", "/strict/")
    usual, place.provider.redirect_uri = place.provider.redirect_uri, other
    settings = place.site.service.app.extensions["besluitspoor"].elsewhere.get("strict")
    settings.provider = replace(settings.provider, client_secret=SECRET)
    try:
        for claims, status, words in (
            ({"email": "x@example.net", "acr": "high"}, 403, "Met dit e-mailadres"),
            ({"email": "x@strict.example.net", "acr": "high"}, 403, "Met dit e-mailadres"),
            ({"email": "x@strict.example"}, 403, "op het niveau"),
            ({"email": "x@strict.example", "acr": "low"}, 403, "op het niveau"),
            ({"email": "x@strict.example", "acr": "high"}, 403, "hoort hier nog bij niemand"),
            ({"email": "x@strict.example", "acr": "high", "email_verified": False}, 403, "gecontroleerd"),
        ):
            place.newcomer(**claims)
            visitor = place.visitor()
            back = place.provider.comes_back(place.begun(visitor, "strict"))
            response = visitor.client.get(back)
            assert response.status_code == status
            assert words in response.get_data(as_text=True), claims
            assert is_out(visitor)
    finally:
        place.provider.redirect_uri = usual


@contextmanager
def levels(place: Place, *found: str) -> Iterator[None]:
    """As when the settings of the provider name these levels."""
    client = place.site.service.app.extensions["besluitspoor"].elsewhere.get("city")
    usual, client.provider = client.provider, replace(client.provider, levels=found)
    try:
        yield
    finally:
        client.provider = usual


def with_an_app(place: Place, visitor: Visitor) -> str:
    """Who is signed in sets up the second step: the key in the app."""
    visitor.text("/account/second-factor")
    assert visitor.post("/account/second-factor/begin", {}).status_code == 303
    words = re.search(r"<dd>((?:[A-Z2-7]{4} ?)+)</dd>", visitor.text("/account/second-factor"))
    assert words is not None
    secret = words[1].replace(" ", "")
    assert visitor.post("/account/second-factor/confirm", {"code": a_code(secret)}).status_code == 200
    return secret


def a_code(secret: str, ahead: int = 0) -> str:
    return pyotp.TOTP(secret).at(datetime.now(UTC) + timedelta(seconds=30 * ahead))


def test_our_own_code_is_asked_after_a_provider_without_levels_of_who_must_have_one(place: Place) -> None:
    """Nobody knows whether such a provider asked more than a password."""
    place.newcomer(groups=["Treasury"])
    visitor = place.visitor()
    place.signed_in(visitor)
    assert visitor.client.get("/money").location == "/account/second-factor", "first it is set up"
    secret = with_an_app(place, visitor)
    assert visitor.client.get("/money").status_code == 200
    again = place.visitor()
    asked = place.signed_in(again, next="/keys?x=1", **{"again.grounds": "Wat ik typte"})
    assert (asked.status_code, "Nog één stap" in asked.get_data(as_text=True)) == (200, True)
    assert is_out(again), "there is no session before the code"
    wrong = again.post("/sign-in/code", {"code": "1"})
    assert wrong.status_code == 400
    right = again.post("/sign-in/code", {"code": a_code(secret, 1), "next": "/keys?x=1"})
    assert (right.status_code, right.location) == (303, "/keys?x=1")
    assert again.client.get("/money").status_code == 200
    assert "Je organisatie en code" in again.text("/account/sessions")


def test_our_own_code_is_not_asked_where_the_provider_says_at_which_level_one_signed_in(place: Place) -> None:
    with levels(place, "high"):
        place.newcomer(groups=["Treasury"], acr="high")
        visitor = place.visitor()
        assert place.signed_in(visitor).location == "/"
        assert visitor.client.get("/money").status_code == 200
        with_an_app(place, visitor)
        assert place.signed_in(place.visitor()).location == "/", "nor when they have an app"
        place.provider.person["acr"] = "low"
        assert place.signed_in(place.visitor()).status_code == 403


def test_who_need_not_have_a_second_factor_gives_no_code_after_a_provider(place: Place) -> None:
    place.newcomer(groups=["Auditors"])
    visitor = place.visitor()
    assert place.signed_in(visitor).location == "/"
    with_an_app(place, visitor)
    again = place.visitor()
    assert place.signed_in(again).location == "/"
    assert again.client.get("/keys").status_code == 200


def a_while_passes(place: Place) -> None:
    """As when eleven minutes have passed since everybody showed who they are."""
    with psycopg.connect(place.site.service.settings.database_url, autocommit=True) as connection:
        connection.execute("UPDATE web.sessions SET shown_at = now() - interval '11 minutes'")


def sent_to_show(place: Place, visitor: Visitor, **fields: str) -> str:
    """Who signed in a while ago is sent to the provider once more: the address that the browser goes on to."""
    visitor.text("/account/confirm")
    response = visitor.post("/account/confirm/with/city", fields)
    assert response.status_code == 200, response.get_data(as_text=True)
    return unescape(response.get_data(as_text=True).partition('content="0; url=')[2].partition('"')[0])


def signed_in_a_while_ago(place: Place, **claims: Any) -> Visitor:
    place.newcomer(**{"groups": ["Auditors"], **claims})
    visitor = place.visitor()
    assert place.signed_in(visitor).location == "/"
    a_while_passes(place)
    return visitor


def still_asked(visitor: Visitor) -> bool:
    return (visitor.client.get("/account/password").location or "").startswith("/account/confirm?")


def test_who_has_only_an_account_elsewhere_shows_who_they_are_by_signing_in_there_anew(place: Place) -> None:
    visitor = signed_in_a_while_ago(place)
    visitor.text("/account/tokens")
    asked = visitor.post("/account/tokens", {"name": "Zaaksysteem", "days": "30", "scope": "read"})
    html = asked.get_data(as_text=True)
    assert (asked.status_code, "Meld aan met Gemeente Eindhoven" in html) == (401, True)
    assert 'name="password"' not in html
    mark = re.search(r'name="typed-by" value="([^"]*)"', html)
    assert mark is not None
    carried = {"next": "/account/tokens", "again.name": "Zaaksysteem", "typed-by": mark[1]}
    address = sent_to_show(place, visitor, **carried)
    query = parse_qs(urlsplit(address).query)
    assert (query["prompt"], query["max_age"]) == (["login"], ["0"])
    again = visitor.client.get(place.provider.comes_back(address))
    assert again.status_code == 200
    assert "Zaaksysteem" in again.get_data(as_text=True)
    assert not still_asked(visitor)


def without_auth_time(provider: OpenProvider, claims: Claims) -> str:
    return provider.signed({name: value for name, value in claims.items() if name != "auth_time"})


def signed_in_there_before(provider: OpenProvider, claims: Claims) -> str:
    return provider.signed({**claims, "auth_time": claims["iat"] - 300})


def with_a_time_that_is_none(provider: OpenProvider, claims: Claims) -> str:
    return provider.signed({**claims, "auth_time": True})


@pytest.mark.parametrize(
    "forged",
    [without_auth_time, signed_in_there_before, with_a_time_that_is_none, expired, another_nonce],
    ids=lambda each: each.__name__,
)
def test_a_provider_that_did_not_ask_anew_shows_nothing(
    place: Place, forged: Callable[[OpenProvider, Claims], str]
) -> None:
    visitor = signed_in_a_while_ago(place)
    place.provider.forged = forged
    answer = visitor.client.get(place.provider.comes_back(sent_to_show(place, visitor, next="/keys")))
    assert (answer.status_code, "Ben jij het nog?" in answer.get_data(as_text=True)) == (400, True)
    assert still_asked(visitor)
    place.provider.forged = None
    answer = visitor.client.get(place.provider.comes_back(sent_to_show(place, visitor, next="/keys")))
    assert answer.location == "/keys"


def test_another_account_there_shows_nothing_and_signs_nobody_in(place: Place) -> None:
    visitor = signed_in_a_while_ago(place)
    address = sent_to_show(place, visitor)
    other = place.newcomer(groups=["Auditors"])
    answer = visitor.client.get(place.provider.comes_back(address))
    assert (answer.status_code, "met een ander account" in answer.get_data(as_text=True)) == (400, True)
    assert still_asked(visitor)
    assert place.by(other["email"]) is None


def test_what_was_asked_in_one_session_shows_nothing_in_another(place: Place) -> None:
    visitor = signed_in_a_while_ago(place)
    back = place.provider.comes_back(sent_to_show(place, visitor))
    visitor.text("/keys")
    assert visitor.post("/sign-out", {}).status_code == 303
    answer = visitor.client.get(back)
    assert (answer.status_code, "niet meer geldig" in answer.get_data(as_text=True)) == (400, True)
    assert is_out(visitor), "nor does it sign anybody in"


def test_who_gives_our_code_after_that_provider_gives_it_to_show_who_they_are(place: Place) -> None:
    place.newcomer(groups=["Treasury"])
    visitor = place.visitor()
    place.signed_in(visitor)
    secret = with_an_app(place, visitor)
    a_while_passes(place)
    assert 'name="code"' in visitor.text("/account/confirm")
    refused = visitor.post("/account/confirm/with/city", {"code": "1"})
    assert (refused.status_code, "Deze code klopt niet" in refused.get_data(as_text=True)) == (400, True)
    address = sent_to_show(place, visitor, code=a_code(secret, 1))
    assert visitor.client.get(place.provider.comes_back(address)).status_code == 303
    assert not still_asked(visitor)


def test_the_settings_say_what_people_of_an_organisation_may(place: Place) -> None:
    claims, visitor = place.newcomer(org="0772"), place.visitor()
    assert place.signed_in(visitor).location == "/"
    person = place.by(claims["email"])
    assert person is not None
    assert person.roles == {"submitter"}
    assert named(place, person) == ("municipality", "Gemeente Eindhoven")


def test_an_organisation_that_the_settings_do_not_name_is_told_by_its_identifier(place: Place) -> None:
    one = place.newcomer(org="kvk 1", org_name="Bakkerij Bol")
    place.signed_in(place.visitor())
    two = place.newcomer(org="kvk 1", org_name="Bakkerij Bol en Zonen")
    place.signed_in(place.visitor())
    first, second = place.by(one["email"]), place.by(two["email"])
    assert first is not None
    assert second is not None
    assert first.organisation == second.organisation
    assert named(place, first) == ("company", "Bakkerij Bol")


def test_the_name_of_a_known_organisation_proves_nothing(place: Place) -> None:
    """Who registers as a company of that name elsewhere does not see the proposals of the one that is here."""
    with psycopg.connect(place.site.service.settings.database_url) as connection:
        known = parties.find_or_add(connection, "company", "Voorbeeld BV")
    claims = place.newcomer(org="kvk 2", org_name="Voorbeeld BV")
    assert WAITS in shown(place.signed_in(place.visitor()), 403)
    person = place.by(claims["email"])
    assert person is not None
    assert (person.organisation, person.roles) == (None, set())
    assert known


def named(place: Place, person: Person) -> tuple[str, str]:
    assert person.organisation is not None
    with psycopg.connect(place.site.service.settings.database_url) as connection:
        party = parties.get(connection, person.organisation)
    assert party is not None
    return party.kind, party.name


def test_a_provider_takes_away_what_it_gave_and_nothing_else(place: Place) -> None:
    claims = place.newcomer(groups=["Auditors", "Others"], org="0772")
    place.signed_in(place.visitor())
    person = place.by(claims["email"])
    assert person is not None
    assert person.roles == {"auditor", "submitter"}
    with psycopg.connect(place.site.service.settings.database_url) as connection:
        people.change(connection, replace(person, roles=frozenset({"auditor", "submitter", "treasurer"})))
    claims["groups"] = []
    del claims["org"]
    place.signed_in(place.visitor())
    person = place.by(claims["email"])
    assert person is not None
    assert (person.roles, person.organisation) == ({"treasurer"}, None)


def test_what_an_administrator_took_away_does_not_come_back_by_signing_in(place: Place) -> None:
    claims = place.newcomer(groups="Auditors")
    place.signed_in(place.visitor())
    person = place.by(claims["email"])
    assert person is not None
    with psycopg.connect(place.site.service.settings.database_url) as connection:
        people.change(connection, replace(person, roles=frozenset()))
    assert WAITS in shown(place.signed_in(place.visitor()), 403)


def test_a_role_is_never_given_that_the_settings_do_not_name(place: Place) -> None:
    claims = place.newcomer(groups=["admin", "Admins", "auditor"], roles=["admin"])
    place.signed_in(place.visitor())
    person = place.by(claims["email"])
    assert person is not None
    assert person.roles == set()


# What the administrator sees


def test_an_administrator_links_a_stranger_by_the_code_that_they_were_told(place: Place) -> None:
    known = place.add("oud@elsewhere.example", "auditor")
    place.newcomer(email="oud@elsewhere.example")
    html = place.signed_in(place.visitor()).get_data(as_text=True)
    code = html.partition('class="code">')[2].partition("<")[0]
    assert len(code) == 9
    admin = place.site.visitor("admin")
    page = f"/admin/people/{known.id}"
    assert "Er is geen ander account gekoppeld" in admin.text(page)
    assert code in admin.text(f"{page}/link"), "who has the same address is shown"
    asked = admin.text(f"{page}/link?code={code.lower().replace('-', ' ')}")
    assert "oud@elsewhere.example" in asked
    assert admin.post(f"{page}/link", {"account": code}).location.endswith(page)
    html = admin.text(page)
    assert "Het account is gekoppeld" in html
    assert "Gemeente Eindhoven" in html
    assert place.signed_in(place.visitor()).location == "/"
    assert admin.get(f"{page}/link?code={code}").status_code == 400, "a code is used once"


def test_what_an_administrator_unlinks_is_out_and_does_not_link_itself_again(place: Place) -> None:
    known = place.add("weg@eindhoven.example", "auditor")
    place.newcomer(email="weg@eindhoven.example")
    visitor = place.visitor()
    assert place.signed_in(visitor).location == "/"
    admin = place.site.visitor("admin")
    html = admin.text(f"/admin/people/{known.id}")
    end = html.partition(f"/admin/people/{known.id}/links/")[2].partition('"')[0]
    assert admin.post(f"/admin/people/{known.id}/links/{end}", {}).status_code == 303
    assert is_out(visitor)
    assert place.signed_in(visitor).status_code == 403
    admin.text(f"/admin/people/{known.id}")
    assert admin.post(f"/admin/people/{known.id}/links/{end}", {}).status_code == 404


@pytest.mark.parametrize("code", ["ABCD-2345", "%", "", "x" * 100, "\x00"])
def test_a_code_that_nobody_has_links_nobody(place: Place, code: str) -> None:
    known = place.add(f"{code.encode().hex()}@none.example"[-60:], "auditor")
    admin = place.site.visitor("admin")
    admin.text(f"/admin/people/{known.id}/link")
    response = admin.post(f"/admin/people/{known.id}/link", {"account": code})
    assert response.status_code == 400
    with psycopg.connect(place.site.service.settings.database_url) as connection:
        assert identities.of_person(connection, known.id) == []


# Signing out


def test_who_signs_out_is_told_that_they_are_still_signed_in_at_the_provider(place: Place) -> None:
    place.newcomer(groups=["Auditors"])
    visitor = place.visitor()
    place.signed_in(visitor)
    visitor.text("/keys")
    response = visitor.post("/sign-out", {})
    assert response.location == "/sign-in?left=city"
    assert is_out(visitor)
    html = visitor.text(response.location)
    assert "Bij Gemeente Eindhoven ben je nog aangemeld" in html
    away = visitor.get(f"{GO}/leave")
    assert away.location.startswith(f"{place.provider.issuer}/end?")
    assert parse_qs(urlsplit(away.location).query)["post_logout_redirect_uri"] == [
        f"{place.site.address}/sign-in"
    ]
    assert PoolManager().request("GET", away.location).status == 200


def test_who_signed_in_here_hears_of_no_provider_when_they_sign_out(place: Place) -> None:
    visitor = place.site.visitor("auditor")
    visitor.text("/keys")
    assert visitor.post("/sign-out", {}).location == "/sign-in"
    assert "ben je nog aangemeld" not in visitor.text("/sign-in?left=nobody")


# In a browser


@pytest.mark.parametrize(("locale", "scripts", "viewport"), [("nl", False, PHONE), ("en", True, DESKTOP)])
def test_somebody_signs_in_at_a_provider_in_a_browser(
    place: Place, chromium: Browser, locale: str, scripts: bool, viewport: dict[str, int]
) -> None:
    place.newcomer(groups=["Auditors"], name=f"Ans {locale}")
    place.provider.forged = None
    context = chromium.new_context(
        viewport=viewport,  # type: ignore[arg-type]
        locale=locale,
        java_script_enabled=scripts,
    )
    wrong: list[str] = []
    try:
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if "Content Security" in said.text else None)
        page.goto(f"{place.site.address}/keys")
        if scripts:
            assert violations(page) == []
        name = "Gemeente Eindhoven" if locale == "nl" else "City of Eindhoven"
        page.get_by_role("button", name=name).click()
        page.get_by_role("button", name="Yes, it is me").click()
        page.wait_for_url(f"{place.site.address}/keys")
        assert page.get_by_role("heading", level=1).count() == 1
        if not scripts:
            page.locator("summary").first.click()
        page.get_by_role("button", name="Afmelden" if locale == "nl" else "Sign out").click()
        expect(page.locator("[role=status]").first).to_contain_text(name)
        page.get_by_role("status").get_by_role("link").click()
        page.wait_for_url(re.compile(f"{place.provider.issuer}/end"))
    finally:
        context.close()
    assert wrong == []


@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing_wrong_with_the_pages_of_it(place: Place, chromium: Browser, dark: bool) -> None:
    known = place.add(f"axe-{dark}@elsewhere.example", "auditor")
    place.newcomer(email=known.email)
    context = chromium.new_context(viewport=PHONE, color_scheme="dark" if dark else "light")  # type: ignore[arg-type]
    try:
        page = context.new_page()
        # The page on the way holds still, so that it can be looked at.
        context.route(f"{place.provider.issuer}/authorize*", lambda route: route.fulfill(status=204))
        page.goto(f"{place.site.address}/sign-in")
        assert violations(page) == []
        page.get_by_role("button", name="Eindhoven").click()
        page.wait_for_timeout(300)
        assert violations(page) == []
        context.unroute(f"{place.provider.issuer}/authorize*")
        page.get_by_role("link", name="Ga verder").or_(page.get_by_role("link", name="Go on")).click()
        page.get_by_role("button", name="Yes, it is me").click()
        code = page.locator(".code").inner_text()
        assert violations(page) == []
        place.newcomer()
        page.goto(f"{place.site.address}/sign-in")
        page.get_by_role("button", name="Eindhoven").click()
        page.get_by_role("button", name="Yes, it is me").click()
        page.get_by_text(re.compile(f"{WAITS}|administrator must give")).wait_for()
        assert violations(page) == []
        context.clear_cookies()
        context.add_cookies([{"name": COOKIE, "value": place.site.token("admin"), "url": place.site.address}])
        for path in (f"link?code={code}", "link?code=ABCD-2345", "link"):
            page.goto(f"{place.site.address}/admin/people/{known.id}/{path}")
            assert violations(page) == []
        page.goto(f"{place.site.address}/admin/people/{known.id}/link?code={code}")
        page.locator("main form[action] button").click()
        page.wait_for_url(f"**/admin/people/{known.id}")
        assert violations(page) == []
        width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert width <= 0
    finally:
        context.close()
