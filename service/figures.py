"""How much? Of an envelope, and of everything by theme, municipality and subregion: now or at any moment.

At a moment with a position the views must have got there first (`Clock.wait_for`). `hidden` are the confidential cases
that do not exist for the reader (`Scope.hidden`): they count in no sum over cases. What an envelope has, has given and
has left counts all of it, or its money would not add up: there they go by the name CONFIDENTIAL, together.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_DOWN, Decimal
from typing import Any

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

from domain.recorded import NOW, Moment
from projections.plain import day, euros
from projections.portfolio import MEASURES
from projections.view import Document
from service.identity.scope import CONFIDENTIAL

__all__ = ["budget", "budget_days", "budgets", "counting", "left", "params_of", "portfolio", "ratio", "total"]

Connection = psycopg.Connection[Any]

DIMENSIONS = {"themes": "theme", "municipalities": "municipality", "subregions": "subregion"}
"""The columns of the portfolio, and what an entry in each is called."""


GROUPED = (0b011, 0b101, 0b110)
"""What GROUPING answers for each of the three: a bit for each that a row is not about."""


def budgets(connection: Connection, moment: Moment = NOW, code: str | None = None) -> list[Document]:
    """The envelopes that were open at a moment, by code: amount, committed, held back and left, in euros."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        query = "SELECT document::text FROM views.budget WHERE %(code)s::text IS NULL OR code = %(code)s ORDER BY key"
        rows = cursor.execute(query, {"code": code}).fetchall()
        documents: list[Document] = [msgspec.json.decode(row[0]) for row in rows]
        if moment.is_now:
            return documents
        query_sums = sql.SQL(
            """SELECT stream, sum(amount), sum(committed), sum(held_back),
                max(version), max(position)
            FROM views.budget_facts WHERE stream = ANY(%(streams)s) {} GROUP BY stream"""
        ).format(counting(moment))
        streams = [document["id"] for document in documents]
        sums = cursor.execute(query_sums, {"streams": streams, **params_of(moment)}).fetchall()
    at = {stream: rest for stream, *rest in sums}
    return [
        _budget_at(document, moment, *at[document["id"]]) for document in documents if document["id"] in at
    ]


def _budget_at(
    document: Document,
    moment: Moment,
    amount: int,
    committed: int,
    held_back: int,
    version: int,
    position: int,
) -> Document:
    sources = [
        source
        for source in document["sources"]
        if (moment.position is None or source["position"] <= moment.position)
        and (moment.effective_on is None or source["effectiveOn"] <= day(moment.effective_on))
    ]
    if moment.effective_on is not None:
        sources.sort(key=lambda source: (source["effectiveOn"], source["position"]))
    return {
        **document,
        "sources": sources,
        "amount": euros(amount),
        "committed": euros(committed),
        "heldBack": euros(held_back),
        "left": euros(amount - committed - held_back),
        "version": version,
        "position": position,
    }


def budget(
    connection: Connection, code: str, moment: Moment = NOW, hidden: Sequence[str] = ()
) -> Document | None:
    """One envelope with `perProposal`: committed and held back of each; None when it was not open then."""
    found = budgets(connection, moment, code)
    if not found:
        return None
    query = sql.SQL(
        """SELECT proposal, sum(committed), sum(held_back) FROM (
            SELECT CASE WHEN proposal = ANY(%(hidden)s) THEN %(confidential)s ELSE proposal END AS proposal,
                committed, held_back
            FROM views.budget_facts WHERE stream = %(stream)s AND proposal IS NOT NULL {}
        ) AS given GROUP BY proposal ORDER BY proposal COLLATE "C" """
    ).format(counting(moment))
    given = {"stream": found[0]["id"], "confidential": CONFIDENTIAL, "hidden": list(hidden)}
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(query, {**given, **params_of(moment)}).fetchall()
    per_proposal = {
        proposal: {"committed": euros(committed), "heldBack": euros(held_back)}
        for proposal, committed, held_back in rows
    }
    return {**found[0], "perProposal": per_proposal}


def portfolio(
    connection: Connection,
    moment: Moment = NOW,
    programme: str | None = None,
    hidden: Sequence[str] = (),
) -> Document:
    """What was asked and given, in all and by theme, municipality and subregion.

    `countsFully`: a case counts fully under each of its themes, municipalities and subregions, so the entries of one
    column may add up to more than the total. Euros; a multiplier is co-financing divided by what was requested.
    """
    sums = ", ".join(f"sum({measure}) AS {measure}" for measure in MEASURES)
    # One scan sums by each column as it is kept (`a,b`), of which there are few; then each of these is taken apart.
    query = sql.SQL(
        f"""WITH counted AS MATERIALIZED (
            SELECT {", ".join(DIMENSIONS)}, GROUPING({", ".join(DIMENSIONS)}) AS grouped, {sums}
            FROM views.portfolio_facts
            WHERE (%(programme)s::text IS NULL OR programme = %(programme)s) {{counting}}
            GROUP BY GROUPING SETS ({", ".join(f"({column})" for column in DIMENSIONS)}, ())
        )
        SELECT 'total', '', {", ".join(MEASURES)} FROM counted WHERE grouped = 7
        """
        + "".join(
            f"""UNION ALL SELECT '{column}', code, {sums}
            FROM counted, string_to_table({column}, ',') AS code WHERE grouped = {grouped} GROUP BY code
            """
            for column, grouped in zip(DIMENSIONS, GROUPED, strict=True)
        )
    ).format(counting=counting(moment, hidden))
    with connection.transaction(), connection.cursor(row_factory=tuple_row) as cursor:
        cursor.execute("SET LOCAL work_mem = '64MB'")
        rows = cursor.execute(query, {"programme": programme, **params_of(moment, hidden)}).fetchall()
    columns: dict[str, list[Document]] = {column: [] for column in DIMENSIONS}
    total = _figures(*(0 for _ in MEASURES))
    for column, code, *measures in rows:
        figures = _figures(*(int(measure or 0) for measure in measures))
        if column == "total":
            total = figures
        elif figures["proposals"]:
            columns[column].append({DIMENSIONS[column]: code, **figures})
    return {
        "total": total,
        **{
            column: sorted(found, key=lambda each: each[DIMENSIONS[column]])
            for column, found in columns.items()
        },
        "countsFully": True,
    }


def left(connection: Connection, moment: Moment = NOW) -> str:
    """What is left in all envelopes together that were open at a moment, in euros."""
    query = sql.SQL(
        """SELECT coalesce(sum(amount - committed - held_back), 0) FROM views.budget_facts
        WHERE stream IN (SELECT key FROM views.budget) {}"""
    ).format(counting(moment))
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(query, params_of(moment)).fetchone()
    assert row is not None
    return euros(int(row[0]))


def total(connection: Connection, moment: Moment = NOW, hidden: Sequence[str] = ()) -> Document:
    """What was asked and given in all: the total of `portfolio`, for a fraction of the work."""
    sums = ", ".join(f"coalesce(sum({measure}), 0)" for measure in MEASURES)
    query = sql.SQL(f"SELECT {sums} FROM views.portfolio_facts WHERE true {{}}").format(
        counting(moment, hidden)
    )
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(query, params_of(moment, hidden)).fetchone()
    assert row is not None
    return _figures(*map(int, row))


def _figures(
    proposals: int, requested: int, promised: int, granted: int, own: int, committed: int, held_back: int
) -> Document:
    cofinancing = {"promised": promised, "granted": granted, "own": own, "total": promised + granted + own}
    return {
        "proposals": proposals,
        "requested": euros(requested),
        "awarded": euros(committed + held_back),
        "committed": euros(committed),
        "heldBack": euros(held_back),
        "cofinancing": {name: euros(amount) for name, amount in cofinancing.items()},
        "multiplier": {name: ratio(amount, requested) for name, amount in cofinancing.items()},
    }


def ratio(part: int, whole: int) -> str | None:
    """With two decimals, rounded down so that too little never looks enough; None when nothing was requested."""
    if not whole:
        return None
    return str((Decimal(part) / Decimal(whole)).quantize(Decimal("0.01"), ROUND_DOWN))


def counting(moment: Moment, hidden: Sequence[str] = ()) -> sql.SQL:
    """The facts that count at a moment, but for those of these cases, as conditions behind others."""
    known = " AND position <= %(position)s" if moment.position is not None else ""
    true = " AND effective_on <= %(effective_on)s" if moment.effective_on is not None else ""
    seen = " AND stream <> ALL(%(hidden)s)" if hidden else ""
    return sql.SQL(known + true + seen)


def params_of(moment: Moment, hidden: Sequence[str] = ()) -> dict[str, Any]:
    """What `counting` names."""
    found: dict[str, Any] = {"position": moment.position, "effective_on": moment.effective_on}
    return {**found, "hidden": list(hidden)} if hidden else found


def budget_days(
    connection: Connection, streams: list[str], moment: Moment = NOW
) -> list[tuple[date, int, int, int]]:
    """How these envelopes stood together at the end of each date on which they changed: amount, committed, held back.

    In cents, oldest first.
    """
    query = sql.SQL(
        """SELECT effective_on, sum(sum(amount)) OVER before, sum(sum(committed)) OVER before,
            sum(sum(held_back)) OVER before
        FROM views.budget_facts WHERE stream = ANY(%(streams)s) {}
        GROUP BY effective_on WINDOW before AS (ORDER BY effective_on) ORDER BY effective_on"""
    ).format(counting(moment))
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(query, {"streams": streams, **params_of(moment)}).fetchall()
    return [(on, int(amount), int(committed), int(held)) for on, amount, committed, held in rows]
