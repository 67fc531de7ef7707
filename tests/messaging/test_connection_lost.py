"""Does publishing survive the loss of its connections, in the middle of it and again and again?"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace

import psycopg
import pytest

from service.settings import Settings

from .broker_proxy import Proxy, before
from .conftest import Inbox, never_a_gap

pytestmark = pytest.mark.slow

Publishing = Callable[[Settings], AbstractContextManager[threading.Event]]
Append = Callable[[int], None]
Position = Callable[[], int]
Until = Callable[..., None]


@pytest.fixture
def proxy(rabbitmq_url: str) -> Iterator[Proxy]:
    with before(rabbitmq_url) as opened:
        yield opened


def sessions(settings: Settings) -> list[int]:
    """Who is connected to this database as the runtime role."""
    with psycopg.connect(settings.database_owner_url, autocommit=True) as connection:
        found = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND usename = 'besluitspoor_test'"
        )
        return [row[0] for row in found]


def terminate(settings: Settings, *, spare: list[int]) -> None:
    """End every session but these."""
    with psycopg.connect(settings.database_owner_url, autocommit=True) as connection:
        for pid in set(sessions(settings)) - set(spare):
            connection.execute("SELECT pg_terminate_backend(%s)", [pid])


@pytest.mark.rabbitmq
@pytest.mark.parametrize("on_broker", ["rabbitmq"], indirect=True)
def test_a_broker_that_breaks_off_is_found_again(
    on_broker: Settings,
    inbox: Inbox,
    proxy: Proxy,
    append: Append,
    position: Position,
    publishing: Publishing,
    until: Until,
) -> None:
    through = replace(on_broker, broker_url=proxy.url)
    append(600)
    with publishing(through):
        for step in range(1, 5):
            until(lambda step=step: position() > 120 * step)
            proxy.cut()
            time.sleep(random.uniform(0, 0.4))
            proxy.mend()
        until(lambda: position() == 600)
        proxy.cut()  # idle now
        append(5)
        time.sleep(0.5)
        proxy.mend()
        until(lambda: position() == 605)
    never_a_gap(inbox.positions(), 605)


def test_a_database_that_ends_every_session_is_found_again(
    on_broker: Settings,
    inbox: Inbox,
    append: Append,
    position: Position,
    publishing: Publishing,
    until: Until,
) -> None:
    append(600)
    ours = sessions(on_broker)
    with publishing(on_broker):
        for step in range(1, 5):
            until(lambda step=step: position() > 120 * step)
            terminate(on_broker, spare=ours)
        until(lambda: position() == 600)
        terminate(on_broker, spare=ours)  # idle now
        append(5)
        until(lambda: position() == 605)
    never_a_gap(inbox.positions(), 605)
    with psycopg.connect(on_broker.database_url, autocommit=True) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_locks JOIN pg_database ON oid = database "
            "WHERE locktype = 'advisory' AND datname = current_database()"
        ).fetchone()
    assert row == (0,), "the lock goes with its session"


@pytest.mark.parametrize("on_broker", ["pgmq"], indirect=True)
def test_who_lost_its_turn_does_not_write_the_position(
    on_broker: Settings, append: Append, position: Position, publishing: Publishing, until: Until
) -> None:
    append(1)
    with publishing(on_broker), publishing(on_broker):
        until(lambda: position() == 1)
        for last in range(2, 5):
            with psycopg.connect(on_broker.database_owner_url, autocommit=True) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid) "
                    "WHERE locktype = 'advisory' AND datname = current_database()"
                )
            append(1)
            until(lambda last=last: position() == last)
