"""Who is notified, by which processes, what came in at the other side, and what should have: for tests of faults."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

import psycopg
from kombu import Queue
from psycopg.conninfo import make_conninfo

from domain.events import (
    EnvelopeOpened,
    LetterIssued,
    ProposalRevised,
    ProposalSubmitted,
    ProposalWithdrawn,
    StageClosed,
    StageOpened,
)
from domain.recorded import Recorded
from projections.notices import OWN_DESK
from service.eventstore import Log
from service.identity import people
from service.identity.people import Person
from service.keeping_up import NOTIFIER_LOCK, without_courier
from service.messaging import noticing, subscriptions
from service.messaging.broker import connected, deliveries_queue, is_rabbitmq
from service.messaging.channels import CHANNELS
from service.messaging.cloudevent import event_type
from service.messaging.mail.composing import DELIVERY
from service.settings import Settings
from service.wiring import build
from service.worker import child_environ, own_command
from tests.messaging.delivering import abandoned
from tests.messaging.mail_server import MailServer, mail_server
from tests.messaging.receiver import Came, Receiver, receiving
from tests.views.walks import PROGRAMMES

Rows = list[tuple[Any, ...]]

DELIVERED = ("email", "webhook", "queue")
"""The channels that the couriers here deliver over. Letters take their time; they have tests of their own."""
AT_WORK_SECONDS = 60.0
QUIET_SECONDS = 3.0
SUBMITTED = "nl.besluitspoor.proposal.proposal-submitted.v1"


class Process:
    """A part of the service in a process of its own, started as an operator starts it."""

    def __init__(self, settings: Settings, part: str, channels: Sequence[str] = ()) -> None:
        self.name = f"{part}-{uuid4().hex[:8]}"
        """What its sessions of the database are called."""
        only = ["--channels", ",".join(channels)] if channels else []
        environ = {
            key: value for key, value in os.environ.items() if not key.startswith(("BESLUITSPOOR", "MAIL_"))
        } | {
            "DATABASE_URL": make_conninfo(settings.database_url, application_name=self.name),
            "DATABASE_OWNER_URL": settings.database_owner_url,
            "SECRET": settings.secret.decode(),
            "BROKER_URL": settings.broker_url,
            "OIN": settings.oin,
            "SMTP_URL": settings.smtp_url,
            "WEBHOOK_PRIVATE_ADDRESSES": "1",
        }
        command = own_command("worker", "--only", part, *only)
        self._process = subprocess.Popen(command, env=child_environ(environ))

    def kill(self) -> None:
        """Ends it as a machine that fails does: it can do nothing about it."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Asks it to end, and it must."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                assert self._process.wait(40) == 0
            finally:
                self._process.kill()
                self._process.wait()


@dataclass
class World:
    """A database with people who hear things, the mail server and the receivers of webhooks at the other side."""

    settings: Settings
    connection: psycopg.Connection[Any]
    mail: MailServer
    stack: ExitStack
    receivers: dict[str, Receiver] = field(default_factory=dict)
    """By the id of the subscription."""
    stop_mail: Callable[[], None] = lambda: None
    """Takes the mail server away."""
    begun_at: int = 0
    """Of what came before, nobody was told."""

    # Who is there

    def person(self, name: str, *roles: str, **more: Any) -> Person:
        return people.add(self.connection, email=f"{name}@example.org", name=name, roles=roles, **more)

    def subscribe(self, path: str = "/", **wanted: Any) -> str:
        """A program with a receiver of its own; the id of its subscription."""
        receiver = self.stack.enter_context(receiving())
        owner = people.by_email(self.connection, "program@example.org")
        if owner is None:
            owner = self.person("program", "integration")
        url = receiver.address + path
        made, _ = subscriptions.add(
            self.connection, person=owner.id, name="x", channel="webhook", url=url, **wanted
        )
        self.receivers[made.id] = receiver
        return made.id

    def begin(self) -> None:
        """Whatever happened so far is told to nobody."""
        with Log.open(self.settings) as log:
            self.begun_at = log.head()
        self.do("UPDATE ledger.position SET position = %s", self.begun_at)

    # Who runs

    def start(self, part: str, settings: Settings | None = None, channels: Sequence[str] = ()) -> Process:
        """A process, which is stopped at the end when it is there still."""
        process = Process(settings or self.settings, part, channels)
        self.stack.callback(process.stop)
        return process

    @contextmanager
    def running(self, settings: Settings | None = None) -> Iterator[None]:
        """One who notifies and one who delivers, at work."""
        both = [self.start("notify", settings), self.start("deliver", settings, DELIVERED)]
        self.until(lambda: self.leader() != "" and self.delivering(), AT_WORK_SECONDS)
        yield
        for process in both:
            process.stop()

    def leader(self) -> str:
        """The name of the process that notifies; empty while there is none."""
        rows = self.ask(
            """SELECT a.application_name FROM pg_stat_activity a JOIN pg_locks l USING (pid)
            WHERE l.locktype = 'advisory' AND l.granted AND l.objid = %s AND a.datname = current_database()""",
            NOTIFIER_LOCK,
        )
        return str(rows[0][0]) if rows else ""

    def delivering(self) -> bool:
        """Is anybody at it, over every channel that is delivered over here?"""
        return not without_courier(self.connection, DELIVERED)

    @staticmethod
    def until(holds: Any, seconds: float) -> None:
        """Waits until something holds; fails when it does not within so many seconds."""
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.05)

    # What the ledger says

    def ask(self, query: str, *values: object) -> Rows:
        return self.connection.execute(query.encode(), values or None).fetchall()

    def do(self, statement: str, *values: object) -> None:
        self.connection.execute(statement.encode(), values or None)

    def position(self) -> int:
        """Up to where notices were made."""
        return int(self.ask("SELECT position FROM ledger.position")[0][0])

    def head(self) -> int:
        """The last event of the log."""
        return int(self.ask("SELECT coalesce(max(notification_id), 0) FROM log.events")[0][0])

    def states(self, channel: str) -> dict[str, int]:
        """How many deliveries over a channel are in each state."""
        query = "SELECT state, count(*) FROM ledger.deliveries WHERE channel = %s GROUP BY state"
        return dict(self.ask(query, channel))

    def ids(self, channel: str) -> list[str]:
        """The deliveries over a channel that were to be sent at once."""
        query = """SELECT id FROM ledger.deliveries WHERE channel = %s AND state NOT IN ('collected', 'bundled')
            ORDER BY id"""
        return [id for (id,) in self.ask(query, channel)]

    def under_way(self) -> int:
        """How many deliveries must still be sent."""
        query = """SELECT count(*) FROM ledger.deliveries
            WHERE channel = ANY(%s) AND state IN ('waiting', 'queued', 'sending')"""
        return int(self.ask(query, list(DELIVERED))[0][0])

    def settled(self) -> bool:
        """Has everybody been told of everything?"""
        return self.position() == self.head() and self.under_way() == 0

    def quiet(self) -> None:
        """Waits until nothing is being sent, and nothing more has been for a while."""
        before, since = "", time.monotonic()
        while time.monotonic() - since < QUIET_SECONDS:
            now = str([self.states(channel) for channel in DELIVERED])
            if now != before or "sending" in now:
                before, since = now, time.monotonic()
            time.sleep(0.05)

    def due(self) -> None:
        """Time passes until everything that waits is due."""
        self.do("UPDATE ledger.deliveries SET due_at = now() WHERE state = 'waiting'")
        self.do("NOTIFY deliveries")

    def abandoned(self) -> list[str]:
        """Time passes until nobody believes any more that those who were killed are still at it; what they were at."""
        return abandoned(self.settings)

    # What came in

    def mails(self) -> Counter[str]:
        """How often each mail came in, by its Message-ID."""
        return Counter(self.mail.ids())

    def hooks(self) -> Counter[str]:
        """How often each message came in at a webhook, by its webhook-id."""
        came = (each for receiver in self.receivers.values() for each in whole(receiver))
        return Counter(each.headers["webhook-id"] for each in came)

    def mails_to(self, person: Person) -> int:
        """How many different mails this one got, but for digests, whose hour it may be."""
        got = zip(self.mail.got, self.mail.recipients, strict=True)
        return len({mail["Message-ID"] for mail, to in got if to == person.email and mail["In-Reply-To"]})

    # What should have

    def history(self, after: int = 0) -> list[Recorded]:
        """What happened."""
        with Log.open(self.settings) as log:
            return list(log.read(after, 1_000_000))

    def nothing_lost_or_doubled(self, may_be_doubled: Sequence[str] = ()) -> None:
        """Everything that the ledger has, and all that the log asks for, came in, once each.

        `may_be_doubled`: deliveries that somebody was sending when they were killed, each as often as that happened.
        """
        twice = Counter(may_be_doubled)
        host = "127.0.0.1"
        for came, expected in (
            (self.mails(), {f"<{id}@{host}>": id for id in self.ids("email")}),
            (self.hooks(), {id: id for id in self.ids("webhook")}),
        ):
            assert set(expected) - set(came) == set(), "these did not come"
            assert set(came) - set(expected) == set(), "these came and are not known"
            doubled = {expected[id]: times - 1 for id, times in came.items() if times > 1}
            assert all(times <= twice[id] for id, times in doubled.items()), doubled
        assert set(self.states("email")) <= {"sent", "collected"}
        assert set(self.states("webhook")) == {"sent"}
        assert {each[DELIVERY] for each in self.mail.got} == set(self.ids("email"))
        self._as_the_log_asks()
        self._as_without_faults()

    def _as_the_log_asks(self) -> None:
        """Counted from the log by hand, and not by what makes notices."""
        programme_of = programmes(self.history())
        history = self.history(self.begun_at)
        for id, receiver in self.receivers.items():
            subscription = subscriptions.get(self.connection, id)
            assert subscription is not None
            wanted = [
                recorded.position
                for recorded in history
                if not subscription.types or event_type(recorded) in subscription.types
                if not subscription.programmes or programme_of.get(recorded.stream) in subscription.programmes
            ]
            # Two messages of one event would have two ids.
            by_id = {each.headers["webhook-id"]: json.loads(each.body) for each in whole(receiver)}
            assert sorted(int(event["sequence"]) for event in by_id.values()) == wanted
        everybody = people.everybody(self.connection)
        reached = {person.organisation or person.id for person in everybody}
        for person in everybody:
            if person.roles in ({"secretary"}, {"member"}) and not person.chairs:
                mails, inbox = asked_of(history, person, reached)
                assert self.mails_to(person) == mails, person.name
                query = """SELECT count(*) FROM ledger.deliveries d JOIN ledger.notices n ON n.id = d.notice
                    WHERE d.channel = 'inbox' AND d.recipient = %s AND n.cause LIKE 'event:%%'"""
                assert self.ask(query, person.id) == [(inbox,)], person.name

    def _as_without_faults(self) -> None:
        """The ledger holds what it would hold if nobody had ever been killed: it is made anew, and compared."""
        query = """SELECT n.cause, n.kind, n.urgency, n.facts::text, n.letter, d.recipient, d.channel, d.relation,
                d.required, d.instead_of
            FROM ledger.deliveries d JOIN ledger.notices n ON n.id = d.notice
            WHERE n.cause LIKE 'event:%' ORDER BY 1, 2, 6, 7"""
        assert self.ask("SELECT count(*) FROM ledger.set_aside") == [(0,)]
        there = self.ask(query)
        self.do("DELETE FROM ledger.deliveries")
        self.do("DELETE FROM ledger.notices")
        self.do("UPDATE ledger.position SET position = %s", self.begun_at)
        parts = build(self.settings)
        try:
            at = self.begun_at
            while (reached := noticing.fold_batch(parts, self.connection, at, 1_000)) != at:
                at = reached
        finally:
            parts.close()
        undisturbed = self.ask(query)
        assert set(there) ^ set(undisturbed) == set()
        assert there == undisturbed


def whole(receiver: Receiver) -> list[Came]:
    """What came in, but for what broke off halfway: who sent it was killed."""
    return [each for each in receiver.came if len(each.body) == int(each.headers["content-length"])]


def programmes(history: Sequence[Recorded]) -> dict[str, str]:
    """The code of the programme by stream, as the events themselves say it."""
    found: dict[str, str] = {}
    for recorded in history:
        match recorded.event:
            case LetterIssued(proposal=proposal):
                code = found[proposal]
            case ProposalSubmitted(programme=str(code)) | EnvelopeOpened(programme=str(code)):
                pass
            case _:
                continue
        found[recorded.stream] = code
    return found


def asked_of(history: Sequence[Recorded], person: Person, reached: Collection[str]) -> tuple[int, int]:
    """How many mails somebody of the secretariat or of a body is to get at once, and what is to be in their inbox.

    A turn of theirs, and what they had on their table and was withdrawn, is mailed at once; that a proposal was revised
    goes along in a digest. One command on one case is one thing, and what one did oneself none, but for the turn of
    others than one acted for. A receipt that reaches nobody of who applied is to be posted, which the secretariat is
    told beside all else; who is `reached` can sign in.
    """
    secretary = "secretary" in person.roles
    mailed: set[tuple[str, str]] = set()
    inbox: set[tuple[str, str]] = set()
    to_post = 0
    on_table: dict[str, set[str]] = {}
    closed: dict[tuple[str, str], set[str]] = {}
    for recorded in history:
        act = recorded.stream, recorded.command_id
        table = on_table.setdefault(recorded.stream, set())
        event, acted = recorded.event, recorded.capacity
        mine = anothers_turn = False
        match event:
            case StageOpened():
                if event.kind in OWN_DESK:
                    mine = secretary
                    anothers_turn = acted is None or acted.role != "secretary"
                else:
                    mine = event.body in person.bodies
                    anothers_turn = acted is None or acted.body != event.body
                    table.add(event.body)
            case StageClosed():
                if event.body in table:
                    table.discard(event.body)
                    closed.setdefault(act, set()).add(event.body)
            case ProposalWithdrawn():
                mine = secretary or bool((table | closed.get(act, set())) & person.bodies)
            case ProposalSubmitted() if secretary and event.owner not in reached:
                to_post += 1
            case ProposalRevised() if secretary and recorded.by != person.id:
                inbox.add(act)
            case _:
                pass
        if mine and (anothers_turn or recorded.by != person.id):
            mailed.add(act)
    return to_post + len(mailed), to_post + len(inbox | mailed)


@contextmanager
def world(settings: Settings) -> Iterator[World]:
    """A mail server, and a database of which nobody has been told anything, with a broker that is ours alone."""
    with ExitStack() as stack:
        stack.enter_context(alone(settings))
        own = stack.enter_context(ExitStack())
        mail = own.enter_context(mail_server())
        to_all = replace(settings, smtp_url=mail.url, private_webhooks=True)
        connection = stack.enter_context(psycopg.connect(settings.database_url, autocommit=True))
        yield World(to_all, connection, mail, stack, stop_mail=own.close)


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Nobody else tests with the queues of deliveries meanwhile: on RabbitMQ these are everybody's."""
    if not is_rabbitmq(settings):
        yield
        return
    with connected(settings) as broker:
        channel = broker.channel()
        queues = [deliveries_queue(settings, name)(channel) for name in CHANNELS]
        ours = Queue("test_deliveries_in_use", exclusive=True, auto_delete=True)
        World.until(lambda: _declared(broker, ours), 300)
        for queue in queues:
            queue.declare()
            queue.purge()
        yield
    with connected(settings) as broker:
        for name in CHANNELS:
            deliveries_queue(settings, name)(broker.channel()).delete()


def _declared(broker: Any, queue: Queue) -> bool:
    """Only one connection has it: the broker refuses it to others."""
    try:
        queue(broker.channel()).declare()
    except broker.channel_errors:
        return False
    return True


def people_of_the_walks(made: World) -> None:
    """Those who hear of random walks, and programs that subscribed to all of it and to some."""
    made.do(
        "INSERT INTO vault.parties SELECT 'party-' || n, 'company', 'Party ' || n FROM generate_series(0, 39) n"
    )
    for body in ("taskforce", "poho", "db", "ab", "raad"):
        made.person(body, "member", bodies=[body])
    made.person("secretary", "secretary")
    made.person("clerk", "secretary")
    made.person("treasurer", "treasurer")
    # Everybody who applies can sign in: what the law requires reaches somebody, so nobody has to post anything.
    for number in range(40):
        made.person(f"submitter{number or ''}", "submitter", organisation=f"party-{number}")
    made.person("contact", "submitter", municipalities=["GM0700"])
    made.subscribe()
    made.subscribe(types=[SUBMITTED])
    made.subscribe(programmes=[next(iter(PROGRAMMES))])
