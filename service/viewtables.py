"""Which tables does a view live in? Made from its definition, by the role that runs the service.

While a view is rebuilt its new tables stand beside the live ones, under the same names with `__new` behind them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg
from psycopg import sql

from projections.view import Column, Facts, View
from projections.views import VIEWS

__all__ = ["BESIDE", "ensure_tables", "index_tables", "make_tables", "switch_tables", "table"]

Connection = psycopg.Connection[Any]

BESIDE = "__new"
"""Behind the name of a table that is not live yet."""

TABLES_LOCK = 7133010


def table(name: str, suffix: str = "") -> sql.Identifier:
    """A table of the schema `views`."""
    return sql.Identifier("views", name + suffix)


def ensure_tables(connection: Connection, views: Iterable[View] = VIEWS) -> None:
    """Makes what is missing; safe when several processes start at once.

    A view that is new while the log has been folded already is registered as version 0: it is to be rebuilt.
    """
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (TABLES_LOCK,))
        known = {name for (name,) in _rows(connection, "SELECT name FROM views.registry")}
        for view in views:
            if view.name in known:
                _add_columns(connection, view)
                continue
            make_tables(connection, view)
            index_tables(connection, view)
            connection.execute(
                "INSERT INTO views.registry SELECT %s, CASE WHEN position = 0 THEN %s ELSE 0 END FROM views.position",
                (view.name, view.version),
            )


def _add_columns(connection: Connection, view: View) -> None:
    """What a newer version of a view reads stands in its old table too, until that has been rebuilt."""
    query = "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped"
    there = {name for (name,) in _rows(connection, query, (f'views."{view.name}"',))}
    for column in view.columns:
        if there and column.name not in there:
            connection.execute(
                sql.SQL("ALTER TABLE {} ADD COLUMN {}").format(table(view.name), _generated(column))
            )


def _generated(column: Column) -> sql.Composed:
    return sql.SQL("{} {} GENERATED ALWAYS AS ({}) STORED").format(
        sql.Identifier(column.name),
        sql.SQL(column.type),
        sql.SQL(column.expression),
    )


def make_tables(connection: Connection, view: View, suffix: str = "") -> None:
    """The tables of a view, empty and without indexes; what stood under these names goes."""
    generated = [_generated(column) for column in view.columns]
    columns = [
        sql.SQL('key text COLLATE "C" NOT NULL, stream text COLLATE "C" NOT NULL, position bigint NOT NULL'),
        *generated,
        sql.SQL("document jsonb NOT NULL"),
    ]
    # Room on each page, so that a rewritten document stays on it and touches no index. What fits a page is not
    # compressed: for a document that is often rewritten that would be a quarter of the database's work.
    options = sql.SQL(" WITH (fillfactor = 80, toast_tuple_target = 8160)")
    _make(connection, table(view.name, suffix), columns, options)
    if view.facts is not None:
        _make(connection, table(view.facts.name, suffix), _fact_columns(view.facts), sql.SQL(""))


def _fact_columns(facts: Facts) -> list[sql.Composable]:
    typed = [sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(type)) for name, type in facts.columns]
    first = sql.SQL('position bigint NOT NULL, effective_on date NOT NULL, stream text COLLATE "C" NOT NULL')
    return [first, *typed]


def _make(
    connection: Connection, name: sql.Identifier, columns: list[sql.Composable], options: sql.Composable
) -> None:
    connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(name))
    connection.execute(sql.SQL("CREATE TABLE {} ({}){}").format(name, sql.SQL(", ").join(columns), options))


def index_tables(connection: Connection, view: View, suffix: str = "") -> None:
    """The primary key and the indexes of a view's tables; their names are left to the database."""
    connection.execute(sql.SQL("ALTER TABLE {} ADD PRIMARY KEY (key)").format(table(view.name, suffix)))
    wanted = [(view.name, index) for index in view.indexes]
    if view.facts is not None:
        wanted += [(view.facts.name, index) for index in view.facts.indexes]
    for name, index in wanted:
        statement = sql.SQL("CREATE INDEX ON {} USING {}")
        connection.execute(statement.format(table(name, suffix), sql.SQL(index)))


def switch_tables(connection: Connection, view: View) -> None:
    """What stands beside becomes live, what was live goes. Within the caller's transaction and lock time-out."""
    for name in (view.name, *([view.facts.name] if view.facts else [])):
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(table(name)))
        rename = sql.SQL("ALTER TABLE {} RENAME TO {}")
        connection.execute(rename.format(table(name, BESIDE), sql.Identifier(name)))
    connection.execute(
        "INSERT INTO views.registry VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET version = excluded.version",
        (view.name, view.version),
    )


def _rows(connection: Connection, query: str, given: tuple[Any, ...] | None = None) -> list[Any]:
    with connection.cursor(row_factory=psycopg.rows.tuple_row) as cursor:
        return cursor.execute(query.encode(), given).fetchall()
