"""Which programs of others hear of which events? Subscriptions by type and programme, over a webhook or a queue."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import class_row, tuple_row

from domain.errors import Refused
from domain.recorded import Recorded
from service.identity.permissions import TABLE
from service.ids import new_id
from service.messaging import ledger
from service.messaging.cloudevent import encode, encode_test, event_type
from service.messaging.ledger import Delivery, Making, Planned
from service.settings import Settings
from service.wiring import Parts

__all__ = [
    "BOTH_SIGN", "CHANNELS", "MOST_EACH", "Subscription", "add", "body", "change", "failed", "get", "gone", "made",
    "matches", "remove", "rotate", "secret", "signing", "subscriptions", "try_out", "went_well",
]  # fmt: skip

Connection = psycopg.Connection[Any]

CHANNELS = ("webhook", "queue")

MOST_EACH = 20
"""Subscriptions that one person may have: each event is delivered to each of them."""

BOTH_SIGN = timedelta(hours=24)
"""After a rotation the secret before signs along so long, for a receiver that does not know the new one yet."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """Which events go where. No types or programmes: all of them.

    `state`: on, off (its owner paused it) or gone (the other side wants nothing any more). `failures` are the tries
    that failed since the last that went well.
    """

    id: str
    person: str
    name: str
    channel: str
    url: str
    types: Sequence[str]
    programmes: Sequence[str]
    state: str
    secret_version: int
    secret_since: datetime
    failures: int
    created_at: datetime


COLUMNS = """s.id, s.person, s.name, s.channel, s.url, s.types, s.programmes, s.state, s.secret_version, s.secret_since,
    s.failures, s.created_at"""


def made(
    connection: Connection, events: Sequence[Recorded], programme_of: Mapping[str, str]
) -> list[tuple[Making, list[Planned]]]:
    """What subscriptions are to hear of these events: a notice for each event that one of them asks for.

    `programme_of` is the code of the programme by stream; a stream that is not in it belongs to none.
    """
    # Who may not subscribe any more hears nothing more either, without anybody thinking of it.
    roles = [rule.role for rule in TABLE["subscribe"]]
    query = f"""SELECT {COLUMNS} FROM ledger.subscriptions s JOIN vault.people p ON p.id = s.person
        WHERE s.state = 'on' AND p.roles && %s ORDER BY s.id"""
    listening = _all(connection, query, roles)
    found = []
    for recorded in events if listening else ():
        planned = [
            Planned(each.id, each.channel, "subscriber", "waiting")
            for each in listening
            if matches(each.types, each.programmes, recorded, programme_of)
        ]
        if planned:
            cause, at = f"event:{recorded.position}", recorded.recorded_at
            making = Making(cause, "event", recorded.position, recorded.stream, "normal", {}, at)
            found.append((making, planned))
    return found


def matches(
    types: Sequence[str], programmes: Sequence[str], recorded: Recorded, programme_of: Mapping[str, str]
) -> bool:
    """Is this event of these types, on a case, an envelope ... of these programmes? None of either: any."""
    if types and event_type(recorded) not in types:
        return False
    return not programmes or programme_of.get(recorded.stream) in programmes


def subscriptions(connection: Connection, person: str | None = None) -> list[Subscription]:
    """Those of this person, or of everybody; the newest first."""
    query = (
        f"SELECT {COLUMNS} FROM ledger.subscriptions s WHERE coalesce(s.person = %s, true) ORDER BY s.id DESC"
    )
    return _all(connection, query, person)


def get(connection: Connection, id: str) -> Subscription | None:
    """The subscription with this id, or None."""
    found = _all(connection, f"SELECT {COLUMNS} FROM ledger.subscriptions s WHERE s.id = %s", id)
    return found[0] if found else None


def add(
    connection: Connection,
    *,
    person: str,
    name: str,
    channel: str,
    url: str = "",
    types: Sequence[str] = (),
    programmes: Sequence[str] = (),
    id: str | None = None,
) -> tuple[Subscription, bool]:
    """A new subscription of this person, for what happens from now on; True unless this id was there already.

    Refuses one more than MOST_EACH.
    """
    with connection.transaction():
        # One at a time for each person, or two at once would both be the last.
        connection.execute("SELECT FROM vault.people WHERE id = %s FOR UPDATE", (person,))
        if id is not None and (there := get(connection, id)) is not None:
            return there, False
        if len(subscriptions(connection, person)) >= MOST_EACH:
            raise Refused("too-many-subscriptions", maximum=MOST_EACH)
        query = f"""INSERT INTO ledger.subscriptions AS s (id, person, name, channel, url, types, programmes)
            VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING {COLUMNS}"""
        given = (person, name, channel, url, sorted(set(types)), sorted(set(programmes)))
        return _all(connection, query, id or new_id("subscription"), *given)[0], True


def change(
    connection: Connection,
    id: str,
    *,
    name: str,
    url: str,
    types: Sequence[str],
    programmes: Sequence[str],
    state: str,
) -> Subscription | None:
    """The same subscription, from now on like this; None when it is not there.

    Paused, what still waits for it is dropped: it would come in one heap later, and the feed has it all.
    """
    with connection.transaction():
        query = f"""UPDATE ledger.subscriptions s SET name = %s, url = %s, types = %s, programmes = %s, state = %s,
            failures = CASE WHEN url = %s AND state = %s THEN failures ELSE 0 END WHERE id = %s RETURNING {COLUMNS}"""
        given = (name, url, sorted(set(types)), sorted(set(programmes)), state, url, state, id)
        found = _all(connection, query, *given)
        if found and state != "on":
            _drop_waiting(connection, id, "paused")
    return found[0] if found else None


def remove(connection: Connection, id: str) -> bool:
    """Nothing goes there any more; was it there? What was delivered stays in the ledger."""
    with connection.transaction():
        there = connection.execute("DELETE FROM ledger.subscriptions WHERE id = %s", (id,)).rowcount > 0
        _drop_waiting(connection, id, "removed")
    return there


def rotate(connection: Connection, id: str, version: int) -> Subscription | None:
    """The subscription with this version of its secret, the next or the present one; None when it is not there.

    The one before signs along for BOTH_SIGN. Asking twice rotates once. Refuses another version than these two.
    """
    with connection.transaction():
        query = f"""UPDATE ledger.subscriptions s SET secret_version = %s, secret_since = now()
            WHERE id = %s AND secret_version = %s - 1 RETURNING {COLUMNS}"""
        found = _all(connection, query, version, id, version)
        there = found[0] if found else get(connection, id)
        if there is not None and there.secret_version != version:
            raise Refused("secret-version", version=there.secret_version, next=there.secret_version + 1)
    return there


def try_out(connection: Connection, subscription: Subscription, id: str | None = None) -> str:
    """A test event goes to this subscription, paused or not; answers the id of the delivery.

    The same `id` is the same test, and sent once.
    """
    cause = f"test:{id or new_id('test')}"
    making = Making(cause, "test", 0, subscription.id, "normal", {}, datetime.now(UTC))
    planned = Planned(subscription.id, subscription.channel, "subscriber", "waiting")
    with connection.transaction():
        ledger.add(connection, [(making, [planned])])
        with connection.cursor(row_factory=tuple_row) as cursor:
            query = """SELECT d.id FROM ledger.deliveries d JOIN ledger.notices n ON n.id = d.notice
                WHERE n.cause = %s AND n.kind = 'test' AND d.recipient = %s"""
            row = cursor.execute(query, (cause, subscription.id)).fetchone()
    assert row is not None
    return str(row[0])


def body(parts: Parts, delivery: Delivery) -> bytes:
    """What is sent, as a CloudEvent; the same bytes each time, for what is sent again is the same message."""
    settings = parts.settings
    if delivery.kind == "test":
        id = delivery.cause.removeprefix("test:")
        return encode_test(id, delivery.stream, delivery.at, oin=settings.oin)
    (recorded,) = parts.log.read(delivery.position - 1, 1)
    return encode(recorded, oin=settings.oin, public_url=settings.public_url)


def went_well(connection: Connection, id: str) -> None:
    """The other side took a delivery; it is there again, if it had been away."""
    connection.execute("UPDATE ledger.subscriptions SET failures = 0 WHERE id = %s AND failures > 0", (id,))


def failed(connection: Connection, id: str) -> None:
    """A try did not go well."""
    connection.execute("UPDATE ledger.subscriptions SET failures = failures + 1 WHERE id = %s", (id,))


def gone(connection: Connection, id: str) -> None:
    """The other side wants nothing any more, until its owner turns the subscription on again."""
    with connection.transaction():
        connection.execute("UPDATE ledger.subscriptions SET state = 'gone' WHERE id = %s", (id,))
        _drop_waiting(connection, id, "gone")


def secret(settings: Settings, subscription: Subscription) -> str:
    """What this subscription's messages are signed with now. It is made anew each time and kept nowhere."""
    return _secret(settings, subscription.id, subscription.secret_version)


def signing(settings: Settings, subscription: Subscription, now: datetime) -> list[str]:
    """The secrets that sign now: the present one, and the one before for a while after a rotation."""
    versions = [subscription.secret_version]
    if subscription.secret_version > 1 and now - subscription.secret_since < BOTH_SIGN:
        versions.append(subscription.secret_version - 1)
    return [_secret(settings, subscription.id, version) for version in versions]


def _secret(settings: Settings, id: str, version: int) -> str:
    key = hmac.digest(settings.secret, f"webhook|{id}|{version}".encode(), hashlib.sha256)
    return f"whsec_{base64.b64encode(key).decode()}"


def _drop_waiting(connection: Connection, id: str, reason: str) -> None:
    """What is under way at this moment comes to nothing by itself: its channel looks at the subscription first."""
    connection.execute(
        """UPDATE ledger.deliveries d SET state = 'dropped', error = %s, settled_at = now() FROM ledger.notices n
        WHERE n.id = d.notice AND d.recipient = %s AND d.state IN ('waiting', 'queued') AND n.kind <> 'test'""",
        (reason, id),
    )


def _all(connection: Connection, query: str, *given: object) -> list[Subscription]:
    with connection.cursor(row_factory=class_row(Subscription)) as cursor:
        return cursor.execute(query.encode(), given).fetchall()
