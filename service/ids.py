"""What is the next id? UUID version 7 (RFC 9562): made here, as neither Python 3.11 nor PostgreSQL before 18 can."""

from __future__ import annotations

import secrets
import time
from uuid import UUID

__all__ = ["new_id", "uuid7"]


def uuid7() -> UUID:
    """A new UUIDv7: 48 bits of milliseconds, 74 random bits, so ids sort by when they were made."""
    milliseconds = time.time_ns() // 1_000_000
    random = secrets.randbits(74)
    value = (milliseconds & (1 << 48) - 1) << 80
    value |= 0x7 << 76
    value |= (random >> 62) << 64
    value |= 0b10 << 62
    value |= random & (1 << 62) - 1
    return UUID(int=value)


def new_id(kind: str) -> str:
    """A new id of a kind, for example `proposal-<uuid7>`: also the name of its stream."""
    return f"{kind}-{uuid7()}"
