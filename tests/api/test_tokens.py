"""Tokens for programs: named, for less than their person may, for a while; seen and revoked by whose they are."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from service.identity import tokens
from service.identity.permissions import READING, TABLE, may
from tests.api.conftest import PASSWORD, Service, a_proposal

ONLY_BY_ONESELF: tuple[tuple[str, str, dict[str, Any] | None], ...] = (
    ("POST", "/tokens/named", {"name": "Meer"}),
    ("DELETE", "/tokens/{token}", None),
    ("DELETE", "/sessions", None),
    ("DELETE", f"/sessions/session-{uuid4()}", None),
    ("DELETE", f"/passkeys/passkey-{uuid4()}", None),
    ("PUT", "/people/me/password", {"current": PASSWORD, "password": "vier gele fietsen"}),
    ("POST", "/people/me/second-factor", {}),
    ("POST", "/people/me/second-factor/confirmation", {"code": "123456"}),
    ("POST", "/people/me/second-factor/codes", {"code": "123456"}),
    ("POST", "/people/me/second-factor/removal", {"code": "123456"}),
)
"""What changes with what somebody signs in, or who is signed in."""


def given(service: Service, who: str, **wanted: Any) -> dict[str, Any]:
    """A token that this person made."""
    return service.done(who, "/tokens/named", {"name": "Zaaksysteem", **wanted})


def with_token(service: Service, method: str, path: str, token: str, body: Any = None) -> Any:
    """What a program with this token is answered, once all that was recorded can be seen."""
    headers = {"Authorization": f"Bearer {token}"}
    if method == "GET":
        headers["Event-Position"] = str(service.head())
    return service.client().open(f"/api/v1{path}", method=method, headers=headers, json=body)


def test_a_token_is_shown_once_and_then_known_by_its_name(service: Service) -> None:
    made = given(service, "auditor", days=30)
    assert made["token"].startswith("bst_")
    until = datetime.fromisoformat(made["expiresAt"])
    assert timedelta(days=29) < until - datetime.now(UTC) <= timedelta(days=30)
    (known,) = [each for each in service.told("auditor", "/tokens")["items"] if each["name"]]
    assert (known["id"], known["name"], known["scope"]) == (made["id"], "Zaaksysteem", "read")
    assert (known["acts"], known["lastUsedAt"]) == (None, None)
    assert made["token"] not in str(service.told("auditor", "/tokens"))
    assert made["id"] not in str(service.told("treasurer", "/tokens"))
    with psycopg.connect(service.settings.database_url) as connection:
        rows = connection.execute("SELECT t::text FROM vault.tokens t").fetchall()
    assert not any(made["token"] in row for (row,) in rows)


def test_when_it_was_used_is_noted_once_a_minute_at_most(service: Service) -> None:
    made = given(service, "auditor")

    def used() -> list[Any]:
        with psycopg.connect(service.settings.database_url) as connection:
            return connection.execute("SELECT used_at FROM vault.tokens WHERE name <> ''").fetchall()

    assert with_token(service, "GET", "/envelopes", made["token"]).status_code == 200
    first = used()
    assert first[0][0] is not None
    callers = service.app.extensions["besluitspoor"].callers
    callers.forget(service.people["auditor"].id)
    assert with_token(service, "GET", "/envelopes", made["token"]).status_code == 200
    assert used() == first
    with psycopg.connect(service.settings.database_url) as connection:
        connection.execute("UPDATE vault.tokens SET used_at = now() - interval '2 minutes'")
    callers.forget(service.people["auditor"].id)
    assert with_token(service, "GET", "/envelopes", made["token"]).status_code == 200
    assert used()[0][0] >= first[0][0]


def test_a_token_for_reading_changes_nothing(service: Service) -> None:
    token = given(service, "submitter")["token"]
    assert with_token(service, "GET", "/proposals", token).status_code == 200
    before = service.head()
    for method, path, body in (
        ("POST", "/proposals", a_proposal()),
        ("PUT", "/preferences", {}),
        ("POST", "/tokens/named", {"name": "Meer", "scope": "act"}),
    ):
        refused = with_token(service, method, path, token, body)
        assert refused.status_code == 403, path
        assert refused.json["code"] == "token-reads-only", path
    assert service.head() == before


def test_a_token_for_some_acts_does_those_and_no_others(service: Service) -> None:
    token = given(service, "secretary", scope="act", acts=["submit", "read-case"])["token"]
    case = with_token(service, "POST", "/proposals", token, a_proposal())
    assert case.status_code == 201
    proposal = case.json["id"]
    refused = with_token(
        service, "POST", f"/proposals/{proposal}/completeness", token, {"outcome": "complete"}
    )
    assert refused.status_code == 403
    assert (refused.json["code"], refused.json["act"]) == ("token-scope", "completeness")
    assert with_token(service, "GET", f"/proposals/{proposal}", token).status_code == 200
    assert with_token(service, "GET", "/proposals", token).status_code == 403


def test_a_token_that_is_for_less_opens_nothing_of_the_account(service: Service) -> None:
    for wanted in ({}, {"scope": "act", "acts": ["submit", "read-cases"]}):
        made = given(service, "secretary", **wanted)
        for method, path in (
            ("GET", "/tokens"), ("POST", "/tokens/named"), ("DELETE", f"/tokens/{made['id']}"),
        ):  # fmt: skip
            refused = with_token(service, method, path, made["token"], {"name": "Meer"})
            assert refused.status_code == 403, (method, path)
            assert refused.json["code"] in ("token-scope", "token-reads-only", "sign-in-anew"), (method, path)
    refused = service.act(
        "secretary", "/tokens/named", {"name": "Meer", "scope": "act", "acts": ["own-account"]}
    )
    assert refused.status_code == 400


def test_a_token_with_a_name_is_for_no_export_and_no_erasure_of_its_person(service: Service) -> None:
    """Whatever it was made for, also before this was a rule."""
    refused = service.act(
        "auditor", "/tokens/named", {"name": "Export", "scope": "act", "acts": ["own-data"]}
    )
    assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (400, "/acts/0")
    with psycopg.connect(service.settings.database_url, autocommit=True) as connection:
        older, _ = tokens.create(
            connection, service.people["auditor"].id, timedelta(days=1), name="Export", acts=["own-data"]
        )
    for token in (given(service, "auditor", scope="act")["token"], given(service, "auditor")["token"], older):
        assert with_token(service, "GET", "/people/me/data", token).status_code == 403
        assert with_token(service, "PUT", "/people/me/erasure-request", token, {}).status_code == 403
    assert service.ask("auditor", "/people/me/data").status_code == 200


def test_no_token_with_a_name_changes_what_its_person_signs_in_with(service: Service) -> None:
    made = given(service, "auditor", scope="act")
    for method, path, body in ONLY_BY_ONESELF:
        refused = with_token(service, method, path.format(token=made["id"]), made["token"], body)
        assert (refused.status_code, refused.json["code"]) == (403, "sign-in-anew"), path
    assert with_token(service, "GET", "/preferences", made["token"]).status_code == 200
    assert [each["name"] for each in service.told("auditor", "/tokens")["items"]].count("Zaaksysteem") == 1


def test_who_signed_in_a_while_ago_does_so_again_before_that(service: Service) -> None:
    old = service.tokens["submitter"]
    with psycopg.connect(service.settings.database_url, autocommit=True) as connection:
        connection.execute("UPDATE vault.tokens SET created_at = now() - interval '11 minutes'")
    service.app.extensions["besluitspoor"].callers.forget(service.people["submitter"].id)
    for method, path, body in ONLY_BY_ONESELF:
        refused = with_token(service, method, path.format(token="0" * 16), old, body)
        assert (refused.status_code, refused.json["code"]) == (403, "sign-in-anew"), path
    assert with_token(service, "POST", "/proposals", old, a_proposal()).status_code == 201
    assert with_token(service, "GET", "/people/me/data", old).status_code == 200
    anew = service.done(None, "/tokens", {"email": "submitter@example.org", "password": PASSWORD})["token"]
    assert with_token(service, "POST", "/tokens/named", anew, {"name": "Zaaksysteem"}).status_code == 201


@pytest.mark.parametrize("scope", ["read", "act"])
def test_a_token_never_does_more_than_its_person(service: Service, scope: str) -> None:
    token = given(service, "submitter", scope=scope, acts=["read-people", "read-events", "publish"])["token"]
    assert with_token(service, "GET", "/events", token).status_code == 403
    for act in TABLE:
        for person in service.people.values():
            for limit in (READING, frozenset({act})):
                limited = replace(person, limited_to=limit)
                assert may(person, act) or not may(limited, act)


def test_anothers_token_is_not_there_to_revoke_and_ones_own_ends_at_once(service: Service) -> None:
    made = given(service, "auditor")
    assert with_token(service, "GET", "/envelopes", made["token"]).status_code == 200
    path = f"/api/v1/tokens/{made['id']}"
    client = service.client()
    others = {"Authorization": f"Bearer {service.tokens['treasurer']}"}
    assert client.delete(path, headers=others).status_code == 404
    assert with_token(service, "GET", "/envelopes", made["token"]).status_code == 200
    own = {"Authorization": f"Bearer {service.tokens['auditor']}"}
    assert client.delete(path, headers=own).status_code == 204
    assert with_token(service, "GET", "/envelopes", made["token"]).status_code == 401
    assert client.delete(path, headers=own).status_code == 404


def test_a_token_that_expired_is_refused(service: Service) -> None:
    made = given(service, "auditor")
    with psycopg.connect(service.settings.database_url) as connection:
        connection.execute("UPDATE vault.tokens SET expires_at = now() WHERE name <> ''")
    assert with_token(service, "GET", "/envelopes", made["token"]).status_code == 401


@pytest.mark.parametrize(
    "wrong",
    [{"name": " "}, {"days": 366}, {"days": 0}, {"scope": "all"}, {"acts": ["fly"]}, {"name": "x" * 101}],
    ids=str,
)
def test_what_no_token_can_be_is_refused(service: Service, wrong: dict[str, Any]) -> None:
    assert service.act("auditor", "/tokens/named", {"name": "Zaaksysteem", **wrong}).status_code == 400


def test_one_is_told_by_mail_and_in_the_inbox_whatever_one_chose(service: Service) -> None:
    made = given(service, "auditor")
    service.client().delete(
        f"/api/v1/tokens/{made['id']}", headers={"Authorization": f"Bearer {service.tokens['auditor']}"}
    )
    with psycopg.connect(service.settings.database_url) as connection:
        rows = connection.execute(
            """SELECT n.facts ->> 'what', d.channel, d.required, d.state, split_part(n.cause, ':', 1)
            FROM ledger.deliveries d JOIN ledger.notices n ON n.id = d.notice WHERE n.kind = 'security'
            AND d.recipient = %s ORDER BY 1, 2""",
            (service.people["auditor"].id,),
        ).fetchall()
    assert rows == [
        (what, channel, True, state, "security")
        for what in ("token-made", "token-revoked")
        for channel, state in (("email", "waiting"), ("inbox", "sent"))
    ]
