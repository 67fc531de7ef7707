"""What is refused leaves a line: who, where and why, and nothing of what was typed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from service.app import create_app
from service.identity import tokens
from tests.api.conftest import PASSWORD
from tests.web.conftest import Site

TYPED = "wat-ik-typte@example.org"


@pytest.fixture
def lines() -> Iterator[list[EventDict]]:
    """The lines of the process so far."""
    with capture_logs() as written:
        yield written


def refused(lines: list[EventDict]) -> list[EventDict]:
    assert not any(TYPED in str(line) or PASSWORD in str(line) for line in lines)
    found = [line for line in lines if line["event"] == "request refused"]
    assert all(line["log_level"] == ("info" if line["why"] == "missing" else "warning") for line in found)
    return found


def test_a_page_that_is_not_for_somebody(site: Site, lines: list[EventDict]) -> None:
    assert site.visitor("auditor").get(f"/admin?words={TYPED}").status_code == 403
    (line,) = refused(lines)
    assert line["why"] == "forbidden"
    assert line["person"] == site.service.people["auditor"].id
    assert (line["method"], line["address"], line["endpoint"]) == ("GET", "/admin", "web.admin.index")


def test_an_act_that_is_not_for_somebody(site: Site, lines: list[EventDict]) -> None:
    proposal = site.submitted()
    body = {"outcome": "complete", "effectiveOn": "2020-09-02"}
    assert site.service.act("auditor", f"/proposals/{proposal}/completeness", body).status_code == 403
    (line,) = refused(lines)
    assert (line["why"], line["about"]) == ("forbidden", [proposal])
    assert line["person"] == site.service.people["auditor"].id
    assert proposal not in line["address"]


@pytest.mark.parametrize("api", [False, True], ids=["page", "api"])
def test_a_case_that_one_may_not_know_of(site: Site, lines: list[EventDict], api: bool) -> None:
    proposal = site.submitted()
    for case in (proposal, f"proposal-{uuid4()}"):
        answer = (
            site.service.ask("neighbour", f"/proposals/{case}")
            if api
            else site.visitor("neighbour").get(f"/proposals/{case}")
        )
        assert answer.status_code == 404
    one, other = refused(lines)
    assert (one["why"], one["about"]) == ("missing", [proposal])
    # What is not there is told apart no more here than to who asks.
    assert {**one, "about": []} == {**other, "about": []}
    assert one["person"] == site.service.people["neighbour"].id


def test_an_address_that_there_is_not_leaves_no_line(site: Site, lines: list[EventDict]) -> None:
    assert site.visitor("auditor").get(f"/{TYPED}").status_code == 404
    assert site.visitor(None).get("/keys").status_code == 303
    assert refused(lines) == []


def test_a_form_from_elsewhere(site: Site, lines: list[EventDict]) -> None:
    visitor = site.visitor("submitter")
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert visitor.client.post("/sign-out", data={"x": TYPED}, headers=headers).status_code == 403
    (line,) = refused(lines)
    assert (line["why"], line["endpoint"]) == ("from-elsewhere", "web.sign_in.sign_out")


def test_a_form_without_the_token_of_the_session(site: Site, lines: list[EventDict]) -> None:
    visitor = site.visitor("submitter")
    assert visitor.client.post("/sign-out", data={"csrf": TYPED}).status_code == 409
    (line,) = refused(lines)
    assert line["why"] == "form-token"
    assert line["person"] == site.service.people["submitter"].id


def test_a_token_that_is_for_reading_only(site: Site, lines: list[EventDict]) -> None:
    somebody = site.service.people["submitter"]
    with psycopg.connect(site.service.settings.database_url, autocommit=True) as connection:
        token = reading_token(connection, somebody.id)
    headers = {"Authorization": f"Bearer {token}"}
    assert (
        site.service.app.test_client().post("/api/v1/proposals", json={}, headers=headers).status_code == 403
    )
    (line,) = refused(lines)
    assert (line["why"], line["person"]) == ("token-reads-only", somebody.id)
    assert token not in str(lines)


def test_who_writes_too_much(site: Site, lines: list[EventDict]) -> None:
    app = create_app(replace(site.service.settings, writes_per_minute=1))
    service = replace(site.service, app=app)
    try:
        answers = [service.act("submitter", "/proposals", {}).status_code for _ in range(2)]
    finally:
        app.extensions["besluitspoor"].close()
    assert answers == [400, 429]
    (line,) = refused(lines)
    assert (line["why"], line["status"]) == ("too-many-writes", 429)
    assert line["person"] == site.service.people["submitter"].id


@pytest.mark.parametrize("api", [False, True], ids=["page", "api"])
def test_who_tries_too_many_passwords(site: Site, lines: list[EventDict], api: bool) -> None:
    email = f"{uuid4()}@example.org"
    fields: Any = {"email": email, "password": TYPED}
    for _ in range(11):
        answer = (
            site.service.act(None, "/tokens", fields)
            if api
            else site.visitor(None).client.post("/sign-in", data=fields)
        )
    assert answer.status_code == 429
    (line,) = refused(lines)
    assert line["why"] == ("sign-in-held-back" if api else "too-many")
    assert line["person"] is None
    assert email not in str(lines)


@pytest.mark.parametrize(
    ("body", "why"),
    [(f'{{"role": "{TYPED}"}}', "unknown-field"), (f"{{{TYPED}", "malformed-json")],
)
def test_what_no_page_of_ours_sends(site: Site, lines: list[EventDict], body: str, why: str) -> None:
    answer = site.service.app.test_client().post(
        "/api/v1/proposals", data=body, content_type="application/json", headers=bearer(site, "submitter")
    )
    assert answer.status_code == 400
    (line,) = refused(lines)
    assert line["why"] == why


def test_a_field_that_a_form_has_not(site: Site, lines: list[EventDict]) -> None:
    visitor = site.visitor("submitter")
    visitor.get("/account/password")
    answer = visitor.post("/account/password", {"current": PASSWORD, "password": "kort", "roles": TYPED})
    assert answer.status_code == 400
    (line,) = refused(lines)
    assert line["why"] == "unknown-field"


def test_an_ordinary_mistake_leaves_no_line(site: Site, lines: list[EventDict]) -> None:
    assert site.service.act("submitter", "/proposals", {"title": ""}).status_code == 400
    assert refused(lines) == []


def bearer(site: Site, who: str) -> dict[str, str]:
    with psycopg.connect(site.service.settings.database_url, autocommit=True) as connection:
        token, _ = tokens.create(connection, site.service.people[who].id, tokens.LONGEST)
    return {"Authorization": f"Bearer {token}"}


def reading_token(connection: psycopg.Connection[Any], person: str) -> str:
    token, _ = tokens.create(connection, person, tokens.LONGEST, name="Overzicht", scope="read")
    return token
