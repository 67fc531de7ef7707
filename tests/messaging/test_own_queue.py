"""Does a program with a queue of its own at the broker get its events, and never more than it can hold?"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from kombu import Queue

from service import wiring
from service.identity import people
from service.messaging import ledger, subscriptions
from service.messaging.broker import connected
from service.messaging.channels import queue
from service.messaging.channels.channel import Dropped, Failed, Outcome, Sent
from service.messaging.channels.queue import OwnQueue, queue_name
from service.messaging.ledger import Delivery
from service.messaging.subscriptions import Subscription
from service.settings import Settings
from service.wiring import Parts


@dataclass
class Shelf:
    """A subscription with a queue, on a service with events in its log."""

    settings: Settings
    parts: Parts
    db: psycopg.Connection[Any]
    subscription: Subscription
    channel: OwnQueue

    def planned(self) -> list[Delivery]:
        """All events of the log, each ready to be sent."""
        ledger.add(
            self.db, subscriptions.made(self.db, self.parts.log.read(0, 100), {}, self.parts.calendar().today)
        )
        query = "SELECT id FROM ledger.deliveries WHERE state = 'waiting' ORDER BY id"
        claimed = [ledger.claim(self.db, id) for (id,) in self.db.execute(query).fetchall()]
        return [each for each in claimed if each is not None]

    def send(self, delivery: Delivery) -> Outcome:
        return self.channel.send(self.parts, delivery)

    def read(self) -> list[tuple[str, dict[str, Any]]]:
        """What lies in the queue: message ids and events; it is empty after that."""
        found = []
        with connected(self.settings) as connection:
            own = Queue(queue_name(self.subscription.id), no_declare=True)(connection.default_channel)
            while (message := own.get(no_ack=True)) is not None:
                JSONFormat().read(CloudEvent, message.body)  # validates, or raises
                found.append((message.properties["message_id"], json.loads(message.body)))
        return found

    def there(self) -> bool:
        """Is there such a queue at the broker?"""
        with connected(self.settings) as connection:
            own = Queue(queue_name(self.subscription.id))(connection.default_channel)
            try:
                own.queue_declare(passive=True)
            except Exception:
                return False
            return True


@pytest.fixture
def shelf(on_broker: Settings, append: Callable[[int], None]) -> Iterator[Shelf]:
    append(5)
    parts = wiring.build(on_broker)
    with psycopg.connect(on_broker.database_url, autocommit=True) as db:
        person = people.add(db, email="koppeling@example.org", name="Koppeling", roles=["integration"])
        subscription, _ = subscriptions.add(db, person=person.id, name="Zaaksysteem", channel="queue")
        made = Shelf(on_broker, parts, db, subscription, OwnQueue(on_broker, most_unread=3))
        yield made
        made.channel.close()
        queue.delete(on_broker, db, subscription.id)
    parts.close()


def test_each_event_lies_in_the_queue_with_the_id_of_its_delivery(shelf: Shelf) -> None:
    deliveries = shelf.planned()[:2]
    assert [shelf.send(each) for each in deliveries] == [Sent(), Sent()]
    read = shelf.read()
    assert [id for id, _ in read] == [each.id for each in deliveries]
    assert [int(event["sequence"]) for _, event in read] == [each.position for each in deliveries]


def test_a_queue_that_nobody_reads_takes_no_more_and_loses_nothing(shelf: Shelf) -> None:
    deliveries = shelf.planned()
    outcomes: list[Outcome] = []
    while len(outcomes) < 50 and not (outcomes and isinstance(outcomes[-1], Failed)):
        # Brokers count a little behind: some more than the limit may go in.
        outcomes.append(shelf.send(replace(deliveries[0], id=f"delivery-{len(outcomes)}")))
        shelf.channel._put_so_far.clear()  # so that pgmq's is counted each time
    assert outcomes[-1] == Failed("queue-full")
    assert len(shelf.read()) == len(outcomes) - 1
    assert shelf.send(deliveries[1]) == Sent(), "read empty, it takes messages again"


def test_a_queue_that_was_taken_away_is_made_anew(shelf: Shelf) -> None:
    first, second, third, *_ = shelf.planned()
    assert shelf.send(first) == Sent()
    queue.delete(shelf.settings, shelf.db, shelf.subscription.id)
    assert not shelf.there()
    outcomes = [shelf.send(second), shelf.send(third)]
    assert outcomes[-1] == Sent()
    assert len(shelf.read()) == sum(isinstance(each, Sent) for each in outcomes)


def test_it_is_there_from_the_start_and_goes_with_the_subscription(shelf: Shelf) -> None:
    assert not shelf.there()
    queue.declare(shelf.settings, shelf.subscription.id)
    assert shelf.there()
    with shelf.db.transaction():
        subscriptions.remove(shelf.db, shelf.subscription.id)
        queue.delete(shelf.settings, shelf.db, shelf.subscription.id)
    assert not shelf.there()
    queue.delete(shelf.settings, shelf.db, shelf.subscription.id)


def test_of_a_subscription_that_is_paused_removed_or_not_allowed_nothing_is_sent(shelf: Shelf) -> None:
    delivery = shelf.planned()[0]
    id = shelf.subscription.id
    subscriptions.change(shelf.db, id, name="x", url="", types=(), programmes=(), state="off")
    assert shelf.send(delivery) == Dropped("paused")
    subscriptions.change(shelf.db, id, name="x", url="", types=(), programmes=(), state="on")
    owner = people.get(shelf.db, shelf.subscription.person)
    assert owner is not None
    people.change(shelf.db, replace(owner, roles=frozenset({"submitter"})))
    assert shelf.send(delivery) == Dropped("not-allowed")
    subscriptions.remove(shelf.db, id)
    assert shelf.send(delivery) == Dropped("removed")


def test_a_test_event_lies_in_it_too(shelf: Shelf) -> None:
    delivery = ledger.claim(shelf.db, subscriptions.try_out(shelf.db, shelf.subscription, "test-1"))
    assert delivery is not None
    assert shelf.send(delivery) == Sent()
    ((_, event),) = shelf.read()
    assert event["id"] == "test-1"


@pytest.mark.slow
def test_while_the_broker_is_away_it_is_tried_again(shelf: Shelf) -> None:
    away = replace(shelf.settings, broker_url="amqp://guest:guest@127.0.0.1:1//")
    outcome = OwnQueue(away).send(shelf.parts, shelf.planned()[0])
    assert isinstance(outcome, Failed)
    assert outcome.reason == "no-broker", "where it is, is not for the owner"
    assert not outcome.permanent
    after = subscriptions.get(shelf.db, shelf.subscription.id)
    assert after is not None
    assert after.failures == 1


def test_its_name_fits_every_broker() -> None:
    name = queue_name("subscription-01978d3a-5c00-7d6f-8a4e-1f2b3c4d5e6f")
    assert name == "besluitspoor.subscription.7d6f8a4e1f2b3c4d5e6f"
    assert len(name) <= 47
