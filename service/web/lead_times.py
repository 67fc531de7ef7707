"""How long did each stage take? In working days, of every turn that had ended at a moment.

A turn begins on the date on which a stage opens for a body, and ends on the date on which that body has done its part:
done on the same day is 0 days, done on the next working day is 1. Both are the dates that count (`effective on`), not
those of recording. A stage that opens again, after a supplement or a hold-over, is another turn; of a ratification each
body has its own. What still waits is left out, and so is what a withdrawal cut short: nobody finished it.

The median is the number of days within which half of the turns were done, p90 that within which nine of ten were.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

from domain.recorded import Moment
from service.figures import counting, params_of

__all__ = ["LeadTime", "lead_times"]

Connection = psycopg.Connection[Any]

# Working days up to and including a date, counted from a Monday: weekdays, less the holidays so far (which are given in
# order and without weekends). The difference of two dates is what `domain/working_days.py` counts between them.
WORKING_DAYS = """(5 * (({day} - DATE '1900-01-01') / 7) + least(({day} - DATE '1900-01-01') %% 7 + 1, 5)
    - width_bucket({day}, %(holidays)s::date[]))"""

QUERY = f"""SELECT stage, greatest({WORKING_DAYS.format(day="effective_on")} - {WORKING_DAYS.format(day="since")}, 0)
        AS days, count(*)
    FROM views.lead_times WHERE true"""
# Not with an OR for any programme: only a condition of its own becomes a join.
OF_PROGRAMME = (
    " AND stream IN (SELECT p.stream FROM views.portfolio_facts p WHERE p.programme = %(programme)s)"
)


@dataclass(frozen=True, slots=True)
class LeadTime:
    """How many turns of a stage ended, and within how many working days half and nine of ten of them."""

    stage: str
    turns: int
    median: int
    p90: int


def lead_times(
    connection: Connection,
    moment: Moment,
    holidays: Iterable[date],
    programme: str | None = None,
    hidden: Sequence[str] = (),
) -> list[LeadTime]:
    """Each stage with a turn that had ended then, by its code; `hidden` cases do not count."""
    of = OF_PROGRAMME if programme is not None else ""
    query = sql.SQL(QUERY + of + " {} GROUP BY 1, 2").format(counting(moment, hidden))
    params = {
        "programme": programme,
        "holidays": sorted(day for day in holidays if day.weekday() < 5),
        **params_of(moment, hidden),
    }
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(query, params).fetchall()
    turns: dict[str, dict[int, int]] = defaultdict(dict)
    for stage, days, count in rows:
        turns[stage][days] = count
    return [
        LeadTime(stage, sum(counted.values()), _within(counted, 0.5), _within(counted, 0.9))
        for stage, counted in sorted(turns.items())
    ]


def _within(counted: dict[int, int], part: float) -> int:
    """Within how many days at least this part of the turns ended."""
    wanted = ceil(part * sum(counted.values()))
    done = 0
    for days in sorted(counted):
        done += counted[days]
        if done >= wanted:
            break
    return days
