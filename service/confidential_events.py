"""Which events are about a case that is confidential today? As the log has it, whatever the views have seen of it.

Programs that follow the log hear of such a case only where their owner may know of it: its events and its letters' are
left out, and where an event on money names it, CONFIDENTIAL stands there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

import psycopg
from psycopg.rows import tuple_row

from domain.events import (
    FundsMoved,
    FundsReleased,
    FundsReserved,
    FundsReturned,
    LetterIssued,
    MoneyMovedIn,
    MoneyMovedOut,
)
from domain.recorded import Recorded
from service.arrays import array

__all__ = ["hears", "secret_cases"]

Connection = psycopg.Connection[Any]

QUERY = """SELECT stream FROM (
        SELECT DISTINCT ON (e.originator_id) e.originator_id AS stream, said.event
        FROM log.events e CROSS JOIN LATERAL (
            SELECT convert_from(e.state, 'UTF8')::json -> 'event' AS event
        ) AS said
        WHERE e.originator_id = ANY(%(streams)s::text[]) AND e.topic = 'ConfidentialitySet'
            AND said.event ->> 'about' = '0'
        ORDER BY e.originator_id, e.originator_version DESC
    ) AS last
    WHERE event ->> 'level' = 'confidential' AND coalesce(event ->> 'until', '9999-12-31') >= %(today)s"""


def secret_cases(connection: Connection, events: Iterable[Recorded], today: date) -> frozenset[str]:
    """Of the cases that these events are about or name: those that are confidential on this day."""
    streams = sorted({stream for recorded in events for stream in _cases(recorded)})
    if not streams:
        return frozenset()
    given = {"streams": array(streams), "today": today.isoformat()}
    with connection.cursor(row_factory=tuple_row) as cursor:
        return frozenset(stream for (stream,) in cursor.execute(QUERY, given).fetchall())


def hears(recorded: Recorded, secret: frozenset[str]) -> bool:
    """Does who may not know of these cases hear of this event? Of one on a case, or on a letter of it, they do not."""
    event = recorded.event
    proposal = event.proposal if isinstance(event, LetterIssued) else recorded.stream
    return proposal not in secret


def _cases(recorded: Recorded) -> Iterator[str]:
    if recorded.kind == "proposal":
        yield recorded.stream
    match recorded.event:
        case LetterIssued(proposal=proposal) | FundsReserved(proposal=proposal):
            yield proposal
        case FundsReleased(proposal=proposal) | FundsReturned(proposal=proposal):
            yield proposal
        case FundsMoved(from_proposal=one, to_proposal=other):
            yield from (one, other)
        case MoneyMovedOut(to=other) | MoneyMovedIn(from_proposal=other):
            yield other
