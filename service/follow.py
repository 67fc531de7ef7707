"""Did something happen in the database since I last looked? LISTEN/NOTIFY, with a slow poll as a net."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

__all__ = ["Follower", "lasting_session"]

# A peer that vanished without a word is noticed after 15 + 3 * 5 seconds instead of the system's two hours.
_LASTING: dict[str, str | int | None] = {
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "connect_timeout": 5,
}
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0


def lasting_session(conninfo: str, application_name: str) -> psycopg.Connection[tuple[Any, ...]]:
    """An autocommit connection meant to stay open for days; what `conninfo` itself says goes first.

    Raises psycopg.OperationalError when the database does not answer.
    """
    wanted = {**_LASTING, "application_name": application_name, **conninfo_to_dict(conninfo)}
    return psycopg.connect(make_conninfo("", **wanted), autocommit=True)


class Follower:
    """Listens to one channel and says when it is worth looking again.

    `wait` answers True rather too early than too late: after a notification, every `poll` seconds without
    one, and after each (re)connect, for what was notified while nobody listened is not notified again. Who
    looks whenever it answers True misses nothing. A lost connection is opened again; until that succeeds
    the poll goes on. It belongs to one thread, and connects at the first `wait`, so it may be made before a
    fork.
    """

    def __init__(self, conninfo: str, channel: str, poll: float = 1.0) -> None:
        self._conninfo = conninfo
        self._channel = channel
        self._poll = poll
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None
        self._poll_at = 0.0
        self._connect_at = 0.0
        self._pause = _FIRST_PAUSE
        self.payload = ""
        """What the latest notification carried; empty until there was one."""

    def wait(self, timeout: float) -> bool:
        """Is it time to look? Waits at most `timeout` seconds for that; only a connect can take longer."""
        deadline = time.monotonic() + timeout
        if self._connection is None:
            if self._connect():
                return self._look_again()
            time.sleep(_until(deadline, self._poll_at, self._connect_at))
        elif self._notified(self._connection, _until(deadline, self._poll_at)):
            return self._look_again()
        return time.monotonic() >= self._poll_at and self._look_again()

    def close(self) -> None:
        """Stop listening; a later `wait` begins again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def __enter__(self) -> Follower:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _look_again(self) -> bool:
        self._poll_at = time.monotonic() + self._poll
        return True

    def _connect(self) -> bool:
        if time.monotonic() < self._connect_at:
            return False
        connection: psycopg.Connection[tuple[Any, ...]] | None = None
        try:
            connection = lasting_session(self._conninfo, f"besluitspoor follows {self._channel}")
            connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(self._channel)))
        except psycopg.OperationalError:
            if connection is not None:
                connection.close()
            self._connect_at = time.monotonic() + self._pause
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)
            return False
        self._connection = connection
        self._pause = _FIRST_PAUSE
        return True

    def _notified(self, connection: psycopg.Connection[tuple[Any, ...]], timeout: float) -> bool:
        """Did a notification come within `timeout` seconds, or did the connection go (and one with it)?"""
        notified = False
        try:
            for notification in connection.notifies(timeout=timeout, stop_after=1):
                self.payload = notification.payload
                notified = True
        except (psycopg.OperationalError, psycopg.InterfaceError):
            self.close()
            return True
        return notified


def _until(*moments: float) -> float:
    """Seconds until the first of these moments of the monotonic clock; 0 when it has passed."""
    return max(0.0, min(moments) - time.monotonic())
