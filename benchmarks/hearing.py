"""How long until people hear it? At 100 events a second: until it is in an inbox, and until a mail server has the mail.

From the moment an append has returned, with the processes that notify and deliver in production and a real mail server.
"""

from __future__ import annotations

import multiprocessing
import random
import signal
import threading
import time
from collections.abc import Collection
from dataclasses import replace
from typing import Any

import psycopg
from aiosmtpd.controller import Controller

from benchmarks.bench import Bench
from benchmarks.beside import folding, process, wait_until
from benchmarks.http import HOST, _free_port
from benchmarks.lag import START_SECONDS
from benchmarks.tables import Table, percentile
from domain.recorded import Capacity
from service.eventstore import Log, Meta
from service.identity import people
from service.ids import new_id
from service.messaging import courier, notifier, preferences
from service.messaging.channels import inbox
from service.messaging.ledger import Delivery
from service.settings import Settings
from tests.views.walks import BODIES, PROGRAMMES, Act, Walk

__all__ = ["run"]

EVENTS_A_SECOND = 100
SECONDS = 30.0
Moment = tuple[int, float]
"""A position, and when it was there."""


def run(bench: Bench) -> Table:
    """One process acts at a steady pace, whatever becomes of it; others watch the inboxes and take the mail."""
    seconds = 5.0 if bench.quick else SECONDS
    context = multiprocessing.get_context("spawn")
    port = _free_port()
    with bench.database() as found:
        settings = _with_mail(found, port)
        reader = _people(settings)
        with (
            folding(settings),
            process(_until_stopped, notifier.run, settings),
            process(_until_stopped, courier.run, settings, ("email",)),
        ):
            start, answers, stop = context.Barrier(3), context.SimpleQueue(), context.Event()
            mail = context.SimpleQueue()
            watcher = context.Process(target=watch, args=(settings, reader, start, stop, answers))
            server = context.Process(target=take_mail, args=(port, start, stop, mail))
            writer = context.Process(target=write, args=(settings, seconds, start, answers))
            for each in (watcher, server, writer):
                each.start()
            acts = answers.get()
            wait_until(lambda: _all_told(settings), "everybody to be told")
            stop.set()
            seen, mailed = answers.get(), mail.get()
            for each in (watcher, server, writer):
                each.join()
            causes = _causes(settings)
    return _table(acts, seen, mailed, causes, seconds)


def _table(
    acts: list[Moment], seen: list[Moment], mailed: dict[str, float], causes: dict[str, int], seconds: float
) -> Table:
    recorded = _by_position(acts)
    in_inbox = [at - recorded[position] for position, at in seen]
    mails = [at - recorded[causes[id]] for id, at in mailed.items()]
    table = Table("hearing", "How long until people hear it?", ("ms", "median", "p95", "p99", "worst"))
    for label, values in (
        ("from commit to inbox", in_inbox),
        ("from commit to acceptance by the mail server", mails),
    ):
        table.rows.append(
            (label, *(f"{1000 * percentile(values, percent):.0f}" for percent in (50, 95, 99, 100)))
        )
    table.notes.append(
        f"{acts[-1][0] / seconds:.0f} events a second, {len(mails) / seconds:.0f} mails a second, "
        f"{len(in_inbox) / seconds:.0f} messages a second in the inbox that is watched, by the query of its page; one "
        "process notifies, one delivers, one folds, all on the same machine as the mail server. Letters are left out."
    )
    return table


def _by_position(acts: list[Moment]) -> dict[int, float]:
    """When each event was recorded, by its position: that of the act that it was part of."""
    found: dict[int, float] = {}
    first = 1
    for last, at in sorted(acts):
        found.update(dict.fromkeys(range(first, last + 1), at))
        first = last + 1
    return found


def _with_mail(found: Settings, port: int) -> Settings:
    return replace(
        found, smtp_url=f"smtp://{HOST}:{port}", mail_from="Besluitspoor <besluitspoor@example.org>"
    )


def _people(settings: Settings) -> str:
    """A member of each body, and a secretary: everybody is mailed at once.

    And who is a member of all of them, and hears it in the inbox alone; the id of that one.
    """
    with psycopg.connect(settings.database_url) as connection:
        for body in BODIES:
            people.add(connection, email=f"{body}@example.org", name=body, roles=["member"], bodies=[body])
        people.add(connection, email="secretary@example.org", name="secretary", roles=["secretary"])
        reader = people.add(
            connection, email="reader@example.org", name="reader", roles=["member"], bodies=BODIES
        )
        preferences.choose(connection, reader.id, {(kind, "email"): "off" for kind in preferences.CHOOSABLE})
    return reader.id


def _until_stopped(run: Any, settings: Settings, only: tuple[str, ...] = ()) -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if only:
        run(settings, stop, only=only)
    else:
        run(settings, stop)


def watch(settings: Settings, reader: str, start: Any, stop: Any, answers: Any) -> None:
    """When what happened at which position could first be read in this inbox, looked at as its page does."""
    seen: dict[str, tuple[Delivery, float]] = {}
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        start.wait(START_SECONDS)
        over = False
        while not over:
            over = stop.is_set()  # and once more after that
            for each in _unseen(connection, reader, seen):
                seen[each.id] = each, time.monotonic()
            time.sleep(0.002)
    # What a term caused has no moment at which it was recorded.
    answers.put([(each.position, at) for each, at in seen.values() if each.cause.startswith("event:")])


def _unseen(connection: psycopg.Connection[Any], reader: str, seen: Collection[str]) -> list[Delivery]:
    """What came into this inbox since it was last looked at: mostly a part of the first page."""
    found: list[Delivery] = []
    cursor = None
    while True:
        page = inbox.messages(connection, reader, cursor=cursor)
        new = [each.delivery for each in page.items if each.delivery.id not in seen]
        found += new
        cursor = page.next
        if cursor is None or len(new) < len(page.items):
            return found


class _Taking:
    """Takes every mail, and remembers when."""

    def __init__(self) -> None:
        self.taken: dict[str, float] = {}

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        at = time.monotonic()
        for line in envelope.content.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"message-id":
                self.taken.setdefault(value.strip().decode().strip("<>").partition("@")[0], at)
                break
        return "250 Accepted"


def take_mail(port: int, start: Any, stop: Any, mail: Any) -> None:
    """A mail server."""
    taking = _Taking()
    controller = Controller(taking, hostname=HOST, port=port)
    controller.start()
    start.wait(START_SECONDS)
    stop.wait()
    controller.stop()
    mail.put(taking.taken)


def write(settings: Settings, seconds: float, start: Any, answers: Any) -> None:
    """Acts at the pace asked for, counted in events."""
    moments: list[Moment] = []
    wanted = int(EVENTS_A_SECOND * seconds)
    acts: list[Act] = []
    events = 0
    for act in Walk(random.Random(0)).acts():
        acts.append(act)
        events += len(act.changes)
        if events >= wanted:
            break
    versions: dict[str, int] = {}
    with Log.open(settings) as log:

        def record(act: Act) -> int:
            meta = Meta(act.effective_on, act.by, Capacity("member", "db"), new_id("command"))
            appended = log.append(act.changes, {s: versions.get(s, 0) for s, _ in act.changes}, meta)
            for stream, _ in act.changes:
                versions[stream] = versions.get(stream, 0) + 1
            return appended.last

        first, rest = acts[: len(PROGRAMMES)], acts[len(PROGRAMMES) :]  # who may decide what is known first
        for act in first:
            moments.append((record(act), time.monotonic()))
        start.wait(START_SECONDS)
        began = time.monotonic()
        done = 0
        for act in rest:
            time.sleep(max(0.0, began + done / EVENTS_A_SECOND - time.monotonic()))
            moments.append((record(act), time.monotonic()))
            done += len(act.changes)
    answers.put(moments)


def _all_told(settings: Settings) -> bool:
    with psycopg.connect(settings.database_url) as connection:
        row = connection.execute(
            "SELECT (SELECT position FROM ledger.position) = (SELECT max(notification_id) FROM log.events)"
            " AND NOT EXISTS (SELECT FROM ledger.deliveries WHERE channel = 'email' AND due_at <= now()"
            " AND state IN ('waiting', 'queued', 'sending'))"
        ).fetchone()
    return bool(row and row[0])


def _causes(settings: Settings) -> dict[str, int]:
    """The position of the event that each mail tells of."""
    with psycopg.connect(settings.database_url) as connection:
        return dict(
            connection.execute(
                "SELECT d.id, n.position FROM ledger.deliveries d JOIN ledger.notices n ON n.id = d.notice"
                " WHERE d.channel = 'email' AND n.cause LIKE 'event:%%'"
            ).fetchall()
        )
