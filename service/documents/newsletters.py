"""What do the councils get to read? A newsletter on a programme and a period: drawn from the log, edited, approved.

The figures are the log's. The secretariat writes the words around them, until it approves: then every edition is kept
as it goes out, and nothing changes any more. What turns out to be wrong is put right by a new newsletter.
"""

from __future__ import annotations

from typing import Any

import msgspec
from psycopg import Connection
from psycopg.rows import tuple_row

from service.documents.councils import Address
from service.messaging.ledger import Delivery
from service.wiring import Parts

__all__ = ["Kept", "NotKept", "edition_mail"]


class NotKept(LookupError):
    """There is no edition of this newsletter for this municipality."""


class Said(msgspec.Struct, frozen=True):
    """An edition in one language: the subject, and the same content as a whole HTML document and as text."""

    subject: str
    html: str
    text: str


class Kept(msgspec.Struct, frozen=True):
    """The edition of a municipality as it was sent, in each language."""

    newsletter: str
    municipality: str
    languages: dict[str, Said]


def edition_mail(parts: Parts, delivery: Delivery, address: Address) -> tuple[str, str, str]:
    """What is mailed to an address of a council: the subject, a whole HTML document, and the same as text.

    As it was kept when it was approved. Raises NotKept when there is no such edition.
    """
    with parts.pool.connection() as connection:
        kept = edition(connection, delivery.stream, address.municipality)
    if kept is None:
        raise NotKept(f"{delivery.stream} has no edition for {address.municipality}")
    said = kept.languages[address.language]
    return said.subject, said.html, said.text


def edition(connection: Connection[Any], newsletter: str, municipality: str) -> Kept | None:
    """The edition of a municipality as it was sent; None before the newsletter was approved."""
    query = "SELECT kept FROM documents.editions WHERE newsletter = %s AND municipality = %s"
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(query, (newsletter, municipality)).fetchone()
    return msgspec.json.decode(row[0], type=Kept) if row else None
