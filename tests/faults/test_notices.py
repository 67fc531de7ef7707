"""Does everybody hear everything once, whatever is away, killed, refusing or silent on the way?

Real processes, a real broker, a real mail server and real receivers of webhooks. Waits of the ledger pass by moving its
rows; what a broker, a process or a network needs is waited for.
"""

from __future__ import annotations

import random
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from domain.proposal import CheckCompleteness, Decide, Review
from service import commands
from service.eventstore import Log
from service.messaging import ledger
from service.messaging.channels.webhook import SECONDS, WAITS
from service.messaging.dispatcher import PREFETCH
from service.settings import Settings
from tests.commands.office import DAY, proposal_input
from tests.messaging.broker_proxy import before
from tests.messaging.mail_server import mail_server
from tests.messaging.receiver import receiving
from tests.messaging.staff import PROGRAMME, Staff, staff_of
from tests.views.walks import Act, Walk, append

from .notified import DELIVERED, SUBMITTED, Process, World, people_of_the_walks, world
from .own_rabbitmq import own_node

on_rabbitmq = pytest.mark.parametrize(
    "on_broker", [pytest.param("rabbitmq", marks=pytest.mark.rabbitmq)], indirect=True
)
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

EVENTS = 1_000

# The broker is away


AWAY_SECONDS = 60.0
IN_HAND = PREFETCH
"""Deliveries that a courier may have when its broker goes away."""
LONGEST_COMMAND = 10.0
"""Shorter than a minute without a broker, and long enough for a machine that has other work."""


@on_rabbitmq
def test_a_broker_that_is_away_for_a_minute_holds_up_nobody_and_loses_nothing(
    on_broker: Settings,
) -> None:
    with (
        before(on_broker.broker_url) as proxy,
        world(on_broker) as made,
        staff_of(made.settings) as staff,
    ):
        made.subscribe()
        made.subscribe(types=[SUBMITTED])
        made.begin()
        route = on_their_way(staff)
        with made.running(replace(made.settings, broker_url=proxy.url)):
            quick = [took for _, took in islice(route, 40)]
            proxy.cut()
            gone_at, from_position = time.monotonic(), made.head()
            made.quiet()  # what was in hand is finished
            came = made.mails(), made.hooks()
            slow = []
            for recorded, took in route:
                slow.append(took)
                so_far = recorded - from_position
                if so_far >= EVENTS:
                    break
                time.sleep(max(0.0, gone_at + 0.9 * AWAY_SECONDS * so_far / EVENTS - time.monotonic()))
            taken = time.monotonic() - gone_at
            made.until(lambda: made.position() == made.head(), 60)
            time.sleep(max(0.0, gone_at + AWAY_SECONDS - time.monotonic()))
            assert made.position() == made.head(), "inboxes need no broker"
            assert (made.mails(), made.hooks()) == came
            waiting = made.under_way()
            assert waiting > EVENTS
            proxy.mend()
            back_at = time.monotonic()
            made.until(made.settled, 300)
            print(
                f"{EVENTS} events in {taken:.0f} s without a broker, a command in {middle(slow)} ms"
                f" (with it {middle(quick)}), the longest {1000 * max(slow):.0f};"
                f" {waiting} deliveries in {time.monotonic() - back_at:.0f} s after it"
            )
        assert max(slow) < LONGEST_COMMAND
        assert statistics.median(slow) < 5 * statistics.median(quick) + 0.2
        made.nothing_lost_or_doubled()


def test_a_rabbitmq_that_is_stopped_for_a_few_seconds_loses_nothing(
    settings: Settings, tmp_path: Path, in_ci: bool
) -> None:
    """Not the network, the broker itself is away: it throws everybody out, and comes back with what it had kept."""
    with (
        own_node(tmp_path, in_ci) as node,
        world(settings) as made,
        staff_of(made.settings) as staff,
    ):
        made.subscribe()
        made.subscribe(types=[SUBMITTED])
        made.begin()
        route = on_their_way(staff)
        with made.running(replace(made.settings, broker_url=node.url)):
            for _ in islice(route, 20):  # some of these are in its queues when it stops
                pass
            made.until(lambda: made.mails() and made.hooks(), 60)
            with node.stopped():
                came = made.mails(), made.hooks()
                from_position = made.head()
                slow = []
                for recorded, took in route:
                    slow.append(took)
                    if recorded - from_position >= EVENTS // 5:
                        break
                made.until(lambda: made.position() == made.head(), 30)
                assert made.under_way() > EVENTS // 5, "inboxes need no broker, the rest waits for it"
                # Those that were in hand when it stopped are finished.
                assert sum(made.mails().values()) - sum(came[0].values()) <= IN_HAND
            made.until(made.settled, 120)
        assert max(slow) < LONGEST_COMMAND
        made.nothing_lost_or_doubled()


def on_their_way(staff: Staff) -> Iterator[tuple[int, float]]:
    """Cases from submission to award, a command at a time: the last position, and how many seconds it took."""

    def timed(act: object) -> tuple[int, float]:
        began = time.monotonic()
        act()  # type: ignore[operator]
        took = time.monotonic() - began
        return staff.parts.log.head(), took

    number = 0
    while True:
        proposal = ""
        number += 1

        def submit(number: int = number) -> None:
            nonlocal proposal
            if number % 20 == 0:  # with letters
                proposal = staff.submit()
            else:
                given = proposal_input(100_000, "Een ander")
                proposal = commands.submit(staff.parts, staff["secretary"], PROGRAMME, given, DAY).stream

        yield timed(submit)
        for who, command in (
            ("secretary", CheckCompleteness("complete", "", None, DAY)),
            ("taskforce", Review("taskforce", "positive", "Goed.", (), DAY)),
            ("poho", Decide("poho", "approved", "Goed.", (), DAY)),
        ):
            yield timed(lambda who=who, command=command, of=proposal: staff.act(who, of, command))


def middle(seconds: list[float]) -> str:
    """The median in milliseconds."""
    return f"{1000 * statistics.median(seconds):.0f}"


# Processes are killed


KILLS, COURIER_EVERY = 20, 5
assert KILLS // COURIER_EVERY < ledger.CRASHES, "what took along a courier that often is given up"


def test_who_is_killed_at_any_moment_loses_nothing_and_doubles_nothing(on_broker: Settings) -> None:
    with world(on_broker) as made, walking(made) as walk:
        people_of_the_walks(made)
        made.begin()
        notifiers = [made.start("notify") for _ in range(3)]
        courier = made.start("deliver", channels=DELIVERED)
        began, killed_at, interrupted = time.monotonic(), [], []

        def leader() -> list[Process]:
            name = made.leader()
            return [each for each in notifiers if each.name == name]

        made.until(made.delivering, 60)
        for kill in range(1, KILLS + 1):
            made.until(leader, 60)
            at = made.position()
            walk.record(EVENTS // KILLS)
            if kill % 3:  # else it may still have to begin
                made.until(lambda at=at: made.position() > at, 60)
            time.sleep(random.uniform(0, 0.3))
            for each in leader():
                each.kill()
                notifiers.remove(each)
            killed_at.append(made.position())
            notifiers.append(made.start("notify"))
            if kill % COURIER_EVERY == 0:
                courier.kill()
                # What it said last is done, once its sessions are gone.
                of_it = "SELECT 1 FROM pg_stat_activity WHERE application_name = %s"
                made.until(lambda query=of_it, of=courier.name: not made.ask(query, of), 60)
                interrupted += made.abandoned()
                courier = made.start("deliver", channels=DELIVERED)
        walk.wait()
        made.until(lambda: made.settled() and made.delivering(), 120)
        doubled = [id for came in (made.mails(), made.hooks()) for id, times in came.items() if times > 1]
        print(
            f"{made.head() - made.begun_at} events with {KILLS} kills in {time.monotonic() - began:.0f} s;"
            f" {len(interrupted)} were being sent when a courier was killed, {len(doubled)} of them came twice"
        )
        for process in (*notifiers, courier):
            process.stop()
        assert len(set(killed_at)) > KILLS // 2
        made.nothing_lost_or_doubled(interrupted)


@on_rabbitmq
def test_what_was_accepted_and_not_noted_comes_again_as_the_same_message(on_broker: Settings) -> None:
    with world(on_broker) as made, walking(made) as walk:
        secretary = made.person("secretary", "secretary")
        silent = made.subscribe("/never", types=[SUBMITTED])
        made.begin()
        made.mail.dying_after = True
        notifier, courier = made.start("notify"), made.start("deliver", channels=DELIVERED)
        walk.record(2)
        walk.wait()
        receiver = made.receivers[silent]
        # That it is their turn, and that the receipt is to be posted. The mail server takes each and dies before it
        # says so; the program has it and did not answer yet.
        made.until(lambda: made.states("email") == {"waiting": 2} and len(receiver.came) == 1, 60)
        courier.kill()
        made.mail.dying_after = False
        assert made.abandoned() == made.ids("webhook")
        receiver.over.set()
        made.due()
        courier = made.start("deliver", channels=DELIVERED)
        made.until(lambda: made.under_way() == 0 or len(receiver.came) == 2, 60)
        made.until(lambda: len(made.mail.got) == 4, 30)
        assert made.mails() == {f"<{id}@127.0.0.1>": 2 for id in made.ids("email")}
        assert made.mail.recipients == [secretary.email] * 4
        assert receiver.ids() == made.ids("webhook") * 2
        assert receiver.came[0].body == receiver.came[1].body
        for process in (notifier, courier):
            process.stop()


class Recorder:
    """Records a random walk in a thread, so many events at a time."""

    def __init__(self, log: Log, walk: Iterator[Act]) -> None:
        self._log = log
        self._walk = walk
        self._thread = threading.Thread()

    def record(self, events: int) -> None:
        """So many more, beside whatever the test does; first those before are finished."""
        self.wait()
        self._thread = threading.Thread(target=self._append, args=(events,))
        self._thread.start()

    def wait(self) -> None:
        """Until they are recorded."""
        if self._thread.ident is not None:
            self._thread.join()

    def _append(self, events: int) -> None:
        append(self._log, self._walk, events, lambda _: time.sleep(0.01))


@contextmanager
def walking(made: World) -> Iterator[Recorder]:
    """A walk whose programmes are published and whose envelopes are open."""
    walk = Walk(random.Random(4)).acts()
    with Log.open(made.settings) as log:
        append(log, walk, 5)
        recorder = Recorder(log, walk)
        try:
            yield recorder
        finally:
            recorder.wait()


# The mail server refuses


@on_rabbitmq
def test_a_mail_server_that_refuses_for_a_while_and_then_is_away_gets_all_of_it_in_the_end(
    on_broker: Settings,
) -> None:
    with world(on_broker) as made, walking(made) as walk:
        people_of_the_walks(made)
        made.begin()
        port = int(made.settings.smtp_url.rpartition(":")[2])
        made.stop_mail()
        with made.running():
            with mail_server(port=port) as later:
                later.recipient = "451 4.3.0 Later please"
                walk.record(100)
                walk.wait()
                made.until(lambda: tried(made, 1), 60)
                assert errors(made) == {"451 4.3.0 Later please"}
                later.recipient = "250 OK"
                later.sender = "421 4.3.2 Closing"
                made.due()
                made.until(lambda: tried(made, 2), 60)
                assert later.got == []
            made.due()
            made.until(lambda: tried(made, 3), 60)
            (error,) = errors(made)
            assert error is not None
            assert error.startswith("the mail server cannot be reached, or went away: ConnectionRefusedError")
            assert made.ask("SELECT count(*) FROM vault.undeliverable") == [(0,)]
            with mail_server(port=port) as made.mail:
                made.due()
                made.until(made.settled, 60)
                rows = made.ask(
                    """SELECT DISTINCT array_agg(t.outcome ORDER BY t.number)::text FROM ledger.tries t
                    JOIN ledger.deliveries d ON d.id = t.delivery WHERE d.channel = 'email' GROUP BY d.id"""
                )
                # What the letters added to the log came after all that.
                assert rows == [("{failed,failed,failed,sent}",)]
        made.nothing_lost_or_doubled()


def tried(made: World, times: int) -> bool:
    """Did every mail fail so many times by now?"""
    if made.position() < made.head():
        return False
    query = (
        "SELECT DISTINCT state, tries FROM ledger.deliveries WHERE channel = 'email' AND state <> 'collected'"
    )
    return made.ask(query) == [("waiting", times)]


def errors(made: World) -> set[str | None]:
    """What is said of the mails that wait."""
    query = "SELECT DISTINCT error FROM ledger.deliveries WHERE channel = 'email' AND state <> 'collected'"
    return {error for (error,) in made.ask(query)}


# Receivers of webhooks


@on_rabbitmq
def test_a_receiver_that_fails_is_tried_for_75_hours_and_then_once_more_on_request(
    on_broker: Settings,
) -> None:
    with world(on_broker) as made, walking(made) as walk:
        failing = made.subscribe(types=[SUBMITTED])
        receiver = made.receivers[failing]
        receiver.statuses = [500] * (len(WAITS) + 1)
        made.begin()
        with made.running():
            walk.record(2)
            walk.wait()
            waited = []
            for number in range(1, len(WAITS) + 1):
                made.until(lambda number=number: state(made, failing)[:2] == ("waiting", number), 30)
                assert len(receiver.came) == number
                waited.append(state(made, failing)[3])
                made.due()
            made.until(lambda: state(made, failing)[0] == "dead", 30)
            for wait, asked in zip(WAITS, waited, strict=True):
                assert 0.75 * wait - 2 < asked < 1.25 * wait
            assert 0.8 * 75 < sum(waited) / 3600 < 1.2 * 76
            tries = made.ask("SELECT number, outcome, detail FROM ledger.tries ORDER BY 1")
            assert tries == [(n, "failed", "500 Internal Server Error") for n in range(1, len(WAITS) + 2)]
            made.due()
            time.sleep(1)
            assert len(receiver.came) == len(WAITS) + 1, "given up is given up"
            # Dead letters are kept, and go again when somebody asks.
            assert ledger.resend(made.connection, made.ids("webhook")) == made.ids("webhook")
            made.until(lambda: state(made, failing)[0] == "sent", 30)
        assert made.hooks() == {id: len(WAITS) + 2 for id in made.ids("webhook")}
        assert len({each.body for each in receiver.came}) == 1


@on_rabbitmq
def test_who_is_gone_gets_no_more_and_nobody_is_sent_elsewhere(on_broker: Settings) -> None:
    with world(on_broker) as made, walking(made) as walk, receiving() as elsewhere:
        gone, moved, there = (made.subscribe() for _ in range(3))
        made.receivers[gone].statuses = [410] * 1_000
        made.receivers[moved].statuses = [301, 302, 307, 308] * 1_000
        made.receivers[moved].headers = {"Location": f"{elsewhere.address}/"}
        made.begin()
        with made.running():
            walk.record(40)
            walk.wait()
            made.until(lambda: settled_for(made, gone) and settled_for(made, there), 60)
            assert made.ask("SELECT state FROM ledger.subscriptions WHERE id = %s", gone) == [("gone",)]
            # What was under way at the same time may still have come.
            came = len(made.receivers[gone].came)
            assert 1 <= came <= 4
            assert states_of(made, gone) == {"dropped"}
            from_here = made.head()
            walk.record(40)
            walk.wait()
            made.until(lambda: made.position() == made.head() and settled_for(made, there), 60)
            assert len(made.receivers[gone].came) == came
            late = """SELECT count(*) FROM ledger.deliveries d JOIN ledger.notices n ON n.id = d.notice
                WHERE d.recipient = %s AND n.position > %s"""
            assert made.ask(late, gone, from_here) == [(0,)], "nothing is made for it any more"
            everything = made.head() - made.begun_at
            made.until(lambda: len(made.receivers[moved].came) >= everything, 60)
            # The first that failed are tried again after seconds; then they wait for minutes.
            untried = "SELECT 1 FROM ledger.deliveries WHERE recipient = %s AND tries = 0"
            made.until(lambda: states_of(made, moved) == {"waiting"} and not made.ask(untried, moved), 60)
            said = {
                text
                for (text,) in made.ask(
                    "SELECT DISTINCT error FROM ledger.deliveries WHERE recipient = %s", moved
                )
            }
            assert {text.split()[0] for text in said} == {"301", "302", "307", "308"}
        assert elsewhere.came == []
        assert len(made.receivers[there].came) == len(set(made.receivers[there].ids())) == everything


@on_rabbitmq
def test_one_that_never_answers_holds_up_neither_mail_nor_other_programs(on_broker: Settings) -> None:
    with world(on_broker) as made, walking(made) as walk:
        made.person("secretary", "secretary")
        never, other = made.subscribe("/never"), made.subscribe()
        made.begin()
        with made.running():
            walk.record(1)
            walk.wait()
            made.until(lambda: len(made.receivers[never].came) > 0, 30)
            began = time.monotonic()
            walk.record(100)
            walk.wait()
            recorded = time.monotonic()
            made.until(lambda: made.position() == made.head() and settled_for(made, other), 60)
            hooked = time.monotonic() - recorded
            made.until(lambda: set(made.states("email")) <= {"sent", "collected"}, 60)
            mailed = time.monotonic() - recorded
            print(f"with one that hangs: programs after {hooked:.1f} s, mail after {mailed:.1f} s")
            taken = time.monotonic() - began
            assert taken < 3 * SECONDS, "it does not wait for what never answers, a hundred times"
            assert taken > SECONDS or len(made.receivers[never].came) <= 4
            assert len(set(made.receivers[other].ids())) == made.head() - made.begun_at
            assert set(made.mails()) == {f"<{id}@127.0.0.1>" for id in made.ids("email")}
            made.until(lambda: "no-answer" in errors_of(made, never), SECONDS + 20)
            assert made.ask("SELECT failures > 0 FROM ledger.subscriptions WHERE id = %s", never) == [(True,)]
            made.receivers[never].over.set()


def state(made: World, subscription: str) -> tuple[str, int, str | None, float]:
    """State, tries, error and seconds until it is due, of the one delivery to a subscription."""
    (row,) = made.ask(
        "SELECT state, tries, error, extract(epoch FROM due_at - now())::float FROM ledger.deliveries"
        " WHERE recipient = %s",
        subscription,
    ) or [("", 0, None, 0.0)]
    return row  # type: ignore[return-value]


def states_of(made: World, subscription: str) -> set[str]:
    rows = made.ask("SELECT DISTINCT state FROM ledger.deliveries WHERE recipient = %s", subscription)
    return {state for (state,) in rows}


def errors_of(made: World, subscription: str) -> set[str | None]:
    rows = made.ask("SELECT DISTINCT error FROM ledger.deliveries WHERE recipient = %s", subscription)
    return {error for (error,) in rows}


def settled_for(made: World, subscription: str) -> bool:
    """Is there nothing to be sent to it any more?"""
    if made.position() < made.head():
        return False
    return not states_of(made, subscription) & {"waiting", "queued", "sending"}
