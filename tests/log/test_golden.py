"""Whatever was once stored keeps loading, and a change in how events are stored does not go unnoticed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from domain.events import EVENTS
from domain.recorded import Capacity, Recorded
from service.eventstore import Stored, recorded_from
from tests.golden.samples import FOLDER, newest, samples, stored_today

SAMPLES = [path for name in EVENTS for path in samples(name)]


def loaded(path: Path) -> Recorded:
    """A sample, loaded as from the log."""
    name = path.stem.rpartition("-")[0]
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return recorded_from(1, "proposal-1", 1, name, path.read_bytes(), at, "command-1")


@pytest.mark.parametrize("name", EVENTS)
def test_every_event_has_a_sample_and_is_stored_as_the_newest_says(name: str) -> None:
    assert newest(name) == stored_today(name), (
        f"{name} is stored in another form than its newest sample. If that is meant, see that a new field has a "
        f"default, and add a sample: python -m tests.golden"
    )


def test_every_sample_belongs_to_an_event() -> None:
    assert sorted(FOLDER.glob("*.json")) == sorted(SAMPLES)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_every_sample_loads_whole(path: Path) -> None:
    recorded = loaded(path)
    assert recorded.name == path.stem.rpartition("-")[0]
    assert recorded.effective_on == date(2026, 11, 20)
    assert recorded.by == "person-1"
    assert recorded.capacity == Capacity("member", "db", "seat-1", "person-2")
    assert recorded.cause == "command-1"
    again = Stored(recorded.effective_on, recorded.by, recorded.event, recorded.capacity, recorded.cause)
    assert_within(msgspec.json.decode(path.read_bytes()), msgspec.json.decode(msgspec.json.encode(again)))


def assert_within(stored: Any, again: Any) -> None:
    """Is all that was stored still there? Fields that came later may stand beside it."""
    if isinstance(stored, dict):
        for key, value in stored.items():
            assert_within(value, again[key])
    elif isinstance(stored, list):
        assert len(stored) == len(again)
        for value, value_again in zip(stored, again, strict=True):
            assert_within(value, value_again)
    else:
        assert stored == again


@pytest.mark.parametrize("name", EVENTS)
def test_what_the_service_stores_without_words_is_the_same_form(name: str) -> None:
    # The log's own mapper stores plain values with digests in them; a sample is encoded from the event itself.
    event = msgspec.json.decode(stored_today(name), type=Stored[EVENTS[name]]).event  # type: ignore[misc]
    plain = msgspec.json.decode(msgspec.json.encode(event))
    assert msgspec.json.encode(plain) == msgspec.json.encode(event)


def test_an_event_of_a_later_version_of_the_service_is_refused_by_name() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    with pytest.raises(KeyError, match="MeetingHeld"):
        recorded_from(1, "meeting-1", 1, "MeetingHeld", b"{}", at, "command-1")


def test_a_state_that_does_not_fit_its_event_is_refused() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    with pytest.raises(msgspec.ValidationError):
        recorded_from(1, "proposal-1", 1, "ProposalWithdrawn", b'{"effective_on":"2026-01-01"}', at, "c")
