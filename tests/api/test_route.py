"""A proposal from submission to money, by the API alone: every call once, with its headers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Service, a_proposal


@pytest.fixture
def envelope(service: Service) -> str:
    """An envelope of a million, open since the summer."""
    service.done(
        "treasurer",
        "/envelopes",
        {
            "code": "herstelaanpak",
            "name": "Regionale Herstelaanpak",
            "body": "ab",
            "programme": "regionale-herstelaanpak",
            "sources": [{"source": "Reserve", "amount": "1000000.00"}],
            "effectiveOn": "2020-07-01",
        },
    )
    return "herstelaanpak"


def submitted(service: Service, **changes: Any) -> str:
    """A proposal that has just come in."""
    proposal: str = service.done("submitter", "/proposals", a_proposal(**changes))["id"]
    return proposal


def decided(service: Service, **changes: Any) -> str:
    """A proposal that waits for its award."""
    proposal = submitted(service, **changes)
    at = f"/proposals/{proposal}"
    service.done("secretary", f"{at}/completeness", {"outcome": "complete", "effectiveOn": "2020-09-07"})
    review = {"body": "taskforce", "advice": "positive", "effectiveOn": "2020-09-14"}
    service.done("taskforce", f"{at}/reviews", review)
    decision = {"body": "poho", "outcome": "approved", "effectiveOn": "2020-10-05"}
    service.done("poho", f"{at}/decisions", decision)
    return proposal


def test_submit_answers_the_case_and_where_it_is(service: Service) -> None:
    response = service.act("submitter", "/proposals", a_proposal())
    assert response.status_code == 201, response.json
    case = response.json
    assert response.headers["Location"] == f"/api/v1/proposals/{case['id']}"
    assert response.headers["ETag"] == f'"{case["version"]}"'
    assert response.headers["Event-Position"] == str(service.head())
    assert case["reference"].startswith("RHA-2020-")
    assert case["status"] == "completeness"
    assert case["content"]["title"] == "Digitale werkplaats"
    assert case["content"]["applicant"]["name"] == "Stichting Werkplaats"
    assert case["content"]["municipalities"] == ["GM0772"]
    assert [party["name"] for party in case["content"]["partners"]] == ["Fontys", "TU/e"]
    assert case["submittedBy"] == {"id": service.people["submitter"].id, "name": "Submitter"}
    assert service.told("submitter", f"/proposals/{case['id']}") == case


def test_from_supplement_to_award_and_back(service: Service, envelope: str) -> None:
    proposal = submitted(service)
    at = f"/proposals/{proposal}"
    asked = service.done(
        "secretary",
        f"{at}/completeness",
        {
            "outcome": "supplement",
            "remarks": "De begroting?",
            "dueOn": "2020-09-21",
            "effectiveOn": "2020-09-07",
        },
    )
    assert asked["status"] == "supplement"
    assert asked["waitingFor"][0]["dueOn"] == "2020-09-21"
    given = a_proposal(title="Met begroting", effectiveOn="2020-09-10")
    del given["programme"]
    revised = service.done("submitter", f"{at}/revisions", given)
    assert (revised["revision"], revised["content"]["title"]) == (2, "Met begroting")
    service.done("secretary", f"{at}/completeness", {"outcome": "complete", "effectiveOn": "2020-09-11"})
    reviewed = service.done(
        "taskforce",
        f"{at}/reviews",
        {
            "body": "taskforce",
            "advice": "positive-with-conditions",
            "grounds": "Past.",
            "conditions": ["Betrek kleine bedrijven."],
            "assessments": {"schaalbare-meerwaarde": True},
            "effectiveOn": "2020-09-14",
        },
    )
    assert reviewed["reviews"][0]["assessments"]["schaalbare-meerwaarde"] is True
    assert reviewed["reviews"][0]["conditions"] == ["Betrek kleine bedrijven."]
    held = {"body": "poho", "outcome": "held-over", "grounds": "Eerst overleg.", "effectiveOn": "2020-10-05"}
    assert service.done("poho", f"{at}/decisions", held)["status"] == "held-over"
    assert (
        service.done("secretary", f"{at}/resumption", {"effectiveOn": "2020-10-12"})["status"] == "decision"
    )
    approved = {"body": "poho", "outcome": "approved", "effectiveOn": "2020-10-19"}
    assert service.done("poho", f"{at}/decisions", approved)["status"] == "award"
    awarded = service.done(
        "db",
        f"{at}/awards",
        {
            "envelope": envelope,
            "amount": "200000",
            "provisional": True,
            "phases": [
                {"amount": "50000.00"},
                {"amount": 100000, "releaseCondition": "Na de rapportage"},
                {"amount": "50000.00", "releaseCondition": "Na de eindrapportage"},
            ],
            "effectiveOn": "2020-12-07",
        },
    )
    assert awarded["totals"] == {
        "awarded": "200000.00", "committed": "50000.00", "heldBack": "150000.00", "returned": "0.00",
    }  # fmt: skip
    released = service.done("treasurer", f"{at}/phases/2/release", {"effectiveOn": "2021-01-04"})
    assert released["totals"]["committed"] == "150000.00"
    other = decided(service, title="Een ander")
    moved = service.done(
        "treasurer",
        f"{at}/phases/3/reallocation",
        {"to": other, "amount": "20000.00", "grounds": "Niet nodig", "effectiveOn": "2021-02-01"},
    )
    assert moved["award"]["phases"][2]["movedTo"][0]["proposal"] == other
    returned = service.done(
        "treasurer", f"{at}/return", {"amount": "30000.00", "grounds": "Over", "effectiveOn": "2021-03-01"}
    )
    assert returned["totals"]["heldBack"] == "0.00"
    left = service.told("auditor", f"/envelopes/{envelope}")
    assert (left["committed"], left["heldBack"], left["left"]) == ("170000.00", "0.00", "830000.00")
    assert left["perProposal"][other] == {"committed": "20000.00", "heldBack": "0.00"}


def test_withdrawal_ends_the_route(service: Service) -> None:
    proposal = submitted(service)
    path = f"/proposals/{proposal}/withdrawal"
    assert (
        service.done("submitter", path, {"grounds": "Geen tijd", "effectiveOn": "2020-09-03"})["status"]
        == "withdrawn"
    )
    again = service.act("secretary", path, {})
    assert (again.status_code, again.json["code"]) == (409, "case-ended")


def test_timeline_tells_every_event_in_the_readers_language(service: Service) -> None:
    proposal = submitted(service)
    told = service.told("submitter", f"/proposals/{proposal}/timeline")
    assert [entry["event"] for entry in told["entries"]] == ["ProposalSubmitted", "StageOpened"]
    first = told["entries"][0]
    assert first["by"]["name"] == "Submitter"
    assert first["facts"]["content"]["title"] == "Digitale werkplaats"
    assert "ingediend" in first["sentence"]
    english = service.told("submitter", f"/proposals/{proposal}/timeline", headers={"Accept-Language": "en"})
    assert "submitted" in english["entries"][0]["sentence"]


def test_queue_has_the_oldest_term_first_and_says_how_long_it_waits(service: Service) -> None:
    late = submitted(service, effectiveOn="2020-09-01")
    early = submitted(service, effectiveOn="2020-08-03")
    waiting = service.told("secretary", "/bodies/secretariat/queue")["items"]
    assert [item["proposal"] for item in waiting] == [early, late]
    assert waiting[0]["overdue"] is True
    assert waiting[0]["workingDaysLeft"] < 0
    assert waiting[0]["title"] == "Digitale werkplaats"
    assert service.ask("taskforce", "/bodies/secretariat/queue").status_code == 403
    assert service.ask("taskforce", "/bodies/taskforce/queue").status_code == 200
    assert service.ask("secretary", "/bodies/nowhere/queue").status_code == 404


def test_envelopes_are_topped_up_and_asked_as_of(service: Service, envelope: str) -> None:
    before = service.head()
    path = f"/envelopes/{envelope}/sources"
    topped = {"source": "Provincie", "amount": "500000.00", "effectiveOn": "2020-11-01"}
    answer = service.act("treasurer", path, topped, headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.json["amount"]) == (201, "1500000.00")
    assert answer.headers["Location"] == "/api/v1/envelopes/herstelaanpak"
    assert service.act("treasurer", path, topped, headers={"If-Match": '"1"'}).status_code == 412
    assert service.told("submitter", f"/envelopes/{envelope}")["left"] == "1500000.00"
    assert service.told("submitter", f"/envelopes/{envelope}?atPosition={before}")["left"] == "1000000.00"
    assert service.told("submitter", f"/envelopes/{envelope}?effectiveOn=2020-10-31")["left"] == "1000000.00"
    assert [e["code"] for e in service.told("integration", "/envelopes")["items"]] == [envelope]
    assert service.act("treasurer", "/envelopes/none/sources", topped).status_code == 404
    assert service.ask("submitter", "/envelopes/none").status_code == 404


def test_portfolio_counts_fully_and_says_so(service: Service) -> None:
    submitted(service)
    submitted(service, themes=["digitaliseren-mkb", "opleiden"])
    sums = service.told("integration", "/portfolio?programme=regionale-herstelaanpak")
    assert sums["countsFully"] is True
    assert sums["total"]["requested"] == "400000.00"
    themes = {each["theme"]: each["requested"] for each in sums["themes"]}
    assert themes == {"digitaliseren-mkb": "400000.00", "opleiden": "200000.00"}
    assert service.told("auditor", "/portfolio?effectiveOn=2020-08-31")["total"]["proposals"] == 0


def test_programmes_are_open_to_all_and_published_by_the_office(service: Service) -> None:
    listed = service.told(None, "/programmes")["items"]
    assert [each["code"] for each in listed] == ["regionale-herstelaanpak", "stimuleringsfonds"]
    definition = {**service.told(None, "/programmes/stimuleringsfonds")["latest"], "version": 2}
    assert service.act("treasurer", "/programmes", definition).status_code == 403
    published = service.done("admin", "/programmes", definition)
    assert (published["latestVersion"], len(published["versions"])) == (2, 2)
    again = service.act("admin", "/programmes", definition)
    assert (again.status_code, again.json["code"]) == (409, "version-published")
    broken = {**definition, "version": 3, "stages": [{"code": "review"}]}
    refused = service.act("admin", "/programmes", broken)
    assert refused.status_code == 400
    assert "/stages/0/kind" in {fault["pointer"] for fault in refused.json["errors"]}
    # All of it in one language, and that is said.
    assert refused.headers["Content-Language"] == "en"
    assert (refused.json["title"], refused.json["detail"]) == (
        "The request is not right",
        "Mend what 'errors' lists and send it again.",
    )
    assert service.ask(None, "/programmes/none").status_code == 404


def test_a_tender_scores_and_awards_without_code_for_it(service: Service) -> None:
    definition = service.told(None, "/programmes/stimuleringsfonds")["latest"]
    tender = definition["tenders"][0]
    criteria = next(stage["criteria"] for stage in definition["stages"] if stage.get("criteria"))
    proposal = service.done(
        "secretary",
        "/proposals",
        a_proposal(
            programme="stimuleringsfonds",
            themes=[definition["themes"][0]["code"]],
            effectiveOn=tender["opens"],
        ),
    )
    at = f"/proposals/{proposal['id']}"
    service.done("secretary", f"{at}/completeness", {"outcome": "complete"})
    missing = service.act("adviesgroep", f"{at}/reviews", {"body": "adviesgroep", "advice": "positive"})
    assert missing.status_code == 400
    assert missing.json["errors"][0]["pointer"].startswith("/scores/")
    scores = {criterion["code"]: criterion["maximum"] for criterion in criteria}
    reviewed = service.done(
        "adviesgroep", f"{at}/reviews", {"body": "adviesgroep", "advice": "positive", "scores": scores}
    )
    assert reviewed["reviews"][0]["scores"] == scores


def test_events_are_cloudevents_for_auditors_and_integrations(service: Service) -> None:
    proposal = submitted(service)
    response = service.ask("integration", "/events?after=2&limit=1")
    assert response.mimetype == "application/cloudevents-batch+json"
    (event,) = response.json
    assert event["type"] == "nl.besluitspoor.proposal.proposal-submitted.v1"
    assert event["subject"] == proposal
    assert int(event["sequence"]) == 3
    assert "werkplaats" not in response.get_data(as_text=True).lower()
    assert response.headers["Link"] == '</api/v1/events?after=3&limit=1>; rel="next"'
    assert service.ask("integration", f"/events?after={service.head()}").json == []
    beyond = service.ask("integration", f"/events?after={service.head() + 1}")
    assert (beyond.status_code, beyond.json["code"], beyond.json["head"]) == (
        400,
        "position-unknown",
        service.head(),
    )
    assert beyond.json["errors"][0]["parameter"] == "after"
    assert service.ask("submitter", "/events").status_code == 403
