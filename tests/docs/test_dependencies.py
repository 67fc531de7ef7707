"""Has every dependency a reason in docs/dependencies.md, and does it name no other?"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.docs.pages import read, rows

PAGE = "docs/dependencies.md"
HEADINGS = {
    "run": "## What the service runs on",
    "embedded": "## The embedded database",
    "dev": "## Development",
    "audit": "## Looking for weaknesses",
}


@pytest.fixture
def wanted(project: Path) -> dict[str, set[str]]:
    """The packages that pyproject.toml asks for, by what for."""
    described = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lists = {"run": described["dependencies"], **described["optional-dependencies"]}
    return {kind: {plain(requirement) for requirement in listed} for kind, listed in lists.items()}


def plain(requirement: str) -> str:
    """The name of a package, as the index compares names."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found is not None
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def test_every_kind_of_dependency_has_a_heading(wanted: dict[str, set[str]]) -> None:
    assert set(wanted) == set(HEADINGS)


@pytest.mark.parametrize("kind", HEADINGS)
def test_every_dependency_has_its_reason_and_no_other_is_named(
    kind: str, wanted: dict[str, set[str]]
) -> None:
    told: dict[str, str] = {}
    for row in rows(read(PAGE), HEADINGS[kind]):
        told.update((plain(package), row[1]) for package in re.findall(r"`([^`]+)`", row[0]))
    assert set(told) == wanted[kind]
    assert all(len(reason) > 10 for reason in told.values())


def test_the_lock_pins_every_dependency(project: Path, wanted: dict[str, set[str]]) -> None:
    lock = (project / "requirements.lock").read_text(encoding="utf-8")
    pinned = {plain(line) for line in lock.splitlines() if "==" in line and not line.startswith("#")}
    assert set().union(*wanted.values()) <= pinned
