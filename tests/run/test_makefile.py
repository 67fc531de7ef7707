"""Does a fresh clone serve with one command, also in a folder with a space in its name?"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.run.walk import ROOT, alive, clean_environ, family, get, start, until

PATIENCE_SECONDS = (
    900  # how fast it is, is printed; here only that it comes, also on a machine with other work
)


def make(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = clean_environ()
    environ.pop("MAKEFLAGS", None)
    return subprocess.run(
        ["make", *arguments], cwd=cwd, env=environ, capture_output=True, text=True, timeout=60
    )


def test_help_names_every_target() -> None:
    done = make(ROOT, "help")
    assert done.returncode == 0
    for target in ("run", "test", "test-all", "check", "bench", "help"):
        assert f"  {target} " in done.stdout


@pytest.mark.parametrize(
    ("missing", "says"),
    [("ensurepip", "apt install python3-venv"), ("version_info", "is not a Python 3.11 or newer")],
)
def test_unfit_python_is_said(tmp_path: Path, missing: str, says: str) -> None:
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    python = tmp_path / "unfit python"
    python.write_text(f'#!/bin/sh\ncase "$2" in *{missing}*) exit 1;; esac\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    done = make(tmp_path, "check", f"PYTHON={python}")
    assert done.returncode != 0
    assert says in done.stderr
    assert not (tmp_path / ".venv" / "bin").exists()


@pytest.mark.slow
@pytest.mark.timeout(2 * PATIENCE_SECONDS)
def test_fresh_clone_serves_and_the_second_time_at_once(data_dir: Path) -> None:
    clone = data_dir.parent / "een map"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, clone / name)
    port = free_port()
    command = ["make", "run", f"PORT={port}", "DATA=mijn gegevens"]
    took = []
    for _ in range(2):
        began = time.monotonic()
        running = start(command, port, clone / "written", clone)
        try:
            until(lambda: served(port), PATIENCE_SECONDS, running.said)
            took.append(time.monotonic() - began)
            assert get(f"http://127.0.0.1:{port}/api/v1/openapi.json")[0] == 200
            everyone = [running.process.pid, *family(running.process.pid)]
        finally:
            running.stop()
        until(lambda pids=everyone: not alive(pids), 30, lambda pids=everyone: alive(pids))
        assert os.listdir(clone / "mijn gegevens")
    print(f"serving after {took[0]:.1f} s, the second time after {took[1]:.1f} s")


def served(port: int) -> bool:
    try:
        return get(f"http://127.0.0.1:{port}/health/ready")[0] == 200
    except OSError:
        return False
