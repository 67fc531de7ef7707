"""What the whole walks share: a `besluitspoor run` or `make run` as a person starts it, and its processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
NOT_OURS = ("DATABASE_URL", "DATABASE_OWNER_URL", "SECRET", "SECRET_FILE", "BROKER_URL", "PUBLIC_URL")


def clean_environ(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in NOT_OURS}
    return {**kept, "PYTHONPATH": str(ROOT), **more}


@dataclass
class Running:
    """A service that was started, with what it wrote."""

    process: subprocess.Popen[bytes]
    port: int
    written: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def said(self) -> str:
        return self.written.read_text(errors="replace")

    def wait_until_it_serves(self, seconds: float) -> None:
        until(lambda: "serves on" in self.said() or self.process.poll() is not None, seconds, self.said)
        assert self.process.poll() is None, self.said()

    def answers(self) -> bool:
        try:
            return get(f"{self.url}/health/ready")[0] == 200
        except OSError:
            return False

    def stop(self) -> None:
        """For a test that failed halfway: nothing may stay behind."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def start(command: Sequence[str], port: int, written: Path, cwd: Path, **environ: str) -> Running:
    """Start it in a session of its own, as a terminal does."""
    with written.open("ab") as file:
        process = subprocess.Popen(
            list(command),
            cwd=cwd,
            env=clean_environ(**environ),
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    return Running(process, port, written)


def besluitspoor(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "service.cli", *arguments],
        cwd=cwd,
        env=clean_environ(),
        capture_output=True,
        text=True,
        timeout=120,
    )


def get(url: str, token: str | None = None) -> tuple[int, Any]:
    """Status and body; the body as JSON when it is."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            status, body = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            status, body = error.code, error.read()
    try:
        return status, json.loads(body)
    except ValueError:
        return status, body


def family(pid: int) -> dict[int, str]:
    """Everything started by `pid`, directly or not, by process id: its command line."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if fields[0] != "Z":
            parents[int(path.parent.name)] = int(fields[1])
    found: dict[int, str] = {}
    rest = {pid}
    while rest:
        rest = {child for child, parent in parents.items() if parent in rest}
        found.update((child, command_of(child)) for child in rest)
    return found


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def alive(pids: Sequence[int]) -> dict[int, str]:
    """Those of `pids` that still run."""
    found = {}
    for pid in pids:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            continue
        if state != "Z":
            found[pid] = command_of(pid)
    return found


def until(true: Callable[[], bool], seconds: float, why: Callable[[], object] = lambda: "") -> None:
    give_up_at = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < give_up_at, f"not within {seconds} s\n{why()}"
        time.sleep(0.05)
