"""Which proposals are there? Newest first, filtered, now or at any moment; in another order for now alone.

Now the list comes from the view. At a moment narrow rows of history say which cases may be on the page, and those few
are folded; what is shown, and whether it belongs there, follows from the fold alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

from domain.recorded import NOW, Moment, Recorded
from projections.view import Document
from service.identity.scope import Scope
from service.paging import Cursor, Page, page, read_cursor
from service.reading import histories, status_of

__all__ = ["SORTS", "Filters", "proposals"]

Connection = psycopg.Connection[Any]

SORTS = {"newest": "s.key", "reference": "s.reference", "programme": "s.programme", "status": "s.status"}
"""What a list may be sorted by, beside the id, which grows with time: columns, since documents are slow to read."""


@dataclass(frozen=True)
class Filters:
    """What the list is limited to. `q`: words in Dutch, how a reference begins, or part of an applicant's name.

    A case of one of the `theme_parts` is one of the `theme` as well. `limit`: what the reader may see of it.
    """

    programme: str | None = None
    status: str | None = None
    body: str | None = None
    theme: str | None = None
    theme_parts: frozenset[str] = frozenset()
    municipality: str | None = None
    q: str | None = None


def proposals(
    connection: Connection,
    scope: Scope,
    filters: Filters,
    moment: Moment = NOW,
    *,
    cursor: str | None = None,
    limit: int = 50,
    sort: str = "newest",
    descending: bool = True,
) -> Page[Document]:
    """A page of the cases of a scope, as they stand or stood, newest first; as they stand now by any of SORTS.

    What is within the scope follows from today, also of a list at a moment.
    """
    params = {**_params(connection, filters), **scope.params}
    if moment.is_now and (sort, descending) != ("newest", True):
        return _sorted(connection, scope, filters, params, cursor, limit, SORTS[sort], descending)
    place = read_cursor(cursor, parts=1)
    if moment.is_now:
        with connection.cursor(row_factory=tuple_row) as rows:
            conditions = _conditions(filters, scope, "s", "s.waiting")
            query = _query(NOW_ROWS, conditions, place, scope=scope.cases())
            found = rows.execute(query, {**params, **_place(place, limit + 1)}).fetchall()
        documents = [msgspec.json.decode(row[1]) for row in found]
    else:
        documents = _at(connection, scope, filters, params, moment, place, limit + 1)
    return page(documents, limit, place, lambda document: (document["id"],))


SORTED_ROWS = """WITH placed AS (
        SELECT {by}::text AS value, s.key FROM views.status s
        WHERE {scope} {conditions} {beyond} ORDER BY {by} {order}, s.key {order} LIMIT %(most)s
    )
    SELECT p.value, s.key, s.document::text FROM placed p JOIN views.status s ON s.key = p.key
    ORDER BY p.value {order}, s.key {order}"""
"""Only what is shown is read whole."""


def _sorted(
    connection: Connection,
    scope: Scope,
    filters: Filters,
    params: dict[str, Any],
    cursor: str | None,
    limit: int,
    by: str,
    descending: bool,
) -> Page[Document]:
    """A page in the order of a column, and of the id within it."""
    place = read_cursor(cursor, parts=2)
    downward = descending != (place is not None and place.backward)
    beyond = f"AND ({by}, s.key) {'<' if downward else '>'} (%(value)s, %(key)s)" if place else ""
    parts = {
        "by": by,
        "scope": scope.cases(),
        "conditions": "".join(f" AND {each}" for each in _conditions(filters, scope, "s", "s.waiting")),
        "beyond": beyond,
        "order": "DESC" if downward else "ASC",
    }
    query = sql.SQL(SORTED_ROWS).format(**{name: sql.SQL(part) for name, part in parts.items()})
    value, key = place.key if place else ("", "")
    with connection.cursor(row_factory=tuple_row) as rows:
        found = rows.execute(query, {**params, "value": value, "key": key, "most": limit + 1}).fetchall()
    shown = page(found, limit, place, lambda row: (row[0], row[1]))
    return Page([msgspec.json.decode(row[2]) for row in shown.items], shown.next, shown.previous)


NOW_ROWS = """SELECT s.key, s.document::text FROM views.status s
    WHERE {scope} {conditions} ORDER BY s.key {order} LIMIT %(most)s"""

MOMENT_ROWS = """SELECT s.key FROM views.status s
    CROSS JOIN LATERAL (
        SELECT h.* FROM views.status_history h
        WHERE h.stream = s.key {known} {counting} ORDER BY h.position DESC LIMIT 1
    ) h
    WHERE {scope} AND ((true {conditions}) {late}) {place} ORDER BY s.key {order} LIMIT %(most)s"""

LATE = "OR EXISTS (SELECT FROM views.status_history l WHERE l.stream = s.key AND l.late)"
"""Where an event counts from an earlier date than one recorded before it, no row says what was true on a date."""


def _conditions(filters: Filters, scope: Scope, row: str, bodies: str) -> list[str]:
    """The filters in SQL, over the columns of `row`."""
    conditions = []
    if filters.programme is not None:
        conditions.append("s.programme = %(programme)s")
    if filters.status is not None:
        conditions.append(f"{row}.status = %(status)s")
    if filters.body is not None:
        conditions.append(f"{bodies} @> %(body)s::jsonb")
    if filters.theme is not None:
        conditions.append(f"{row}.themes ?| %(themes)s::text[]")
    if filters.municipality is not None:
        conditions.append(f"{row}.municipalities ? %(municipality)s")
    if filters.q is not None:
        conditions.append(
            f"({row}.reference LIKE %(prefix)s OR {row}.applicant = ANY(%(parties)s) OR s.key IN"
            " (SELECT w.stream FROM log.words w WHERE w.search @@ websearch_to_tsquery('pg_catalog.dutch', %(q)s)"
            f" AND w.position <= %(known)s AND {scope.readable()}))"
        )
    return conditions


def _query(text: str, conditions: list[str], place: Cursor | None, **parts: str) -> sql.Composed:
    backward = place is not None and place.backward
    beyond = f"s.key {'>' if backward else '<'} %(key)s" if place else "true"
    if "{place}" not in text:
        conditions = [*conditions, beyond]
    filled = {
        "conditions": "".join(f" AND {condition}" for condition in conditions),
        "order": "ASC" if backward else "DESC",
        "place": f"AND {beyond}",
        **parts,
    }
    return sql.SQL(text).format(**{name: sql.SQL(part) for name, part in filled.items()})


def _params(connection: Connection, filters: Filters) -> dict[str, Any]:
    params: dict[str, Any] = {
        "programme": filters.programme,
        "status": filters.status,
        "body": msgspec.json.encode([{"body": filters.body}]).decode(),
        "bodies": msgspec.json.encode([filters.body]).decode(),
        "themes": [filters.theme, *filters.theme_parts],
        "municipality": filters.municipality,
        "q": filters.q,
        "known": 2**62,
    }
    if filters.q is not None:
        params["prefix"] = _pattern(filters.q.strip().upper()) + "%"
        with connection.cursor(row_factory=tuple_row) as rows:
            query = "SELECT id FROM vault.parties WHERE name ILIKE %s"
            found = rows.execute(query, (f"%{_pattern(filters.q.strip())}%",)).fetchall()
        params["parties"] = [id for (id,) in found]
    return params


def _pattern(text: str) -> str:
    """Text to be looked for as it is by LIKE."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _place(place: Cursor | None, most: int) -> dict[str, Any]:
    return {"key": place.key[0] if place else None, "most": most}


def _at(
    connection: Connection,
    scope: Scope,
    filters: Filters,
    params: dict[str, Any],
    moment: Moment,
    place: Cursor | None,
    most: int,
) -> list[Document]:
    """At most so many cases beyond the cursor, as they stood; those that only seemed to belong here are left out."""
    conditions = _conditions(filters, scope, "h", "h.bodies")
    known = {**params, "body": params["bodies"], "on": moment.effective_on}
    if moment.position is not None:
        known["known"] = moment.position
    parts = {
        "known": "AND h.position <= %(known)s" if moment.position is not None else "",
        "counting": "AND h.effective_on <= %(on)s" if moment.effective_on is not None else "",
        "late": LATE if moment.effective_on is not None else "",
        "scope": scope.cases(),
    }
    kept: list[Document] = []
    while len(kept) < most:
        query = _query(MOMENT_ROWS, conditions, place, **parts)
        with connection.cursor(row_factory=tuple_row) as rows:
            found = [key for (key,) in rows.execute(query, {**known, **_place(place, most)}).fetchall()]
        counting = histories(connection, found, moment)
        told = _told(connection, scope, filters, params, counting)
        for key in found:
            document = status_of(counting.get(key, ()))
            if document is not None and _matches(document, filters, params, key in told):
                kept.append(document)
        if len(found) < most:
            break
        place = Cursor((found[-1],), place is not None and place.backward)
    return kept[:most]


def _told(
    connection: Connection,
    scope: Scope,
    filters: Filters,
    params: dict[str, Any],
    counting: dict[str, list[Recorded]],
) -> set[str]:
    """The cases in whose counting events the words of `q` occur."""
    if filters.q is None:
        return set()
    positions = [recorded.position for history in counting.values() for recorded in history]
    query = (
        "SELECT DISTINCT stream FROM log.words w WHERE position = ANY(%(positions)s)"
        f" AND search @@ websearch_to_tsquery('pg_catalog.dutch', %(q)s) AND {scope.readable()}"
    )
    given = {**params, "positions": positions}
    with connection.cursor(row_factory=tuple_row) as rows:
        return {stream for (stream,) in rows.execute(query.encode(), given).fetchall()}


def _matches(document: Document, filters: Filters, params: dict[str, Any], told: bool) -> bool:
    """Does the case, as it stood, belong in the list?"""
    content = document["content"]
    applicant = content["applicant"]["$party"]
    wanted: Sequence[bool] = (
        filters.programme in (None, document["programme"]),
        filters.status in (None, document["status"]),
        filters.body is None or any(waits["body"] == filters.body for waits in document["waitingFor"]),
        filters.theme is None or not filters.theme_parts.union({filters.theme}).isdisjoint(content["themes"]),
        filters.municipality is None or filters.municipality in content["municipalities"],
        filters.q is None
        or told
        or applicant in params["parties"]
        or document["reference"].startswith(filters.q.strip().upper()),
    )
    return all(wanted)
