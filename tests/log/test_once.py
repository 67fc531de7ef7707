"""An Idempotency-Key: one request is carried out once, whoever repeats it and however often."""

from __future__ import annotations

import multiprocessing
import threading
from multiprocessing.queues import Queue
from typing import Any

import psycopg
import pytest

from service.eventstore import Appended, Conflict, Log, Once
from service.identity.parties import new
from service.ids import new_id
from service.settings import Settings
from tests.log.given import meta, plain, worded


@pytest.fixture
def once() -> Once:
    """A key that was not used before."""
    return Once(new_id("key"), b"what was asked")


def test_a_repeat_answers_what_the_first_time_did_and_records_nothing(log: Log, once: Once) -> None:
    case = new_id("proposal")
    first = log.append([(case, worded()), (case, plain())], {}, meta(), once)
    head = log.head()
    again = log.append([(case, worded()), (case, plain())], {}, meta(), once)
    assert (again.stream, again.first, again.last) == (case, first.first, first.last)
    assert (first.replayed, again.replayed) == (False, True)
    assert again.request == once.request
    assert log.head() == head


def test_a_repeat_is_answered_even_when_the_case_has_moved_on(log: Log, once: Once) -> None:
    case = new_id("proposal")
    first = log.append([(case, plain())], {}, meta(), once)
    log.append([(case, plain())], {case: 1}, meta())
    assert log.append([(case, plain())], {case: 2}, meta(), once).first == first.first
    assert len(log.load(case)) == 2


def test_what_was_asked_comes_back_so_that_another_request_is_told_apart(log: Log, once: Once) -> None:
    log.append([(new_id("proposal"), plain())], {}, meta(), once)
    other = log.append([(new_id("proposal"), plain())], {}, meta(), Once(once.key, b"something else"))
    assert other.replayed
    assert other.request == b"what was asked"


def test_a_key_belongs_to_who_used_it(log: Log, once: Once) -> None:
    one = log.append([(new_id("proposal"), plain())], {}, meta(by="person-1"), once)
    other = log.append([(new_id("proposal"), plain())], {}, meta(by="person-2"), once)
    assert other.first == one.first + 1
    assert not other.replayed


def test_what_a_key_caused_can_be_looked_up(log: Log, once: Once) -> None:
    assert log.caused_by("person-1", once.key) is None
    appended = log.append([(new_id("proposal"), plain())], {}, meta(), once)
    assert log.caused_by("person-1", once.key) == Appended(
        appended.stream, appended.first, appended.last, True, once.request
    )
    assert log.caused_by("person-2", once.key) is None


def test_a_conflict_does_not_use_up_a_key(log: Log, once: Once) -> None:
    case = new_id("proposal")
    log.append([(case, plain())], {}, meta())
    with pytest.raises(Conflict):
        log.append([(case, plain())], {}, meta(), once)
    assert log.caused_by("person-1", once.key) is None
    assert not log.append([(case, plain())], {case: 1}, meta(), once).replayed


def test_parties_are_kept_with_the_events_and_not_again_with_a_repeat(
    log: Log, settings: Settings, once: Once
) -> None:
    case, ergon = new_id("proposal"), new("company", "Ergon")
    log.append([(case, plain())], {}, meta(), once, [ergon])
    log.append([(case, plain())], {}, meta(), once, [new("company", "Ergon Repeated")])
    with pytest.raises(Conflict):
        log.append([(case, plain())], {}, meta(), None, [new("company", "Ergon Refused")])
    with psycopg.connect(settings.database_url) as connection:
        kept = connection.execute(
            "SELECT id, kind, name FROM vault.parties WHERE name LIKE 'Ergon%'"
        ).fetchall()
    assert kept == [(ergon.id, "company", "Ergon")]


def test_the_same_key_at_the_same_time_from_threads_records_one_event(log: Log, once: Once) -> None:
    case = new_id("proposal")
    start = threading.Barrier(8)
    answers: list[Appended] = []

    def act() -> None:
        start.wait()
        answers.append(log.append([(case, worded())], {}, meta(), once))

    threads = [threading.Thread(target=act) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({(answer.stream, answer.first, answer.last) for answer in answers}) == 1
    assert sorted(answer.replayed for answer in answers) == [False] + [True] * 7
    assert len(log.load(case)) == 1


def test_the_same_key_at_the_same_time_from_processes_records_one_event(
    log: Log, settings: Settings, once: Once
) -> None:
    spawn = multiprocessing.get_context("spawn")
    start, answers = spawn.Barrier(4), spawn.Queue()
    case = new_id("proposal")
    processes = [
        spawn.Process(target=append_elsewhere, args=(settings, case, once, start, answers)) for _ in range(4)
    ]
    for process in processes:
        process.start()
    given = [answers.get(timeout=120) for _ in processes]
    for process in processes:
        process.join(30)
    assert [process.exitcode for process in processes] == [0] * 4
    assert len({(answer.first, answer.last) for answer in given}) == 1
    assert sorted(answer.replayed for answer in given) == [False, True, True, True]
    assert len(log.load(case)) == 1


def append_elsewhere(settings: Settings, case: str, once: Once, start: Any, answers: Queue[Appended]) -> None:
    """An append in a process of its own, at the same time as the others."""
    with Log.open(settings) as log:
        log.head()
        start.wait(120)
        answers.put(log.append([(case, worded())], {}, meta(), once))
