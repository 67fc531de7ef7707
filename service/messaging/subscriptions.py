"""Which programs of others hear of which events? Subscriptions by type and programme, over a webhook or a queue."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row, tuple_row

from domain.errors import Refused
from domain.recorded import Recorded
from service.confidential_events import hears, secret_cases
from service.identity.permissions import TABLE
from service.ids import new_id
from service.messaging import ledger
from service.messaging.cloudevent import encode, encode_test, event_type
from service.messaging.ledger import Delivery, Making, Planned
from service.settings import Settings
from service.wiring import Parts

__all__ = [
    "BOTH_SIGN", "CHANNELS", "MOST_EACH", "MOST_TESTS", "Subscription", "add", "body", "change", "concealed", "failed",
    "get", "gone", "made", "matches", "old_signs_until", "owners", "remove", "rotate", "secret", "signing",
    "subscriptions", "to_send", "try_out", "went_well",
]  # fmt: skip

Connection = psycopg.Connection[Any]

CHANNELS = ("webhook", "queue")

MOST_EACH = 20
"""Subscriptions that one person may have: each event is delivered to each of them."""

MOST_TESTS = 5
"""Test events in a minute: of one subscription, and by one person."""

BOTH_SIGN = timedelta(hours=24)
"""After a rotation the secret before signs along so long, for a receiver that does not know the new one yet."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """Which events go where. No types or programmes: all of them.

    `state`: on, off (its owner paused it) or gone (the other side wants nothing any more). `failures` are the tries
    that failed since the last that went well. `old_signs_until`: until then the secret before signs too, None when it
    does not. `allowed`: may its owner read events? Who may not (any more) is sent none.
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
    old_signs_until: datetime | None
    failures: int
    created_at: datetime
    allowed: bool
    knows: bool
    """May its owner know of all cases that are confidential? What is about one is sent to no other."""


READERS = ", ".join(f"'{rule.role}'" for rule in TABLE["read-events"])
KNOWING = ", ".join(f"'{rule.role}'" for rule in TABLE["read-confidential"] if not (rule.own or rule.route))
COLUMNS = f"""s.id, s.person, s.name, s.channel, s.url, s.types, s.programmes, s.state, s.secret_version,
    s.secret_since, s.old_signs_until, s.failures, s.created_at,
    EXISTS (SELECT FROM vault.people p WHERE p.id = s.person AND p.roles && ARRAY[{READERS}]) AS allowed,
    EXISTS (SELECT FROM vault.people p WHERE p.id = s.person AND p.roles && ARRAY[{KNOWING}]) AS knows"""


def made(
    connection: Connection, events: Sequence[Recorded], programme_of: Mapping[str, str], today: date
) -> list[tuple[Making, list[Planned]]]:
    """What subscriptions are to hear of these events: a notice for each event that one of them asks for.

    `programme_of` is the code of the programme by stream; a stream that is not in it belongs to none.
    """
    query = f"SELECT {COLUMNS} FROM ledger.subscriptions s WHERE s.state = 'on' ORDER BY s.id"
    # Who may not read events any more hears nothing more either, without anybody thinking of it.
    listening = [each for each in _all(connection, query) if each.allowed]
    secret = secret_cases(connection, events, today) if listening else frozenset()
    found = []
    for recorded in events if listening else ():
        planned = [
            Planned(each.id, each.channel, "subscriber", "waiting")
            for each in listening
            if matches(each.types, each.programmes, recorded, programme_of)
            and (each.knows or hears(recorded, secret))
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


def to_send(connection: Connection, delivery: Delivery) -> Subscription | str:
    """The subscription that this goes to, or why nothing is to be sent there: removed, not-allowed, paused or gone.

    Every channel asks before each try: days may lie between planning and the last. A test goes to a paused one too.
    """
    found = get(connection, delivery.recipient)
    if found is None:
        return "removed"
    if not found.allowed:
        return "not-allowed"
    if found.state != "on" and delivery.kind != "test":
        return "paused" if found.state == "off" else "gone"
    return found


def owners(connection: Connection) -> list[tuple[str, str, str]]:
    """Who can have a subscription, by name: id, name and address of all who may read events."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        query = f"SELECT id, name, email FROM vault.people WHERE roles && ARRAY[{READERS}] ORDER BY lower(name), id"
        return cursor.execute(query.encode()).fetchall()


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


def rotate(connection: Connection, id: str, version: int, *, old_stops: bool = False) -> Subscription | None:
    """The subscription with this version of its secret, the next or the present one; None when it is not there.

    The one before signs along for BOTH_SIGN, unless it stops at once (`old_stops`), as who knows it should not be able
    to use it. Asking twice rotates once. Refuses another version than these two, and the next one while another still
    signs along, for that would stop without a word.
    """
    with connection.transaction():
        query = f"SELECT {COLUMNS} FROM ledger.subscriptions s WHERE id = %s FOR UPDATE"
        found = _all(connection, query, id)
        if not found:
            return None
        (there,) = found
        if version not in (there.secret_version, there.secret_version + 1):
            raise Refused("secret-version", version=there.secret_version, next=there.secret_version + 1)
        anew = version > there.secret_version
        now = datetime.now(UTC)
        if anew and not old_stops and old_signs_until(there, now):
            raise Refused("secret-still-changing", until=there.old_signs_until)
        query = f"""UPDATE ledger.subscriptions s SET secret_version = %s,
            secret_since = CASE WHEN %s THEN %s ELSE secret_since END,
            old_signs_until = CASE WHEN %s THEN NULL WHEN %s THEN %s ELSE old_signs_until END
            WHERE id = %s RETURNING {COLUMNS}"""
        given = (version, anew, now, old_stops, anew, now + BOTH_SIGN, id)
        return _all(connection, query, *given)[0]


def try_out(
    connection: Connection, subscription: Subscription, id: str | None = None, by: str | None = None
) -> str:
    """A test event goes to this subscription, paused or not; answers the id of the delivery.

    The same `id` is the same test, and sent once. `by`: who asks for it, its owner if nobody else does. Refuses more
    than MOST_TESTS in a minute.
    """
    by = by or subscription.person
    cause = f"test:{id or new_id('test')}"
    making = Making(cause, "test", 0, subscription.id, "normal", {"by": by}, datetime.now(UTC))
    planned = Planned(subscription.id, subscription.channel, "subscriber", "waiting")
    with connection.transaction():
        # One at a time, or several at once would all be the last.
        connection.execute("SELECT FROM vault.people WHERE id = %s FOR UPDATE", (by,))
        connection.execute("SELECT FROM ledger.subscriptions WHERE id = %s FOR UPDATE", (subscription.id,))
        there = _test(connection, cause, subscription.id)
        if there is None:
            _refuse_many_tests(connection, subscription.id, by)
            ledger.add(connection, [(making, [planned])])
            there = _test(connection, cause, subscription.id)
    assert there is not None
    return there


def body(parts: Parts, delivery: Delivery) -> bytes:
    """What is sent, as a CloudEvent; the same bytes each time, for what is sent again is the same message."""
    settings = parts.settings
    if delivery.kind == "test":
        id = delivery.cause.removeprefix("test:")
        return encode_test(id, delivery.stream, delivery.at, oin=settings.oin)
    (recorded,) = parts.log.read(delivery.position - 1, 1)
    return encode(
        recorded, oin=settings.oin, public_url=settings.public_url, secret=_secret_for(parts, delivery)
    )


def _secret_for(parts: Parts, delivery: Delivery) -> frozenset[str]:
    """Of the cases that a delivery is about or names, those that the owner of its subscription may not know of."""
    recorded = parts.log.read(delivery.position - 1, 1)
    with parts.pool.connection() as connection:
        found = get(connection, delivery.recipient)
        if found is not None and found.knows:
            return frozenset()
        return secret_cases(connection, recorded, parts.calendar().today)


def concealed(parts: Parts, delivery: Delivery) -> bool:
    """Is it about a case that has become confidential, and of which the owner may not know? Then it is not sent."""
    if delivery.kind == "test":
        return False
    secret = _secret_for(parts, delivery)
    return bool(secret) and not all(hears(each, secret) for each in parts.log.read(delivery.position - 1, 1))


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
    return _secret(settings.secret, subscription.id, subscription.secret_version)


def old_signs_until(subscription: Subscription, now: datetime) -> datetime | None:
    """Until when the secret before signs too; None when it does not (any more)."""
    until = subscription.old_signs_until
    return until if until is not None and now < until else None


def signing(settings: Settings, subscription: Subscription, now: datetime) -> list[str]:
    """The secrets that sign now: the present one, and the one before for a while after a rotation.

    While the secret of the service changes, also what they were before: receivers know no other until they are told.
    """
    versions = [subscription.secret_version]
    if old_signs_until(subscription, now):
        versions.append(subscription.secret_version - 1)
    return [_secret(secret, subscription.id, version) for secret in settings.secrets for version in versions]


def _test(connection: Connection, cause: str, id: str) -> str | None:
    """The delivery of this test, if it was asked for before."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        query = """SELECT d.id FROM ledger.deliveries d JOIN ledger.notices n ON n.id = d.notice
            WHERE n.cause = %s AND n.kind = 'test' AND d.recipient = %s"""
        row = cursor.execute(query, (cause, id)).fetchone()
    return str(row[0]) if row is not None else None


def _refuse_many_tests(connection: Connection, id: str, by: str) -> None:
    # Ids sort by time: by them the last minutes are found without reading the whole ledger.
    since = datetime.now(UTC) - timedelta(minutes=2)
    first = f"notice-{UUID(int=int(since.timestamp() * 1_000) << 80)}"
    with connection.cursor(row_factory=tuple_row) as cursor:
        query = """SELECT count(*) FILTER (WHERE stream = %s), count(*) FILTER (WHERE facts ->> 'by' = %s)
            FROM ledger.notices WHERE id > %s AND kind = 'test' AND at > now() - interval '1 minute'"""
        row = cursor.execute(query, (id, by, first)).fetchone()
    assert row is not None
    if max(row) >= MOST_TESTS:
        raise Refused("too-many-tests", maximum=MOST_TESTS)


def _secret(secret: bytes, id: str, version: int) -> str:
    key = hmac.digest(secret, f"webhook|{id}|{version}".encode(), hashlib.sha256)
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
