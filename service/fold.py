"""Who keeps the views up to date? One process folds; others stand by, and take over when it goes.

Being the one is a lock of the database session, so it goes with the process. Were two ever to think they are the one,
the views would still be right: a batch is written only from where the position was (see viewstore).
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Sequence
from typing import Any

import psycopg
import structlog

from projections.view import View
from projections.views import VIEWS
from service.follow import Follower, lasting_session
from service.keeping_up import LEADER_LOCK
from service.rebuild import Stopped, rebuild, to_rebuild
from service.settings import Settings
from service.viewstore import Fenced, Superseded, fold_batch, position, read_log
from service.viewtables import ensure_tables

__all__ = ["run"]

LEAST, MOST = 2_000, 20_000
"""Events a batch: few while nothing is behind, more to catch up."""

LOOK_EVERY = 0.25
"""Seconds between looks whether to stop."""

STAND_BY = 0.5
RETRY = 1.0
REBUILD_RETRY = 30.0
SUPERSEDED_RETRY = 30.0


def run(settings: Settings, stop: threading.Event, views: Sequence[View] = VIEWS) -> None:
    """Folds until `stop` is set; a batch under way is finished. A lost connection is made again."""
    log = structlog.get_logger("fold")
    # A batch makes very many small objects without cycles; looking through them all for cycles costs a third.
    gc.set_threshold(200_000, 20, 100)
    with Follower(settings.database_url, "log") as follower:
        while not stop.is_set():
            try:
                with lasting_session(settings.database_url, "besluitspoor fold") as connection:
                    _stand_by_and_lead(settings, connection, follower, stop, views)
            except Fenced as error:
                log.info("another process folds", reason=str(error))
                stop.wait(RETRY)
            except Superseded as error:
                log.warning("standing back for a newer version", reason=str(error))
                stop.wait(SUPERSEDED_RETRY)
            except Exception as error:  # a lost connection mostly; whatever it is, it is tried again
                log.warning("folding interrupted", error=f"{type(error).__name__}: {error}".strip())
                stop.wait(RETRY)


def _stand_by_and_lead(
    settings: Settings,
    connection: psycopg.Connection[Any],
    follower: Follower,
    stop: threading.Event,
    views: Sequence[View],
) -> None:
    while not _leads(connection):
        if stop.wait(STAND_BY):
            return
    ensure_tables(connection, views)
    at = position(connection)
    given_up = threading.Event()
    rebuilding = threading.Thread(
        target=_rebuild, args=(settings, stop, given_up, views), name="rebuild", daemon=True
    )
    rebuilding.start()
    try:
        limit = LEAST
        while not stop.is_set():
            events = read_log(connection, at, limit)
            if events:
                at = fold_batch(connection, views, events, at)
            behind = len(events) >= limit
            limit = min(2 * limit, MOST) if behind else LEAST
            if not behind:
                follower.wait(LOOK_EVERY)
    finally:
        given_up.set()
        rebuilding.join()


def _leads(connection: psycopg.Connection[Any]) -> bool:
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", (LEADER_LOCK,)).fetchone()
    return bool(row and row[0])


def _rebuild(
    settings: Settings, stop: threading.Event, given_up: threading.Event, views: Sequence[View]
) -> None:
    """Rebuilds beside what is live the views that this code makes otherwise, while the others go on."""
    log = structlog.get_logger("rebuild")

    def stopped() -> bool:
        return stop.is_set() or given_up.is_set()

    while not stopped():
        try:
            names = to_rebuild(settings, views)
            if not names:
                return
            rebuild(settings, names, progress=log.info, stopped=stopped, views=views)
        except Stopped:
            return
        except Exception as error:  # whatever it is, the other views must go on
            log.error("a rebuild failed, trying again", error=f"{type(error).__name__}: {error}")
            given_up.wait(REBUILD_RETRY)
