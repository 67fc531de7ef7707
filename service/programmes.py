"""Where do programme definitions come from? Files, bundled or one's own, and tables sent to the service."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from domain.definition import DefinitionErrors, Problem, read_definition
from domain.definition_fields import closest, is_code
from domain.programme import Programme

__all__ = ["bundled", "read_bundled", "read_bytes", "read_data", "read_file", "regions"]


def read_file(path: Path) -> Programme:
    """The programme defined in a TOML file.

    Its region is looked for in a folder `regions` beside the file, then among those that come with the
    service. Raises DefinitionErrors, also when there is no such file or it is no TOML.
    """
    return _read(path, {**regions(), **_tables(path.parent / "regions")})


def read_bundled(name: str) -> Programme:
    """A programme that comes with the service, by its name in `bundled()`; KeyError when there is none."""
    return _read(bundled()[name], regions())


def read_data(data: Mapping[str, object], *, file: str) -> Programme:
    """The programme defined by a table that was sent; problems call it `file`. Raises DefinitionErrors."""
    return _define(data, file, regions())


def read_bytes(content: bytes, *, file: str) -> Programme:
    """The programme defined by a TOML file that was sent, which problems call `file`. Raises DefinitionErrors."""
    return _define(_parsed(content, file), file, regions())


def bundled() -> dict[str, Traversable]:
    """The definitions that come with the service, by name (`<programme>-<version>`)."""
    return _tables(files("domain") / "programmes")


def regions() -> dict[str, Traversable]:
    """The regions that come with the service, by code."""
    return _tables(files("domain") / "regions")


def _tables(folder: Traversable) -> dict[str, Traversable]:
    if not folder.is_dir():
        return {}
    tables = {
        entry.name.removesuffix(".toml"): entry for entry in folder.iterdir() if entry.name.endswith(".toml")
    }
    return dict(sorted(tables.items()))


def _read(source: Traversable, known: Mapping[str, Traversable]) -> Programme:
    return _define(_toml(source), source.name, known)


def _define(data: Mapping[str, object], file: str, known: Mapping[str, Traversable]) -> Programme:
    code = data.get("region")
    region = _toml(known[code]) if isinstance(code, str) and code in known else None
    try:
        return read_definition(data, file=file, region=region)
    except DefinitionErrors as errors:
        # Only here it is known which regions there are.
        raise DefinitionErrors(
            [_with_regions(problem, code, known, region) for problem in errors.problems]
        ) from None


def _with_regions(
    problem: Problem, code: object, known: Mapping[str, Traversable], region: Mapping[str, object] | None
) -> Problem:
    if problem.key != "region" or region is not None or not is_code(code):
        return problem
    remedy = closest(
        str(code), known, f"Use one of: {', '.join(known)}; or list subregions and municipalities here."
    )
    return Problem(problem.file, problem.key, problem.message, remedy)


def _toml(source: Traversable) -> dict[str, object]:
    """The table in a TOML file; DefinitionErrors when it cannot be read as one."""
    try:
        content = source.read_bytes()
    except OSError as error:
        message = f"The file cannot be read: {error.strerror or error}."
        remedy = "Check the path, and that you may read it."
        raise DefinitionErrors([Problem(source.name, "", message, remedy)]) from None
    return _parsed(content, source.name)


def _parsed(content: bytes, file: str) -> dict[str, object]:
    try:
        # Some editors begin a file with a byte order mark, which TOML does not know.
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        message = f"The file is not UTF-8 (byte {error.start})."
        remedy = "Save it as UTF-8 text."
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        message = f"The file is not TOML: {error}."
        remedy = "Mend that line; https://toml.io shows how TOML is written."
    raise DefinitionErrors([Problem(file, "", message, remedy)])
