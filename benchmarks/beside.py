"""What runs beside a measurement? Processes of the service: the one that folds, a web server."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from service import fold
from service.keeping_up import LEADER_LOCK
from service.settings import Settings

__all__ = ["folding", "process", "wait_until"]

START_SECONDS = 60.0
STOP_SECONDS = 30.0


@contextmanager
def process(target: Callable[..., Any], *arguments: Any) -> Iterator[int]:
    """A process that runs as long as the block does, asked to stop by SIGTERM; its id."""
    started = multiprocessing.get_context("spawn").Process(target=target, args=arguments)
    started.start()
    assert started.pid is not None
    try:
        yield started.pid
    finally:
        if started.is_alive():
            os.kill(started.pid, signal.SIGTERM)
        started.join(STOP_SECONDS)
        if started.is_alive():
            started.kill()
            started.join()


@contextmanager
def folding(settings: Settings) -> Iterator[int]:
    """The views are kept up to date, by the process that does so in production."""
    with process(fold_until_stopped, settings) as pid:
        wait_until(lambda: _caught_up(settings), "the views to catch up")
        yield pid


def fold_until_stopped(settings: Settings) -> None:
    """Folds until SIGTERM."""
    stop = multiprocessing.get_context("spawn").Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    fold.run(settings, stop)  # type: ignore[arg-type]


def _caught_up(settings: Settings) -> bool:
    with psycopg.connect(settings.database_url) as connection:
        row = connection.execute(
            "SELECT (SELECT position FROM views.position) ="
            " (SELECT coalesce(max(notification_id), 0) FROM log.events)"
            " AND EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = %s)",
            (LEADER_LOCK,),
        ).fetchone()
    return bool(row and row[0])


def wait_until(true: Callable[[], bool], what: str) -> None:
    """Raises TimeoutError when it does not come true within a minute."""
    until = time.monotonic() + START_SECONDS
    while not true():
        if time.monotonic() > until:
            raise TimeoutError(f"waited a minute for {what}")
        time.sleep(0.05)
