"""What may everybody know? The proposals that are published today, with no person in them: the public register.

A proposal is in it from the moment that its programme says (`Programme.publication`), unless it is confidential today,
or somebody has said that it stays internal. Of an act everybody may know the body, the outcome and the day, and its
words only where its level is public. An applicant is named when it is an organisation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

from domain.programme import PUBLICATIONS
from projections.view import Document
from service.arrays import array
from service.documents.edition import NAMED
from service.identity.scope import outside
from service.paging import Page, page, read_cursor
from service.published import published_codes, versions
from service.wiring import Parts
from service.words import fill

__all__ = ["OUTCOMES", "Filters", "every", "found", "one", "years"]

Connection = psycopg.Connection[Any]

OUTCOMES = ("awarded", "approved", "rejected", "withdrawn")
AT_ONCE = 500


@dataclass(frozen=True)
class Filters:
    """What the register is limited to. A case of one of the `theme_parts` is one of the `theme` as well.

    `q`: words in Dutch of a title or a summary, how a reference begins, or part of the name of an organisation.
    """

    reference: str | None = None
    programme: str | None = None
    year: int | None = None
    municipality: str | None = None
    theme: str | None = None
    theme_parts: frozenset[str] = frozenset()
    outcome: str | None = None
    q: str | None = None


PUBLISHED = """WITH moments (programme, version, moment) AS (
        SELECT * FROM unnest(%(codes)s::text[], %(versions)s::bigint[], %(moments)s::text[])
    ), published AS (
        SELECT r.key, r.reference, r.outcome, r.applicant, r.themes, r.municipalities, r.programme, r.said,
            {day} AS day
        FROM views.register r
        JOIN moments m ON m.programme = r.programme AND m.version = r.programme_version
        WHERE {open}
    )
    SELECT day, key FROM published WHERE day <= %(today)s {conditions} {beyond}
        ORDER BY day {order}, key {order} LIMIT %(most)s"""

OPEN = "r.level IS DISTINCT FROM 'internal' AND (r.secret_until IS NULL OR r.secret_until < %(today)s)"
# Looked at again: which there are may have been counted a moment before.
DOCUMENTS = (
    f"SELECT r.key, r.document::text FROM views.register r WHERE r.key = ANY(%(keys)s::text[]) AND {OPEN}"
)

DAY = "CASE m.moment " + " ".join(f"WHEN '{each}' THEN r.on_{each}" for each in PUBLICATIONS) + " END"

YEARS = "SELECT DISTINCT left(day, 4) FROM published WHERE day <= %(today)s ORDER BY 1 DESC"
OF_ALL = "\n    SELECT day, key"

CONDITIONS: Mapping[str, str] = {
    "reference": "reference = %(reference)s",
    "programme": "programme = %(programme)s",
    "year": "day >= %(first)s AND day <= %(last)s",
    "municipality": "municipalities ? %(municipality)s",
    "theme": "themes ?| %(themes)s::text[]",
    "outcome": "outcome = %(outcome)s",
    # Words that stand elsewhere in a proposal are not public, so nobody finds it by these.
    "q": """(reference LIKE %(prefix)s OR applicant IN (
            SELECT id FROM vault.parties WHERE name ILIKE %(like)s AND kind = ANY(%(kinds)s))
        OR said IN (SELECT w.position FROM log.words w, websearch_to_tsquery('pg_catalog.dutch', %(q)s) AS q
            WHERE w.search @@ q AND to_tsvector('pg_catalog.dutch',
                concat_ws(' ', w.texts ->> 'content.title', w.texts ->> 'content.summary')) @@ q))""",
}


def found(
    parts: Parts, connection: Connection, filters: Filters, *, cursor: str | None = None, limit: int = 50
) -> Page[Document]:
    """A page of the register, what was published last first, with its words and names filled in."""
    place = read_cursor(cursor, parts=2)
    backward = place is not None and place.backward
    day, key = place.key if place else ("", "")
    conditions = "".join(
        f" AND {condition}" for name, condition in CONDITIONS.items() if getattr(filters, name) is not None
    )
    query = sql.SQL(PUBLISHED).format(
        day=sql.SQL(DAY),
        open=sql.SQL(OPEN),
        conditions=sql.SQL(conditions),
        beyond=sql.SQL(f"AND (day, key) {'>' if backward else '<'} (%(day)s, %(key)s)" if place else ""),
        order=sql.SQL("ASC" if backward else "DESC"),
    )
    given = {**_params(parts, filters), "day": day, "key": key, "most": limit + 1}

    def listed() -> list[tuple[str, str]]:
        with connection.cursor(row_factory=tuple_row) as cursor_:
            return cursor_.execute(query, given).fetchall()

    # What is looked for by words or names is not kept: these are not codes, and can be erased.
    question = ("register", given["today"], filters, cursor, limit)
    rows = listed() if filters.q is not None else parts.counted.once(connection, question, listed)
    shown = page(rows, limit, place, lambda row: (row[0], row[1]))
    with connection.cursor(row_factory=tuple_row) as cursor_:
        keys = {"keys": [key for _, key in shown.items], "today": given["today"]}
        documents: dict[str, str] = dict(cursor_.execute(DOCUMENTS.encode(), keys).fetchall())
    items = [(on, msgspec.json.decode(documents[key])) for on, key in shown.items if key in documents]
    return Page(_public(parts, connection, items), shown.next, shown.previous)


def every(parts: Parts, connection: Connection, filters: Filters) -> Iterator[Document]:
    """All of it that the filters leave, a part at a time."""
    cursor: str | None = None
    while True:
        part = found(parts, connection, filters, cursor=cursor, limit=AT_ONCE)
        yield from part.items
        cursor = part.next
        if cursor is None:
            return


def one(parts: Parts, connection: Connection, reference: str) -> Document | None:
    """The proposal with this reference; None when there is none that is published."""
    return next(iter(found(parts, connection, Filters(reference=reference)).items), None)


def years(parts: Parts, connection: Connection) -> list[int]:
    """The years in which something was published, the last one first."""
    query = sql.SQL(PUBLISHED.partition(OF_ALL)[0] + " " + YEARS).format(day=sql.SQL(DAY), open=sql.SQL(OPEN))
    with connection.cursor(row_factory=tuple_row) as cursor:
        return [int(year) for (year,) in cursor.execute(query, _params(parts, Filters())).fetchall()]


def _params(parts: Parts, filters: Filters) -> dict[str, Any]:
    known = [each for code in published_codes(parts) for each in versions(parts, code)]
    q = (filters.q or "").strip()
    plain = q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return {
        "codes": array([each.code for each in known]),
        "versions": array([each.version for each in known]),
        "moments": array([each.publication for each in known]),
        "today": parts.calendar().today.isoformat(),
        "reference": filters.reference,
        "programme": filters.programme,
        "first": f"{filters.year}-01-01",
        "last": f"{filters.year}-12-31",
        "municipality": filters.municipality,
        "themes": [filters.theme or "", *filters.theme_parts],
        "outcome": filters.outcome,
        "q": q,
        "prefix": f"{plain.upper()}%",
        "like": f"%{plain}%",
        "kinds": sorted(NAMED),
    }


def _public(parts: Parts, connection: Connection, items: list[tuple[str, Document]]) -> list[Document]:
    """What is told of each, and nothing else."""
    today = parts.calendar().today
    told = [_told(parts, on, document, today) for on, document in items]
    filled: list[Document] = fill(told, connection, outside(today))
    for each in filled:
        applicant = each["applicant"]
        # No others: the name of somebody who applies without an organisation is that of a person.
        public = applicant is not None and applicant["kind"] in NAMED
        each["applicant"] = {name: applicant[name] for name in ("name", "kind")} if public else None
    return filled


def _told(parts: Parts, on: str, document: Document, today: date) -> Document:
    names = (
        "reference", "programme", "title", "summary", "applicant", "municipalities", "themes", "requested", "awarded",
        "cofinancing", "outcome", "changedAt",
    )  # fmt: skip
    days = document["on"]
    return {
        **{name: document[name] for name in names},
        "publishedOn": on,
        "submittedOn": days["submission"],
        "decidedOn": days["decision"],
        "awardedOn": days["award"],
        "endedOn": days["closing"],
        "judgements": [_judged(act) for act in document["acts"]],
    }


def _judged(act: Document) -> Document:
    """What a body did: its outcome and the day; the words only where their level is public."""
    public = act["level"] == "public"
    return {
        **{name: act[name] for name in ("what", "body", "outcome", "on")},
        "grounds": act["grounds"] if public else None,
        "conditions": act["conditions"] if public else [],
    }
