"""Who is signed in on the pages? Sessions are kept here; the browser has a random cookie and nothing else.

What the cookie holds is changed at every sign-in, when its person becomes something else, and after half an hour of
use. Several requests may be under way then with what it held before, and the answer with the new one may get lost: so
the old one is good until a minute after the new one was first sent back.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from service.identity import people
from service.identity.people import Person
from service.identity.shown import FRESH
from service.ids import new_id

__all__ = [
    "ABSOLUTE", "HOW", "IDLE", "ROTATE", "WITH_CODE", "Kept", "Session", "end", "end_all", "end_one", "find",
    "going_on", "kept", "noticed", "rotate", "saw", "showed", "start", "strengthen",
]  # fmt: skip

IDLE, ABSOLUTE = "2 hours", "12 hours"
"""Until somebody has to sign in again: after so long without a page, and after so long in all."""
ROTATE = "30 minutes"
"""After so long in use the cookie gets another value."""
OVERLAP = "1 minute"
"""So long what the cookie held before is good after the new value was first sent back."""

HOW = ("password", "password-and-code", "passkey", "elsewhere", "elsewhere-unchecked", "elsewhere-and-code")
"""How somebody can have signed in; `elsewhere`: with their organisation, at a level that was checked or was not."""
WITH_CODE = {"password": "password-and-code", "elsewhere-unchecked": "elsewhere-and-code"}
"""What may have been no more than a password, and what it is with our code beside it."""


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in. `position`: up to where this person's own acts are recorded; `notice`: what the next page says.

    `due`: its cookie should get another value. `late`: the cookie came with the value that it had before. `fresh`: its
    person showed who they are a short while ago.
    """

    hash: bytes
    person: Person
    csrf: str
    position: int
    notice: str | None
    id: str = ""
    how: str = "password"
    due: bool = False
    late: bool = False
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """A session as its person sees it in a list."""

    id: str
    created_at: datetime
    seen_at: datetime
    how: str
    browser: str
    device: str


def start(
    connection: Connection[Any], person: str, how: str = "password", browser: str = "", device: str = ""
) -> str:
    """A new session for the person with this id: what the cookie holds. What has expired goes."""
    token = secrets.token_urlsafe(32)
    connection.execute(
        "DELETE FROM web.sessions WHERE seen_at < now() - %s::interval OR created_at < now() - %s::interval",
        (IDLE, ABSOLUTE),
    )
    found = people.get(connection, person)
    connection.execute(
        """INSERT INTO web.sessions (hash, person, csrf, id, how, browser, device, privileges)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s)""",
        (
            _hash(token), person, secrets.token_urlsafe(32), new_id("session"), how, browser, device,
            _privileges(found) if found is not None else "",
        ),
    )  # fmt: skip
    return token


def find(connection: Connection[Any], token: str) -> Session | None:
    """The session of this cookie, or None when there is none (any more)."""
    hash = _hash(token)
    row = connection.execute(
        """SELECT s.hash, s.person, s.csrf, s.position, s.notice, s.id, s.how, s.privileges,
            s.seen_at < now() - interval '1 minute', s.taken_at IS NULL,
            s.rotated_at < now() - %(rotate)s::interval, s.rotated_at < now() - %(overlap)s::interval,
            s.shown_at > now() - %(fresh)s::interval
        FROM web.sessions s
        WHERE (s.hash = %(hash)s
            OR (s.old_hash = %(hash)s AND (s.taken_at IS NULL OR s.taken_at > now() - %(overlap)s::interval)))
        AND s.seen_at > now() - %(idle)s::interval AND s.created_at > now() - %(absolute)s::interval""",
        {
            "hash": hash, "idle": IDLE, "absolute": ABSOLUTE, "rotate": ROTATE, "overlap": OVERLAP, "fresh": FRESH,
        },
    ).fetchone()  # fmt: skip
    person = people.get(connection, row[1]) if row is not None else None
    if row is None or person is None:
        return None
    present = bytes(row[0]) == hash
    untaken, long_ago, a_while_ago = row[9:12]
    if row[8] or (present and untaken):
        connection.execute(
            "UPDATE web.sessions SET seen_at = now(), taken_at = CASE WHEN %s THEN coalesce(taken_at, now())"
            " ELSE taken_at END WHERE id = %s",
            (present, row[5]),
        )
    # Who still comes with the old one a minute later never got the new one.
    due = (long_ago or row[7] != _privileges(person)) if present else (untaken and a_while_ago)
    _, _, csrf, position, notice, id, how, *_ = row
    return Session(
        bytes(row[0]), person, csrf, position, notice, id, how, due, late=not present, fresh=row[12]
    )


def rotate(connection: Connection[Any], session: Session, how: str | None = None) -> str | None:
    """Another value for the cookie of this session; None when another request just gave it one.

    `how`: somebody has also shown this much of who they are.
    """
    token = secrets.token_urlsafe(32)
    changed = connection.execute(
        """UPDATE web.sessions SET hash = %(new)s, rotated_at = now(), taken_at = NULL,
            old_hash = CASE WHEN %(late)s THEN old_hash ELSE hash END,
            privileges = %(privileges)s, how = coalesce(%(how)s, how)
        WHERE id = %(id)s AND hash = %(present)s""",
        {
            "new": _hash(token), "privileges": _privileges(session.person), "how": how, "id": session.id,
            "present": session.hash, "late": session.late,
        },
    ).rowcount  # fmt: skip
    return token if changed else None


def strengthen(connection: Connection[Any], session: Session, how: str) -> str | None:
    """The same, and what the cookie held before is good no more: what it may from now on is more than before."""
    token = rotate(connection, session, how)
    connection.execute("UPDATE web.sessions SET old_hash = NULL WHERE id = %s", (session.id,))
    return token


def showed(connection: Connection[Any], session: Session) -> None:
    """The person of this session showed once more who they are."""
    connection.execute("UPDATE web.sessions SET shown_at = now() WHERE id = %s", (session.id,))


def saw(connection: Connection[Any], session: Session, position: int, notice: str | None) -> None:
    """From now on the pages of this session have seen the log up to here; the next of them says `notice`."""
    connection.execute(
        "UPDATE web.sessions SET position = greatest(position, %s), notice = %s WHERE id = %s",
        (position, notice, session.id),
    )


def noticed(connection: Connection[Any], session: Session) -> None:
    """What was to be said has been."""
    connection.execute("UPDATE web.sessions SET notice = NULL WHERE id = %s", (session.id,))


def end(connection: Connection[Any], token: str) -> None:
    """Signs out; safe when nobody is signed in."""
    connection.execute(
        "DELETE FROM web.sessions WHERE hash = %(hash)s OR old_hash = %(hash)s", {"hash": _hash(token)}
    )


def end_one(connection: Connection[Any], person: str, id: str) -> bool:
    """Ends the session with this id, if it is one of this person; was it?"""
    query = "DELETE FROM web.sessions WHERE id = %s AND person = %s"
    return connection.execute(query, (id, person)).rowcount > 0


def end_all(connection: Connection[Any], person: str, but: str = "") -> int:
    """The person with this id is signed in nowhere any more, `but` for this session; how many ended?"""
    query = "DELETE FROM web.sessions WHERE person = %s AND id <> %s"
    return connection.execute(query, (person, but)).rowcount


def kept(connection: Connection[Any], person: str) -> list[Kept]:
    """The sessions of the person with this id, the one that was used last first."""
    with connection.cursor(row_factory=class_row(Kept)) as cursor:
        return cursor.execute(
            """SELECT id, created_at, seen_at, how, browser, device FROM web.sessions WHERE person = %s
            AND seen_at > now() - %s::interval AND created_at > now() - %s::interval
            ORDER BY seen_at DESC, id DESC""",
            (person, IDLE, ABSOLUTE),
        ).fetchall()


def going_on(connection: Connection[Any], person: str) -> int:
    """How many sessions does the person with this id have?"""
    return len(kept(connection, person))


def _privileges(person: Person) -> str:
    """Another text for each other thing that somebody can be."""
    facts = (
        sorted(person.roles), sorted(person.bodies), sorted(person.chairs), sorted(person.municipalities),
        person.organisation, person.organisation_role, sorted(person.seats),
    )  # fmt: skip
    return hashlib.sha256(repr(facts).encode("utf-8", "surrogatepass")).hexdigest()


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
