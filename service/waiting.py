"""Have the views got as far as what I just did, and did an inbox change? Known in memory, by one session a process.

A view that must be rebuilt holds all of them back: until its new tables are there the old ones are read, and these show
nothing of what happened after they were left behind.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from typing import Any

import psycopg

from projections.view import View
from projections.views import VIEWS
from service.follow import lasting_session
from service.viewstore import readable

__all__ = ["Clock"]

LOOK_EVERY = 1.0
"""Seconds between looks at the position itself, should a notification be missed."""

TICK = 0.2
"""Seconds between looks whether to stop."""

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0


class Clock:
    """Knows up to which position the views are, and wakes who waits for one; and tells when an inbox changed.

    It listens in a thread of its own, begun by the first who asks: so it may be made before a fork.
    """

    def __init__(self, conninfo: str, views: Sequence[View] = VIEWS) -> None:
        self._conninfo = conninfo
        self._views = views
        self._changed = threading.Condition()
        self._position = 0
        self._inboxes = ""
        self._thread: threading.Thread | None = None
        self._process = 0
        self._closed = threading.Event()

    @property
    def position(self) -> int:
        """Up to where the views were when last heard of; 0 until somebody waited."""
        return self._position

    @property
    def inboxes(self) -> str:
        """Another text whenever somebody's inbox changed; empty until somebody waited."""
        return self._inboxes

    def wait_for(self, position: int, timeout: float = 2.0) -> bool:
        """Waits at most `timeout` seconds for the views to reach a position; answers whether they have."""
        if self._begun() and self._position >= position:
            return True
        with self._changed:
            return self._changed.wait_for(lambda: self._position >= position, timeout)

    def close(self) -> None:
        """Stops listening; safe to call twice."""
        self._closed.set()
        thread = self._thread
        if thread is not None and self._process == os.getpid():
            thread.join()

    def _begun(self) -> bool:
        """Is somebody listening in this process? If not, begin."""
        if self._process == os.getpid():
            return True
        with self._changed:
            if self._process != os.getpid() and not self._closed.is_set():
                self._process = os.getpid()
                self._position = 0  # what was known before a fork is no longer kept up to date
                self._thread = threading.Thread(target=self._listen, name="clock", daemon=True)
                self._thread.start()
        return False

    def _listen(self) -> None:
        pause = FIRST_PAUSE
        while not self._closed.is_set():
            try:
                with lasting_session(self._conninfo, "besluitspoor waits for views") as connection:
                    connection.execute("LISTEN views; LISTEN inbox")
                    self._inboxes = _changes(connection)
                    pause = FIRST_PAUSE
                    self._follow(connection)
            except psycopg.Error:
                self._closed.wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE)

    def _follow(self, connection: psycopg.Connection[Any]) -> None:
        look_at = 0.0
        while not self._closed.is_set():
            if time.monotonic() >= look_at:
                self._at(readable(connection, self._views))
                look_at = time.monotonic() + LOOK_EVERY
            for notification in connection.notifies(timeout=TICK, stop_after=1):
                if notification.channel == "inbox":
                    self._inboxes = notification.payload
                else:
                    self._at(int(notification.payload))

    def _at(self, position: int) -> None:
        # Set, not raised: after a crash of the database, or where one must be rebuilt, they may be further back.
        with self._changed:
            self._position = position
            self._changed.notify_all()


def _changes(connection: psycopg.Connection[Any]) -> str:
    """How often inboxes changed before one listened. Who is about to commit has counted already: so it is told apart
    from what is heard, or that change would go unseen."""
    row = connection.execute("SELECT pg_sequence_last_value('ledger.changes')").fetchone()
    return f"before-{row[0] if row else None}"
