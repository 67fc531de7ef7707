"""Which letters must still be posted? Those of which nobody who submitted could be told, the oldest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import tuple_row

from projections.view import Document

__all__ = ["ToPost", "count", "to_post"]

Connection = psycopg.Connection[Any]

QUERY = """SELECT d.id, n.stream, n.facts, n.letter, l.id, d.created_at
    FROM ledger.deliveries d JOIN ledger.notices n ON n.id = d.notice
        LEFT JOIN documents.letters l ON l.about = n.position AND l.letter = n.letter AND l.position IS NOT NULL
    WHERE d.state = 'to-post' ORDER BY d.id LIMIT %s"""


@dataclass(frozen=True, slots=True)
class ToPost:
    """A letter to post, in a case of which the facts hold references to words and names.

    `letter` is its kind and `document` what was made of it; both None where somebody must write it.
    """

    delivery: str
    proposal: str
    facts: Document
    letter: str | None
    document: str | None
    since: datetime


def to_post(connection: Connection, most: int) -> list[ToPost]:
    """The letters that nobody posted yet, so many at most."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        return [ToPost(*row) for row in cursor.execute(QUERY, (most,)).fetchall()]


def count(connection: Connection) -> int:
    """How many are there?"""
    row = connection.execute("SELECT count(*) FROM ledger.deliveries WHERE state = 'to-post'").fetchone()
    return int(row[0]) if row is not None else 0
