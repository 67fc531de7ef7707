"""Which running parts are there? Built once a process, after the fork, and passed on as an argument."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool

from domain.envelope import Envelope
from domain.programme import Programme
from domain.route import Calendar
from service.calendar import calendar
from service.counted import Counted
from service.eventstore import Log
from service.settings import Settings
from service.waiting import Clock

__all__ = ["Parts", "build", "build_for_web"]

READERS = 16
"""Connections for reading at most: as many as a web process has threads."""

LOCKS = 8
"""Connections that only hold advisory locks; apart, so that a waiter never stalls the save it waits for."""


@dataclass
class Parts:
    """The running parts of one process; `close` gives back what they hold."""

    settings: Settings
    log: Log
    pool: ConnectionPool[psycopg.Connection[Any]]
    locks: ConnectionPool[psycopg.Connection[Any]]
    clock: Clock
    calendar: Callable[[], Calendar]
    programmes: dict[str, tuple[Programme, ...]] = field(default_factory=dict)
    """Published versions already read, oldest first, by code; they never change."""
    envelopes: dict[str, tuple[Envelope, str]] = field(default_factory=dict)
    """Envelopes as last folded, with the command that came last; only what came later is read again."""
    counted: Counted = field(default_factory=Counted)
    """Sums that pages have shown since the views last moved."""

    def close(self) -> None:
        """Gives back every connection; safe to call twice."""
        with ExitStack() as stack:
            for part in (self.log, self.pool, self.locks, self.clock):
                stack.callback(part.close)

    @contextmanager
    def locked(self, streams: set[str]) -> Iterator[None]:
        """Alone with these hot streams, whichever process asks: taken in one order, so nobody waits in a circle."""
        if not streams:
            yield
            return
        with self.locks.connection() as connection, connection.transaction():
            for stream in sorted(streams):
                connection.execute("SELECT pg_advisory_xact_lock(7133002, hashtext(%s))", (stream,))
            yield


def build_for_web(settings: Settings) -> Parts:
    """The parts of a web process: a question of somebody who waits for a page may take so long, and no longer."""
    return build(settings, settings.query_seconds)


def build(settings: Settings, query_seconds: int = 0) -> Parts:
    """The parts for these settings; connections open when they are first needed.

    `query_seconds`: how long a question to the database may take; 0 is as long as it needs, as in workers and commands.
    """

    def hurry(connection: psycopg.Connection[Any]) -> None:
        connection.execute("SELECT set_config('statement_timeout', %s, false)", (f"{query_seconds}s",))

    def pool(size: int, limited: bool = False) -> ConnectionPool[psycopg.Connection[Any]]:
        return ConnectionPool(
            settings.database_url,
            min_size=1,
            max_size=size,
            open=True,
            timeout=10,
            kwargs={"autocommit": True},
            configure=hurry if limited and query_seconds else None,
        )

    return Parts(
        settings=settings,
        log=Log.open(settings),
        pool=pool(READERS, limited=True),
        locks=pool(LOCKS),
        clock=Clock(settings.database_url),
        calendar=lambda: calendar(settings.timezone),
    )
