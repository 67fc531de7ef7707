"""What has been counted already? Sums of the facts are the same for everybody, until the views move on.

Only codes, dates and numbers are kept: nobody's name, so nothing here is ever to be erased.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar, cast

import psycopg
from psycopg.rows import tuple_row

__all__ = ["Counted"]

Connection = psycopg.Connection[Any]
T = TypeVar("T")

MOST = 200
"""Answers that are kept: of what is asked often (now, and the months of a slider) all, in a few hundred kilobytes."""

# A rebuild puts new tables in the place of the old ones, at the same position.
STATE = """SELECT (SELECT position FROM views.position),
    (SELECT array_agg(oid ORDER BY oid) FROM pg_class WHERE relnamespace = 'views'::regnamespace AND relkind = 'r')"""


class Counted:
    """Answers that hold for one state of the views, in one process; all go as soon as the views are in another."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._state: object = None
        self._kept: dict[Hashable, Any] = {}

    def once(self, connection: Connection, question: Hashable, count: Callable[[], T]) -> T:
        """The answer to a question, counted unless it was; whoever gets it changes nothing in it.

        Within `service.api.snapshot`, so that `count` sees the same state as is looked at here.
        """
        with connection.cursor(row_factory=tuple_row) as cursor:
            state = cursor.execute(STATE).fetchone()
        with self._lock:
            if state == self._state and question in self._kept:
                return cast(T, self._kept[question])
        answer = count()
        with self._lock:
            if state != self._state:
                self._state, self._kept = state, {}
            if len(self._kept) >= MOST:
                del self._kept[next(iter(self._kept))]
            self._kept[question] = answer
        return answer
