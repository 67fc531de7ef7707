"""What the administrator's pages do with people, the API does: by the same schema and with the same refusals."""

from __future__ import annotations

import re
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.api.conftest import PREFIX, Service

JO: dict[str, Any] = {
    "name": "Jo Voorbeeld",
    "email": "jo@example.org",
    "roles": ["member"],
    "bodies": ["poho"],
    "seats": [{"body": "poho", "municipality": "GM0794"}],
}


@pytest.fixture(scope="module")
def service(lasting: Service) -> Service:
    """One for all of these: none of them minds what the others did."""
    return lasting


def put(service: Service, who: str, path: str, body: Any, **headers: str) -> TestResponse:
    signed = {"Authorization": f"Bearer {service.tokens[who]}", **headers}
    return service.client().put(PREFIX + path, json=body, headers=signed)


def delete(service: Service, who: str, path: str) -> TestResponse:
    return service.client().delete(PREFIX + path, headers={"Authorization": f"Bearer {service.tokens[who]}"})


def test_somebody_is_added_changed_and_signed_out_and_it_says_by_whom(service: Service) -> None:
    made = service.done("admin", "/people", JO)
    assert made["seats"] == JO["seats"]
    path = f"/people/{made['id']}"
    read = service.ask("admin", path)
    tag = read.headers["ETag"]
    changed = put(
        service, "admin", path, {**JO, "roles": ["auditor"], "bodies": [], "seats": []}, **{"If-Match": tag}
    )
    assert changed.status_code == 200
    assert put(service, "admin", path, JO, **{"If-Match": tag}).status_code == 412
    assert delete(service, "admin", f"{path}/access").status_code == 204
    history = service.told("admin", path)["history"]
    assert [each["event"] for each in history] == ["PersonAdded", "PersonChanged", "AccessEnded"]
    assert {each["by"]["name"] for each in history} == {"Admin"}
    assert history[1]["facts"]["before"]["roles"] == ["member"]
    assert history[1]["facts"]["after"]["roles"] == ["auditor"]


def test_people_are_listed_a_page_at_a_time_and_found(alone: Service) -> None:
    pages: list[list[str]] = []
    path: str | None = "/people?limit=4"
    while path is not None:
        response = alone.ask("admin", path)
        pages.append([each["name"] for each in response.json["items"]])  # type: ignore[index]
        following = re.search(rf'<{PREFIX}([^>]*)>; rel="next"', response.headers.get("Link", ""))
        path = following[1] if following else None
    assert [len(page) for page in pages] == [4, 4, 3]
    assert {name for page in pages for name in page} == {each.name for each in alone.people.values()}
    assert [each["email"] for each in alone.told("admin", "/people?q=neigh")["items"]] == [
        "neighbour@example.org"
    ]
    assert [each["name"] for each in alone.told("admin", "/people?role=auditor")["items"]] == ["Auditor"]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"bodies": ["nowhere"], "seats": []}, "person-body-unknown"),
        ({"bodies": [], "seats": []}, "member-without-body"),
        ({"chairs": ["db"]}, "chair-not-member"),
        ({"seats": [{"body": "db", "municipality": "GM0794"}]}, "seat-not-member"),
        ({"seats": [JO["seats"][0], {"body": "poho", "municipality": "GM0772"}]}, "seat-not-member"),
        ({"seats": [{"body": "poho", "municipality": "GM9999"}]}, "person-municipality-unknown"),
        ({"municipalities": ["GM9999"]}, "person-municipality-unknown"),
        ({"email": "nowhere"}, "email-invalid"),
        ({"organisationRole": "boss"}, "unknown-choice"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_recorded(
    service: Service, wrong: dict[str, Any], code: str
) -> None:
    before = service.head()
    response = service.act("admin", "/people", {**JO, **wrong})
    assert response.status_code == 400
    assert code in response.get_data(as_text=True)
    assert service.head() == before


def test_an_address_is_of_one_person(service: Service) -> None:
    response = service.act("admin", "/people", {**JO, "email": "ADMIN@example.org"})
    assert (response.status_code, response.json["code"]) == (409, "email-taken")  # type: ignore[index]


def test_administrators_keep_their_own_role(service: Service) -> None:
    me = service.people["admin"]
    body = {"name": me.name, "email": me.email, "roles": ["auditor"]}
    response = put(service, "admin", f"/people/{me.id}", body)
    assert (response.status_code, response.json["code"]) == (403, "own-admin")  # type: ignore[index]


@pytest.mark.parametrize("who", ["submitter", "taskforce", "treasurer", "auditor", "integration"])
def test_people_are_for_the_office_alone(service: Service, who: str) -> None:
    path = f"/people/{service.people['submitter'].id}"
    answers = (
        service.ask(who, "/people"),
        service.ask(who, path),
        service.act(who, "/people", JO),
        put(service, who, path, JO),
        delete(service, who, f"{path}/access"),
    )
    assert {answer.status_code for answer in answers} == {403}


def test_a_secretary_adds_somebody_changes_them_and_ends_their_access(service: Service) -> None:
    made = service.done("secretary", "/people", {**JO, "email": "bijzetel@example.org"})
    path = f"/people/{made['id']}"
    changed = put(
        service, "secretary", path, {"name": "Jo", "email": "bijzetel@example.org", "roles": ["treasurer"]}
    )
    assert (changed.status_code, changed.json["roles"]) == (200, ["treasurer"])  # type: ignore[index]
    assert delete(service, "secretary", f"{path}/access").status_code == 204
    told = service.told("secretary", path)["history"]
    assert [each["capacity"]["role"] for each in told] == ["secretary"] * 3


@pytest.mark.parametrize("role", ["admin", "auditor", "integration"])
def test_who_watches_the_others_is_for_an_administrator_to_change(service: Service, role: str) -> None:
    whom, before = service.people[role], service.head()
    path = f"/people/{whom.id}"
    for answer in (
        put(service, "secretary", path, {"name": "Anders", "email": whom.email, "roles": []}),
        put(service, "secretary", path, {"name": "Anders", "email": whom.email, "roles": [role]}),
        delete(service, "secretary", f"{path}/access"),
        put(service, "secretary", f"{path}/erasure", {"ground": "request"}),
    ):
        assert answer.status_code == 403
        assert answer.json["roles"] == ["admin"]  # type: ignore[index]
    assert service.head() == before
    assert service.ask(role, "/people/me/data").status_code == 200


@pytest.mark.parametrize("role", ["admin", "auditor", "integration"])
def test_a_secretary_makes_nobody_one_of_those(service: Service, role: str) -> None:
    before = service.head()
    new = {"name": "Wil", "email": f"wil-{role}@example.org", "roles": ["treasurer", role]}
    added = service.act("secretary", "/people", new)
    assert (added.status_code, added.json["code"]) == (403, "role-guarded")  # type: ignore[index]
    whom = service.people["treasurer"]
    wanted = {"name": whom.name, "email": whom.email, "roles": ["treasurer", role]}
    changed = put(service, "secretary", f"/people/{whom.id}", wanted)
    assert (changed.status_code, changed.json["code"]) == (403, "role-guarded")  # type: ignore[index]
    assert service.head() == before


@pytest.mark.parametrize(
    "more",
    [
        {"roles": ["secretary", "treasurer"]},
        {"roles": []},
        {"bodies": ["secretariat", "db"]},
        {"organisation": {"name": "Stichting Submitter", "kind": "foundation"}},
        {"seats": [{"body": "secretariat", "municipality": "GM0794"}]},
    ],
)
def test_a_secretary_gives_no_right_to_themselves(service: Service, more: dict[str, Any]) -> None:
    me, before = service.people["secretary"], service.head()
    own = {"name": me.name, "email": me.email, "roles": ["secretary"], "bodies": sorted(me.bodies)}
    answer = put(service, "secretary", f"/people/{me.id}", {**own, **more})
    assert (answer.status_code, answer.json["code"]) == (403, "own-rights")  # type: ignore[index]
    assert service.head() == before
    assert put(service, "secretary", f"/people/{me.id}", {**own, "name": "Sanne"}).status_code == 200
