"""Has this answer seen what its reader has? A question may name a position of the log, and then waits for it."""

from __future__ import annotations

from service.api.headers import wrong
from service.api.problems import Problem
from service.wiring import Parts

__all__ = ["seen", "wait_for"]

PATIENCE = 2.0
"""Seconds until a reader is told to come back."""


def wait_for(parts: Parts, position: int | None) -> None:
    """Waits until the views have got to this position.

    Raises Problem: 400 for a position the log does not have, 503 when it takes too long.
    """
    if position is None or parts.clock.wait_for(position, 0):
        return
    head = parts.log.head()
    if position > head:
        raise wrong("Event-Position", "position-unknown", head=head)
    if not parts.clock.wait_for(position, PATIENCE):
        raise Problem(503, "views-behind", headers={"Retry-After": "2"}, position=position)


def seen(parts: Parts) -> int:
    """How far in the log an answer made from now on has certainly seen."""
    parts.clock.wait_for(0, 0)
    # At its first question a process has only begun to listen.
    return parts.clock.position or _position(parts)


def _position(parts: Parts) -> int:
    with parts.pool.connection() as connection:
        row = connection.execute("SELECT position FROM views.position").fetchone()
    return int(row[0]) if row else 0
