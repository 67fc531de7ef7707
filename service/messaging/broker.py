"""Where do events go? RabbitMQ, any other kombu transport, or pgmq on our own database: settings say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from kombu.connection import Connection
from kombu.entity import Exchange, Queue
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from service.settings import Settings

__all__ = [
    "DELIVERIES", "EXCHANGE", "connect", "connected", "deliveries_exchange", "deliveries_queue", "drop",
    "events_exchange", "given_up_queue", "is_rabbitmq", "keep_alive", "pgmq_options",
]  # fmt: skip

EXCHANGE = "besluitspoor.events"
DELIVERIES = "besluitspoor.deliveries"
GIVEN_UP = "besluitspoor.deliveries.dead"

_DELIVERY_LIMIT = 20
_GIVEN_UP_KEPT = 10_000

_CONNECT_SECONDS = 5
_HEARTBEAT_SECONDS = 20


def events_exchange() -> Exchange:
    """The topic exchange every event goes to; it outlives a restart of the broker, as do the messages."""
    return Exchange(EXCHANGE, type="topic", durable=True)


def deliveries_exchange() -> Exchange:
    """The exchange that the ids of deliveries go to; the routing key is the channel."""
    return Exchange(DELIVERIES, type="direct", durable=True)


def deliveries_queue(settings: Settings, channel: str) -> Queue:
    """The queue of the ids of deliveries over a channel.

    On RabbitMQ it is a quorum queue: it outlives a machine. An id that was handed out so often without an answer goes
    to `given_up_queue`, where nobody looks but people: the ledger counts by itself, and sends again what got lost.
    """
    arguments = {
        "x-queue-type": "quorum",
        "x-delivery-limit": _DELIVERY_LIMIT,
        "x-dead-letter-exchange": GIVEN_UP,
    }
    return Queue(
        f"{DELIVERIES}.{channel}",
        deliveries_exchange(),
        channel,
        durable=True,
        queue_arguments=arguments if is_rabbitmq(settings) else None,
    )


def given_up_queue() -> Queue:
    """Where RabbitMQ puts what it gave up; it keeps the last of them only, since nobody need read it."""
    return Queue(
        GIVEN_UP,
        Exchange(GIVEN_UP, type="fanout", durable=True),
        durable=True,
        queue_arguments={"x-queue-type": "quorum", "x-max-length": _GIVEN_UP_KEPT},
    )


def is_rabbitmq(settings: Settings) -> bool:
    """Do messages go by AMQP?"""
    return settings.broker_url.startswith(("amqp://", "amqps://", "pyamqp://"))


def connect(
    settings: Settings, *, flush: bool = True, listen: bool = True, hold: int | None = None
) -> Connection:
    """A connection to the broker, opened by its `connect()`: make it after a fork, release it when done.

    The rest is for pgmq. Without `flush` it does not wait for its disk: for who keeps a note of what it sent in the
    same database. When that database crashes it may lose the last messages, and then has lost the notes of them too.
    Who only sends need not `listen`. What was read and not answered within `hold` seconds is there for others again.
    """
    url = settings.broker_url
    if not url:
        options = pgmq_options(settings.database_url, flush=flush, listen=listen)
        if hold is not None:
            options["visibility_timeout"] = hold
        return Connection("pgmq://", transport_options=options)
    if is_rabbitmq(settings):
        return Connection(
            url,
            heartbeat=_HEARTBEAT_SECONDS,
            connect_timeout=_CONNECT_SECONDS,
            transport_options={"confirm_publish": True},
        )
    return Connection(url, connect_timeout=_CONNECT_SECONDS, transport_options={"init_extension": False})


@contextmanager
def connected(
    settings: Settings, *, flush: bool = True, listen: bool = True, hold: int | None = None
) -> Iterator[Connection]:
    """A connection to the broker (see `connect`) that is open, and closed at the end.

    After an error it is dropped without a word to the other side, who may no longer be there to answer.
    Raises what the transport raises when the broker does not answer.
    """
    connection = connect(settings, flush=flush, listen=listen, hold=hold)
    try:
        connection.connect()
        yield connection
    except BaseException:
        drop(connection)
        raise
    connection.release()


def drop(connection: Connection) -> None:
    """Lets go of a connection without a word to the other side, who may no longer be there to answer."""
    # With a time-out of its own kombu sets that of the whole process for a moment; two at once can leave it there for
    # good, and then whatever waits for longer on a socket anywhere breaks off.
    connection.collect(socket_timeout=None)


def keep_alive(connection: Connection) -> None:
    """Tells the other side of a connection that says nothing else that we are there, and notices when it is not.

    Call it every few seconds. Raises what the transport raises when the connection is lost.
    """
    if connection.supports_heartbeats:
        with suppress(TimeoutError):  # reads the other side's heartbeats, and its goodbye
            connection.drain_events(timeout=0.001)
        connection.heartbeat_check()


def pgmq_options(database_url: str, *, flush: bool = True, listen: bool = True) -> dict[str, object]:
    """kombu's options for pgmq on the database at `database_url`; `migrate` has put the schema there."""
    values = {key: str(value) for key, value in conninfo_to_dict(database_url).items()}
    if not flush:
        values["options"] = f"{values.get('options', '')} -c synchronous_commit=off".strip()
    return {
        "conn_string": _for_pgmq(values),
        "init_extension": False,
        "use_notify": listen,
        # Else a message that comes within a quarter of a second of another waits for the next poll.
        "notify_throttle_interval_ms": 0,
        "pool_size": 2,
        "pool_timeout": _CONNECT_SECONDS,
    }


def _for_pgmq(address: dict[str, str]) -> str:
    """The address in the form that comes out right at the other end of the pgmq package.

    It takes the string apart, keeps five values and joins those again without quoting them: a folder or
    password with a space would break it, `sslmode` would be lost, and a string with `://` in it is taken
    for a URL. So each value goes in quoted once more, all other settings travel behind the password, and
    `://` gets a backslash that goes away.
    """
    values = dict(address)
    kept = {key: _quoted(values.pop(key, "")) for key in ("host", "port", "dbname", "user", "password")}
    kept["password"] = f"{kept['password']} {make_conninfo('', **values)}".strip()
    return make_conninfo("", **kept).replace("://", r":\//")


def _quoted(value: str) -> str:
    return make_conninfo("", host=value).removeprefix("host=")
