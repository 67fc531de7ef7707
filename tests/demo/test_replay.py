"""Does the demo come out as it should, replayed through the public API of a service that serves?"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from service import demo as demonstration
from service.calendar import dutch_holidays, today
from service.demo.client import Api, Unanswered
from service.demo.people import PASSWORD, NotADemo
from service.demo.replay import send
from service.demo.story import retold, story
from tests.demo.served import Served

RHA, SF = "regionale-herstelaanpak", "stimuleringsfonds"


@pytest.fixture(scope="module")
def cases(demo: Served) -> dict[str, Any]:
    """Every case of the demo by its title."""
    found = demo.all("/proposals", "items")
    return {case["content"]["title"]: case for case in found}


def test_nothing_was_refused(demo: Served) -> None:
    assert demo.first.refused == ()
    assert demo.first.steps > 150
    assert any("cases in" in sentence for sentence in demo.said)


@pytest.mark.parametrize(
    ("on", "committed", "held_back", "left"),
    [
        ("2020-12-07", "1175000.00", "0.00", "825000.00"),
        ("2021-02-08", "1325000.00", "150000.00", "525000.00"),
        ("2021-09-27", "1610000.00", "0.00", "390000.00"),
        (None, "1610000.00", "0.00", "390000.00"),
    ],
)
def test_the_herstelaanpak_comes_out_as_it_happened(
    demo: Served, on: str | None, committed: str, held_back: str, left: str
) -> None:
    envelope = demo.ask(f"/envelopes/herstelaanpak{f'?effectiveOn={on}' if on else ''}")
    assert envelope["amount"] == "2000000.00"
    assert (envelope["committed"], envelope["heldBack"], envelope["left"]) == (committed, held_back, left)


def test_before_its_first_award_the_envelope_was_whole(demo: Served) -> None:
    envelope = demo.ask("/envelopes/herstelaanpak?effectiveOn=2020-12-06")
    assert (envelope["committed"], envelope["heldBack"], envelope["left"]) == ("0.00", "0.00", "2000000.00")
    assert envelope["openedOn"] == "2020-09-30"
    assert [source["amount"] for source in envelope["sources"]] == ["1200000.00", "800000.00"]


def test_the_second_phase_was_never_released_but_partly_moved_and_partly_returned(
    cases: dict[str, Any],
) -> None:
    scheme, receiver = cases["Adviesregeling Digitalisering MKB 2021"], cases["Digitaal Fit"]
    first, second = scheme["award"]["phases"]
    assert (first["state"], first["committed"]) == ("free", "150000.00")
    assert second["state"] == "never-released"
    assert second["released"] == second["heldBack"] == second["committed"] == "0.00"
    assert second["returned"] == "65000.00"
    assert [(moved["proposal"], moved["amount"]) for moved in second["movedTo"]] == [
        (receiver["id"], "85000.00")
    ]
    assert second["releaseCondition"]
    assert [(moved["from"], moved["amount"]) for moved in receiver["movedIn"]] == [(scheme["id"], "85000.00")]
    assert receiver["status"] == "awarded"


def test_the_first_awards_were_provisional(cases: dict[str, Any]) -> None:
    first = [cases[case["proposal"]["title"]] for case in retold()["cases"][:4]]
    assert [case["award"]["amount"] for case in first] == [
        "700000.00",
        "175000.00",
        "100000.00",
        "200000.00",
    ]
    assert all(case["award"]["provisional"] for case in first)
    assert {case["award"]["effectiveOn"] for case in first} == {"2020-12-07"}


@pytest.mark.parametrize(
    ("body", "who", "at_least"),
    [
        ("secretariat", "secretary", 10),
        ("taskforce", "taskforce", 3),
        ("poho", "poho", 3),
        ("adviesgroep", "adviesgroep", 3),
        ("db", "db", 6),
    ],
)
def test_each_queue_has_work_some_of_it_late_and_some_due_soon(
    demo: Served, body: str, who: str, at_least: int
) -> None:
    waiting = demo.all(f"/bodies/{body}/queue", "items", who)
    due = [date.fromisoformat(each["dueOn"]) for each in waiting]
    now = today("Europe/Amsterdam")
    assert len(waiting) >= at_least
    assert due == sorted(due)
    assert [day for day in due if day < now]
    assert [day for day in due if now <= day <= now + timedelta(days=40)]


@pytest.mark.parametrize("programme", [RHA, SF])
def test_both_programmes_have_a_case_at_every_stage_and_of_every_end(
    cases: dict[str, Any], programme: str
) -> None:
    counted = Counter(case["status"] for case in cases.values() if case["programme"] == programme)
    assert set(counted) == {
        "completeness",
        "supplement",
        "review",
        "decision",
        "held-over",
        "award",
        "awarded",
        "rejected",
        "withdrawn",
    }


def test_each_awkward_kind_is_there(cases: dict[str, Any]) -> None:
    every = list(cases.values())
    outcomes = {decision["outcome"] for case in every for decision in case["decisions"]}
    advices = {review["advice"] for case in every for review in case["reviews"]}
    assert outcomes == {"approved", "approved-with-conditions", "rejected", "held-over"}
    assert advices == {"positive", "positive-with-conditions", "negative", "revise"}
    assert [case for case in every if case["revision"] > 1]
    resumed = [
        case
        for case in every
        if any(each["outcome"] == "held-over" for each in case["decisions"])
        and case["status"] in ("decision", "awarded")
    ]
    assert {case["programme"] for case in resumed} == {RHA, SF}
    states = {phase["state"] for case in every if case["award"] for phase in case["award"]["phases"]}
    assert states == {"free", "held-back", "released", "never-released"}


def test_the_fund_has_an_envelope_of_its_own_topped_up(demo: Served) -> None:
    envelope = demo.ask("/envelopes/stimuleringsfonds")
    assert envelope["amount"] == "3000000.00"
    assert envelope["heldBack"] == "30000.00"
    assert len(envelope["sources"]) == 2


def test_the_submitter_sees_only_cases_of_the_own_organisation(demo: Served) -> None:
    own = demo.all("/proposals", "items", "submitter")
    assert {case["owner"]["name"] for case in own} == {"Voorbeeldorganisatie Brainport"}
    assert {case["programme"] for case in own} == {RHA, SF}
    assert {"supplement", "awarded"} < {case["status"] for case in own}


def test_a_reader_sees_what_is_assumed(cases: dict[str, Any]) -> None:
    for real in retold()["cases"]:
        content = cases[real["proposal"]["title"]]["content"]
        assert real["assumption"] in content["summary"]
        assert all("aanname" in part["source"]["name"] for part in content["cofinancing"])
        assert all(support["evidence"].startswith("Aanname") for support in content["subregionSupport"])
    titles = {real["proposal"]["title"] for real in retold()["cases"]}
    assert all(
        case["content"]["summary"].endswith("Dit voorstel is verzonnen, als voorbeeld.")
        for title, case in cases.items()
        if title not in titles
    )


def test_starting_again_sends_nothing(demo: Served) -> None:
    before = demo.head()
    assert demo.replay() == demonstration.Replayed(0)
    assert demo.head() == before


@pytest.mark.slow
def test_a_replay_that_was_broken_off_goes_on_where_it_stopped(another: Served) -> None:
    """All but the last step were sent, so each of those is sent again; the log grows by the last one only."""
    began, holidays = today("Europe/Amsterdam"), dutch_holidays()
    api = Api(another.url, PASSWORD)
    assert send(api, story(began, holidays)[:-1], another.said.append).refused == ()
    api.close()
    before = another.head()
    assert another.replay().refused == ()
    assert another.head() == before + 1
    assert another.replay() == demonstration.Replayed(0)


def test_it_is_for_a_demonstration_only(demo: Served) -> None:
    with pytest.raises(NotADemo):
        demonstration.replay(replace(demo.settings, demo=False), demo.url)


def test_a_refusal_is_told_with_its_reason(client: Api) -> None:
    refused = client.post("submitter", "/envelopes", {}, "not-mine")
    assert not refused.ok
    assert refused.detail.startswith("400 ") or refused.detail.startswith("403 ")


def test_a_case_in_which_somebody_acted_meanwhile_is_left_alone(another: Served) -> None:
    """Its steps go on elsewhere: the rest of the demo is replayed, and it is said which step was refused."""
    steps = [step for step in story(today("Europe/Amsterdam"), dutch_holidays()) if step.case == "luxe-beurs"]
    own = [replace(step, key=f"test/{step.key}", case="taken") for step in steps]
    withdrawn = replace(
        own[1], path="/proposals/{case}/withdrawal", body={"grounds": "Toch niet"}, key="test/out"
    )
    said: list[str] = []
    api = Api(another.url, PASSWORD)
    done = send(api, [own[0], withdrawn, *own[1:]], said.append)
    api.close()
    assert done.refused == (own[1].key,)
    assert "going on without it" in said[0]


def test_a_service_that_does_not_answer_is_told() -> None:
    api = Api("http://127.0.0.1:9", "demo", attempts=1)
    with pytest.raises(Unanswered, match="POST /tokens: ConnectionRefusedError"):
        api.get("auditor", "/events")
    api.close()
