"""Does a follower hear of everything, also after its connection was lost?"""

from __future__ import annotations

import threading
import time

import psycopg

from service.follow import Follower
from service.settings import Settings


def notify(settings: Settings, payload: str = "") -> None:
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.execute("SELECT pg_notify('log', %s)", [payload])


def terminate(settings: Settings) -> int:
    """Cut every follower's connection."""
    with psycopg.connect(settings.database_owner_url, autocommit=True) as connection:
        return connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name LIKE 'besluitspoor follows%' AND datname = current_database()"
        ).rowcount


def test_it_wakes_at_once_when_notified(settings: Settings) -> None:
    with Follower(settings.database_url, "log", poll=30) as follower:
        assert follower.wait(0), "what happened before it listened must be looked at"
        assert not follower.wait(0.05)
        threading.Timer(0.1, notify, [settings, "42"]).start()
        assert follower.wait(10)
        assert follower.payload == "42"


def test_a_notification_that_came_between_two_waits_counts(settings: Settings) -> None:
    with Follower(settings.database_url, "log", poll=30) as follower:
        follower.wait(0)
        notify(settings, "1")
        notify(settings, "2")
        heard = ""
        while heard != "2":
            assert follower.wait(5)
            heard = follower.payload


def test_without_a_notification_it_still_looks_now_and_then(settings: Settings) -> None:
    with Follower(settings.database_url, "log", poll=1.5) as follower:
        follower.wait(0)
        began = time.monotonic()
        assert follower.wait(30)
        assert time.monotonic() - began > 0.7
        assert not follower.wait(0.05)


def test_a_lost_connection_means_looking_and_listening_again(settings: Settings) -> None:
    with Follower(settings.database_url, "log", poll=30) as follower:
        follower.wait(0)
        assert terminate(settings) == 1
        assert follower.wait(5), "what was notified as the connection broke may be lost"
        assert follower.wait(5), "connected again: what happened in between was not notified"
        notify(settings, "later")
        assert follower.wait(5)
        assert follower.payload == "later"


def test_without_a_database_it_polls_on_and_raises_nothing() -> None:
    with Follower("host=127.0.0.1 port=1 dbname=none", "log", poll=0.2) as follower:
        began = time.monotonic()
        answers: list[bool] = []
        while answers.count(True) < 3:
            answers.append(follower.wait(0.1))
        assert time.monotonic() - began > 0.35, "it must wait, not spin"
