"""Does every event reach the broker when the publishing process is killed at random moments?"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from service.settings import Settings

from .conftest import Inbox, never_a_gap

PUBLISH = """
import sys, threading
from service.messaging.publisher import run
from service.settings import Settings
database_url, broker_url, oin = sys.argv[1:]
run(Settings(database_url, "", b"", broker_url, oin=oin), threading.Event())
"""
EVENTS, KILLS = 5_000, 20
AHEAD = 500
"""So many events at most wait for the publisher."""


@contextmanager
def process(settings: Settings, project: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A publisher in a process of its own, killed at the end."""
    arguments = [sys.executable, "-c", PUBLISH, settings.database_url, settings.broker_url, settings.oin]
    environ = {**os.environ, "PYTHONPATH": str(project)}
    running = subprocess.Popen(arguments, env=environ, stdout=subprocess.DEVNULL)
    try:
        yield running
    finally:
        running.send_signal(signal.SIGKILL)
        running.wait()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_event_arrives_in_order_but_for_repeats_when_the_publisher_is_killed(
    on_broker: Settings,
    project: Path,
    inbox: Inbox,
    append: Callable[[int], None],
    position: Callable[[], int],
    until: Callable[..., None],
) -> None:
    stopped = threading.Event()

    def write() -> None:
        """Never far ahead of the publisher, so that there is writing until the last kill."""
        for written in range(0, EVENTS, 50):
            while position() < written - AHEAD and not stopped.wait(0.01):
                pass
            append(50)

    writer = threading.Thread(target=write)
    writer.start()
    killed_at = []
    try:
        for moment in sorted(random.sample(range(50, EVENTS - 2 * AHEAD), KILLS)):
            with process(on_broker, project):
                until(lambda moment=moment: position() >= moment)
                time.sleep(random.uniform(0, 0.02))
            assert writer.is_alive()
            killed_at.append(position())
        with process(on_broker, project):
            until(lambda: position() == EVENTS, 60)
    finally:
        stopped.set()
        writer.join()
    assert len(set(killed_at)) >= KILLS // 2
    never_a_gap(inbox.positions(), EVENTS)
