"""Whose are this address and this password? Asked in one way by pages and API, counted, and kept for a while."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from flask import request

from service.api.context import running
from service.api.problems import Problem
from service.identity import guard, people, sign_ins
from service.identity.people import Person

__all__ = ["HeldBack", "by_password"]

PATIENCE = 5.0
"""Seconds that a sign-in waits for others before it is told to come back."""
MOST_EMAIL, MOST_PASSWORD = 320, 1_000


@dataclass(frozen=True, slots=True)
class HeldBack:
    """Too many tries failed lately: nobody is let in with this address from there for so many seconds."""

    seconds: int

    @property
    def minutes(self) -> int:
        """The same in minutes, rounded up."""
        return -(-self.seconds // 60)


def by_password(email: str, password: str, way: str = "password") -> Person | HeldBack | None:
    """The person; None when it is nobody's or the password is another, which takes as long.

    No connection is held while the password is verified: it takes long, and others need one. Raises a 503 problem when
    too many are waiting for that.
    """
    found = running()
    email, password = email[:MOST_EMAIL], password[:MOST_PASSWORD]
    tried = guard.of(found.settings.secret, email, request.remote_addr)
    with found.parts.pool.connection() as connection:
        account = people.account(connection, email)
        whose = account.person.id if account.person is not None else None
        seconds = guard.held_back(connection, tried)
        if seconds is not None:
            sign_ins.note(connection, tried, whose, way, "locked")
            _log("sign-in held back", tried, whose)
            return HeldBack(seconds)
    if not found.verifying.acquire(timeout=PATIENCE):
        raise Problem(503, "service-unavailable", headers={"Retry-After": "5"})
    try:
        person = people.verified(account, password)
        # As passwords are kept now; only who knows it can have it kept otherwise.
        rehashed = people.rehashed(account, password) if person is not None else None
    finally:
        found.verifying.release()
    with found.parts.pool.connection() as connection, connection.transaction():
        sign_ins.note(connection, tried, whose, way, "refused" if person is None else "done")
        if person is None:
            guard.note(connection, tried)
        else:
            guard.forget_failures(connection, tried)
            if rehashed is not None:
                people.replace_password_hash(connection, account, rehashed)
    if person is None:
        _log("sign-in refused", tried, whose)
    return person


def _log(what: str, tried: guard.Try, person: str | None) -> None:
    """So that somebody who tries many passwords is seen. The address is told apart from others, and not told."""
    structlog.get_logger().warning(what, address=tried.address[:16], person=person)
