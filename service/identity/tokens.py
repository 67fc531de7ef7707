"""Whose token is this, and what for? Bearer tokens: shown once, kept as a SHA-256, good until they expire.

Who signs in over the API gets one without a name. Others are made on purpose: named, for reading only or for acting
too, if one likes for a few acts alone. What a token may do is never more than what its person may at that moment.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import Connection

from service.identity import people
from service.identity.people import Person
from service.identity.permissions import READING, TABLE
from service.identity.shown import FRESH

__all__ = [
    "LISTABLE", "LONGEST", "MOST", "ONESELF", "SCOPES", "SHOWING", "SIGNED_IN", "Kept", "Owner", "create",
    "end_sign_ins", "find", "id_of", "kept", "owner", "revoke", "revoke_all", "revoke_by_id",
]  # fmt: skip

SIGNED_IN = timedelta(hours=12)
"""How long a token lasts that somebody got by signing in."""
LONGEST = timedelta(days=365)
"""How long a token can last."""
MOST = 50
"""Tokens with a name that one person can have."""

SCOPES = ("read", "act")
SHOWING = frozenset({"own-sign-in", "own-access"})
"""What asks that one showed who one is just now: never with a token that has a name, nor with one that is old."""
ONESELF = SHOWING | {"own-data"}
"""What a program does for nobody: change what its person signs in with, take their data along, have them erased."""
LISTABLE = tuple(act for act in TABLE if act not in ONESELF and act != "own-account")
"""The acts that a token can be limited to. One's own account is for oneself: no token that is limited opens it."""

ID_LENGTH = 16
"""Hexadecimal characters of its hash that a token goes by: it says nothing of the token itself."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of a token that was given out; without a name it came from signing in. `acts` None: all of them."""

    id: str
    expires_at: datetime
    name: str
    scope: str
    acts: tuple[str, ...] | None
    created_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a token is, limited to what it is for; and how many seconds it is good yet."""

    person: Person
    left: float


def create(
    connection: Connection[Any],
    person: str,
    lasts: timedelta,
    *,
    name: str = "",
    scope: str = "act",
    acts: Sequence[str] | None = None,
) -> tuple[str, datetime]:
    """A new token for the person with this id, and until when (UTC) it is good. It cannot be shown again.

    It lasts a year at most, whatever was asked.
    """
    # 256 random bits need no salt and no slow hash. The prefix tells scanners for leaked secrets what it is.
    token = f"bst_{secrets.token_urlsafe(32)}"
    expires_at = (datetime.now(UTC) + min(lasts, LONGEST)).replace(microsecond=0)
    connection.execute("DELETE FROM vault.tokens WHERE expires_at < now()")
    connection.execute(
        """INSERT INTO vault.tokens (hash, person, expires_at, name, scope, acts)
        VALUES (%s, %s, %s, %s, %s, %s)""",
        (_hash(token), person, expires_at, name, scope, sorted(set(acts)) if acts else None),
    )
    return token, expires_at


def find(connection: Connection[Any], token: str) -> Owner | None:
    """Whose token this is; None when it is unknown or has expired. That it was used is noted once a minute at most."""
    row = connection.execute(
        """SELECT person, scope, acts, extract(epoch FROM expires_at - now()),
            coalesce(used_at < now() - interval '1 minute', true),
            name = '', created_at > now() - %s::interval
        FROM vault.tokens WHERE hash = %s AND expires_at > now()""",
        (FRESH, _hash(token)),
    ).fetchone()
    person = people.get(connection, row[0]) if row is not None else None
    if row is None or person is None:
        return None
    if row[4]:
        connection.execute("UPDATE vault.tokens SET used_at = now() WHERE hash = %s", (_hash(token),))
    return Owner(replace(person, limited_to=_limit(row[1], row[2], row[5], row[6])), float(row[3]))


def owner(connection: Connection[Any], token: str) -> Person | None:
    """The same, when only the person matters."""
    found = find(connection, token)
    return found.person if found is not None else None


def _limit(scope: str, acts: Sequence[str] | None, by_signing_in: bool, fresh: bool) -> frozenset[str] | None:
    if by_signing_in:
        return None if fresh else frozenset(TABLE) - SHOWING
    within = READING if scope == "read" else frozenset(TABLE) - ONESELF
    return within if acts is None else within & frozenset(acts)


def kept(connection: Connection[Any], person: str) -> list[Kept]:
    """The tokens that the person with this id can use, the last to expire at the end."""
    rows = connection.execute(
        """SELECT encode(hash, 'hex'), expires_at, name, scope, acts, created_at, used_at FROM vault.tokens
        WHERE person = %s AND expires_at > now() ORDER BY expires_at, hash""",
        (person,),
    ).fetchall()
    return [
        Kept(
            hash[:ID_LENGTH], expires_at.astimezone(UTC), name, scope, tuple(acts) if acts is not None else None,
            created_at.astimezone(UTC), used_at.astimezone(UTC) if used_at is not None else None,
        )
        for hash, expires_at, name, scope, acts, created_at, used_at in rows
    ]  # fmt: skip


def id_of(token: str) -> str:
    """What this token goes by in `kept`."""
    return _hash(token).hex()[:ID_LENGTH]


def revoke(connection: Connection[Any], token: str) -> bool:
    """From now on this token is nobody's; was it somebody's?"""
    return connection.execute("DELETE FROM vault.tokens WHERE hash = %s", (_hash(token),)).rowcount > 0


def revoke_all(connection: Connection[Any], person: str) -> int:
    """From now on the person with this id has no token; how many were there?"""
    return connection.execute("DELETE FROM vault.tokens WHERE person = %s", (person,)).rowcount


def end_sign_ins(connection: Connection[Any], person: str) -> int:
    """Ends the tokens that the person with this id got by signing in; those with a name stay. How many were there?"""
    return connection.execute("DELETE FROM vault.tokens WHERE person = %s AND name = ''", (person,)).rowcount


def revoke_by_id(connection: Connection[Any], id: str, person: str | None = None) -> bool:
    """From now on the token that goes by this id is nobody's; `person`: only if it is that one's. Was it somebody's?"""
    query = """DELETE FROM vault.tokens WHERE left(encode(hash, 'hex'), %s) = %s
        AND (%s::text IS NULL OR person = %s)"""
    return connection.execute(query, (ID_LENGTH, id.strip().lower(), person, person)).rowcount > 0


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
