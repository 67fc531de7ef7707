"""Is it all of one moment? An answer that takes more than one query reads from one snapshot of the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg import Connection

__all__ = ["snapshot"]


@contextmanager
def snapshot(connection: Connection[Any]) -> Iterator[None]:
    """Within it every query sees what the first one saw, so figures add up while others act.

    Begin it after waiting for a position: what comes later is not seen.
    """
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield
