"""Does the receiver in docs/integrating.md work as it stands there: does it verify, keep each event once, miss none?"""

from __future__ import annotations

import http.client
import os
import re
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from service.api.context import Running
from service.messaging.channels.webhook import Webhook, signature
from service.messaging.courier import deliver
from service.messaging.noticing import fold_batch
from service.settings import Settings
from service.wiring import Parts
from tests.api.conftest import PREFIX, Service, a_proposal, running_service
from tests.ports import free_port


@pytest.fixture
def service(settings: Settings) -> Iterator[Service]:
    with running_service(replace(settings, private_webhooks=True)) as made:
        yield made


@pytest.fixture
def api(service: Service) -> Iterator[str]:
    """The address of the API, for programs."""
    server = make_server("127.0.0.1", 0, service.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}{PREFIX}"
    server.shutdown()
    thread.join(10)
    server.server_close()


def program(project: Path) -> str:
    page = (project / "docs" / "integrating.md").read_text(encoding="utf-8")
    (code,) = (each for each in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "verified" in each)
    assert len([line for line in code.splitlines() if line]) <= 60, "it should stay short"
    return str(code)


def told(service: Service) -> list[str]:
    """Tells subscriptions of what is new, and sends what is due."""
    running: Running = service.app.extensions["besluitspoor"]
    parts: Parts = running.parts
    with parts.pool.connection() as connection:
        (after,) = connection.execute("SELECT position FROM ledger.position").fetchone() or (0,)
        while (at := fold_batch(parts, connection, after, 100)) != after:
            after = at
        query = """SELECT id FROM ledger.deliveries
            WHERE channel = 'webhook' AND state = 'waiting' AND due_at <= now() ORDER BY id"""
        due = connection.execute(query).fetchall()
    return [deliver(parts, Webhook(service.settings, seconds=30), id) for (id,) in due]


@pytest.mark.slow
def test_the_receiver_of_the_page(service: Service, api: str, project: Path, tmp_path: Path) -> None:
    port = free_port()
    given = {"name": "Voorbeeld", "url": f"http://127.0.0.1:{port}/"}
    subscribed = service.done("integration", "/subscriptions", given)
    secret = subscribed["secret"]
    environ = {**os.environ, "API": api, "API_TOKEN": service.tokens["integration"], "PORT": str(port)}
    output = tmp_path / "output"

    @contextmanager
    def running(secrets: str) -> Iterator[None]:
        with output.open("ab") as out:
            process = subprocess.Popen(
                [sys.executable, "-c", program(project)], cwd=tmp_path, stdout=out, stderr=out,
                env={**environ, "WEBHOOK_SECRETS": secrets},
            )  # fmt: skip
            try:
                until(lambda: answers(port))
                yield
            finally:
                process.kill()
                process.wait()

    def positions() -> list[int]:
        with closing(sqlite3.connect(tmp_path / "mine.db", timeout=10)) as db:
            return [row[0] for row in db.execute("SELECT position FROM heard ORDER BY position")]

    everything = lambda: list(range(1, service.head() + 1))  # noqa: E731
    service.done("submitter", "/proposals", a_proposal())
    with running(secret):
        assert positions() == everything(), "what was before it began is caught up with"
        service.done("submitter", "/proposals", a_proposal())
        assert set(told(service)) == {"Sent"}
        assert positions() == everything()
        assert "had it already" in output.read_text()

        body = b'{"id": "x", "type": "t", "subject": "s"}'
        now = int(time.time())
        right = {"webhook-id": "a", "webhook-timestamp": str(now)}
        for headers in (
            {},
            {**right, "webhook-signature": "v1,bm90aGluZw=="},
            {**right, "webhook-signature": signature("whsec_" + "A" * 43 + "=", "a", now, body)},
            {**right, "webhook-signature": signature(secret, "a", now, body + b" ")},
            {**right, "webhook-signature": signature(secret, "b", now, body)},
            {
                **right,
                "webhook-timestamp": str(now - 301),
                "webhook-signature": signature(secret, "a", now - 301, body),
            },
            {**right, "webhook-timestamp": "now", "webhook-signature": signature(secret, "a", now, body)},
        ):
            assert posted(port, headers, body) == 401, headers
        assert posted(port, {**right, "webhook-signature": signature(secret, "a", now, body)}, body) == 204
        assert 0 in positions()

    service.done("submitter", "/proposals", a_proposal())
    assert set(told(service)) == {"Failed"}, "it is not there"
    rotated = service.client().put(
        f"{PREFIX}/subscriptions/{subscribed['id']}/secret",
        json={"version": 2},
        headers={"Authorization": f"Bearer {service.tokens['integration']}"},
    )
    for secrets in (secret, rotated.json["secret"], f"{secret} {rotated.json['secret']}"):
        with running(secrets):
            assert positions() == [0, *everything()], "what was missed is caught up with"
            service.done("submitter", "/proposals", a_proposal())
            assert set(told(service)) == {"Sent"}
            assert positions() == [0, *everything()]


def posted(port: int, headers: dict[str, str], body: bytes) -> int:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("POST", "/", body, headers)
        return connection.getresponse().status


def answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
