"""A RabbitMQ of a test's own, whose application can be stopped and started while nobody else notices.

The one that all tests share can't be stopped: in another process others need it at that very moment. A second node
beside it has a name, ports, a folder and a cookie of its own, and is gone at the end.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from tests.ports import free_port

__all__ = ["Node", "own_node"]

PROGRAMS = ("/usr/lib/rabbitmq/bin", "/usr/local/sbin", "/usr/sbin")
"""Where the programs are that anybody may run; those of Debian in /usr/sbin want to be root first."""
START_SECONDS = 180.0
COMMAND_SECONDS = 120.0


@dataclass
class Node:
    """A node at work; `environ` is what its programs know it by."""

    url: str
    control: str
    environ: dict[str, str]

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Without its application: it takes nobody any more, and who was there is thrown out. Starts it again."""
        try:
            self._do("stop_app")
            yield
        finally:
            self._do("start_app")

    def _do(self, command: str) -> None:
        done = subprocess.run(
            [self.control, "--quiet", command],
            env=self.environ, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"


@contextmanager
def own_node(folder: Path, in_ci: bool) -> Iterator[Node]:
    """A node of one's own, in CI; at a user's the test is skipped, for it takes a server program and some memory."""
    if not in_ci:
        pytest.skip("This starts a RabbitMQ of its own; with BESLUITSPOOR_CI=1 it does.")
    server, control = (_program(name) for name in ("rabbitmq-server", "rabbitmqctl"))
    if server is None or control is None:
        pytest.skip(
            "There is no rabbitmq-server and rabbitmqctl on this machine: apt-get install rabbitmq-server"
        )
    port, own_port = free_port(), free_port()
    for name, content in (("environment", ""), ("plugins", "[].")):
        (folder / name).write_text(content)
    environ = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": str(folder),
        "RABBITMQ_NODENAME": f"test{uuid4().hex[:12]}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(own_port),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "RABBITMQ_CONFIG_FILE": str(folder / "none"),
        "RABBITMQ_CONF_ENV_FILE": str(folder / "environment"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
    }
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(
            [server], env=environ, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True
        )
    try:
        _wait_until_it_answers(process, port, folder / "said")
        yield Node(f"amqp://guest:guest@127.0.0.1:{port}//", control, environ)
    finally:
        # All of it is thrown away, so it need not end well. It is a session of its own: this ends nothing else.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _program(name: str) -> str | None:
    return shutil.which(name, path=os.pathsep.join((*PROGRAMS, os.environ.get("PATH", ""))))


def _wait_until_it_answers(process: subprocess.Popen[bytes], port: int, said: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=2).close()
            return
        except OSError:
            assert process.poll() is None, said.read_text()
            assert time.monotonic() < until, said.read_text()
            time.sleep(0.2)
