"""Where does each line, bar and tile of a chart go? Geometry only: `templates/kit/charts.html` draws it.

Places are per cent of the width, or thousandths of the field, so a chart fits a phone and a poster alike while its
words keep their size.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Literal

from service.web.municipality_tiles import COLUMNS, ROWS, TILES, Tile

__all__ = ["Bar", "Bars", "Lines", "Number", "Placed", "Tiles", "Unit", "ticks"]

Unit = Literal["money", "count", "ratio", "days"]
Number = Decimal | int | float | str | None
"""An amount may be a text, as the API has it; None is unknown."""

FIELD = 1000
"""The width and the height of the field of a line chart, in its own units."""
MOST_TICKS = 5
SIDE_BY_SIDE = 3
"""Months that can be named side by side on a phone; years are shorter, so one more."""
SHADES = 5
TILE, GAP = 44, 3
"""The side of a tile and the space between two, as they are on a phone."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A piece of a bar: where it begins and how wide it is, in per cent."""

    begin: float
    width: float
    series: int
    value: Number


@dataclass(frozen=True)
class Bars:
    """Horizontal bars, stacked when there are several `series`. A row: its label, its values, and where it leads."""

    title: str
    unit: Unit
    series: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Number], str | None]]

    @cached_property
    def widest(self) -> float:
        """The total that fills the whole width."""
        return max((sum(map(_size, values)) for _, values, _ in self.rows), default=0.0)

    def pieces(self, values: Sequence[Number]) -> list[Bar]:
        """The pieces of one bar, from left to right."""
        widest = self.widest
        found, begin = [], 0.0
        for series, value in enumerate(values):
            width = 100 * _size(value) / widest if widest else 0.0
            found.append(Bar(round(begin, 3), round(width, 3), series, value))
            begin += width
        return found

    def total(self, values: Sequence[Number]) -> Decimal | None:
        """What a row comes to; None when nothing of it is known."""
        return _total(values)

    @property
    def empty(self) -> bool:
        """Is there nothing to draw?"""
        return not self.rows


@dataclass(frozen=True, slots=True)
class Placed:
    """Something to be said at a place: in per cent of the width or the height."""

    at: float
    value: float
    day: str = ""
    anchor: Literal["start", "middle", "end"] = "middle"


@dataclass(frozen=True)
class Lines:
    """How something went over time, in steps: what is true from a day stays true until the next point.

    Several series are stacked, unless `stacked` is False. The drawing ends at `until`, else at the last point;
    `mark` is a day to point out.
    """

    title: str
    unit: Unit
    series: Sequence[str]
    points: Sequence[tuple[str, Sequence[Number]]]
    stacked: bool = True
    until: str | None = None
    mark: str | None = None

    @property
    def empty(self) -> bool:
        """Is there nothing to draw?"""
        return not self.points

    @cached_property
    def first(self) -> date:
        """The first day of the drawing."""
        return min(_day(day) for day, _ in self.points)

    @cached_property
    def last(self) -> date:
        """The last day of the drawing: a day later than the first at least."""
        days = [_day(day) for day, _ in self.points] + ([_day(self.until)] if self.until else [])
        return max(max(days), self.first + timedelta(days=1))

    @property
    def top(self) -> float:
        """The value at the upper edge."""
        return self.levels[-1].value

    @cached_property
    def levels(self) -> list[Placed]:
        """The values to draw a line at, from the bottom, which is zero; `at` is the distance from the top."""
        heights = [
            sum(map(_size, values)) if self.stacked else max(map(_size, values), default=0.0)
            for _, values in self.points
        ]
        found = ticks(max(heights, default=0.0), whole=self.unit in ("count", "days"))
        return [Placed(round(100 * (1 - value / found[-1]), 3), value) for value in found]

    @property
    def days(self) -> list[Placed]:
        """The days to name below: years, or months, or else the first and the last."""
        named = _round_days(self.first, self.last) or [self.first, self.last]
        return [
            Placed(at, 0, day.isoformat(), "start" if at < 8 else "end" if at > 92 else "middle")
            for day in named
            for at in [self.place(day)]
        ]

    @property
    def marked(self) -> float | None:
        """Where the day is that is pointed out, in per cent; None when it is outside the drawing."""
        if self.mark is None or not self.first <= _day(self.mark) <= self.last:
            return None
        return self.place(_day(self.mark))

    def place(self, day: date) -> float:
        """Where a day is, in per cent of the width."""
        return round(100 * (day - self.first).days / (self.last - self.first).days, 3)

    @property
    def edges(self) -> list[str]:
        """The line of each series, as the path of an SVG; the upper edge of its area when they are stacked."""
        return [_steps(line) for line in self._lines]

    @property
    def areas(self) -> list[str]:
        """The area of each series: between its edge and the one below it, or the bottom."""
        lines = self._lines
        below = [[(0.0, float(FIELD))], *lines] if self.stacked else [[(0.0, float(FIELD))]] * len(lines)
        return [
            f"{_steps(line)} V{_plain(under[-1][1])} {_back(under)} Z"
            for line, under in zip(lines, below, strict=False)
        ]

    @cached_property
    def _lines(self) -> list[list[tuple[float, float]]]:
        """The corners of each line, in thousandths of the field; y grows downward."""
        top = self.top
        points = sorted(self.points, key=lambda point: _day(point[0]))
        found: list[list[tuple[float, float]]] = [[] for _ in self.series]
        for day, values in points:
            place, height = self.place(_day(day)) * FIELD / 100, 0.0
            for index in range(len(self.series)):
                size = _size(values[index]) if index < len(values) else 0.0
                height = height + size if self.stacked else size
                found[index].append((place, max(0.0, FIELD * (1 - height / top))))
        return found


@dataclass(frozen=True)
class Tiles:
    """A value for each municipality on the tile map: a number, or a number with the text to say for it.

    `only_which`: it is about which municipalities, not about how much, so the tiles name no numbers.
    """

    title: str
    unit: Unit
    values: Mapping[str, Number | tuple[Number, str]]
    addresses: Mapping[str, str] | None = None
    only_which: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """The width and the height of the map."""
        return COLUMNS * (TILE + GAP) - GAP, ROWS * (TILE + GAP) - GAP

    @property
    def empty(self) -> bool:
        """Is there nothing to draw?"""
        return not any(code in TILES for code in self.values)

    @property
    def placed(self) -> list[tuple[str, Tile, int, int]]:
        """Each municipality with its tile and the corner of that, from north to south and west to east."""
        ordered = sorted(TILES.items(), key=lambda each: (each[1].row, each[1].column))
        return [(code, tile, tile.column * (TILE + GAP), tile.row * (TILE + GAP)) for code, tile in ordered]

    def number(self, code: str) -> Number:
        """The number of a municipality; None where there is none."""
        value = self.values.get(code)
        return value[0] if isinstance(value, tuple) else value

    def text(self, code: str) -> str:
        """The text that was given for a municipality, if any."""
        value = self.values.get(code)
        return value[1] if isinstance(value, tuple) else ""

    def shade(self, code: str) -> int:
        """How dark the tile is: 0 for nothing, up to 5 for the most; equal steps in between."""
        most, size = self._most, _size(self.number(code))
        return min(SHADES, math.ceil(SHADES * size / most)) if size > 0 and most > 0 else 0

    @cached_property
    def _most(self) -> float:
        return max((_size(self.number(each)) for each in self.values), default=0.0)

    @property
    def side(self) -> int:
        """The side of a tile."""
        return TILE


LEAST = 1e-6
"""What is less than this is nothing: no amount, number or ratio is that small."""


def ticks(most: float, whole: bool = False) -> list[float]:
    """Round values from zero to the first that is no less than `most`: a few, at equal distances."""
    if most < LEAST:
        return [0.0, 1.0]
    rough = most / (MOST_TICKS - 1)
    scale = 10.0 ** math.floor(math.log10(rough))
    step = next(scale * each for each in (1, 2, 2.5, 5, 10) if scale * each >= rough * (1 - 1e-9))
    if whole:
        step = max(1.0, float(math.ceil(step)))
    count = max(1, math.ceil(most / step * (1 - 1e-9)))
    return [float(f"{step * index:.12g}") for index in range(count + 1)]


def _size(value: Number) -> float:
    """How large something is drawn: what is unknown or below zero has no size."""
    return max(0.0, float(value)) if value is not None and value != "" else 0.0


def _total(values: Sequence[Number]) -> Decimal | None:
    known = [Decimal(str(value)) for value in values if value is not None and value != ""]
    return sum(known, Decimal(0)) if known else None


def _day(text: str) -> date:
    return date.fromisoformat(text[:10])


def _plain(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _steps(corners: Sequence[tuple[float, float]]) -> str:
    (x, y), *rest = corners
    path = [f"M{_plain(x)} {_plain(y)}", *(f"H{_plain(a)} V{_plain(b)}" for a, b in rest), f"H{FIELD}"]
    return " ".join(path)


def _back(corners: Sequence[tuple[float, float]]) -> str:
    """The same steps from right to left."""
    path = []
    for index in range(len(corners) - 1, -1, -1):
        path.append(f"H{_plain(corners[index][0])}")
        if index:
            path.append(f"V{_plain(corners[index - 1][1])}")
    return " ".join(path)


def _round_days(first: date, last: date) -> list[date]:
    """The first days of years or months in between: as many as can stand side by side on a phone."""
    months = [
        date(year, month, 1)
        for year in range(first.year, last.year + 1)
        for month in range(1, 13)
        if first <= date(year, month, 1) <= last
    ]
    for step in (1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200):
        named = [day for day in months if (day.year * 12 + day.month - 1) % step == 0]
        if len(named) <= (SIDE_BY_SIDE if step < 12 else SIDE_BY_SIDE + 1):
            return named if len(named) > 1 else []
    return []
