"""Who are the people that sign in, and what are they? Kept in the vault: the log knows them by id only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg import Connection
from psycopg.errors import UniqueViolation

from service.identity import undeliverable
from service.identity.slow_hash import hash_of, is_outdated, matches
from service.ids import new_id
from service.paging import Cursor
from service.settings import ROLES

__all__ = [
    "ORGANISATION_ROLES", "ROLES", "SORTS", "Account", "EmailTaken", "Person", "UnknownRole", "account", "add",
    "by_email", "change", "colleagues", "everybody", "found", "get", "has_password", "hash_of", "ids", "insert",
    "names", "new", "rehashed", "replace_password_hash", "search", "set_password", "set_password_hash", "some",
    "verified", "verify",
]  # fmt: skip

ORGANISATION_ROLES = ("manager", "editor", "reader")
"""What somebody may do with the cases of their organisation: add and remove people too, act on them, or only see."""

# Of a password that nobody has: an unknown address must take as long to refuse as a wrong password.
_NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$zp2r1ikFthBMHP0tlYWs/A$TpTzcdXS1gHTSanA6Nhrz/kmhVFz7dQKaTcSeEq12Hk"
_COLUMNS = "id, email, name, roles, bodies, organisation, chairs, municipalities, organisation_role, seats"
_WIDTH = 10
_SOUGHT: LiteralString = """(name ILIKE %(words)s OR email ILIKE %(words)s)
    AND (%(role)s::text IS NULL OR %(role)s = ANY(roles))"""


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
    `organisation_role` says what they may do with the cases of their organisation, `seats` for which municipality they
    sit in a body: pairs of a body and a municipality.
    `limited_to`: the only acts that this one came to do, by a token for those; None for whatever one may.
    """

    id: str
    email: str
    name: str
    roles: frozenset[str]
    bodies: frozenset[str]
    organisation: str | None
    chairs: frozenset[str] = frozenset()
    municipalities: frozenset[str] = frozenset()
    organisation_role: str = "editor"
    seats: frozenset[tuple[str, str]] = frozenset()
    limited_to: frozenset[str] | None = None

    def seat(self, body: str | None) -> str | None:
        """For which municipality this person sits in a body, where that is known."""
        return next((municipality for of, municipality in sorted(self.seats) if of == body), None)


@dataclass(frozen=True, slots=True)
class Account:
    """What is needed to sign somebody in: who it is, and the hash of the password; None for nobody, or none."""

    person: Person | None
    password_hash: str | None


def new(
    *,
    email: str,
    name: str,
    roles: Iterable[str],
    bodies: Iterable[str] = (),
    organisation: str | None = None,
    chairs: Iterable[str] = (),
    municipalities: Iterable[str] = (),
    organisation_role: str = "editor",
    seats: Iterable[tuple[str, str]] = (),
) -> Person:
    """A person with an id of their own, not yet in the vault. Raises UnknownRole."""
    person = Person(
        new_id("person"), email.strip(), name.strip(), frozenset(roles), frozenset(bodies), organisation,
        frozenset(chairs), frozenset(municipalities), organisation_role, frozenset(seats),
    )  # fmt: skip
    _refuse_unknown(person.roles)
    return person


def add(connection: Connection[Any], *, password: str | None = None, **given: Any) -> Person:
    """A new person (as `new` takes it) in the vault; without a password, one who cannot sign in with one.

    Raises EmailTaken and UnknownRole.
    """
    person = new(**given)
    insert(connection, person, password)
    return person


def insert(connection: Connection[Any], person: Person, password: str | None = None) -> None:
    """Puts a person in the vault. Raises EmailTaken."""
    try:
        # A transaction of its own (a savepoint inside another), so that a refusal leaves the caller's one usable.
        with connection.transaction():
            connection.execute(
                f"""INSERT INTO vault.people ({_COLUMNS}, password_hash)
                VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)""",
                (
                    person.id,
                    person.email,
                    person.name,
                    sorted(person.roles),
                    sorted(person.bodies),
                    person.organisation,
                    sorted(person.chairs),
                    sorted(person.municipalities),
                    person.organisation_role,
                    _kept(person.seats),
                    hash_of(password) if password is not None else None,
                ),
            )
    except UniqueViolation as taken:
        raise EmailTaken(person.email) from taken


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
                chairs = %s, municipalities = %s, organisation_role = %s, seats = %s WHERE id = %s""",
                (
                    person.email.strip(),
                    person.name.strip(),
                    sorted(person.roles),
                    sorted(person.bodies),
                    person.organisation,
                    sorted(person.chairs),
                    sorted(person.municipalities),
                    person.organisation_role,
                    _kept(person.seats),
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
    # What the database can't even be asked for is nobody's: looked up all the same, so that it takes as long.
    row = connection.execute(
        f"SELECT {_COLUMNS}, password_hash FROM vault.people WHERE lower(email) = lower(%s)",
        (email.strip() if email.isprintable() else "",),
    ).fetchone()
    return Account(_one(row[:_WIDTH]), row[_WIDTH]) if row is not None else Account(None, None)


def verified(found: Account, password: str) -> Person | None:
    """Whose account this is, if the password is theirs; None for any other, after as much work: some 20 ms."""
    right = matches(found.password_hash or _NOBODY, password)
    return found.person if found.password_hash and right else None


def verify(connection: Connection[Any], email: str, password: str) -> Person | None:
    """The person with this address and password, in one go."""
    return verified(account(connection, email), password)


def set_password(connection: Connection[Any], id: str, password: str) -> None:
    """From now on the person with this id signs in with this password; tokens they have stay good."""
    set_password_hash(connection, id, hash_of(password))


def set_password_hash(connection: Connection[Any], id: str, hashed: str) -> None:
    """The same, with what `hash_of` made of the password, which takes some 20 ms: hold no connection meanwhile."""
    connection.execute("UPDATE vault.people SET password_hash = %s WHERE id = %s", (hashed, id))


def rehashed(found: Account, password: str) -> str | None:
    """This password of theirs as passwords are kept now; None where it is kept so already."""
    return hash_of(password) if found.password_hash and is_outdated(found.password_hash) else None


def replace_password_hash(connection: Connection[Any], found: Account, hashed: str) -> None:
    """Keeps the password of this account so from now on, unless there is another one meanwhile."""
    if found.person is not None:
        connection.execute(
            "UPDATE vault.people SET password_hash = %s WHERE id = %s AND password_hash = %s",
            (hashed, found.person.id, found.password_hash),
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
    rows = connection.execute(
        f"""SELECT {_COLUMNS} FROM vault.people WHERE {_SOUGHT}
        ORDER BY {SORTS[by]} {order}, id {order} OFFSET %(after)s LIMIT %(most)s""",
        {"words": _pattern(words), "role": role, "after": after, "most": most},
    ).fetchall()
    return [person for person in map(_one, rows) if person is not None]


def found(
    connection: Connection[Any], words: str, role: str | None, place: Cursor | None, most: int
) -> list[Person]:
    """The same by id, so by when they were added: `most` beyond this place, which names nobody."""
    beyond, order = ("<", "DESC") if place is not None and place.backward else (">", "ASC")
    rows = connection.execute(
        f"""SELECT {_COLUMNS} FROM vault.people WHERE {_SOUGHT} AND id {beyond} %(place)s
        ORDER BY id {order} LIMIT %(most)s""",
        {"words": _pattern(words), "role": role, "place": place.key[0] if place else "", "most": most},
    ).fetchall()
    return [person for person in map(_one, rows) if person is not None]


def _pattern(words: str) -> str:
    escaped = words.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


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


def colleagues(connection: Connection[Any], organisation: str) -> list[Person]:
    """Everybody who acts for this organisation, by name."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM vault.people WHERE organisation = %s ORDER BY lower(name), id",
        (organisation,),
    ).fetchall()
    return [person for person in map(_one, rows) if person is not None]


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


def _one(row: tuple[Any, ...] | None) -> Person | None:
    if row is None:
        return None
    id, email, name, roles, bodies, organisation, chairs, municipalities, organisation_role, seats = row
    return Person(
        id,
        email,
        name,
        frozenset(roles),
        frozenset(bodies),
        organisation,
        frozenset(chairs),
        frozenset(municipalities),
        organisation_role,
        frozenset(_seat(each) for each in seats),
    )


def _kept(seats: Iterable[tuple[str, str]]) -> list[str]:
    return [f"{body}/{municipality}" for body, municipality in sorted(seats)]


def _seat(kept: str) -> tuple[str, str]:
    body, _, municipality = kept.partition("/")
    return body, municipality
