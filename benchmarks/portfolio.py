"""How fast is the portfolio at any moment, over a million events? And a page of the list of cases?"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg

from benchmarks.bench import Bench
from benchmarks.racing import apart
from benchmarks.tables import Aim, Table, percentile
from domain.recorded import NOW, Moment
from service.figures import portfolio
from service.identity.scope import everything
from service.listing import Filters, proposals
from service.rebuild import rebuild
from service.settings import Settings

__all__ = ["run"]

TIMES = 40
LISTED = Filters(status="award", theme="theme-3")

Connection = psycopg.Connection[Any]


def run(bench: Bench) -> Table:
    """Each question at moments drawn by chance, the same ones every time."""
    settings = bench.large_log()
    apart(_fold, settings)
    times = 5 if bench.quick else TIMES
    table = Table("portfolio", "How fast are sums and lists at any moment?", ("ms", "median", "p95", "worst"))
    worst = 0.0
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        events, first, last = _extent(connection)
        for label, asked in _questions(connection):
            for kind in ("now", "known", "true", "both"):
                moments = _moments(kind, events, first, last, times)
                taken = [1000 * _time(asked, moment) for moment in moments]
                cells = [f"{percentile(taken, percent):.0f}" for percent in (50, 95, 100)]
                table.rows.append((f"{label}, {WORDS[kind]}", *cells))
                bench.tell(" ".join(table.rows[-1]))
                if label == "portfolio":
                    worst = max(worst, percentile(taken, 95))
    table.aims.append(Aim("portfolio at any moment within 300 ms, p95", f"{worst:.0f} ms", worst < 300))
    table.notes.append(
        f"{events:,} events; the list is of cases that wait for an award and have one of ten themes."
    )
    return table


WORDS = {
    "now": "now",
    "known": "as known at a position",
    "true": "as effective on a date",
    "both": "as known at a position, effective on a date",
}


def _fold(settings: Settings) -> None:
    with psycopg.connect(settings.database_url) as connection:
        row = connection.execute(
            "SELECT (SELECT position FROM views.position) = (SELECT max(notification_id) FROM log.events)"
        ).fetchone()
    if not row or not row[0]:
        rebuild(settings)


def _extent(connection: Connection) -> tuple[int, date, date]:
    row = connection.execute(
        "SELECT max(position), min(effective_on), max(effective_on) FROM views.portfolio_facts"
    ).fetchone()
    assert row is not None
    events, first, last = row
    return events, first, last


def _questions(connection: Connection) -> list[tuple[str, Callable[[Moment], object]]]:
    scope = everything(datetime.now(UTC).date())
    return [
        ("portfolio", lambda moment: portfolio(connection, moment)),
        ("first page of a list", lambda moment: proposals(connection, scope, LISTED, moment)),
    ]


def _moments(kind: str, events: int, first: date, last: date, times: int) -> list[Moment]:
    chance = random.Random(kind)
    found = []
    for _ in range(times):
        position = chance.randrange(1, events + 1)
        on = first + timedelta(days=chance.randrange((last - first).days + 1))
        found.append(
            {"now": NOW, "known": Moment(position), "true": Moment(None, on), "both": Moment(position, on)}[
                kind
            ]
        )
    return found


def _time(asked: Callable[[Moment], object], moment: Moment) -> float:
    began = time.perf_counter()
    asked(moment)
    return time.perf_counter() - began
