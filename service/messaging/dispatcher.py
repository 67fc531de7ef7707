"""Which deliveries go on their way now? What is due goes to the broker as an id; what got lost there, again.

A delivery is marked `queued` first and published then. So whoever is killed in between leaves one that is queued and
nowhere: the sweep finds it. An id that is published twice does no harm, for only one courier can claim it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from threading import Event as StopEvent
from typing import Any

import psycopg
import structlog
from kombu.connection import Connection
from kombu.messaging import Producer

from service.follow import Follower, lasting_session
from service.messaging.broker import (
    connected,
    deliveries_exchange,
    deliveries_queue,
    given_up_queue,
    is_rabbitmq,
    keep_alive,
)
from service.messaging.channels import CHANNELS
from service.messaging.channels.channel import Channel
from service.messaging.ledger import CRASHES
from service.messaging.persevering import persevere
from service.settings import Settings

__all__ = ["MOST_QUEUED", "Post", "dispatch", "run", "sweep_abandoned", "sweep_lost"]

Database = psycopg.Connection[Any]

MOST_QUEUED = 200
"""Ids of one channel at the broker at most. The rest waits here, where the order can still be chosen."""
BATCH = 50
"""Ids of one channel in one go, so that the channels take turns."""
MOST_FAILING = 4
"""Ids under way of all subscriptions whose tries fail: half of what one courier does at a time. However many of them
hang, there is room for the others."""
LOST_AFTER = 30.0
"""Seconds after which an id at the broker may have got lost."""
SWEEP_EVERY = 5.0
GATHER = 0.01
"""Seconds between two looks at least: what comes meanwhile goes along."""
HELD_BACK = 0.05
"""Seconds until another look when the broker has as many as it may have."""
LOOK_EVERY = 0.25
CONFIRM_SECONDS = 10
PREFETCH = 32
"""Ids that a courier has in hand at most, for each channel."""


def run(
    settings: Settings, stop: StopEvent, channels: Mapping[str, Callable[[Settings], Channel]] = CHANNELS
) -> None:
    """Dispatches until `stop` is set; what breaks is tried again. One at a time is enough, several do no harm."""
    at_once = {}
    for name, make in channels.items():
        channel = make(settings)
        if channel.at_once:  # one without a way out has none
            at_once[name] = channel.at_once
        channel.close()
    persevere("dispatching", lambda: _dispatch_on(settings, stop, at_once), stop)


class Post:
    """The queues at the broker, and a way to put ids into them. Raises what the transport raises."""

    def __init__(self, settings: Settings, broker: Connection, channels: list[str]) -> None:
        self._queues = {name: deliveries_queue(settings, name) for name in channels}
        self._channel = broker.channel()
        self._returned = False
        self._is_rabbitmq = is_rabbitmq(settings)
        if self._is_rabbitmq:
            given_up_queue()(self._channel).declare()
        for queue in self._queues.values():
            queue(self._channel).declare()
        self._producer = Producer(
            self._channel, deliveries_exchange(), on_return=self._came_back if self._is_rabbitmq else None
        )

    def put(self, channel: str, id: str) -> None:
        """Returns when the broker has it in the queue of this channel."""
        self._returned = False
        self._producer.publish(
            id,
            routing_key=channel,
            content_type="text/plain",
            content_encoding="utf-8",
            message_id=id,
            mandatory=self._is_rabbitmq,  # a confirmation alone does not tell that a queue has it
            confirm_timeout=CONFIRM_SECONDS,
        )
        if self._returned:
            raise RuntimeError(f"the broker has no queue for {channel} any more")

    def held(self, channel: str) -> tuple[int, int]:
        """How many ids the broker has ready for this channel, and how many more those who consume may have in hand."""
        found = self._queues[channel](self._channel).queue_declare(passive=True)
        return int(found.message_count), int(found.consumer_count) * PREFETCH

    def _came_back(self, *_: object) -> None:
        self._returned = True


def dispatch(db: Database, post: Post, at_once: Mapping[str, int]) -> float:
    """Sends on what is due, a batch of each channel at most; seconds until there may be more to do.

    `at_once` says for each channel how many deliveries a recipient may have under way.
    Raises what the transport raises; what was not published by then waits again.
    """
    pause = 1.0
    for channel, due_in in _first_due(db, list(at_once)):
        if at_once[channel] == 0:
            continue  # there is no way out yet
        if due_in > 0:
            pause = min(pause, due_in)
            continue
        ids = _take(db, channel, at_once[channel])
        for done, id in enumerate(ids):
            try:
                post.put(channel, id)
            except BaseException:
                _give_back(db, ids[done:])
                raise
        if len(ids) == BATCH:
            pause = 0.0
        elif ids or at_once[channel] >= MOST_QUEUED:
            pause = min(
                pause, HELD_BACK
            )  # where recipients take turns, a courier tells when the next one's comes
    return pause


def sweep_abandoned(db: Database) -> int:
    """Takes back what somebody began to send and did not end in time; how many?

    It counts as a try. What took along those who sent it again and again is given up.
    """
    said = "whoever was sending it stopped without a word"
    return db.execute(
        """WITH abandoned AS (
            UPDATE ledger.deliveries d SET claimed_until = NULL, error = %(said)s,
                state = CASE WHEN crashed.times + 1 < %(most)s THEN 'waiting' ELSE 'dead' END,
                settled_at = CASE WHEN crashed.times + 1 < %(most)s THEN NULL ELSE now() END
            FROM (
                SELECT a.id, (
                    SELECT count(*) FROM ledger.tries t
                    WHERE t.delivery = a.id AND t.outcome = 'crashed' AND t.number > a.tried_before
                ) AS times
                FROM ledger.deliveries a WHERE a.state = 'sending' AND a.claimed_until < now()
            ) AS crashed
            WHERE d.id = crashed.id AND d.state = 'sending' AND d.claimed_until < now()
            RETURNING d.id, d.tries
        ) INSERT INTO ledger.tries (delivery, number, outcome, detail)
        SELECT id, tries, 'crashed', %(said)s FROM abandoned ON CONFLICT (delivery, number) DO NOTHING""",
        {"said": said, "most": CRASHES},
    ).rowcount


def sweep_lost(db: Database, post: Post, after: float = LOST_AFTER) -> int:
    """Takes back what has been at the broker for `after` seconds and is not there any more; how many?

    Which ones are missing the broker can't tell. So all of a channel are sent again when it has none of them, or
    fewer than there should be: nobody can claim one twice.
    """
    swept = 0
    for channel, queued in _queued(db, list(post._queues), after):
        ready, in_hand = post.held(channel)
        if ready and queued <= ready + in_hand:
            continue
        swept += db.execute(
            """UPDATE ledger.deliveries SET state = 'waiting', queued_at = NULL
            WHERE channel = %s AND state = 'queued' AND queued_at <= now() - make_interval(secs => %s)""",
            (channel, after),
        ).rowcount
    return swept


def _dispatch_on(settings: Settings, stop: StopEvent, at_once: Mapping[str, int]) -> None:
    """One stretch of dispatching, as long as database and broker hold. Raises whatever ends it."""
    logger = structlog.get_logger(__name__)
    with (
        lasting_session(settings.database_url, "besluitspoor dispatcher") as db,
        connected(settings, flush=False, listen=False) as broker,
        Follower(settings.database_url, "deliveries") as news,
    ):
        # Were a crash of the database to lose the last marks, those would be sent on again, which is allowed.
        db.execute("SET synchronous_commit = off")
        post = Post(settings, broker, list(at_once))
        logger.info("dispatching", channels=sorted(at_once), broker=broker.transport.driver_name)
        _sweep_unsent(db, list(at_once))
        sweep_at = 0.0
        while not stop.is_set():
            if time.monotonic() >= sweep_at:
                abandoned, lost = sweep_abandoned(db), sweep_lost(db, post)
                if abandoned or lost:
                    logger.info("sent again what got lost", abandoned=abandoned, lost=lost)
                sweep_at = time.monotonic() + SWEEP_EVERY
            pause = dispatch(db, post, at_once)
            if pause:
                stop.wait(GATHER)
                _rest(news, broker, stop, time.monotonic() + pause)


def _rest(news: Follower, broker: Connection, stop: StopEvent, until: float) -> None:
    """Until there is news, or that moment, or we are told to stop."""
    while not stop.is_set():
        left = until - time.monotonic()
        if left <= 0 or news.wait(min(left, LOOK_EVERY)):
            break
    keep_alive(broker)


def _first_due(db: Database, channels: list[str]) -> list[tuple[str, float]]:
    """The channels for which something waits, each with the seconds until the first of it is due."""
    return db.execute(
        """SELECT name, extract(epoch FROM due_at - now())::float FROM unnest(%s::text[]) AS name, LATERAL (
            SELECT due_at FROM ledger.deliveries WHERE state = 'waiting' AND channel = name ORDER BY due_at LIMIT 1
        ) AS first""",
        (channels,),
    ).fetchall()


def _take(db: Database, channel: str, at_once: int) -> list[str]:
    """Marks a batch of what is due as queued; the ids, oldest first.

    Where a recipient may have few under way, these are counted: one who does not answer holds up nobody else, and
    gets one at a time while tries fail, as many such together as MOST_FAILING. Where not, a quarter of the batch is
    the newest, so that what goes to one person does not wait for all of what goes to thousands.
    """
    query = EACH_IN_TURN if at_once < MOST_QUEUED else OLDEST_AND_NEWEST
    rows = db.execute(
        f"""WITH RECURSIVE room AS (
            SELECT least(%(batch)s, %(most)s - count(*)) AS room FROM ledger.deliveries
            WHERE channel = %(channel)s AND state = 'queued'
        ), {query}
        UPDATE ledger.deliveries SET state = 'queued', queued_at = now()
        WHERE id IN (SELECT id FROM taken) AND state = 'waiting' RETURNING id""".encode(),
        {
            "channel": channel,
            "at_once": at_once,
            "batch": BATCH,
            "most": MOST_QUEUED,
            "most_failing": MOST_FAILING,
        },
    ).fetchall()
    return sorted(id for (id,) in rows)


EACH_IN_TURN = """recipients AS (
    (SELECT recipient FROM ledger.deliveries WHERE state = 'waiting' AND channel = %(channel)s
        ORDER BY recipient LIMIT 1)
    UNION ALL
    SELECT (SELECT d.recipient FROM ledger.deliveries d
        WHERE d.state = 'waiting' AND d.channel = %(channel)s AND d.recipient > r.recipient
        ORDER BY d.recipient LIMIT 1)
    FROM recipients r WHERE r.recipient IS NOT NULL
), failing AS (
    SELECT %(most_failing)s - count(*) AS room
    FROM ledger.deliveries u JOIN ledger.subscriptions s ON s.id = u.recipient
    WHERE u.channel = %(channel)s AND u.state IN ('queued', 'sending') AND s.failures > 0
), next AS (
    SELECT due.id, due.due_at, coalesce(s.failures > 0, false) AS fails
    FROM recipients r LEFT JOIN ledger.subscriptions s ON s.id = r.recipient, LATERAL (
        SELECT d.id, d.due_at FROM ledger.deliveries d
        WHERE d.state = 'waiting' AND d.channel = %(channel)s AND d.recipient = r.recipient AND d.due_at <= now()
        ORDER BY d.due_at, d.id LIMIT greatest(0, CASE WHEN s.failures > 0 THEN 1 ELSE %(at_once)s END - (
            SELECT count(*) FROM ledger.deliveries u
            WHERE u.channel = %(channel)s AND u.recipient = r.recipient AND u.state IN ('queued', 'sending')
        ))
    ) AS due
), taken AS (
    SELECT id FROM (
        SELECT id, due_at FROM next WHERE NOT fails
        UNION ALL
        -- By chance, so that one that answers again is not behind the backlog of all that hang.
        (SELECT id, due_at FROM next WHERE fails
            ORDER BY random() LIMIT greatest(0, (SELECT room FROM failing)))
    ) AS one ORDER BY due_at, id LIMIT greatest(0, (SELECT room FROM room))
)"""
# The distinct recipients are found by hopping through an index: a backlog of one of them costs nothing.

OLDEST_AND_NEWEST = """taken AS (
    (SELECT id FROM ledger.deliveries WHERE state = 'waiting' AND channel = %(channel)s AND due_at <= now()
        ORDER BY due_at, id LIMIT greatest(0, (SELECT room - room / 4 FROM room)))
    UNION
    (SELECT id FROM ledger.deliveries WHERE state = 'waiting' AND channel = %(channel)s AND due_at <= now()
        ORDER BY due_at DESC, id DESC LIMIT greatest(0, (SELECT room / 4 FROM room)))
)"""


def _give_back(db: Database, ids: list[str]) -> None:
    db.execute(
        "UPDATE ledger.deliveries SET state = 'waiting', queued_at = NULL WHERE id = ANY(%s) AND state = 'queued'",
        (ids,),
    )


def _sweep_unsent(db: Database, channels: list[str]) -> None:
    """Takes back what whoever did this before us may have marked and not published when they were killed.

    That is in the last batch of a channel, for a batch is published before the next is marked.
    """
    db.execute(
        """UPDATE ledger.deliveries d SET state = 'waiting', queued_at = NULL
        WHERE state = 'queued' AND channel = ANY(%s) AND queued_at = (
            SELECT max(l.queued_at) FROM ledger.deliveries l WHERE l.state = 'queued' AND l.channel = d.channel
        )""",
        (channels,),
    )


def _queued(db: Database, channels: list[str], after: float) -> list[tuple[str, int]]:
    """Of which channels are there ids that went to the broker so many seconds ago, and how many are there now?"""
    return db.execute(
        """SELECT channel, count(*) FROM ledger.deliveries WHERE state = 'queued' AND channel = ANY(%s)
        GROUP BY channel HAVING min(queued_at) <= now() - make_interval(secs => %s)""",
        (channels, after),
    ).fetchall()
