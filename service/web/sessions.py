"""Who is signed in on the pages? Sessions are kept here; the browser has a random cookie and nothing else."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from service.identity import people
from service.identity.people import Person

__all__ = ["ABSOLUTE", "IDLE", "Session", "end", "end_all", "find", "going_on", "noticed", "saw", "start"]

IDLE, ABSOLUTE = "2 hours", "12 hours"
"""Until somebody has to sign in again: after so long without a page, and after so long in all."""


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in. `position`: up to where this person's own acts are recorded; `notice`: what the next page says."""

    hash: bytes
    person: Person
    csrf: str
    position: int
    notice: str | None


def start(connection: Connection[Any], person: str) -> str:
    """A new session for the person with this id: what the cookie holds. What has expired goes."""
    token = secrets.token_urlsafe(32)
    connection.execute(
        "DELETE FROM web.sessions WHERE seen_at < now() - %s::interval OR created_at < now() - %s::interval",
        (IDLE, ABSOLUTE),
    )
    connection.execute(
        "INSERT INTO web.sessions (hash, person, csrf) VALUES (%s, %s, %s)",
        (_hash(token), person, secrets.token_urlsafe(32)),
    )
    return token


def find(connection: Connection[Any], token: str) -> Session | None:
    """The session of this cookie, or None when there is none (any more)."""
    row = connection.execute(
        """SELECT s.hash, s.person, s.csrf, s.position, s.notice, s.seen_at < now() - interval '1 minute'
        FROM web.sessions s WHERE s.hash = %s
        AND s.seen_at > now() - %s::interval AND s.created_at > now() - %s::interval""",
        (_hash(token), IDLE, ABSOLUTE),
    ).fetchone()
    person = people.get(connection, row[1]) if row is not None else None
    if row is None or person is None:
        return None
    if row[5]:
        connection.execute("UPDATE web.sessions SET seen_at = now() WHERE hash = %s", (row[0],))
    return Session(bytes(row[0]), person, *row[2:5])


def saw(connection: Connection[Any], session: Session, position: int, notice: str | None) -> None:
    """From now on the pages of this session have seen the log up to here; the next of them says `notice`."""
    connection.execute(
        "UPDATE web.sessions SET position = greatest(position, %s), notice = %s WHERE hash = %s",
        (position, notice, session.hash),
    )


def noticed(connection: Connection[Any], session: Session) -> None:
    """What was to be said has been."""
    connection.execute("UPDATE web.sessions SET notice = NULL WHERE hash = %s", (session.hash,))


def end(connection: Connection[Any], token: str) -> None:
    """Signs out; safe when nobody is signed in."""
    connection.execute("DELETE FROM web.sessions WHERE hash = %s", (_hash(token),))


def end_all(connection: Connection[Any], person: str) -> int:
    """The person with this id is signed in nowhere any more; how many sessions were there?"""
    return connection.execute("DELETE FROM web.sessions WHERE person = %s", (person,)).rowcount


def going_on(connection: Connection[Any], person: str) -> int:
    """How many sessions does the person with this id have?"""
    row = connection.execute(
        """SELECT count(*) FROM web.sessions WHERE person = %s
        AND seen_at > now() - %s::interval AND created_at > now() - %s::interval""",
        (person, IDLE, ABSOLUTE),
    ).fetchone()
    return int(row[0]) if row is not None else 0


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
