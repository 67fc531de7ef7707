"""Who calls? Tokens looked up once and remembered for a moment, as every request carries one."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from psycopg import Connection

from service.identity import tokens
from service.identity.people import Person

__all__ = ["REMEMBERED", "Callers"]

REMEMBERED = 5.0
"""Seconds after which a token that was revoked, or a role that was taken away, has lost its force everywhere."""
MOST = 10_000


class Callers:
    """The callers of one process; safe to use from several threads."""

    def __init__(self, connect: Callable[[], AbstractContextManager[Connection[Any]]]) -> None:
        self._connect = connect
        self._known: dict[str, tuple[float, Person]] = {}
        self._forgotten = 0

    def who(self, token: str) -> Person | None:
        """Whose token this is; None when it is unknown or has expired."""
        now = time.monotonic()
        known = self._known.get(token)
        if known is not None and known[0] > now:
            return known[1]
        forgotten = self._forgotten
        with self._connect() as connection:
            found = tokens.find(connection, token)
        if found is None:
            self._known.pop(token, None)
            return None
        if len(self._known) >= MOST:
            self._known.clear()
        # Not beyond its own end; nor when it was looked up while something was being revoked.
        if forgotten == self._forgotten:
            self._known[token] = (now + min(REMEMBERED, found.left), found.person)
        return found.person

    def forget(self, person: str) -> None:
        """Something about the person with this id, or their tokens, changed: in this process it counts at once."""
        self._forgotten += 1
        for token, (_, known) in list(self._known.items()):
            if known.id == person:
                self._known.pop(token, None)
