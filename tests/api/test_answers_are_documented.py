"""Every member of every answer stands in the published document: checked with the document made strict."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from service.documents import councils, letters, newsletters
from service.messaging import noticing
from tests.api.conftest import Service, a_proposal


def strict(schema: Any) -> Any:
    """The same, refusing members that it does not name."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: strict(value) for key, value in schema.items()}
    if isinstance(made.get("properties"), dict):
        made.setdefault("additionalProperties", False)
    return made


@pytest.fixture
def walked(service: Service) -> Service:
    """A service with a case that has been through everything."""
    sources = [{"source": "Reserve", "amount": "1000000.00"}]
    envelope = {"code": "pot", "body": "ab", "sources": sources, "effectiveOn": "2020-07-01"}
    service.done("treasurer", "/envelopes", envelope)
    case, other = (service.done("submitter", "/proposals", a_proposal())["id"] for _ in range(2))
    for each in (case, other):
        at = f"/proposals/{each}"
        review = {"body": "taskforce", "advice": "positive-with-conditions", "conditions": ["Doe het"]}
        service.done("secretary", f"{at}/completeness", {"outcome": "complete", "remarks": "Compleet"})
        service.done("taskforce", f"{at}/reviews", {**review, "grounds": "Goed"})
        service.done("poho", f"{at}/decisions", {"body": "poho", "outcome": "approved", "grounds": "Akkoord"})
    at = f"/proposals/{case}"
    phases = [
        {"amount": "10.00"},
        {"amount": "90.00", "releaseCondition": "Later"},
        {"amount": "50.00", "releaseCondition": "Nog later"},
    ]
    service.done("db", f"{at}/awards", {"envelope": "pot", "amount": "150.00", "phases": phases})
    service.done("treasurer", f"{at}/phases/2/release", {"grounds": "Het is later"})
    service.done(
        "treasurer", f"{at}/phases/3/reallocation", {"to": other, "amount": "20.00", "grounds": "Ruil"}
    )
    service.done("treasurer", f"{at}/return", {"amount": "40.00", "grounds": "Over"})
    withdrawn = service.done("submitter", "/proposals", a_proposal())["id"]
    service.done("secretary", f"/proposals/{withdrawn}/withdrawal", {"grounds": "Toch niet"})
    service.done("submitter", "/proposals", a_proposal())
    ended = service.told("secretary", f"/proposals/{withdrawn}/texts")["items"]
    redacted = {"texts": [ended[0]["name"]], "ground": "privacy", "remarks": "Op verzoek"}
    service.done("secretary", f"/proposals/{withdrawn}/redactions", redacted)
    parts, secretary = service.app.extensions["besluitspoor"].parts, service.people["secretary"]
    for quarter in (1, 4):
        days = date(2020, quarter, 1), date(2020, quarter + 2, 30)
        draft = newsletters.create(parts, secretary, "regionale-herstelaanpak", *days)
    newsletters.approve(parts, secretary, draft.id)
    with parts.pool.connection() as connection:
        councils.add(connection, "GM0772", "griffie@example.org")
    letters.issue(parts, "receipt", case, parts.log.load(case)[0].position)
    with parts.pool.connection() as connection:
        at = noticing.position(connection)
        while (told := noticing.fold_batch(parts, connection, at, 100)) != at:
            at = told
    return service


def test_every_member_is_in_the_document(walked: Service) -> None:
    document = walked.client().get("/api/v1/openapi.json").json
    components = strict(document["components"])
    cases = [case["id"] for case in walked.told("auditor", "/proposals")["items"]]
    given = {"name": "Zaaksysteem", "url": "https://receiver.example.org/"}
    subscription = walked.done("integration", "/subscriptions", given)["id"]
    walked.done("integration", f"/subscriptions/{subscription}/tests", {})
    sent = [each["id"] for each in walked.told("secretary", "/deliveries?limit=100")["items"]]
    assert walked.told("secretary", "/inbox")["items"]
    written = [
        each["id"]
        for state in ("draft", "approved")
        for each in walked.told("secretary", f"/newsletters?state={state}")["items"]
    ]
    published = [each["reference"] for each in walked.told(None, "/register")["items"]]
    assert published
    someone = walked.done("admin", "/people", {"name": "Jo", "email": "jo@example.org", "roles": ["auditor"]})
    draft = walked.done("submitter", "/drafts", {"programme": "regionale-herstelaanpak"})["id"]
    asked = {
        "/inbox": ["/inbox", "/inbox?shelf=unread"],
        "/preferences": ["/preferences"],
        "/watching": ["/watching"],
        "/deliveries": ["/deliveries?limit=100"],
        "/deliveries/{delivery}": [f"/deliveries/{id}" for id in sent[:20]],
        "/proposals": ["/proposals"],
        "/proposals/{proposal}": [f"/proposals/{case}" for case in cases],
        "/proposals/{proposal}/timeline": [f"/proposals/{case}/timeline" for case in cases],
        "/proposals/{proposal}/texts": [f"/proposals/{case}/texts" for case in cases],
        "/proposals/{proposal}/letters": [f"/proposals/{case}/letters" for case in cases],
        "/bodies/{body}/queue": ["/bodies/secretariat/queue"],
        "/programmes": ["/programmes"],
        "/programmes/{code}": ["/programmes/stimuleringsfonds"],
        "/envelopes": ["/envelopes"],
        "/envelopes/{code}": ["/envelopes/pot"],
        "/portfolio": ["/portfolio"],
        "/register": ["/register"],
        "/register/{reference}": [f"/register/{reference}" for reference in published],
        "/retention": ["/retention", "/retention?on=2040-01-01"],
        "/events": ["/events?limit=1000"],
        "/newsletters": ["/newsletters", "/newsletters?state=draft"],
        "/newsletters/{newsletter}": [f"/newsletters/{newsletter}" for newsletter in written],
        "/newsletters/{newsletter}/editions/{municipality}": [
            f"/newsletters/{newsletter}/editions/GM0772" for newsletter in written
        ],
        "/council-addresses": ["/council-addresses"],
        "/drafts": ["/drafts"],
        "/drafts/{draft}": [f"/drafts/{draft}"],
        "/organisation": ["/organisation"],
        "/people": ["/people"],
        "/people/me/data": ["/people/me/data"],
        "/people/{person}": [f"/people/{someone['id']}", f"/people/{walked.people['submitter'].id}"],
        "/subscriptions": ["/subscriptions"],
        "/tokens": ["/tokens"],
        "/sign-ins": ["/sign-ins"],
        "/passkeys": ["/passkeys"],
        "/sessions": ["/sessions"],
        "/subscriptions/{subscription}": [f"/subscriptions/{subscription}"],
        "/subscriptions/{subscription}/secret": [f"/subscriptions/{subscription}/secret"],
        "/subscriptions/{subscription}/deliveries": [f"/subscriptions/{subscription}/deliveries"],
    }
    questions = {path: item["get"] for path, item in document["paths"].items() if "get" in item}
    files = {
        path for path, each in questions.items() if "application/pdf" in each["responses"]["200"]["content"]
    }
    assert set(asked) == set(questions) - files
    for path, addresses in asked.items():
        (content,) = document["paths"][path]["get"]["responses"]["200"]["content"].values()
        validator = Draft202012Validator({**strict(content["schema"]), "components": components})
        for address in addresses:
            office = (
                address.startswith(("/inbox", "/deliveries", "/newsletters", "/council-addresses"))
                or "queue" in address
                or address.endswith("/texts")
            )
            who = "secretary" if office else "auditor"
            who = "integration" if address.startswith("/subscriptions") else who
            who = "submitter" if address.startswith(("/organisation", "/drafts")) else who
            who = "admin" if address.startswith(("/people", "/sign-ins", "/retention")) else who
            answer = walked.told(who, address)
            errors = [f"{list(error.path)}: {error.message}" for error in validator.iter_errors(answer)]
            assert not errors, (address, errors[:3])
