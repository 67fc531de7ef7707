"""Does `besluitspoor run` bring up everything, keep it up, and leave nothing behind, however it is stopped?"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from service.settings import Settings
from tests.ports import free_port
from tests.run.walk import Running, alive, besluitspoor, family, get, start, until

pytestmark = pytest.mark.slow


@pytest.fixture
def run(data_dir: Path) -> Iterator[Callable[[], Running]]:
    """Starts the service on the same data each time, and waits until it serves."""
    started: list[Running] = []

    def begin() -> Running:
        port = free_port()
        command = [
            sys.executable,
            "-m",
            "service.cli",
            "run",
            "--demo",
            "--port",
            str(port),
            "--data",
            str(data_dir),
        ]
        written = data_dir.parent / f"written-{len(started)}"
        started.append(start(command, port, written, data_dir.parent))
        started[-1].wait_until_it_serves(120)
        until(started[-1].answers, 30, started[-1].said)
        return started[-1]

    yield begin
    for running in started:
        running.stop()


def pids_of(running: Running, part: str) -> list[int]:
    """The processes of ours whose command line has `part`, the oldest first."""
    return sorted(pid for pid, command in family(running.process.pid).items() if part in command)


def answer(url: str, token: str) -> tuple[int, Any] | None:
    """The same as `get`; None while it has no answer."""
    try:
        return get(url, token)
    except OSError:
        return None


def test_walk(run: Callable[[], Running], data_dir: Path) -> None:
    running = run()
    said = running.said()
    assert f"Besluitspoor serves on http://127.0.0.1:{running.port}" in said
    assert "/api/v1/docs" in said
    assert "treasurer@example.org" in said

    made = besluitspoor(
        "token", "create", "--person", "auditor@example.org", "--data", str(data_dir), cwd=data_dir
    )
    assert made.returncode == 0, made.stderr
    token = made.stdout.removesuffix("\n")
    assert token
    assert " " not in token
    assert "\n" not in token
    assert get(f"{running.url}/api/v1/envelopes", token)[0] == 200
    assert get(f"{running.url}/api/v1/envelopes")[0] == 401
    assert get(f"{running.url}/metrics")[0] == 200

    looked = besluitspoor("doctor", "--data", str(data_dir), cwd=data_dir)
    assert looked.returncode == 0, looked.stdout
    assert "fail" not in looked.stdout
    assert f"written into the folder {data_dir / 'outbox'}" in looked.stdout

    for pid in family(running.process.pid):  # who breaks into the web must not find the owner's password
        with suppress(FileNotFoundError, ProcessLookupError):  # some end meanwhile
            assert b"besluitspoor_owner" not in Path(f"/proc/{pid}/environ").read_bytes()

    # Whatever dies is there again, and the answer is the same.
    before = get(f"{running.url}/api/v1/programmes", token)
    parts = (
        " web ",
        "service.cli worker",
        "--only fold",
        "--only publish",
        "--only notify",
        "--only deliver",
        "postgres -D",
    )
    for part in parts:
        until(lambda: all(pids_of(running, each) for each in parts), 60, running.said)
        pid, *_ = pids_of(running, part)
        os.kill(pid, signal.SIGKILL)
        until(lambda pid=pid: not alive([pid]), 10)
        until(
            lambda part=part: bool(pids_of(running, part)),
            60,
            running.said,
        )
        until(running.answers, 30, running.said)
        until(lambda: answer(f"{running.url}/api/v1/programmes", token) == before, 60, running.said)

    second = besluitspoor("run", "--port", str(free_port()), "--data", str(data_dir), cwd=data_dir)
    assert second.returncode == 1
    assert f"in use by another 'besluitspoor' (process {running.process.pid})" in second.stderr

    # Ctrl-C reaches everything in the terminal's foreground, so ours must not depend on being the only one.
    everyone = [running.process.pid, *family(running.process.pid)]
    os.killpg(running.process.pid, signal.SIGINT)
    assert running.process.wait(60) == 0
    until(lambda: not alive(everyone), 30, lambda: alive(everyone))
    assert "Traceback" not in running.said().rpartition("Stopping")[2]


def test_second_start_is_quick_and_terminate_is_clean(run: Callable[[], Running]) -> None:
    running = run()
    running.process.terminate()
    assert running.process.wait(60) == 0
    began = time.monotonic()
    again = run()
    took = time.monotonic() - began
    everyone = [again.process.pid, *family(again.process.pid)]
    again.process.terminate()
    assert again.process.wait(60) == 0
    until(lambda: not alive(everyone), 30, lambda: alive(everyone))
    print(f"serving again after {took:.1f} s")


def test_killed_it_leaves_nothing_running_and_recovers(run: Callable[[], Running], data_dir: Path) -> None:
    running = run()
    for _ in range(3):
        everyone = [running.process.pid, *family(running.process.pid)]
        running.process.kill()
        running.process.wait()
        again = run()  # at once, while the old ones may still be stopping
        until(lambda gone=everyone: not alive(gone), 30, lambda gone=everyone: alive(gone))
        running = again
    looked = besluitspoor("doctor", "--data", str(data_dir), cwd=data_dir)
    assert looked.returncode == 0, looked.stdout


def test_on_a_database_of_ones_own(settings: Settings, data_dir: Path) -> None:
    """With DATABASE_URL and a secret in the environment: no PostgreSQL is started, the rest is the same."""
    port = free_port()
    command = [sys.executable, "-m", "service.cli", "run", "--port", str(port), "--data", str(data_dir)]
    environ = {
        "DATABASE_URL": settings.database_url,
        "DATABASE_OWNER_URL": settings.database_owner_url,
        "SECRET": "for this test alone, and long enough",
    }
    running = start(command, port, data_dir.parent / "written", data_dir.parent, **environ)
    try:
        running.wait_until_it_serves(120)
        until(running.answers, 30, running.said)
        assert not any("postgres" in command for command in family(running.process.pid).values())
        assert "sign in" not in running.said()
        assert sorted(path.name for path in data_dir.iterdir()) == ["metrics", "running.lock"]
        running.process.terminate()
        assert running.process.wait(60) == 0
    finally:
        running.stop()
