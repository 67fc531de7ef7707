"""What is in somebody's inbox, and what did they do with it? Read, archived; only ever one's own.

Nothing is sent here: a delivery to an inbox is there as soon as it stands in the ledger.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

from service.arrays import array
from service.messaging.ledger import COLUMNS, Delivery, tell_inboxes
from service.paging import Page, page, read_cursor

__all__ = [
    "MOST_COUNTED", "SHELVES", "Entry", "Mark", "archive", "archive_read", "entry", "mark", "messages", "put_back",
    "read", "read_all", "unread",
]  # fmt: skip

Connection = psycopg.Connection[Any]

MOST_COUNTED = 100
"""Unread messages are counted up to here: more is many, and counting stays as cheap for who never looks."""

SHELVES: dict[str, LiteralString] = {
    "unread": "d.archived_at IS NULL AND d.read_at IS NULL",
    "all": "d.archived_at IS NULL",
    "archived": "d.archived_at IS NOT NULL",
}
"""What can be looked at, and which messages are there."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How an inbox looks from outside: it differs once something came in, was read or was archived.

    `unread`: how many, MOST_COUNTED at most.
    """

    unread: int
    newest: str

    def __str__(self) -> str:
        return f"{self.unread}-{self.newest}"


@dataclass(frozen=True, slots=True)
class Entry:
    """A message as it lies in an inbox."""

    delivery: Delivery
    read_at: datetime | None
    archived_at: datetime | None


MARK = f"""SELECT
    (SELECT count(*) FROM (
        SELECT FROM ledger.deliveries
        WHERE recipient = %(person)s AND channel = 'inbox' AND read_at IS NULL AND archived_at IS NULL
        LIMIT {MOST_COUNTED}) AS unread),
    (SELECT id FROM ledger.deliveries
        WHERE recipient = %(person)s AND channel = 'inbox' AND archived_at IS NULL ORDER BY id DESC LIMIT 1)"""

FOUND = f"""SELECT {COLUMNS}, d.read_at, d.archived_at
    FROM ledger.deliveries d JOIN ledger.notices n ON n.id = d.notice
    WHERE d.recipient = %(person)s AND d.channel = 'inbox'"""


def mark(connection: Connection, person: str) -> Mark:
    """How the inbox of this person looks from outside. Cheap: asked for every page."""
    row = connection.execute(MARK, {"person": person}).fetchone()
    assert row is not None
    return Mark(int(row[0]), row[1] or "")


def messages(
    connection: Connection, person: str, shelf: str = "all", *, cursor: str | None = None, limit: int = 50
) -> Page[Entry]:
    """A page of the messages of this person on one of SHELVES, newest first. Refuses a cursor that no page named."""
    place = read_cursor(cursor, parts=1)
    beyond, order = ("", "DESC")
    if place is not None:
        beyond, order = (" AND d.id > %(id)s", "ASC") if place.backward else (" AND d.id < %(id)s", "DESC")
    query = f"{FOUND} AND {SHELVES[shelf]}{beyond} ORDER BY d.id {order} LIMIT %(most)s"
    facts = {"person": person, "id": place.key[0] if place else None, "most": limit + 1}
    with connection.cursor(row_factory=tuple_row) as rows:
        found = [_entry(row) for row in rows.execute(sql.SQL(query), facts).fetchall()]
    return page(found, limit, place, lambda each: (each.delivery.id,))


def entry(connection: Connection, person: str, id: str) -> Entry | None:
    """This message, if it lies in the inbox of this person."""
    with connection.cursor(row_factory=tuple_row) as rows:
        row = rows.execute(f"{FOUND} AND d.id = %(id)s", {"person": person, "id": id}).fetchone()
    return _entry(row) if row is not None else None


def read(connection: Connection, person: str, ids: Iterable[str]) -> int:
    """These have been read; how many had not?"""
    return _changed(connection, person, ids, "read_at = now()", "read_at IS NULL")


def unread(connection: Connection, person: str, ids: Iterable[str]) -> int:
    """These count as unread again; how many did not?"""
    return _changed(connection, person, ids, "read_at = NULL", "read_at IS NOT NULL")


def archive(connection: Connection, person: str, ids: Iterable[str]) -> int:
    """These are put away, and ask for no attention any more; how many were not?"""
    return _changed(connection, person, ids, "archived_at = now()", "archived_at IS NULL")


def put_back(connection: Connection, person: str, ids: Iterable[str]) -> int:
    """These are back from the archive; how many were there?"""
    return _changed(connection, person, ids, "archived_at = NULL", "archived_at IS NOT NULL")


def read_all(connection: Connection, person: str) -> int:
    """All have been read; how many had not?"""
    return _changed(connection, person, None, "read_at = now()", "read_at IS NULL AND archived_at IS NULL")


def archive_read(connection: Connection, person: str) -> int:
    """All that have been read are put away; how many?"""
    return _changed(
        connection, person, None, "archived_at = now()", "read_at IS NOT NULL AND archived_at IS NULL"
    )


def _changed(
    connection: Connection,
    person: str,
    ids: Iterable[str] | None,
    change: LiteralString,
    where: LiteralString,
) -> int:
    named = "" if ids is None else " AND id = ANY(%(ids)s::text[])"
    mine = f"recipient = %(person)s AND channel = 'inbox' AND {where}{named}"
    query = f"UPDATE ledger.deliveries SET {change} WHERE {mine}"
    with connection.transaction():
        facts = {"person": person, "ids": None if ids is None else array(list(ids))}
        changed = connection.execute(sql.SQL(query), facts).rowcount
        if changed:
            tell_inboxes(connection)
    return changed


def _entry(row: tuple[Any, ...]) -> Entry:
    *delivery, read_at, archived_at = row
    return Entry(Delivery(*delivery), read_at, archived_at)
