"""On which databases is measured? Fresh ones on a real PostgreSQL, dropped afterwards.

DATABASE_ADMIN_URL names a superuser of a server to use, or says `embedded`; without it 127.0.0.1:5432 is tried, and
then the embedded server is started.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from service import embedded
from service.migrate import migrate
from service.settings import Settings

__all__ = ["database", "server"]

LOCAL = "postgresql://postgres@127.0.0.1:5432/postgres"
ROLE = "besluitspoor_benchmarks"


@contextmanager
def server() -> Iterator[str]:
    """The address of a superuser of a server."""
    given = os.environ.get("DATABASE_ADMIN_URL", "")
    if given != "embedded" and (given or _answers(LOCAL)):
        yield given or LOCAL
        return
    with embedded.throwaway() as started:
        yield started.owner_url


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


@contextmanager
def database(admin_url: str) -> Iterator[Settings]:
    """A migrated database of its own; `database_owner_url` is the superuser's."""
    name = f"benchmarks_{uuid4().hex[:12]}"
    settings = Settings(
        database_url=make_conninfo(admin_url, dbname=name, user=ROLE, password="for measurements"),
        database_owner_url=make_conninfo(admin_url, dbname=name),
        secret=b"a secret for measurements, long enough to be one",
    )
    _admin(admin_url, "CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'", name)
    try:
        migrate(settings)
        yield settings
    finally:
        _admin(admin_url, "DROP DATABASE {} WITH (FORCE)", name)


def _admin(url: str, statement: str, name: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(sql.Identifier(name)))
