"""Are the processes' own lines fit for people and machines, and free of what the variables hold?"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.run.walk import clean_environ

FAILS = """
import os, structlog
from service import process_log
process_log.configure(os.environ)
logger = structlog.get_logger("trial")
logger.debug("hidden")
def act(name):
    raise ValueError("it went wrong")
try:
    act("Jan " + "Jansen")
except ValueError:
    logger.exception("failed", case="proposal-1")
"""


@pytest.mark.parametrize("form", ["json", ""])
def test_lines(form: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FAILS], env=clean_environ(LOG_FORMAT=form), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "it went wrong" in done.stderr
    assert "proposal-1" in done.stderr
    assert "Jansen" not in done.stderr
    assert "hidden" not in done.stderr
    assert "\x1b" not in done.stderr
    if form == "json":
        line = json.loads(done.stderr)
        assert line["event"] == "failed"
        assert line["level"] == "error"


FOUL = """
import logging, os, structlog
from service import process_log
process_log.configure(os.environ)
typed = "a\\x1b[2Jb\\nc\\rd\\x9be"
structlog.get_logger("trial").warning(typed, said=typed)
try:
    raise ValueError(typed)
except ValueError:
    structlog.get_logger("trial").exception("failed")
logging.getLogger("library").warning("it said %s", typed)
try:
    raise ValueError(typed)
except ValueError:
    logging.getLogger("library").exception("it said")
"""


@pytest.mark.parametrize("form", ["json", ""])
def test_nothing_typed_moves_the_cursor_of_a_terminal_or_makes_up_a_line(form: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FOUL], env=clean_environ(LOG_FORMAT=form), capture_output=True
    )
    assert done.returncode == 0, done.stderr
    said = done.stderr.decode()
    assert not {"\x1b", "\r", "\x9b"} & set(said)
    assert "[2Jb" in said
    assert not any(line.startswith(("b", "c", "d", "e")) for line in said.splitlines())
