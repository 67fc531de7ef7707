"""What is kept of people for a while only, and forgotten once that has passed? The worker asks this every minute."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from psycopg import Connection

from service.identity import guard, sign_ins
from service.wiring import Parts

__all__ = ["run_due"]


def run_due(parts: Parts, connection: Connection[Any], now: datetime) -> int:
    """Forgets what was kept long enough; how many rows?"""
    return sign_ins.forget_old(connection, now) + guard.forget(connection)
