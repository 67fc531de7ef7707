"""Charts: what is drawn is as large as what it stands for, wherever it stands."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.web.charts import Bars, Lines, Tiles, ticks
from service.web.municipality_tiles import TILES

SIZES = st.floats(0, 1e9, allow_nan=False) | st.none() | st.decimals(0, 10**9, places=2).map(str)
ROWS = st.lists(st.lists(SIZES, min_size=3, max_size=3), min_size=1, max_size=12)
DAYS = st.dates(date(1990, 1, 1), date(2060, 12, 31))
POINTS = st.lists(st.tuples(DAYS, st.lists(SIZES, min_size=2, max_size=2)), min_size=1, max_size=20)


@given(ROWS)
def test_bars_are_as_long_as_what_they_stand_for(rows: list[list[float | None]]) -> None:
    chart = Bars("", "money", ["a", "b", "c"], [(str(index), row, None) for index, row in enumerate(rows)])
    for row in rows:
        pieces = chart.pieces(row)
        assert sum(piece.width for piece in pieces) <= 100.01
        for piece, following in pairwise(pieces):
            assert following.begin == pytest.approx(piece.begin + piece.width, abs=0.01)
        for piece, value in zip(pieces, row, strict=True):
            if chart.widest:
                assert piece.width == pytest.approx(100 * float(value or 0) / chart.widest, abs=0.001)
    if chart.widest:
        fullest = max(sum(piece.width for piece in chart.pieces(row)) for row in rows)
        assert fullest == pytest.approx(100, abs=0.01)


def test_what_is_below_zero_or_unknown_has_no_length() -> None:
    chart = Bars("", "count", ["a"], [("x", [-5], None), ("y", [None], None), ("z", [10], None)])
    assert [chart.pieces(values)[0].width for _, values, _ in chart.rows] == [0, 0, 100]
    assert chart.total([None]) is None
    assert chart.total(["1.10", None]) == Decimal("1.10")


@given(st.just(0.0) | st.floats(1e-300, 1e12, allow_nan=False), st.booleans())
def test_levels_are_round_evenly_spaced_and_reach_what_is_largest(most: float, whole: bool) -> None:
    found = ticks(most, whole)
    assert found[0] == 0
    assert found[-1] >= most * (1 - 1e-6)
    assert 2 <= len(found) <= 6
    steps = {round(high - low, 9) for low, high in pairwise(found)}
    assert max(steps) - min(steps) <= 1e-6 * found[-1]
    if whole:
        assert all(level == int(level) for level in found)


@given(POINTS, st.booleans())
@example([(date(2021, 1, 1), [5e-324, None]), (date(2021, 2, 1), [0.0, 0.0])], False)
def test_lines_stay_in_their_field_and_go_from_left_to_right(
    points: list[tuple[date, list[float | None]]], stacked: bool
) -> None:
    chart = Lines("", "money", ["a", "b"], [(day.isoformat(), row) for day, row in points], stacked=stacked)
    for path in chart.edges:
        corners = [(letter, float(number)) for letter, number in re.findall(r"([MHV])(-?[\d.]+)", path)]
        across = [number for letter, number in corners if letter in "MH"]
        assert across == sorted(across)
        assert across[-1] == 1000
        assert all(-0.01 <= number <= 1000.01 for _, number in corners)
    for placed in chart.days:
        assert 0 <= placed.at <= 100
    assert len(chart.days) <= 4


@given(POINTS)
def test_stacked_lines_never_cross(points: list[tuple[date, list[float | None]]]) -> None:
    chart = Lines("", "money", ["a", "b"], [(day.isoformat(), row) for day, row in points])
    lower, upper = (_heights(path) for path in chart.edges)
    assert all(high <= low + 0.02 for low, high in zip(lower, upper, strict=True))  # y grows downward


def test_a_step_stays_until_the_next_point() -> None:
    chart = Lines("", "count", ["a"], [("2026-01-01", [0]), ("2026-01-06", [10])], until="2026-01-11")
    assert chart.top >= 10
    height = round(1000 * (1 - 10 / chart.top), 2)
    assert chart.edges == [f"M0 1000 H500 V{height} H1000"]
    assert chart.areas == [f"M0 1000 H500 V{height} H1000 V1000 H0 Z"]


def test_the_day_that_is_pointed_out_is_in_the_drawing_or_left_out() -> None:
    points = [("2026-01-01", [1]), ("2026-01-11", [2])]
    assert Lines("", "count", ["a"], points, mark="2026-01-06").marked == 50
    assert Lines("", "count", ["a"], points, mark="2025-12-31").marked is None


@given(DAYS, st.integers(1, 20_000))
def test_the_days_that_are_named_have_room(first: date, length: int) -> None:
    last = min(first + timedelta(days=length), date(2090, 1, 1))
    chart = Lines("", "count", ["a"], [(first.isoformat(), [1]), (last.isoformat(), [2])])
    places = [placed.at for placed in chart.days]
    assert places == sorted(places)
    assert 2 <= len(places) <= 4


@given(st.dictionaries(st.sampled_from(sorted(TILES)), st.integers(0, 10**7)))
def test_a_darker_tile_stands_for_no_less(values: dict[str, int]) -> None:
    chart = Tiles("", "money", dict(values))
    for one in values:
        assert (chart.shade(one) == 0) == (values[one] == 0)
        for other in values:
            if values[one] > values[other]:
                assert chart.shade(one) >= chart.shade(other)
    if any(values.values()):
        assert chart.shade(max(values, key=lambda code: values[code])) == 5


def test_every_municipality_of_the_region_has_a_tile_of_its_own() -> None:
    region = Path(__file__).parents[2] / "domain/regions/metropoolregio-eindhoven.toml"
    names = dict(re.findall(r'code = "(GM\d{4})", name = "([^"]+)"', region.read_text("utf-8")))
    assert {code: tile.name for code, tile in TILES.items()} == names
    assert len(TILES) == 21
    assert len({(tile.column, tile.row) for tile in TILES.values()}) == 21
    assert all(len(tile.short) <= 5 for tile in TILES.values())


@pytest.mark.parametrize(
    ("west", "east"),
    [("Oirschot", "Best"), ("Veldhoven", "Eindhoven"), ("Eindhoven", "Helmond"), ("Helmond", "Deurne"),
     ("Reusel-De Mierden", "Bladel"), ("Bladel", "Eersel"), ("Someren", "Asten"), ("Bergeijk", "Valkenswaard")],
)  # fmt: skip
def test_who_lives_to_the_west_finds_their_tile_to_the_left(west: str, east: str) -> None:
    column = {tile.name: tile.column for tile in TILES.values()}
    assert column[west] < column[east]


@pytest.mark.parametrize(
    ("north", "south"),
    [("Best", "Eindhoven"), ("Son en Breugel", "Waalre"), ("Laarbeek", "Helmond"), ("Helmond", "Someren"),
     ("Eindhoven", "Valkenswaard"), ("Heeze-Leende", "Cranendonck"), ("Gemert-Bakel", "Asten")],
)  # fmt: skip
def test_who_lives_to_the_north_finds_their_tile_above(north: str, south: str) -> None:
    row = {tile.name: tile.row for tile in TILES.values()}
    assert row[north] < row[south]


def _heights(path: str) -> list[float]:
    """The height of a line in each of its steps."""
    begin = re.match(r"M[\d.]+ ([\d.]+)", path)
    assert begin is not None
    return [float(begin[1]), *(float(number) for number in re.findall(r"V([\d.]+)", path))]
