"""Which moment does somebody ask about? What was known then, as a position, and what was true, as a date."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg.rows import tuple_row

from domain.errors import Invalid
from domain.recorded import Moment

__all__ = ["moment"]

Connection = psycopg.Connection[Any]


def moment(
    connection: Connection,
    *,
    as_of: date | datetime | None = None,
    at_position: int | None = None,
    effective_on: date | None = None,
    timezone: str = "Europe/Amsterdam",
) -> Moment:
    """The moment that is meant.

    `as_of` is an instant with an offset, or a date, which means its end in `timezone`: what had been recorded then.
    `at_position` is rounded down to the end of a command. `effective_on` is what counted on that date, among what is
    known. Refuses `as_of` and `at_position` together, and a position that the log has not reached.
    """
    if as_of is not None and at_position is not None:
        raise Invalid("moments-excluded", "/atPosition")
    if as_of is not None:
        return Moment(_recorded_by(connection, _instant(as_of, timezone)), effective_on)
    if at_position is not None:
        return Moment(_end_of_command(connection, at_position), effective_on)
    return Moment(None, effective_on)


def _instant(as_of: date | datetime, timezone: str) -> datetime:
    if isinstance(as_of, datetime):
        return as_of if as_of.tzinfo is not None else as_of.replace(tzinfo=ZoneInfo(timezone))
    next_day = datetime.combine(as_of + timedelta(days=1), time(), ZoneInfo(timezone))
    return next_day.astimezone(UTC) - timedelta(microseconds=1)


def _recorded_by(connection: Connection, instant: datetime) -> int:
    """The last position recorded at or before an instant: the times never go backwards, and a command has one."""
    query = (
        "SELECT notification_id FROM log.events WHERE recorded_at <= %s"
        " ORDER BY recorded_at DESC, notification_id DESC LIMIT 1"
    )
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(query, (instant,)).fetchone()
    return int(row[0]) if row else 0


def _end_of_command(connection: Connection, position: int) -> int:
    """This position when a command ended there, else the last position before that command."""
    query = (
        "SELECT notification_id, command_id FROM log.events"
        " WHERE notification_id BETWEEN %s AND %s ORDER BY notification_id"
    )
    with connection.cursor(row_factory=tuple_row) as cursor:
        found: dict[int, str] = dict(cursor.execute(query, (position, position + 1)).fetchall())
        if position > 0 and position not in found:
            head = cursor.execute("SELECT coalesce(max(notification_id), 0) FROM log.events").fetchone()
            raise Invalid("position-unknown", "/atPosition", head=head[0] if head else 0)
        if position <= 0 or found[position] != found.get(position + 1):
            return max(position, 0)
        before = (
            "SELECT notification_id FROM log.events WHERE notification_id < %s AND command_id <> %s"
            " ORDER BY notification_id DESC LIMIT 1"
        )
        row = cursor.execute(before, (position, found[position])).fetchone()
    return int(row[0]) if row else 0
