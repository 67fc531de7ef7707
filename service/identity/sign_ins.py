"""Who signed in, when, how and from which network? Kept for some weeks, so that misuse can be seen, and then gone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from service.identity.guard import Try

__all__ = ["KEPT", "OUTCOMES", "SignIn", "forget_old", "note", "recent"]

KEPT = timedelta(days=90)
"""How long a sign-in is kept: long enough to look into misuse, no longer than that needs (AVG, 5(1)(e))."""
OUTCOMES = ("done", "refused", "locked")


@dataclass(frozen=True, slots=True)
class SignIn:
    """A sign-in, or a try: `person` is None when nobody has the address, of which `address` is a keyed digest."""

    id: int
    at: datetime
    person: str | None
    address: str
    way: str
    outcome: str
    network: str


def note(connection: Connection[Any], tried: Try, person: str | None, way: str, outcome: str) -> None:
    """Keeps that somebody signed in (`done`), was `refused`, or `locked` out."""
    connection.execute(
        "INSERT INTO vault.sign_ins (person, address, way, outcome, network) VALUES (%s, %s, %s, %s, %s)",
        (person, tried.address[:16], way, outcome, tried.said),
    )


def recent(
    connection: Connection[Any],
    *,
    person: str | None = None,
    outcome: str | None = None,
    before: int | None = None,
    most: int = 50,
) -> list[SignIn]:
    """The latest first: of one person, or of everybody; those before this id."""
    with connection.cursor(row_factory=class_row(SignIn)) as cursor:
        return cursor.execute(
            """SELECT id, at, person, address, way, outcome, network FROM vault.sign_ins
            WHERE (%(person)s::text IS NULL OR person = %(person)s)
            AND (%(outcome)s::text IS NULL OR outcome = %(outcome)s)
            AND (%(before)s::bigint IS NULL OR id < %(before)s)
            ORDER BY id DESC LIMIT %(most)s""",
            {"person": person, "outcome": outcome, "before": before, "most": most},
        ).fetchall()


def forget_old(connection: Connection[Any], now: datetime) -> int:
    """Forgets what was kept long enough; how many?"""
    return connection.execute("DELETE FROM vault.sign_ins WHERE at < %s", (now - KEPT,)).rowcount
