"""What came of a sign-in otherwise than by a password? Counted and kept as those are: see `password_sign_in.py`."""

from __future__ import annotations

from typing import Any

import structlog
from flask import request
from psycopg import Connection

from service.api.context import running
from service.identity import guard, people, second_factor, sign_ins
from service.messaging import security

__all__ = ["code_outcome", "held_back", "noted"]


def noted(connection: Connection[Any], person: str | None, way: str, good: bool) -> None:
    """Somebody was let in this way, or refused; what is refused counts towards being held back."""
    found = people.get(connection, person) if person is not None else None
    tried = guard.of(running().settings.secret, found.email if found else "", request.remote_addr)
    sign_ins.note(connection, tried, person, way, "done" if good else "refused")
    if not good:
        guard.note(connection, tried)


def code_outcome(person: str, code: str) -> str:
    """What this is as the second factor of the person with this id, who is signed in or gave the password.

    See `second_factor.check`. What is wrong counts, and who used a recovery code is told so.
    """
    with running().parts.pool.connection() as connection:
        outcome = second_factor.check(connection, running().settings, person, code[:100])
        if outcome == "recovery":
            security.tell(connection, person, "recovery-used")
        elif outcome != "good":
            noted(connection, person, "code", False)
            structlog.get_logger().warning("second step refused", person=person, why=outcome)
    return outcome


def held_back(connection: Connection[Any], what: str) -> int | None:
    """Seconds until this may be asked (again) from there; None when it may now. Asking counts."""
    tried = guard.of(running().settings.secret, f"asked {what}", request.remote_addr)
    seconds = guard.held_back(connection, tried)
    if seconds is None:
        guard.note(connection, tried)
    return seconds
