"""Is everything folded exactly once, whoever folds and however they end?"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest

from domain.recorded import Recorded
from projections.views import VIEWS
from service import fold
from service.eventstore import Log
from service.rebuild import rebuild
from service.settings import Settings
from service.viewstore import Fenced, fold_batch, position, read_log, registered
from service.viewtables import ensure_tables
from tests.views.conftest import Connection, contents, fold_all
from tests.views.walks import Walk, append


def test_two_folders_write_each_batch_once(
    settings: Settings, database: Connection, walked: list[Recorded]
) -> None:
    fenced = []
    both = threading.Barrier(2)

    def folder() -> None:
        with psycopg.connect(settings.database_url, autocommit=True) as connection:
            at = position(connection)
            both.wait(60)
            while events := read_log(connection, at, 13):
                try:
                    at = fold_batch(connection, VIEWS, events, at)
                except Fenced:
                    fenced.append(at)
                    at = position(connection)

    folders = [threading.Thread(target=folder) for _ in range(2)]
    for thread in folders:
        thread.start()
    for thread in folders:
        thread.join()
    assert position(database) == len(walked)
    assert fenced
    live = contents(database)
    rebuild(settings)
    assert contents(database) == live


def test_a_fenced_batch_writes_nothing(database: Connection, walked: list[Recorded]) -> None:
    fold_batch(database, VIEWS, read_log(database, 0, 50), 0)
    before = contents(database)
    with pytest.raises(Fenced):
        fold_batch(database, VIEWS, read_log(database, 0, 20), 0)
    assert contents(database) == before


def test_the_size_of_a_batch_does_not_matter(database: Connection, walked: list[Recorded]) -> None:
    held = []
    for limit in (1, 29, 5_000):
        database.execute("UPDATE views.position SET position = 0")
        tables = [view.name for view in VIEWS] + [view.facts.name for view in VIEWS if view.facts]
        database.execute("TRUNCATE " + ", ".join(f"views.{name}" for name in tables))  # type: ignore[arg-type]
        fold_all(database, limit)
        held.append(contents(database))
    assert held[0] == held[1] == held[2]


def test_a_batch_ends_with_a_command(database: Connection, walked: list[Recorded]) -> None:
    for limit in range(1, 40):
        last = read_log(database, 0, limit)[-1].position
        assert last >= limit
        assert walked[last - 1].command_id != walked[last].command_id


def test_tables_are_made_once_by_whoever_is_first(settings: Settings, database: Connection) -> None:
    database.execute("DELETE FROM views.registry")
    for view in VIEWS:
        database.execute(f"DROP TABLE views.{view.name}")  # type: ignore[arg-type]
    failures: list[BaseException] = []

    def make() -> None:
        try:
            with psycopg.connect(settings.database_url, autocommit=True) as connection:
                ensure_tables(connection)
        except BaseException as error:
            failures.append(error)

    makers = [threading.Thread(target=make) for _ in range(4)]
    for thread in makers:
        thread.start()
    for thread in makers:
        thread.join()
    assert failures == []
    assert registered(database) == {view.name: view.version for view in VIEWS}


def wait_until_folded(connection: Connection, last: int, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while position(connection) < last:
        assert time.monotonic() < deadline, f"folded {position(connection)} of {last}"
        time.sleep(0.02)


def test_one_folds_another_takes_over(settings: Settings, database: Connection, log: Log) -> None:
    stops = [threading.Event(), threading.Event()]
    folders = [threading.Thread(target=fold.run, args=(settings, stop)) for stop in stops]
    walk = Walk(random.Random(4)).acts()
    try:
        for thread in folders:
            thread.start()
        wait_until_folded(database, append(log, walk, 100))
        stops[0].set()
        folders[0].join(10)
        assert not folders[0].is_alive()
        wait_until_folded(database, append(log, walk, 100))
    finally:
        for stop in stops:
            stop.set()
        for thread in folders:
            thread.join(10)
    live = contents(database)
    rebuild(settings)
    assert contents(database) == live


def test_a_lost_connection_is_made_again(settings: Settings, database: Connection, log: Log) -> None:
    stop = threading.Event()
    folder = threading.Thread(target=fold.run, args=(settings, stop))
    walk = Walk(random.Random(4)).acts()
    try:
        folder.start()
        wait_until_folded(database, append(log, walk, 50))
        with psycopg.connect(settings.database_owner_url, autocommit=True) as owner:
            owner.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name LIKE 'besluitspoor f%'"
            )
        wait_until_folded(database, append(log, walk, 50))
    finally:
        stop.set()
        folder.join(10)


def test_the_folder_rebuilds_what_its_code_makes_otherwise(
    settings: Settings, database: Connection, folded: list[Recorded]
) -> None:
    live = contents(database)
    database.execute("UPDATE views.registry SET version = 0 WHERE name IN ('queue', 'status')")
    database.execute("TRUNCATE views.queue, views.lead_times, views.status, views.status_history")
    stop = threading.Event()
    folder = threading.Thread(target=fold.run, args=(settings, stop))
    folder.start()
    try:
        deadline = time.monotonic() + 20
        while contents(database) != live:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        stop.set()
        folder.join(10)


FOLDER = """
import sys, threading
from service import fold
from service.settings import Settings
settings = Settings(sys.argv[1], sys.argv[1], b"x" * 40)
fold.LEAST = 40
fold.MOST = 80
fold.run(settings, threading.Event())
"""


@pytest.mark.slow
def test_kill_the_folding_process_at_random_moments(
    settings: Settings, database: Connection, log: Log, project: Path
) -> None:
    chance = random.Random(1)
    wanted, kills = 5_000, 20

    def start() -> subprocess.Popen[bytes]:
        environ = {**os.environ, "PYTHONPATH": str(project)}
        return subprocess.Popen(
            [sys.executable, "-c", FOLDER, settings.database_url], env=environ, cwd=project
        )

    last = 0
    enough = threading.Event()

    def write() -> None:
        """As long as there is killing, so that no kill finds everything folded."""
        nonlocal last
        while last < wanted or not enough.is_set():
            last = append(log, walk, 20)

    walk = Walk(random.Random(2)).acts()
    writer = threading.Thread(target=write)
    folder = start()
    writer.start()
    seen = []
    try:
        for _ in range(kills):
            before = position(database)
            deadline = time.monotonic() + 60
            while position(database) == before and time.monotonic() < deadline:
                time.sleep(0.01)
            time.sleep(chance.random() * 0.3)
            os.kill(folder.pid, signal.SIGKILL)
            folder.wait()
            seen.append(position(database))
            folder = start()
        enough.set()
        writer.join()
        wait_until_folded(database, last, 180)
    finally:
        enough.set()
        folder.kill()
        folder.wait()
        writer.join()
    assert last >= wanted
    assert len(set(seen)) >= kills // 2, seen
    live = contents(database)
    rebuild(settings)
    assert contents(database) == live
