"""Is a rebuilt view the live one, byte for byte, also while events come in and under a new version?"""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from dataclasses import replace

import psycopg
import pytest

from domain.recorded import Recorded
from projections.queue import QUEUE
from projections.view import Document, View
from projections.views import VIEWS
from service import rebuild as rebuilding
from service import rebuild_copy
from service.eventstore import Log
from service.rebuild import Stopped, UnknownView, rebuild, to_rebuild
from service.settings import Settings
from service.viewstore import Superseded, fold_batch, position, read_log, registered
from tests.views.conftest import Connection, contents, fold_all
from tests.views.walks import Walk, append


def test_rebuild_equals_live(settings: Settings, database: Connection, folded: list[Recorded]) -> None:
    live = contents(database)
    assert len(live["status"]) > 10
    for view in VIEWS:
        rebuild(settings, view.name)
    assert contents(database) == live
    rebuild(settings)
    assert contents(database) == live


def test_streams_longer_than_a_chunk_are_folded_whole(
    settings: Settings, database: Connection, folded: list[Recorded], monkeypatch: pytest.MonkeyPatch
) -> None:
    live = contents(database)
    for chunk in (1, 3, 7):
        monkeypatch.setattr(rebuild_copy, "CHUNK", chunk)
        rebuild(settings)
        assert contents(database) == live


def test_rebuild_in_several_processes(
    settings: Settings, database: Connection, folded: list[Recorded], monkeypatch: pytest.MonkeyPatch
) -> None:
    live = contents(database)
    monkeypatch.setattr(rebuilding, "RANGE_EVENTS", 100)
    told: list[str] = []
    rebuild(settings, progress=told.append, processes=2)
    assert contents(database) == live
    assert any("%" in line for line in told)


def test_rebuild_of_views_that_never_were_folded(
    settings: Settings, database: Connection, walked: list[Recorded]
) -> None:
    rebuild(settings)
    assert position(database) == len(walked)
    rebuilt = contents(database)
    assert fold_all(database) == len(walked)
    database.execute("UPDATE views.position SET position = 0")
    database.execute("TRUNCATE views.status, views.queue, views.budget, views.programmes, views.portfolio")
    database.execute(
        "TRUNCATE views.status_history, views.budget_facts, views.portfolio_facts, views.lead_times"
    )
    fold_all(database, limit=50)
    assert contents(database) == rebuilt


def test_rebuild_of_one_view_brings_the_others_along(
    settings: Settings, database: Connection, walked: list[Recorded]
) -> None:
    rebuild(settings, "queue")
    assert position(database) == len(walked)
    live = contents(database)
    rebuild(settings)
    assert contents(database) == live


def test_rebuild_while_events_come_in_and_people_read(
    settings: Settings, database: Connection, log: Log, folded: list[Recorded]
) -> None:
    stop = threading.Event()
    failures: list[BaseException] = []

    def write_and_fold() -> None:
        try:
            with psycopg.connect(settings.database_url, autocommit=True) as connection:
                walk = Walk(random.Random(8)).acts()
                for _ in range(5):
                    next(walk)  # the programmes and envelopes are there already
                while not stop.is_set():
                    append(log, walk, 5)
                    fold_all(connection)
        except BaseException as error:
            failures.append(error)

    def read() -> None:
        try:
            with psycopg.connect(settings.database_url, autocommit=True) as connection:
                while not stop.is_set():
                    connection.execute("SET statement_timeout = '20s'")
                    connection.execute("SELECT count(*), max(document::text) FROM views.status").fetchone()
        except BaseException as error:
            failures.append(error)

    beside = [threading.Thread(target=each) for each in (write_and_fold, read)]
    for thread in beside:
        thread.start()
    for _ in range(3):
        rebuild(settings)
    stop.set()
    for thread in beside:
        thread.join()
    assert failures == []
    fold_all(database)
    live = contents(database)
    rebuild(settings)
    assert contents(database) == live


def counted(document: Document | None, recorded: Recorded) -> Document:
    """How many events a case has."""
    return {"events": (document or {"events": 0})["events"] + 1}


def other(views: Sequence[View], name: str, version: int) -> list[View]:
    """The views of code in which this one is made otherwise."""
    return [
        replace(view, version=version, evolve=counted, columns=(), indexes=(), facts=None)
        if view.name == name
        else view
        for view in views
    ]


def test_a_new_version_is_rebuilt_and_the_old_code_stands_back(
    settings: Settings, database: Connection, log: Log, folded: list[Recorded]
) -> None:
    newer = other(VIEWS, "portfolio", 2)
    assert to_rebuild(settings, newer) == ["portfolio"]
    rebuild(settings, "portfolio", views=newer, processes=1)
    assert to_rebuild(settings, newer) == []
    counts = dict(database.execute("SELECT key, document ->> 'events' FROM views.portfolio").fetchall())
    assert len(counts) > 10
    assert all(int(count) > 0 for count in counts.values())
    with pytest.raises(Superseded):
        fold_batch(database, VIEWS, read_log(database, 0, 1), position(database))


def test_a_view_left_behind_is_marked_for_a_rebuild(
    settings: Settings, database: Connection, walked: list[Recorded]
) -> None:
    newer = other(VIEWS, "queue", QUEUE.version + 1)
    fold_batch(database, newer, read_log(database, 0, 100), 0)
    assert registered(database)["queue"] == 0
    assert to_rebuild(settings, VIEWS) == ["queue"]
    rebuild(settings, "queue")
    live = contents(database)
    rebuild(settings)
    assert contents(database) == live


def test_a_rebuild_can_be_stopped(settings: Settings, database: Connection, folded: list[Recorded]) -> None:
    live = contents(database)
    with pytest.raises(Stopped):
        rebuild(settings, stopped=lambda: True)
    assert contents(database) == live


def test_an_unknown_view_is_named(settings: Settings) -> None:
    with pytest.raises(UnknownView, match="The views are: budget, confidential, portfolio"):
        rebuild(settings, "statuss")
