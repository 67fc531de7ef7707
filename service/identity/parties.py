"""Which organisations and persons do proposals name? Kept in the vault: the log knows them by id only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from service.arrays import array
from service.ids import new_id

__all__ = [
    "ONE_PERSON",
    "ORGANISATIONS",
    "Party",
    "add",
    "find_or_add",
    "get",
    "known_among",
    "known_parties",
    "names",
    "new",
    "organisation_named",
]


ORGANISATIONS = frozenset(
    {
        "association", "company", "cooperative", "foundation", "government", "knowledge-institute", "municipality",
        "network", "organisation", "province",
    }
)  # fmt: skip
"""Kinds that are never one person; a party of any other kind may be, so that its name is that of a person."""

ONE_PERSON = ("natural-person", "person", "sole-trader")
"""Kinds that are always one person."""


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody who takes part: `kind` is a code, such as company or foundation."""

    id: str
    kind: str
    name: str


def new(kind: str, name: str) -> Party:
    """A party with an id of its own, not yet in the vault: an append records it in the transaction of its events."""
    return Party(new_id("party"), kind, name)


def add(connection: Connection[Any], party: Party) -> None:
    """Put a party in the vault by itself."""
    connection.execute(
        "INSERT INTO vault.parties (id, kind, name) VALUES (%s, %s, %s)", (party.id, party.kind, party.name)
    )


def find_or_add(connection: Connection[Any], kind: str, name: str) -> str:
    """The id of the party of this kind and name, who is put in the vault when nobody named it before."""
    made = new(kind, name)
    row = connection.execute(
        """INSERT INTO vault.parties (id, kind, name) VALUES (%s, %s, %s)
        ON CONFLICT (name, kind) DO UPDATE SET kind = excluded.kind RETURNING id""",
        (made.id, made.kind, made.name),
    ).fetchone()
    assert row is not None
    return str(row[0])


def get(connection: Connection[Any], id: str) -> Party | None:
    """The party with this id, or None."""
    row = connection.execute("SELECT id, kind, name FROM vault.parties WHERE id = %s", (id,)).fetchone()
    return Party(*row) if row is not None else None


def known_parties(connection: Connection[Any], kind: str, name: str) -> str | None:
    """The id of the party of this kind and name, or None when nobody named it before."""
    row = connection.execute(
        "SELECT id FROM vault.parties WHERE kind = %s AND name = %s ORDER BY id LIMIT 1", (kind, name)
    ).fetchone()
    return str(row[0]) if row is not None else None


def organisation_named(connection: Connection[Any], name: str) -> str | None:
    """The id of the organisation of this name, however its letters are written, for which somebody can sign in."""
    row = connection.execute(
        """SELECT p.id FROM vault.parties p WHERE lower(p.name) = lower(%s)
        AND EXISTS (SELECT 1 FROM vault.people WHERE organisation = p.id) ORDER BY p.id LIMIT 1""",
        (name,),
    ).fetchone()
    return str(row[0]) if row is not None else None


def known_among(
    connection: Connection[Any], wanted: Iterable[tuple[str, str]], also: str | None = None
) -> list[Party]:
    """Which of these parties (kind and name) somebody named before, and the one with the id `also`, in one query."""
    both = list(wanted)
    found = connection.execute(
        """SELECT p.id, p.kind, p.name FROM vault.parties p
        JOIN unnest(%s::text[], %s::text[]) AS wanted (kind, name) USING (kind, name)
        UNION SELECT p.id, p.kind, p.name FROM vault.parties p WHERE p.id = %s""",
        (array([kind for kind, _ in both]), array([name for _, name in both]), also),
    )
    return [Party(*row) for row in found.fetchall()]


def names(connection: Connection[Any], ids: Iterable[str]) -> dict[str, str]:
    """The names of these parties, by id; who was erased is left out."""
    found = connection.execute("SELECT id, name FROM vault.parties WHERE id = ANY(%s)", (list(ids),))
    return dict(found.fetchall())
