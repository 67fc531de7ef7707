"""Which events were recorded: of which kind, by whom, about what, when? Newest first, from the log itself.

The log has an index by stream, position and time, and one over words; nothing else. So whatever else is asked is looked
for in stretches of the log, from the newest back: each as large as the time allows, by what the one before took. A
search that is out of time says how far it came, and goes on from there when somebody asks. Who, in which role and from
which date an event counts stand in its state: the database compares its bytes, and only what is shown is unpacked.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

from domain.recorded import Recorded
from service.folding import Unreadable
from service.moments import moment
from service.viewstore import LOG_COLUMNS, decoded

__all__ = ["AMOUNTS", "Found", "Wanted", "cases_called", "people_called", "search"]

Connection = psycopg.Connection[Any]

AMOUNTS = (
    "ProposalSubmitted", "ProposalRevised", "Awarded", "PhaseReleased", "MoneyMovedOut", "MoneyMovedIn",
    "MoneyReturned", "EnvelopeOpened", "SourceAdded", "FundsReserved", "FundsReleased", "FundsMoved", "FundsReturned",
)  # fmt: skip
"""The kinds of event that say an amount of money."""

FIRST_STRETCH = 5_000
GROWTH = 8
PATIENCE = 0.25
"""Seconds of looking before a search says how far it came."""

MOST_NAMED = 200
"""People, or cases, that a name or the beginning of a reference may stand for."""

# Behind {"effective_on":" in the state, which the event store writes first.
EFFECTIVE_ON = "substring(e.state FROM 18 FOR 10)"


@dataclass(frozen=True)
class Wanted:
    """What to look for. `streams`, `people` and `programme_streams`: None is any, an empty one is none at all."""

    kinds: Sequence[str] = ()
    people: Sequence[str] | None = None
    role: str | None = None
    streams: Sequence[str] | None = None
    words: str | None = None
    programme: str | None = None
    recorded_from: date | None = None
    recorded_until: date | None = None
    counts_from: date | None = None
    counts_until: date | None = None


@dataclass(frozen=True)
class Found:
    """The events, in the order that was asked for.

    `older`: where to go on; `searched`: down, or up, to which position; `done`: was it all.
    """

    events: list[Recorded] = field(default_factory=list)
    older: int | None = None
    searched: int = 0
    done: bool = True


def search(
    connection: Connection,
    wanted: Wanted,
    *,
    before: int | None = None,
    limit: int = 50,
    timezone: str = "Europe/Amsterdam",
    patience: float = PATIENCE,
    oldest_first: bool = False,
) -> Found:
    """The last `limit` events before a position (None: the end of the log) that are wanted.

    Or the first ones behind it (None: the beginning), where the oldest come first.
    """
    if [] in (wanted.people, wanted.streams):
        return Found()
    if oldest_first:
        return _forward(connection, wanted, before or 0, limit, timezone, patience)
    lowest, highest = _bounds(connection, wanted, before, timezone)
    query, params = _query(wanted)
    found: list[Recorded] = []
    began, stretch, high = time.monotonic(), FIRST_STRETCH, highest
    if wanted.streams is not None:
        stretch = max(high - lowest, 1)  # by the index of streams: no need to go step by step
    while high > lowest and len(found) <= limit:
        low = max(lowest, high - stretch)
        asked = time.monotonic()
        with connection.cursor(binary=True, row_factory=tuple_row) as cursor:
            place = {"low": low, "high": high, "most": limit + 1 - len(found)}
            rows = cursor.execute(query, {**params, **place}).fetchall()
        found += [each for each in decoded(rows) if not isinstance(each, Unreadable)]
        high = low if len(rows) < place["most"] else rows[-1][0] - 1
        took, left = time.monotonic() - asked, patience - (time.monotonic() - began)
        if left <= 0:
            break
        stretch = max(FIRST_STRETCH, min(stretch * GROWTH, int((1 + stretch) * left / max(took, 0.001))))
    shown = found[:limit]
    if len(found) > limit:
        return Found(shown, shown[-1].position, shown[-1].position, False)
    return Found(shown, high + 1 if high > lowest else None, high + 1, high <= lowest)


def _forward(
    connection: Connection, wanted: Wanted, behind: int, limit: int, timezone: str, patience: float
) -> Found:
    """The same from the oldest on: the first `limit` events behind a position."""
    lowest, highest = _bounds(connection, wanted, None, timezone)
    query, params = _query(wanted, "ASC")
    found: list[Recorded] = []
    began, stretch, low = time.monotonic(), FIRST_STRETCH, max(lowest, behind)
    if wanted.streams is not None:
        stretch = max(highest - low, 1)
    while low < highest and len(found) <= limit:
        high = min(highest, low + stretch)
        asked = time.monotonic()
        with connection.cursor(binary=True, row_factory=tuple_row) as cursor:
            place = {"low": low, "high": high, "most": limit + 1 - len(found)}
            rows = cursor.execute(query, {**params, **place}).fetchall()
        found += [each for each in decoded(rows) if not isinstance(each, Unreadable)]
        low = high if len(rows) < place["most"] else rows[-1][0]
        took, left = time.monotonic() - asked, patience - (time.monotonic() - began)
        if left <= 0:
            break
        stretch = max(FIRST_STRETCH, min(stretch * GROWTH, int((1 + stretch) * left / max(took, 0.001))))
    shown = found[:limit]
    if len(found) > limit:
        return Found(shown, shown[-1].position, shown[-1].position, False)
    return Found(shown, low if low < highest else None, low, low >= highest)


def people_called(connection: Connection, who: str) -> list[str]:
    """The ids of the people whose name or address this is part of, or whose id it is."""
    pattern = "%" + who.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    query = """SELECT id FROM vault.people
        WHERE id = %(who)s OR name ILIKE %(like)s OR email ILIKE %(like)s LIMIT %(most)s"""
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(query, {"who": who, "like": pattern, "most": MOST_NAMED}).fetchall()
    return [id for (id,) in rows]


def cases_called(connection: Connection, reference: str) -> list[str]:
    """The streams of the case with this reference (else of those whose reference begins so) and of its letters.

    Or of the envelope with this code.
    """
    exact = """SELECT key FROM views.status WHERE reference = %(upper)s
        UNION ALL SELECT key FROM views.budget WHERE code = %(lower)s"""
    begins = "SELECT key FROM views.status WHERE starts_with(reference, %(upper)s) ORDER BY key DESC LIMIT %(most)s"
    params = {"upper": reference.upper(), "lower": reference.lower(), "most": MOST_NAMED}
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(exact, params).fetchall() or cursor.execute(begins, params).fetchall()
        keys = [key for (key,) in rows]
        letters = "SELECT id FROM documents.letters WHERE proposal = ANY(%s)"
        return keys + [id for (id,) in cursor.execute(letters, (keys,)).fetchall()]


def _bounds(connection: Connection, wanted: Wanted, before: int | None, timezone: str) -> tuple[int, int]:
    """Behind which position, and up to which, the events are to be looked for."""
    lowest = 0
    if wanted.recorded_from is not None:
        day_before = wanted.recorded_from - timedelta(days=1)
        lowest = moment(connection, as_of=day_before, timezone=timezone).position or 0
    if wanted.recorded_until is not None:
        highest = moment(connection, as_of=wanted.recorded_until, timezone=timezone).position or 0
    else:
        with connection.cursor(row_factory=tuple_row) as cursor:
            row = cursor.execute("SELECT coalesce(max(notification_id), 0) FROM log.events").fetchone()
        highest = int(row[0]) if row else 0
    return lowest, highest if before is None else min(highest, before - 1)


def _query(wanted: Wanted, order: str = "DESC") -> tuple[sql.Composed, dict[str, Any]]:
    """The events of a stretch: behind `low`, up to `high`, the newest `most` of them."""
    conditions: list[str] = []
    params: dict[str, Any] = {}

    def add(condition: str, **values: Any) -> None:
        conditions.append(condition)
        params.update(values)

    if wanted.kinds:
        add("e.topic = ANY(%(kinds)s)", kinds=list(wanted.kinds))
    if wanted.streams is not None:
        add("e.originator_id = ANY(%(streams)s)", streams=list(wanted.streams))
    if wanted.people is not None:
        # Whatever stands between quotes in a text, its own quotes are escaped there: this is a field's.
        marks = [f'"by":"{each}"'.encode() for each in wanted.people]
        add("EXISTS (SELECT FROM unnest(%(by)s::bytea[]) AS b WHERE position(b IN e.state) > 0)", by=marks)
    if wanted.role is not None:
        add("position(%(role)s::bytea IN e.state) > 0", role=f'"role":"{wanted.role}"'.encode())
    if wanted.counts_from is not None:
        add(f"{EFFECTIVE_ON} >= %(counts_from)s::bytea", counts_from=wanted.counts_from.isoformat().encode())
    if wanted.counts_until is not None:
        add(
            f"{EFFECTIVE_ON} <= %(counts_until)s::bytea",
            counts_until=wanted.counts_until.isoformat().encode(),
        )
    if wanted.programme is not None:
        # One by one, by the index: a join would read all cases again for every stretch.
        add(
            "(e.originator_id = %(programme_stream)s OR %(programme)s = coalesce("
            "(SELECT s.programme FROM views.status s WHERE s.key = e.originator_id),"
            " (SELECT b.programme FROM views.budget b WHERE b.key = e.originator_id),"
            " (SELECT s.programme FROM documents.letters l JOIN views.status s ON s.key = l.proposal"
            " WHERE l.id = e.originator_id)))",
            programme=wanted.programme,
            programme_stream=f"programme-{wanted.programme}",
        )
    if wanted.words is not None:
        add(
            "e.notification_id IN (SELECT w.position FROM log.words w"
            " WHERE w.search @@ websearch_to_tsquery('pg_catalog.dutch', %(words)s)"
            " AND w.position > %(low)s AND w.position <= %(high)s)",
            words=wanted.words,
        )
    columns = ", ".join(f"e.{column}" for column in LOG_COLUMNS.split(", "))
    text = (
        f"SELECT {columns} FROM log.events e"
        " WHERE e.notification_id > %(low)s AND e.notification_id <= %(high)s"
        + "".join(f" AND {condition}" for condition in conditions)
        + f" ORDER BY e.notification_id {order} LIMIT %(most)s"
    )
    return sql.SQL(text).format(), params
