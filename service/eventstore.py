"""How are events kept? On eventsourcing's Application and PostgreSQL recorder, with our mapper and our insert.

The order of positions is the order of commits and has no gaps; what is appended together is recorded together or not
at all, and is durable once `append` has returned.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Generic, TypeVar, cast

import msgspec
import psycopg
from eventsourcing.application import Application
from eventsourcing.persistence import (
    IntegrityError,
    InterfaceError,
    Mapper,
    Notification,
    OperationalError,
    PersistenceError,
    StoredEvent,
    Transcoder,
)
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresFactory
from eventsourcing.utils import Environment
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow, tuple_row
from psycopg.types.json import Jsonb

from domain.events import EVENTS, Event, PersonId
from domain.recorded import Capacity, Recorded
from service.arrays import array
from service.identity.parties import Party
from service.lost import again
from service.settings import Settings
from service.worded import Words, take_words

__all__ = [
    "UNAVAILABLE",
    "Appended",
    "Beside",
    "Conflict",
    "Log",
    "LogError",
    "Meta",
    "Once",
    "Series",
    "afterwards",
    "recorded_from",
]

UNAVAILABLE = (OperationalError, InterfaceError)
"""What the log raises while its database does not answer."""

LogError = PersistenceError
"""Whatever the log raises for its database; the database's own error is its `__cause__`."""

E = TypeVar("E")
R = TypeVar("R")

Beside = Callable[[Connection[Any]], Callable[[int, int], None]]
"""What is done in the transaction of an append: called before it, and what that answers after it with the positions.

Not called after it when nothing was recorded now. What either raises undoes all of it."""


def afterwards(change: Callable[[Connection[Any]], None]) -> Beside:
    """A change of what stands beside the log, made once the events are recorded."""
    return lambda connection: lambda first, last: change(connection)


POOL_SIZE = 4
POOL_OVERFLOW = 12
"""With the pool's size, as many connections as a web process has threads."""
POOL_TIMEOUT = 10

RACED = ("events_stream_version", "parties_name")
"""The constraints that say another act was first: on the same stream, or to name the same party."""


class Conflict(Exception):
    """Another act reached a stream first: load again and decide again."""


@dataclass(frozen=True, slots=True)
class Meta:
    """What is recorded with every event of one act."""

    effective_on: date
    by: PersonId
    capacity: Capacity | None
    command_id: str
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class Once:
    """A request's Idempotency-Key, and the HMAC that says which request it was.

    `before`: what that HMAC was made with the secret of before, while the secret changes.
    """

    key: str
    request: bytes
    before: tuple[bytes, ...] = ()

    def is_of(self, request: bytes | None) -> bool:
        """Is this the HMAC of the same request?"""
        return request == self.request or request in self.before


@dataclass(frozen=True, slots=True)
class Series:
    """The series of references of a programme and a year, for example RHA-2026-0001 and on, without gaps."""

    prefix: str
    year: int

    @property
    def next(self) -> str:
        """What stands in an event for the next of them, until it is appended."""
        return f"{self.prefix}-{self.year}-?"


@dataclass(frozen=True, slots=True)
class Appended:
    """Where the events came: `replayed` when the key had been used, then these are the positions of the first time.

    `recorded` are the events as they were recorded now, and `texts` their words, by position and by their path in the
    event; empty when they were recorded before.
    """

    stream: str
    first: int
    last: int
    replayed: bool = False
    request: bytes | None = None
    recorded: tuple[Recorded, ...] = ()
    texts: Mapping[int, Mapping[str, str]] = field(default_factory=dict)


class Stored(msgspec.Struct, Generic[E], omit_defaults=True):
    """The state of an event in the log, as JSON; position, time and command are columns beside it."""

    effective_on: date
    by: str
    event: E
    capacity: Capacity | None = None
    cause: str | None = None


@dataclass(frozen=True)
class Pending:
    """An event on its way into the log: what eventsourcing asks of a domain event."""

    originator_id: str
    originator_version: int
    event: Event
    meta: Meta


@dataclass(frozen=True)
class WordedEvent(StoredEvent):
    """A stored event with the words that go beside the log; the package's mapper has no slot for them."""

    command_id: str
    words: Words | None


@dataclass(frozen=True)
class Row(Notification):
    """A stored event as read: `id` is the position."""

    recorded_at: datetime
    command_id: str


class NoTranscoder(Transcoder):
    """msgspec does it, typed on the way in; the package wants one all the same."""

    def encode(self, obj: Any) -> bytes:
        return msgspec.json.encode(obj)

    def decode(self, data: bytes) -> Any:
        return msgspec.json.decode(data)


DECODERS: Mapping[str, msgspec.json.Decoder[Stored[Any]]] = {
    name: msgspec.json.Decoder(Stored[event])  # type: ignore[valid-type]
    for name, event in EVENTS.items()
}


def recorded_from(
    position: int, stream: str, version: int, topic: str, state: bytes, recorded_at: datetime, command_id: str
) -> Recorded:
    """The recorded event that a row of the log holds.

    Raises KeyError for an event this version of the service does not know, msgspec.ValidationError for a state that
    does not fit its event.
    """
    stored = DECODERS[topic].decode(state)
    return Recorded(
        position,
        stream,
        version,
        recorded_at,
        stored.effective_on,
        stored.by,
        stored.capacity,
        command_id,
        stored.cause,
        stored.event,
    )


class EventMapper(Mapper[str]):
    """Our events to rows and back: the event's own name, compact JSON, words apart."""

    def to_stored_event(self, domain_event: Any) -> WordedEvent:
        pending = cast(Pending, domain_event)
        plain, words = take_words(pending.event)
        meta = pending.meta
        state = Stored(meta.effective_on, meta.by, plain, meta.capacity, meta.cause)
        return WordedEvent(
            originator_id=pending.originator_id,
            originator_version=pending.originator_version,
            topic=type(pending.event).__name__,
            state=msgspec.json.encode(state),
            command_id=meta.command_id,
            words=words,
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        row = cast(Row, stored_event)
        return recorded_from(
            row.id,
            str(row.originator_id),
            row.originator_version,
            row.topic,
            row.state,
            row.recorded_at,
            row.command_id,
        )


class LogRecorder(PostgresApplicationRecorder):
    """The package's recorder with one round trip to our function in place of its table lock."""

    APPEND = """SELECT first_, last_, at_, replayed, was, stream_, reference_ FROM log.append(
        %s::text[], %s::bigint[], %s::text[], %s::text[], %s, %s,
        %s::int[], %s::jsonb[], %s::jsonb[], %s, %s, %s, %s, %s, %s)"""
    COLUMNS = """SELECT originator_id, originator_version, topic, state, notification_id, recorded_at, command_id
        FROM log.events WHERE """

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int]:
        """What `Application.save` comes to: the same append."""
        appended = self.append(cast(Sequence[WordedEvent], stored_events))
        return range(appended.first, appended.last + 1)

    def append(
        self,
        events: Sequence[WordedEvent],
        once: Once | None = None,
        actor: PersonId | None = None,
        parties: Sequence[Party] = (),
        series: Series | None = None,
        beside: Beside | None = None,
    ) -> Appended:
        """Records the events of one command, all or nothing; or answers what `actor` caused with this key before."""
        worded = [(index, event.words) for index, event in enumerate(events, 1) if event.words]
        given = (
            array([str(event.originator_id) for event in events]),
            array([event.originator_version for event in events]),
            array([event.topic for event in events]),
            array([event.state.decode() for event in events]),
            len(events),
            events[0].command_id,
            array([index for index, _ in worded]) if worded else None,
            array([msgspec.json.encode(words.texts).decode() for _, words in worded]),
            array([msgspec.json.encode(words.salts).decode() for _, words in worded]),
            Jsonb([msgspec.to_builtins(party) for party in parties]) if parties else None,
            actor,
            once.key if once else None,
            once.request if once else None,
            series.prefix if series else None,
            series.year if series else None,
        )

        def call(connection: Connection[DictRow]) -> tuple[Any, ...] | None:
            cursor = connection.cursor(row_factory=tuple_row)
            return cursor.execute(self.APPEND, given, prepare=True).fetchone()

        def call_with(connection: Connection[DictRow]) -> tuple[Any, ...] | None:
            assert beside is not None
            # Rows as everywhere else; the package wants its own.
            usual, connection.row_factory = connection.row_factory, tuple_row  # type: ignore[assignment]
            try:
                with connection.transaction():
                    finish = beside(connection)
                    row = call(connection)
                    # What was recorded before has its change beside it already.
                    if row is not None and row[2] is not None:
                        finish(row[0], row[1])
                    return row
            finally:
                connection.row_factory = usual

        # Safe to ask again: the function answers its own commit, of which the acknowledgement was lost.
        row = self.asked(call if beside is None else call_with)
        assert row is not None
        first, last, at, replayed, was, stream, reference = row
        if at is None:
            return Appended(stream, first, last, replayed, was)
        mark, number = (f'"{series.next}"'.encode(), f'"{reference}"'.encode()) if series else (b"", b"")
        recorded = tuple(
            recorded_from(
                position,
                str(event.originator_id),
                event.originator_version,
                event.topic,
                event.state.replace(mark, number) if series else event.state,
                at.astimezone(UTC),
                event.command_id,
            )
            for position, event in enumerate(events, first)
        )
        texts = {first + index - 1: words.texts for index, words in worded}
        return Appended(stream, first, last, recorded=recorded, texts=texts)

    def select_events(
        self,
        originator_id: Any,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """The events of a stream, by version."""
        query = "originator_id = %s AND originator_version > %s AND originator_version <= %s"
        query += f" ORDER BY originator_version{' DESC' if desc else ''} LIMIT %s"
        return self._rows(query, (str(originator_id), gt or 0, lte or 2**62, limit))

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """The events from a position, by position."""
        first = (start or 1) if inclusive_of_start else (start or 0) + 1
        query = "notification_id >= %s AND notification_id <= %s"
        params: tuple[Any, ...] = (first, stop or 2**62)
        if topics:
            query += " AND topic = ANY(%s)"
            params += (list(topics),)
        return self._rows(query + " ORDER BY notification_id LIMIT %s", (*params, limit))

    def asked(self, ask: Callable[[Connection[DictRow]], R]) -> R:
        """What `ask` answers on a connection; asked again when that was lost."""

        def once() -> R:
            with self.datastore.get_connection() as connection:
                return ask(connection)

        return again(self.datastore.pool, once)

    def _rows(self, where: str, params: tuple[Any, ...]) -> list[Row]:
        query = (self.COLUMNS + where).encode()
        rows = self.asked(lambda connection: connection.execute(query, params, prepare=True).fetchall())
        return [
            Row(
                originator_id=row["originator_id"],
                originator_version=row["originator_version"],
                topic=row["topic"],
                state=bytes(row["state"]),
                id=row["notification_id"],
                recorded_at=row["recorded_at"].astimezone(UTC),
                command_id=row["command_id"],
            )
            for row in rows
        ]


class LogApplication(Application[str]):
    """eventsourcing's Application over our log: it never makes tables, and sees no environment but its own."""

    name = "log"
    mapper: EventMapper
    recorder: LogRecorder

    def __init__(self, env: Mapping[str, str], address: Mapping[str, str]) -> None:
        self.address = address
        super().__init__(env)

    def construct_env(self, name: str, env: Any = None) -> Environment:
        return Environment(name, dict(env or {}))

    def construct_mapper(self) -> EventMapper:
        return EventMapper(NoTranscoder())

    def construct_recorder(self) -> LogRecorder:
        datastore = cast(PostgresFactory, self.factory).datastore
        # What else the address says (sslmode and the like): the package passes on five parts of it only.
        assert isinstance(datastore.pool.kwargs, dict)
        datastore.pool.kwargs.update(self.address)
        # The package looks up composite types for an insert of its own, and would connect for it here and now.
        datastore.register_type_adapters = _nothing  # type: ignore[method-assign]
        return LogRecorder(datastore, events_table_name="events")


def _nothing() -> None:
    """Does it."""


@dataclass
class Log:
    """The event log, opened after the fork; `close` it, or use it in a `with`."""

    application: LogApplication
    _closed: bool = field(default=False, init=False)

    @classmethod
    def open(
        cls, settings: Settings, *, pool_size: int = POOL_SIZE, pool_overflow: int = POOL_OVERFLOW
    ) -> Log:
        """The log of these settings' database, by the runtime role; it connects when it is first used."""
        given = conninfo_to_dict(settings.database_url)
        parts = {key: str(value) for key, value in given.items() if value is not None}
        application = LogApplication(
            {
                "PERSISTENCE_MODULE": "eventsourcing.postgres",
                "ORIGINATOR_ID_TYPE": "text",
                "CREATE_TABLE": "n",
                "POSTGRES_SCHEMA": "log",
                "POSTGRES_DBNAME": parts.pop("dbname", ""),
                "POSTGRES_HOST": parts.pop("host", ""),
                "POSTGRES_PORT": parts.pop("port", "5432"),
                "POSTGRES_USER": parts.pop("user", ""),
                "POSTGRES_PASSWORD": parts.pop("password", ""),
                "POSTGRES_POOL_SIZE": str(pool_size),
                "POSTGRES_MAX_OVERFLOW": str(pool_overflow),
                "POSTGRES_CONNECT_TIMEOUT": str(POOL_TIMEOUT),
            },
            parts,
        )
        return cls(application)

    def close(self) -> None:
        """Gives the connections back; safe to call twice."""
        if not self._closed:
            self._closed = True
            self.application.close()

    def __enter__(self) -> Log:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def append(
        self,
        changes: Sequence[tuple[str, Event]],
        versions: Mapping[str, int],
        meta: Meta,
        once: Once | None = None,
        parties: Sequence[Party] = (),
        series: Series | None = None,
        beside: Beside | None = None,
    ) -> Appended:
        """Records the events of one act, in this order, on streams that are at these versions (0 or absent: new).

        With `once`, what this person's key caused before is answered instead and nothing is recorded. With `series`,
        `series.next` in an event becomes a reference that nobody has yet. What `beside` does is done in the same
        transaction, and what it raises undoes all of it. Raises Conflict when a stream has moved on, or one of the
        parties has been named meanwhile.
        """
        at = dict(versions)
        stored: list[WordedEvent] = []
        for stream, event in changes:
            at[stream] = at.get(stream, 0) + 1
            stored.append(self.application.mapper.to_stored_event(Pending(stream, at[stream], event, meta)))
        try:
            # Not by Application.save: what it does beside this is for aggregates, and takes as long as all of this.
            appended: Appended = self.application.recorder.append(
                stored, once, meta.by, parties, series, beside
            )
            return appended
        except IntegrityError as error:
            cause = error.__cause__
            if isinstance(cause, psycopg.errors.UniqueViolation) and cause.diag.constraint_name in RACED:
                raise Conflict(str(error)) from error
            raise

    def load(self, stream: str, up_to: int | None = None, *, after_version: int = 0) -> list[Recorded]:
        """The history of a stream, whole, up to a position, or behind a version."""
        history = cast("list[Recorded]", list(self.application.events.get(stream, gt=after_version)))
        return history if up_to is None else [recorded for recorded in history if recorded.position <= up_to]

    def read(self, after: int, limit: int) -> list[Recorded]:
        """The events behind a position, in order, without gaps, at most `limit`."""
        rows = self.application.recorder.select_notifications(after, limit, inclusive_of_start=False)
        return [cast(Recorded, self.application.mapper.to_domain_event(row)) for row in rows]

    def streams(self, kind: str) -> list[str]:
        """The streams of a kind, by name; meant for kinds of which there are few."""
        query = (
            "SELECT DISTINCT originator_id AS s FROM log.events"
            " WHERE originator_id >= %s AND originator_id < %s ORDER BY 1"
        )
        return [row["s"] for row in self._rows(query, f"{kind}-", f"{kind}.")]

    def head(self) -> int:
        """The last position, 0 while the log is empty."""
        (row,) = self._rows("SELECT coalesce(max(notification_id), 0) AS head FROM log.events")
        return int(row["head"])

    def caused_by(self, actor: PersonId, key: str) -> Appended | None:
        """What a person's Idempotency-Key caused, if it was used."""
        query = "SELECT stream, first, last, request FROM log.idempotency WHERE actor = %s AND key = %s"
        for row in self._rows(query, actor, key):
            return Appended(row["stream"], row["first"], row["last"], True, bytes(row["request"]))
        return None

    def draft_was_sent(self, draft: str) -> bool:
        """Did anybody send in the draft with this id, of those who share it? The id is the key of that act."""
        query = "SELECT FROM log.idempotency WHERE key = %s AND key LIKE 'draft-%%' LIMIT 1"
        return bool(self._rows(query, draft))

    def _rows(self, query: str, *params: object) -> list[DictRow]:
        return self.application.recorder.asked(
            lambda connection: connection.execute(query.encode(), params, prepare=True).fetchall()
        )
