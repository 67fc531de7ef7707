"""What may somebody do with subscriptions? All with their own; the administrator with everybody's, but for the secret.

Whose secret it is, only they see: who has it can pretend to be us. And whose subscription it is may read events: an
administrator, who may not, makes one for somebody who may.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import psycopg
import structlog
from psycopg.rows import class_row

from domain.errors import Invalid, Refused
from projections.view import Document
from service.errors import KeyReused, Missing
from service.eventstore import Once
from service.identity.people import Person
from service.identity.permissions import check, may
from service.keyed import ids_for
from service.messaging import ledger, subscriptions
from service.messaging.addresses import target
from service.messaging.channels import queue
from service.messaging.cloudevent import TEST_TYPE, TYPES
from service.messaging.subscriptions import Subscription
from service.paging import Cursor, Page, page
from service.published import published_codes
from service.wiring import Parts

__all__ = [
    "BrokerAway", "Kept", "change", "deliveries", "find", "may_see_secret", "owners", "remove", "resend", "rotate",
    "subscribe", "try_out", "visible", "with_secret",
]  # fmt: skip


class BrokerAway(Exception):
    """The broker does not answer, so its queue can't be made or taken away now; nothing was changed."""


class Kept:
    """A delivery of a subscription as its log tells of it; `tries` are the outcomes, the first one first."""

    def __init__(self, **columns: Any) -> None:
        self.id: str = columns["id"]
        self.kind: str = columns["kind"]
        self.type: str = TEST_TYPE if columns["topic"] is None else NAMED[columns["topic"]]
        self.position: int = columns["position"]
        self.event: str | None = columns["event"]
        self.state: str = columns["state"]
        self.due_at = columns["due_at"]
        self.created_at = columns["created_at"]
        self.settled_at = columns["settled_at"]
        self.error: str | None = columns["error"]
        self.tries: list[Document] = columns["tries"]


NAMED = {name: type for type, name in TYPES.items()}


def visible(parts: Parts, person: Person) -> list[Subscription]:
    """The subscriptions that this person may see, the newest first."""
    check(person, "subscribe")
    with parts.pool.connection() as connection:
        return subscriptions.subscriptions(connection, None if may(person, "subscribe-others") else person.id)


def owners(parts: Parts, person: Person) -> list[tuple[str, str, str]] | None:
    """For whom this person may subscribe: id, name and address by name; None who does so for nobody but themselves."""
    if not may(person, "subscribe-others"):
        return None
    with parts.pool.connection() as connection:
        return subscriptions.owners(connection)


def find(parts: Parts, person: Person, id: str) -> Subscription:
    """One of them. Raises Missing for another's, as for what is not there."""
    check(person, "subscribe")
    with parts.pool.connection() as connection:
        return _mine(connection, person, id)


def subscribe(
    parts: Parts,
    person: Person,
    *,
    name: str,
    channel: str,
    url: str,
    types: Sequence[str],
    programmes: Sequence[str],
    owner: str | None = None,
    once: Once | None = None,
) -> Subscription:
    """A new subscription, for what happens from now on. With `once`, asking again answers the same one.

    `owner` is the id of the person whose it is, None who asks. Refuses an owner who may not read events, a URL that is
    none, or that may not be asked, and raises BrokerAway.
    """
    check(person, "subscribe")
    owner = _owner(parts, person, owner)
    _judge(parts, channel, url, programmes)
    with parts.pool.connection() as connection, connection.transaction():
        made, new = subscriptions.add(
            connection,
            person=owner,
            name=name,
            channel=channel,
            url=url,
            types=types,
            programmes=programmes,
            id=_made_before(connection, ids_for(parts.settings, "subscription", person.id, once)),
        )
        if not new and (made.person, made.name, made.channel, made.url, made.types, made.programmes) != (
            owner, name, channel, url, sorted(set(types)), sorted(set(programmes)),
        ):  # fmt: skip
            raise KeyReused(once.key if once else "")
        if channel == "queue":
            try:
                queue.declare(parts.settings, made.id)
            except Exception as error:
                _away(error)
    if new:
        structlog.get_logger().info("subscription added", subscription=made.id, by=person.id, owner=owner)
    return made


def change(
    parts: Parts,
    person: Person,
    id: str,
    *,
    name: str,
    url: str,
    types: Sequence[str],
    programmes: Sequence[str],
    state: str,
) -> Subscription:
    """The same subscription, from now on like this: on, or off for a while."""
    check(person, "subscribe")
    with parts.pool.connection() as connection, connection.transaction():
        known = _mine(connection, person, id)
        _judge(parts, known.channel, url, [each for each in programmes if each not in known.programmes])
        changed = subscriptions.change(
            connection, id, name=name, url=url, types=types, programmes=programmes, state=state
        )
    if changed is None:
        raise Missing("subscription", id)
    structlog.get_logger().info("subscription changed", subscription=id, state=state, by=person.id)
    return changed


def remove(parts: Parts, person: Person, id: str) -> None:
    """It is there no more, nor is its queue. Raises BrokerAway, and then it is as it was."""
    check(person, "subscribe")
    with parts.pool.connection() as connection, connection.transaction():
        known = _mine(connection, person, id)
        subscriptions.remove(connection, id)
        if known.channel == "queue":
            try:
                queue.delete(parts.settings, connection, id)
            except Exception as error:
                _away(error)
    structlog.get_logger().info("subscription removed", subscription=id, by=person.id)


def may_see_secret(person: Person, subscription: Subscription) -> bool:
    """Its owner alone may, and only of a webhook: nothing else is signed."""
    return subscription.person == person.id and subscription.channel == "webhook"


def with_secret(parts: Parts, person: Person, id: str) -> Subscription:
    """A subscription whose secret this person may see, and is about to."""
    found = find(parts, person, id)
    _refuse_others(person, found)
    structlog.get_logger().info("secret of a subscription shown", subscription=id, by=person.id)
    return found


def rotate(parts: Parts, person: Person, id: str, version: int, *, old_stops: bool = False) -> Subscription:
    """The subscription with the next version of its secret; asking for the same version again changes nothing.

    `old_stops`: what was its secret before stops at once. Else it signs along for a day, and another is refused then.
    """
    check(person, "subscribe")
    with parts.pool.connection() as connection, connection.transaction():
        _refuse_others(person, _mine(connection, person, id))
        rotated = subscriptions.rotate(connection, id, version, old_stops=old_stops)
    if rotated is None:
        raise Missing("subscription", id)
    structlog.get_logger().info(
        "secret of a subscription rotated", subscription=id, by=person.id, old_stops=old_stops
    )
    return rotated


def try_out(parts: Parts, person: Person, id: str, once: Once | None = None) -> Kept:
    """A test event goes there; with `once`, asking again answers the same one."""
    check(person, "subscribe")
    with parts.pool.connection() as connection, connection.transaction():
        found = _mine(connection, person, id)
        # Its own id is in the key, so that one key for two subscriptions is two tests.
        key = next(iter(ids_for(parts.settings, f"test {id}", person.id, once)), None)
        delivery = subscriptions.try_out(connection, found, key, person.id)
        return _kept(connection, id, "AND d.id = %s", (delivery,))[0]


def deliveries(
    parts: Parts, person: Person, id: str, *, state: str | None, cursor: Cursor | None, limit: int
) -> Page[Kept]:
    """What went there or is to go there, the newest first; only those in this state, if one is named."""
    check(person, "subscribe")
    backward = cursor is not None and cursor.backward
    where = "AND coalesce(d.state = %s, true)"
    given: tuple[object, ...] = (state,)
    if cursor is not None:
        where += f" AND d.id {'>' if backward else '<'} %s"
        given += cursor.key
    where += f" ORDER BY d.id {'ASC' if backward else 'DESC'} LIMIT %s"
    with parts.pool.connection() as connection:
        _mine(connection, person, id)
        found = _kept(connection, id, where, (*given, limit + 1))
    return page(found, limit, cursor, lambda each: (each.id,))


def resend(parts: Parts, person: Person, id: str, delivery: str) -> Kept:
    """Sends one delivery once more, as the same message. Refuses one that is still under way."""
    check(person, "subscribe")
    with parts.pool.connection() as connection, connection.transaction():
        _mine(connection, person, id)
        if not _kept(connection, id, "AND d.id = %s", (delivery,)):
            raise Missing("delivery", delivery)
        if not ledger.resend(connection, [delivery]):
            raise Refused("delivery-under-way")
        return _kept(connection, id, "AND d.id = %s", (delivery,))[0]


def _mine(connection: psycopg.Connection[Any], person: Person, id: str) -> Subscription:
    found = subscriptions.get(connection, id)
    if found is None or (found.person != person.id and not may(person, "subscribe-others")):
        raise Missing("subscription", id)
    return found


def _refuse_others(person: Person, subscription: Subscription) -> None:
    if not may_see_secret(person, subscription):
        raise Missing("secret", subscription.id)


def _owner(parts: Parts, person: Person, owner: str | None) -> str:
    """Whose subscription it is to be."""
    if owner is not None and owner != person.id:
        check(person, "subscribe-others")
    elif may(person, "read-events"):
        return person.id
    if owner is None:
        raise Invalid("required", "/owner")
    with parts.pool.connection() as connection:
        if owner not in {id for id, *_ in subscriptions.owners(connection)}:
            raise Invalid("owner-may-not-read", "/owner")
    return owner


def _judge(parts: Parts, channel: str, url: str, programmes: Sequence[str]) -> None:
    if channel == "webhook":
        if not url:
            raise Invalid("required", "/url")
        target(url, private=parts.settings.private_webhooks)
    elif url:
        raise Invalid("url-of-queue", "/url")
    known = published_codes(parts) if programmes else []
    for code in programmes:
        if code not in known:
            raise Invalid("unknown-programme", "/programmes", value=code)


def _made_before(connection: psycopg.Connection[Any], ids: Sequence[str]) -> str | None:
    """Under which of these ids something was made already, or else the one that it is to be made under."""
    return next((id for id in ids if subscriptions.get(connection, id)), next(iter(ids), None))


def _away(error: Exception) -> NoReturn:
    structlog.get_logger().warning("broker unavailable", error=f"{type(error).__name__}: {error}")
    raise BrokerAway from error


def _kept(connection: psycopg.Connection[Any], id: str, where: str, given: Sequence[object]) -> list[Kept]:
    query = f"""SELECT d.id, n.kind, n.position, d.state, d.due_at, d.created_at, d.settled_at, d.error, e.topic,
            e.originator_id || ':' || e.originator_version AS event,
            (SELECT coalesce(json_agg(json_build_object(
                'number', t.number, 'at', t.at, 'outcome', t.outcome, 'detail', t.detail) ORDER BY t.number), '[]')
                FROM ledger.tries t WHERE t.delivery = d.id) AS tries
        FROM ledger.deliveries d JOIN ledger.notices n ON n.id = d.notice
        LEFT JOIN log.events e ON e.notification_id = n.position
        WHERE d.recipient = %s {where}"""
    with connection.cursor(row_factory=class_row(Kept)) as cursor:
        return cursor.execute(query.encode(), (id, *given)).fetchall()
