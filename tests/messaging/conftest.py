"""What do the messaging tests run on? Both real brokers, a queue to look into, and a publisher beside the test."""

from __future__ import annotations

import json
import os
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from kombu import Queue

from domain.events import FundsReleased
from service.eventstore import Log, Meta
from service.messaging import publisher
from service.messaging.broker import connected, events_exchange
from service.settings import Settings

from .delivering import Desk

RABBITMQ = "amqp://guest:guest@127.0.0.1:5672//"


@pytest.fixture(scope="session")
def rabbitmq_url(in_ci: bool) -> str:
    """A RabbitMQ that answers."""
    given = os.environ.get("BROKER_URL", "")
    url = given if given.startswith("amqp") else RABBITMQ
    at = urlsplit(url)
    try:
        socket.create_connection((at.hostname or "127.0.0.1", at.port or 5672), timeout=2).close()
    except OSError:
        reason = f"no RabbitMQ at {at.hostname}:{at.port or 5672}: apt-get install rabbitmq-server, or set BROKER_URL"
        if in_ci:
            pytest.fail(reason)
        pytest.skip(reason)
    return url


# What holds on either broker is tried at once on the one that everybody has.
@pytest.fixture(params=["pgmq", pytest.param("rabbitmq", marks=[pytest.mark.rabbitmq, pytest.mark.slow])])
def on_broker(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    """Settings for either broker, with an OIN of their own to tell these events by: RabbitMQ is everybody's."""
    url = request.getfixturevalue("rabbitmq_url") if request.param == "rabbitmq" else ""
    return replace(settings, broker_url=url, oin=f"{random.randrange(10**19):020d}")


@pytest.fixture
def desk(on_broker: Settings) -> Iterator[Desk]:
    """A channel of this test alone, on either broker."""
    made = Desk(on_broker, f"test_{uuid4().hex[:12]}")
    yield made
    made.delete()


@pytest.fixture
def append(log: Log) -> Callable[[int], None]:
    """Put so many events into the log, at most ten an act."""

    def act(count: int) -> None:
        stream, changes = f"envelope-{uuid4().hex}", []
        for _ in range(count):
            changes.append((stream, FundsReleased("proposal-1", Decimal("1.00"))))
        for start in range(0, count, 10):
            meta = Meta(date(2026, 1, 5), "person-1", None, uuid4().hex)
            log.append(changes[start : start + 10], {stream: start}, meta)

    return act


class Inbox:
    """A queue bound to the events of one test."""

    def __init__(self, settings: Settings) -> None:
        self.source = f"urn:nld:oin:{settings.oin}:systeem:besluitspoor"
        self.queue = Queue(f"test_{uuid4().hex[:12]}", events_exchange(), "#", expires=900)
        self._settings = settings
        with connected(settings) as connection:
            self.queue(connection.channel()).declare()

    def delete(self) -> None:
        with connected(self._settings) as connection:
            self.queue(connection.channel()).delete()

    def messages(self) -> Iterator[Any]:
        """What lies in the queue now, in order; the connection is of this look, so a test may cut all others."""
        with connected(self._settings) as connection:
            queue = self.queue(connection.channel())
            while (message := queue.get(no_ack=True)) is not None:
                yield message

    def positions(self) -> list[int]:
        """The positions of the events of this test that came in since the last look, in order."""
        events = (cloudevent_of(message) for message in self.messages())
        return [int(event["sequence"]) for event in events if event["source"] == self.source]


def cloudevent_of(message: Any) -> dict[str, Any]:
    """The CloudEvent in a message."""
    event: dict[str, Any] = json.loads(message.body)
    return event


def never_a_gap(positions: list[int], last: int) -> None:
    """Each of 1 to `last` is there, the first time in order; what comes again goes back to a noted position."""
    reached = 0
    for before, here in zip([0, *positions], positions, strict=False):
        assert here <= reached + 1, f"{here} came while {reached} was the last so far"
        assert here == before + 1 or here <= reached, f"{here} came after {before}"
        reached = max(reached, here)
    assert reached == last


@pytest.fixture
def inbox(on_broker: Settings) -> Iterator[Inbox]:
    """A queue that is bound before anything is published."""
    opened = Inbox(on_broker)
    yield opened
    opened.delete()


@pytest.fixture
def publishing() -> Callable[[Settings], AbstractContextManager[threading.Event]]:
    """Run a publisher in a thread, stopped at the end; gives its stop event."""

    @contextmanager
    def run(settings: Settings) -> Iterator[threading.Event]:
        stop = threading.Event()
        thread = threading.Thread(target=publisher.run, args=(settings, stop), daemon=True)
        thread.start()
        try:
            yield stop
        finally:
            stop.set()
            thread.join(15)
            assert not thread.is_alive()

    return run


@pytest.fixture
def position(settings: Settings) -> Callable[[], int]:
    """Up to where everything has been published."""

    def look() -> int:
        with psycopg.connect(settings.database_url, autocommit=True) as connection:
            return publisher.position(connection)

    return look


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], None]:
    """Wait until something holds, and fail when it does not within `seconds`."""

    def wait(holds: Callable[[], bool], seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.02)

    return wait
