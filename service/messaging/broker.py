"""Where do events go? RabbitMQ, any other kombu transport, or pgmq on our own database: settings say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kombu.connection import Connection
from kombu.entity import Exchange
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from service.settings import Settings

__all__ = ["EXCHANGE", "connect", "connected", "events_exchange", "pgmq_options"]

EXCHANGE = "besluitspoor.events"

_CONNECT_SECONDS = 5
_HEARTBEAT_SECONDS = 20


def events_exchange() -> Exchange:
    """The topic exchange every event goes to; it outlives a restart of the broker, as do the messages."""
    return Exchange(EXCHANGE, type="topic", durable=True)


def connect(settings: Settings, *, flush: bool = True) -> Connection:
    """A connection to the broker, opened by its `connect()`: make it after a fork, release it when done.

    Without `flush` pgmq does not wait for its disk: for who keeps a note of what it sent in the same database. When
    that database crashes it may lose the last messages, and then has lost the notes of them too.
    """
    url = settings.broker_url
    if not url:
        return Connection("pgmq://", transport_options=pgmq_options(settings.database_url, flush=flush))
    if url.startswith(("amqp://", "amqps://", "pyamqp://")):
        return Connection(
            url,
            heartbeat=_HEARTBEAT_SECONDS,
            connect_timeout=_CONNECT_SECONDS,
            transport_options={"confirm_publish": True},
        )
    return Connection(url, connect_timeout=_CONNECT_SECONDS, transport_options={"init_extension": False})


@contextmanager
def connected(settings: Settings, *, flush: bool = True) -> Iterator[Connection]:
    """A connection to the broker (see `connect`) that is open, and closed at the end.

    After an error it is dropped without a word to the other side, who may no longer be there to answer.
    Raises what the transport raises when the broker does not answer.
    """
    connection = connect(settings, flush=flush)
    try:
        connection.connect()
        yield connection
    except BaseException:
        connection.collect(socket_timeout=1)
        raise
    connection.release()


def pgmq_options(database_url: str, *, flush: bool = True) -> dict[str, object]:
    """kombu's options for pgmq on the database at `database_url`; `migrate` has put the schema there."""
    values = {key: str(value) for key, value in conninfo_to_dict(database_url).items()}
    if not flush:
        values["options"] = f"{values.get('options', '')} -c synchronous_commit=off".strip()
    return {
        "conn_string": _for_pgmq(values),
        "init_extension": False,
        "use_notify": True,
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
