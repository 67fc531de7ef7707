"""What waits for anybody, and how long may it still? Every open term over all bodies, the oldest first.

Answers hold references to words and names: `service/words.py` fills them in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

from projections.view import Document
from service.arrays import array
from service.reading import QUEUE_SORTS, waiting

__all__ = ["URGENCIES", "Board", "Wanted", "board", "cases_waiting", "end_of_week"]

Connection = psycopg.Connection[Any]

URGENCIES = ("overdue", "this-week", "later")
"""How near the end of a term is: it has passed, it ends this week (until Sunday), or later."""


@dataclass(frozen=True)
class Wanted:
    """What the board is limited to. `bodies`: those that the reader may see, None for all of them."""

    bodies: tuple[str, ...] | None = None
    body: str | None = None
    urgency: str | None = None
    kind: str | None = None
    programme: str | None = None


@dataclass(frozen=True)
class Board:
    """`counts`: how many wait by body and urgency, whatever of these two is wanted; `items`: those that are shown."""

    counts: dict[tuple[str, str], int]
    items: list[dict[str, Any]]

    def count(self, body: str | None = None, urgency: str | None = None) -> int:
        """How many wait for a body, or for any; this urgent, or however urgent."""
        return sum(
            n
            for (of, how), n in self.counts.items()
            if (body is None or of == body) and (urgency is None or how == urgency)
        )


BOARD = """WITH open AS MATERIALIZED (
        SELECT q.key, q.stream, q.body, q.due_on, {by}::text AS value, CASE WHEN q.due_on < %(today)s THEN 'overdue'
            WHEN q.due_on <= %(week)s THEN 'this-week' ELSE 'later' END AS urgency
        FROM views.queue q {join}
        WHERE (%(bodies)s::text[] IS NULL OR q.body = ANY(%(bodies)s::text[])) {conditions}
    ), placed AS (
        SELECT *, row_number() OVER (PARTITION BY body ORDER BY value {order}, key {order}) AS place FROM open
        WHERE (%(body)s::text IS NULL OR body = %(body)s) AND (%(urgency)s::text IS NULL OR urgency = %(urgency)s)
    ), shown AS (
        SELECT * FROM placed WHERE place > %(after)s AND place <= %(after)s + %(each)s
        ORDER BY value {order}, key {order} LIMIT %(most)s
    )
    SELECT
        (SELECT json_agg(json_build_array(body, urgency, n)) FROM
            (SELECT body, urgency, count(*) AS n FROM open GROUP BY body, urgency) AS counted)::text,
        (SELECT json_agg(json_build_array(o.urgency, q.document, json_build_object(
            'id', s.key, 'reference', s.reference, 'programme', s.programme, 'revision', s.document -> 'revision',
            'version', s.document -> 'version', 'content', json_build_object(
                'title', s.document #> '{{content,title}}', 'applicant', s.document #> '{{content,applicant}}',
                'requested', s.document #> '{{content,requested}}'))) ORDER BY o.value {order}, o.key {order})
        FROM shown o JOIN views.queue q ON q.key = o.key JOIN views.status s ON s.key = o.stream)::text"""


def board(
    connection: Connection,
    wanted: Wanted,
    *,
    today: date,
    holidays: frozenset[date],
    each: int,
    after: int = 0,
    most: int,
    by: str = "due",
    descending: bool = False,
) -> Board:
    """Who has to do what by when: `each` at most of every body, beyond the first `after`, and `most` in all.

    By one of QUEUE_SORTS; the oldest term first, unless said otherwise.
    """
    conditions = ""
    if wanted.kind is not None:
        conditions += " AND q.document ->> 'kind' = %(kind)s"
    if wanted.programme is not None:
        conditions += " AND p.programme = %(programme)s"
    query = sql.SQL(BOARD).format(
        join=sql.SQL("JOIN views.status p ON p.key = q.stream" if wanted.programme is not None else ""),
        conditions=sql.SQL(conditions),
        by=sql.SQL(QUEUE_SORTS[by]),
        order=sql.SQL("DESC" if descending else "ASC"),
    )
    params = {
        "today": today.isoformat(),
        "week": end_of_week(today).isoformat(),
        "bodies": None if wanted.bodies is None else array(wanted.bodies),
        "body": wanted.body,
        "urgency": wanted.urgency,
        "kind": wanted.kind,
        "programme": wanted.programme,
        "after": after,
        "each": each,
        "most": most,
    }
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(query, params).fetchone()
    counts, items = (msgspec.json.decode(json) if json else [] for json in row or (None, None))
    return Board(
        {(body, urgency): n for body, urgency, n in counts},
        [{**waiting(waits, case, today, holidays), "urgency": urgency} for urgency, waits, case in items],
    )


def end_of_week(today: date) -> date:
    """The Sunday that ends this week."""
    return today + timedelta(days=6 - today.weekday())


CASES = """WITH placed AS (
        SELECT key, stream, due_on, document, kind, count(*) OVER (PARTITION BY kind) AS n,
            row_number() OVER (PARTITION BY kind ORDER BY due_on, key) AS place
        FROM (SELECT *, document ->> 'kind' AS kind FROM views.queue) AS q WHERE kind = ANY(%(kinds)s::text[])
    )
    SELECT p.kind, p.n, p.document::text, s.document::text
    FROM (SELECT * FROM placed WHERE place <= %(most)s) AS p JOIN views.status s ON s.key = p.stream
    ORDER BY p.due_on, p.key"""


def cases_waiting(
    connection: Connection, kinds: Sequence[str], *, today: date, holidays: frozenset[date], most: int
) -> dict[str, tuple[int, list[dict[str, Any]]]]:
    """For each kind of stage how many cases wait in it, and the oldest of them, each with the whole `case`."""
    found: dict[str, tuple[int, list[dict[str, Any]]]] = {kind: (0, []) for kind in kinds}
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(CASES, {"kinds": array(kinds), "most": most}).fetchall()
    for kind, count, waits, said in rows:
        case: Document = msgspec.json.decode(said)
        item = {**waiting(msgspec.json.decode(waits), case, today, holidays), "case": case}
        found[kind] = (count, [*found[kind][1], item])
    return found
