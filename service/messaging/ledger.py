"""What must be delivered, to whom, over which channel, and how far is it? The one place where that is kept.

Tries, waiting, giving up and telling a repeat from a first time are decided here, whatever the broker does: it only
carries ids. A delivery is one of these:

- `collected`: it waits to go along in a digest at `due_at`; then it is `bundled`, and `bundle` says in which
- `waiting`: it is to be sent, not before `due_at`
- `queued`: its id is on its way through the broker
- `sending`: somebody is at it, until `claimed_until` at most
- `sent`: the other side has it (of an inbox: it is there to be read; of a letter: it was posted)
- `filed`: a letter that was made and kept: who must have it was told, and finds it with the case
- `to-post`: a letter that nobody was told of, for nobody can sign in: it counts as not arrived until it was posted
- `dead`: given up; `error` says why, and it can be sent again
- `bounced`: it was sent, and came back
- `dropped`: not sent on purpose (turned off, nobody there any more)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import msgspec
import psycopg
from psycopg.rows import tuple_row

from projections.view import Document
from service.arrays import array
from service.ids import new_id

__all__ = [
    "STATES", "Delivery", "Making", "Planned", "add", "bounced", "bundled", "by_id", "claim", "failed", "filed",
    "posted", "postponed", "resend", "sent", "settled", "tell_inboxes",
]  # fmt: skip

Connection = psycopg.Connection[Any]

STATES = (
    "collected", "bundled", "waiting", "queued", "sending", "sent", "filed", "to-post", "dead", "bounced", "dropped",
)  # fmt: skip
WENT_WELL = ("sent", "filed", "to-post")
"""States of which there is nothing to say why not."""

LEASE = 120
"""Seconds that one may take to send; longer than any channel waits for the other side."""
CRASHES = 5
"""How often a delivery may take its worker along before it is given up."""
LONGEST_ERROR = 2_000


@dataclass(frozen=True, slots=True)
class Making:
    """A notice about to be kept. `cause` names the event, term or day it comes from; with the kind it is unique."""

    cause: str
    kind: str
    position: int
    stream: str
    urgency: str
    facts: Document
    at: datetime
    letter: str | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """One recipient of a notice over one channel. `due_at` None is now; an inbox is `sent` at once.

    `error`: why it is `dead` from the start. `by_post`: a letter that must go by post, for nobody can be told of it.
    """

    recipient: str
    channel: str
    relation: str
    state: str
    required: bool = False
    due_at: datetime | None = None
    instead_of: str | None = None
    error: str | None = None
    by_post: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery with its notice, as it stands."""

    id: str
    notice: str
    cause: str
    kind: str
    position: int
    stream: str
    urgency: str
    facts: Document
    letter: str | None
    at: datetime
    recipient: str
    channel: str
    relation: str
    required: bool
    instead_of: str | None
    state: str
    due_at: datetime
    tries: int
    error: str | None
    bundle: str | None
    created_at: datetime
    tried_before: int = 0
    """How many of the tries were before somebody had it sent once more."""
    by_post: bool = False
    """A letter that must go by post."""

    @property
    def tries_since(self) -> int:
        """How many tries there were since it was first sent, or last sent once more: its waits go by these."""
        return self.tries - self.tried_before


AT_A_TIME = 1_000
"""Notices written at a time."""
ADD_NOTICES = """INSERT INTO ledger.notices (id, cause, kind, position, stream, urgency, facts, letter, at)
    SELECT id, cause, kind, position, stream, urgency, facts::jsonb, letter, at
    FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[], %s::text[], %s::text[],
        string_to_array(%s, E'\\n'), %s::text[], %s::timestamptz[])
        AS n (id, cause, kind, position, stream, urgency, facts, letter, at)
    ON CONFLICT (cause, kind) DO UPDATE SET cause = excluded.cause RETURNING id, cause, kind"""
ADD_DELIVERIES = """INSERT INTO ledger.deliveries
    (id, notice, recipient, channel, relation, required, instead_of, state, error, by_post, due_at, settled_at)
    SELECT id, notice, recipient, channel, relation, required, instead_of, state, error, by_post,
        coalesce(due_at, now()), CASE WHEN state IN ('sent', 'dead') THEN now() END
    FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::boolean[], %s::text[], %s::text[],
        %s::text[], %s::boolean[], %s::timestamptz[])
        AS n (id, notice, recipient, channel, relation, required, instead_of, state, error, by_post, due_at)
    ON CONFLICT (notice, recipient, channel) DO NOTHING RETURNING channel"""

COLUMNS = """d.id, d.notice, n.cause, n.kind, n.position, n.stream, n.urgency, n.facts, n.letter, n.at, d.recipient,
    d.channel, d.relation, d.required, d.instead_of, d.state, d.due_at, d.tries, d.error, d.bundle, d.created_at,
    d.tried_before, d.by_post"""


def add(connection: Connection, made: Iterable[tuple[Making, Sequence[Planned]]]) -> int:
    """Keeps notices with their deliveries, within the caller's transaction; how many deliveries are new?

    A notice that is there already keeps its id, a delivery that is there is left as it is: it may be called again.
    """
    added = 0
    inbox = False
    several = iter(made)
    while part := list(islice(several, AT_A_TIME)):
        new, in_inbox = _add(connection, part)
        added += new
        inbox = inbox or in_inbox
    if added:
        tell(connection, inbox=inbox)
    return added


def _add(connection: Connection, made: Sequence[tuple[Making, Sequence[Planned]]]) -> tuple[int, bool]:
    """How many deliveries of these are new, and whether one of them is in an inbox."""
    makings: dict[tuple[str, str], Making] = {}
    planned: list[tuple[tuple[str, str], Planned]] = []
    for making, each in made:
        if each:
            key = making.cause, making.kind
            makings.setdefault(key, making)
            # One a recipient and channel: what the law requires first, then what is one's own before another's.
            best = sorted(each, key=lambda one: (not one.required, one.instead_of is not None))
            planned += [(key, one) for one in best]
    if not planned:
        return 0, False
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(
            ADD_NOTICES,
            (
                array([new_id("notice") for _ in makings]),
                array([making.cause for making in makings.values()]),
                array([making.kind for making in makings.values()]),
                array([making.position for making in makings.values()]),
                array([making.stream for making in makings.values()]),
                array([making.urgency for making in makings.values()]),
                # JSON never has a line break of its own.
                "\n".join([msgspec.json.encode(making.facts).decode() for making in makings.values()]),
                array([making.letter for making in makings.values()]),
                array([making.at.isoformat() for making in makings.values()]),
            ),
        ).fetchall()
        ids = {(cause, kind): id for id, cause, kind in rows}
        # Ids of one moment sort by chance: sorted here, an inbox shows things in the order in which they happened.
        new_ids = sorted(new_id("delivery") for _ in planned)
        columns: list[list[Any]] = [
            [
                id, ids[key], each.recipient, each.channel, each.relation, each.required,
                each.instead_of, each.state, each.error, each.by_post,
                each.due_at.isoformat() if each.due_at else None,
            ]
            for id, (key, each) in zip(new_ids, planned, strict=True)
        ]  # fmt: skip
        arrays = [array(column) for column in zip(*columns, strict=True)]
        new = cursor.execute(ADD_DELIVERIES, arrays).fetchall()
    return len(new), ("inbox",) in new


def tell(connection: Connection, *, inbox: bool) -> None:
    """Tells, when the transaction ends, who waits for deliveries; and open pages, when an inbox changed."""
    if inbox:
        tell_inboxes(connection)
    connection.execute("NOTIFY deliveries")


def tell_inboxes(connection: Connection) -> None:
    """Tells open pages, when the transaction ends, that somebody's inbox changed."""
    connection.execute("SELECT pg_notify('inbox', nextval('ledger.changes')::text)")


def claim(connection: Connection, id: str) -> Delivery | None:
    """This delivery, for the caller to send now; None when there is nothing to send (any more, or yet).

    Until `sent`, `failed` or another outcome, or LEASE seconds, nobody else gets it. It counts as a try.
    """
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(
            f"""WITH claimed AS (
                UPDATE ledger.deliveries SET state = 'sending', tries = tries + 1,
                    claimed_until = now() + make_interval(secs => {LEASE})
                WHERE id = %s AND state IN ('waiting', 'queued') AND due_at <= now() RETURNING *
            ) SELECT {COLUMNS} FROM claimed d JOIN ledger.notices n ON n.id = d.notice""",
            (id,),
        ).fetchone()
    return Delivery(*row) if row is not None else None


def sent(connection: Connection, delivery: Delivery, detail: str = "") -> None:
    """The other side has it."""
    _outcome(connection, delivery, "sent", "sent", detail)


def filed(connection: Connection, delivery: Delivery, detail: str = "") -> None:
    """The letter was made and kept; what must go by post waits for who posts it."""
    _outcome(connection, delivery, "to-post" if delivery.by_post else "filed", "made", detail)


def posted(connection: Connection, id: str, by: str) -> bool:
    """Somebody posted this; False when it is nothing that waits for that (any more), and then nothing changes.

    It is a letter that has to go so, or mail to who submitted, that the law requires and that did not arrive.
    """
    row = connection.execute(
        """UPDATE ledger.deliveries SET state = 'sent', error = NULL, settled_at = now(), posted_by = %s,
            posted_at = now()
        WHERE id = %s AND (state = 'to-post' OR (state IN ('dead', 'bounced') AND required
            AND channel = 'email' AND relation = 'submitter')) RETURNING id""",
        (by, id),
    ).fetchone()
    return row is not None


def settled(connection: Connection, delivery: Delivery, state: str, reason: str) -> None:
    """It ended otherwise: dead (given up) or dropped (not sent on purpose), for this reason."""
    _outcome(connection, delivery, state, state, reason)


def failed(connection: Connection, delivery: Delivery, error: str, again_in: float | None) -> None:
    """A try failed. It is tried again in so many seconds; None gives it up."""
    if again_in is None:
        _outcome(connection, delivery, "dead", "failed", error)
    else:
        _outcome(connection, delivery, "waiting", "failed", error, again_in)


def postponed(connection: Connection, delivery: Delivery, again_in: float) -> None:
    """It was no try at all (the other side was not even asked): later, without counting it."""
    connection.execute(
        """UPDATE ledger.deliveries SET state = 'waiting', tries = tries - 1, claimed_until = NULL,
        due_at = now() + make_interval(secs => %s) WHERE id = %s AND state = 'sending' AND tries = %s""",
        (again_in, delivery.id, delivery.tries),
    )


def by_id(connection: Connection, id: str) -> Delivery | None:
    """This delivery as it stands, or None."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        query = f"SELECT {COLUMNS} FROM ledger.deliveries d JOIN ledger.notices n ON n.id = d.notice WHERE d.id = %s"
        row = cursor.execute(query, (id,)).fetchone()
    return Delivery(*row) if row is not None else None


def resend(connection: Connection, ids: Sequence[str]) -> list[str]:
    """Sends these once more, whatever became of them; answers which, for those still under way are left as they are.

    The message is the same one, so it has the id that it had. Should it fail, it waits as it did the first time. What
    somebody posted is gone, and stays so.
    """
    query = """UPDATE ledger.deliveries SET state = 'waiting', due_at = now(), error = NULL, settled_at = NULL,
            tried_before = tries
        WHERE id = ANY(%s) AND channel <> 'inbox' AND posted_at IS NULL
            AND state IN ('sent', 'filed', 'dead', 'bounced', 'dropped') RETURNING id"""
    with connection.transaction(), connection.cursor(row_factory=tuple_row) as cursor:
        found = [str(row[0]) for row in cursor.execute(query, (list(ids),)).fetchall()]
        if found:
            tell(connection, inbox=False)
    return found


def bundled(connection: Connection, id: str) -> list[Delivery]:
    """The deliveries that go out in this digest, in the order in which they came."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        query = f"""SELECT {COLUMNS} FROM ledger.deliveries d JOIN ledger.notices n ON n.id = d.notice
            WHERE d.bundle = %s ORDER BY n.at, d.id"""
        return [Delivery(*row) for row in cursor.execute(query, (id,)).fetchall()]


def bounced(connection: Connection, id: str, reason: str) -> bool:
    """It was sent, and came back; False when there is nothing that could have (it bounced before, say).

    The try that it came back from is left as it is: with what the other side said when it took it.
    """
    with connection.transaction(), connection.cursor(row_factory=tuple_row) as cursor:
        # What was accepted may come back before that is noted, or after whoever was to note it died.
        row = cursor.execute(
            """UPDATE ledger.deliveries SET state = 'bounced', error = %s, settled_at = now(), claimed_until = NULL
            WHERE id = %s AND state IN ('sent', 'sending') AND posted_at IS NULL RETURNING tries""",
            (reason[:LONGEST_ERROR], id),
        ).fetchone()
        if row is not None:
            cursor.execute(
                """INSERT INTO ledger.bounces (delivery, number, detail) VALUES (%s, %s, %s)
                ON CONFLICT (delivery, number) DO NOTHING""",
                (id, row[0], reason[:LONGEST_ERROR]),
            )
    return row is not None


def _outcome(
    connection: Connection, delivery: Delivery, state: str, outcome: str, detail: str, again_in: float = 0.0
) -> None:
    # Only who still has it: one whose lease ran out while it waited may not undo what another has done since.
    with connection.transaction():
        connection.execute(
            """UPDATE ledger.deliveries SET state = %(state)s, error = %(error)s, claimed_until = NULL,
                due_at = CASE WHEN %(state)s = 'waiting' THEN now() + make_interval(secs => %(in)s) ELSE due_at END,
                settled_at = CASE WHEN %(state)s IN ('waiting', 'to-post') THEN NULL ELSE now() END
            WHERE id = %(id)s AND state = 'sending' AND tries = %(tries)s""",
            {
                "state": state,
                "error": None if state in WENT_WELL else detail[:LONGEST_ERROR],
                "in": again_in,
                "id": delivery.id,
                "tries": delivery.tries,
            },
        )
        connection.execute(
            """INSERT INTO ledger.tries (delivery, number, outcome, detail) VALUES (%s, %s, %s, %s)
            ON CONFLICT (delivery, number) DO NOTHING""",
            (delivery.id, delivery.tries, outcome, detail[:LONGEST_ERROR]),
        )
