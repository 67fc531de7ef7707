"""What was collected goes out once, in one message a person, wherever a run was cut off, in little memory."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from datetime import time as clock
from email.parser import BytesHeaderParser
from email.policy import default
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from service.identity import people
from service.identity.people import Person
from service.messaging import digests, ledger, preferences
from service.messaging.ledger import Making, Planned
from service.messaging.preferences import Hearing
from service.settings import Settings
from service.wiring import Parts, build
from tests.commands.office import office_of

from .mail_server import mail_server

Connection = psycopg.Connection[Any]

ZONE = ZoneInfo("Europe/Amsterdam")
MONDAY = datetime(2026, 3, 2, 8, 0, 1, tzinfo=ZONE)
TUESDAY = MONDAY + timedelta(days=1)


@pytest.fixture
def parts(settings: Settings) -> Iterator[Parts]:
    built = build(settings)
    yield built
    built.close()


@pytest.fixture
def connection(settings: Settings) -> Iterator[Connection]:
    with psycopg.connect(settings.database_url, autocommit=True) as opened:
        yield opened


@pytest.fixture
def person(connection: Connection) -> Callable[[str], Person]:
    def make(name: str) -> Person:
        return people.add(connection, email=f"{name}@example.org", name=name, roles=["member"], bodies=["db"])

    return make


@pytest.fixture
def collected(connection: Connection) -> Callable[..., None]:
    """So much was collected for somebody, to go at a moment."""
    number = iter(range(1, 1_000_000))

    def collect(
        who: Person, count: int = 1, *, kind: str = "advised", due: datetime = MONDAY, **more: Any
    ) -> None:
        at = more.pop("at", due - timedelta(hours=12))
        for _ in range(count):
            position = next(number)
            ledger.add(
                connection,
                [
                    (
                        Making(f"event:{position}", kind, position, "proposal-1", "normal", {}, at),
                        [
                            Planned(
                                who.id,
                                "email",
                                "watcher",
                                "collected",
                                due_at=due - timedelta(seconds=1),
                                **more,
                            )
                        ],
                    )
                ],
            )

    return collect


def digests_of(connection: Connection, who: Person) -> list[tuple[str, str, int]]:
    """The digests of somebody: mode, day, and how much is in it."""
    return connection.execute(
        """SELECT n.facts ->> 'mode', n.facts ->> 'day',
            (SELECT count(*) FROM ledger.deliveries b WHERE b.bundle = d.id AND b.state = 'bundled')
        FROM ledger.deliveries d JOIN ledger.notices n ON n.id = d.notice
        WHERE n.kind = 'digest' AND d.recipient = %s AND d.channel = 'email' AND d.state = 'waiting' ORDER BY 2, 1""",
        (who.id,),
    ).fetchall()


def states(connection: Connection) -> dict[str, int]:
    """How many of what was collected are in which state."""
    rows = connection.execute(
        """SELECT d.state, count(*) FROM ledger.deliveries d JOIN ledger.notices n ON n.id = d.notice
        WHERE n.kind <> 'digest' GROUP BY 1"""
    ).fetchall()
    return dict(rows)


def test_what_was_collected_goes_in_one_message_a_person(
    parts: Parts, connection: Connection, person: Callable[[str], Person], collected: Callable[..., None]
) -> None:
    one, other = person("one"), person("other")
    collected(one, 3)
    collected(other, 1)
    collected(other, 1, due=TUESDAY)
    assert digests.run_due(parts, connection, MONDAY) == 2
    assert digests_of(connection, one) == [("daily", "2026-03-02", 3)]
    assert digests_of(connection, other) == [("daily", "2026-03-02", 1)]
    assert states(connection) == {"bundled": 4, "collected": 1}
    assert digests.run_due(parts, connection, MONDAY) == 0
    assert digests.run_due(parts, connection, TUESDAY) == 1
    assert digests_of(connection, other) == [("daily", "2026-03-02", 1), ("daily", "2026-03-03", 1)]
    cause = connection.execute("SELECT DISTINCT cause FROM ledger.notices WHERE kind = 'digest' ORDER BY 1")
    assert cause.fetchall() == [("digest:daily:2026-03-02",), ("digest:daily:2026-03-03",)]


def test_daily_weekly_and_terms_are_messages_of_their_own(
    parts: Parts, connection: Connection, person: Callable[[str], Person], collected: Callable[..., None]
) -> None:
    who = person("who")
    preferences.choose(
        connection,
        who.id,
        {("turn", "email"): "weekly", ("decided", "email"): "at-once", ("term-near", "email"): "daily"},
    )
    collected(who, 2, kind="turn")
    collected(who, 1, kind="advised")
    collected(who, 1, kind="decided")  # it was daily when this was collected
    collected(who, 2, kind="term-passed")
    collected(who, 1, kind="term-near")
    assert digests.run_due(parts, connection, MONDAY) == 3
    assert digests_of(connection, who) == [
        ("daily", "2026-03-02", 3),
        ("terms", "2026-03-02", 2),
        ("weekly", "2026-03-02", 2),
    ]


def test_what_comes_after_the_digest_of_the_day_waits_for_the_next(
    parts: Parts, connection: Connection, person: Callable[[str], Person], collected: Callable[..., None]
) -> None:
    who = person("who")
    collected(who, 2)
    assert digests.run_due(parts, connection, MONDAY) == 1
    collected(who, 1)
    assert digests.run_due(parts, connection, MONDAY + timedelta(hours=1)) == 0
    assert digests_of(connection, who) == [("daily", "2026-03-02", 2)]
    assert digests.run_due(parts, connection, TUESDAY) == 1
    assert digests_of(connection, who) == [("daily", "2026-03-02", 2), ("daily", "2026-03-03", 1)]


def test_terms_that_are_told_of_later_on_the_day_wait_for_no_other_day(
    parts: Parts, connection: Connection, person: Callable[[str], Person], collected: Callable[..., None]
) -> None:
    who, other = person("who"), person("other")
    # given: somebody was mailed of terms today, and there is more, of which another hears for the first time
    collected(who, 2, kind="term-passed")
    assert digests.run_due(parts, connection, MONDAY) == 1
    later = MONDAY + timedelta(hours=3)
    for one in (who, other):
        collected(one, 2, kind="term-escalated", due=later)
    assert digests.run_due(parts, connection, later) == 2
    # then: each goes the same day, in a mail of its own, once
    assert digests_of(connection, who) == [("terms", "2026-03-02", 2), ("terms", "2026-03-02", 2)]
    assert digests_of(connection, other) == [("terms", "2026-03-02", 2)]
    assert states(connection) == {"bundled": 6}
    assert digests.run_due(parts, connection, later) == 0
    # and a third time
    collected(who, 1, kind="term-near", due=later)
    assert digests.run_due(parts, connection, later) == 1
    assert len(digests_of(connection, who)) == 3
    assert digests.run_due(parts, connection, TUESDAY) == 0


def test_after_downtime_there_is_one_digest_with_all_of_it(
    parts: Parts, connection: Connection, person: Callable[[str], Person], collected: Callable[..., None]
) -> None:
    who = person("who")
    for days in range(5):
        collected(who, 2, due=MONDAY - timedelta(days=days))
    assert digests.run_due(parts, connection, MONDAY) == 1
    assert digests_of(connection, who) == [("daily", "2026-03-02", 10)]


def test_what_is_no_longer_wanted_or_long_past_is_left_out(
    parts: Parts, connection: Connection, person: Callable[[str], Person], collected: Callable[..., None]
) -> None:
    off, gone, shut_out, refused, old, fine = (
        person(name) for name in ("off", "gone", "shut", "refused", "old", "fine")
    )
    for who in (off, gone, shut_out, refused, fine):
        collected(who)
    collected(off, kind="turn")
    collected(old, at=MONDAY - timedelta(days=40))
    preferences.choose(connection, off.id, {("advised", "email"): "off"})
    connection.execute("DELETE FROM vault.people WHERE id = %s", (gone.id,))
    connection.execute("UPDATE vault.people SET roles = '{}' WHERE id = %s", (shut_out.id,))
    connection.execute("INSERT INTO vault.undeliverable (email, reason) VALUES (%s, '550')", (refused.email,))
    assert digests.run_due(parts, connection, MONDAY) == 2
    assert digests_of(connection, fine) == digests_of(connection, off) == [("daily", "2026-03-02", 1)]
    reasons = connection.execute(
        "SELECT recipient, error FROM ledger.deliveries WHERE state = 'dropped' ORDER BY recipient"
    ).fetchall()
    assert dict(reasons) == {
        off.id: "turned off",
        gone.id: "nobody there any more",
        shut_out.id: "nobody there any more",
        refused.id: "550",
        old.id: "too long ago",
    }


def test_a_digest_waits_for_the_end_of_quiet_hours(
    parts: Parts, connection: Connection, person: Callable[[str], Person], collected: Callable[..., None]
) -> None:
    late, early = person("late"), person("early")
    preferences.hear(connection, late, Hearing(quiet_from=clock(22), quiet_until=clock(9, 30)))
    collected(late)
    collected(early)
    assert digests.run_due(parts, connection, MONDAY) == 2
    due = connection.execute(
        "SELECT due_at FROM ledger.deliveries WHERE state = 'waiting' AND recipient = %s", (late.id,)
    ).fetchone()
    assert due == (MONDAY.replace(hour=9, minute=30, second=0),)


def test_of_what_a_stand_in_collects_the_other_one_chooses(
    parts: Parts, connection: Connection, person: Callable[[str], Person], collected: Callable[..., None]
) -> None:
    away, other = person("away"), person("other")
    preferences.choose(connection, away.id, {("turn", "email"): "weekly"})
    preferences.choose(connection, other.id, {("turn", "email"): "off"})
    collected(other, 2, kind="turn", instead_of=away.id)
    collected(other, 1)
    assert digests.run_due(parts, connection, MONDAY) == 2
    assert digests_of(connection, other) == [("daily", "2026-03-02", 1), ("weekly", "2026-03-02", 2)]


COLLECT = """
WITH who AS (
    INSERT INTO vault.people (id, email, name, roles, bodies)
    SELECT 'person-' || n, 'p' || n || '@example.org', 'Lid', '{{member}}', '{{db}}'
    FROM generate_series(1, {people}) AS n RETURNING id
), told AS (
    INSERT INTO ledger.notices (id, cause, kind, position, stream, urgency, facts, at)
    SELECT 'notice-' || n, 'event:' || n, 'advised', n, 'proposal-' || n, 'normal', jsonb_build_object(
        'reference', 'RHA-2026-000' || n, 'programme', 'regionale-herstelaanpak', 'programmeVersion', 1,
        'stage', 'review', 'body', 'taskforce', 'advice', 'positive', 'grounds', NULL, 'title', NULL), %(at)s
    FROM generate_series(1, {each}) AS n RETURNING id
)
INSERT INTO ledger.deliveries (id, notice, recipient, channel, relation, required, state, due_at)
SELECT 'delivery-' || who.id || told.id, told.id, who.id, 'email', 'watcher', false, 'collected', %(at)s
FROM who, told
"""


def collect_for_many(connection: Connection, people: int, each: int, now: datetime = MONDAY) -> None:
    """So many people for each of whom so much is collected, to go now."""
    connection.execute(COLLECT.format(people=people, each=each).encode(), {"at": now - timedelta(hours=1)})


def all_bundled_once(connection: Connection, people: int, each: int) -> None:
    """Everything is in the one digest of who it is for."""
    assert states(connection) == {"bundled": people * each}
    rows = connection.execute(
        """SELECT count(*), count(DISTINCT d.recipient), min(found.n), max(found.n), bool_and(found.own)
        FROM ledger.deliveries d JOIN ledger.notices n ON n.id = d.notice, LATERAL (
            SELECT count(*) AS n, bool_and(b.recipient = d.recipient) AS own
            FROM ledger.deliveries b WHERE b.bundle = d.id) AS found
        WHERE n.kind = 'digest'"""
    ).fetchall()
    assert rows == [(people, people, each, each, True)]


def test_several_workers_make_each_digest_once(settings: Settings, connection: Connection) -> None:
    collect_for_many(connection, 900, 3)

    def work(_: int) -> int:
        parts = build(settings)
        try:
            with psycopg.connect(settings.database_url, autocommit=True) as own:
                return sum(digests.run_due(parts, own, MONDAY) for _ in range(3))
        finally:
            parts.close()

    with ThreadPoolExecutor(4) as pool:
        made = sum(pool.map(work, range(4)))
    parts = build(settings)
    made += digests.run_due(parts, connection, MONDAY)
    parts.close()
    assert made == 900
    all_bundled_once(connection, 900, 3)


RUN = """
import sys, psycopg
from datetime import datetime
from service.messaging import digests
from service.settings import Settings
from service.wiring import build
settings = Settings(sys.argv[1], "", b"")
with psycopg.connect(settings.database_url, autocommit=True) as connection:
    digests.run_due(build(settings), connection, datetime.fromisoformat(sys.argv[2]))
"""


@pytest.mark.slow
def test_a_run_that_is_killed_is_gone_on_with_where_it_was(
    parts: Parts,
    settings: Settings,
    connection: Connection,
    project: Path,
    until: Callable[[Callable[[], bool]], None],
) -> None:
    collect_for_many(connection, 6_000, 3)
    random.seed(6_000)

    def there() -> int:
        row = connection.execute("SELECT count(*) FROM ledger.deliveries WHERE state = 'waiting'").fetchone()
        return row[0] if row else 0

    killed, before = 0, 0
    while before < 6_000 and killed < 12:
        running = subprocess.Popen(
            [sys.executable, "-c", RUN, settings.database_url, MONDAY.isoformat()],
            env={**os.environ, "PYTHONPATH": str(project)},
        )
        while running.poll() is None and there() == before:
            time.sleep(0.002)
        time.sleep(random.random() / 20)
        running.send_signal(signal.SIGKILL)
        running.wait()
        killed, before = killed + 1, there()
    assert killed >= 3, "it was done before it could be killed"

    def done() -> bool:
        # The server may take a moment to see that the last one is gone, which holds the lock until then.
        digests.run_due(parts, connection, MONDAY)
        return "collected" not in states(connection)

    until(done)
    all_bundled_once(connection, 6_000, 3)


SEND = """
import sys, threading
from service.messaging import courier, dispatcher
from service.messaging.channels.email import Email
from service.settings import Settings
database_url, smtp_url = sys.argv[1:]
settings = Settings(database_url, "", b"x" * 32, smtp_url=smtp_url)
stop, channels = threading.Event(), {"email": Email}
threading.Thread(target=dispatcher.run, args=(settings, stop, channels), daemon=True).start()
courier.run(settings, stop, channels)
"""


class Ids(list[bytes]):
    """What a mail server took, by Message-ID alone: ten thousand mails are much to keep."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def append(self, mail: bytes) -> None:
        self.seen.append(str(BytesHeaderParser(policy=default).parsebytes(mail)["Message-ID"]))


def memory(process: int) -> int:
    """Bytes that a process holds, and no other."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.slow
@pytest.mark.timeout(1_200)
def test_ten_thousand_digests_are_mailed_once_each_in_little_memory(
    settings: Settings, connection: Connection, project: Path, until: Callable[..., None]
) -> None:
    today = datetime.now(ZONE)  # what is long ago would not be mailed any more
    collect_for_many(connection, 10_000, 5, today)
    with office_of(settings) as office, mail_server() as server:
        got = server.taken = Ids()
        began = time.monotonic()
        assert digests.run_due(office.parts, connection, today) == 10_000
        sender = subprocess.Popen(
            [sys.executable, "-c", SEND, settings.database_url, server.url],
            env={**os.environ, "PYTHONPATH": str(project)},
        )
        try:
            until(lambda: len(got.seen) >= 1_000, 120)
            early = memory(sender.pid)
            until(lambda: len(got.seen) >= 10_000, 900)
            took = time.monotonic() - began
            late = memory(sender.pid)
            until(
                lambda: (
                    not connection.execute(
                        "SELECT 1 FROM ledger.deliveries WHERE settled_at IS NULL"
                    ).fetchone()
                )
            )
        finally:
            sender.kill()
            sender.wait()
    assert len(got.seen) == len(set(got.seen)) == 10_000
    print(f"ten thousand digests mailed in {took:.0f} s")
    assert late - early < 40_000_000, f"{early:,} bytes after a thousand, {late:,} after ten"


@pytest.mark.slow
def test_ten_thousand_people_take_no_more_memory_than_a_few(parts: Parts, connection: Connection) -> None:
    collect_for_many(connection, 10_000, 5)
    preferences.choose(connection, "person-1", {("turn", "email"): "off"})
    tracemalloc.start()
    began = time.monotonic()
    assert digests.run_due(parts, connection, MONDAY) == 10_000
    took = time.monotonic() - began
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    all_bundled_once(connection, 10_000, 5)
    assert peak < 8_000_000, f"{peak:,} bytes at most; all of it at once would be several times that"
    assert took < 180, f"{took:.1f} s"
