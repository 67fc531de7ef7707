"""Which account elsewhere is whose? Kept in the vault, by the issuer and what it calls the person."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from service.ids import new_id

__all__ = [
    "Identity", "Stranger", "end", "find", "forget_old", "forget_strangers", "link", "note", "of_person", "party_of",
    "remember_party", "stranger", "strangers", "used",
]  # fmt: skip

KEPT = "30 days"
"""How long somebody who is a stranger here is remembered."""
LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""In a code that is told over the phone: none that sound or look like another."""


@dataclass(frozen=True, slots=True)
class Identity:
    """An account elsewhere. `roles` and `organisation`: what it gave when it was used last.

    `linked_by`: the administrator who linked it, None when it came about by signing in; `ended_at`: it is no more.
    """

    id: str
    issuer: str
    person: str
    roles: frozenset[str]
    organisation: str | None
    linked_at: datetime
    linked_by: str | None
    used_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Stranger:
    """Somebody who signed in elsewhere and is nobody here: known by a code that they were told."""

    issuer: str
    subject: str
    code: str
    email: str
    name: str
    at: datetime


_COLUMNS = "id, issuer, person, roles, organisation, linked_at, linked_by, used_at, ended_at"


def find(connection: Connection[Any], issuer: str, subject: str) -> Identity | None:
    """The identity of this account elsewhere, also when it was ended; locked until the end of the transaction."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM vault.identities WHERE issuer = %s AND subject = %s FOR UPDATE",
        (issuer, subject),
    ).fetchone()
    return _one(row) if row is not None else None


def of_person(connection: Connection[Any], person: str) -> list[Identity]:
    """The accounts elsewhere that the person with this id signs in with, the oldest first."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM vault.identities WHERE person = %s AND ended_at IS NULL ORDER BY linked_at, id",
        (person,),
    ).fetchall()
    return [_one(row) for row in rows]


def link(connection: Connection[Any], issuer: str, subject: str, person: str, by: str | None = None) -> None:
    """From now on this account elsewhere is the person with this id; it was nobody's, or was ended."""
    connection.execute(
        """INSERT INTO vault.identities (id, issuer, subject, person, linked_by) VALUES (%s, %s, %s, %s, %s)
        ON CONFLICT (issuer, subject) DO UPDATE SET person = excluded.person, linked_by = excluded.linked_by,
            linked_at = now(), ended_at = NULL, used_at = NULL, roles = '{}', organisation = NULL""",
        (new_id("identity"), issuer, subject, person, by),
    )
    connection.execute("DELETE FROM vault.strangers WHERE issuer = %s AND subject = %s", (issuer, subject))


def used(
    connection: Connection[Any], issuer: str, subject: str, roles: Iterable[str], organisation: str | None
) -> None:
    """Somebody signed in with it just now, and it gave this."""
    connection.execute(
        "UPDATE vault.identities SET used_at = now(), roles = %s, organisation = %s WHERE issuer = %s AND subject = %s",
        (sorted(roles), organisation, issuer, subject),
    )


def end(connection: Connection[Any], id: str, person: str) -> bool:
    """From now on nobody signs in with this identity of the person with this id; was it theirs?"""
    query = "UPDATE vault.identities SET ended_at = now() WHERE id = %s AND person = %s AND ended_at IS NULL"
    return connection.execute(query, (id, person)).rowcount > 0


def note(connection: Connection[Any], issuer: str, subject: str, email: str, name: str) -> str:
    """Remembers somebody who is nobody here: the code to tell an administrator."""
    code = "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(2))
    row = connection.execute(
        """INSERT INTO vault.strangers (issuer, subject, code, email, name) VALUES (%s, %s, %s, %s, %s)
        ON CONFLICT (issuer, subject) DO UPDATE SET email = excluded.email, name = excluded.name, at = now()
        RETURNING code""",
        (issuer, subject, code, email, name),
    ).fetchone()
    assert row is not None
    return str(row[0])


def strangers(connection: Connection[Any], email: str) -> list[Stranger]:
    """Those who signed in elsewhere with this address, and are nobody here."""
    with connection.cursor(row_factory=class_row(Stranger)) as cursor:
        query = """SELECT issuer, subject, code, email, name, at FROM vault.strangers
            WHERE lower(email) = lower(%s) AND at > now() - %s::interval ORDER BY at"""
        return cursor.execute(query, (email, KEPT)).fetchall()


def stranger(connection: Connection[Any], code: str) -> Stranger | None:
    """Who was told this code, however it is typed."""
    plain = "".join(letter for letter in code.upper() if letter in LETTERS)
    with connection.cursor(row_factory=class_row(Stranger)) as cursor:
        query = """SELECT issuer, subject, code, email, name, at FROM vault.strangers
            WHERE replace(code, '-', '') = %s AND at > now() - %s::interval FOR UPDATE"""
        return cursor.execute(query, (plain, KEPT)).fetchone()


def forget_old(connection: Connection[Any]) -> int:
    """Forgets strangers who were not linked in time; how many?"""
    return connection.execute("DELETE FROM vault.strangers WHERE at < now() - %s::interval", (KEPT,)).rowcount


def forget_strangers(connection: Connection[Any], email: str) -> None:
    """Forgets who signed in elsewhere with this address and was nobody here: for whoever erases a person."""
    connection.execute("DELETE FROM vault.strangers WHERE lower(email) = lower(%s)", (email,))


def party_of(connection: Connection[Any], issuer: str, organisation: str) -> str | None:
    """The id of the party that this issuer means by an identifier of an organisation."""
    row = connection.execute(
        "SELECT party FROM vault.identity_organisations WHERE issuer = %s AND organisation = %s",
        (issuer, organisation),
    ).fetchone()
    return str(row[0]) if row is not None else None


def remember_party(connection: Connection[Any], issuer: str, organisation: str, party: str) -> None:
    """From now on the issuer means this party by it."""
    connection.execute(
        """INSERT INTO vault.identity_organisations (issuer, organisation, party) VALUES (%s, %s, %s)
        ON CONFLICT DO NOTHING""",
        (issuer, organisation, party),
    )


def _one(row: tuple[Any, ...]) -> Identity:
    id, issuer, person, roles, *others = row
    return Identity(id, issuer, person, frozenset(roles), *others)
