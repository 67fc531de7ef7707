"""Does a reader who waits for a position wake as soon as the views have got there, also after a lost connection?"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import psycopg
import pytest

from domain.recorded import Recorded
from projections.views import VIEWS
from service import fold, waiting
from service.eventstore import Log
from service.rebuild import rebuild
from service.settings import Settings
from service.viewstore import fold_batch, position, read_log
from service.waiting import Clock
from tests.views.conftest import Connection
from tests.views.walks import Walk, append


@pytest.fixture
def clock(settings: Settings) -> Iterator[Clock]:
    clock = Clock(settings.database_url)
    yield clock
    clock.close()


def move(connection: Connection, position: int) -> None:
    with connection.transaction():
        connection.execute("UPDATE views.position SET position = %s", (position,))
        connection.execute("SELECT pg_notify('views', %s)", (str(position),))


def test_waits_until_the_views_are_there(clock: Clock, database: Connection) -> None:
    assert clock.wait_for(0)
    assert not clock.wait_for(5, timeout=0.1)
    later = threading.Timer(0.2, move, (database, 5))
    began = time.monotonic()
    later.start()
    assert clock.wait_for(5, timeout=30)
    assert time.monotonic() - began > 0.1
    assert clock.wait_for(4, timeout=0)
    assert clock.position == 5
    later.join()


def test_knows_where_the_views_were_before_it_listened(clock: Clock, database: Connection) -> None:
    move(database, 7)
    assert clock.wait_for(7, timeout=30)


def test_a_missed_notification_is_made_up_for(clock: Clock, database: Connection) -> None:
    assert clock.wait_for(0)
    database.execute("UPDATE views.position SET position = 3")
    assert clock.wait_for(3, timeout=30)


def test_a_lost_connection_is_made_again(settings: Settings, clock: Clock, database: Connection) -> None:
    assert clock.wait_for(0)
    with psycopg.connect(settings.database_owner_url, autocommit=True) as owner:
        owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name LIKE '%waits for views'"
        )
    move(database, 9)
    assert clock.wait_for(9, timeout=30)


def test_who_waits_is_not_told_to_read_a_view_that_was_left_behind(
    settings: Settings, clock: Clock, database: Connection, walked: list[Recorded]
) -> None:
    at = fold_batch(database, VIEWS, read_log(database, 0, 200), 0)
    assert clock.wait_for(at, timeout=30)
    newer = [replace(view, version=view.version + 1) if view.name == "queue" else view for view in VIEWS]
    last = fold_batch(database, newer, read_log(database, at, 1_000), at)
    assert position(database) == last == len(walked)
    assert not clock.wait_for(at + 1, timeout=0.3)
    assert clock.wait_for(at)
    with closing(Clock(settings.database_url)) as another:  # that has heard nothing yet
        assert another.wait_for(at, timeout=30)
        assert not another.wait_for(at + 1, timeout=0.3)
    without = [view for view in VIEWS if view.name != "queue"]
    with closing(Clock(settings.database_url, without)) as elsewhere:  # whose code has no such view
        assert elsewhere.wait_for(last, timeout=30)

    rebuild(settings, "queue", views=newer)
    assert clock.wait_for(last, timeout=30)


def test_closing_ends_the_thread(settings: Settings) -> None:
    before = set(threading.enumerate())
    clock = Clock(settings.database_url)
    clock.wait_for(0)
    clock.close()
    clock.close()
    assert not any(thread.name == "clock" for thread in set(threading.enumerate()) - before)


def test_a_reader_sees_its_own_write_soon(
    settings: Settings, clock: Clock, database: Connection, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By being told: who looks for itself does so too late for this."""
    monkeypatch.setattr(waiting, "LOOK_EVERY", 600.0)
    stop = threading.Event()
    folder = threading.Thread(target=fold.run, args=(settings, stop))
    folder.start()
    walk = Walk(random.Random(1)).acts()
    try:
        append(log, walk, 20)
        for _ in range(30):
            assert clock.wait_for(append(log, walk, 1), timeout=30)
    finally:
        stop.set()
        folder.join()
