"""Does every event reach the broker, in order and at least once, whatever happens in between?"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import date
from decimal import Decimal

import psycopg
import pytest
from cloudevents.core.bindings.rabbitmq import RabbitMQMessage, from_structured_event
from kombu import Queue

from domain.events import ConfidentialitySet, FundsReleased, ProposalWithdrawn
from service.eventstore import Log, Meta
from service.messaging.broker import connected, events_exchange
from service.settings import Settings

from .conftest import Inbox, cloudevent_of

Publishing = Callable[[Settings], AbstractContextManager[threading.Event]]
Append = Callable[[int], None]
Position = Callable[[], int]
Until = Callable[..., None]


def test_every_event_arrives_once_and_in_order(
    on_broker: Settings,
    inbox: Inbox,
    append: Append,
    position: Position,
    publishing: Publishing,
    until: Until,
) -> None:
    append(25)
    with publishing(on_broker):
        until(lambda: position() == 25)
        append(30)
        until(lambda: position() == 55)
    assert inbox.positions() == list(range(1, 56))


def test_a_message_says_what_it_is(
    on_broker: Settings,
    inbox: Inbox,
    append: Append,
    position: Position,
    publishing: Publishing,
    until: Until,
) -> None:
    append(1)
    with publishing(on_broker):
        until(lambda: position() == 1)
    (message,) = [m for m in inbox.messages() if json.loads(m.body)["source"] == inbox.source]
    assert message.delivery_info["exchange"] == "besluitspoor.events"
    assert message.delivery_info["routing_key"] == "envelope.FundsReleased"
    assert message.content_type == "application/cloudevents+json"
    assert message.properties["delivery_mode"] == 2
    body = message.body if isinstance(message.body, bytes) else str(message.body).encode()
    event = from_structured_event(RabbitMQMessage({}, message.content_type, body))
    assert event.get_type() == "nl.besluitspoor.envelope.funds-released.v1"
    assert message.properties["message_id"] == event.get_id()


def test_nothing_of_a_confidential_case_is_published_and_all_after_it_is(
    on_broker: Settings,
    inbox: Inbox,
    log: Log,
    position: Position,
    publishing: Publishing,
    until: Until,
) -> None:
    """Whose money it is is not told either: of an envelope the amounts are."""
    secret, other, meta = "proposal-1", "proposal-2", Meta(date(2026, 1, 5), "person-1", None, "c")
    level = ConfidentialitySet(0, "confidential", "woo-5-2", None, "")
    ended = ConfidentialitySet(0, "confidential", "woo-5-2", date(2020, 1, 1), "")
    log.append([(secret, level)], {secret: 0}, replace(meta, command_id="c1"))
    log.append([(other, ended)], {other: 0}, replace(meta, command_id="c2"))
    for number, proposal in enumerate((secret, other), 1):
        released = FundsReleased(proposal, Decimal("1.00"))
        log.append([(f"envelope-{number}", released)], {}, replace(meta, command_id=f"e{number}"))
        withdrawn = ProposalWithdrawn("")
        log.append([(proposal, withdrawn)], {proposal: 1}, replace(meta, command_id=f"w{number}"))
    with publishing(on_broker):
        until(lambda: position() == 6)
    events = [each for each in map(cloudevent_of, inbox.messages()) if each["source"] == inbox.source]
    assert [int(each["sequence"]) for each in events] == [2, 3, 5, 6]
    named = {each["subject"]: each["data"]["payload"].get("proposal") for each in events}
    assert named == {other: None, "envelope-1": "confidential", "envelope-2": other}


def test_a_binding_chooses_by_routing_key(
    on_broker: Settings, append: Append, position: Position, publishing: Publishing, until: Until
) -> None:
    with connected(on_broker) as connection:
        keys = ("proposal.#", "envelope.*", "*.FundsReleased")
        queues = [
            Queue(f"test_{n}_{on_broker.oin}", events_exchange(), key, expires=900)(connection.channel())
            for n, key in enumerate(keys)
        ]
        for queue in queues:
            queue.declare()
        append(1)
        with publishing(on_broker):
            until(lambda: position() == 1)
        found = []
        for queue in queues:
            got = []
            while (message := queue.get(no_ack=True)) is not None:
                got.append(json.loads(message.body)["source"].split(":")[3])
            found.append(got.count(on_broker.oin))
            queue.delete()
    assert found == [0, 1, 1]


def test_nobody_listening_is_no_error(
    on_broker: Settings, append: Append, position: Position, publishing: Publishing, until: Until
) -> None:
    append(10)
    with publishing(on_broker):
        until(lambda: position() == 10)


@pytest.mark.slow
def test_a_new_event_is_out_within_a_moment(
    on_broker: Settings,
    inbox: Inbox,
    append: Append,
    position: Position,
    publishing: Publishing,
    until: Until,
) -> None:
    append(1)
    with publishing(on_broker):
        until(lambda: position() == 1)
        waits = []
        for n in range(2, 7):
            time.sleep(0.15)
            began = time.monotonic()
            append(1)
            until(lambda n=n: position() == n)
            waits.append(time.monotonic() - began)
    assert min(waits) < 0.5, "woken by the poll, not by the notification"


def test_the_next_publisher_goes_on_where_the_last_one_stopped(
    on_broker: Settings,
    inbox: Inbox,
    append: Append,
    position: Position,
    publishing: Publishing,
    until: Until,
) -> None:
    for last in (7, 14):
        append(7)
        with publishing(on_broker):
            until(lambda last=last: position() == last)
    assert inbox.positions() == list(range(1, 15))


@pytest.mark.slow
def test_of_two_one_publishes_and_the_other_takes_over(
    on_broker: Settings,
    inbox: Inbox,
    append: Append,
    position: Position,
    publishing: Publishing,
    until: Until,
) -> None:
    append(40)
    with publishing(on_broker) as first, publishing(on_broker):
        until(lambda: position() == 40)
        append(40)
        until(lambda: position() == 80)
        first.set()
        append(40)
        until(lambda: position() == 120)
    assert inbox.positions() == list(range(1, 121))


def test_a_crash_between_sending_and_noting_repeats_and_loses_nothing(
    on_broker: Settings,
    inbox: Inbox,
    append: Append,
    position: Position,
    publishing: Publishing,
    until: Until,
) -> None:
    append(10)
    with publishing(on_broker):
        until(lambda: position() == 10)
    with psycopg.connect(on_broker.database_url, autocommit=True) as connection:
        connection.execute("UPDATE outbox.position SET position = 8")
    append(2)
    with publishing(on_broker):
        until(lambda: position() == 12)
    assert inbox.positions() == [*range(1, 11), 9, 10, 11, 12]


def test_told_to_stop_it_stops_at_once_also_when_idle_or_standing_by(
    on_broker: Settings, append: Append, position: Position, publishing: Publishing, until: Until
) -> None:
    append(1)
    with publishing(on_broker) as busy, publishing(on_broker) as standing_by:
        until(lambda: position() == 1)
        busy.set()
        standing_by.set()


@pytest.mark.slow
def test_a_broker_that_is_not_there_stops_no_command_and_is_waited_for(
    settings: Settings, append: Append, position: Position, publishing: Publishing, until: Until
) -> None:
    nowhere = replace(settings, broker_url="amqp://guest:guest@127.0.0.1:1//")
    with publishing(nowhere):
        append(20)
        time.sleep(1)
        assert position() == 0
    with publishing(settings):
        until(lambda: position() == 20)


def test_any_other_transport_of_kombu_will_do(
    settings: Settings, append: Append, position: Position, publishing: Publishing, until: Until
) -> None:
    append(3)
    with publishing(replace(settings, broker_url="memory://")):
        until(lambda: position() == 3)
