"""May other programs subscribe to what happens? At addresses that may be asked, and with a log of every try."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from standardwebhooks.webhooks import Webhook as Standard
from werkzeug.test import TestResponse

from service.api.context import Running
from service.app import create_app
from service.messaging.channels import CHANNELS
from service.messaging.channels.webhook import Webhook
from service.messaging.courier import deliver
from service.messaging.noticing import fold_batch
from service.messaging.subscriptions import MOST_EACH, MOST_TESTS
from service.settings import Settings
from service.wiring import Parts
from tests.api.conftest import PREFIX, Service, a_proposal, running_service
from tests.conftest import fresh_database
from tests.messaging.receiver import Receiver, receiving

URL = "https://receiver.example.org/in"
SUBMITTED = "nl.besluitspoor.proposal.proposal-submitted.v1"
NOBODYS = "subscription-00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def made(admin_url: str, template: Settings) -> Iterator[Service]:
    """A service that may ask private addresses: that is where the receivers of the tests are."""
    with (
        fresh_database(admin_url, template) as settings,
        running_service(replace(settings, private_webhooks=True)) as running,
    ):
        yield running


@pytest.fixture
def service(made: Service) -> Service:
    """The same, without a subscription."""
    with psycopg.connect(made.settings.database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM ledger.subscriptions")
        connection.execute("DELETE FROM ledger.deliveries")
        connection.execute("DELETE FROM ledger.notices")
    return made


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


def parts_of(service: Service) -> Parts:
    running: Running = service.app.extensions["besluitspoor"]
    return running.parts


def subscribed(service: Service, who: str = "integration", **given: Any) -> dict[str, Any]:
    return service.done(who, "/subscriptions", {"name": "Zaaksysteem", "url": URL, **given})


def put(service: Service, who: str, id: str, body: Any, path: str = "") -> TestResponse:
    headers = {"Authorization": f"Bearer {service.tokens[who]}"}
    return service.client().put(f"{PREFIX}/subscriptions/{id}{path}", json=body, headers=headers)


def delete(service: Service, who: str, id: str) -> TestResponse:
    headers = {"Authorization": f"Bearer {service.tokens[who]}"}
    return service.client().delete(f"{PREFIX}/subscriptions/{id}", headers=headers)


def noticed(service: Service) -> None:
    """Tells everybody of the whole log, from its first event."""
    parts = parts_of(service)
    with parts.pool.connection() as connection:
        connection.execute("UPDATE ledger.position SET position = 0")
        at, after = 0, -1
        while at != after:
            after = at
            at = fold_batch(parts, connection, after, 100)


def run_all(service: Service) -> list[str]:
    """Tells everybody of the whole log, and delivers to programs what is due; what came of each."""
    noticed(service)
    parts = parts_of(service)
    channels = {
        "webhook": Webhook(service.settings, seconds=30),
        "queue": CHANNELS["queue"](service.settings),
    }
    with parts.pool.connection() as connection:
        query = "SELECT id, channel FROM ledger.deliveries WHERE state = 'waiting' AND due_at <= now() ORDER BY id"
        due = connection.execute(query).fetchall()
    return [deliver(parts, channels[channel], id) for id, channel in due if channel in channels]


# Subscribing


def test_who_subscribes_is_told_the_secret_and_what_was_understood(service: Service) -> None:
    answer = service.act(
        "integration", "/subscriptions", {"name": "Zaaksysteem", "url": URL, "types": [SUBMITTED]}
    )
    assert answer.status_code == 201
    body = answer.json
    assert answer.headers["Location"] == f"{PREFIX}/subscriptions/{body['id']}"
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", body["secret"])
    assert (body["channel"], body["url"], body["types"], body["programmes"], body["state"]) == (
        "webhook", URL, [SUBMITTED], [], "on",
    )  # fmt: skip
    read = service.told("integration", f"/subscriptions/{body['id']}")
    assert read == {name: value for name, value in body.items() if name != "secret"}


def test_the_same_key_is_the_same_subscription(service: Service) -> None:
    key = {"Idempotency-Key": "k1"}
    body = {"name": "Zaaksysteem", "url": URL}
    first = service.act("integration", "/subscriptions", body, headers=key)
    again = service.act("integration", "/subscriptions", body, headers=key)
    assert (again.status_code, again.json) == (201, first.json)
    other = service.act("integration", "/subscriptions", {**body, "name": "Ander"}, headers=key)
    assert (other.status_code, other.json["code"]) == (409, "idempotency-key-reused")
    of_another = service.act("auditor", "/subscriptions", body, headers=key)
    assert of_another.json["id"] != first.json["id"]
    assert len(service.told("integration", "/subscriptions")["items"]) == 1


@pytest.mark.parametrize(
    ("given", "code", "at"),
    [
        ({"url": ""}, "required", "/url"),
        ({"url": "ftp://example.org/"}, "webhook-url-invalid", "/url"),
        ({"url": "https://me:you@example.org/"}, "webhook-url-parts", "/url"),
        ({"name": ""}, "text-empty", "/name"),
        ({"types": ["nl.besluitspoor.nothing.v1"]}, "unknown-choice", "/types/0"),
        ({"programmes": ["nothing"]}, "unknown-programme", "/programmes"),
        ({"channel": "pigeon"}, "unknown-choice", "/channel"),
        ({"channel": "queue"}, "url-of-queue", "/url"),
        ({"secret": "mine"}, "unknown-field", "/secret"),
    ],
)
def test_what_is_wrong_is_said_where_it_is(
    service: Service, given: dict[str, Any], code: str, at: str
) -> None:
    answer = service.act("integration", "/subscriptions", {"name": "Zaaksysteem", "url": URL, **given})
    assert answer.status_code == 400
    assert [(each["code"], each["pointer"]) for each in answer.json["errors"]] == [(code, at)]
    assert service.told("integration", "/subscriptions")["items"] == []


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://receiver.example.org/", "webhook-url-https"),
        ("https://127.0.0.1/", "webhook-url-private"),
        ("https://2130706433/", "webhook-url-private"),
        ("https://[::ffff:10.0.0.1]/", "webhook-url-private"),
    ],
)
def test_by_default_only_the_internet_may_be_asked_and_over_https(
    settings: Settings, url: str, code: str
) -> None:
    with running_service(settings) as service:
        answer = service.act("integration", "/subscriptions", {"name": "x", "url": url})
    assert (answer.status_code, answer.json["code"]) == (400, code)


def test_nobody_has_more_than_so_many(service: Service) -> None:
    for _ in range(MOST_EACH):
        subscribed(service)
    answer = service.act("integration", "/subscriptions", {"name": "x", "url": URL})
    assert (answer.status_code, answer.json["code"]) == (409, "too-many-subscriptions")


# Whose


def test_only_who_may_read_events_and_the_administrator_subscribe(service: Service) -> None:
    own = subscribed(service)["id"]
    for who in sorted(set(service.tokens) - {"integration", "auditor", "admin"}):
        for path in ("", f"/{own}", f"/{own}/secret", f"/{own}/deliveries"):
            assert service.ask(who, f"/subscriptions{path}").status_code == 403
        assert service.act(who, "/subscriptions", {"name": "x", "url": URL}).status_code == 403
        assert put(service, who, own, {"name": "x", "url": URL}).status_code == 403
        assert delete(service, who, own).status_code == 403
        assert put(service, who, own, {"version": 2}, "/secret").status_code == 403
        assert service.act(who, f"/subscriptions/{own}/tests", {}).status_code == 403
    for path in ("", f"/{own}", f"/{own}/secret", f"/{own}/deliveries"):
        assert service.ask(None, f"/subscriptions{path}").status_code == 401


def test_an_integration_sees_its_own_and_the_administrator_all_but_their_secrets(service: Service) -> None:
    own, others = subscribed(service)["id"], subscribed(service, "auditor")["id"]
    assert [each["id"] for each in service.told("integration", "/subscriptions")["items"]] == [own]
    assert [each["id"] for each in service.told("admin", "/subscriptions")["items"]] == [others, own]
    for path in ("", "/secret", "/deliveries"):
        assert service.ask("integration", f"/subscriptions/{others}{path}").status_code == 404
        assert service.ask("integration", f"/subscriptions/{NOBODYS}{path}").status_code == 404
    assert put(service, "integration", others, {"name": "x", "url": URL}).status_code == 404
    assert delete(service, "integration", others).status_code == 404
    assert service.act("integration", f"/subscriptions/{others}/tests", {}).status_code == 404
    version = {"version": 2}
    assert put(service, "integration", others, version, "/secret").status_code == 404
    assert service.ask("admin", f"/subscriptions/{own}/secret").status_code == 403
    assert put(service, "admin", own, version, "/secret").status_code == 403
    assert put(service, "admin", own, {"name": "x", "url": URL, "state": "off"}).json["state"] == "off"
    assert delete(service, "admin", own).status_code == 204


def test_the_administrator_subscribes_for_somebody_who_may_read_events_and_gets_no_secret(
    service: Service,
) -> None:
    owner = service.people["integration"].id
    made = subscribed(service, "admin", owner=owner)
    assert (made["owner"], made["ownerMayRead"], made["secret"]) == (owner, True, None)
    assert service.told("integration", f"/subscriptions/{made['id']}/secret")["secret"]
    assert service.ask("admin", f"/subscriptions/{made['id']}/secret").status_code == 403


def test_who_may_not_read_events_has_no_subscription(service: Service) -> None:
    given = {"name": "x", "url": URL}
    for owner, code in (
        (None, "required"),
        (service.people["admin"].id, "owner-may-not-read"),
        (service.people["secretary"].id, "owner-may-not-read"),
        ("person-nobody", "owner-may-not-read"),
    ):
        answer = service.act("admin", "/subscriptions", given if owner is None else {**given, "owner": owner})
        assert answer.status_code == 400
        assert [(each["code"], each["pointer"]) for each in answer.json["errors"]] == [(code, "/owner")]
    for_another = service.act(
        "integration", "/subscriptions", {**given, "owner": service.people["auditor"].id}
    )
    assert (for_another.status_code, for_another.json["roles"]) == (403, ["admin"])
    assert service.told("admin", "/subscriptions")["items"] == []


# Changing


def test_a_subscription_is_changed_whole_paused_and_turned_on_again(service: Service) -> None:
    id = subscribed(service, types=[SUBMITTED])["id"]
    changed = put(service, "integration", id, {"name": "Anders", "url": f"{URL}/2", "state": "off"}).json
    assert (changed["name"], changed["url"], changed["types"], changed["state"]) == (
        "Anders", f"{URL}/2", [], "off",
    )  # fmt: skip
    assert put(service, "integration", id, {"name": "Anders", "url": URL}).json["state"] == "on"
    refused = put(service, "integration", id, {"name": "Anders", "url": "nonsense"})
    assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (400, "/url")
    assert put(service, "integration", id, {"name": "x", "url": URL, "state": "gone"}).status_code == 400
    assert put(service, "integration", NOBODYS, {"name": "x", "url": URL}).status_code == 404


def test_a_secret_is_rotated_once_however_often_one_asks(service: Service) -> None:
    made = subscribed(service)
    rotated = put(service, "integration", made["id"], {"version": 2}, "/secret")
    assert (rotated.status_code, rotated.json["version"]) == (200, 2)
    assert rotated.json["secret"] != made["secret"]
    assert put(service, "integration", made["id"], {"version": 2}, "/secret").json == rotated.json
    assert service.told("integration", f"/subscriptions/{made['id']}/secret") == rotated.json
    refused = put(service, "integration", made["id"], {"version": 4}, "/secret")
    assert (refused.status_code, refused.json["code"]) == (409, "secret-version")


def test_within_a_day_another_secret_is_refused_unless_the_old_one_is_to_stop(service: Service) -> None:
    id = subscribed(service)["id"]
    first = put(service, "integration", id, {"version": 2}, "/secret").json
    assert first["oldUntil"] is not None
    refused = put(service, "integration", id, {"version": 3}, "/secret")
    assert (refused.status_code, refused.json["code"]) == (409, "secret-still-changing")
    stopped = put(service, "integration", id, {"version": 3, "oldStops": True}, "/secret").json
    assert (stopped["version"], stopped["oldUntil"]) == (3, None)
    assert service.told("integration", f"/subscriptions/{id}")["oldSecretUntil"] is None
    assert put(service, "integration", id, {"version": 4}, "/secret").status_code == 200, (
        "nothing signs along"
    )


def test_what_is_removed_is_gone(service: Service) -> None:
    id = subscribed(service)["id"]
    answer = delete(service, "integration", id)
    assert (answer.status_code, answer.data) == (204, b"")
    assert delete(service, "integration", id).status_code == 404
    assert service.ask("integration", f"/subscriptions/{id}").status_code == 404


def test_a_queue_has_a_name_and_no_secret(service: Service) -> None:
    made = service.done("integration", "/subscriptions", {"name": "Wachtrij", "channel": "queue"})
    assert re.fullmatch(r"besluitspoor\.subscription\.[0-9a-f]{20}", made["queue"])
    assert (made["secret"], made["url"]) == (None, "")
    for ask in (
        service.ask("integration", f"/subscriptions/{made['id']}/secret"),
        put(service, "integration", made["id"], {"version": 2}, "/secret"),
    ):
        assert (ask.status_code, ask.json["code"]) == (404, "missing")
    assert delete(service, "integration", made["id"]).status_code == 204


@pytest.mark.slow
def test_without_a_broker_no_queue_is_made_or_removed_and_the_rest_goes_on(service: Service) -> None:
    there = service.done("integration", "/subscriptions", {"name": "Wachtrij", "channel": "queue"})["id"]
    app = create_app(replace(service.settings, broker_url="amqp://guest:guest@127.0.0.1:1//"))
    without = replace(service, app=app)
    try:
        refused = without.act("integration", "/subscriptions", {"name": "Nog een", "channel": "queue"})
        assert (refused.status_code, refused.json["code"]) == (503, "broker-unavailable")
        assert int(refused.headers["Retry-After"]) > 0
        assert delete(without, "integration", there).status_code == 503
        assert [each["id"] for each in without.told("integration", "/subscriptions")["items"]] == [there]
        assert without.act("integration", "/subscriptions", {"name": "x", "url": URL}).status_code == 201
    finally:
        app.extensions["besluitspoor"].close()
    assert delete(service, "integration", there).status_code == 204


# What went there


def test_a_test_event_is_signed_and_tried_once_and_the_log_tells(
    service: Service, receiver: Receiver
) -> None:
    made = subscribed(service, url=receiver.address)
    at = f"/subscriptions/{made['id']}"
    key = {"Idempotency-Key": "test-1"}
    first = service.done("integration", f"{at}/tests", {}, headers=key)
    assert service.done("integration", f"{at}/tests", {}, headers=key)["id"] == first["id"]
    receiver.statuses = [500]
    assert run_all(service)[0] == "Failed"
    (came,) = (each for each in receiver.came if each.headers["webhook-id"] == first["id"])
    Standard(made["secret"]).verify(came.body, came.headers)
    tests = [each for each in told(service, at) if each["event"] is None]
    assert len(tests) == 1
    assert (tests[0]["state"], tests[0]["reason"]) == ("dead", "500 Internal Server Error")
    assert [(each["number"], each["outcome"]) for each in tests[0]["tries"]] == [(1, "failed")]


def test_tests_are_few_in_a_minute(service: Service) -> None:
    at = f"/subscriptions/{subscribed(service)['id']}/tests"
    key = {"Idempotency-Key": "the-first"}
    first = service.done("integration", at, {}, headers=key)
    for _ in range(MOST_TESTS - 1):
        service.done("integration", at, {})
    refused = service.act("integration", at, {})
    assert (refused.status_code, refused.json["code"]) == (409, "too-many-tests")
    assert service.act("admin", at, {}).status_code == 409, "of one subscription, whoever asks"
    elsewhere = f"/subscriptions/{subscribed(service)['id']}/tests"
    assert service.act("integration", elsewhere, {}).status_code == 409, "by one person, whichever it is"
    assert service.done("admin", elsewhere, {})["state"] == "waiting"
    assert service.done("integration", at, {}, headers=key)["id"] == first["id"]


def told(service: Service, at: str, query: str = "") -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = service.told("integration", f"{at}/deliveries{query}")["items"]
    return items


def test_the_log_of_deliveries_is_read_in_pages_and_by_state(service: Service, receiver: Receiver) -> None:
    for _ in range(3):
        service.done("submitter", "/proposals", a_proposal())
    made = subscribed(service, url=receiver.address, types=[SUBMITTED])
    at = f"/subscriptions/{made['id']}"
    receiver.statuses = [503]
    outcomes = run_all(service)
    all_of_them = told(service, at, "?limit=200")
    assert len(all_of_them) == len(outcomes) >= 3
    assert {each["type"] for each in all_of_them} == {SUBMITTED}
    ids = [each["id"] for each in all_of_them]
    assert ids == sorted(ids, reverse=True), "the newest first"
    waiting = told(service, at, "?state=waiting")
    assert [(each["reason"], each["tries"][0]["outcome"]) for each in waiting] == [
        ("503 Service Unavailable", "failed")
    ]
    paged, query = [], "?limit=2"
    while query:
        answer = service.ask("integration", f"{at}/deliveries{query}")
        paged += answer.json["items"]
        link = re.search(r'<[^>]*(\?[^>]*)>; rel="next"', answer.headers.get("Link", ""))
        query = link[1] if link else ""
    assert paged == all_of_them
    assert service.ask("integration", f"{at}/deliveries?cursor=x").status_code == 400


def test_a_message_is_sent_again_as_the_same_one_unless_it_is_under_way(
    service: Service, receiver: Receiver
) -> None:
    service.done("submitter", "/proposals", a_proposal())
    made = subscribed(service, url=receiver.address, types=[SUBMITTED])
    at = f"/subscriptions/{made['id']}"
    run_all(service)
    (newest, *_) = told(service, at)
    resend = f"/deliveries/{newest['id']}/resend"
    assert put(service, "integration", made["id"], {}, resend).json["state"] == "waiting"
    refused = put(service, "integration", made["id"], {}, resend)
    assert (refused.status_code, refused.json["code"]) == (409, "delivery-under-way")
    run_all(service)
    assert receiver.ids().count(newest["id"]) == 2
    assert [each["outcome"] for each in told(service, at)[0]["tries"]] == ["sent", "sent"]
    assert put(service, "integration", subscribed(service)["id"], {}, resend).status_code == 404


def test_who_answered_gone_is_told_nothing_more_until_turned_on_again(
    service: Service, receiver: Receiver
) -> None:
    for _ in range(3):
        service.done("submitter", "/proposals", a_proposal())
    made = subscribed(service, url=receiver.address, types=[SUBMITTED])
    at = f"/subscriptions/{made['id']}"
    receiver.statuses = [410]
    run_all(service)
    assert len(receiver.came) == 1
    assert service.told("integration", at)["state"] == "gone"
    assert {each["state"] for each in told(service, at)} == {"dropped"}
    again = put(service, "integration", made["id"], {"name": "Zaaksysteem", "url": receiver.address})
    assert again.json["state"] == "on"


# Catching up


def fed(service: Service, query: str) -> list[dict[str, Any]]:
    """What the feed has behind the beginning, asked for until there is nothing more."""
    found: list[dict[str, Any]] = []
    after = "0"
    while True:
        answer = service.ask("integration", f"/events?after={after}{query}")
        assert answer.status_code == 200, answer.get_data(as_text=True)
        found += answer.json
        if answer.headers["Event-Position"] == after:
            return found
        after = answer.headers["Event-Position"]


@pytest.mark.parametrize(
    ("types", "programmes"),
    [
        ([], []),
        ([SUBMITTED], []),
        ([SUBMITTED, "nl.besluitspoor.envelope.envelope-opened.v1"], []),
        ([], ["regionale-herstelaanpak"]),
        ([], ["stimuleringsfonds"]),
        ([SUBMITTED], ["regionale-herstelaanpak", "stimuleringsfonds"]),
        (["nl.besluitspoor.programme.programme-published.v1"], ["stimuleringsfonds"]),
    ],
)
def test_who_was_away_reads_exactly_what_would_have_been_sent(
    service: Service, receiver: Receiver, types: list[str], programmes: list[str]
) -> None:
    code = f"pot-{len(types)}{len(programmes)}-{sum(map(len, [*types, *programmes]))}"
    sources = [{"source": "Reserve", "amount": "1.00"}]
    envelope = {"code": code, "body": "ab", "sources": sources, "effectiveOn": "2020-07-01"}
    service.done("treasurer", "/envelopes", envelope)
    service.done(
        "treasurer", "/envelopes", {**envelope, "code": f"{code}-r", "programme": "regionale-herstelaanpak"}
    )
    service.done("submitter", "/proposals", a_proposal())
    subscribed(service, url=receiver.address, types=types, programmes=programmes)
    assert set(run_all(service)) <= {"Sent"}
    sent = sorted((json.loads(each.body) for each in receiver.came), key=lambda each: each["sequence"])
    query = "".join(
        f"&{name}={','.join(codes)}"
        for name, codes in (("types", types), ("programmes", programmes))
        if codes
    )
    for limit in (1, 7, 1_000):
        assert fed(service, f"{query}&limit={limit}") == sent, limit
    assert sent


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("types=nothing", "unknown-choice"),
        ("types=", "codes-invalid"),
        ("types=a,,b", "codes-invalid"),
        ("programmes=A%20b", "codes-invalid"),
        ("programmes=" + ",".join(["a"] * 101), "codes-invalid"),
    ],
)
def test_a_filter_that_is_none_is_refused(service: Service, query: str, code: str) -> None:
    answer = service.ask("integration", f"/events?{query}")
    assert answer.status_code == 400
    assert [(each["code"], each["parameter"]) for each in answer.json["errors"]] == [
        (code, query.partition("=")[0])
    ]
