"""What cannot be folded stands still by itself, shows, and can be repaired; the rest goes on."""

from __future__ import annotations

import random
from collections.abc import Container
from dataclasses import replace
from typing import LiteralString

import psycopg
import pytest

from domain.events import Reviewed
from domain.recorded import Recorded
from projections.status import STATUS
from projections.view import Column, Document, View
from projections.views import VIEWS
from service.rebuild import rebuild
from service.settings import Settings
from service.viewstore import fold_batch, position, read_log
from service.viewtables import index_tables, make_tables
from tests.views.conftest import Connection, contents, fold_all


class Broken(Exception):
    """What a faulty fold raises."""


def broken_at(at: int) -> tuple[View, ...]:
    """The views, of which status cannot fold this event."""

    def evolve(document: Document | None, recorded: Recorded) -> Document | None:
        if recorded.position == at:
            raise Broken("cannot fold this")
        return STATUS.evolve(document, recorded)

    return tuple(replace(view, evolve=evolve) if view.name == "status" else view for view in VIEWS)


def fold_with(connection: Connection, views: tuple[View, ...], limit: int) -> None:
    at = position(connection)
    while events := read_log(connection, at, limit):
        at = fold_batch(connection, views, events, at)


def without(
    contents: dict[str, list[tuple[object, ...]]], stream: str
) -> dict[str, list[tuple[object, ...]]]:
    return {name: [row for row in rows if stream not in str(row)] for name, rows in contents.items()}


@pytest.mark.parametrize("limit", [*(pytest.param(each, marks=pytest.mark.slow) for each in (1, 1_000)), 40])
def test_one_stream_freezes_in_one_view(
    settings: Settings, database: Connection, walked: list[Recorded], limit: int
) -> None:
    fault = next(r for r in walked if isinstance(r.event, Reviewed) and r.position > 100)
    fold_with(database, broken_at(fault.position), limit)
    broken = contents(database)
    assert broken["frozen"] == [
        ("status", fault.stream, fault.position, "Reviewed: Broken: cannot fold this")
    ]
    (shown,) = database.execute(
        "SELECT document FROM views.status WHERE key = %s", (fault.stream,)
    ).fetchone() or ({},)
    assert shown["position"] < fault.position

    rebuild(settings, "status", key=fault.stream)
    repaired = contents(database)
    assert repaired["frozen"] == []
    rebuild(settings)
    assert contents(database) == repaired
    assert without(broken, fault.stream) == without(repaired, fault.stream)


def test_a_rebuild_freezes_where_the_live_fold_does(
    settings: Settings, database: Connection, walked: list[Recorded]
) -> None:
    fault = next(r for r in walked if isinstance(r.event, Reviewed) and r.position > 100)
    views = broken_at(fault.position)
    fold_with(database, views, 30)
    live = contents(database)
    rebuild(settings, views=views, processes=1)
    assert contents(database) == live
    told: list[str] = []
    rebuild(settings, "status", key=fault.stream, views=views, progress=told.append)
    assert told == ["status: still frozen, Reviewed: Broken: cannot fold this"]
    assert contents(database) == live


@pytest.mark.parametrize(
    "spoil",
    [
        "UPDATE log.events SET topic = 'Unheard' WHERE notification_id = %s",
        "UPDATE log.events SET state = '{}' WHERE notification_id = %s",
        # PostgreSQL keeps no NUL in a document; one in an event must not stop all views.
        """UPDATE log.events
        SET state = convert_to(replace(convert_from(state, 'UTF8'), 'taskforce', E'\\\\u0000'), 'UTF8')
        WHERE notification_id = %s""",
    ],
)
def test_an_event_nobody_can_read_freezes_its_stream_in_every_view(
    settings: Settings, database: Connection, walked: list[Recorded], spoil: LiteralString
) -> None:
    fault = next(r for r in walked if isinstance(r.event, Reviewed) and r.position > 100)
    with psycopg.connect(settings.database_owner_url) as owner:
        owner.execute("SET session_replication_role = replica")
        owner.execute(spoil, (fault.position,))
    assert fold_all(database) == len(walked)
    frozen = contents(database)["frozen"]
    assert {(view, stream) for view, stream, _, _ in frozen} == {
        (view, fault.stream) for view in ("status", "queue", "portfolio", "confidential", "register")
    }
    live = contents(database)
    rebuild(settings)
    assert contents(database) == live


CHAFF = random.Random(3).randbytes(6_000).hex()
"""So long, and so hard to compress, that no index takes it."""


def spoilt_at(faults: Container[int], *, column: str, index: str | None) -> tuple[View, ...]:
    """The views, of which status makes of these events documents that its table cannot hold."""

    def evolve(document: Document | None, recorded: Recorded) -> Document | None:
        after = STATUS.evolve(document, recorded)
        return {**after, "spoilt": CHAFF} if after is not None and recorded.position in faults else after

    columns = (*STATUS.columns, Column("spoilt", column, f"(document ->> 'spoilt')::{column}"))
    indexes = (*STATUS.indexes, *([index] if index else []))
    spoilt = replace(STATUS, evolve=evolve, columns=columns, indexes=indexes)
    return tuple(spoilt if view.name == "status" else view for view in VIEWS)


@pytest.mark.parametrize("limit", [40, pytest.param(1_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("column", "index", "says"),
    [
        ("bigint", None, "invalid input syntax for type bigint"),
        ("text", "btree (spoilt)", "index row"),
    ],
)
def test_what_a_table_cannot_hold_freezes_its_streams_alone(
    settings: Settings,
    database: Connection,
    walked: list[Recorded],
    limit: int,
    column: str,
    index: str | None,
    says: str,
) -> None:
    last = {recorded.stream: recorded for recorded in walked if recorded.kind == "proposal"}
    faults = {recorded.position: recorded.stream for recorded in list(last.values())[3:20:6]}
    views = spoilt_at(faults, column=column, index=index)
    status = next(view for view in views if view.name == "status")
    database.execute("DROP TABLE views.status, views.status_history")
    make_tables(database, status)
    index_tables(database, status)

    fold_with(database, views, limit)
    live = contents(database)
    assert {(view, stream, at) for view, stream, at, _ in live["frozen"]} == {
        ("status", stream, command_began(walked, at)) for at, stream in faults.items()
    }
    assert all(says in error for *_, error in live["frozen"])
    for at, stream in faults.items():
        (shown,) = database.execute(
            "SELECT position FROM views.status WHERE key = %s", (stream,)
        ).fetchone() or (0,)
        assert shown < at

    told: list[str] = []
    rebuild(settings, "status", key=faults[max(faults)], views=views, progress=told.append)
    assert told[0].startswith("status: still frozen, refused")
    rebuild(settings, views=views, processes=1)
    assert contents(database) == live

    rebuild(settings)  # by code that makes no such document
    whole = contents(database)
    assert whole["frozen"] == []
    assert len(whole["status"]) == len(last)


def command_began(walked: list[Recorded], position: int) -> int:
    """The first event of that command in the same stream."""
    ended = walked[position - 1]
    return next(
        each.position for each in walked if (each.stream, each.command_id) == (ended.stream, ended.command_id)
    )


def test_repairing_what_is_not_there(
    settings: Settings, database: Connection, folded: list[Recorded]
) -> None:
    told: list[str] = []
    rebuild(settings, "status", key="proposal-unknown", progress=told.append)
    assert told == ["status: no such stream"]
