"""Do domain and projections import the standard library and each other only?

import-linter (make check) holds the directions between our own packages and a list of libraries; this holds the rest.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAY = {"domain": {"domain"}, "projections": {"projections", "domain"}}
# Standard, and still the world outside: files, the clock's ticking, chance, the network, other processes.
THE_WORLD = {
    "asyncio",
    "http",
    "os",
    "pathlib",
    "random",
    "secrets",
    "socket",
    "subprocess",
    "threading",
    "time",
    "urllib",
}


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""


@pytest.mark.parametrize("package", sorted(MAY))
def test_only_the_standard_library_and_each_other(package: str) -> None:
    files = sorted((ROOT / package).rglob("*.py"))
    assert files
    for path in files:
        for name in imported(path):
            top = name.partition(".")[0]
            assert top in MAY[package] or top in sys.stdlib_module_names, f"{path} imports {name}"
            assert top not in THE_WORLD, f"{path} imports {name}: time, chance and files are passed in"
