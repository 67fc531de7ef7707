"""Does gunicorn serve an application of ours: built after the fork, by several processes, stopped in good order?"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
# The server alone: a small WSGI application stands where create_app's would, everything around it is real.
SERVES = """
import os, sys, types
from service import webserver
from service.settings import Settings

def create_app(settings):
    built_in = os.getpid()
    def application(environ, start_response):
        from prometheus_client import Counter
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [f"{os.getpid()} {built_in} {os.environ['PROMETHEUS_MULTIPROC_DIR']}".encode()]
    return application

sys.modules["service.app"] = types.ModuleType("service.app")
sys.modules["service.app"].create_app = create_app
webserver.serve(Settings("", "", b"x" * 32), "127.0.0.1", int(sys.argv[1]), workers=2, threads=4)
"""


def say(port: int, request: bytes) -> tuple[bytes, dict[str, object]]:
    """What is answered to this: the status line, and the problem."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(request)
        with connection.makefile("rb") as answer:
            head, _, body = answer.read().partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    return head.splitlines()[0], json.loads(body)


def ask(port: int) -> list[str]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
        return answer.read().decode().split()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    port = free_port()
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    environ.pop("PROMETHEUS_MULTIPROC_DIR", None)
    environ.pop("XDG_RUNTIME_DIR", None)
    process = subprocess.Popen([sys.executable, "-c", SERVES, str(port)], env=environ)
    give_up_at = time.monotonic() + 20
    while True:
        try:
            ask(port)
            break
        except OSError:
            assert process.poll() is None
            assert time.monotonic() < give_up_at
            time.sleep(0.05)
    yield process, port
    if process.poll() is None:
        process.kill()
        process.wait()


def test_built_after_the_fork_in_two_processes(served: tuple[subprocess.Popen[bytes], int]) -> None:
    process, port = served
    answers = [ask(port) for _ in range(40)]
    give_up_at = time.monotonic() + 20
    while len({pid for pid, _, _ in answers}) < 2 and time.monotonic() < give_up_at:
        answers.append(ask(port))  # the system may wake one of them for a long time
    assert all(pid == built_in for pid, built_in, _ in answers)
    assert {pid for pid, _, _ in answers}.isdisjoint({str(process.pid)})
    assert len({pid for pid, _, _ in answers}) == 2


def test_stops_in_good_order_and_leaves_nothing(
    served: tuple[subprocess.Popen[bytes], int], tmp_path: Path
) -> None:
    process, port = served
    metrics = Path(ask(port)[2])
    assert metrics.is_dir()
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert not metrics.exists()
    assert not (tmp_path / ".gunicorn").exists(), "a control socket was made"
    with pytest.raises(OSError):
        ask(port)


def test_killed_server_leaves_no_process_that_serves(served: tuple[subprocess.Popen[bytes], int]) -> None:
    process, port = served
    process.kill()
    process.wait()
    give_up_at = time.monotonic() + 10
    while True:
        try:
            ask(port)
        except OSError:
            break
        assert time.monotonic() < give_up_at
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (b"GARBAGE\r\n\r\n", 400, "bad-request"),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, "uri-too-long"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 200 + b"\r\n", 431, "headers-too-large"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA b: c\r\n\r\n", 400, "bad-request"),
    ],
)
def test_what_is_not_even_http_is_answered_by_a_problem(
    served: tuple[subprocess.Popen[bytes], int], request_: bytes, status: int, code: str
) -> None:
    line, problem = say(served[1], request_)
    assert line.startswith(f"HTTP/1.1 {status}".encode())
    assert (problem["status"], problem["code"]) == (status, code)
