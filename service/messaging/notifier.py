"""Who tells people what happened? One process makes notices of the log, sends them on their way and keeps the terms.

Being the one is a lock of the database session, so it goes with the process; others stand by. Were two ever to think
they are the one, nothing would be told twice: a batch is kept only from where the position was (see noticing).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import psycopg
import structlog

from service.follow import Follower, lasting_session
from service.identity import forgetting
from service.keeping_up import NOTIFIER_LOCK
from service.messaging import digests, dispatcher, noticing, reminders
from service.messaging.channels import CHANNELS
from service.messaging.channels.channel import Channel
from service.messaging.persevering import persevere
from service.settings import Settings
from service.wiring import Parts, build

__all__ = ["CHORES", "run"]

Connection = psycopg.Connection[Any]
Fold = Callable[[Parts, Connection, int, int], int]
Chore = Callable[[Parts, Connection, datetime], int]

CHORES: tuple[Chore, ...] = (reminders.run_due, digests.run_due, forgetting.run_due)
"""What is told, or forgotten, because a day or an hour came, not because something happened."""
BATCH = 200
"""Events whose notices are made in one transaction."""
LOOK_EVERY = 0.25
"""Seconds between looks whether to stop."""
STAND_BY = 0.5
CHORES_EVERY = 60.0
STOP_SECONDS = 15.0


def run(
    settings: Settings,
    stop: threading.Event,
    channels: Mapping[str, Callable[[Settings], Channel]] = CHANNELS,
    fold: Fold = noticing.fold_batch,
    chores: Sequence[Chore] = CHORES,
) -> None:
    """Notifies until `stop` is set; a batch under way is finished. What breaks is tried again, for ever.

    What nobody could be told of is set aside, and tried again by whoever begins to do this.
    """
    with closing(build(settings)) as parts:
        persevere("notifying", lambda: _stand_by_and_lead(parts, stop, channels, fold, chores), stop)


def _stand_by_and_lead(
    parts: Parts,
    stop: threading.Event,
    channels: Mapping[str, Callable[[Settings], Channel]],
    fold: Fold,
    chores: Sequence[Chore],
) -> None:
    address = parts.settings.database_url
    with lasting_session(address, "besluitspoor notifier") as connection:
        while not _leads(connection):
            if stop.wait(STAND_BY):
                return
        given_up = threading.Event()
        others = [
            threading.Thread(target=target, args=arguments, name=name, daemon=True)
            for name, target, arguments in (
                ("dispatcher", dispatcher.run, (parts.settings, given_up, channels)),
                ("clock", _keep_time, (parts, given_up, chores)),
            )
        ]
        for thread in others:
            thread.start()
        try:
            with Follower(address, "log") as follower:
                _fold(parts, connection, follower, stop, fold)
        finally:
            given_up.set()
            until = time.monotonic() + STOP_SECONDS
            for thread in others:
                thread.join(max(0.0, until - time.monotonic()))


def _fold(
    parts: Parts, connection: Connection, follower: Follower, stop: threading.Event, fold: Fold
) -> None:
    """On the session that holds the lock: who lost its turn can't write here any more."""
    row = connection.execute("SELECT position FROM ledger.position").fetchone()
    assert row is not None
    at = int(row[0])
    structlog.get_logger(__name__).info("notifying", after=at)
    noticing.try_again(parts, connection)
    while not stop.is_set():
        reached = fold(parts, connection, at, BATCH)
        if reached == at:
            follower.wait(LOOK_EVERY)
        at = reached


def _keep_time(parts: Parts, stop: threading.Event, chores: Sequence[Chore]) -> None:
    """Sees once a minute what is due; one that breaks keeps no other from being done."""

    def one(chore: Chore) -> None:
        with lasting_session(parts.settings.database_url, "besluitspoor clock") as connection:
            chore(parts, connection, datetime.now(UTC))

    while not stop.is_set():
        for chore in chores:
            try:
                one(chore)
            except Exception as error:
                structlog.get_logger(__name__).warning(
                    "what is due could not be told", error=f"{type(error).__name__}: {error}".strip()
                )
            if stop.is_set():
                return
        stop.wait(CHORES_EVERY)


def _leads(connection: Connection) -> bool:
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", (NOTIFIER_LOCK,)).fetchone()
    return bool(row and row[0])
