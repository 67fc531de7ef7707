"""How does an event reach a program that has a queue of its own at the broker? Put into it, bounded and confirmed."""

from __future__ import annotations

import time
from typing import Any

import psycopg
import structlog
from amqp.exceptions import MessageNacked
from kombu.connection import Connection
from kombu.entity import Queue
from kombu.messaging import Producer

from service.messaging import subscriptions
from service.messaging.broker import connect, connected, drop
from service.messaging.channels.channel import Dropped, Failed, Outcome, Sent
from service.messaging.cloudevent import CONTENT_TYPE
from service.messaging.ledger import Delivery
from service.settings import Settings
from service.wiring import Parts

__all__ = ["MOST_UNREAD", "OwnQueue", "declare", "delete", "queue_name"]

WAITS = (5.0, 60.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)

MOST_UNREAD = 100_000
"""Messages in a queue that nobody reads: what does not fit any more is kept in the ledger and tried again."""
UNUSED = 30 * 24 * 3600
"""Seconds after which RabbitMQ takes a queue away that nobody reads and nothing is sent to."""

CONFIRM_SECONDS = 10
KEPT_SECONDS = 8.0
"""A connection that was used so shortly ago is used again; within the heartbeat, so the broker still has it."""
COUNTED_EACH = 100
"""How often a queue of a broker without limits, such as pgmq, is counted: once in so many messages."""
AMQP = ("amqp://", "amqps://", "pyamqp://")


class Full(Exception):
    """There is no room in the queue: nobody reads it, or not as fast as things happen."""


class OwnQueue:
    """Puts events into the queues of subscriptions."""

    name = "queue"
    waits: tuple[float, ...] = WAITS
    at_once = 8

    def __init__(self, settings: Settings, most_unread: int = MOST_UNREAD) -> None:
        self._settings = settings
        self._most_unread = most_unread
        self._connection: Connection | None = None
        self._used = 0.0
        self._returned: list[object] = []
        self._put_so_far: dict[str, int] = {}

    def send(self, parts: Parts, delivery: Delivery) -> Outcome:
        """Puts one event into the queue of its subscription."""
        with parts.pool.connection() as connection:
            subscription = subscriptions.to_send(connection, delivery)
        if isinstance(subscription, str):
            return Dropped(subscription)
        if subscriptions.concealed(parts, delivery):
            return Dropped("confidential")
        test = delivery.kind == "test"
        try:
            self._put(queue_name(subscription.id), delivery.id, subscriptions.body(parts, delivery))
        except Full:
            outcome: Outcome = Failed("queue-full", permanent=test)
        except Exception as error:
            self.close()
            # Where our broker is and what it says is not for the owner of a subscription.
            outcome = Failed("no-broker", permanent=test)
            structlog.get_logger(__name__).warning(
                "a message does not get into a queue",
                subscription=subscription.id, delivery=delivery.id, error=f"{type(error).__name__}: {error}"[:300],
            )  # fmt: skip
        else:
            outcome = Sent()
        with parts.pool.connection() as connection:
            if isinstance(outcome, Sent):
                subscriptions.went_well(connection, subscription.id)
            else:
                subscriptions.failed(connection, subscription.id)
        return outcome

    def close(self) -> None:
        """Lets go of the broker; the next message finds it again."""
        connection, self._connection = self._connection, None
        self._put_so_far.clear()
        if connection is not None:
            drop(connection)

    def _put(self, name: str, id: str, body: bytes) -> None:
        channel = self._channel()
        put = self._put_so_far.get(name, 0)
        if put == 0 or (put % COUNTED_EACH == 0 and not self._limits_itself()):
            waiting = declare_on(channel, name, self._most_unread)
            if waiting >= self._most_unread and not self._limits_itself():
                raise Full(name)
        self._put_so_far[name] = put + 1
        self._publish(channel, name, id, body)
        if self._returned:  # somebody took the queue away
            self._returned.clear()
            declare_on(channel, name, self._most_unread)
            self._publish(channel, name, id, body)
            if self._returned:
                raise LookupError(name)

    def _publish(self, channel: Any, name: str, id: str, body: bytes) -> None:
        try:
            # By way of the default exchange: nobody else can have such messages by binding a queue of their own.
            Producer(channel, auto_declare=False).publish(
                body,
                exchange="",
                routing_key=name,
                content_type=CONTENT_TYPE,
                content_encoding="utf-8",
                message_id=id,
                mandatory=True,
                confirm_timeout=CONFIRM_SECONDS,
            )
        except MessageNacked:
            raise Full(name) from None

    def _limits_itself(self) -> bool:
        """Does the broker itself refuse what does not fit, and return what finds no queue?"""
        return self._settings.broker_url.startswith(AMQP)

    def _channel(self) -> Any:
        """A channel of a connection that the broker still has."""
        if time.monotonic() - self._used > KEPT_SECONDS:
            self.close()
        if self._connection is None:
            self._connection = connect(self._settings)
            self._connection.connect()
            self._returned.clear()
            if self._limits_itself():
                channel: Any = self._connection.default_channel
                returns = channel.events["basic_return"]
                returns.add(lambda error, *_: self._returned.append(error))
        self._used = time.monotonic()
        return self._connection.default_channel


def queue_name(id: str) -> str:
    """The queue of the subscription with this id. By the end of it: the embedded broker takes 47 characters."""
    return f"besluitspoor.subscription.{id.replace('-', '')[-20:]}"


def declare(settings: Settings, id: str) -> None:
    """There is a queue for this subscription from now on, so that its owner can begin to read."""
    with connected(settings) as connection:
        declare_on(connection.default_channel, queue_name(id), MOST_UNREAD)


def delete(settings: Settings, connection: psycopg.Connection[Any], id: str) -> None:
    """The queue of this subscription is no more, nor what was in it; none is no error.

    The embedded one goes within the caller's transaction on `connection`.
    """
    name = queue_name(id)
    if settings.broker_url:
        with connected(settings) as broker:
            Queue(name)(broker.default_channel).delete()
    else:
        # kombu takes away a queue of pgmq only in the process that bound it.
        connection.execute(
            "SELECT pgmq.drop_queue(queue_name) FROM pgmq.meta WHERE queue_name = %s",
            (name.replace(".", "_"),),
        )


def declare_on(channel: Any, name: str, most_unread: int) -> int:
    """Makes the queue unless it is there; answers how many messages wait in it."""
    arguments = {
        "x-queue-type": "quorum",
        "x-max-length": most_unread,
        # What does not fit is refused, so it is known and tried again; to drop the oldest would lose it without a word.
        "x-overflow": "reject-publish",
        "x-expires": UNUSED * 1000,
    }
    return int(Queue(name, queue_arguments=arguments)(channel).queue_declare().message_count)
