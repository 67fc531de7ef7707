"""How is a measurement told? As a table with its aims; the same for the screen, for JSON and for the documentation."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["Aim", "Table", "markdown", "percentile", "plain"]


@dataclass(frozen=True)
class Aim:
    """What was hoped for and what came out, in words; `met` compares the two. Nothing fails when it is not met."""

    aim: str
    measured: str
    met: bool


@dataclass
class Table:
    """The answer to one question. Cells are text, numbers already rounded to what they can bear."""

    name: str
    question: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)
    aims: list[Aim] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    where: str = ""
    """When and on which machine this was measured."""

    def as_json(self) -> dict[str, Any]:
        """For results.json."""
        return asdict(self)

    @staticmethod
    def of(data: dict[str, Any]) -> Table:
        """A table as it was written to results.json."""
        return Table(
            data["name"],
            data["question"],
            tuple(data["columns"]),
            [tuple(row) for row in data["rows"]],
            [Aim(**aim) for aim in data["aims"]],
            list(data["notes"]),
            data["where"],
        )


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that so many percent of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def middle(values: Sequence[float]) -> float:
    """The median: one disturbed round changes nothing."""
    return statistics.median(values)


def plain(table: Table) -> str:
    """For the screen."""
    widths = [max(len(row[at]) for row in (table.columns, *table.rows)) for at in range(len(table.columns))]
    lines = [table.question, ""]
    for row in (table.columns, *table.rows):
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  " + "  ".join(cells).rstrip())
    lines += [f"  {'met   ' if aim.met else 'MISSED'}  {aim.aim}: {aim.measured}" for aim in table.aims]
    lines += [f"  {note}" for note in table.notes]
    return "\n".join(lines) + "\n"


def markdown(table: Table) -> str:
    """For docs/performance.md."""
    lines = [f"### {table.question}", ""]
    lines.append("| " + " | ".join(table.columns) + " |")
    lines.append("|---|" + "---:|" * (len(table.columns) - 1))
    lines += ["| " + " | ".join(row) + " |" for row in table.rows]
    lines.append("")
    if table.aims:
        lines += ["| aim | measured | |", "|---|---|---|"]
        lines += [
            f"| {aim.aim} | {aim.measured} | {'met' if aim.met else '**missed**'} |" for aim in table.aims
        ]
        lines.append("")
    lines += [line for note in (*table.notes, table.where) if note for line in (note, "")]
    return "\n".join(lines)
