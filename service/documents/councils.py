"""To which addresses does a council get its newsletter? One or more a municipality, kept in the vault.

An address is that of a council or its office and belongs to no account. Its id (`address-...`) is what deliveries name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row, tuple_row

from service.ids import new_id
from service.proposal_input import plain
from service.texts import DEFAULT, LANGUAGES

__all__ = [
    "LONGEST", "Address", "Line", "Wrong", "add", "address", "by_municipality", "ids", "is_email", "known",
    "listed", "read_lines", "remove",
]  # fmt: skip

LONGEST = 320
"""Characters of an address at most."""

EMAIL = re.compile(r"[^@\s<>()\[\],;:\\\"]+@[^@\s<>()\[\],;:\\\".]+(\.[^@\s<>()\[\],;:\\\".]+)+")

COLUMNS = "id, municipality, email, language"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a council reads its newsletter, and in which language. `municipality` is its code (GM0772)."""

    id: str
    municipality: str
    email: str
    language: str


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
    """The ids of the addresses of a municipality's council; empty when it has none."""
    query = "SELECT id FROM vault.council_addresses WHERE municipality = %s ORDER BY id"
    with connection.cursor(row_factory=tuple_row) as cursor:
        return [row[0] for row in cursor.execute(query, (municipality,)).fetchall()]


def address(connection: Connection[Any], id: str) -> Address | None:
    """The address with this id; None when it is not there (any more)."""
    with connection.cursor(row_factory=class_row(Address)) as cursor:
        return cursor.execute(
            f"SELECT {COLUMNS} FROM vault.council_addresses WHERE id = %s", (id,)
        ).fetchone()


def listed(connection: Connection[Any]) -> list[Address]:
    """Every address, by municipality and then in the order of the alphabet."""
    with connection.cursor(row_factory=class_row(Address)) as cursor:
        query = f"SELECT {COLUMNS} FROM vault.council_addresses ORDER BY municipality, lower(email)"
        return cursor.execute(query).fetchall()


def by_municipality(connection: Connection[Any]) -> dict[str, list[Address]]:
    """The same, by the code of the municipality."""
    found: dict[str, list[Address]] = {}
    for each in listed(connection):
        found.setdefault(each.municipality, []).append(each)
    return found


def add(connection: Connection[Any], municipality: str, email: str, language: str = DEFAULT) -> str:
    """Keeps an address, and answers its id. One that is there keeps its id, and gets this language."""
    query = """INSERT INTO vault.council_addresses (id, municipality, email, language) VALUES (%s, %s, %s, %s)
        ON CONFLICT (municipality, lower(email)) DO UPDATE SET language = excluded.language RETURNING id"""
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(query, (new_id("address"), municipality, email, language)).fetchone()
    assert row is not None
    return str(row[0])


def remove(connection: Connection[Any], id: str) -> bool:
    """Takes an address away; was it there? What was sent to it stays in the ledger, by its id."""
    return connection.execute("DELETE FROM vault.council_addresses WHERE id = %s", (id,)).rowcount > 0


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
