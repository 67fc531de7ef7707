"""Proposals in the making, for programs: one's own, what colleagues share, and submitted once."""

from __future__ import annotations

import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from service.identity import people, tokens
from service.identity.people import Person
from service.identity.tokens import LONGEST
from service.web.proposal_form import as_typed
from tests.api.conftest import ROLES, Service, a_proposal

PROGRAMME = "regionale-herstelaanpak"


@pytest.fixture(scope="module")
def service(lasting: Service) -> Service:
    """With two colleagues of the submitter: an editor and a reader."""
    with psycopg.connect(lasting.settings.database_url, autocommit=True) as connection:
        for name, role in (("editor", "editor"), ("reader", "reader")):
            lasting.people[name] = colleague(connection, lasting.people["submitter"], name, role)
            lasting.tokens[name], _ = tokens.create(connection, lasting.people[name].id, LONGEST)
    return lasting


def colleague(connection: psycopg.Connection[Any], of: Person, name: str, role: str) -> Person:
    """Somebody who acts for the same organisation, in this role."""
    made = people.add(
        connection, email=f"{name}@example.org", name=name.capitalize(), roles=["submitter"],
        organisation=of.organisation,
    )  # fmt: skip
    made = replace(made, organisation_role=role)
    people.change(connection, made)
    return made


def typed(**changes: Any) -> dict[str, list[str]]:
    """A whole proposal, as it is typed into the form."""
    whole = a_proposal(**changes)
    del whole["programme"], whole["effectiveOn"]
    whole["municipalities"] = ["GM0772"]
    whole["partners"] = [{"name": "Fontys", "kind": "knowledge-institute"}]
    fields: dict[str, list[str]] = {"effectiveOn": ["2020-09-01"]}
    for name, value in whole.items():
        if isinstance(value, str):
            fields[name] = [value]
        elif isinstance(value, dict):
            fields |= {f"{name}.{key}": [each] for key, each in value.items()}
        elif name == "goals" or isinstance(value[0], dict):
            for row, each in enumerate(value):
                parts = each.items() if isinstance(each, dict) else [("", each)]
                fields |= {".".join(filter(None, (name, str(row), key))): [text] for key, text in parts}
        else:
            fields[name] = value
    return fields


def begun(service: Service, who: str = "submitter", **fields: Any) -> dict[str, Any]:
    return service.done(who, "/drafts", {"programme": PROGRAMME, "fields": fields or {"title": ["Samen"]}})


def changed(service: Service, who: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
    """What somebody is answered who changes something; names of headers with an underscore for a dash."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    sent["Authorization"] = f"Bearer {service.tokens[who]}"
    return service.client().open(f"/api/v1{path}", method=method, headers=sent, json=body)


def shared(service: Service, draft: dict[str, Any]) -> Any:
    return changed(service, "submitter", "PUT", f"/drafts/{draft['id']}/sharing", {"shared": True})


def titles(service: Service, who: str) -> set[str]:
    return {each["title"] for each in service.told(who, "/drafts")["items"]}


def test_a_draft_begins_with_who_applies_and_keeps_what_is_typed_as_it_is(service: Service) -> None:
    draft = begun(
        service, title=["Een begin"], requested=["ongeveer een ton"], **{"partners.0.name": ["Fontys"]}
    )
    assert (draft["programme"], draft["title"], draft["own"], draft["shared"]) == (
        PROGRAMME, "Een begin", True, False,
    )  # fmt: skip
    assert draft["changedBy"] == {"id": service.people["submitter"].id, "name": "Submitter"}
    assert draft["fields"] == {
        "applicant.name": ["Stichting submitter"],
        "applicant.kind": ["foundation"],
        "title": ["Een begin"],
        "requested": ["ongeveer een ton"],
        "partners.0.name": ["Fontys"],
    }
    assert draft["proposal"] == {
        "programme": PROGRAMME,
        "title": "Een begin",
        "applicant": {"name": "Stichting submitter", "kind": "foundation"},
        "partners": ["Fontys"],
        "requested": "ongeveer een ton",
    }
    assert service.told("submitter", f"/drafts/{draft['id']}") == draft


def test_the_secretariat_begins_for_who_has_no_account(service: Service) -> None:
    draft = begun(service, "secretary", title=["Per post"])
    assert draft["fields"] == {"title": ["Per post"]}
    assert "Per post" in titles(service, "secretary")
    assert "Per post" not in titles(service, "submitter")


def test_it_is_its_makers_alone_until_it_is_shared_and_then_an_editor_goes_on(service: Service) -> None:
    draft = begun(service, title=["Eerst alleen"])
    at = f"/drafts/{draft['id']}"
    assert "Eerst alleen" not in titles(service, "editor")
    assert service.ask("editor", at).status_code == 404
    assert changed(service, "editor", "PUT", at, {"fields": {}}).status_code == 404
    # when it is shared
    assert shared(service, draft).json["shared"] is True
    # then the editor sees it, and goes on with it
    found = service.told("editor", at)
    assert (found["own"], found["shared"]) == (False, True)
    kept = changed(service, "editor", "PUT", at, {"fields": {**found["fields"], "title": ["Samen verder"]}})
    assert kept.status_code == 200
    assert service.told("submitter", at)["changedBy"]["name"] == "Editor"
    assert "Samen verder" in titles(service, "submitter")
    # but shares it with nobody, and who only reads, or is of another organisation, has no part in it
    refused = changed(service, "editor", "PUT", f"{at}/sharing", {"shared": False})
    assert (refused.status_code, refused.json["code"]) == (409, "draft-not-to-share")
    assert service.ask("reader", "/drafts").status_code == 403
    assert service.ask("reader", at).status_code == 403
    assert service.ask("neighbour", at).status_code == 404
    # until it is its maker's alone again
    assert changed(service, "submitter", "PUT", f"{at}/sharing", {"shared": False}).status_code == 200
    assert service.ask("editor", at).status_code == 404


def test_nobody_else_sees_a_draft_or_learns_that_it_is_there(service: Service) -> None:
    at, absent = f"/drafts/{begun(service)['id']}", f"/drafts/draft-{uuid4()}"
    for who in sorted(set(ROLES) - {"submitter"}):
        for method, end, body in (
            ("GET", "", None), ("PUT", "", {"fields": {}}), ("DELETE", "", None),
            ("PUT", "/sharing", {"shared": True}), ("POST", "/submission", {}),
        ):  # fmt: skip
            there, not_there = (changed(service, who, method, path + end, body) for path in (at, absent))
            assert there.status_code == not_there.status_code in (403, 404), (who, method, end)
            assert there.text.replace(at[8:], "") == not_there.text.replace(absent[8:], "")
    assert service.ask("submitter", at).status_code == 200


def test_what_a_colleague_changed_meanwhile_is_not_written_over(service: Service) -> None:
    draft = begun(service)
    shared(service, draft)
    at = f"/drafts/{draft['id']}"
    read = service.ask("submitter", at)
    changed(service, "editor", "PUT", at, {"fields": {"title": ["Van de collega"]}})
    stale = changed(service, "submitter", "PUT", at, {"fields": {}}, If_Match=read.headers["ETag"])
    assert (stale.status_code, stale.json["code"]) == (412, "stale")
    assert changed(service, "submitter", "POST", f"{at}/submission", {}, If_Match='"1"').status_code == 412
    now = service.ask("submitter", at)
    assert now.json["title"] == "Van de collega"
    kept = changed(
        service, "submitter", "PUT", at, {"fields": {"title": ["Af"]}}, If_Match=now.headers["ETag"]
    )
    assert (kept.status_code, kept.json["title"]) == (200, "Af")
    assert kept.headers["ETag"] == f'"{kept.json["version"]}"'
    # a change of one's own counts as well: a program may run twice
    again = changed(service, "submitter", "PUT", at, {"fields": {}}, If_Match=now.headers["ETag"])
    assert again.status_code == 412


def test_it_is_submitted_once_and_then_gone(service: Service) -> None:
    draft = begun(service, **typed(title="Werkplaats uit een concept"))
    shared(service, draft)
    at = f"/drafts/{draft['id']}"
    first = service.act("editor", f"{at}/submission", {})
    assert first.status_code == 201, first.text
    case = service.told("editor", f"/proposals/{first.json['id']}")
    assert case["content"]["title"] == "Werkplaats uit een concept"
    assert case["content"]["partners"][0]["name"] == "Fontys"
    assert case["submittedBy"]["name"] == "Editor"
    assert first.headers["Location"] == f"/api/v1/proposals/{first.json['id']}"
    assert service.ask("editor", at).status_code == 404
    assert draft["id"] not in str(service.told("submitter", "/drafts"))
    # Asked again, by who did it, it is the same answer; a colleague finds it gone.
    again = service.act("editor", f"{at}/submission", {})
    assert (again.status_code, again.json) == (201, first.json)
    assert service.act("submitter", f"{at}/submission", {}).status_code == 404


def test_what_is_missing_is_told_by_its_place_and_the_draft_stays(service: Service) -> None:
    draft = begun(service, **{**typed(), "requested": ["een ton"], "title": [""]})
    refused = service.act("submitter", f"/drafts/{draft['id']}/submission", {})
    assert refused.status_code == 400
    assert {(each["pointer"], each["code"]) for each in refused.json["errors"]} == {
        ("/title", "required"), ("/requested", "money-invalid"),
    }  # fmt: skip
    assert service.told("submitter", f"/drafts/{draft['id']}")["fields"]["requested"] == ["een ton"]


def test_a_draft_of_the_pages_can_be_read_and_put_back_as_it_is(service: Service) -> None:
    """What the form of a case that there is holds, is what a program may send."""
    parts = service.app.extensions["besluitspoor"].parts
    case = service.done("submitter", "/proposals", a_proposal(title="Al ingediend"))
    programme = parts.programmes[PROGRAMME][-1]
    fields = as_typed(service.told("submitter", f"/proposals/{case['id']}")["content"], programme)
    draft = begun(service, **fields)
    kept = changed(service, "submitter", "PUT", f"/drafts/{draft['id']}", {"fields": draft["fields"]})
    assert (kept.status_code, kept.json["fields"]) == (200, draft["fields"])


def test_the_example_of_the_documentation_begins_a_draft(service: Service, project: Path) -> None:
    page = (project / "docs" / "integrating.md").read_text("utf-8")
    section = page.partition("## Putting a proposal in")[2].partition("\n## ")[0]
    body = json.loads(re.search(r"Idempotency-Key: project-118\n\n(\{.*?\})\n```", section, re.DOTALL)[1])  # type: ignore[index]
    token = service.done(
        "submitter", "/tokens/named", {"name": "Projecten", "scope": "act", "acts": ["submit", "own-draft"]}
    )["token"]
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "project-118"}
    made = service.client().post("/api/v1/drafts", json=body, headers=headers)
    assert made.status_code == 201, made.text
    assert made.json["proposal"]["requested"] == "200000"
    at = f"{made.headers['Location']}/sharing"
    assert service.client().put(at, json={"shared": True}, headers=headers).json["shared"] is True
    assert service.client().get("/api/v1/drafts", headers=headers).status_code == 200


def test_one_key_begins_one_draft(service: Service) -> None:
    body = {"programme": PROGRAMME, "fields": {"title": ["Eenmaal"]}}
    first = service.done("submitter", "/drafts", body, headers={"Idempotency-Key": "one"})
    again = service.done("submitter", "/drafts", body, headers={"Idempotency-Key": "one"})
    assert again == first
    other = {**body, "fields": {"title": ["Anders"]}}
    refused = service.act("submitter", "/drafts", other, headers={"Idempotency-Key": "one"})
    assert (refused.status_code, refused.json["code"]) == (409, "idempotency-key-reused")
    # somebody else's key is another's
    theirs = service.done("neighbour", "/drafts", body, headers={"Idempotency-Key": "one"})
    assert theirs["id"] != first["id"]
    # gone on with, it is still the one that the key began, and no other
    changed(service, "submitter", "PUT", f"/drafts/{first['id']}", {"fields": typed(title="Eenmaal")})
    assert service.done("submitter", "/drafts", body, headers={"Idempotency-Key": "one"})["version"] == 2
    assert service.act("submitter", "/drafts", other, headers={"Idempotency-Key": "one"}).status_code == 409
    # and once it is submitted, by whomever, the key is used up
    shared(service, first)
    service.done("editor", f"/drafts/{first['id']}/submission", {})
    spent = service.act("submitter", "/drafts", body, headers={"Idempotency-Key": "one"})
    assert (spent.status_code, spent.json["code"]) == (409, "idempotency-key-reused")


@pytest.mark.parametrize("who", ["submitter", "editor"])
def test_what_came_in_while_its_draft_stayed_is_not_submitted_again(service: Service, who: str) -> None:
    """As when the process ends between the two."""
    draft = begun(service, **typed(title=f"Bleef staan bij {who}"))
    shared(service, draft)
    row = "SELECT * FROM web.drafts WHERE id = %s"
    with psycopg.connect(service.settings.database_url, autocommit=True) as connection:
        (kept,) = connection.execute(f"SELECT d::text FROM ({row}) d", (draft["id"],)).fetchall()
        first = service.done("submitter", f"/drafts/{draft['id']}/submission", {})
        connection.execute("INSERT INTO web.drafts SELECT (%s::web.drafts).*", kept)
    at = f"/drafts/{draft['id']}"
    if who == "submitter":
        # the same again is the first answer again
        assert service.done(who, f"{at}/submission", {}) == first
        assert service.ask(who, at).status_code == 404
        return
    # what a colleague has before them goes on as another draft
    refused = service.act(who, f"{at}/submission", {})
    assert (refused.status_code, refused.json["code"]) == (409, "draft-sent-before")
    copy = service.told(who, f"/drafts/{refused.json['draft']}")
    assert copy["fields"] == draft["fields"]
    assert service.ask(who, at).status_code == 404


def test_what_is_kept_while_it_is_submitted_is_in_the_proposal_or_still_there(service: Service) -> None:
    """Whoever is told that it was kept finds it: never in neither."""
    for turn in range(6):
        draft = begun(service, **typed(title=f"Ronde {turn}"))
        shared(service, draft)
        at = f"/drafts/{draft['id']}"
        began = threading.Barrier(2)

        def keeping(at: str = at, turn: int = turn, began: threading.Barrier = began) -> int:
            began.wait()
            fields = typed(title=f"Toch nog {turn}")
            return int(changed(service, "editor", "PUT", at, {"fields": fields}).status_code)

        def submitting(at: str = at, began: threading.Barrier = began) -> str:
            began.wait()
            return str(service.done("submitter", f"{at}/submission", {})["content"]["title"])

        with ThreadPoolExecutor(2) as both:
            kept, sent = both.submit(keeping), both.submit(submitting)
        assert (kept.result(), sent.result()) in (
            (200, f"Toch nog {turn}"), (404, f"Ronde {turn}"),
        )  # fmt: skip


def test_who_leaves_the_organisation_takes_the_draft_along(service: Service) -> None:
    with psycopg.connect(service.settings.database_url, autocommit=True) as connection:
        leaving = colleague(connection, service.people["submitter"], "leaver", "editor")
        service.tokens["leaver"], _ = tokens.create(connection, leaving.id, LONGEST)
        draft = begun(service, "leaver", title=["Gaat mee"])
        at = f"/drafts/{draft['id']}"
        changed(service, "leaver", "PUT", f"{at}/sharing", {"shared": True})
        assert service.ask("editor", at).status_code == 200
        people.change(connection, replace(leaving, organisation=None))
    assert service.ask("editor", at).status_code == 404
    assert "Gaat mee" not in titles(service, "editor")
    assert service.told("leaver", at)["shared"] is False
    assert changed(service, "leaver", "PUT", f"{at}/sharing", {"shared": False}).status_code == 200


def test_a_text_is_kept_as_typed_whatever_it_holds(service: Service) -> None:
    odd = {"summary": ["  met\u200b iets onzichtbaars \n"], "effect": ["x" * 10_001]}
    draft = begun(service, **odd)
    assert {name: draft["fields"][name] for name in odd} == odd
    assert changed(service, "submitter", "PUT", f"/drafts/{draft['id']}", {"fields": odd}).status_code == 200


def test_what_says_nothing_of_the_fields_changes_nothing(service: Service) -> None:
    draft = begun(service, title=["Blijft"])
    for body in ({}, {"fields": None}):
        refused = changed(service, "submitter", "PUT", f"/drafts/{draft['id']}", body)
        assert refused.status_code == 400
    assert service.told("submitter", f"/drafts/{draft['id']}")["title"] == "Blijft"


def test_a_draft_that_is_thrown_away_is_gone(service: Service) -> None:
    at = f"/drafts/{begun(service)['id']}"
    assert changed(service, "submitter", "DELETE", at).status_code == 204
    assert service.ask("submitter", at).status_code == 404
    assert changed(service, "submitter", "DELETE", at).status_code == 404


@pytest.mark.parametrize(
    ("fields", "pointer", "code"),
    [
        ({"colour": ["red"]}, "/fields/colour", "unknown-field"),
        ({"title.nl": ["Titel"]}, "/fields/title.nl", "unknown-field"),
        ({"goals": ["Een doel"]}, "/fields/goals", "unknown-field"),
        ({"programme": ["stimuleringsfonds"]}, "/fields/programme", "unknown-field"),
        ({"title": "Titel"}, "/fields/title", "not-a-list"),
        ({"title": [3]}, "/fields/title/0", "not-a-text"),
        ({"title": []}, "/fields/title", "too-few"),
        ({"goals.00": ["Een doel"]}, "/fields/goals.00", "unknown-field"),
        ({"themes": ["a"] * 101}, "/fields/themes", "too-many"),
        ({f"goals.{row}": ["doel"] for row in range(501)}, "/fields", "too-many"),
        (["title"], "/fields", "not-an-object"),
    ],
)  # fmt: skip
def test_what_is_no_field_of_a_proposal_is_refused(
    service: Service, fields: Any, pointer: str, code: str
) -> None:
    refused = service.act("submitter", "/drafts", {"programme": PROGRAMME, "fields": fields})
    assert refused.status_code == 400
    assert (refused.json["errors"][0]["pointer"], refused.json["errors"][0]["code"]) == (pointer, code)


def test_a_draft_is_for_a_programme_that_there_is(service: Service) -> None:
    refused = service.act("submitter", "/drafts", {"programme": "none"})
    assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (400, "/programme")


def test_who_has_no_organisation_shares_with_nobody(service: Service) -> None:
    draft = begun(service, "secretary")
    refused = changed(service, "secretary", "PUT", f"/drafts/{draft['id']}/sharing", {"shared": True})
    assert (refused.status_code, refused.json["code"]) == (409, "draft-not-to-share")
