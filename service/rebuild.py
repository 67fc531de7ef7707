"""How is a view made again from the log? Beside the live one, stream by stream, then switched; readers never wait.

`copy_streams` in rebuild_copy.py does the bulk, in processes of their own; what came in meanwhile is folded in here.
"""

from __future__ import annotations

import itertools
import multiprocessing
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

from projections.view import View
from projections.views import VIEWS
from service.folding import Frozen, group_by_kind, touched
from service.follow import lasting_session
from service.rebuild_copy import copy_streams
from service.refused import REFUSED
from service.settings import Settings
from service.viewstore import (
    LOG_COLUMNS,
    Fenced,
    decoded,
    fold_and_write,
    fold_batch,
    fold_beside,
    notify,
    position,
    read_log,
    record_frozen,
    registered,
)
from service.viewtables import BESIDE, ensure_tables, index_tables, make_tables, switch_tables, table

__all__ = ["Stopped", "UnknownView", "rebuild", "repair", "to_rebuild"]

Connection = psycopg.Connection[Any]
Progress = Callable[[str], Any]
FrozenByView = dict[str, dict[str, Frozen]]

REBUILD_LOCK = 7133012
PROCESSES = 2
RANGE_EVENTS = 50_000
"""About how many events one piece of the work has."""

CATCH_UP = 10_000
NEAR = 500
"""So close behind the live views, the rest is folded while these wait."""

FENCE_TIMEOUT = "10s"
SWITCH_TIMEOUT = "50ms"
"""As long as readers may have to wait for a switch."""

SWITCH_ATTEMPTS = 300
SWITCH_PAUSE = 0.1
STOP_EVERY = 0.5


class UnknownView(LookupError):
    """There is no view of this name; the message says which there are."""


class Stopped(Exception):
    """The rebuild was broken off; the live views are as they were."""


def rebuild(
    settings: Settings,
    view: str | Sequence[str] | None = None,
    key: str | None = None,
    progress: Progress = lambda _: None,
    *,
    stopped: Callable[[], bool] = lambda: False,
    views: Sequence[View] = VIEWS,
    processes: int = PROCESSES,
) -> None:
    """Makes one view, several, or all of them (None) again from the log; with `key` only what one view shows of a case.

    Raises UnknownView, Stopped when `stopped` says so, psycopg.Error when the database fails; then nothing has changed.
    """
    chosen = _chosen(view, views)
    with lasting_session(settings.database_url, "besluitspoor rebuild") as connection:
        ensure_tables(connection, views)
        if key is not None:
            for each in chosen:
                progress(f"{each.name}: {repair(connection, each, key, views)}")
            return
        _alone(connection, progress, stopped)
        began = time.monotonic()
        up_to = int(_scalar(connection, "SELECT coalesce(max(notification_id), 0) FROM log.events"))
        at = up_to
        try:
            for each in chosen:
                make_tables(connection, each, BESIDE)
            frozen = _copy(settings, chosen, _ranges(connection, up_to), up_to, processes, progress, stopped)
            for each in chosen:
                index_tables(connection, each, BESIDE)
        except REFUSED as error:
            progress(
                f"A table cannot hold everything ({type(error).__name__}); going event by event to find what"
            )
            at, frozen = 0, {each.name: {} for each in chosen}
            for each in chosen:
                make_tables(connection, each, BESIDE)
                index_tables(connection, each, BESIDE)
        at = _catch_up(connection, chosen, at, frozen, stopped)
        _switch(connection, chosen, views, at, frozen, stopped)
        connection.execute("ANALYZE")
        seconds = time.monotonic() - began
        names = ", ".join(each.name for each in chosen)
        progress(f"Rebuilt {names} from {up_to} events in {seconds:.1f} s")


def to_rebuild(settings: Settings, views: Sequence[View] = VIEWS) -> list[str]:
    """The views whose tables are not as this code makes them."""
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        versions = registered(connection)
    return [view.name for view in views if versions.get(view.name, 0) < view.version]


def repair(connection: Connection, view: View, key: str, views: Sequence[View] = VIEWS) -> str:
    """Makes again what a live view shows of one stream, and answers in a word how that went.

    `key` is that of a document or of its stream: a key begins with the name of its stream.
    """
    stream = key.partition("/")[0]
    with connection.transaction():
        live = _fence(connection)
        if registered(connection).get(view.name) != view.version:
            return "to be rebuilt as a whole first"
        query = f"SELECT {LOG_COLUMNS} FROM log.events WHERE originator_id = %s AND notification_id <= %s ORDER BY 3"
        with connection.cursor(binary=True, row_factory=tuple_row) as cursor:
            events = decoded(cursor.execute(query, (stream, live)).fetchall())
        for name in (view.name, *([view.facts.name] if view.facts else [])):
            connection.execute(sql.SQL("DELETE FROM {} WHERE stream = %s").format(table(name)), (stream,))
        connection.execute("DELETE FROM views.frozen WHERE view = %s AND stream = %s", (view.name, stream))
        changes = fold_and_write(connection, view, touched(view, group_by_kind(events)), {}, apart=True)
        record_frozen(connection, view.name, changes.frozen)
        notify(connection, views)
    if changes.frozen:
        return f"still frozen, {changes.frozen[0].error}"
    return f"repaired from {len(events)} events" if events else "no such stream"


def _chosen(view: str | Sequence[str] | None, views: Sequence[View]) -> list[View]:
    if view is None:
        return list(views)
    names = [view] if isinstance(view, str) else list(view)
    known = {each.name: each for each in views}
    for name in names:
        if name not in known:
            raise UnknownView(f"There is no view {name!r}. The views are: {', '.join(sorted(known))}.")
    return [known[name] for name in names]


def _alone(connection: Connection, progress: Progress, stopped: Callable[[], bool]) -> None:
    """Waits until no other rebuild is under way."""
    told = False
    while not _scalar(connection, "SELECT pg_try_advisory_lock(%s)", REBUILD_LOCK):
        if stopped():
            raise Stopped
        if not told:
            progress("Another rebuild is under way; waiting for it")
            told = True
        time.sleep(0.5)


def _ranges(connection: Connection, up_to: int) -> list[tuple[str | None, str | None]]:
    """The streams in ranges from one name up to the next, of about RANGE_EVENTS each."""
    wanted = up_to // RANGE_EVENTS
    if wanted < 2:
        return [(None, None)]
    share = max(1.0, min(100.0, 100 * 100_000 / up_to))
    fractions = [number / wanted for number in range(1, wanted)]
    bounds = _scalar(
        connection,
        "SELECT percentile_disc(%s::float[]) WITHIN GROUP (ORDER BY originator_id)"
        " FROM log.events TABLESAMPLE SYSTEM (%s)",
        fractions,
        share,
    )
    edges = [None, *dict.fromkeys(bounds or ()), None]
    return list(itertools.pairwise(edges))


def _copy(
    settings: Settings,
    views: Sequence[View],
    ranges: Sequence[tuple[str | None, str | None]],
    up_to: int,
    processes: int,
    progress: Progress,
    stopped: Callable[[], bool],
) -> FrozenByView:
    """Copies every stream up to a position into the tables beside; answers what froze, by view and stream."""
    frozen: FrozenByView = {view.name: {} for view in views}
    if processes == 1 or len(ranges) == 1:
        for part in ranges:
            if stopped():
                raise Stopped
            _keep(frozen, copy_streams(settings.database_url, views, part, up_to))
        return frozen
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        pending = {pool.submit(copy_streams, settings.database_url, views, part, up_to) for part in ranges}
        while pending:
            done, pending = wait(pending, timeout=STOP_EVERY, return_when=FIRST_COMPLETED)
            if stopped():
                pool.shutdown(cancel_futures=True)
                raise Stopped
            for future in done:
                if future.exception() is not None:
                    pool.shutdown(wait=False, cancel_futures=True)
                _keep(frozen, future.result())
            if done:
                progress(f"{100 * (len(ranges) - len(pending)) // len(ranges)} % of {up_to} events")
    return frozen


def _keep(frozen: FrozenByView, more: Mapping[str, Sequence[Frozen]]) -> None:
    for name, streams in more.items():
        frozen[name].update((each.stream, each) for each in streams)


def _catch_up(
    connection: Connection,
    views: Sequence[View],
    at: int,
    frozen: FrozenByView,
    stopped: Callable[[], bool],
    until: int | None = None,
) -> int:
    """Folds what came after `at` into the tables beside: nearly all of it, or up to `until`; answers where that is."""
    while until is None or at < until:
        if stopped():
            raise Stopped
        events = read_log(connection, at, CATCH_UP)
        if until is not None:
            events = [event for event in events if event.position <= until]
        elif len(events) < NEAR:
            break
        _keep(frozen, fold_beside(connection, views, events, BESIDE, frozen))
        at = events[-1].position
    return at


def _switch(
    connection: Connection,
    chosen: Sequence[View],
    views: Sequence[View],
    at: int,
    frozen: FrozenByView,
    stopped: Callable[[], bool],
) -> None:
    """The tables beside become the live ones, at the position of the others."""
    names = [view.name for view in chosen]
    for _ in range(SWITCH_ATTEMPTS):
        if stopped():
            raise Stopped
        try:
            with connection.transaction():
                live = _fence(connection)
                others = {name for name, version in registered(connection).items() if version} - set(names)
                if live < at and not others:
                    connection.execute("UPDATE views.position SET position = %s", (at,))
                    live = at
                if live >= at:
                    # Rolled back, the tables beside are where they were: so `at` and `frozen` stay as they are.
                    kept = {name: dict(streams) for name, streams in frozen.items()}
                    _catch_up(connection, chosen, at, kept, lambda: False, until=live)
                    connection.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(SWITCH_TIMEOUT))
                    for view in chosen:
                        switch_tables(connection, view)
                        connection.execute("DELETE FROM views.frozen WHERE view = %s", (view.name,))
                        record_frozen(connection, view.name, kept[view.name].values())
                    notify(connection, views)
                    return
        except psycopg.errors.LockNotAvailable:
            time.sleep(SWITCH_PAUSE)
            at = _catch_up(connection, chosen, at, frozen, stopped)
            continue
        _bring_others(connection, views, live, at, stopped)
    raise psycopg.errors.LockNotAvailable("the views are read without a pause; try again at a quieter time")


def _bring_others(
    connection: Connection, views: Sequence[View], live: int, at: int, stopped: Callable[[], bool]
) -> None:
    """Folds the live views up to where the new tables are, or waits while another process does."""
    while live < at:
        if stopped():
            raise Stopped
        try:
            live = fold_batch(connection, views, read_log(connection, live, CATCH_UP), live)
        except Fenced:
            time.sleep(SWITCH_PAUSE)
            live = position(connection)


def _fence(connection: Connection) -> int:
    """Where the live views are; nobody moves them before this transaction ends."""
    connection.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(FENCE_TIMEOUT))
    return int(_scalar(connection, "SELECT position FROM views.position FOR UPDATE"))


def _scalar(connection: Connection, query: LiteralString, *params: object) -> Any:
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(query, params or None).fetchone()
    return row[0] if row else None
