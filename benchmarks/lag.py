"""How long until people see what was decided? At 200 commands a second, while one process folds.

From the moment an append has returned: until the views show it, and until a reader in the same process who asked for
that position goes on.
"""

from __future__ import annotations

import multiprocessing
import random
import threading
import time
from typing import Any

import psycopg

from benchmarks.bench import Bench
from benchmarks.beside import folding
from benchmarks.tables import Aim, Table, percentile
from domain.recorded import Capacity
from service.eventstore import Log, Meta
from service.ids import new_id
from service.settings import Settings
from service.waiting import Clock
from tests.views.walks import Act, Walk

__all__ = ["run"]

COMMANDS_A_SECOND = 200
WRITERS = 2
THREADS = 2
SECONDS = 20.0
START_SECONDS = 120


def run(bench: Bench) -> Table:
    """Two processes with two threads each act at a steady pace, whatever becomes of it; a third watches the views."""
    seconds = 4.0 if bench.quick else SECONDS
    context = multiprocessing.get_context("spawn")
    with bench.database() as settings, folding(settings):
        start, answers = context.Barrier(WRITERS + 1), context.SimpleQueue()
        stop = context.Event()
        watcher = context.Process(target=watch, args=(settings, start, stop, answers))
        writers = [
            context.Process(target=write, args=(settings, number, seconds, start, answers))
            for number in range(WRITERS)
        ]
        for each in (watcher, *writers):
            each.start()
        acts = [moment for _ in writers for moment in answers.get()]
        time.sleep(0.5)
        stop.set()
        seen = answers.get()
        for each in (watcher, *writers):
            each.join()
    return _table(acts, seen, seconds)


Moment = tuple[int, float, float, bool]
"""The position that an act came to, when that was known, how long a reader waited for it, whether in vain."""


def _table(acts: list[Moment], seen: list[tuple[int, float]], seconds: float) -> Table:
    visible = _until_visible(sorted(acts), seen)
    waits = [waited for _, _, waited, _ in acts]
    pace = len(acts) / seconds
    table = Table("lag", "How long until people see it?", ("ms", "median", "p95", "p99", "worst"))
    for label, values in (("from commit to visible in the views", visible), ("a read that waits", waits)):
        cells = [f"{1000 * percentile(values, percent):.1f}" for percent in (50, 95, 99, 100)]
        table.rows.append((label, *cells))
    p99, p50 = 1000 * percentile(visible, 99), 1000 * percentile(waits, 50)
    table.aims.append(Aim("visible within 20 ms, p99", f"{p99:.1f} ms", p99 < 20))
    table.aims.append(Aim("a read with a position waits 5 ms at most, median", f"{p50:.1f} ms", p50 < 5))
    in_vain = sum(1 for *_, gave_up in acts if gave_up)
    table.notes.append(
        f"{len(acts):,} commands at {pace:.0f} a second of {COMMANDS_A_SECOND} asked; {in_vain} reads waited in vain."
    )
    return table


def _until_visible(acts: list[Moment], seen: list[tuple[int, float]]) -> list[float]:
    """Seconds from each act, by position, until the views were said to be as far."""
    found, at = [], 0
    for position, recorded, *_ in acts:
        while at < len(seen) and seen[at][0] < position:
            at += 1
        if at == len(seen):
            raise RuntimeError(f"position {position} was never seen in the views")
        found.append(max(0.0, seen[at][1] - recorded))
    return found


def watch(settings: Settings, start: Any, stop: Any, answers: Any) -> None:
    """When the views were said to be how far."""
    seen: list[tuple[int, float]] = []
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.execute("LISTEN views")
        start.wait(START_SECONDS)
        while not stop.is_set():
            for notification in connection.notifies(timeout=0.2):
                seen.append((int(notification.payload), time.monotonic()))
    answers.put(seen)


def write(settings: Settings, number: int, seconds: float, start: Any, answers: Any) -> None:
    """Acts at its share of the pace, and after each a reader who waits for it."""
    moments: list[Moment] = []
    each = COMMANDS_A_SECOND * seconds / WRITERS / THREADS
    walks = [_acts(number * THREADS + thread, int(each)) for thread in range(THREADS)]
    clock = Clock(settings.database_url)
    with Log.open(settings) as log:
        log.head()
        clock.wait_for(1, 0.5)
        start.wait(START_SECONDS)
        threads = [
            threading.Thread(target=_pace, args=(log, clock, acts, seconds / each, index, moments))
            for index, acts in enumerate(walks)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    clock.close()
    answers.put(moments)


def _acts(seed: int, amount: int) -> list[Act]:
    """Acts on streams that no other walk has."""
    found = []
    for act in Walk(random.Random(seed)).acts():
        changes = [
            (stream if stream.startswith("proposal-") else f"{stream}-{seed}", event)
            for stream, event in act.changes
        ]
        found.append(Act(changes, act.effective_on, act.by))
        if len(found) == amount:
            break
    return found


def _pace(log: Log, clock: Clock, acts: list[Act], pause: float, index: int, moments: list[Moment]) -> None:
    versions: dict[str, int] = {}
    began = time.monotonic() + pause * index / THREADS
    for count, act in enumerate(acts):
        time.sleep(max(0.0, began + count * pause - time.monotonic()))
        meta = Meta(act.effective_on, act.by, Capacity("member", "db"), new_id("command"))
        appended = log.append(act.changes, {s: versions.get(s, 0) for s, _ in act.changes}, meta)
        recorded = time.monotonic()
        reached = clock.wait_for(appended.last)
        moments.append((appended.last, recorded, time.monotonic() - recorded, not reached))
        for stream, _ in act.changes:
            versions[stream] = versions.get(stream, 0) + 1
