"""A channel of the tests, deliveries for it, and who brings them there: for tests of what carries deliveries."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql

from service.messaging import courier, dispatcher, ledger
from service.messaging.broker import connected, deliveries_queue
from service.messaging.channels.channel import Channel, Outcome, Sent
from service.messaging.dispatcher import Post
from service.messaging.ledger import Delivery, Making, Planned
from service.settings import Settings
from service.wiring import Parts


def abandoned(settings: Settings) -> list[str]:
    """Time passes until nobody believes any more that those who were killed are still at it; what they were at."""
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        found = connection.execute(
            "UPDATE ledger.deliveries SET claimed_until = now() WHERE state = 'sending' RETURNING id"
        ).fetchall()
        if not settings.broker_url:  # what they had in hand is there for others again
            for (table,) in connection.execute("SELECT 'q_' || queue_name FROM pgmq.meta").fetchall():
                due = sql.SQL("UPDATE {} SET vt = clock_timestamp() WHERE vt > clock_timestamp()")
                connection.execute(due.format(sql.Identifier("pgmq", table)))
    return sorted(id for (id,) in found)


@dataclass
class Desk:
    """A channel whose other side is the test: `answer` says what becomes of a delivery, `got` what it was given."""

    settings: Settings
    name: str
    answer: Callable[[Delivery], Outcome] = lambda _: Sent()
    waits: tuple[float, ...] = (1000.0, 2000.0)
    at_once: int = 500
    got: list[Delivery] = field(default_factory=list)

    @property
    def channels(self) -> dict[str, Callable[[Settings], Channel]]:
        return {self.name: lambda _: Through(self)}

    def add(self, *recipients: str, due_in: float = 0.0) -> list[str]:
        """A delivery for each of these, of a notice of their own; their ids."""
        return [self.add_all([recipient], due_in)[0] for recipient in recipients]

    def add_all(self, recipients: Sequence[str], due_in: float = 0.0) -> list[str]:
        """Deliveries of one notice; their ids."""
        making = Making(f"test:{uuid4().hex}", "test", 0, "proposal-1", "normal", {}, datetime.now(UTC))
        planned = [Planned(recipient, self.name, "watcher", "waiting") for recipient in recipients]
        with psycopg.connect(self.settings.database_url) as connection:
            ledger.add(connection, [(making, planned)])
            rows = connection.execute(
                "UPDATE ledger.deliveries d SET due_at = now() + make_interval(secs => %s) FROM ledger.notices n"
                " WHERE n.id = d.notice AND n.cause = %s RETURNING d.id",
                (due_in, making.cause),
            ).fetchall()
        return sorted(id for (id,) in rows)

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.settings.database_url, autocommit=True) as connection:
            return connection.execute(query.encode(), values or None).fetchall()

    def do(self, statement: str, *values: object) -> None:
        with psycopg.connect(self.settings.database_url, autocommit=True) as connection:
            connection.execute(statement.encode(), values or None)

    def states(self) -> dict[str, int]:
        """How many deliveries there are in each state."""
        return dict(self.ask("SELECT state, count(*) FROM ledger.deliveries GROUP BY state"))

    def state(self, id: str) -> tuple[Any, ...]:
        """State, tries and error of one."""
        ((*found,),) = self.ask("SELECT state, tries, error FROM ledger.deliveries WHERE id = %s", id)
        return tuple(found)

    def tries(self, id: str) -> list[tuple[Any, ...]]:
        return self.ask(
            "SELECT number, outcome, detail FROM ledger.tries WHERE delivery = %s ORDER BY number", id
        )

    def due(self) -> None:
        """Time passes until everything that waits is due."""
        self.do("UPDATE ledger.deliveries SET due_at = now() WHERE state = 'waiting'")
        self.do("NOTIFY deliveries")

    def at_broker(self) -> list[str]:
        """The ids in the queue, taken out of it."""
        found = []
        with connected(self.settings) as connection:
            queue = deliveries_queue(self.settings, self.name)(connection.channel())
            while (message := queue.get(no_ack=True)) is not None:
                body = message.body
                found.append(body if isinstance(body, str) else bytes(body).decode())
        return found

    def delete(self) -> None:
        with suppress(Exception), connected(self.settings) as connection:
            deliveries_queue(self.settings, self.name)(connection.channel()).delete()

    @contextmanager
    def dispatching(self) -> Iterator[threading.Event]:
        with at_work(lambda stop: dispatcher.run(self.settings, stop, self.channels)) as stop:
            yield stop

    @contextmanager
    def delivering(self) -> Iterator[threading.Event]:
        with at_work(lambda stop: courier.run(self.settings, stop, self.channels)) as stop:
            yield stop

    @contextmanager
    def posting(self) -> Iterator[tuple[psycopg.Connection[Any], Post]]:
        """What the dispatcher works with, for a test that takes single steps."""
        with (
            psycopg.connect(self.settings.database_url, autocommit=True) as db,
            connected(self.settings, listen=False) as broker,
        ):
            yield db, Post(self.settings, broker, [self.name])

    def elsewhere(self, broker_url: str) -> Desk:
        """The same with another broker."""
        return replace(self, settings=replace(self.settings, broker_url=broker_url))


class Through:
    """The channel object that a courier has for a desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.name = desk.name
        self.waits = desk.waits
        self.at_once = desk.at_once

    def send(self, parts: Parts, delivery: Delivery) -> Outcome:
        self._desk.got.append(delivery)
        return self._desk.answer(delivery)

    def close(self) -> None:
        pass


@contextmanager
def at_work(work: Callable[[threading.Event], None]) -> Iterator[threading.Event]:
    """Runs this in a thread until the end, when it must stop within seconds; gives its stop event."""
    stop = threading.Event()
    thread = threading.Thread(target=work, args=(stop,), daemon=True)
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        began = time.monotonic()
        thread.join(30)
        assert not thread.is_alive()
        assert time.monotonic() - began < 15
