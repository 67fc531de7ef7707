"""How many requests a second are answered? Beside an empty Flask endpoint under the very same gunicorn."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from typing import Any

import psycopg
from flask import Flask

from benchmarks.bench import Bench
from benchmarks.beside import folding, process, wait_until
from benchmarks.racing import Step, race
from benchmarks.tables import Aim, Table, middle
from service import webserver
from service.api.proposals_schema import EXAMPLE
from service.identity import parties, people, tokens
from service.publishing import publish_bundled
from service.settings import Settings

__all__ = ["run"]

WORKERS, THREADS = 2, 16
"""As `besluitspoor web` has them."""

CLIENTS = 2
CONNECTIONS = 8
"""A client, each with one request under way."""

CASES = 200
HOST = "127.0.0.1"
SUBMISSION = {"programme": "regionale-herstelaanpak", **EXAMPLE}


def run(bench: Bench) -> Table:
    """Alternates the empty endpoint, the status of a case, and the submission of one."""
    empty_port, port = _free_port(), _free_port()
    rates: dict[str, list[float]] = {}
    with bench.database() as settings:
        publish_bundled(settings)
        token = _submitter(settings)
        with (
            folding(settings),
            process(serve_empty, settings, empty_port),
            process(webserver.serve, settings, HOST, port, WORKERS, THREADS),
        ):
            for each in (empty_port, port):
                wait_until(lambda each=each: _answers(each), f"port {each}")  # type: ignore[misc]
            ids = _submit_some(port, token, CASES)
            contenders: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
                "empty": (empty, (empty_port,)),
                "status": (status, (port, token, ids)),
                "submit": (submit, (port, token)),
            }
            for _ in range(bench.rounds):
                for name, (make, arguments) in contenders.items():
                    rate = CONNECTIONS * race(make, arguments, CLIENTS, bench.seconds)
                    rates.setdefault(name, []).append(rate)
                    bench.tell(f"{name}: {rate:,.0f} requests/s")
    return _table({name: middle(found) for name, found in rates.items()})


def _table(rate: dict[str, float]) -> Table:
    table = Table("http", "How many requests a second are answered?", ("", "requests/s", "of the empty one"))
    labels = {"empty": "an empty Flask endpoint", "status": "the status of a case", "submit": "a submission"}
    for name, label in labels.items():
        table.rows.append((label, f"{rate[name]:,.0f}", f"{rate[name] / rate['empty']:.2f}"))
    for name, aim in (("submit", 0.2), ("status", 0.5)):
        share = rate[name] / rate["empty"]
        table.aims.append(Aim(f"{aim} of the empty one for {labels[name]}", f"{share:.2f}", share >= aim))
    table.notes.append(
        f"gunicorn with {WORKERS} processes of {THREADS} threads; {CLIENTS * CONNECTIONS} connections kept open, by "
        f"{CLIENTS} clients on the same machine, which take their part of it; one process folds."
    )
    return table


def serve_empty(settings: Settings, port: int) -> None:
    """Flask with nothing in it, under our gunicorn with our options."""
    app = Flask(__name__)
    app.add_url_rule("/", "empty", dict)
    options = webserver._options(HOST, port, WORKERS, THREADS)
    del options["child_exit"]  # it is about the figures that the service keeps of itself
    webserver._Server(lambda: app, options).run()


def _submitter(settings: Settings) -> str:
    """A token of somebody who may submit."""
    with psycopg.connect(settings.database_url) as connection:
        party = parties.new("foundation", "Stichting Meting")
        parties.add(connection, party)
        person = people.add(
            connection,
            email="meting@example.org",
            name="Meting",
            roles=["submitter"],
            organisation=party.id,
        )
        return tokens.create(connection, person.id, timedelta(hours=12))[0]


def _free_port() -> int:
    with socket.socket() as found:
        found.bind((HOST, 0))
        port: int = found.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    try:
        connection = Connection(port)
    except OSError:
        return False
    try:
        connection.ask(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    except OSError:
        return False
    finally:
        connection.close()
    return True


class Connection:
    """One that is kept open. As little as a client can do, for it takes its time from the server's machine."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection((HOST, port), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._read = b""

    def send(self, request: bytes) -> None:
        """Sends a request whole."""
        self._socket.sendall(request)

    def answer(self) -> tuple[int, bytes]:
        """The status and the body of the answer."""
        while (end := self._read.find(b"\r\n\r\n")) < 0:
            self._more()
        head = self._read[:end].lower()
        at = head.index(b"content-length:") + 15
        length = int(head[at : head.find(b"\r", at) if b"\r" in head[at:] else None])
        while len(self._read) < end + 4 + length:
            self._more()
        body = self._read[end + 4 : end + 4 + length]
        self._read = self._read[end + 4 + length :]
        return int(head[9:12]), body

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """One request and its answer."""
        self.send(request)
        return self.answer()

    def close(self) -> None:
        """Gives it up."""
        self._socket.close()

    def _more(self) -> None:
        received = self._socket.recv(65536)
        if not received:
            raise ConnectionError("the server closed the connection")
        self._read += received


def _request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Accept: application/json"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body:
        lines += [] if "Content-Type" in headers else ["Content-Type: application/json"]
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _submit_some(port: int, token: str, amount: int) -> list[str]:
    body = json.dumps(SUBMISSION).encode()
    connection = Connection(port)
    found = []
    for _ in range(amount):
        said, answer = connection.ask(
            _request("POST", "/api/v1/proposals", {"Authorization": f"Bearer {token}"}, body)
        )
        if said != 201:
            raise RuntimeError(f"{said}: {answer.decode()}")
        found.append(json.loads(answer)["id"])
    return found


@contextmanager
def empty(port: int, racer: int) -> Iterator[Step]:
    """Nothing."""
    request = _request("GET", "/", {})
    yield _on_all(port, 200, lambda: request)


@contextmanager
def status(port: int, token: str, ids: list[str], racer: int) -> Iterator[Step]:
    """Where a case stands, each time another one."""
    headers = {"Authorization": f"Bearer {token}"}
    requests = [_request("GET", f"/api/v1/proposals/{id}", headers) for id in ids]
    number = count(racer)
    yield _on_all(port, 200, lambda: requests[next(number) % len(requests)])


@contextmanager
def submit(port: int, token: str, racer: int) -> Iterator[Step]:
    """A new proposal, with a key of its own."""
    numbers = count()

    def request() -> bytes:
        number = next(numbers)
        body = json.dumps({**SUBMISSION, "title": f"Voorstel {racer}.{number}"}).encode()
        key = f"{id(numbers):x}-{racer}-{number}"
        return _request(
            "POST", "/api/v1/proposals", {"Authorization": f"Bearer {token}", "Idempotency-Key": key}, body
        )

    yield _on_all(port, 201, request)


def _on_all(port: int, wanted: int, request: Callable[[], bytes]) -> Step:
    """A request on every connection, and then their answers."""
    connections = [Connection(port) for _ in range(CONNECTIONS)]

    def step() -> None:
        for connection in connections:
            connection.send(request())
        for connection in connections:
            said, body = connection.answer()
            if said != wanted:
                raise RuntimeError(f"{said}: {body.decode()}")

    return step
