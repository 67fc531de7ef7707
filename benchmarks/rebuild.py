"""How long does it take to make all views again, beside the live ones, and how much memory?"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import psycopg

from benchmarks.bench import Bench
from benchmarks.racing import apart
from benchmarks.tables import Aim, Table
from service.rebuild import rebuild
from service.settings import Settings

__all__ = ["run"]

LOOK_EVERY = 0.2


def run(bench: Bench) -> Table:
    """Once: it takes long enough to even out what disturbs it."""
    settings = bench.large_log()
    stop = threading.Event()
    peak = {"service": 0, "database": 0}
    watcher = threading.Thread(target=_watch, args=(settings, peak, stop))
    watcher.start()
    began = time.perf_counter()
    try:
        apart(make_again, settings)
    finally:
        stop.set()
        watcher.join()
    taken = time.perf_counter() - began
    with psycopg.connect(settings.database_url) as connection:
        row = connection.execute("SELECT position FROM views.position").fetchone()
    events = row[0] if row else 0
    return _table(events, taken, peak["service"], peak["database"])


def _table(events: int, taken: float, service: int, database: int) -> Table:
    table = Table("rebuild", "How long does it take to make all views again?", ("", "measured"))
    table.rows.append((f"all views over {events:,} events", f"{taken:.1f} s"))
    table.rows.append(("events/s", f"{events / taken:,.0f}"))
    table.rows.append(("memory of our processes together, at most", _mib(service)))
    together = service + database
    if database:
        table.rows.append(("with the database's processes that work for them", _mib(together)))
    table.aims.append(
        Aim("under 60 s for 1,000,000 events", f"{taken * 1e6 / events:.1f} s", taken * 1e6 / events < 60)
    )
    table.aims.append(Aim("under 1 GB", _mib(together), together < 10**9))
    return table


def _mib(size: int) -> str:
    return f"{size / 2**20:,.0f} MiB"


def make_again(settings: Settings) -> None:
    """As the command does it."""
    rebuild(settings)


def _watch(settings: Settings, peak: dict[str, int], stop: threading.Event) -> None:
    """The most memory that was used at one moment, by our processes and by the database's for them.

    What several processes share counts once: each is given its part of it (PSS).
    """
    with psycopg.connect(settings.database_owner_url, autocommit=True) as connection:
        while not stop.wait(LOOK_EVERY):
            rows = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            ).fetchall()
            peak["service"] = max(peak["service"], sum(map(_memory, _descendants(os.getpid()))))
            peak["database"] = max(peak["database"], sum(_memory(pid) for (pid,) in rows))


def _descendants(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        tasks = [task.name for task in Path(f"/proc/{pid}/task").iterdir() if task.name != str(pid)]
        for task in tasks:
            children += Path(f"/proc/{pid}/task/{task}/children").read_text().split()
    except OSError:
        return []
    return [each for child in children for each in (int(child), *_descendants(int(child)))]


def _memory(pid: int) -> int:
    """Bytes; 0 for a process that is gone or on another machine."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
