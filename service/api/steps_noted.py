"""What came of a sign-in otherwise than by a password? Counted and kept as those are: see `password_sign_in.py`."""

from __future__ import annotations

from typing import Any

from flask import request
from psycopg import Connection

from service.api.context import running
from service.identity import guard, people, sign_ins

__all__ = ["held_back", "noted"]


def noted(connection: Connection[Any], person: str | None, way: str, good: bool) -> None:
    """Somebody was let in this way, or refused; what is refused counts towards being held back."""
    found = people.get(connection, person) if person is not None else None
    tried = guard.of(running().settings.secret, found.email if found else "", request.remote_addr)
    sign_ins.note(connection, tried, person, way, "done" if good else "refused")
    if not good:
        guard.note(connection, tried)


def held_back(connection: Connection[Any], what: str) -> int | None:
    """Seconds until this may be asked (again) from there; None when it may now. Asking counts."""
    tried = guard.of(running().settings.secret, f"asked {what}", request.remote_addr)
    seconds = guard.held_back(connection, tried)
    if seconds is None:
        guard.note(connection, tried)
    return seconds
