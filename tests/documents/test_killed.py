"""What if two processes make the same letter, or one is killed halfway? It is one letter and one event all the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from domain.events import LetterIssued
from service.documents.letters import issue, issued
from service.settings import Settings
from tests.documents.conftest import Letters

MAKING = """
import os, signal, sys
from contextlib import closing
from service.documents import letters
from service.settings import Settings
from service.wiring import build

url, letter, proposal, about, dies = sys.argv[1:]
if dies == "before-the-event":
    letters._append = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
elif dies == "after-the-event":
    append = letters._append
    letters._append = lambda *given: (append(*given), os.kill(os.getpid(), signal.SIGKILL))
with closing(build(Settings(url, url, b"a secret that is long enough to be one"))) as parts:
    print("ready", flush=True)
    sys.stdin.readline()
    print(letters.issue(parts, letter, proposal, int(about)).id, flush=True)
"""


def making(
    settings: Settings, project: Path, proposal: str, about: int, dies: str = ""
) -> subprocess.Popen[str]:
    """A process of its own that is ready to make an award, and waits for a line."""
    given = [settings.database_url, "award", proposal, str(about), dies]
    process = subprocess.Popen(
        [sys.executable, "-c", MAKING, *given],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=project, env={**os.environ},
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def events_about(office: Letters, proposal: str) -> list[str]:
    """The streams of the letters about a case."""
    found = office.parts.log.read(0, 100_000)
    return [e.stream for e in found if isinstance(e.event, LetterIssued) and e.event.proposal == proposal]


@pytest.mark.slow
def test_two_processes_at_once_make_one_letter(office: Letters, settings: Settings, project: Path) -> None:
    proposal = office.awarded()
    about = office.at(proposal, "award")
    both = [making(settings, project, proposal, about) for _ in range(2)]
    for process in both:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    made = {process.communicate(timeout=60)[0].strip() for process in both}
    assert [process.returncode for process in both] == [0, 0]
    assert events_about(office, proposal) == list(made)


@pytest.mark.parametrize("dies", ["before-the-event", "after-the-event"])
def test_who_is_killed_halfway_leaves_one_letter_and_one_event(
    office: Letters, settings: Settings, project: Path, dies: str
) -> None:
    proposal = office.awarded()
    about = office.at(proposal, "award")
    process = making(settings, project, proposal, about, dies)
    process.communicate("go\n", timeout=60)
    assert process.returncode == -signal.SIGKILL
    with office.parts.pool.connection() as connection:
        assert issued(connection, proposal) == []
    letter = issue(office.parts, "award", proposal, about)
    assert events_about(office, proposal) == [letter.id]
    with office.parts.pool.connection() as connection:
        assert [each.id for each in issued(connection, proposal)] == [letter.id]
