"""The published document: valid, kept in docs/, and true to the Dutch government's API design rules."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from service.app import create_app
from service.settings import Settings

KEBAB = re.compile(r"(/([a-z0-9-]+|\{[^}]+\}))+")
CAMEL = re.compile(r"[a-z][a-zA-Z0-9]*")
PASCAL = re.compile(r"[A-Z][a-zA-Z0-9]*")
METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def response() -> Any:
    """The answer that holds the document; no database is needed for it."""
    settings = Settings(database_url="host=nowhere", database_owner_url="", secret=b"x" * 32)
    return create_app(settings).test_client().get("/api/v1/openapi.json")


@pytest.fixture(scope="module")
def document(response: Any) -> dict[str, Any]:
    """The document itself."""
    answer: dict[str, Any] = response.json
    return answer


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in METHODS:
                yield path, method, operation


def resolved(document: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in part:
        found: Any = document
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        part = found
    return part


def test_it_is_open_to_all_and_valid(response: Any, document: dict[str, Any]) -> None:
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["API-Version"] == document["info"]["version"]
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_the_one_in_docs_is_this_one(document: dict[str, Any], project: Path) -> None:
    kept = json.loads((project / "docs/openapi.json").read_text("utf-8"))
    assert kept == document, "Renew it: python -m service.api.publish > docs/openapi.json"


def test_it_says_who_keeps_it_which_version_it_is_and_where(document: dict[str, Any]) -> None:
    assert set(document["info"]["contact"]) >= {"name", "email", "url"}
    assert re.fullmatch(r"\d+\.\d+\.\d+", document["info"]["version"])
    assert [re.search(r"/v\d+", server["url"]) is not None for server in document["servers"]] == [True]


def test_paths_are_plain_kebab_case_without_a_slash_at_the_end(document: dict[str, Any]) -> None:
    for path in document["paths"]:
        assert KEBAB.fullmatch(path), path


def test_names_are_camel_case_and_schemas_pascal_case(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids))
    for path, _, operation in operations(document):
        assert CAMEL.fullmatch(operation["operationId"])
        for parameter in operation.get("parameters", []):
            told = resolved(document, parameter)
            if told["in"] == "query":
                assert CAMEL.fullmatch(told["name"]), (path, told["name"])
    for name, schema in document["components"]["schemas"].items():
        assert PASCAL.fullmatch(name)
        if name != "Definition":
            assert all(CAMEL.fullmatch(each) for each in schema.get("properties", {})), name


def test_every_answer_tells_the_version_and_every_error_is_a_problem(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        for status, answer in operation["responses"].items():
            answer = resolved(document, answer)
            assert "API-Version" in answer["headers"], (path, method, status)
            if status >= "400":
                assert list(answer["content"]) == ["application/problem+json"], (path, method, status)
                schema = resolved(document, answer["content"]["application/problem+json"]["schema"])
                assert {"type", "title", "status", "detail"} <= set(schema["properties"])


def test_input_can_be_wrong_and_says_so_with_400_not_422(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        statuses = set(operation["responses"])
        assert "422" not in statuses
        if method != "get" or operation.get("parameters"):
            assert "400" in statuses, (path, method)
        if method == "post":
            assert {"413", "415"} <= statuses, (path, method)
        if operation["security"]:
            assert {"401", "403"} <= statuses, (path, method)


SECRETS = ("/tokens", "/password-links", "/people/me/second-factor")
"""What is about a secret that is in one answer only, or good once: an answer that is kept to be given again is none."""


def test_acts_are_safe_to_repeat_and_tell_where_and_which_version(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        if method != "post" or path.startswith(SECRETS):
            continue
        names = {resolved(document, each)["name"] for each in operation["parameters"]}
        # A draft is submitted once by itself.
        assert ("Idempotency-Key" in names) != (path == "/drafts/{draft}/submission"), path
        if path in (
            "/subscriptions",
            "/subscriptions/{subscription}/tests",
            "/people",
            "/organisation/people",
            "/drafts",
        ):
            # What these are about stands outside the log.
            assert "Location" in operation["responses"]["201"]["headers"], path
            continue
        assert {"Location", "ETag", "Event-Position"} <= set(operation["responses"]["201"]["headers"]), path
        if path not in ("/proposals", "/programmes", "/envelopes"):
            assert "If-Match" in names, path
            assert "412" in operation["responses"], path


def test_examples_are_what_the_schemas_describe(document: dict[str, Any]) -> None:
    found = 0
    for path, method, operation in operations(document):
        content = operation.get("requestBody", {}).get("content", {})
        for kind, body in content.items():
            assert kind == "application/json"
            validator = Draft202012Validator({**body["schema"], "components": document["components"]})
            errors = [error.message for error in validator.iter_errors(body["example"])]
            assert not errors, (path, method, errors)
            found += 1
    assert found == sum(1 for _, method, _ in operations(document) if method in ("post", "put", "patch"))


def test_money_and_dates_are_typed(document: dict[str, Any]) -> None:
    award = document["components"]["schemas"]["Award"]["properties"]
    assert {"type": "integer", "minimum": 1, "maximum": 999999999999} in award["amount"]["oneOf"]
    assert award["effectiveOn"]["format"] == "date"
    assert document["components"]["schemas"]["Token"]["properties"]["expiresAt"]["format"] == "date-time"


def test_the_calls_of_the_contract_are_all_there(document: dict[str, Any]) -> None:
    case = "/proposals/{proposal}"
    assert {(method, path) for path, method, _ in operations(document)} == {
        ("post", "/tokens"),
        ("post", "/password-links"),
        ("post", "/password-links/choice"),
        ("put", "/people/me/password"),
        ("post", "/people/me/second-factor"),
        ("post", "/people/me/second-factor/confirmation"),
        ("post", "/people/me/second-factor/codes"),
        ("post", "/people/me/second-factor/removal"),
        ("get", "/passkeys"),
        ("delete", "/passkeys/{passkey}"),
        ("get", "/sessions"),
        ("delete", "/sessions"),
        ("delete", "/sessions/{session}"),
        ("get", "/tokens"),
        ("post", "/tokens/named"),
        ("delete", "/tokens/{token}"),
        ("get", "/proposals"),
        ("post", "/proposals"),
        ("get", case),
        ("get", f"{case}/timeline"),
        ("post", f"{case}/completeness"),
        ("post", f"{case}/revisions"),
        ("post", f"{case}/reviews"),
        ("post", f"{case}/decisions"),
        ("post", f"{case}/resumption"),
        ("post", f"{case}/awards"),
        ("post", f"{case}/phases/{{number}}/release"),
        ("post", f"{case}/phases/{{number}}/reallocation"),
        ("post", f"{case}/return"),
        ("post", f"{case}/withdrawal"),
        ("post", f"{case}/confidentiality"),
        ("post", f"{case}/redactions"),
        ("post", f"{case}/retention"),
        ("get", "/retention"),
        ("get", f"{case}/texts"),
        ("get", f"{case}/letters"),
        ("get", f"{case}/letters/{{letter}}"),
        ("get", "/bodies/{body}/queue"),
        ("get", "/programmes"),
        ("post", "/programmes"),
        ("get", "/programmes/{code}"),
        ("get", "/envelopes"),
        ("post", "/envelopes"),
        ("get", "/envelopes/{code}"),
        ("post", "/envelopes/{code}/sources"),
        ("get", "/portfolio"),
        ("get", "/inbox"),
        ("patch", "/inbox/{delivery}"),
        ("get", "/preferences"),
        ("put", "/preferences"),
        ("get", "/watching"),
        ("put", f"{case}/watch"),
        ("get", "/deliveries"),
        ("get", "/deliveries/{delivery}"),
        ("put", "/deliveries/{delivery}/resend"),
        ("put", "/deliveries/{delivery}/posted"),
        ("get", "/subscriptions"),
        ("post", "/subscriptions"),
        ("get", "/subscriptions/{subscription}"),
        ("put", "/subscriptions/{subscription}"),
        ("delete", "/subscriptions/{subscription}"),
        ("get", "/subscriptions/{subscription}/secret"),
        ("put", "/subscriptions/{subscription}/secret"),
        ("post", "/subscriptions/{subscription}/tests"),
        ("get", "/subscriptions/{subscription}/deliveries"),
        ("put", "/subscriptions/{subscription}/deliveries/{delivery}/resend"),
        ("get", "/drafts"),
        ("post", "/drafts"),
        ("get", "/drafts/{draft}"),
        ("put", "/drafts/{draft}"),
        ("delete", "/drafts/{draft}"),
        ("put", "/drafts/{draft}/sharing"),
        ("post", "/drafts/{draft}/submission"),
        ("get", "/organisation"),
        ("post", "/organisation/people"),
        ("put", "/organisation/people/{person}"),
        ("delete", "/organisation/people/{person}"),
        ("get", "/people"),
        ("get", "/people/me/data"),
        ("put", "/people/me/erasure-request"),
        ("put", "/people/{person}/erasure"),
        ("post", "/people"),
        ("get", "/people/{person}"),
        ("put", "/people/{person}"),
        ("delete", "/people/{person}/access"),
        ("get", "/newsletters"),
        ("put", "/newsletters/draft"),
        ("get", "/newsletters/{newsletter}"),
        ("put", "/newsletters/{newsletter}/content"),
        ("put", "/newsletters/{newsletter}/figures"),
        ("post", "/newsletters/{newsletter}/approval"),
        ("get", "/newsletters/{newsletter}/editions/{municipality}"),
        ("get", "/council-addresses"),
        ("patch", "/council-addresses"),
        ("delete", "/council-addresses/{address}"),
        ("get", "/events"),
        ("get", "/register"),
        ("get", "/register/{reference}"),
        ("get", "/sign-ins"),
    }
