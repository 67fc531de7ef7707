"""Was the connection lost? Then ask again, on one that works."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

__all__ = ["again", "is_lost"]

R = TypeVar("R")

ATTEMPTS = 3

LOST = ("08", "57P")
"""What SQLSTATE begins with when the connection failed, or the server was stopped or is starting."""


def is_lost(error: BaseException) -> bool:
    """Did the connection go, rather than the statement fail? A pool that had none to give in time is not that."""
    cause = error if isinstance(error, psycopg.Error) else error.__cause__
    if isinstance(cause, PoolTimeout) or not isinstance(
        cause, psycopg.OperationalError | psycopg.InterfaceError
    ):
        return False
    return cause.sqlstate is None or cause.sqlstate.startswith(LOST)


def again(pool: ConnectionPool[Any], ask: Callable[[], R]) -> R:
    """What `ask` answers; asked anew when its connection was lost, and `pool` has let go of others that were."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return ask()
        except Exception as error:
            if attempt == ATTEMPTS or not is_lost(error):
                raise
            # A restart takes every connection of the pool, and there may be more of them than attempts.
            pool.check()
    raise AssertionError("unreachable")
