"""Who is at a provider just now, and what do they come back to? Kept for ten minutes, for one browser, for once."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

from service.identity.oidc.asked import Begun

__all__ = ["LASTS", "Waiting", "cookie_for", "forget", "keep", "take"]

LASTS = 10 * 60
"""Seconds in which somebody has to come back."""
MARK = 100
"""Characters of the mark of who typed a form, at most."""
MOST_KEPT = 100_000_000
"""Characters of forms that are kept at once, for all: who is not signed in must not fill the disk."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What was kept of a sign-in: what must come back, where it leads, and the form that came too late.

    `typed_by` is the mark of who typed that form; `shows` the id of the session whose person shows once more who they
    are, empty for who signs in; `at` when they left, in seconds of the epoch.
    """

    nonce: str
    verifier: str
    goes_to: str
    fields: list[tuple[str, str]]
    typed_by: str
    shows: str = ""
    at: float = 0.0


def cookie_for(state: str) -> str:
    """The name of the cookie of a sign-in: each has its own, so that two tabs do not hinder each other."""
    return f"sign-in-{_hash(state).hex()[:16]}"


def keep(
    connection: Connection[Any],
    begun: Begun,
    provider: str,
    goes_to: str,
    fields: Sequence[tuple[str, str]],
    typed_by: str = "",
    shows: str = "",
) -> str | None:
    """Keeps a sign-in that was begun: what the cookie holds. None when there is no room for the form."""
    forget(connection)
    # NUL is the one character that PostgreSQL has no place for; no form of ours takes it.
    plain = [[name.replace("\0", ""), value.replace("\0", "")] for name, value in fields]
    size = len(json.dumps(plain)) if plain else 0
    if size:
        row = connection.execute("SELECT coalesce(sum(size), 0) FROM web.on_their_way").fetchone()
        if row is not None and row[0] + size > MOST_KEPT:
            return None
    browser = secrets.token_urlsafe(32)
    connection.execute(
        """INSERT INTO web.on_their_way (state, browser, provider, nonce, verifier, goes_to, fields, typed_by,
            size, shows)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)""",
        (
            _hash(begun.state),
            _hash(browser),
            provider,
            begun.nonce,
            begun.verifier,
            goes_to,
            Jsonb(plain),
            typed_by[:MARK].replace("\0", ""),
            size,
            shows,
        ),
    )
    return browser


def take(connection: Connection[Any], provider: str, state: str, browser: str) -> Waiting | None:
    """What was kept of a sign-in, which is gone with that; None when there is none of this browser."""
    row = connection.execute(
        """DELETE FROM web.on_their_way WHERE state = %s AND browser = %s AND provider = %s
            AND created_at > now() - make_interval(secs => %s)
        RETURNING nonce, verifier, goes_to, fields, typed_by, shows, extract(epoch FROM created_at)""",
        (_hash(state), _hash(browser), provider, LASTS),
    ).fetchone()
    if row is None:
        return None
    nonce, verifier, goes_to, fields, typed_by, shows, at = row
    pairs = [(name, value) for name, value in fields]
    return Waiting(nonce, verifier, goes_to, pairs, typed_by, shows, float(at))


def forget(connection: Connection[Any]) -> int:
    """Forgets who did not come back in time; how many?"""
    query = "DELETE FROM web.on_their_way WHERE created_at < now() - make_interval(secs => %s)"
    return connection.execute(query, (LASTS,)).rowcount


def _hash(value: str) -> bytes:
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).digest()
