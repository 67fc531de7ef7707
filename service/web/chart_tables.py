"""What does a spreadsheet get of a chart? The figures of the table behind it: a head, and rows."""

from __future__ import annotations

from service.web.charts import Bars, Tiles
from service.web.rendering import say

__all__ = ["bars_table", "tiles_table"]

Rows = tuple[list[str], list[list[object]]]


def bars_table(chart: Bars) -> Rows:
    """Each part with its values, and their sum where there are several."""
    head, several = [say("kit.chart-part"), *chart.series], len(chart.series) > 1
    rows: list[list[object]] = [
        [label, *values, *([chart.total(values)] if several else [])] for label, values, _ in chart.rows
    ]
    return [*head, *([say("kit.chart-total")] if several else [])], rows


def tiles_table(chart: Tiles, value: str) -> Rows:
    """Each municipality of the map by name, with its value: a number, or yes or no where only that is shown."""
    places = sorted(chart.placed, key=lambda each: each[1].name)
    if chart.only_which:
        return [say("kit.tile-municipality"), value], [
            [tile.name, say("kit.tile-yes" if chart.number(code) else "kit.tile-no")]
            for code, tile, _, _ in places
        ]
    return [say("kit.tile-municipality"), value], [
        [tile.name, chart.number(code)] for code, tile, _, _ in places
    ]
