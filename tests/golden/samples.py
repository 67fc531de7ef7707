"""Every form in which an event was ever stored: `<Event>-<number>.json`, the bytes as they stand in the log.

A sample is added, never changed and never removed: what was once stored has to keep loading.
"""

from __future__ import annotations

import hashlib
import re
from datetime import date
from pathlib import Path

import msgspec

from domain.events import EVENTS
from domain.recorded import Capacity
from service.eventstore import Stored
from tests.golden.example import example

__all__ = ["FOLDER", "add", "newest", "stored_today", "samples"]

FOLDER = Path(__file__).parent


def stored_today(name: str) -> bytes:
    """How an example of this event is stored by this version of the service."""
    event = example(EVENTS[name], lambda path: hashlib.sha256(path.encode()).hexdigest())
    capacity = Capacity("member", "db", "seat-1", "person-2")
    return msgspec.json.encode(Stored(date(2026, 11, 20), "person-1", event, capacity, "command-1"))


def samples(name: str) -> list[Path]:
    """The samples of an event, oldest first."""
    found = [
        (int(m[1]), path) for path in FOLDER.glob(f"{name}-*.json") if (m := re.search(r"-(\d+)$", path.stem))
    ]
    return [path for _, path in sorted(found)]


def newest(name: str) -> bytes | None:
    """The newest sample of an event, None when there is none."""
    known = samples(name)
    return known[-1].read_bytes() if known else None


def add(name: str) -> Path | None:
    """Keeps how this event is stored today, as its next sample; None when the newest says so already."""
    today = stored_today(name)
    if newest(name) == today:
        return None
    path = FOLDER / f"{name}-{len(samples(name)) + 1}.json"
    with path.open("xb") as file:  # x: never over what is there
        file.write(today)
    return path
