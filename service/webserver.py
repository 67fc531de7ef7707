"""How is the web application served? By gunicorn, started from here, with threads in a few processes."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.http.errors import ExpectationFailed, LimitRequestHeaders, LimitRequestLine, ParseException
from gunicorn.util import write_nonblock
from gunicorn.workers.gthread import ThreadWorker

from service.settings import Settings
from service.texts import DEFAULT, catalog

__all__ = ["PortTaken", "check_port", "serve"]

MULTIPROCESS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
STOP_SECONDS = 20


class PortTaken(Exception):
    """Nothing can listen at the address asked for; the message is a sentence that says what to do."""


def check_port(host: str, port: int) -> None:
    """Raise PortTaken when another program listens there, or when this machine has no such address.

    gunicorn's own sockets would share a port without a word with another server of ours (SO_REUSEPORT).
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise PortTaken(
            f"{host} is not an address of this machine ({error.strerror}). Try --host 127.0.0.1."
        ) from error
    with socket.socket(family, kind, protocol) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(address)
        except PermissionError as error:
            raise PortTaken(
                f"You may not listen on port {port}. Choose one above 1023 with --port."
            ) from error
        except OSError as error:
            raise PortTaken(
                f"Port {port} on {host} can't be used ({error.strerror}). Stop the program that listens there, or "
                f"choose another port: --port {port + 1} (make run PORT={port + 1})."
            ) from error


def serve(settings: Settings, host: str, port: int, workers: int, threads: int) -> None:
    """Serve until a signal stops it; leaves by SystemExit, as gunicorn does.

    The application is built after the fork: its pools and connections belong to one process. Its code is read before
    it, once for all processes.
    """
    given = os.environ.get(MULTIPROCESS_VARIABLE)
    # Set before anything imports prometheus_client, which looks at it then.
    metrics_dir = given or tempfile.mkdtemp(prefix="besluitspoor-metrics-")
    os.environ[MULTIPROCESS_VARIABLE] = metrics_dir
    Path(metrics_dir).mkdir(mode=0o700, parents=True, exist_ok=True)
    mother = os.getpid()
    from service.app import create_app

    try:
        _Server(lambda: create_app(settings), _options(host, port, workers, threads)).run()
    finally:
        if not given and os.getpid() == mother:  # a forked worker passes here too
            shutil.rmtree(metrics_dir, ignore_errors=True)


def _options(host: str, port: int, workers: int, threads: int) -> dict[str, Any]:
    linux = sys.platform == "linux"
    return {
        "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        "worker_class": Worker,
        "workers": workers,
        "threads": threads,
        "preload_app": False,
        # One socket a process: connections that stay open spread evenly. Only Linux balances such sockets.
        "reuse_port": linux and workers > 1,
        "graceful_timeout": STOP_SECONDS,
        "timeout": 60,
        "keepalive": 15,
        "accesslog": None,
        "loglevel": os.environ.get("LOG_LEVEL", "warning").lower(),
        # It would listen in the home folder for commands.
        "control_socket_disable": True,
        # The heartbeat file in memory: a slow disk would look like a dead worker.
        "worker_tmp_dir": "/dev/shm" if os.access("/dev/shm", os.W_OK | os.X_OK) else None,
        "post_fork": _post_fork,
        "post_worker_init": _settle,
        "child_exit": _child_exit,
    }


def _post_fork(arbiter: Any, worker: Any) -> None:
    if sys.platform == "linux":  # a killed arbiter must not leave a worker that goes on serving
        ctypes.CDLL(None).prctl(1, int(signal.SIGTERM), 0, 0, 0)


def _settle(worker: Any) -> None:
    """Looks for cycles among what requests make only, and for a few at a time.

    Each page leaves some hundreds of objects in cycles (a template's macros refer to themselves); what was
    loaded stays.
    Looked for less often, more of them pile up: at 50,000 the pause in the middle of somebody's page was 40 ms, once
    in seventy pages; at 5,000 it is a few.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 20, 20)


def _child_exit(arbiter: Any, worker: Any) -> None:
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


UNREADABLE: dict[type[BaseException], tuple[int, str]] = {
    LimitRequestLine: (414, "uri-too-long"),
    LimitRequestHeaders: (431, "headers-too-large"),
    ExpectationFailed: (417, "http-error"),
}
"""The status and the code of what cannot be read, where it is more than a bad request."""


class Worker(ThreadWorker):
    """Threads; what is not even HTTP is answered as every other error is: by a problem in place of a page."""

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
        """A request could not be read; nobody else has answered it."""
        if not isinstance(exc, ParseException):
            super().handle_error(req, client, addr, exc)
            return
        self.log.warning("Invalid request from %s: %s", (addr or ("", -1))[0], type(exc).__name__)
        status, code = UNREADABLE.get(type(exc), (400, "bad-request"))
        sentences = catalog(DEFAULT)
        problem = {
            "type": f"urn:besluitspoor:problem:{code}",
            "title": sentences.title(status),
            "status": status,
            "detail": sentences.say(code, {}),
            "code": code,
        }
        body = json.dumps(problem).encode()
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nConnection: close\r\n"
            f"Content-Type: application/problem+json\r\nContent-Language: {DEFAULT}\r\n"
            f"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        with contextlib.suppress(OSError):  # who sends this may well be gone
            write_nonblock(client, head.encode() + body)


class _Server(BaseApplication):
    def __init__(self, build: Callable[[], Any], options: dict[str, Any]) -> None:
        self._build = build
        self._options = options
        super().__init__(prog="besluitspoor web")

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return self._build()
