"""Which money waits for its phase, and which proposal could get it? For the treasurer.

Answers hold references to words and names: `service/words.py` fills them in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import psycopg
from psycopg.rows import tuple_row

from projections.view import Document
from service.arrays import array
from service.identity.scope import Scope

__all__ = ["cases", "holding_back", "receivers"]

Connection = psycopg.Connection[Any]

HOLDING = """SELECT s.document::text FROM (
        SELECT proposal FROM views.budget_facts WHERE proposal IS NOT NULL GROUP BY proposal HAVING sum(held_back) > 0
    ) AS held JOIN views.status s ON s.key = held.proposal WHERE {scope}
    ORDER BY s.key OFFSET %(after)s LIMIT %(most)s"""

RECEIVERS = """SELECT s.document::text FROM (
        SELECT stream AS key FROM views.queue WHERE document ->> 'kind' = 'award'
        UNION SELECT proposal FROM views.budget_facts WHERE stream = %(envelope)s AND proposal IS NOT NULL
    ) AS c JOIN views.status s ON s.key = c.key
    WHERE {scope} AND s.key <> %(giver)s AND (%(programme)s::text IS NULL OR s.programme = %(programme)s)
    AND (s.document #>> '{totals,awarded}')::numeric < (s.document #>> '{content,requested}')::numeric
    AND (%(words)s = '' OR s.reference LIKE %(prefix)s OR s.key IN (SELECT stream FROM log.words w
        WHERE search @@ websearch_to_tsquery('pg_catalog.dutch', %(words)s) AND {readable}))
    ORDER BY s.key LIMIT %(most)s"""


def holding_back(connection: Connection, scope: Scope, *, after: int = 0, most: int) -> list[Document]:
    """The cases that have a phase whose money is held back, the oldest first: `most` beyond the first `after`."""
    return _documents(connection, scope, HOLDING, {"after": after, "most": most})


def receivers(
    connection: Connection,
    scope: Scope,
    *,
    giver: str,
    envelope: str,
    programme: str | None,
    words: str = "",
    most: int,
) -> list[Document]:
    """The cases that could get held-back money of this one: they wait for their award, or got less than they asked.

    `envelope` is the stream that the money is from, `programme` the only one it is for, where there is one.
    """
    prefix = words.upper().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    params = {
        "giver": giver,
        "envelope": envelope,
        "programme": programme,
        "words": words,
        "prefix": prefix,
        "most": most,
    }
    return _documents(connection, scope, RECEIVERS, params)


def cases(connection: Connection, scope: Scope, ids: Sequence[str]) -> dict[str, Document]:
    """Those of these cases that are in the scope, as they stand now, by id."""
    query = "SELECT document::text FROM views.status s WHERE {scope} AND key = ANY(%(ids)s::text[])"
    return {each["id"]: each for each in _documents(connection, scope, query, {"ids": array(ids)})}


def _documents(connection: Connection, scope: Scope, query: str, params: dict[str, Any]) -> list[Document]:
    limited = query.replace("{scope}", scope.cases()).replace("{readable}", scope.readable())
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(limited.encode(), {**scope.params, **params}).fetchall()
    return [msgspec.json.decode(row[0]) for row in rows]
