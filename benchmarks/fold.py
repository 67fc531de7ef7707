"""How many events a second are folded into all live views together?

Beside eventsourcing's own ProjectionRunner, which keeps one small view on the same events.
"""

from __future__ import annotations

import threading
import time
from typing import Any, cast

import psycopg
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner

from benchmarks.bench import Bench
from benchmarks.package import MAKE_SCHEMA, environment
from benchmarks.racing import apart
from benchmarks.tables import Aim, Table, middle
from domain.events import StageOpened
from domain.recorded import Recorded
from projections.views import VIEWS
from service import fold
from service.eventstore import LogApplication
from service.settings import Settings
from service.viewtables import table

__all__ = ["forget_views", "run"]

SHARE = 5
"""One in so many of the events is folded."""

RUNNER_SECONDS = 10.0


def run(bench: Bench) -> Table:
    """Alternates the two; both begin with nothing and read the same log."""
    settings = bench.large_log()
    events = bench.large // SHARE
    with psycopg.connect(settings.database_owner_url, autocommit=True) as owner:
        owner.execute(MAKE_SCHEMA)
    ours, runner = [], []
    for _ in range(min(3, bench.rounds)):
        forget_views(settings)
        ours.append(apart(fold_live, settings, events))
        bench.tell(f"all live views: {ours[-1]:,.0f} events/s")
        runner.append(apart(run_projection, settings, RUNNER_SECONDS if not bench.quick else 2.0))
        bench.tell(f"ProjectionRunner: {runner[-1]:,.0f} events/s")
    return _table(middle(ours), middle(runner), events)


def _table(ours: float, runner: float, events: int) -> Table:
    names = ", ".join(view.name for view in VIEWS)
    made = Table("fold", "How many events a second are folded?", ("", "events/s"))
    made.rows.append((f"all {len(VIEWS)} live views together ({names})", f"{ours:,.0f}"))
    made.rows.append(("eventsourcing's ProjectionRunner, one view that counts", f"{runner:,.0f}"))
    made.rows.append(("ours / ProjectionRunner", f"{ours / runner:.0f}"))
    made.aims.append(Aim("15,000 events/s", f"{ours:,.0f}", ours >= 15_000))
    made.notes.append(
        f"{events:,} events in the order of the log, by the process that folds in production, from nothing."
    )
    return made


def forget_views(settings: Settings) -> None:
    """As if nothing had been folded."""
    with psycopg.connect(settings.database_owner_url) as connection:
        for view in VIEWS:
            for name in (view.name, *([view.facts.name] if view.facts else [])):
                connection.execute(psycopg.sql.SQL("TRUNCATE {}").format(table(name)))
            connection.execute(
                "UPDATE views.registry SET version = %s WHERE name = %s", (view.version, view.name)
            )
        connection.execute("DELETE FROM views.frozen")
        connection.execute("UPDATE views.position SET position = 0")


def fold_live(settings: Settings, events: int) -> float:
    """Events a second, folding until so many are in the views."""
    stop = threading.Event()
    folder = threading.Thread(target=fold.run, args=(settings, stop))
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        began = time.perf_counter()
        folder.start()
        at = 0
        while at < events:
            time.sleep(0.02)
            row = connection.execute("SELECT position FROM views.position").fetchone()
            at = row[0] if row else 0
        taken = time.perf_counter() - began
    stop.set()
    folder.join()
    return at / taken


class Counts(PostgresTrackingRecorder):
    """How many cases have reached each stage: about the least that a view can keep."""

    def _create_table(self, curs: Any) -> None:
        super()._create_table(curs)
        curs.execute("CREATE TABLE IF NOT EXISTS package.counts (stage text PRIMARY KEY, cases int)")

    def count(self, stage: str | None, tracking: Tracking) -> None:
        """One more case in this stage."""
        with self.datastore.transaction(commit=True) as cursor:
            if stage is not None:
                cursor.execute(
                    "INSERT INTO package.counts AS c VALUES (%s, 1)"
                    " ON CONFLICT (stage) DO UPDATE SET cases = c.cases + 1",
                    (stage,),
                    prepare=True,
                )
            self._insert_tracking(cursor, tracking)


class CountsProjection(Projection[Counts]):
    """As the package's manual has it."""

    name = "counts"

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        recorded = cast(Recorded, domain_event)
        event = recorded.event
        self.view.count(event.stage if isinstance(event, StageOpened) else None, tracking)


class OurLog(LogApplication):
    """Our log as the package's runner makes it: only where it is differs from the projection's database."""

    def __init__(self, env: Any = None) -> None:
        super().__init__({**env, "POSTGRES_SCHEMA": "log", "CREATE_TABLE": "n"}, {})


def run_projection(settings: Settings, seconds: float) -> float:
    """Events a second of the package's runner, over some seconds."""
    with ProjectionRunner(
        application_class=OurLog,
        projection_class=CountsProjection,
        view_class=Counts,
        env=environment(settings, create_table=True),
    ) as runner:
        runner.run_forever(1.0)
        began, first = time.perf_counter(), runner.view.max_tracking_id(OurLog.name) or 0
        runner.run_forever(seconds)
        last, taken = runner.view.max_tracking_id(OurLog.name) or 0, time.perf_counter() - began
    return (last - first) / taken
