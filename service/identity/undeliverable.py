"""Which addresses take no mail any more, since when and why? Until somebody says to try one again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

__all__ = ["Refusal", "forget_unused", "lift", "note", "refusal"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """An address that takes no mail: what the other side said, without addresses, and when."""

    reason: str
    at: datetime


def note(connection: Connection[Any], email: str, reason: str) -> None:
    """From now on no mail goes to this address. Another address of the same person is tried."""
    connection.execute(
        """INSERT INTO vault.undeliverable (email, reason) VALUES (lower(%s), %s)
        ON CONFLICT (email) DO UPDATE SET reason = excluded.reason, at = now()""",
        (email, reason),
    )


def refusal(connection: Connection[Any], email: str) -> Refusal | None:
    """Why no mail goes to this address; None when mail does."""
    with connection.cursor(row_factory=class_row(Refusal)) as cursor:
        query = "SELECT reason, at FROM vault.undeliverable WHERE lower(email) = lower(%s) LIMIT 1"
        return cursor.execute(query, (email,)).fetchone()


def lift(connection: Connection[Any], email: str) -> bool:
    """Mail goes to this address again; was it held back?"""
    query = "DELETE FROM vault.undeliverable WHERE lower(email) = lower(%s)"
    return connection.execute(query, (email.strip(),)).rowcount > 0


def forget_unused(connection: Connection[Any]) -> None:
    """Forgets the addresses that nobody has any more: for whoever changes an address."""
    connection.execute(
        """DELETE FROM vault.undeliverable u
        WHERE NOT EXISTS (SELECT FROM vault.people p WHERE lower(p.email) = lower(u.email))
            AND NOT EXISTS (SELECT FROM vault.council_addresses a WHERE lower(a.email) = lower(u.email))"""
    )
