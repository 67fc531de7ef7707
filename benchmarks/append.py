"""How many acts a second can be recorded, by 1, 4 and 8 processes at once?

Beside raw psycopg (one insert into a table with a serial number, then its commit) and beside eventsourcing's own
PostgreSQL recorder, which locks its table: all three store the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from itertools import count
from typing import Any

import psycopg
from eventsourcing.application import Application
from eventsourcing.persistence import Mapper

from benchmarks.bench import Bench
from benchmarks.package import MAKE_SCHEMA, environment
from benchmarks.racing import Step, race
from benchmarks.tables import Aim, Table, middle
from domain.events import CompletenessChecked, Event, StageClosed, StageOpened
from domain.recorded import Capacity
from service.eventstore import EventMapper, Log, Meta, NoTranscoder, Pending, WordedEvent
from service.ids import new_id
from service.settings import Settings

__all__ = ["run"]

WRITERS = (1, 4, 8)
EVENTS_A_STREAM = 12
MAKE_TABLES = -1

RAW = """CREATE SCHEMA raw; GRANT USAGE, CREATE ON SCHEMA raw TO PUBLIC;
CREATE TABLE raw.events (id bigserial PRIMARY KEY, stream text, version bigint, topic text, state bytea, words text);
GRANT ALL ON ALL TABLES IN SCHEMA raw TO PUBLIC; GRANT ALL ON ALL SEQUENCES IN SCHEMA raw TO PUBLIC;"""

OPENED = StageOpened("review", "advice", "taskforce", "advies", date(2021, 2, 8))
ONE_EVENT: tuple[Event, ...] = (OPENED,)
ONE_ACT: tuple[Event, ...] = (
    CompletenessChecked(
        "completeness",
        "secretariat",
        "complete",
        "De begroting is aangevuld en de cofinanciering van beide partners is schriftelijk toegezegd.",
        2,
        "5df6e0e2761359d30a8275058e299fcc0381534545f55cf43e41983f5d4c9456",
    ),
    StageClosed("completeness", "secretariat", "complete"),
    OPENED,
)
META = Meta(date(2021, 1, 25), new_id("person"), Capacity("secretary", "secretariat"), new_id("command"))


def run(bench: Bench) -> Table:
    """Alternates raw, ours and the package's, for each number of writers; medians of the rounds."""
    with bench.database() as settings:
        with psycopg.connect(settings.database_owner_url, autocommit=True) as owner:
            owner.execute(RAW)
            owner.execute(MAKE_SCHEMA)
        with package(settings, ONE_EVENT, MAKE_TABLES):
            pass  # several processes that make them at once would stumble over each other
        contenders: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
            "raw": (raw, (settings, ONE_EVENT)),
            "ours": (ours, (settings, ONE_EVENT)),
            "package": (package, (settings, ONE_EVENT)),
            "raw act": (raw, (settings, ONE_ACT)),
            "our act": (ours, (settings, ONE_ACT)),
        }
        rates: dict[tuple[str, int], list[float]] = {}
        for _ in range(bench.rounds):
            for writers in WRITERS:
                for name, (make, arguments) in contenders.items():
                    rate = race(make, arguments, writers, bench.seconds)
                    rates.setdefault((name, writers), []).append(rate)
                    bench.tell(f"{name}, {writers} writers: {rate:,.0f}/s")
    return _table({key: middle(found) for key, found in rates.items()})


def _table(rate: dict[tuple[str, int], float]) -> Table:
    table = Table(
        "append",
        "How many acts a second can be recorded?",
        ("acts/s at", *(f"{writers} writer{'s' * (writers > 1)}" for writers in WRITERS)),
    )

    def row(label: str, value: Callable[[int], str]) -> None:
        table.rows.append((label, *(value(writers) for writers in WRITERS)))

    def share(ours: str, theirs: str, writers: int) -> float:
        return rate[ours, writers] / rate[theirs, writers]

    row("raw psycopg, insert and commit one event", lambda w: f"{rate['raw', w]:,.0f}")
    row("ours, one event", lambda w: f"{rate['ours', w]:,.0f}")
    row("eventsourcing's default recorder, one event", lambda w: f"{rate['package', w]:,.0f}")
    row("ours / raw", lambda w: f"{share('ours', 'raw', w):.0%}")
    row("ours / default recorder", lambda w: f"{share('ours', 'package', w):.2f}")
    row("raw psycopg, an act of three events and its words", lambda w: f"{rate['raw act', w]:,.0f}")
    row("ours, an act of three events, words apart and searchable", lambda w: f"{rate['our act', w]:,.0f}")
    row("ours / raw, an act", lambda w: f"{share('our act', 'raw act', w):.0%}")
    of_raw, of_package = share("ours", "raw", 4), share("ours", "package", 4)
    table.aims.append(Aim("25 % of raw at 4 writers", f"{of_raw:.0%}", of_raw >= 0.25))
    table.aims.append(
        Aim("1.8 times the default recorder at 4 writers", f"{of_package:.2f}", of_package >= 1.8)
    )
    return table


def _changes(events: tuple[Event, ...]) -> Iterator[tuple[str, int]]:
    """A stream, and how many events it has already: a new one when it has as many as a case usually gets."""
    while True:
        stream = new_id("proposal")
        for version in range(0, EVENTS_A_STREAM, len(events)):
            yield stream, version


@contextmanager
def ours(settings: Settings, events: tuple[Event, ...], racer: int) -> Iterator[Step]:
    """What a command does with its events."""
    places = _changes(events)

    def step() -> None:
        stream, version = next(places)
        log.append([(stream, event) for event in events], {stream: version}, _meta())

    with Log.open(settings, pool_size=1) as log:
        yield step


def _meta() -> Meta:
    return Meta(META.effective_on, META.by, META.capacity, new_id("command"))


class Package(Application[str]):
    """eventsourcing's Application and recorder as they are, with our mapper: so it stores the same bytes."""

    def construct_mapper(self) -> Mapper[str]:
        return EventMapper(NoTranscoder())


@contextmanager
def package(settings: Settings, events: tuple[Event, ...], racer: int) -> Iterator[Step]:
    """The same events through the package's own insert, in a table of its own."""
    places = _changes(events)

    def step() -> None:
        stream, version = next(places)
        meta = _meta()
        application.save(*(Pending(stream, version + n, event, meta) for n, event in enumerate(events, 1)))

    with Package(environment(settings, create_table=racer == MAKE_TABLES)) as application:
        yield step


@contextmanager
def raw(settings: Settings, events: tuple[Event, ...], racer: int) -> Iterator[Step]:
    """The least that can be done for the same bytes: insert and commit."""
    mapper = EventMapper(NoTranscoder())
    stored = [mapper.to_stored_event(Pending("", 0, event, META)) for event in events]
    rows = ", ".join(["(%s, %s, %s, %s, %s)"] * len(events))
    insert = f"INSERT INTO raw.events (stream, version, topic, state, words) VALUES {rows}"
    stream, versions = new_id("proposal"), count(1)
    words = [repr(each.words) if isinstance(each, WordedEvent) and each.words else None for each in stored]

    def step() -> None:
        values: list[Any] = []
        for each, said in zip(stored, words, strict=True):
            values += (stream, next(versions), each.topic, each.state, said)
        connection.execute(insert, values, prepare=True)

    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        yield step
