"""Is it really them? A code of an app (RFC 6238) beside the password, or one of ten codes to fall back on.

No code is taken twice, nor one from before a code that was taken. After five wrong ones in a row none is taken for a
quarter of an hour.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyotp
from psycopg import Connection

from service.identity.people import Person
from service.identity.sealing import resealed, seal, unseal
from service.identity.slow_hash import hashes_of, the_same
from service.settings import Settings

__all__ = [
    "BLOCKED", "CODES", "MOST_WRONG", "State", "address_for_app", "begin", "check", "confirm", "is_needed", "is_on",
    "new_codes", "remove", "state", "to_confirm",
]  # fmt: skip

CODES = 10
"""Recovery codes that one gets."""
MOST_WRONG = 5
BLOCKED = timedelta(minutes=15)

ISSUER = "Besluitspoor"
SEALED = "second factor 1"
GROUPS, GROUP = 3, 4
"""Of letters that a recovery code is made of, and letters in each."""
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Of recovery codes: none that looks like another."""
AROUND = (0, -1, 1)
"""Clocks differ: half a minute earlier or later is good too."""


@dataclass(frozen=True, slots=True)
class State:
    """How somebody's second factor stands. `begun`: there is a secret that was not confirmed yet."""

    on: bool = False
    begun: bool = False
    codes_left: int = 0


def state(connection: Connection[Any], person: str) -> State:
    """How it stands for the person with this id."""
    row = connection.execute(
        """SELECT confirmed_at IS NOT NULL,
            (SELECT count(*) FROM vault.recovery_codes c WHERE c.person = f.person AND used_at IS NULL)
        FROM vault.second_factors f WHERE person = %s""",
        (person,),
    ).fetchone()
    return State(row[0], not row[0], row[1]) if row is not None else State()


def is_on(connection: Connection[Any], person: str) -> bool:
    """Is a code asked of the person with this id?"""
    return state(connection, person).on


def is_needed(settings: Settings, person: Person) -> bool:
    """Has this person a role of which a second factor is asked?"""
    return not person.roles.isdisjoint(settings.second_factor_roles)


def begin(connection: Connection[Any], settings: Settings, person: str) -> None:
    """There is a new secret to confirm; nothing where a code is asked already."""
    sealed = seal(settings, SEALED, person, pyotp.random_base32().encode())
    connection.execute(
        """INSERT INTO vault.second_factors (person, secret) VALUES (%s, %s)
        ON CONFLICT (person) DO UPDATE SET secret = excluded.secret, wrong = 0, blocked_until = NULL
        WHERE vault.second_factors.confirmed_at IS NULL""",
        (person, sealed),
    )


def to_confirm(connection: Connection[Any], settings: Settings, person: str) -> str | None:
    """The secret that is to be put into an app; None when there is none to confirm: it is not shown again."""
    row = connection.execute(
        "SELECT secret FROM vault.second_factors WHERE person = %s AND confirmed_at IS NULL", (person,)
    ).fetchone()
    return unseal(settings, SEALED, person, bytes(row[0])).decode() if row is not None else None


def address_for_app(person: Person, secret: str) -> str:
    """What the QR code says."""
    return pyotp.TOTP(secret).provisioning_uri(name=person.email, issuer_name=ISSUER)


def confirm(
    connection: Connection[Any], settings: Settings, person: str, code: str, now: datetime | None = None
) -> list[str] | None:
    """From now on a code is asked: the recovery codes, to be shown once. None when this code is not of the secret."""
    secret = to_confirm(connection, settings, person)
    step = _step(secret, code, now) if secret is not None else None
    if step is None:
        return None
    changed = connection.execute(
        """UPDATE vault.second_factors SET confirmed_at = now(), last_step = %s, wrong = 0
        WHERE person = %s AND confirmed_at IS NULL""",
        (step, person),
    ).rowcount
    return new_codes(connection, person) if changed else None


def new_codes(connection: Connection[Any], person: str) -> list[str]:
    """Ten recovery codes in place of those there were. They can't be shown again."""
    codes = [
        "-".join("".join(secrets.choice(LETTERS) for _ in range(GROUP)) for _ in range(GROUPS))
        for _ in range(CODES)
    ]
    hashes = hashes_of([_plain(code) for code in codes])
    connection.execute("DELETE FROM vault.recovery_codes WHERE person = %s", (person,))
    for hashed in hashes:
        connection.execute(
            "INSERT INTO vault.recovery_codes (person, hash) VALUES (%s, %s)", (person, hashed)
        )
    return codes


def check(
    connection: Connection[Any], settings: Settings, person: str, code: str, now: datetime | None = None
) -> str:
    """What this code is: good, recovery (and used up by now), wrong or blocked. Both kinds are good once."""
    with connection.transaction():
        row = connection.execute(
            """SELECT secret, last_step, coalesce(blocked_until > now(), false) FROM vault.second_factors
            WHERE person = %s AND confirmed_at IS NOT NULL FOR UPDATE""",
            (person,),
        ).fetchone()
        if row is None:
            return "wrong"
        if row[2]:
            return "blocked"
        sealed = bytes(row[0])
        step = _step(unseal(settings, SEALED, person, sealed).decode(), code, now)
        if step is not None and step > row[1]:
            # Sealed anew where the secret of the service has changed, so that the one before can go after a while.
            connection.execute(
                "UPDATE vault.second_factors SET last_step = %s, wrong = 0, secret = %s WHERE person = %s",
                (step, resealed(settings, SEALED, person, sealed), person),
            )
            return "good"
        if _used_up(connection, person, _plain(code)):
            connection.execute("UPDATE vault.second_factors SET wrong = 0 WHERE person = %s", (person,))
            return "recovery"
        connection.execute(
            """UPDATE vault.second_factors SET wrong = CASE WHEN wrong + 1 >= %(most)s THEN 0 ELSE wrong + 1 END,
                blocked_until = CASE WHEN wrong + 1 >= %(most)s THEN now() + %(blocked)s ELSE blocked_until END
            WHERE person = %(person)s""",
            {"most": MOST_WRONG, "blocked": BLOCKED, "person": person},
        )
    return "wrong"


def remove(connection: Connection[Any], person: str) -> bool:
    """No code is asked any more, and the recovery codes are gone; was one?"""
    query = "DELETE FROM vault.second_factors WHERE person = %s RETURNING confirmed_at IS NOT NULL"
    row = connection.execute(query, (person,)).fetchone()
    return row is not None and bool(row[0])


def _step(secret: str, code: str, now: datetime | None) -> int | None:
    """Of which half minute around now this is the code; None of none."""
    typed = "".join(code.split())
    if not (typed.isascii() and typed.isdecimal() and len(typed) == 6):
        return None
    app = pyotp.TOTP(secret)
    present = app.timecode(now or datetime.now(UTC))
    found = [present + by for by in AROUND if hmac.compare_digest(app.generate_otp(present + by), typed)]
    return max(found, default=None)


def _plain(code: str) -> str:
    """What counts of a recovery code, however it is typed."""
    return "".join(letter for letter in code.casefold() if letter in LETTERS)


def _used_up(connection: Connection[Any], person: str, plain: str) -> bool:
    """Was this a recovery code of this person that is left? Then it is no more."""
    if len(plain) != GROUPS * GROUP:
        # It can't be one, such as what an app shows: not worth the work.
        return False
    rows = connection.execute(
        "SELECT hash FROM vault.recovery_codes WHERE person = %s AND used_at IS NULL", (person,)
    ).fetchall()
    if not rows:
        return False
    # They have one salt, so whether it is one of ten takes no longer than whether it is a password.
    hashed = the_same(rows[0][0], plain)
    return bool(
        connection.execute(
            """UPDATE vault.recovery_codes SET used_at = now()
            WHERE person = %s AND hash = %s AND used_at IS NULL""",
            (person, hashed),
        ).rowcount
    )
