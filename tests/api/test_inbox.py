"""Programs read what somebody was told, choose how it is heard, follow cases, and look into what was sent."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from werkzeug.test import TestResponse

from service.messaging import ledger
from service.messaging.ledger import Making, Planned
from tests.api.conftest import PREFIX, Service, a_proposal


@pytest.fixture
def case(service: Service) -> str:
    """A proposal that is there for who asks."""
    id = str(service.done("submitter", "/proposals", a_proposal())["id"])
    service.told("secretary", f"/proposals/{id}")
    return id


def told(service: Service, who: str, case: str, channel: str = "inbox", state: str = "sent") -> str:
    """Tells somebody that it is the turn of the task force; the id of the delivery."""
    facts = {
        "reference": "RHA-2020-0001", "programme": "regionale-herstelaanpak", "programmeVersion": 1,
        "stage": "taskforce", "stageKind": "advice", "body": "taskforce", "dueOn": "2020-10-01",
    }  # fmt: skip
    making = Making(f"test:{uuid4()}", "turn", 5, case, "high", facts, datetime.now(UTC))
    with psycopg.connect(service.settings.database_url, autocommit=True) as connection:
        ledger.add(connection, [(making, [Planned(service.people[who].id, channel, "body", state)])])
        row = connection.execute(
            "SELECT d.id FROM ledger.deliveries d JOIN ledger.notices n ON n.id = d.notice WHERE n.cause = %s",
            (making.cause,),
        ).fetchone()
    assert row is not None
    return str(row[0])


def sent(service: Service, who: str | None, method: str, path: str, body: Any) -> TestResponse:
    headers = {"Authorization": f"Bearer {service.tokens[who]}"} if who else {}
    return service.client().open(PREFIX + path, method=method, json=body, headers=headers)


def changed(service: Service, who: str, method: str, path: str, body: Any) -> Any:
    answer = sent(service, who, method, path, body)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.json


def test_messages_are_read_in_words_newest_first_and_page_by_page(service: Service, case: str) -> None:
    made = []
    for _ in range(5):
        made.append(told(service, "taskforce", case))
        time.sleep(0.002)
    first = service.ask("taskforce", "/inbox?limit=3")
    assert [each["id"] for each in first.json["items"]] == made[:1:-1]
    assert first.json["unread"] == 5
    message = first.json["items"][0]
    assert message["subject"] == "RHA-2020-0001: jullie advies is gevraagd"
    assert (message["path"], message["urgency"], message["readAt"]) == (f"/proposals/{case}", "high", None)
    following = first.headers["Link"].split(">")[0].lstrip("<").removeprefix(PREFIX)
    assert [each["id"] for each in service.ask("taskforce", following).json["items"]] == made[1::-1]
    english = service.ask("taskforce", "/inbox", headers={"Accept-Language": "en"}).json["items"][0]
    assert english["subject"] == "RHA-2020-0001: your advice is asked"


def test_a_message_is_read_archived_and_put_back(service: Service, case: str) -> None:
    id = told(service, "taskforce", case)
    path = f"/inbox/{id}"
    assert changed(service, "taskforce", "PATCH", path, {"read": True})["readAt"] is not None
    assert service.ask("taskforce", "/inbox?shelf=unread").json["items"] == []
    assert changed(service, "taskforce", "PATCH", path, {"archived": True})["archivedAt"] is not None
    assert service.ask("taskforce", "/inbox").json["items"] == []
    assert [each["id"] for each in service.ask("taskforce", "/inbox?shelf=archived").json["items"]] == [id]
    again = changed(service, "taskforce", "PATCH", path, {"archived": False, "read": False})
    assert (again["readAt"], again["archivedAt"]) == (None, None)
    assert changed(service, "taskforce", "PATCH", path, {}) == again


def test_only_ones_own(service: Service, case: str) -> None:
    id = told(service, "taskforce", case)
    mail = told(service, "poho", case, channel="email")
    assert service.ask("poho", "/inbox").json == {"items": [], "unread": 0}
    for each in (id, mail, f"delivery-{uuid4()}"):
        assert sent(service, "poho", "PATCH", f"/inbox/{each}", {"read": True}).status_code == 404
    assert service.ask("taskforce", "/inbox").json["unread"] == 1
    for method, path in (
        ("PATCH", f"/inbox/{id}"),
        ("PUT", "/preferences"),
        ("PUT", f"/proposals/{case}/watch"),
    ):
        assert sent(service, None, method, path, {}).status_code == 401
    assert service.ask(None, "/inbox").status_code == 401


@pytest.mark.parametrize("body", [{"read": "yes"}, {"read": True, "more": 1}, [], "x"])
def test_what_is_no_change_of_a_message_is_refused(service: Service, case: str, body: Any) -> None:
    id = told(service, "taskforce", case)
    assert sent(service, "taskforce", "PATCH", f"/inbox/{id}", body).status_code == 400
    assert service.ask("taskforce", "/inbox?shelf=nonsense").status_code == 400
    assert service.ask("taskforce", "/inbox?cursor=nonsense").status_code == 400


def test_preferences_are_replaced_as_a_whole(service: Service) -> None:
    usual = service.ask("taskforce", "/preferences").json
    assert usual["language"] == "nl"
    assert usual["kinds"]["turn"] == {"inbox": "at-once", "email": "at-once"}
    wanted = {
        "language": "en", "quietFrom": "19:00", "quietUntil": "07:30",
        "kinds": {"turn": {"email": "daily"}, "money": {"inbox": "off", "email": "off"}},
    }  # fmt: skip
    kept = changed(service, "taskforce", "PUT", "/preferences", wanted)
    assert kept == service.ask("taskforce", "/preferences").json
    assert (kept["quietFrom"], kept["quietUntil"], kept["absentFrom"]) == ("19:00", "07:30", None)
    assert kept["kinds"]["turn"] == {"inbox": "at-once", "email": "daily"}
    assert kept["kinds"]["money"] == {"inbox": "off", "email": "off"}
    assert changed(service, "taskforce", "PUT", "/preferences", {}) == usual


@pytest.mark.parametrize(
    ("body", "at"),
    [
        ({"language": "fr"}, "/language"),
        ({"quietFrom": "24:00", "quietUntil": "07:00"}, "/quietFrom"),
        ({"quietFrom": "19:00"}, "/quietUntil"),
        ({"quietFrom": "00:00", "quietUntil": "23:59"}, "/quietUntil"),
        ({"kinds": {"turn": {"email": "hourly"}}}, "/kinds/turn/email"),
        ({"kinds": {"nonsense": {"email": "daily"}}}, "/kinds"),
        ({"standIn": "person-nobody"}, "/standIn"),
    ],
)
def test_preferences_that_cannot_be_are_refused_where_they_are(
    service: Service, body: dict[str, Any], at: str
) -> None:
    before = service.ask("taskforce", "/preferences").json
    answer = sent(service, "taskforce", "PUT", "/preferences", body)
    assert answer.status_code == 400
    assert answer.json is not None
    assert [fault["pointer"] for fault in answer.json["errors"]] == [at]
    assert service.ask("taskforce", "/preferences").json == before


def test_following_a_case(service: Service, case: str) -> None:
    path = f"/proposals/{case}/watch"
    for _ in range(2):
        assert changed(service, "auditor", "PUT", path, {"watching": True}) == {
            "proposal": case,
            "watching": True,
        }
        assert service.ask("auditor", "/watching").json == {"items": [case]}
    assert changed(service, "auditor", "PUT", path, {"watching": False})["watching"] is False
    assert service.ask("auditor", "/watching").json == {"items": []}
    for id in (case, f"proposal-{uuid4()}"):
        assert (
            sent(service, "neighbour", "PUT", f"/proposals/{id}/watch", {"watching": True}).status_code == 404
        )
    assert sent(service, "auditor", "PUT", path, {}).status_code == 400


def test_the_office_sees_what_was_sent_and_sends_it_again(service: Service, case: str) -> None:
    lost = told(service, "taskforce", case, channel="email", state="dead")
    message = told(service, "poho", case)
    with psycopg.connect(service.settings.database_url, autocommit=True) as connection:
        connection.execute("UPDATE ledger.deliveries SET error = '550 no', tries = 1 WHERE id = %s", (lost,))
        connection.execute(
            "INSERT INTO ledger.tries (delivery, number, outcome, detail) VALUES (%s, 1, 'failed', '550 no')",
            (lost,),
        )
    person = service.people["poho"].id
    for query, expected in {
        "": [message, lost], "?state=dead": [lost], "?channel=inbox": [message], f"?recipient={person}": [message],
        f"?stream={case}": [message, lost], "?stream=nothing": [],
    }.items():  # fmt: skip
        found = service.ask("admin", f"/deliveries{query}").json["items"]
        assert [each["id"] for each in found] == expected, query
        # Who may not read the case sees that it was told of, and not what.
        assert {(each["kind"], each["cause"], each["stream"]) for each in found} <= {(None, None, case)}
    one = service.ask("secretary", f"/deliveries/{lost}").json
    assert (one["kind"], one["stream"]) == ("turn", case)
    assert (one["state"], one["reason"], one["resendable"]) == ("dead", "550 no", True)
    assert [(each["number"], each["detail"]) for each in one["everyTry"]] == [(1, "550 no")]
    for _ in range(2):
        again = changed(service, "secretary", "PUT", f"/deliveries/{lost}/resend", {})
        assert (again["state"], again["resendable"], len(again["everyTry"])) == ("waiting", False, 1)
    assert changed(service, "secretary", "PUT", f"/deliveries/{message}/resend", {})["state"] == "sent"
    assert sent(service, "secretary", "PUT", f"/deliveries/delivery-{uuid4()}/resend", {}).status_code == 404


@pytest.mark.parametrize("who", ["submitter", "taskforce", "treasurer", "auditor", "integration"])
def test_others_see_nothing_of_what_was_sent(service: Service, case: str, who: str) -> None:
    id = told(service, who, case, channel="email", state="dead")
    assert service.ask(who, "/deliveries").status_code == 403
    assert service.ask(who, f"/deliveries/{id}").status_code == 403
    assert sent(service, who, "PUT", f"/deliveries/{id}/resend", {}).status_code == 403
