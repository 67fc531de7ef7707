"""What was sent to whom, how far is it, and why was it made? For who looks why something did not arrive."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

from domain.recorded import stream_kind
from service.arrays import array
from service.identity.people import Person
from service.identity.permissions import may
from service.messaging import ledger
from service.messaging.ledger import COLUMNS, Delivery
from service.paging import Page, page, read_cursor

__all__ = [
    "GIVEN_UP", "LOST", "RESENDABLE", "UNDER_WAY", "Cause", "Counted", "Filters", "Kept", "Try", "cause", "counts",
    "find", "found", "may_know_kind", "may_read", "missed", "resend_dead", "some", "stuck", "tries", "whose",
]  # fmt: skip

Connection = psycopg.Connection[Any]

GIVEN_UP = ("dead", "bounced")
"""States of what went wrong."""
LOST = (*GIVEN_UP, "to-post")
"""States of what did not arrive; what must be posted did not, until somebody did so."""
UNDER_WAY = ("collected", "waiting", "queued", "sending")
"""States of what is still to be sent."""
RESENDABLE = ("sent", "filed", "dead", "bounced", "dropped")
"""States of what can be sent once more, but for what lies in an inbox or was posted: see `ledger.resend`."""

OF_CASES = ("proposal", "letter")
"""Kinds of streams of which only those hear who may read cases."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A delivery, with when it was settled (None while it is under way), and of a letter who posted it and when."""

    delivery: Delivery
    settled_at: datetime | None
    posted_by: str | None = None
    posted_at: datetime | None = None

    @property
    def resendable(self) -> bool:
        """Can it be sent once more?"""
        return (
            self.delivery.channel != "inbox" and self.delivery.state in RESENDABLE and self.posted_at is None
        )

    @property
    def postable(self) -> bool:
        """Can somebody post it? A letter that must go so, or mail to who submitted that the law requires and failed."""
        failed = self.delivery.required and self.delivery.state in GIVEN_UP
        to_submitter = (self.delivery.channel, self.delivery.relation) == ("email", "submitter")
        return self.delivery.state == "to-post" or (failed and to_submitter)


@dataclass(frozen=True, slots=True)
class Try:
    """One try: `outcome` is sent, failed, dead, dropped, or crashed: it took along who made it.

    Or bounced: what was sent at the try with this number came back at `at`.
    """

    number: int
    at: datetime
    outcome: str
    detail: str


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is limited to; None does not. `recipients`: the ids of people, subscriptions or addresses."""

    states: Collection[str] | None = None
    channel: str | None = None
    recipients: Collection[str] | None = None
    streams: Collection[str] | None = None
    required: bool | None = None
    bundle: str | None = None
    before: str | None = None
    """Only what was made before the delivery with this id."""


@dataclass(frozen=True, slots=True)
class Cause:
    """The event that a notice comes from; `by` is a person's id, or "system"."""

    position: int
    stream: str
    version: int
    name: str
    recorded_at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Counted:
    """So many deliveries over a channel are in a state."""

    channel: str
    state: str
    number: int


FOUND = f"""SELECT {COLUMNS}, d.settled_at, d.posted_by, d.posted_at
    FROM ledger.deliveries d JOIN ledger.notices n ON n.id = d.notice WHERE true"""


def found(
    connection: Connection, filters: Filters, *, cursor: str | None = None, limit: int = 50
) -> Page[Kept]:
    """A page of the deliveries, newest first. Refuses a cursor that no page named."""
    place = read_cursor(cursor, parts=1)
    backward = place is not None and place.backward
    conditions = {
        "d.state = ANY(%(states)s::text[])": filters.states,
        "d.channel = %(channel)s": filters.channel,
        "d.recipient = ANY(%(recipients)s::text[])": filters.recipients,
        "n.stream = ANY(%(streams)s::text[])": filters.streams,
        "d.required = %(required)s": filters.required,
        "d.bundle = %(bundle)s": filters.bundle,
        "d.id < %(before)s": filters.before,
        f"d.id {'>' if backward else '<'} %(id)s": place,
    }
    where = "".join(f" AND {condition}" for condition, given in conditions.items() if given is not None)
    query = f"{FOUND}{where} ORDER BY d.id {'ASC' if backward else 'DESC'} LIMIT %(most)s"
    facts = {
        "states": _list(filters.states),
        "channel": filters.channel,
        "recipients": _list(filters.recipients),
        "streams": _list(filters.streams),
        "required": filters.required,
        "bundle": filters.bundle,
        "before": filters.before,
        "id": place.key[0] if place else None,
        "most": limit + 1,
    }
    with connection.cursor(row_factory=tuple_row) as rows:
        # Every part is one of ours; what was given are facts.
        kept = [_kept(row) for row in rows.execute(sql.SQL(query), facts).fetchall()]
    return page(kept, limit, place, lambda each: (each.delivery.id,))


def find(connection: Connection, id: str) -> Kept | None:
    """This delivery, or None."""
    return next(iter(some(connection, [id])), None)


def some(connection: Connection, ids: Iterable[str]) -> list[Kept]:
    """These deliveries, newest first; what is not there is left out."""
    query = f"{FOUND} AND d.id = ANY(%s::text[]) ORDER BY d.id DESC"
    with connection.cursor(row_factory=tuple_row) as rows:
        return [_kept(row) for row in rows.execute(query, (array(list(ids)),)).fetchall()]


def may_read(person: Person, delivery: Delivery) -> bool:
    """May somebody who looks at deliveries know what this one tells?

    The administrator sees that a case, or a letter of one, was told of, and not what happened to it; nor what a digest
    holds, for that is about cases.
    """
    of_case = stream_kind(delivery.stream) in OF_CASES or delivery.kind == "digest"
    return not of_case or may(person, "read-case")


def may_know_kind(person: Person, delivery: Delivery) -> bool:
    """May they know what kind of thing it tells, such as an award? Of a digest anybody may: that says nothing of it."""
    return delivery.kind == "digest" or may_read(person, delivery)


def tries(connection: Connection, id: str) -> list[Try]:
    """Every try of a delivery, the first one first, each followed by how it came back, if it did."""
    query = """SELECT number, at, outcome, detail FROM (
            SELECT delivery, number, at, outcome, detail, 0 AS place FROM ledger.tries
            UNION ALL SELECT delivery, number, at, 'bounced', detail, 1 FROM ledger.bounces
        ) AS t WHERE delivery = %s ORDER BY number, place"""
    with connection.cursor(row_factory=tuple_row) as rows:
        return [Try(*row) for row in rows.execute(query, (id,)).fetchall()]


def cause(connection: Connection, delivery: Delivery) -> Cause | None:
    """The event that it comes from; None for what a term, a digest or a test caused."""
    kind, _, position = delivery.cause.partition(":")
    if kind != "event" or not position.isdecimal():
        return None
    query = """SELECT notification_id, originator_id, originator_version, topic, recorded_at,
            convert_from(state, 'UTF8')::json ->> 'by'
        FROM log.events WHERE notification_id = %s"""
    with connection.cursor(row_factory=tuple_row) as rows:
        row = rows.execute(query, (int(position),)).fetchone()
    return Cause(*row) if row is not None else None


def resend_dead(
    connection: Connection, *, channel: str | None = None, recipient: str | None = None
) -> list[str]:
    """Sends once more what was given up, or only that over this channel or to this recipient; answers which.

    A thousand at a time: whoever stops it half-way has sent those, and may begin again.
    """
    sent: list[str] = []
    recipients = None if recipient is None else [recipient]
    while True:
        filters = Filters(["dead"], channel, recipients, before=sent[-1] if sent else None)
        ids = [kept.delivery.id for kept in found(connection, filters, limit=1_000).items]
        if not ids:
            return sent
        ledger.resend(connection, ids)
        sent += ids


def counts(connection: Connection) -> list[Counted]:
    """How many deliveries of each channel are still to be sent or did not arrive, by state.

    What arrived is not counted: that is nearly all there ever was.
    """
    # A part each, for each has an index of its own.
    parts = (
        "state = 'collected'",
        "state = 'waiting'",
        "state IN ('queued', 'sending')",
        "state IN ('dead', 'bounced', 'to-post')",
    )
    query = " UNION ALL ".join(
        f"SELECT channel, state, count(*) FROM ledger.deliveries WHERE {part} GROUP BY channel, state"
        for part in parts
    )
    with connection.cursor(row_factory=tuple_row) as rows:
        return [Counted(*row) for row in rows.execute(query.encode()).fetchall()]


def stuck(connection: Connection) -> int:
    """How many deliveries did not arrive, and wait for somebody to look?"""
    query = "SELECT count(*) FROM ledger.deliveries WHERE state IN ('dead', 'bounced', 'to-post')"
    row = connection.execute(query).fetchone()
    return int(row[0]) if row is not None else 0


def missed(connection: Connection) -> int:
    """How many messages that the law requires were given up or came back? What is to be posted is counted apart."""
    query = "SELECT count(*) FROM ledger.deliveries WHERE state IN ('dead', 'bounced') AND required"
    row = connection.execute(query).fetchone()
    return int(row[0]) if row is not None else 0


def whose(connection: Connection, recipients: Iterable[str]) -> dict[str, str]:
    """What these are called: the name of a person, an organisation or a subscription, the address of a council."""
    ids = array(sorted(set(recipients)))
    query = """SELECT id, name FROM vault.people WHERE id = ANY(%(ids)s::text[])
        UNION ALL SELECT id, name FROM vault.parties WHERE id = ANY(%(ids)s::text[])
        UNION ALL SELECT id, name FROM ledger.subscriptions WHERE id = ANY(%(ids)s::text[])
        UNION ALL SELECT id, email FROM vault.council_addresses WHERE id = ANY(%(ids)s::text[])"""
    return dict(connection.execute(query, {"ids": ids}).fetchall())


def _list(given: Collection[str] | None) -> str | None:
    return None if given is None else array(list(given))


def _kept(row: tuple[Any, ...]) -> Kept:
    *delivery, settled_at, posted_by, posted_at = row
    return Kept(Delivery(*delivery), settled_at, posted_by, posted_at)
