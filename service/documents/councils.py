"""To which addresses does a council get its newsletter? One or more a municipality, kept in the vault.

An address is that of a council or its office and belongs to no account. Its id (`address-...`) is what deliveries name.
One that turned the newsletter off is kept, and gets nothing until the secretariat puts it back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row, tuple_row

from service.identity import undeliverable
from service.ids import new_id
from service.proposal_input import plain
from service.texts import DEFAULT, LANGUAGES

__all__ = [
    "LONGEST", "Address", "Line", "Wrong", "add", "address", "by_municipality", "ids", "is_email", "known",
    "listed", "put_back", "read_lines", "remove", "unsubscribe",
]  # fmt: skip

LONGEST = 320
"""Characters of an address at most."""

EMAIL = re.compile(r"[^@\s<>()\[\],;:\\\"]+@[^@\s<>()\[\],;:\\\".]+(\.[^@\s<>()\[\],;:\\\".]+)+")

ADDRESSES = """SELECT a.id, a.municipality, a.email, a.language, a.unsubscribed_at, u.at AS refused_at,
        u.reason AS refused
    FROM vault.council_addresses a LEFT JOIN vault.undeliverable u ON u.email = lower(a.email)"""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a council reads its newsletter, and in which language. `municipality` is its code (GM0772).

    `unsubscribed_at`: since when it wants none; `refused_at`: since when it takes no mail, and `refused` why.
    """

    id: str
    municipality: str
    email: str
    language: str
    unsubscribed_at: datetime | None = None
    refused_at: datetime | None = None
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """An address as it was pasted; `number` counts lines from 1."""

    number: int
    municipality: str
    email: str
    language: str


@dataclass(frozen=True, slots=True)
class Wrong:
    """A line that is no address; `code` says why: municipality, email, language or parts."""

    number: int
    code: str
    said: str


def ids(connection: Connection[Any], municipality: str) -> list[str]:
    """The ids of the addresses of a municipality's council that want the newsletter; empty when none does."""
    query = """SELECT id FROM vault.council_addresses
        WHERE municipality = %s AND unsubscribed_at IS NULL ORDER BY id"""
    with connection.cursor(row_factory=tuple_row) as cursor:
        return [row[0] for row in cursor.execute(query, (municipality,)).fetchall()]


def address(connection: Connection[Any], id: str) -> Address | None:
    """The address with this id; None when it is not there (any more)."""
    with connection.cursor(row_factory=class_row(Address)) as cursor:
        return cursor.execute(f"{ADDRESSES} WHERE a.id = %s", (id,)).fetchone()


def listed(connection: Connection[Any]) -> list[Address]:
    """Every address, by municipality and then in the order of the alphabet."""
    with connection.cursor(row_factory=class_row(Address)) as cursor:
        return cursor.execute(f"{ADDRESSES} ORDER BY a.municipality, lower(a.email)").fetchall()


def by_municipality(connection: Connection[Any]) -> dict[str, list[Address]]:
    """The same, by the code of the municipality."""
    found: dict[str, list[Address]] = {}
    for each in listed(connection):
        found.setdefault(each.municipality, []).append(each)
    return found


def add(connection: Connection[Any], municipality: str, email: str, language: str = DEFAULT) -> str:
    """Keeps an address, and answers its id. One that is there keeps its id, and gets this language.

    A new one is mailed, also where mail to it was refused before. One that is there and unsubscribed stays so: whoever
    pastes the whole list again puts nobody back.
    """
    query = """INSERT INTO vault.council_addresses (id, municipality, email, language) VALUES (%s, %s, %s, %s)
        ON CONFLICT (municipality, lower(email)) DO UPDATE SET language = excluded.language RETURNING id"""
    id = new_id("address")
    with connection.transaction(), connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(query, (id, municipality, email, language)).fetchone()
        assert row is not None
        if row[0] == id:
            undeliverable.lift(connection, email)
    return str(row[0])


def remove(connection: Connection[Any], id: str) -> bool:
    """Takes an address away; was it there? What was sent to it stays in the ledger, by its id."""
    with connection.transaction():
        removed = connection.execute("DELETE FROM vault.council_addresses WHERE id = %s", (id,)).rowcount > 0
        if removed:
            undeliverable.forget_unused(connection)
    return removed


def unsubscribe(connection: Connection[Any], id: str) -> None:
    """From now on nothing goes to this address; again changes nothing."""
    connection.execute(
        "UPDATE vault.council_addresses SET unsubscribed_at = now() WHERE id = %s AND unsubscribed_at IS NULL",
        (id,),
    )


def put_back(connection: Connection[Any], id: str) -> bool:
    """The newsletter goes to this address again, whether it unsubscribed or refused mail; is it there?"""
    query = "UPDATE vault.council_addresses SET unsubscribed_at = NULL WHERE id = %s RETURNING email"
    with connection.transaction(), connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(query, (id,)).fetchone()
        if row is not None:
            undeliverable.lift(connection, row[0])
    return row is not None


def is_email(written: str) -> bool:
    """Does this look like one plain e-mail address?"""
    return len(written) <= LONGEST and EMAIL.fullmatch(written) is not None


def read_lines(pasted: str, codes: Mapping[str, str]) -> tuple[list[Line], list[Wrong]]:
    """The addresses in lines such as `GM0772; griffie@example.org; nl`, and what is wrong with the other lines.

    `codes` are the codes of municipalities by whatever they may be called (`known`); a tab or a comma parts as well as
    a semicolon does. The language may be left out. Empty lines, and those that begin with #, say nothing.
    """
    found: list[Line] = []
    wrong: list[Wrong] = []
    for number, written in enumerate(pasted.splitlines(), 1):
        line = written.strip()
        if not line or line.startswith("#"):
            continue
        parts = [part.strip() for part in re.split(r"[;\t,]", line)]
        while len(parts) > 2 and not parts[-1]:
            parts.pop()
        if not 2 <= len(parts) <= 3:
            wrong.append(Wrong(number, "parts", line))
            continue
        code = codes.get(plain(parts[0]))
        language = parts[2].lower() if len(parts) == 3 else DEFAULT
        if code is None:
            wrong.append(Wrong(number, "municipality", parts[0]))
        elif not is_email(parts[1]):
            wrong.append(Wrong(number, "email", parts[1]))
        elif language not in LANGUAGES:
            wrong.append(Wrong(number, "language", parts[2]))
        else:
            found.append(Line(number, code, parts[1], language))
    return found, wrong


def known(municipalities: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The codes of municipalities by what they may be called, from pairs of a code and a name."""
    return {plain(called): code for code, name in municipalities for called in (code, name)}
