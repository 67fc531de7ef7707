"""How do events reach the broker? One publisher follows the log and sends each, in order, at least once."""

from __future__ import annotations

from threading import Event as StopEvent
from typing import Any

import psycopg
import structlog
from kombu.connection import Connection
from kombu.messaging import Producer

from domain.recorded import Recorded
from service.calendar import today
from service.confidential_events import hears, secret_cases
from service.eventstore import Log
from service.follow import Follower, lasting_session
from service.keeping_up import PUBLISHER
from service.messaging.broker import connected, events_exchange, keep_alive
from service.messaging.cloudevent import CONTENT_TYPE, encode
from service.messaging.persevering import persevere
from service.settings import Settings

__all__ = ["position", "routing_key", "run"]

_BATCH = 500
_IDLE_SECONDS = 0.25
_TURN_SECONDS = 1.0
_CONFIRM_SECONDS = 10


def run(settings: Settings, stop: StopEvent) -> None:
    """Publish what the log has and what it gets, until `stop` is set; what breaks is tried again, for ever.

    Several may run: one publishes, another takes over when it goes. Nobody listening at the broker is no
    error. An event is sent again when its confirmation, or our note of that, was lost; the first time each
    event is seen is in the order of the log. Only those of a case that is confidential are left out. An event
    that cannot be sent holds up those after it, and each attempt says so in the process's own log.
    """
    persevere("publishing", lambda: _publish(settings, stop), stop)


def position(db: psycopg.Connection[Any], publisher: str = PUBLISHER) -> int:
    """Up to which position of the log everything has been published; 0 before the first event."""
    row = db.execute("SELECT position FROM outbox.position WHERE publisher = %s", [publisher]).fetchone()
    return int(row[0]) if row else 0


def routing_key(recorded: Recorded) -> str:
    """For example `proposal.ProposalSubmitted`."""
    return f"{recorded.kind}.{recorded.name}"


def _publish(settings: Settings, stop: StopEvent) -> None:
    """One stretch of publishing, as long as database and broker hold. Raises whatever ends it."""
    with lasting_session(settings.database_url, "besluitspoor publisher") as db:
        if not _take_turn(db, stop):
            return
        # The note of a position need not reach the disk at once: should the database itself crash, the last
        # few events are published again, which is allowed, and no event waits for a flush of its own. A note
        # comes after its confirmation, so it is never ahead; nor is it with pgmq unflushed, for then both are
        # in one write-ahead log, in that order.
        db.execute("SET synchronous_commit = off")
        db.execute("INSERT INTO outbox.position VALUES (%s, 0) ON CONFLICT DO NOTHING", [PUBLISHER])
        done = position(db)
        with (
            Log.open(settings, pool_size=1) as log,
            connected(settings, flush=False) as broker,
            Follower(settings.database_url, "log") as news,
        ):
            producer = Producer(broker.channel(), events_exchange())
            structlog.get_logger(__name__).info("publishing", after=done, broker=broker.transport.driver_name)
            size = _BATCH
            while not stop.is_set():
                try:
                    batch = log.read(done, size)
                except Exception:
                    if size == 1:
                        raise
                    size = 1  # one of them cannot be read: those before it go out first
                    continue
                # Whoever listens at the broker is not known here, so they hear of nothing that is confidential.
                secret = secret_cases(db, batch, today(settings.timezone))
                for recorded in batch:
                    if recorded.position != done + 1:
                        raise RuntimeError(
                            f"the log has {recorded.position} after {done}: publishing that leaves a gap"
                        )
                    if hears(recorded, secret):
                        _send(producer, recorded, settings, secret)
                    done = recorded.position
                    # On the session that holds the lock: who lost its turn cannot write here any more.
                    db.execute(
                        "UPDATE outbox.position SET position = %s WHERE publisher = %s", [done, PUBLISHER]
                    )
                    if stop.is_set():
                        return
                if len(batch) < size:
                    _rest(news, broker, stop)


def _take_turn(db: psycopg.Connection[Any], stop: StopEvent) -> bool:
    """Wait until no other publisher is at work; False when told to stop before that.

    The lock is the session's: it goes when the session goes, however it goes.
    """
    said = False
    while not stop.is_set():
        row = db.execute(
            "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [f"publisher {PUBLISHER}"]
        ).fetchone()
        if row is not None and row[0]:
            return True
        if not said:
            structlog.get_logger(__name__).info("another publisher is at work, standing by")
            said = True
        stop.wait(_TURN_SECONDS)
    return False


def _send(producer: Producer, recorded: Recorded, settings: Settings, secret: frozenset[str]) -> None:
    """Send one event and wait until the broker has it. Raises when it does not say so in time."""
    body = encode(recorded, oin=settings.oin, public_url=settings.public_url, secret=secret)
    producer.publish(
        body,
        routing_key=routing_key(recorded),
        content_type=CONTENT_TYPE,
        content_encoding="utf-8",
        message_id=f"{recorded.stream}:{recorded.version}",
        confirm_timeout=_CONFIRM_SECONDS,
    )


def _rest(news: Follower, broker: Connection, stop: StopEvent) -> None:
    """Until there is something to do: keep the connection to the broker alive, and notice when it is lost."""
    while not stop.is_set() and not news.wait(_IDLE_SECONDS):
        keep_alive(broker)
