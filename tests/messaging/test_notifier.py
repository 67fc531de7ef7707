"""Is everything told by one process at a time, and goes another on where it stopped?"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from service.keeping_up import notifying
from service.messaging import ledger, noticing, notifier
from service.messaging.dispatcher import SWEEP_EVERY
from service.messaging.ledger import Making, Planned
from service.messaging.notifier import Chore
from service.settings import Settings
from service.wiring import Parts

from .delivering import Desk, at_work

Append = Callable[[int], None]
Until = Callable[..., None]

pytestmark = pytest.mark.parametrize("on_broker", ["pgmq"], indirect=True)


@dataclass
class Telling:
    """Tells one person of every event, over the channel of the test; `stumble` makes it break at a position."""

    desk: Desk
    stumble: int = 0
    stumbled: int = 0
    folded: list[tuple[int, int]] = field(default_factory=list)

    def fold(self, parts: Parts, connection: psycopg.Connection[Any], after: int, limit: int) -> int:
        with connection.transaction():
            ((head,),) = connection.execute("SELECT coalesce(max(notification_id), 0) FROM log.events")
            reached = min(head, after + limit)
            moved = connection.execute(
                "UPDATE ledger.position SET position = %s WHERE position = %s", (reached, after)
            ).rowcount
            if not moved:
                raise noticing.Fenced
            if after < self.stumble <= reached:
                self.stumbled += 1
                raise ValueError(f"event {self.stumble} makes no sense")
            planned = [Planned("person-1", self.desk.name, "watcher", "waiting")]
            ledger.add(
                connection,
                [
                    (Making(f"event:{n}", "event", n, "x", "normal", {}, datetime.now(UTC)), planned)
                    for n in range(after + 1, reached + 1)
                ],
            )
        if reached > after:
            self.folded.append((after, reached))
        return reached

    def run(
        self, *chores: Chore, settings: Settings | None = None
    ) -> AbstractContextManager[threading.Event]:
        return at_work(
            lambda stop: notifier.run(
                settings or self.desk.settings, stop, self.desk.channels, self.fold, chores
            )
        )


@pytest.fixture
def telling(desk: Desk) -> Telling:
    return Telling(desk)


def sent(desk: Desk) -> int:
    return desk.states().get("sent", 0)


def test_every_event_is_told_once_and_brought_there(telling: Telling, append: Append, until: Until) -> None:
    desk = telling.desk
    append(30)
    with telling.run(), desk.delivering():
        until(lambda: sent(desk) == 30)
        append(30)
        until(lambda: sent(desk) == 60)
    assert len({delivery.cause for delivery in desk.got}) == len(desk.got) == 60


def test_what_happens_is_brought_there_within_a_moment(
    telling: Telling, append: Append, until: Until
) -> None:
    desk = telling.desk
    append(1)
    with telling.run(), desk.delivering():
        until(lambda: sent(desk) == 1)
        waits = []
        for n in range(2, 12):
            began = datetime.now(UTC)
            append(1)
            until(lambda n=n: sent(desk) == n)
            waits.append(datetime.now(UTC) - began)
    assert sorted(waits)[2] < timedelta(seconds=SWEEP_EVERY / 2), (
        "who is woken does not wait for the next sweep"
    )


def test_of_two_one_notifies_and_the_other_takes_over(telling: Telling, append: Append, until: Until) -> None:
    desk = telling.desk
    with desk.delivering(), telling.run() as first, telling.run():
        append(20)
        until(lambda: sent(desk) == 20)
        first.set()
        append(20)
        until(lambda: sent(desk) == 40)
    assert len(desk.got) == 40


@pytest.mark.slow
def test_who_lost_its_session_tells_nothing_twice(telling: Telling, append: Append, until: Until) -> None:
    desk = telling.desk
    with desk.delivering(), telling.run(), telling.run():
        for step in range(1, 4):
            append(20)
            until(lambda step=step: sent(desk) >= 20 * step - 15)
            with psycopg.connect(desk.settings.database_owner_url, autocommit=True) as owner:
                owner.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND application_name = 'besluitspoor notifier'"
                )
            until(lambda step=step: sent(desk) == 20 * step)
    assert len(desk.got) == 60


def test_a_fault_is_tried_again_until_it_is_gone(telling: Telling, append: Append, until: Until) -> None:
    desk = telling.desk
    telling.stumble = 13
    append(20)
    with desk.delivering(), telling.run():
        until(lambda: telling.stumbled > 1)
        with psycopg.connect(desk.settings.database_url) as connection:
            behind = notifying(connection)
        assert (behind.position, behind.events) == (0, 20)
        telling.stumble = 0
        until(lambda: sent(desk) == 20)


def test_what_is_due_is_looked_at_also_when_one_of_them_breaks(telling: Telling, until: Until) -> None:
    asked: list[datetime] = []

    def breaks(parts: Parts, connection: psycopg.Connection[Any], now: datetime) -> int:
        raise ValueError("today makes no sense")

    def told(parts: Parts, connection: psycopg.Connection[Any], now: datetime) -> int:
        asked.append(now)
        return 0

    with telling.run(breaks, told):
        until(lambda: len(asked) == 1)
    assert abs(datetime.now(UTC) - asked[0]) < timedelta(seconds=30)


def test_told_to_stop_it_stops_at_once_also_when_standing_by(telling: Telling, until: Until) -> None:
    with telling.run(), telling.run():

        def followed() -> bool:
            with psycopg.connect(telling.desk.settings.database_url) as connection:
                return notifying(connection).followed

        until(followed)
