"""Who may not, what comes out of turn, what is stale: each a problem that says why, and nothing is written."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from service.identity import tokens
from tests.api.conftest import PASSWORD, PREFIX, Service, a_proposal


@pytest.fixture(scope="module")
def service(lasting: Service) -> Service:
    """One for all of these: none of them minds what the others did."""
    return lasting


@pytest.fixture
def proposal(service: Service) -> str:
    """A proposal that waits for its completeness check."""
    made: str = service.done("submitter", "/proposals", a_proposal())["id"]
    return made


def problem(response: Any, status: int, code: str) -> dict[str, Any]:
    body: dict[str, Any] = response.json
    assert response.mimetype == "application/problem+json"
    assert (response.status_code, body["status"], body["code"]) == (status, status, code), body
    assert body["type"] == f"urn:besluitspoor:problem:{code}"
    assert body["title"]
    assert body["detail"]
    return body


def test_out_of_turn_says_what_the_case_waits_for(service: Service, proposal: str) -> None:
    before = service.head()
    early = service.act("poho", f"/proposals/{proposal}/decisions", {"body": "poho", "outcome": "approved"})
    body = problem(early, 409, "out-of-turn")
    assert (body["waitsFor"], body["body"], body["kind"]) == ("completeness", "secretariat", "completeness")
    assert body["dueOn"] == "2020-09-15"
    assert "15 september 2020" in body["detail"]
    assert "secretariat" in body["detail"]
    assert service.head() == before


ACTS: list[tuple[str, dict[str, Any], str, list[str]]] = [
    ("completeness", {"outcome": "complete"}, "auditor", ["secretary"]),
    ("reviews", {"body": "taskforce", "advice": "positive"}, "poho", ["member"]),
    ("decisions", {"body": "poho", "outcome": "approved"}, "secretary", ["member"]),
    ("resumption", {}, "treasurer", ["secretary"]),
    ("awards", {"envelope": "herstelaanpak", "amount": "1.00"}, "poho", ["member"]),
    ("phases/1/release", {}, "db", ["treasurer"]),
    ("phases/1/reallocation", {"to": "x", "amount": "1.00"}, "secretary", ["treasurer"]),
    ("return", {"amount": "1.00"}, "auditor", ["treasurer"]),
    ("withdrawal", {}, "treasurer", ["submitter", "secretary"]),
]


@pytest.mark.parametrize(("path", "body", "who", "roles"), ACTS, ids=[act[0] for act in ACTS])
def test_without_the_right_it_says_which_role_may(
    service: Service, proposal: str, path: str, body: dict[str, Any], who: str, roles: list[str]
) -> None:
    before = service.head()
    response = service.act(who, f"/proposals/{proposal}/{path}", body, headers={"Accept-Language": "en"})
    refused = response.json
    assert (response.status_code, refused["roles"]) == (403, roles), refused
    assert roles[0] in refused["detail"]
    assert service.head() == before


def test_a_member_of_another_body_is_told_of_which_body(service: Service, proposal: str) -> None:
    review = {"body": "taskforce", "advice": "positive"}
    refused = problem(service.act("poho", f"/proposals/{proposal}/reviews", review), 403, "forbidden-body")
    assert refused["body"] == "taskforce"
    assert "taskforce" in refused["detail"]


def test_an_unknown_body_is_the_requests_fault_whichever_member_asks(service: Service, proposal: str) -> None:
    review = {"body": "nobody", "advice": "positive"}
    refused = problem(service.act("poho", f"/proposals/{proposal}/reviews", review), 400, "unknown-body")
    assert refused["errors"][0]["pointer"] == "/body"


def test_a_case_of_another_organisation_is_not_there(service: Service, proposal: str) -> None:
    at = f"/proposals/{proposal}"
    position = {"Event-Position": str(service.head())}
    for path in (at, f"{at}/timeline"):
        problem(service.ask("neighbour", path, headers=position), 404, "missing")
    problem(service.act("neighbour", f"{at}/withdrawal", {}), 404, "missing")
    given = a_proposal()
    del given["programme"]
    problem(service.act("neighbour", f"{at}/revisions", given), 404, "missing")
    assert service.told("neighbour", "/proposals")["items"] == []
    assert proposal in [case["id"] for case in service.told("submitter", "/proposals")["items"]]


@pytest.mark.parametrize("who", ["admin", "integration"])
def test_who_only_keeps_the_service_sees_no_cases(service: Service, proposal: str, who: str) -> None:
    assert service.ask(who, "/proposals").status_code == 403
    position = {"Event-Position": str(service.head())}
    absent = "proposal-00000000-0000-7000-8000-000000000000"
    said = [service.ask(who, f"/proposals/{id}", headers=position) for id in (proposal, absent)]
    assert [answer.status_code for answer in said] == [403, 403]
    assert said[0].json["detail"] == said[1].json["detail"], "whether it is there is not told"


@pytest.mark.parametrize(
    "path",
    [
        "/proposals/proposal-00000000-0000-7000-8000-000000000000",
        "/proposals/proposal-1",
        "/proposals/%00",
        "/proposals/x/y/z",
        "/proposals/",
        "//proposals",
        "/nothing",
    ],
)
def test_what_is_not_there_is_a_404_problem_and_no_redirect(service: Service, path: str) -> None:
    response = service.ask("auditor", path)
    assert response.status_code == 404
    assert response.mimetype == "application/problem+json"


def test_another_method_is_a_405_problem_that_says_which_there_are(service: Service) -> None:
    response = service.client().delete(f"{PREFIX}/proposals")
    body = problem(response, 405, "method-not-allowed")
    assert "GET" in body["allowed"]
    assert "POST" in response.headers["Allow"]


def test_nobody_is_told_how_to_sign_in(service: Service) -> None:
    for path in ("/proposals", "/envelopes", "/portfolio", "/events", "/bodies/poho/queue"):
        response = service.ask(None, path)
        problem(response, 401, "signed-out")
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
    problem(service.act(None, "/proposals", {"not": "looked at"}), 401, "signed-out")
    wrong = service.ask(None, "/proposals", headers={"Authorization": "Bearer wrong"})
    problem(wrong, 401, "token-invalid")
    assert "invalid_token" in wrong.headers["WWW-Authenticate"]
    basic = service.ask(None, "/proposals", headers={"Authorization": "Basic YTpi"})
    problem(basic, 401, "signed-out")


def test_a_token_that_expired_is_refused(service: Service) -> None:
    with psycopg.connect(service.settings.database_url, autocommit=True) as connection:
        late, _ = tokens.create(connection, service.people["auditor"].id, timedelta(seconds=-1))
    response = service.ask(None, "/proposals", headers={"Authorization": f"Bearer {late}"})
    problem(response, 401, "token-invalid")


def test_signing_in_gives_a_token_and_does_not_tell_who_has_an_account(service: Service) -> None:
    signed_in = service.act(None, "/tokens", {"email": "Submitter@example.org", "password": PASSWORD})
    assert signed_in.status_code == 201
    assert signed_in.json["expiresAt"].endswith("Z")
    headers = {"Authorization": f"Bearer {signed_in.json['token']}"}
    assert service.ask(None, "/envelopes", headers=headers).status_code == 200
    wrong = service.act(None, "/tokens", {"email": "submitter@example.org", "password": "wrong"})
    unknown = service.act(None, "/tokens", {"email": "nobody@example.org", "password": "wrong"})
    problem(wrong, 401, "wrong-password")
    assert wrong.data == unknown.data
    assert "WWW-Authenticate" in wrong.headers


def test_if_match_makes_an_act_conditional(service: Service, proposal: str) -> None:
    path = f"/proposals/{proposal}/completeness"
    case = service.told("secretary", f"/proposals/{proposal}")
    stale = service.act("secretary", path, {"outcome": "complete"}, headers={"If-Match": '"1"'})
    assert problem(stale, 412, "stale")["version"] == case["version"]
    fresh = {"If-Match": f'"{case["version"]}"'}
    assert service.act("secretary", path, {"outcome": "complete"}, headers=fresh).status_code == 201


@pytest.mark.parametrize(
    ("tags", "status"),
    [
        ('W/"{now}"', 412),
        ('"{before}", W/"{now}"', 412),
        ('"0f" , "a,b"', 412),
        ('""', 412),
        ('"{before}", "{now}"', 201),
        ('"{now}","{before}", "99"', 201),
        ('W/"x", "{now}"', 201),
        ("*", 201),
    ],
)
def test_if_match_takes_a_list_and_no_weak_tag(
    service: Service, proposal: str, tags: str, status: int
) -> None:
    now = service.told("secretary", f"/proposals/{proposal}")["version"]
    path = f"/proposals/{proposal}/completeness"
    headers = {"If-Match": tags.format(now=now, before=now - 1)}
    response = service.act("secretary", path, {"outcome": "complete"}, headers=headers)
    assert response.status_code == status
    if status == 412:
        assert problem(response, 412, "stale")["version"] == now


def test_an_exhausted_envelope_says_what_is_left(service: Service, proposal: str) -> None:
    sources = [{"source": "Reserve", "amount": "150000.00"}]
    envelope = {"code": "klein", "body": "ab", "sources": sources, "effectiveOn": "2020-07-01"}
    service.done("treasurer", "/envelopes", envelope)
    at = f"/proposals/{proposal}"
    service.done("secretary", f"{at}/completeness", {"outcome": "complete"})
    service.done("taskforce", f"{at}/reviews", {"body": "taskforce", "advice": "positive"})
    service.done("poho", f"{at}/decisions", {"body": "poho", "outcome": "approved"})
    before = service.head()
    award = {"envelope": "klein", "amount": "150000.01"}
    refused = problem(service.act("db", f"{at}/awards", award), 409, "envelope-exhausted")
    assert (refused["left"], refused["amount"], refused["envelope"]) == ("150000.00", "150000.01", "klein")
    assert "€ 150.000,00" in refused["detail"]
    english = service.act("db", f"{at}/awards", award, headers={"Accept-Language": "en"})
    assert "€150,000.00" in english.json["detail"]
    assert service.head() == before


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        (None, "nl"),
        ("en", "en"),
        ("en-GB,en;q=0.9", "en"),
        ("fr", "nl"),
        ("fr, en;q=0.5", "en"),
        ("*", "nl"),
        ("x" * 99, "nl"),
    ],
)
def test_sentences_are_in_the_language_asked_for(service: Service, accept: str | None, language: str) -> None:
    headers = {"Accept-Language": accept} if accept else {}
    response = service.ask(None, "/nothing", headers=headers)
    assert response.headers["Content-Language"] == language
    assert "Accept-Language" in response.headers["Vary"]
    said = {"nl": "Dit adres bestaat niet.", "en": "There is nothing at this address."}
    assert response.json["detail"] == said[language]
