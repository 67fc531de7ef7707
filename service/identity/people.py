"""Who are the people that sign in, and what are they? Kept in the vault: the log knows them by id only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from psycopg import Connection
from psycopg.errors import UniqueViolation

from service.identity import undeliverable
from service.ids import new_id

__all__ = [
    "ROLES", "SORTS", "Account", "EmailTaken", "Person", "UnknownRole", "account", "add", "by_email", "change",
    "everybody", "get", "has_password", "ids", "names", "search", "set_password", "some", "verified", "verify",
]  # fmt: skip

ROLES = ("submitter", "secretary", "member", "treasurer", "auditor", "admin", "integration")
"""What a person can be; a member is so of the bodies named with the person."""

# OWASP's first choice for argon2id with little memory: a sign-in costs some 20 ms and 19 MiB.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# Of a password that nobody has: an unknown address must take as long to refuse as a wrong password.
_NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$zp2r1ikFthBMHP0tlYWs/A$TpTzcdXS1gHTSanA6Nhrz/kmhVFz7dQKaTcSeEq12Hk"
_COLUMNS = "id, email, name, roles, bodies, organisation, chairs, municipalities"


class EmailTaken(Exception):
    """There is a person with this address already (upper and lower case are the same)."""


class UnknownRole(Exception):
    """There is no such role; the message names those there are."""

    def __init__(self, role: str) -> None:
        super().__init__(f"There is no role '{role}'. Use one of: {', '.join(ROLES)}.")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can act. `bodies` are those whose member this is, `organisation` the id of a party.

    `chairs` are the bodies that this member chairs, `municipalities` those (by code) whose contact this is.
    """

    id: str
    email: str
    name: str
    roles: frozenset[str]
    bodies: frozenset[str]
    organisation: str | None
    chairs: frozenset[str] = frozenset()
    municipalities: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Account:
    """What is needed to sign somebody in: who it is, and the hash of the password; None for nobody, or none."""

    person: Person | None
    password_hash: str | None


def add(
    connection: Connection[Any],
    *,
    email: str,
    name: str,
    roles: Iterable[str],
    bodies: Iterable[str] = (),
    organisation: str | None = None,
    password: str | None = None,
    chairs: Iterable[str] = (),
    municipalities: Iterable[str] = (),
) -> Person:
    """A new person; without a password, one who cannot sign in with one.

    Raises EmailTaken and UnknownRole.
    """
    person = Person(
        new_id("person"), email.strip(), name.strip(), frozenset(roles), frozenset(bodies), organisation,
        frozenset(chairs), frozenset(municipalities),
    )  # fmt: skip
    _refuse_unknown(person.roles)
    try:
        # A transaction of its own (a savepoint inside another), so that a refusal leaves the caller's one usable.
        with connection.transaction():
            connection.execute(
                f"INSERT INTO vault.people ({_COLUMNS}, password_hash) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
                (
                    person.id,
                    person.email,
                    person.name,
                    sorted(person.roles),
                    sorted(person.bodies),
                    person.organisation,
                    sorted(person.chairs),
                    sorted(person.municipalities),
                    _HASHER.hash(password) if password is not None else None,
                ),
            )
    except UniqueViolation as taken:
        raise EmailTaken(email) from taken
    return person


def change(connection: Connection[Any], person: Person) -> None:
    """From now on the person with this id is this, whatever it was before; the password stays.

    Raises EmailTaken and UnknownRole.
    """
    _refuse_unknown(person.roles)
    try:
        with connection.transaction():
            before = get(connection, person.id)
            connection.execute(
                """UPDATE vault.people SET email = %s, name = %s, roles = %s, bodies = %s, organisation = %s,
                chairs = %s, municipalities = %s WHERE id = %s""",
                (
                    person.email.strip(),
                    person.name.strip(),
                    sorted(person.roles),
                    sorted(person.bodies),
                    person.organisation,
                    sorted(person.chairs),
                    sorted(person.municipalities),
                    person.id,
                ),
            )
            if before is not None and before.email != person.email:
                undeliverable.forget_unused(connection)
    except UniqueViolation as taken:
        raise EmailTaken(person.email) from taken


def get(connection: Connection[Any], id: str, *, held: bool = False) -> Person | None:
    """The person with this id, or None; `held`: nobody else changes them before this transaction is over."""
    how = "FOR UPDATE" if held else ""
    found = connection.execute(f"SELECT {_COLUMNS} FROM vault.people WHERE id = %s {how}", (id,))
    return _one(found.fetchone())


def by_email(connection: Connection[Any], email: str) -> Person | None:
    """The person with this address, whatever the case of its letters, or None."""
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM vault.people WHERE lower(email) = lower(%s)", (email.strip(),)
    )
    return _one(found.fetchone())


def account(connection: Connection[Any], email: str) -> Account:
    """The account with this address, whatever the case of its letters; an empty one where there is none."""
    row = connection.execute(
        f"SELECT {_COLUMNS}, password_hash FROM vault.people WHERE lower(email) = lower(%s)", (email.strip(),)
    ).fetchone()
    return Account(_one(row[:8]), row[8]) if row is not None else Account(None, None)


def verified(found: Account, password: str) -> Person | None:
    """Whose account this is, if the password is theirs; None for any other, after as much work: some 20 ms."""
    matches = _matches(found.password_hash or _NOBODY, password)
    return found.person if found.password_hash and matches else None


def verify(connection: Connection[Any], email: str, password: str) -> Person | None:
    """The person with this address and password, in one go."""
    return verified(account(connection, email), password)


def set_password(connection: Connection[Any], id: str, password: str) -> None:
    """From now on the person with this id signs in with this password; tokens they have stay good."""
    connection.execute(
        "UPDATE vault.people SET password_hash = %s WHERE id = %s", (_HASHER.hash(password), id)
    )


def has_password(connection: Connection[Any], id: str) -> bool:
    """Can this person sign in with a password?"""
    row = connection.execute(
        "SELECT password_hash IS NOT NULL FROM vault.people WHERE id = %s", (id,)
    ).fetchone()
    return row is not None and bool(row[0])


SORTS = {"name": "lower(name)", "email": "lower(email)"}
"""What a list of people may be sorted by."""


def search(
    connection: Connection[Any],
    words: str = "",
    role: str | None = None,
    *,
    after: int = 0,
    most: int = 50,
    by: str = "name",
    descending: bool = False,
) -> list[Person]:
    """The people in whose name or address this occurs, and who have this role.

    By one of SORTS, `most` of them beyond the first `after`.
    """
    order = "DESC" if descending else "ASC"
    pattern = words.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    rows = connection.execute(
        f"""SELECT {_COLUMNS} FROM vault.people
        WHERE (name ILIKE %(words)s OR email ILIKE %(words)s) AND (%(role)s::text IS NULL OR %(role)s = ANY(roles))
        ORDER BY {SORTS[by]} {order}, id {order} OFFSET %(after)s LIMIT %(most)s""",
        {"words": f"%{pattern}%", "role": role, "after": after, "most": most},
    ).fetchall()
    return [person for person in map(_one, rows) if person is not None]


def everybody(connection: Connection[Any]) -> list[Person]:
    """Everybody who may sign in, by address."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM vault.people ORDER BY lower(email)").fetchall()
    return [person for person in map(_one, rows) if person is not None]


def some(connection: Connection[Any], ids: Iterable[str]) -> dict[str, Person]:
    """These people, by id; who was erased is left out."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM vault.people WHERE id = ANY(%s)", (list(ids),)
    ).fetchall()
    return {person.id: person for person in map(_one, rows) if person is not None}


def ids(connection: Connection[Any]) -> list[str]:
    """The ids of everybody, by age."""
    return [row[0] for row in connection.execute("SELECT id FROM vault.people ORDER BY id").fetchall()]


def names(connection: Connection[Any], ids: Iterable[str]) -> dict[str, str]:
    """The names of these people, by id; who was erased is left out."""
    found = connection.execute("SELECT id, name FROM vault.people WHERE id = ANY(%s)", (list(ids),))
    return dict(found.fetchall())


def _refuse_unknown(roles: Iterable[str]) -> None:
    for role in sorted(set(roles).difference(ROLES)):
        raise UnknownRole(role)


def _matches(password_hash: str, password: str) -> bool:
    try:
        return _HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def _one(row: tuple[Any, ...] | None) -> Person | None:
    if row is None:
        return None
    id, email, name, roles, bodies, organisation, chairs, municipalities = row
    return Person(
        id,
        email,
        name,
        frozenset(roles),
        frozenset(bodies),
        organisation,
        frozenset(chairs),
        frozenset(municipalities),
    )
