"""What do the tests of the views need? A walk recorded in the log, and what was folded from it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from domain.recorded import Recorded
from projections.views import VIEWS
from service.eventstore import Log
from service.settings import Settings
from service.viewstore import fold_batch, position, read_log
from tests.conftest import fresh_database
from tests.views.walks import Walk, append

Connection = psycopg.Connection[Any]


@pytest.fixture
def database(settings: Settings) -> Iterator[Connection]:
    """A connection of the runtime role."""
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def walk_copied(admin_url: str, template: Settings) -> dict[str, list[bytes]]:
    """A few hundred events of a random walk, appended through the log once, as rows to copy."""
    with fresh_database(admin_url, template) as settings:
        with Log.open(settings) as log:
            append(log, Walk(random.Random(7)).acts(), 600)
        rows = {}
        with psycopg.connect(settings.database_owner_url) as owner:
            for table in ("log.events", "log.words (position, stream, texts, salts)"):
                with owner.cursor().copy(f"COPY {table} TO STDOUT") as copy:  # type: ignore[arg-type]
                    rows[table] = [bytes(row) for row in copy]
        return rows


@pytest.fixture
def walked(settings: Settings, log: Log, walk_copied: dict[str, list[bytes]]) -> list[Recorded]:
    """The events of that walk in the log; nothing is folded yet."""
    with psycopg.connect(settings.database_owner_url) as owner:
        for table, rows in walk_copied.items():
            with owner.cursor().copy(f"COPY {table} FROM STDIN") as copy:  # type: ignore[arg-type]
                for row in rows:
                    copy.write(row)
    return log.read(0, 10_000)


@pytest.fixture
def folded(database: Connection, walked: list[Recorded]) -> list[Recorded]:
    """The same, folded into the views in batches of odd sizes."""
    fold_all(database, limit=97)
    return walked


def fold_all(connection: Connection, limit: int = 1_000) -> int:
    """Folds what the views do not have yet; answers how far they are."""
    at = position(connection)
    while events := read_log(connection, at, limit):
        at = fold_batch(connection, VIEWS, events, at)
    return at


def contents(connection: Connection) -> dict[str, list[Any]]:
    """Everything the views hold, byte for byte, in a fixed order."""
    held: dict[str, list[Any]] = {}
    for view in VIEWS:
        query = f"SELECT key, stream, position, document::text FROM views.{view.name} ORDER BY key"
        held[view.name] = connection.execute(query).fetchall()  # type: ignore[arg-type]
        if view.facts is not None:
            rows = connection.execute(f"SELECT t::text FROM views.{view.facts.name} t").fetchall()  # type: ignore[arg-type]
            held[view.facts.name] = sorted(rows)
    held["frozen"] = connection.execute(
        "SELECT view, stream, position, error FROM views.frozen ORDER BY 1, 2"
    ).fetchall()
    return held
