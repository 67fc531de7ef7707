"""Are children kept running, given up on in time, and taken along?"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from service import children
from service.children import Child, GaveUp, stop_in_order, watch

ROOT = Path(__file__).resolve().parents[2]


def child(name: str, code: str, **more: float) -> Child:
    return Child(name, [sys.executable, "-c", code], os.environ, **more)


def gone(pid: int) -> bool:
    """Whether the process ended (one that waits for its parent to notice has ended too)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_one_that_dies_is_started_again(tmp_path: Path) -> None:
    lives = tmp_path / "lives"
    one = child("one", f"import time; open({str(lives)!r}, 'a').write('x'); time.sleep(60)")
    said: list[str] = []
    one.start()
    killed: list[int] = []

    def meanwhile() -> None:
        if lives.exists() and lives.read_text() == "x" and not killed and one.process is not None:
            killed.append(one.process.pid)
            os.kill(one.process.pid, signal.SIGKILL)

    give_up_at = time.monotonic() + 20
    watch(
        [one],
        lambda: (lives.exists() and lives.read_text() == "xx") or time.monotonic() > give_up_at,
        said.append,
        meanwhile,
    )
    one.stop()
    assert lives.read_text() == "xx"
    assert said == ["The one process stopped (signal SIGKILL); starting it again."]


@pytest.mark.slow
def test_one_that_keeps_dying_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "LONGEST_PAUSE_SECONDS", 0.05)
    one = child("web", "raise SystemExit(3)")
    said: list[str] = []
    one.start()
    with pytest.raises(GaveUp, match="web process stopped 6 times right after its start"):
        watch([one], lambda: False, said.append)
    assert said[0] == "The web process stopped (exit code 3); starting it again."


def test_one_that_may_end_is_left_alone() -> None:
    one = child("demo", "pass", once=True)
    one.start()
    assert one.process is not None
    one.process.wait()
    looks: list[int] = []
    watch([one], lambda: len(looks) > 2, lambda _: None, lambda: looks.append(1))
    assert not one.alive()


def test_stubborn_one_is_killed_with_all_it_started(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    one = child(
        "stubborn",
        "import os, signal, subprocess, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "other = subprocess.Popen(['sleep', '600'])\n"
        f"open({str(pids)!r}, 'w').write(f'{{os.getpid()}} {{other.pid}}')\n"
        "time.sleep(600)",
        patience=0.3,
    )
    one.start()
    while not pids.exists() or not pids.read_text():
        time.sleep(0.02)
    stop_in_order([one])
    give_up_at = time.monotonic() + 10
    while not all(gone(int(pid)) for pid in pids.read_text().split()):
        assert time.monotonic() < give_up_at
        time.sleep(0.02)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_killed_parent_takes_its_child_along() -> None:
    code = (
        "import os, sys, time\n"
        "from service.children import Child\n"
        "one = Child('one', [sys.executable, '-c', 'import time; time.sleep(600)'], os.environ)\n"
        "one.start()\n"
        "print(one.process.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert parent.stdout is not None
    with parent.stdout as answer:
        pid = int(answer.readline())
    parent.kill()
    parent.wait()
    give_up_at = time.monotonic() + 10
    while not gone(pid):
        assert time.monotonic() < give_up_at
        time.sleep(0.02)
