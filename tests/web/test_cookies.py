"""What cookies are called: with a prefix that ties them to this host and to HTTPS, wherever the service is on HTTPS."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from flask.testing import FlaskClient

from service.app import create_app
from service.identity import people
from service.web import cookies, half_way
from service.web.cookies import LANGUAGE, SESSION, SIGNED_IN_WITH, STEP, THEME
from tests.api.conftest import PASSWORD
from tests.web.conftest import Site

SUBMITTER = {"email": "submitter@example.org", "password": PASSWORD}
HTTPS = "https://besluitspoor.example"


@pytest.fixture
def secure(site: Site) -> Iterator[FlaskClient]:
    """A browser at the same service, where it says to be on HTTPS."""
    app = create_app(replace(site.service.settings, public_url=HTTPS))
    yield app.test_client()
    app.extensions["besluitspoor"].close()


def sent(answer: object) -> list[str]:
    return answer.headers.getlist("Set-Cookie")  # type: ignore[attr-defined, no-any-return]


def test_over_https_every_cookie_is_of_this_host_alone(site: Site, secure: FlaskClient) -> None:
    given = [
        *sent(secure.post("/sign-in", data=SUBMITTER, base_url=HTTPS)),
        *sent(secure.get("/language/en", base_url=HTTPS)),
        *sent(secure.get("/theme/dark", base_url=HTTPS)),
    ]
    assert [each.partition("=")[0] for each in given] == [
        f"__Host-{each}" for each in (SESSION, SIGNED_IN_WITH, LANGUAGE, THEME)
    ]
    for each in given:
        # Browsers refuse such a name without these.
        assert "; Secure" in each
        assert "; Path=/;" in each + ";"
        assert "Domain" not in each
        assert "; HttpOnly" in each
    assert 'lang="en"' in secure.get("/keys", base_url=HTTPS).get_data(as_text=True)


def test_over_https_they_are_secure_however_the_request_came(secure: FlaskClient) -> None:
    # A proxy that does not say that the browser spoke HTTPS must not cost the cookie its protection.
    assert all("; Secure" in each for each in sent(secure.post("/sign-in", data=SUBMITTER)))


def test_over_https_a_cookie_without_the_prefix_counts_for_nothing(site: Site, secure: FlaskClient) -> None:
    token = site.token("secretary")
    secure.set_cookie(SESSION, token, domain="besluitspoor.example")
    assert secure.get("/keys", base_url=HTTPS).status_code == 303
    secure.set_cookie(f"__Host-{SESSION}", token, domain="besluitspoor.example", secure=True)
    assert secure.get("/keys", base_url=HTTPS).status_code == 200


def test_over_https_signing_out_takes_the_cookie_back(secure: FlaskClient) -> None:
    secure.post("/sign-in", data=SUBMITTER, base_url=HTTPS)
    csrf = re.search(
        r'name="csrf" value="([^"]+)"', secure.get("/keys", base_url=HTTPS).get_data(as_text=True)
    )
    assert csrf is not None
    answer = secure.post("/sign-out", data={"csrf": csrf[1]}, base_url=HTTPS)
    (gone,) = (each for each in sent(answer) if each.startswith(f"__Host-{SESSION}="))
    assert "Max-Age=0" in gone
    # Without these a browser would not believe that the cookie is ours to take back.
    assert "; Secure" in gone
    assert "; Path=/" in gone
    assert secure.get_cookie(f"__Host-{SESSION}", domain="besluitspoor.example") is None
    assert secure.get("/keys", base_url=HTTPS).status_code == 303


def test_over_https_who_is_half_way_has_such_a_cookie_too(site: Site, secure: FlaskClient) -> None:
    with psycopg.connect(site.service.settings.database_url, autocommit=True) as connection:
        somebody = people.add(
            connection, email="half-way@example.org", name="Halverwege", roles=["auditor"], password=PASSWORD
        )
        connection.execute(
            "INSERT INTO vault.second_factors (person, secret, confirmed_at) VALUES (%s, '', now())",
            (somebody.id,),
        )
    answer = secure.post("/sign-in", data={"email": somebody.email, "password": PASSWORD}, base_url=HTTPS)
    (given,) = sent(answer)
    assert given.startswith(f"__Host-{STEP}=")
    assert f"Max-Age={half_way.LASTS}" in given
    assert "; Secure" in given


def test_over_plain_http_names_are_plain_or_browsers_would_refuse_them(site: Site) -> None:
    client = site.visitor(None).client
    given = sent(client.post("/sign-in", data=SUBMITTER)) + sent(client.get("/language/en"))
    assert [each.partition("=")[0] for each in given] == [SESSION, SIGNED_IN_WITH, LANGUAGE]
    assert not any("Secure" in each for each in given)


def test_no_other_place_names_or_sets_a_cookie() -> None:
    service = Path(cookies.__file__).parents[1]
    told = [
        path.relative_to(service).as_posix()
        for path in sorted(service.rglob("*.py"))
        if re.search(r"set_cookie|delete_cookie|request\.cookies", path.read_text("utf-8"))
    ]
    assert told == ["web/cookies.py"]
