"""Does docs/operations.md tell of every environment variable, every metric and every check, and of no other?"""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.docs.pages import read, rows

PAGE = "docs/operations.md"
ENVIRONS = {"environ", "full", "env"}
"""What the environment is called where it is read."""


def read_in(path: Path) -> set[str]:
    """The environment variables that a module reads or sets."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    constants = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found = set()
    for node in ast.walk(tree):
        key: ast.expr | None = None
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            if node.func.attr in ("get", "pop", "setdefault") and _is_environ(node.func.value):
                key = node.args[0]
        elif isinstance(node, ast.Subscript) and _is_environ(node.value):
            key = node.slice
        elif isinstance(node, ast.Compare) and _is_environ(node.comparators[0]):
            key = node.left
        value = constants.get(key.id) if isinstance(key, ast.Name) else getattr(key, "value", None)
        if isinstance(value, str):
            found.add(value)
    return found


def _is_environ(node: ast.expr) -> bool:
    named = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", None)
    return named in ENVIRONS


def known_variables(project: Path) -> set[str]:
    return {name for path in (project / "service").rglob("*.py") for name in read_in(path)}


def test_the_reader_of_code_finds_what_is_read(project: Path) -> None:
    assert {"DATABASE_URL", "SECRET_FILE", "OIN"} <= read_in(project / "service" / "settings.py")
    assert "PROMETHEUS_MULTIPROC_DIR" in read_in(project / "service" / "webserver.py")


def test_every_environment_variable_is_told_and_exists(project: Path) -> None:
    table = {row[0].strip("`") for row in rows(read(PAGE), "## Settings")}
    beside = {"XDG_RUNTIME_DIR", "PYTHONPATH"}
    assert all(f"`{name}`" in read(PAGE) for name in beside)
    assert table | beside == known_variables(project)


def test_every_metric_is_told_and_exists(project: Path) -> None:
    code = (project / "service" / "api" / "metrics.py").read_text(encoding="utf-8")
    counters = set(re.findall(r"Counter\(\s*\"(\w+)\"", code))
    named = set(re.findall(r"\"(besluitspoor_\w+)\"", code))
    exported = {f"{name}_total" if name in counters else name for name in named}
    told = {row[0].strip("`") for row in rows(read(PAGE), "## Is it well?") if "besluitspoor_" in row[0]}
    assert told == exported


def test_the_health_of_the_service_is_asked_where_the_page_says(project: Path) -> None:
    code = (project / "service" / "api" / "machines.py").read_text(encoding="utf-8")
    asked = {
        row[0].strip("`").removeprefix("GET ")
        for row in rows(read(PAGE), "## Is it well?")
        if "GET" in row[0]
    }
    assert asked == set(re.findall(r"@pages\.get\(\"([^\"]+)\"\)", code))
