"""Appending: positions without gaps, one act all or nothing, no act on a stream that has moved on."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest

from domain.events import FundsReserved, ProposalSubmitted
from domain.recorded import Capacity
from service.eventstore import Appended, Conflict, Log, Once, Series
from service.ids import new_id
from service.settings import Settings
from tests.golden.example import example
from tests.log.given import DAY, meta, plain, worded


@pytest.fixture
def case() -> str:
    """A stream that nobody else writes to."""
    return new_id("proposal")


@pytest.fixture
def envelope() -> str:
    """Another one."""
    return new_id("envelope")


def test_an_empty_log_has_nothing_and_ends_at_zero_and_counts_from_one(empty_log: Log) -> None:
    assert empty_log.head() == 0
    assert empty_log.read(0, 10) == []
    assert empty_log.load("proposal-1") == []
    assert empty_log.streams("proposal") == []
    assert empty_log.append([("proposal-1", plain()), ("proposal-2", plain())], {}, meta()).last == 2
    assert [recorded.position for recorded in empty_log.read(0, 10)] == [1, 2]


def test_what_was_appended_comes_back_as_it_was(log: Log, envelope: str) -> None:
    event = FundsReserved("proposal-1", Decimal("100000.00"), Decimal("50.50"))
    appended = log.append([(envelope, event)], {}, meta("command-7", "person-3"))
    (recorded,) = log.load(envelope)
    assert recorded.event == event
    assert (recorded.position, recorded.version, recorded.stream) == (appended.first, 1, envelope)
    assert (appended.last, appended.replayed) == (appended.first, False)
    assert (recorded.by, recorded.effective_on, recorded.command_id) == ("person-3", DAY, "command-7")
    assert recorded.capacity == Capacity("member", "db")
    assert recorded.recorded_at.tzinfo is UTC
    assert abs(recorded.recorded_at - datetime.now(UTC)) < timedelta(minutes=1)


def test_positions_count_all_events_without_gaps(log: Log) -> None:
    before = log.head()
    for _ in range(5):
        stream = new_id("proposal")
        log.append([(stream, plain()), (stream, worded())], {}, meta())
    assert [recorded.position for recorded in log.read(before, 100)] == list(range(before + 1, before + 11))
    assert log.head() == before + 10


def test_a_refused_append_leaves_no_gap(log: Log, case: str) -> None:
    first = log.append([(case, plain())], {}, meta()).last
    for _ in range(3):
        with pytest.raises(Conflict):
            log.append([(case, plain()), (new_id("proposal"), plain())], {}, meta())
    assert log.append([(new_id("proposal"), plain())], {}, meta()).first == first + 1


def test_several_streams_are_appended_in_the_order_of_the_act(log: Log, case: str, envelope: str) -> None:
    before = log.append([(envelope, plain())], {}, meta()).last
    changes = [(case, plain(1)), (envelope, plain(2)), (case, plain(3))]
    appended = log.append(changes, {envelope: 1}, meta("one-act"))
    assert (appended.stream, appended.first, appended.last) == (case, before + 1, before + 3)
    recorded = log.read(before, 10)
    assert [(r.stream, r.version, r.event) for r in recorded] == [
        (case, 1, plain(1)),
        (envelope, 2, plain(2)),
        (case, 2, plain(3)),
    ]
    assert {r.command_id for r in recorded} == {"one-act"}
    assert len({r.recorded_at for r in recorded}) == 1


def test_several_streams_are_appended_all_or_not_at_all(
    log: Log, settings: Settings, case: str, envelope: str
) -> None:
    log.append([(envelope, plain()), (envelope, plain())], {}, meta())
    before = log.head()
    with pytest.raises(Conflict):
        log.append([(case, worded()), (envelope, worded())], {envelope: 1}, meta())
    assert log.load(case) == []
    assert log.head() == before
    with psycopg.connect(settings.database_url) as connection:
        assert connection.execute("SELECT * FROM log.words WHERE position > %s", (before,)).fetchall() == []


@pytest.mark.parametrize("version", [0, 1])
def test_an_act_on_a_stream_that_has_moved_on_is_a_conflict(log: Log, case: str, version: int) -> None:
    log.append([(case, plain()), (case, plain())], {}, meta())
    with pytest.raises(Conflict):
        log.append([(case, plain())], {case: version}, meta())
    log.append([(case, plain())], {case: 2}, meta())
    assert len(log.load(case)) == 3


def test_of_acts_at_the_same_time_on_one_version_one_is_recorded(log: Log, case: str) -> None:
    log.append([(case, plain())], {}, meta())
    outcomes: list[str] = []
    start = threading.Barrier(8)

    def act() -> None:
        start.wait()
        try:
            log.append([(case, plain())], {case: 1}, meta())
            outcomes.append("recorded")
        except Conflict:
            outcomes.append("conflict")

    threads = [threading.Thread(target=act) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["conflict"] * 7 + ["recorded"]
    assert len(log.load(case)) == 2


def test_a_stream_can_be_loaded_up_to_a_position_and_from_a_version(log: Log, case: str) -> None:
    positions = [log.append([(case, plain())], {case: version}, meta()).last for version in range(4)]
    assert [r.version for r in log.load(case)] == [1, 2, 3, 4]
    assert [r.version for r in log.load(case, positions[1])] == [1, 2]
    assert [r.version for r in log.load(case, positions[0] - 1)] == []
    assert [r.version for r in log.load(case, after_version=3)] == [4]


def test_a_follower_reads_on_from_where_it_was(log: Log) -> None:
    before = log.head()
    for _ in range(10):
        log.append([(new_id("proposal"), plain())], {}, meta())
    seen: list[int] = []
    while batch := log.read(seen[-1] if seen else before, 3):
        assert len(batch) <= 3
        seen += [recorded.position for recorded in batch]
    assert seen == list(range(before + 1, before + 11))


def test_the_streams_of_a_kind_are_found_by_name(log: Log) -> None:
    for stream in ("programme-b", "programme-a", "programmes-x"):
        log.append([(stream, plain())], {}, meta())
    assert log.streams("programme") == ["programme-a", "programme-b"]


@pytest.mark.parametrize(
    "stream",
    ['proposal-"quoted"', "proposal-back\\slash", "proposal-{a,b}", "proposal-é", "proposal-' OR 1=1"],
)
def test_no_name_or_word_can_break_out_of_its_place(log: Log, settings: Settings, stream: str) -> None:
    text = 'Hij zei: "ja", {en} \\ nee; \' -- 😀\n\ttwee'
    log.append([(stream, worded(text)), (stream, worded(stream))], {}, meta())
    assert [r.stream for r in log.load(stream)] == [stream, stream]
    with psycopg.connect(settings.database_url) as connection:
        kept = connection.execute(
            "SELECT texts ->> 'grounds' FROM log.words WHERE stream = %s ORDER BY position", (stream,)
        ).fetchall()
    assert kept == [(text,), (stream,)]


def test_every_append_is_notified_with_the_last_position(log: Log, settings: Settings, case: str) -> None:
    with psycopg.connect(settings.database_url, autocommit=True) as listener:
        listener.execute("LISTEN log")
        first = log.append([(case, plain()), (case, plain())], {}, meta())
        second = log.append([(new_id("proposal"), plain())], {}, meta())
        payloads = [notification.payload for notification in listener.notifies(timeout=5, stop_after=2)]
    assert payloads == [str(first.last), str(second.last)]


def numbered(log: Log, series: Series, once: Once | None = None) -> Appended:
    """A proposal comes in and gets a reference of this series."""
    submitted = replace(example(ProposalSubmitted, str), reference=series.next)
    return log.append(
        [(new_id("proposal"), plain()), (new_id("proposal"), submitted)], {}, meta(), once, (), series
    )


def reference_of(log: Log, appended: Appended) -> str:
    """The reference that was given out."""
    recorded = log.read(appended.first - 1, 2)
    assert appended.recorded == tuple(recorded), "the answer differs from the log"
    assert isinstance(recorded[1].event, ProposalSubmitted)
    return recorded[1].event.reference


def test_references_count_by_prefix_and_year(empty_log: Log) -> None:
    asked = (Series("RHA", 2026), Series("RHA", 2026), Series("SF", 2026), Series("RHA", 2027))
    given = [reference_of(empty_log, numbered(empty_log, series)) for series in asked]
    assert given == ["RHA-2026-0001", "RHA-2026-0002", "SF-2026-0001", "RHA-2027-0001"]


def test_neither_a_repeat_nor_a_refusal_spends_a_reference(empty_log: Log) -> None:
    series, once = Series("RHA", 2026), Once("key-1", b"what was asked")
    numbered(empty_log, series, once)
    assert numbered(empty_log, series, once).replayed
    with pytest.raises(Conflict):
        empty_log.append([(empty_log.read(0, 1)[0].stream, plain())], {}, meta(), series=series)
    assert reference_of(empty_log, numbered(empty_log, series)) == "RHA-2026-0002"


def test_the_ten_thousandth_reference_has_a_digit_more(empty_log: Log, empty_settings: Settings) -> None:
    with psycopg.connect(empty_settings.database_owner_url) as owner:
        owner.execute("INSERT INTO log.reference_numbers VALUES ('RHA', 2026, 9998)")
    given = [reference_of(empty_log, numbered(empty_log, Series("RHA", 2026))) for _ in range(2)]
    assert given == ["RHA-2026-9999", "RHA-2026-10000"]


def test_what_was_recorded_is_known_without_reading_it_back(log: Log, case: str) -> None:
    appended = log.append([(case, plain()), (case, worded("Geen geld.")), (case, worded(""))], {}, meta())
    assert list(appended.recorded) == log.load(case)
    assert appended.texts == {appended.first + 1: {"grounds": "Geen geld."}}


# When it was recorded


def recorded_elsewhen(settings: Settings, position: int, seconds: int) -> None:
    """An event as if recorded so many seconds from now, by a clock that was wrong then."""
    with psycopg.connect(settings.database_owner_url) as owner:
        owner.execute(
            "INSERT INTO log.events SELECT %s, 1, topic, state, %s,"
            " clock_timestamp() + make_interval(secs => %s), 'x' FROM log.events WHERE notification_id = 1",
            (new_id("proposal"), position, seconds),
        )


def test_recorded_times_follow_the_clock_once_it_is_past_the_last_one(
    log: Log, settings: Settings, case: str
) -> None:
    before = log.append([(case, plain())], {}, meta()).last
    recorded_elsewhen(settings, before + 1, 1)
    time.sleep(1.1)
    log.append([(case, plain())], {case: 1}, meta())
    *_, earlier, last = log.read(before - 1, 3)
    assert last.recorded_at > earlier.recorded_at
    assert abs(last.recorded_at - datetime.now(UTC)) < timedelta(seconds=30)


def test_recorded_times_never_go_backwards_even_when_the_clock_does(
    log: Log, settings: Settings, case: str
) -> None:
    before = log.append([(case, plain())], {}, meta()).last
    recorded_elsewhen(settings, before + 1, 3600)
    for version in (1, 2):
        log.append([(case, plain())], {case: version}, meta())
    times = [recorded.recorded_at for recorded in log.read(before - 1, 10)]
    assert times == sorted(times)
    assert times[0] < times[1] == times[2] == times[3]
