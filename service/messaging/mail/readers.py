"""Who reads a mail, at which address, in which language? A person, or an address of a council, by id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import tuple_row

from service.documents import councils
from service.documents.councils import Address

__all__ = ["Reader", "find", "is_council"]

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody to mail. `refused`: why this address takes no mail; `council`: the address, of a council."""

    id: str
    email: str
    name: str
    language: str
    refused: str | None = None
    council: Address | None = None


def is_council(recipient: str) -> bool:
    """Is this the id of an address of a council?"""
    return recipient.startswith("address-")


def find(connection: Connection, recipient: str) -> Reader | None:
    """Who this is now; None for who is not there any more, or has no role any more."""
    if is_council(recipient):
        address = councils.address(connection, recipient)
        if address is None:
            return None
        return Reader(recipient, address.email, "", address.language, address.refused, address)
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(
            """SELECT p.id, p.email, p.name, coalesce(h.language, 'nl'),
                (SELECT reason FROM vault.undeliverable u WHERE lower(u.email) = lower(p.email) LIMIT 1)
            FROM vault.people p LEFT JOIN vault.hearing h ON h.person = p.id WHERE p.id = %s AND p.roles <> '{}'""",
            (recipient,),
        ).fetchone()
    return Reader(*row) if row is not None else None
