"""Does the README do what it says? Its commands are pasted into a shell beside a running demo."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import blocks, read
from tests.ports import free_port
from tests.run.walk import ROOT, Running, start, until

ADDRESS = "http://127.0.0.1:8000"
EXPECTED = re.compile(r"# → (.+)$", re.MULTILINE)


def pasted() -> str:
    """What a reader pastes, in one go."""
    return "\n".join(block.text for block in blocks(read("README.md")) if block.language == "sh")


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Running]:
    """The demo as `make run` serves it, all its cases in it."""
    folder = Path(tempfile.mkdtemp(prefix="besluitspoor-readme-", dir="/tmp"))
    folder.chmod(0o755)  # PostgreSQL's user must be able to go there
    port = free_port()
    command = [sys.executable, "-m", "service.cli", "run", "--demo", "--port", str(port), "--data"]
    running = start([*command, str(folder / "data")], port, tmp_path / "said", ROOT)
    try:
        running.wait_until_it_serves(120)
        until(lambda: re.search(r"Demo: \d+ cases in", running.said()) is not None, 120, running.said)
        yield running
    finally:
        running.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.slow
def test_the_commands_do_what_is_said_behind_the_arrows(demo: Running, in_ci: bool, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        assert not in_ci, "curl is needed for this test"
        pytest.skip("curl is not installed")
    page = pasted()
    script = "set -eu -o pipefail\n" + page.replace(ADDRESS, demo.url)
    assert ADDRESS not in script
    # Whoever reads along is slower than a script; on a busy machine the views may be later than that.
    script, times = re.subn(r"^get\(\) \{ ", "get() { sleep 1; ", script, flags=re.MULTILINE)
    assert times == 1
    folder = tmp_path / "folder"
    folder.mkdir()
    environ = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environ, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{demo.said()}"
    assert done.stderr == ""
    lines = iter(done.stdout.splitlines())
    for expected in EXPECTED.findall(page):
        assert expected in lines, f"{expected} does not come, or not in its turn, in:\n{done.stdout}"
    assert not list(folder.iterdir()), "the commands leave files behind"


def test_the_readme_tells_the_two_commands_and_the_whole_route() -> None:
    page = read("README.md")
    assert {block.text for block in blocks(page) if block.language == ""} == {"make run\nmake test\n"}
    for call in (
        "/tokens",
        "/proposals",
        "/completeness",
        "/reviews",
        "/decisions",
        "/awards",
        "effectiveOn=",
    ):
        assert call in pasted()
    assert len(EXPECTED.findall(pasted())) >= 10


def test_everybody_of_the_demo_is_named() -> None:
    from service.demo.people import DEMO_PEOPLE, PASSWORD

    page = read("README.md")
    for person in DEMO_PEOPLE:
        assert f"`{person.email.partition('@')[0]}@" in page
    assert f"password `{PASSWORD}`" in page
