"""By which link does somebody choose a password? Mailed, good for a while, once; as an invitation, or a reset.

A link is an id and a signature under the service's secret, so the database holds nothing to sign in with. Asking for
one does the same work and leaves the same trace whether there is an account or not.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import timedelta
from hmac import compare_digest
from typing import Any

from psycopg import Connection

from service.identity import people
from service.identity.people import Person
from service.ids import new_id
from service.keyed import signatures
from service.messaging import security
from service.settings import Settings

__all__ = [
    "INVITATION",
    "RESET",
    "Link",
    "address",
    "ask",
    "end_all",
    "find",
    "invite",
    "is_good",
    "read",
    "use",
]

RESET, INVITATION = timedelta(minutes=30), timedelta(days=7)
"""How long a link is good."""
MOST_AT_ONCE = 3
"""Links to reset a password that one person can have at a time: who asks more often gets no more mail."""

PURPOSE = b"besluitspoor password link 1\n"
"""So that what is signed here is good for nothing else that the secret signs."""
NOBODY = "person-nobody"
TOKEN = re.compile(r"(link-[0-9a-f-]{36})\.([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class Link:
    """A link that can be used: whose it is, and what for."""

    id: str
    person: Person
    purpose: str


def ask(connection: Connection[Any], email: str) -> None:
    """Mails a link to who has this address and a password; for nobody does as much, and mails nothing."""
    found = people.account(connection, email)
    person = found.person if found.person is not None and found.password_hash and found.person.roles else None
    with connection.transaction():
        connection.execute("DELETE FROM vault.password_links WHERE expires_at < now() - interval '7 days'")
        id = person.id if person is not None else NOBODY
        row = connection.execute(
            """SELECT count(*) FROM vault.password_links
            WHERE person = %s AND purpose = 'reset' AND used_at IS NULL AND expires_at > now()""",
            (id,),
        ).fetchone()
        wanted = person is not None and row is not None and row[0] < MOST_AT_ONCE
        try:
            with connection.transaction():
                _make(connection, id, person.email if person is not None else email, "reset", RESET)
                if not wanted:
                    raise _Undone
        except _Undone:
            # Written all the same, so that the answer takes as long.
            connection.execute(
                "INSERT INTO vault.password_links (id, purpose, expires_at) VALUES (%s, 'reset', now())",
                (new_id("link"),),
            )


def invite(connection: Connection[Any], person: Person) -> None:
    """Mails this person a link to choose their first password. Links they had before are good no more."""
    end_all(connection, person.id)
    _make(connection, person.id, person.email, "invitation", INVITATION)


def end_all(connection: Connection[Any], person: str) -> None:
    """No link of the person with this id is good any more."""
    connection.execute(
        "UPDATE vault.password_links SET used_at = now() WHERE person = %s AND used_at IS NULL", (person,)
    )


def address(settings: Settings, id: str) -> str:
    """The link with this id, as it is mailed."""
    return f"{settings.public_url}/sign-in/link/{id}.{_signatures(settings, id)[0]}"


def read(settings: Settings, token: str) -> str | None:
    """The id of the link that ends so; None for one that we did not make."""
    parts = TOKEN.fullmatch(token)
    if parts is None or not any(compare_digest(parts[2], each) for each in _signatures(settings, parts[1])):
        return None
    return parts[1]


def find(connection: Connection[Any], id: str) -> Link | None:
    """The link with this id, as long as it can be used. Looking at it uses nothing up."""
    row = connection.execute(
        """SELECT l.person, l.purpose, l.email FROM vault.password_links l
        WHERE l.id = %s AND l.used_at IS NULL AND l.expires_at > now()""",
        (id,),
    ).fetchone()
    person = people.get(connection, row[0]) if row is not None and row[0] is not None else None
    if row is None or person is None or not person.roles or person.email.lower() != row[2].lower():
        return None
    return Link(id, person, row[1])


def is_good(connection: Connection[Any], id: str) -> bool:
    """Can the link with this id still be used?"""
    return find(connection, id) is not None


def use(connection: Connection[Any], id: str) -> Link | None:
    """The same, and it is used up when the caller's transaction ends; of two who try at once one gets it."""
    connection.execute("SELECT 1 FROM vault.password_links WHERE id = %s FOR UPDATE", (id,))
    link = find(connection, id)
    if link is not None:
        connection.execute("UPDATE vault.password_links SET used_at = now() WHERE id = %s", (id,))
    return link


class _Undone(Exception):
    """What was done for nobody is undone."""


def _make(connection: Connection[Any], person: str, email: str, purpose: str, lasts: timedelta) -> None:
    id = new_id("link")
    connection.execute(
        """INSERT INTO vault.password_links (id, person, purpose, email, expires_at)
        VALUES (%s, %s, %s, %s, now() + %s)""",
        (id, person, purpose, email, lasts),
    )
    security.mail_link(connection, person, purpose, id)


def _signatures(settings: Settings, id: str) -> list[str]:
    """What the link with this id may end with: with the first it is made."""
    made = signatures(settings, PURPOSE + id.encode())
    return [base64.urlsafe_b64encode(each).decode().rstrip("=") for each in made]
