"""Does docs/asvs.md go through the standard whole, with a verdict and a reason each, and does what it names exist?"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from tests.docs.pages import FOLDERS, ROOT, SPAN, read, rows

PAGE = "docs/asvs.md"
VERDICTS = ("met", "does not apply", "not met")
LEVELS = {"1": 70, "2": 183}
"""How many points version 5.0.0 has of each level."""
CHAPTERS = 17
WORDS = 12
"""A point is said in our own words, so in few."""
NUMBER = re.compile(r"V([1-9][0-9]?)\.([1-9])\.([1-9][0-9]?)")
PATH = re.compile(rf"(?:{'|'.join(FOLDERS)}|\.ci)/[\w./-]*|[A-Z]+\.md|pyproject\.toml|requirements\.lock")
SETTING = re.compile(r"[A-Z]+(?:_[A-Z]+)+")


@dataclass(frozen=True)
class Point:
    """A line of the checklist."""

    number: str
    level: str
    asked: str
    verdict: str
    reason: str

    @property
    def place(self) -> tuple[int, ...]:
        found = NUMBER.fullmatch(self.number)
        assert found is not None, f"{self.number!r} is no number of the standard"
        return tuple(int(part) for part in found.groups())

    @property
    def paths(self) -> list[str]:
        return [span for span in SPAN.findall(self.reason) if PATH.fullmatch(span)]

    @property
    def settings(self) -> set[str]:
        return {span for span in SPAN.findall(self.reason) if SETTING.fullmatch(span)}


def points() -> list[Point]:
    return [Point(*row) for row in rows(read(PAGE)) if row[0].startswith("V")]


POINTS = points()


def test_every_point_of_both_levels_is_there_once_and_in_order() -> None:
    places = [point.place for point in POINTS]
    assert places == sorted(set(places))
    assert {level: sum(point.level == level for point in POINTS) for level in LEVELS} == LEVELS
    assert len(POINTS) == sum(LEVELS.values())


def test_every_point_stands_under_its_chapter() -> None:
    chapters = re.findall(r"^## V(\d+) ", read(PAGE), re.MULTILINE)
    assert chapters == [str(number) for number in range(1, CHAPTERS + 1)]
    text = read(PAGE)
    for chapter in chapters:
        (heading,) = re.findall(rf"^(## V{chapter} .*)$", text, re.MULTILINE)
        under = [row[0] for row in rows(text, heading)]
        assert under
        assert under == [point.number for point in POINTS if point.place[0] == int(chapter)]


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.number)
def test_a_point_has_few_words_a_verdict_and_a_reason(point: Point) -> None:
    assert 0 < len(point.asked.split()) <= WORDS
    assert point.verdict in VERDICTS
    assert len(point.reason.split()) >= 2 or point.paths
    # Met is shown by a file; what is not says who has to do something.
    assert point.verdict != "met" or point.paths
    assert point.verdict != "not met" or point.reason.startswith(("ours: ", "ours and Yours: ", "Yours: "))


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.number)
def test_what_a_point_names_exists(point: Point) -> None:
    for path in point.paths:
        assert (ROOT / path).exists(), f"{path} is not there"
    told = {row[0].strip("`") for row in rows(read("docs/operations.md"), "## Settings")}
    assert point.settings <= told


def test_the_counts_at_the_top_are_right() -> None:
    counted = [
        [name, *(str(sum(one.verdict == verdict for one in of)) for verdict in VERDICTS), _yours(of)]
        for name, of in [
            *((f"level {level}", [point for point in POINTS if point.level == level]) for level in LEVELS),
            ("both", POINTS),
        ]
    ]
    assert rows(read(PAGE), "## How it stands") == counted


def _yours(of: list[Point]) -> str:
    return str(sum(point.verdict == "not met" and point.reason.startswith("Yours: ") for point in of))
