"""Who gave the right password, or came from a provider, and still has to give a code? Nobody is signed in by it."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

__all__ = ["LASTS", "MOST_TRIES", "HalfWay", "begin", "end", "who"]

LASTS = 600
"""Seconds in which the code has to come."""
MOST_TRIES = 5


@dataclass(frozen=True, slots=True)
class HalfWay:
    """The id of a person, and the code of the provider that they came from; empty for who gave a password."""

    person: str
    provider: str


def begin(connection: Connection[Any], person: str, provider: str = "") -> str:
    """What the browser is to hold meanwhile. What is too old goes."""
    token = secrets.token_urlsafe(32)
    connection.execute(
        "DELETE FROM web.half_way WHERE created_at < now() - make_interval(secs => %s)", (LASTS,)
    )
    connection.execute(
        "INSERT INTO web.half_way (hash, person, provider) VALUES (%s, %s, %s)",
        (_hash(token), person, provider),
    )
    return token


def who(connection: Connection[Any], token: str) -> HalfWay | None:
    """Who is half way; None when that was too long ago. Asking is a try: there are few."""
    row = connection.execute(
        """UPDATE web.half_way SET tries = tries + 1 WHERE hash = %s AND tries < %s
        AND created_at > now() - make_interval(secs => %s) RETURNING person, provider""",
        (_hash(token), MOST_TRIES, LASTS),
    ).fetchone()
    return HalfWay(*row) if row is not None else None


def end(connection: Connection[Any], person: str) -> None:
    """The person with this id is half way nowhere any more."""
    connection.execute("DELETE FROM web.half_way WHERE person = %s", (person,))


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
