"""Many processes at once: one envelope with too little for all, and one follower behind many writers."""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from multiprocessing.process import BaseProcess
from typing import Any

import pytest

from domain.errors import Refused
from domain.events import FundsReserved
from service.eventstore import Log
from service.follow import Follower
from service.ids import new_id
from service.settings import Settings
from tests.commands.office import DB, award_of, office_of
from tests.log.given import meta, plain, worded

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SPAWN = multiprocessing.get_context("spawn")

AWARDERS = 8
AWARDS_EACH = 25
AMOUNT = 1_000

WRITERS = 6
EVENTS = 50_000


def run(processes: list[BaseProcess], seconds: float) -> None:
    """Starts these processes and waits until all have ended well."""
    for process in processes:
        process.start()
    deadline = time.monotonic() + seconds
    for process in processes:
        process.join(max(1.0, deadline - time.monotonic()))
    for process in processes:
        if process.is_alive():
            process.kill()
    assert [process.exitcode for process in processes] == [0] * len(processes)


# One envelope


def test_eight_processes_award_from_one_envelope_with_room_for_half_of_them(settings: Settings) -> None:
    room = AWARDERS * AWARDS_EACH * AMOUNT // 2
    with office_of(settings) as office:
        office.open_envelope(amounts=(room,))
        cases = [office.to_award(AMOUNT) for _ in range(AWARDERS * AWARDS_EACH)]
        before, last = office.rows(), office.parts.log.head()
        start, answers = SPAWN.Barrier(AWARDERS), SPAWN.Queue()
        shares = [cases[index::AWARDERS] for index in range(AWARDERS)]
        run(
            [SPAWN.Process(target=award_all, args=(settings, share, start, answers)) for share in shares], 240
        )
        given = [answer for _ in range(AWARDERS) for answer in answers.get(timeout=10)]

        awarded = [case for case, refusal in given if refusal is None]
        refused = {case: refusal for case, refusal in given if refusal is not None}
        assert len(awarded) == len(refused) == len(cases) // 2
        assert {code for code, _ in refused.values()} == {"envelope-exhausted"}
        assert {left for _, left in refused.values()} == {Decimal(0)}
        # Never a cent too much, at no position.
        history = office.parts.log.load("envelope-herstelaanpak")
        taken = [r.event for r in history if isinstance(r.event, FundsReserved)]
        assert sum(event.committed + event.held_back for event in taken) == room
        assert sorted(event.proposal for event in taken) == sorted(awarded)
        # Nothing was written for the refused, and of the others all or nothing.
        recorded = office.parts.log.read(last, 10_000)
        assert {r.stream for r in recorded} == {"envelope-herstelaanpak", *awarded}
        assert Counter(Counter(r.command_id for r in recorded).values()) == {3: len(awarded)}
        assert office.rows() == before | {"log.events": before["log.events"] + 3 * len(awarded)}


def award_all(settings: Settings, cases: list[str], start: Any, answers: Any) -> None:
    """Awards these cases in a process of its own; answers each with the code and what was left, or None."""
    given: list[tuple[str, tuple[str, object] | None]] = []
    with office_of(settings) as office:
        office.left()
        start.wait(60)
        for case in cases:
            try:
                office.act(DB, case, award_of(AMOUNT))
                given.append((case, None))
            except Refused as refused:
                given.append((case, (refused.code, refused.facts["left"])))
    answers.put(given)


# One follower


def test_six_writers_and_a_follower_that_misses_nothing_and_sees_nothing_twice(settings: Settings) -> None:
    seen = SPAWN.Queue()
    each = EVENTS // WRITERS + 1
    began = time.monotonic()
    follower = SPAWN.Process(target=follow, args=(settings, each * WRITERS, seen))
    run([follower, *(SPAWN.Process(target=write, args=(settings, n, each)) for n in range(WRITERS))], 500)
    count, problems, last_lag = seen.get(timeout=10)
    print(
        f"{count} events by {WRITERS} writers and a follower in {time.monotonic() - began:.0f} s, "
        f"the last seen {last_lag * 1000:.0f} ms after it was recorded"
    )
    assert problems == []
    assert count == each * WRITERS
    # What the follower saw is what is there, and what the writers wrote.
    with Log.open(settings) as log:
        assert log.head() == count
        versions = Counter(recorded.stream for recorded in log.read(0, count + 1))
    assert versions == {f"proposal-{number}": each for number in range(WRITERS)}


def write(settings: Settings, number: int, events: int) -> None:
    """So many events in a process of its own: one, two or three an act, some with words."""
    stream, version = f"proposal-{number}", 0
    with Log.open(settings) as log:
        while version < events:
            several = min(1 + version % 3, events - version)
            changes = [
                (stream, worded(new_id("word")) if (version + n) % 7 == 0 else plain(version + n))
                for n in range(several)
            ]
            log.append(changes, {stream: version}, meta(by=f"person-{number}"))
            version += several


def follow(settings: Settings, events: int, seen: Any) -> None:
    """Follows the log until so many events have come; answers how many, and what was not as it should be."""
    problems: list[str] = []
    position, at, versions = 0, None, Counter[str]()
    lag = 0.0
    with Log.open(settings) as log, Follower(settings.database_url, "log") as follower:
        deadline = time.monotonic() + 480
        while position < events and time.monotonic() < deadline and len(problems) < 10:
            follower.wait(1)
            for recorded in behind(log, position):
                if recorded.position != position + 1:
                    problems.append(f"after {position} came {recorded.position}")
                if recorded.version != versions[recorded.stream] + 1:
                    problems.append(f"{recorded.stream}: version {recorded.version} at {recorded.position}")
                if at is not None and recorded.recorded_at < at:
                    problems.append(f"{recorded.position} was recorded before the one before it")
                position, at = recorded.position, recorded.recorded_at
                versions[recorded.stream] = recorded.version
                lag = (datetime.now(at.tzinfo) - at).total_seconds()
    seen.put((position, problems, lag))


def behind(log: Log, position: int) -> Iterator[Any]:
    """Every event behind a position that is there now."""
    while batch := log.read(position, 500):
        yield from batch
        position = batch[-1].position
