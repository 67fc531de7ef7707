"""Does anybody fold, publish, notify and deliver, and since when does what waits for them wait?

Each of the first three is done by whoever holds its lock: a lock of a database session, which goes when its process
goes. Who delivers holds one together with all others who do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC
from typing import Any, LiteralString

import psycopg
from psycopg.rows import tuple_row

from service.eventstore import recorded_from

__all__ = [
    "LEADER_LOCK", "LATE_SECONDS", "NOTIFIER_LOCK", "PUBLISHER", "Behind", "courier_lock", "folding", "notifying",
    "publishing", "without_courier", "unreadable",
]  # fmt: skip

Connection = psycopg.Connection[Any]

LEADER_LOCK = 7133011
NOTIFIER_LOCK = 7133013

PUBLISHER = "broker"
"""The name of the publisher's row in outbox.position and of its lock."""

LATE_SECONDS = 10.0
"""Longer than anything waits that is not stuck, a take-over by another process included."""

AT: LiteralString = """WITH done AS (SELECT coalesce(({}), 0) AS position)
SELECT done.position,
       (SELECT coalesce(max(notification_id), 0) FROM log.events),
       (SELECT greatest(0, extract(epoch FROM clock_timestamp() - recorded_at))::float
        FROM log.events WHERE notification_id = done.position + 1),
       EXISTS (SELECT FROM pg_locks
               WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND classid::bigint << 32 | objid::bigint = {}
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
FROM done"""


@dataclass(frozen=True)
class Behind:
    """How far somebody is who follows the log: up to `position` of `head`."""

    position: int
    head: int
    seconds: float
    """Since the first event that waits was recorded; 0 when none waits."""
    followed: bool
    """Is anybody at it?"""

    @property
    def events(self) -> int:
        """How many wait."""
        return max(0, self.head - self.position)


def folding(connection: Connection) -> Behind:
    """How far the views are."""
    return _behind(connection, AT.format("SELECT position FROM views.position", "%s::bigint"), LEADER_LOCK)


def publishing(connection: Connection) -> Behind:
    """How far the broker has been told."""
    query = AT.format(
        "SELECT position FROM outbox.position WHERE publisher = %s", "hashtextextended('publisher ' || %s, 0)"
    )
    return _behind(connection, query, PUBLISHER, PUBLISHER)


def notifying(connection: Connection) -> Behind:
    """Up to where notices have been made."""
    return _behind(connection, AT.format("SELECT position FROM ledger.position", "%s::bigint"), NOTIFIER_LOCK)


def courier_lock(channel: str) -> int:
    """The lock that everybody shares who delivers over this channel."""
    digest = hashlib.blake2b(f"courier {channel}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


def without_courier(connection: Connection, channels: Iterable[str]) -> list[str]:
    """Those of these channels over which nobody delivers now."""
    held = {
        key
        for (key,) in connection.execute(
            """SELECT classid::bigint << 32 | objid::bigint FROM pg_locks
            WHERE locktype = 'advisory' AND granted AND objsubid = 1
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""
        )
    }
    return [channel for channel in channels if courier_lock(channel) not in held]


def unreadable(connection: Connection, position: int) -> str | None:
    """What makes that this version of the service cannot read this event; None when it can, or when it is not there."""
    with connection.cursor(binary=True, row_factory=tuple_row) as cursor:
        row = cursor.execute(
            "SELECT originator_id, originator_version, topic, state, recorded_at, command_id"
            " FROM log.events WHERE notification_id = %s",
            (position,),
        ).fetchone()
    if row is None:
        return None
    stream, version, topic, state, recorded_at, command_id = row
    try:
        recorded_from(position, stream, version, topic, state, recorded_at.astimezone(UTC), command_id)
    except Exception as error:  # whatever is wrong with it
        return f"{topic}: {type(error).__name__}: {error}"
    return None


def _behind(connection: Connection, query: LiteralString, *params: object) -> Behind:
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(query, params).fetchone()
    position, head, seconds, followed = row or (0, 0, None, False)
    return Behind(position, head, seconds or 0.0, followed)
