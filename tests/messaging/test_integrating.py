"""Does the consumer in docs/integrating.md work as it stands there, on both brokers, and see each event once?"""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path

import psycopg
from kombu import Queue

from service.messaging.broker import connected, events_exchange
from service.settings import Settings

Publishing = Callable[[Settings], AbstractContextManager[threading.Event]]
Append = Callable[[int], None]
Until = Callable[..., None]


def consumer(project: Path, queue: str) -> str:
    """The program in the page, with a queue of its own for each run, and less patience with one that died."""
    page = (project / "docs" / "integrating.md").read_text(encoding="utf-8")
    (code,) = (each for each in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "kombu" in each)
    assert len([line for line in code.splitlines() if line]) <= 25, "it should stay short"
    for there, here in (
        ('Queue("example"', f'Queue("{queue}"'),
        ('"visibility_timeout": 60', '"visibility_timeout": 3'),
    ):
        assert there in code
        code = code.replace(there, here)
    return str(code)


def test_the_consumer_of_the_page(
    project: Path, on_broker: Settings, append: Append, publishing: Publishing, until: Until, tmp_path: Path
) -> None:
    name = f"test_example_{on_broker.oin}"
    code = consumer(project, name)
    environ = {key: value for key, value in os.environ.items() if key not in ("BROKER_URL", "DATABASE_URL")}
    environ |= (
        {"BROKER_URL": on_broker.broker_url}
        if on_broker.broker_url
        else {"DATABASE_URL": on_broker.database_url}
    )
    environ["PYTHONPATH"] = str(project)
    output = tmp_path / "output"

    @contextmanager
    def running() -> Iterator[subprocess.Popen[bytes]]:
        with output.open("ab") as out:
            process = subprocess.Popen(
                [sys.executable, "-c", code], cwd=tmp_path, env=environ, stdout=out, stderr=out
            )
            try:
                yield process
            finally:
                process.kill()
                process.wait()

    def positions() -> list[int]:
        """What the consumer heard of ours, in the order in which it did; RabbitMQ carries other runs' events too."""
        if not (tmp_path / "mine.db").exists():
            return []
        with (
            closing(sqlite3.connect(tmp_path / "mine.db", timeout=10)) as db,
            suppress(sqlite3.OperationalError),
        ):
            return [
                row[0]
                for row in db.execute("SELECT position, subject FROM heard ORDER BY rowid")
                if row[1] in ours
            ]
        return []  # the table is not there yet

    # As the page says: the queue first.
    with connected(on_broker) as connection:
        arguments = {"x-queue-type": "quorum"}
        queue = Queue(name, events_exchange(), "#", queue_arguments=arguments)(connection.channel())
        queue.declare()
    ours = set()

    def append_ours(count: int) -> None:
        append(count)
        with psycopg.connect(on_broker.database_url) as db:
            ours.update(row[0] for row in db.execute("SELECT DISTINCT originator_id FROM log.events"))

    append_ours(20)
    try:
        with publishing(on_broker):
            with running() as process:
                until(lambda: len(positions()) >= 10)
                process.send_signal(signal.SIGKILL)
            with running():
                append_ours(5)
                until(lambda: len(positions()) == 25)
        with psycopg.connect(on_broker.database_url) as db:
            db.execute(
                "UPDATE outbox.position SET position = position - 3"
            )  # as after a crash of the publisher
        with publishing(on_broker), running():
            append_ours(1)
            until(lambda: len(positions()) == 26)
            until(lambda: output.read_text().count("had it already") >= 3)
    finally:
        with connected(on_broker) as connection:
            queue(connection.channel()).delete()
    assert sorted(positions()) == list(range(1, 27))
    if on_broker.broker_url:  # pgmq keeps what the killed consumer had in hand until its time-out
        assert positions() == list(range(1, 27))
