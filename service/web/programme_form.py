"""What can be changed of a programme in a form? The parts that change most; the rest needs a file.

The form only says what was typed where: the reader of definitions judges the programme that it comes to.
"""

from __future__ import annotations

import re
from typing import Any

from domain.definition import to_definition
from domain.definition_fields import DefinitionErrors, Problem
from domain.programme import Programme
from domain.requirements import CONSEQUENCES
from service.api.fields import Code, Day, Flag, Given, ListOf, OneOf, Part, Text, Whole
from service.programmes import read_data

__all__ = ["NewVersionSchema", "content_of", "next_version"]

NAME, MOST = 200, 200
"""Characters of a name, and entries of a list."""
ADDRESS = 1_200
"""Characters of an address, all its lines together."""
LONGEST_TERM = 1_000
REMOVABLE = ("themes", "tenders")
"""Lists whose entries can be left out."""


class NameSchema(Given):
    nl = Text(NAME, required=True)
    en = Text(NAME, required=True)


class BodySchema(Given):
    code = Code(required=True)
    address = Text(ADDRESS, lines=True, load_default=None)
    email = Text(NAME, load_default=None)


class StageSchema(Given):
    code = Code(required=True)
    name = Part(NameSchema, required=True)
    term = Whole(1, LONGEST_TERM, required=True)


class RequirementSchema(Given):
    code = Code(required=True)
    name = Part(NameSchema, required=True)
    consequence = OneOf(*CONSEQUENCES, required=True)
    minimum = Text(20, load_default=None)


class ThemeSchema(Given):
    code = Code(required=True)
    name = Part(NameSchema, required=True)
    parent = Code(load_default=None)
    remove = Flag(load_default=False)


class TenderSchema(Given):
    code = Code(required=True)
    name = Part(NameSchema, required=True)
    opens = Day(required=True)
    closes = Day(required=True)
    remove = Flag(load_default=False)


class NewVersionSchema(Given):
    based_on = Whole(1, 1_000_000, required=True)
    name = Part(NameSchema, required=True)
    term = Whole(1, LONGEST_TERM, required=True)
    bodies = ListOf(Part(BodySchema), MOST, load_default=list)
    stages = ListOf(Part(StageSchema), MOST, load_default=list)
    requirements = ListOf(Part(RequirementSchema), MOST, load_default=list)
    themes = ListOf(Part(ThemeSchema), MOST, load_default=list)
    tenders = ListOf(Part(TenderSchema), MOST, load_default=list)


def content_of(programme: Programme) -> dict[str, Any]:
    """What the form holds at first: the version in force."""
    written = to_definition(programme)
    return {
        "basedOn": programme.version,
        "name": written["name"],
        "term": written["term"],
        "bodies": [
            _only(row, "code", "email") | {"address": "\n".join(row.get("address", ()))}
            for row in written["bodies"]
        ],
        "stages": [_only(row, "code", "name", "term") for row in written["stages"]],
        "requirements": [
            _only(row, "code", "name", "consequence", "minimum") for row in written["requirements"]
        ],
        "themes": [_only(row, "code", "name", "parent") for row in written["themes"]],
        "tenders": written["tenders"],
    }


def next_version(given: dict[str, Any], latest: Programme, *, file: str) -> Programme:
    """The programme that the form comes to, as its schema loaded it. Raises DefinitionErrors, at the form's fields."""
    written = to_definition(latest)
    written["version"] = given["based_on"] + 1
    written["name"], written["term"] = given["name"], given["term"]
    for name in ("stages", "requirements"):
        typed = {row["code"]: row for row in given[name]}
        for row in written[name]:
            row.pop("minimum", None)  # what was emptied is not there any more
            row.update(_given(typed.get(row["code"], {})))
    reached = {row["code"]: row for row in given["bodies"]}
    for row in written["bodies"]:
        if row["code"] in reached:
            row |= dict.fromkeys(("address", "email"))
            row |= _given(reached[row["code"]])
            row["address"] = _lines(row["address"])
    written["bodies"] = [_given(row) for row in written["bodies"]]
    kept = {name: [i for i, row in enumerate(given[name]) if not row["remove"]] for name in REMOVABLE}
    for name in REMOVABLE:
        written[name] = [_given(given[name][i]) for i in kept[name]]
    try:
        return read_data(written, file=file)
    except DefinitionErrors as errors:
        raise DefinitionErrors([_at_field(problem, kept) for problem in errors.problems]) from None


def _at_field(problem: Problem, kept: dict[str, list[int]]) -> Problem:
    """The problem at the place in the form: what is left out there takes a place that the definition doesn't have."""
    # The lines of an address are one field.
    of_line = re.fullmatch(r"(bodies\[\d+\]\.address)\[\d+\]", problem.key)
    if of_line:
        return Problem(problem.file, of_line[1], problem.message, problem.remedy)
    name, bracket, rest = problem.key.partition("[")
    number, _, field = rest.partition("]")
    if not bracket or name not in kept or not number.isdigit():
        return problem
    key = f"{name}[{kept[name][int(number)]}]{field}"
    return Problem(problem.file, key, problem.message, problem.remedy)


def _lines(written: str | None) -> list[str] | None:
    """An address as a definition has it: a text a line; None where nothing was typed."""
    return [line.strip() for line in (written or "").splitlines() if line.strip()] or None


def _given(row: dict[str, Any]) -> dict[str, Any]:
    """A row of the form as a definition has it."""
    written = {key: value for key, value in row.items() if value is not None and key != "remove"}
    if "minimum" in written:
        written["minimum"] = written["minimum"].replace(",", ".")
    return written


def _only(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: row[name] for name in names if name in row}
