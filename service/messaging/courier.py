"""Who brings deliveries to their recipients? A process that takes ids from the broker, and a few threads a channel.

The main thread alone talks to the broker: it hands ids out to the threads, and answers for what they are done with.
Each channel has threads of its own, so one whose other side hangs holds up no other channel.
"""

from __future__ import annotations

import queue
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from threading import Event as StopEvent
from typing import Any, TypeVar

import psycopg
import structlog
from kombu.message import Message
from kombu.messaging import Consumer

from service.follow import lasting_session
from service.keeping_up import courier_lock
from service.lost import is_lost
from service.messaging import ledger
from service.messaging.broker import connected, deliveries_queue, given_up_queue, is_rabbitmq, keep_alive
from service.messaging.channels import CHANNELS
from service.messaging.channels.channel import Channel, Dropped, Failed, Filed, Gone, Later, Outcome, Sent
from service.messaging.dispatcher import PREFETCH
from service.messaging.ledger import LEASE, Delivery
from service.messaging.mail.transport import without_addresses
from service.messaging.persevering import persevere
from service.settings import Settings
from service.wiring import Parts, build

__all__ = ["deliver", "run"]

Connection = psycopg.Connection[Any]
Make = Callable[[Settings], Channel]
R = TypeVar("R")

THREADS = 8
"""Deliveries over one channel at the same time, in one process."""
HOLD = 30
"""Seconds until pgmq hands out again what nobody answered for, because they were killed or still have to begin."""
BUSY_SECONDS, IDLE_SECONDS = 0.05, 0.5
"""How long the main thread waits for ids: while threads are at work, and while they are not."""
LOOK_EVERY = 2.0
STOP_SECONDS = 10.0
"""What is being sent when we are told to stop gets so long to end."""
DATABASE_AWAY = 5.0


def run(
    settings: Settings, stop: StopEvent, channels: Mapping[str, Make] = CHANNELS, only: Sequence[str] = ()
) -> None:
    """Delivers over these channels (all, or `only` some of them) until `stop` is set; what breaks is tried again.

    What is being sent then is finished, and what is not begun goes back to the broker.
    """
    with closing(build(settings)) as parts, ExitStack() as stack:
        pools = {
            name: stack.enter_context(closing(_Pool(parts, make, stop)))
            for name, make in channels.items()
            if not only or name in only
        }
        persevere("delivering", lambda: _deliver_on(settings, stop, pools), stop)


def deliver(parts: Parts, channel: Channel, id: str) -> str:
    """Makes one try at this delivery; what became of it, or "" when there was nothing to do.

    Raises only when the database can't be asked or told, and then the ledger finds out by itself.
    """

    def claim(connection: Connection) -> Delivery | None:
        return ledger.claim(connection, id)

    delivery = _insist(parts, claim, HOLD)
    if delivery is None:
        return ""
    claimed_at = time.monotonic()
    outcome: Outcome | None
    try:
        outcome = channel.send(parts, delivery)
    except Exception as error:
        # Without a database nothing could even be asked of the other side.
        said = without_addresses(f"{type(error).__name__}: {error}")
        outcome = None if is_lost(error) else Failed(said)
    # As long as it is ours: what was sent and is not noted is sent a second time.
    left = claimed_at + LEASE - time.monotonic()
    _insist(parts, lambda connection: _note(connection, channel, delivery, outcome), left)
    return type(outcome).__name__ if outcome is not None else "Postponed"


def _note(connection: Connection, channel: Channel, delivery: Delivery, outcome: Outcome | None) -> None:
    match outcome:
        case Sent(detail):
            ledger.sent(connection, delivery, detail)
        case Filed(detail):
            ledger.filed(connection, delivery, detail)
        case Failed(reason, permanent, again_in):
            wait = None if permanent else _wait(channel, delivery, again_in)
            ledger.failed(connection, delivery, reason, wait)
            if wait is None:
                logger = structlog.get_logger(__name__)
                logger.warning("a delivery is given up", delivery=delivery.id, channel=channel.name)
        case Dropped(reason):
            ledger.settled(connection, delivery, "dropped", reason)
        case Gone(reason):
            ledger.settled(connection, delivery, "dropped", reason)
            connection.execute(
                """UPDATE ledger.deliveries SET state = 'dropped', error = %s, settled_at = now()
                WHERE recipient = %s AND channel = %s AND state IN ('waiting', 'queued')""",
                (reason[: ledger.LONGEST_ERROR], delivery.recipient, delivery.channel),
            )
        case Later(again_in):
            ledger.postponed(connection, delivery, again_in)
        case None:
            ledger.postponed(connection, delivery, DATABASE_AWAY)
    # Whose turn is it now? Where a recipient has few under way at a time, the next one waited for this one.
    connection.execute(
        """SELECT pg_notify('deliveries', '') WHERE EXISTS (
            SELECT FROM ledger.deliveries
            WHERE state = 'waiting' AND channel = %s AND recipient = %s AND due_at <= now())""",
        (delivery.channel, delivery.recipient),
    )


def _wait(channel: Channel, delivery: Delivery, again_in: float | None) -> float | None:
    """Seconds until the next try, None when this was the last.

    Never all at the same moment, and not before the other side asks for it.
    """
    if delivery.tries_since > len(channel.waits):
        return None
    wait = channel.waits[delivery.tries_since - 1] * random.uniform(0.8, 1.2)
    return max(wait, again_in or 0.0)


def _insist(parts: Parts, ask: Callable[[Connection], R], seconds: float) -> R:
    """What `ask` answers, in a transaction; a database that is away is waited for, so many seconds."""
    until = time.monotonic() + seconds
    pause = 0.1
    while True:
        try:
            with parts.pool.connection() as connection, connection.transaction():
                return ask(connection)
        except (psycopg.OperationalError, psycopg.InterfaceError):
            if time.monotonic() + pause > until:
                raise
        time.sleep(pause)
        pause = min(2 * pause, 2.0)
        with suppress(psycopg.Error):
            parts.pool.check()


class _Task:
    """An id from the broker, and where to tell that we are done with it."""

    __slots__ = ("done", "id", "message")

    def __init__(self, message: Message, done: queue.SimpleQueue[tuple[Message, bool | Exception]]) -> None:
        self.message = message
        body = message.body
        self.id = body if isinstance(body, str) else bytes(body).decode()
        self.done = done


class _Pool:
    """The threads of one channel. Each has a channel object of its own, which it makes when it is first needed."""

    def __init__(self, parts: Parts, make: Make, stop: StopEvent) -> None:
        self._parts = parts
        self._make = make
        self._stop = stop
        self.tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        # Daemons: one that hangs does not keep the process from stopping.
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(THREADS)]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Ends the threads that are not at work, and waits a moment for the others. Call it when told to stop."""
        for _ in self._threads:
            self.tasks.put(None)
        for thread in self._threads:
            thread.join(0.5)

    def _work(self) -> None:
        channel: Channel | None = None
        while (task := self.tasks.get()) is not None:
            if self._stop.is_set():
                task.done.put((task.message, False))
                continue
            try:
                channel = channel or self._make(self._parts.settings)
                deliver(self._parts, channel, task.id)
            except Exception as error:  # the database mostly; the main thread begins again
                task.done.put((task.message, error))
            else:
                task.done.put((task.message, True))
        if channel is not None:
            channel.close()


def _deliver_on(settings: Settings, stop: StopEvent, pools: Mapping[str, _Pool]) -> None:
    """One stretch of delivering, as long as database and broker hold. Raises whatever ends it."""
    done: queue.SimpleQueue[tuple[Message, bool | Exception]] = queue.SimpleQueue()
    with (
        lasting_session(settings.database_url, "besluitspoor courier") as db,
        connected(settings, flush=False, hold=HOLD) as broker,
    ):
        for name in pools:  # so that others can see that somebody is at it
            db.execute("SELECT pg_advisory_lock_shared(%s)", (courier_lock(name),))
        under_way = 0

        def take(pool: _Pool) -> Callable[[Message], None]:
            def taken(message: Message) -> None:
                nonlocal under_way
                under_way += 1
                pool.tasks.put(_Task(message, done))

            return taken

        def answer() -> None:
            nonlocal under_way
            with suppress(queue.Empty):
                while True:
                    message, how = done.get_nowait()
                    under_way -= 1
                    if isinstance(how, Exception):
                        raise how
                    if how:
                        message.ack()
                    else:
                        message.reject(requeue=True)

        consumers = []
        for name, pool in pools.items():
            channel = broker.channel()
            if is_rabbitmq(settings):
                given_up_queue()(channel).declare()
            consumer = Consumer(
                channel,
                [deliveries_queue(settings, name)],
                on_message=take(pool),
                prefetch_count=PREFETCH,
                no_ack=False,
            )
            consumer.consume()
            consumers.append(consumer)
        structlog.get_logger(__name__).info(
            "delivering", channels=sorted(pools), broker=broker.transport.driver_name
        )
        # Should this end by an error, the threads go on with what they have: the ledger knows what was done already
        # when the broker hands it out again.
        look_at = 0.0
        while not stop.is_set():
            answer()
            with suppress(TimeoutError):
                broker.drain_events(timeout=BUSY_SECONDS if under_way else IDLE_SECONDS)
            if time.monotonic() >= look_at:
                keep_alive(broker)
                db.execute("SELECT 1")
                look_at = time.monotonic() + LOOK_EVERY
        for consumer in consumers:
            consumer.cancel()
        until = time.monotonic() + STOP_SECONDS
        while under_way and time.monotonic() < until:
            answer()
            time.sleep(0.01)
