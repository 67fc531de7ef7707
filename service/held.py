"""What is held about somebody? Every row beside the log that is of this person or has their address, and their acts.

Which tables these are is asked of the database: those that refer to a person, and those of the vault and of the pages
with an address. So a table that comes later is in it by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

from projections.plain import instant
from service.identity.people import Person
from service.identity.scope import Scope

__all__ = ["Place", "acts", "messages", "places", "rows"]

Connection = psycopg.Connection[Any]

PEOPLE = ("vault", "people")

PLACES = """SELECT n.nspname, c.relname, a.attname FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r' JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE NOT a.attisdropped AND a.attnum > 0 AND (
        (n.nspname IN ('vault', 'web') AND a.attname IN ('person', 'email'))
        OR EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = c.oid
            AND f.confrelid = 'vault.people'::regclass AND f.conkey = ARRAY[a.attnum] AND f.confdeltype = 'c'))
    ORDER BY n.nspname, c.relname, a.attname"""

SECRET = ("hash", "secret", "csrf", "password", "key")
"""What signs somebody in, by a part of the name of its column: shown to nobody, its owner either."""


@dataclass(frozen=True, slots=True)
class Place:
    """A column that says whose a row is: by id, or by address."""

    schema: str
    table: str
    column: str

    @property
    def name(self) -> str:
        """What the table is called, for example `web.drafts`."""
        return f"{self.schema}.{self.table}"

    @property
    def of_people(self) -> bool:
        """Is it the table of people itself?"""
        return (self.schema, self.table) == PEOPLE

    def query(self, begin: str) -> sql.Composed:
        """A statement about the rows of one person."""
        wanted = "lower(t.{column}) = lower(%s)" if self.column == "email" else "t.{column} = %s"
        text = f"{begin} {{schema}}.{{table}} t WHERE {wanted}"
        parts = {"schema": self.schema, "table": self.table, "column": self.column}
        return sql.SQL(text).format(**{name: sql.Identifier(part) for name, part in parts.items()})

    def value(self, person: Person) -> str:
        """What stands in that column of this person's rows."""
        return person.email if self.column == "email" else person.id


def places(connection: Connection) -> list[Place]:
    """Where rows of people are, but for the people themselves."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        found = [Place(*row) for row in cursor.execute(PLACES).fetchall()]
    return [place for place in found if not place.of_people]


def rows(connection: Connection, person: Person) -> dict[str, list[dict[str, Any]]]:
    """Every row of this person by the name of its table, without what signs them in; empty tables are left out."""
    found: dict[str, list[dict[str, Any]]] = {}
    for place in places(connection):
        with connection.cursor(row_factory=tuple_row) as cursor:
            kept = cursor.execute(place.query("SELECT to_jsonb(t) FROM"), (place.value(person),)).fetchall()
        shown = [dict(_open(row)) for (row,) in kept]
        if shown:
            known = found.setdefault(place.name, [])
            known += [row for row in shown if row not in known]
    return found


def acts(connection: Connection, person: str, scope: Scope) -> list[dict[str, Any]]:
    """Everything this person recorded, newest first: the event, on what, by what people call that, in which role.

    What is confidential by now has no reference for who may not know of it.
    """
    query = f"""SELECT e.notification_id, e.topic, e.originator_id, s.reference, e.recorded_at,
            convert_from(e.state, 'UTF8')::jsonb #>> '{{capacity,role}}',
            convert_from(e.state, 'UTF8')::jsonb #>> '{{capacity,body}}'
        FROM log.events e LEFT JOIN views.status s ON s.key = e.originator_id AND NOT {scope.secret()}
        WHERE position(%(by)s::bytea IN e.state) > 0 ORDER BY e.notification_id DESC"""
    with connection.cursor(row_factory=tuple_row) as cursor:
        found = cursor.execute(query.encode(), {**scope.params, "by": by(person)}).fetchall()
    return [
        {
            "position": position,
            "event": event,
            "stream": stream,
            "reference": reference,
            "recordedAt": instant(at),
            "role": role,
            "body": body,
        }
        for position, event, stream, reference, at, role, body in found
    ]


def messages(connection: Connection, person: str, scope: Scope) -> list[dict[str, Any]]:
    """Everything this person was told, newest first: of which kind, about what, over which channel."""
    query = f"""SELECT d.id, n.kind, n.stream, s.reference, d.channel, d.relation, d.state, d.created_at
        FROM ledger.deliveries d JOIN ledger.notices n ON n.id = d.notice
        LEFT JOIN views.status s ON s.key = n.stream AND NOT {scope.secret()}
        WHERE d.recipient = %(person)s ORDER BY d.id DESC"""
    with connection.cursor(row_factory=tuple_row) as cursor:
        found = cursor.execute(query.encode(), {**scope.params, "person": person}).fetchall()
    return [
        {
            "id": id,
            "kind": kind,
            "stream": stream,
            "reference": reference,
            "channel": channel,
            "relation": relation,
            "state": state,
            "createdAt": instant(at),
        }
        for id, kind, stream, reference, channel, relation, state, at in found
    ]


def by(person: str) -> bytes:
    """What stands in the state of each event that this person recorded; what is typed has its quotes escaped."""
    return f'"by":"{person}"'.encode()


def _open(row: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in row.items():
        if not any(part in name for part in SECRET):
            yield name, value
