"""What does the portfolio show at a moment? Each figure as a chart, and as rows for a spreadsheet: the same numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg

from domain.recorded import Moment
from domain.route import Calendar
from projections.plain import euros
from projections.view import Document
from service import figures
from service.counted import Counted
from service.web.chart_tables import bars_table, tiles_table
from service.web.charts import Bars, Lines, Tiles
from service.web.lead_times import LeadTime, lead_times
from service.web.naming import Names
from service.web.places import Places
from service.web.rendering import say
from service.words import fill

__all__ = ["FIGURES", "Figures", "Table", "figures_at"]

Connection = psycopg.Connection[Any]

DIMENSIONS = {"themes": "theme", "subregions": "subregion", "municipalities": "municipality"}
"""The columns of the portfolio, and what an entry in each is called."""
MOST_DAYS = 60
"""Days of change that are shown one by one; of more only the last one in each month."""

Address = Callable[[str, str], str | None]
"""Where the cases of a theme, a municipality or a subregion are listed: (what it is, its code)."""


@dataclass(frozen=True, slots=True)
class Table:
    """What a spreadsheet gets: a head, and rows of text and numbers."""

    head: Sequence[str]
    rows: Sequence[Sequence[object]]


@dataclass(frozen=True)
class Figures:
    """Everything the portfolio shows at one moment."""

    total: Document
    envelopes: list[Document]
    money: dict[str, Decimal]
    over_time: Lines
    themes: Bars
    subregions: Bars
    municipalities: Bars
    map: Tiles
    multiplier: Bars
    stages: list[tuple[str, LeadTime]]
    everything: Table

    def table(self, figure: str) -> Table:
        """The rows of one of FIGURES."""
        if figure == "envelope":
            chart = self.over_time
            return Table(
                [say("kit.chart-day"), *chart.series], [[day, *values] for day, values in chart.points]
            )
        if figure == "lead-times":
            head = [say(f"portfolio.{name}") for name in ("stage", "turns", "median", "p90")]
            return Table(head, [[name, t.turns, t.median, t.p90] for name, t in self.stages])
        if figure == "all":
            return self.everything
        if figure == "map":
            return Table(*tiles_table(self.map, say("portfolio.awarded")))
        bars: Bars = getattr(self, figure)
        return Table(*bars_table(bars))


FIGURES = ("envelope", "themes", "subregions", "map", "municipalities", "multiplier", "lead-times", "all")
"""What can be had as CSV."""


def figures_at(
    connection: Connection,
    counted: Counted,
    moment: Moment,
    programme: str | None,
    until: date,
    calendar: Calendar,
    names: Names,
    places: Places,
    address: Address,
) -> Figures:
    """The figures of one moment; `until` is the last day of the drawing. Within one snapshot, so that they add up."""
    # Who gave the money is not shown, so that is not looked up.
    found = fill(
        [
            {name: value for name, value in budget.items() if name != "sources"}
            for budget in figures.budgets(connection, moment)
            if programme is None or budget["programme"] in (None, programme)
        ],
        connection,
    )
    sums, days, taken = counted.once(
        connection,
        ("portfolio", moment, programme, calendar.holidays),
        lambda: (
            figures.portfolio(connection, moment, programme),
            figures.budget_days(connection, [each["id"] for each in found], moment),
            lead_times(connection, moment, calendar.holidays, programme),
        ),
    )
    return Figures(
        total=sums["total"],
        envelopes=found,
        money={
            name: sum((Decimal(each[name]) for each in found), Decimal(0))
            for name in ("amount", "committed", "heldBack", "left")
        },
        over_time=_over_time(days, until),
        themes=_bars("themes", sums, places, address),
        subregions=_bars("subregions", sums, places, address),
        municipalities=_bars("municipalities", sums, places, address),
        map=_map(sums, places, address),
        multiplier=_multiplier(sums, places, address),
        stages=_stages(taken, names, programme),
        everything=_everything(sums, places),
    )


def _over_time(days: list[tuple[date, int, int, int]], until: date) -> Lines:
    if len(days) > MOST_DAYS:
        days = [
            each
            for each, following in zip(days, [*days[1:], None], strict=True)
            if following is None or (each[0].year, each[0].month) != (following[0].year, following[0].month)
        ]
    points = [
        (on.isoformat(), (euros(committed), euros(held), euros(amount - committed - held)))
        for on, amount, committed, held in days
    ]
    series = [say(f"portfolio.{name}") for name in ("committed", "held-back", "left")]
    return Lines(say("portfolio.over-time"), "money", series, points, until=until.isoformat())


def _sorted(dimension: str, sums: Document, places: Places) -> list[tuple[str, str, Document]]:
    """(code, name, figures) of each entry, in the order of the definitions."""
    what = DIMENSIONS[dimension]
    entries = sorted(sums[dimension], key=lambda entry: places.order(dimension, entry[what]))
    return [(entry[what], places.name(dimension, entry[what]), entry) for entry in entries]


def _bars(dimension: str, sums: Document, places: Places, address: Address) -> Bars:
    """What was awarded, and what was asked for and not awarded (more can be awarded than was asked for)."""
    what = DIMENSIONS[dimension]
    rows = []
    for code, name, entry in _sorted(dimension, sums, places):
        awarded, requested = Decimal(entry["awarded"]), Decimal(entry["requested"])
        rest = max(requested - awarded, Decimal("0.00"))
        rows.append((name, (entry["awarded"], str(rest)), address(what, code)))
    series = [say("portfolio.awarded"), say("portfolio.not-awarded")]
    return Bars(say(f"portfolio.by-{what}"), "money", series, rows)


def _map(sums: Document, places: Places, address: Address) -> Tiles:
    found = _sorted("municipalities", sums, places)
    addresses = {code: to for code, _, _ in found if (to := address("municipality", code))}
    values: dict[str, Any] = {
        code: (
            entry["awarded"],
            say("portfolio.of-requested", awarded=entry["awarded"], requested=entry["requested"]),
        )
        for code, _, entry in found
    }
    return Tiles(say("portfolio.map"), "money", values, addresses)


def _multiplier(sums: Document, places: Places, address: Address) -> Bars:
    rows: list[tuple[str, Sequence[Any], str | None]] = []
    if sums["total"]["proposals"]:
        rows.append((say("portfolio.all-proposals"), (sums["total"]["multiplier"]["total"],), None))
    rows += [
        (name, (entry["multiplier"]["total"],), address("theme", code))
        for code, name, entry in _sorted("themes", sums, places)
    ]
    return Bars(say("portfolio.multiplier-by"), "ratio", [say("portfolio.multiplier")], rows)


def _stages(taken: list[LeadTime], names: Names, programme: str | None) -> list[tuple[str, LeadTime]]:
    """Each stage by its name, in the order of the routes; what lies outside any route last."""
    order = [code for _, code in names.stages]
    rows = sorted(taken, key=lambda each: order.index(each.stage) if each.stage in order else len(order))
    return [(_stage_name(each.stage, names, programme), each) for each in rows]


def _stage_name(stage: str, names: Names, programme: str | None) -> str:
    """What a stage is called; by all its names where programmes call it otherwise."""
    called = [name for (of, code), name in names.stages.items() if code == stage and programme in (None, of)]
    return " / ".join(dict.fromkeys(called)) or names.stage("", stage)


def _everything(sums: Document, places: Places) -> Table:
    names = (
        "what", "which", "proposals", "requested", "awarded", "committed", "held-back", "cofinancing", "multiplier",
    )  # fmt: skip
    rows = [[say("portfolio.total"), say("portfolio.all-proposals"), *_measures(sums["total"])]]
    rows += [
        [say(f"portfolio.{what}"), name, *_measures(entry)]
        for dimension, what in DIMENSIONS.items()
        for _, name, entry in _sorted(dimension, sums, places)
    ]
    return Table([say(f"portfolio.{name}") for name in names], rows)


def _measures(entry: Document) -> list[object]:
    money = [entry[name] for name in ("requested", "awarded", "committed", "heldBack")]
    return [entry["proposals"], *money, entry["cofinancing"]["total"], entry["multiplier"]["total"]]
