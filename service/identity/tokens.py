"""Whose token is this? Bearer tokens: shown once, kept as a SHA-256, good until they expire."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import Connection

from service.identity import people
from service.identity.people import Person

__all__ = ["SIGNED_IN", "Kept", "create", "id_of", "kept", "owner", "revoke", "revoke_all", "revoke_by_id"]

SIGNED_IN = timedelta(hours=12)
"""How long a token lasts that somebody got by signing in."""

ID_LENGTH = 16
"""Hexadecimal characters of its hash that a token goes by: it says nothing of the token itself."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of a token that was given out."""

    id: str
    expires_at: datetime


def create(connection: Connection[Any], person: str, lasts: timedelta) -> tuple[str, datetime]:
    """A new token for the person with this id, and until when (UTC) it is good. It cannot be shown again."""
    # 256 random bits need no salt and no slow hash. The prefix tells scanners for leaked secrets what it is.
    token = f"bst_{secrets.token_urlsafe(32)}"
    expires_at = (datetime.now(UTC) + lasts).replace(microsecond=0)
    connection.execute("DELETE FROM vault.tokens WHERE expires_at < now()")
    connection.execute(
        "INSERT INTO vault.tokens (hash, person, expires_at) VALUES (%s, %s, %s)",
        (_hash(token), person, expires_at),
    )
    return token, expires_at


def owner(connection: Connection[Any], token: str) -> Person | None:
    """Whose token this is, or None when it is unknown or has expired."""
    row = connection.execute(
        "SELECT person FROM vault.tokens WHERE hash = %s AND expires_at > now()", (_hash(token),)
    ).fetchone()
    return people.get(connection, row[0]) if row is not None else None


def kept(connection: Connection[Any], person: str) -> list[Kept]:
    """The tokens that the person with this id can use, the last to expire at the end."""
    rows = connection.execute(
        "SELECT encode(hash, 'hex'), expires_at FROM vault.tokens"
        " WHERE person = %s AND expires_at > now() ORDER BY expires_at, hash",
        (person,),
    ).fetchall()
    return [Kept(hash[:ID_LENGTH], expires_at.astimezone(UTC)) for hash, expires_at in rows]


def id_of(token: str) -> str:
    """What this token goes by in `kept`."""
    return _hash(token).hex()[:ID_LENGTH]


def revoke(connection: Connection[Any], token: str) -> bool:
    """From now on this token is nobody's; was it somebody's?"""
    return connection.execute("DELETE FROM vault.tokens WHERE hash = %s", (_hash(token),)).rowcount > 0


def revoke_all(connection: Connection[Any], person: str) -> int:
    """From now on the person with this id has no token; how many were there?"""
    return connection.execute("DELETE FROM vault.tokens WHERE person = %s", (person,)).rowcount


def revoke_by_id(connection: Connection[Any], id: str) -> bool:
    """The same, for the token that goes by this id."""
    query = "DELETE FROM vault.tokens WHERE left(encode(hash, 'hex'), %s) = %s"
    return connection.execute(query, (ID_LENGTH, id.strip().lower())).rowcount > 0


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
