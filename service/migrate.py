"""What must the database have? The migrations, in order, each once, by the role that owns the log."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from importlib.resources import files

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict

from service.messaging.pgmq_setup import install_pgmq
from service.settings import Settings, SettingsError
from service.viewtables import ensure_tables

__all__ = ["migrate", "pending"]

MIGRATION_LOCK = 7133000
OLDEST, NEWEST = 150000, 190000


def migrate(settings: Settings, progress: Callable[[str], None] = lambda _: None) -> list[str]:
    """Brings the database up to date and answers the migrations applied; safe when several processes start at once.

    Raises SettingsError when the runtime role is or has the rights of the owner, when PostgreSQL is not 15 to 18, and
    when the database is not in UTF-8.
    """
    role, password = runtime_role(settings)
    applied: list[str] = []
    with psycopg.connect(settings.database_owner_url, autocommit=True) as connection:
        version = connection.info.server_version
        if not OLDEST <= version < NEWEST:
            raise SettingsError(
                f"This is PostgreSQL {version // 10000}; Besluitspoor runs on PostgreSQL 15 to 18."
            )
        encoding = connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise SettingsError(
                f"This database is in {encoding}. Make one with: "
                "CREATE DATABASE ... TEMPLATE template0 ENCODING 'UTF8'."
            )
        connection.execute("SELECT pg_advisory_lock(%s)", (MIGRATION_LOCK,))
        _ensure_role(connection, role, password)
        for name in pending(connection):
            progress(name)
            _apply(connection, name, role)
            applied.append(name)
        if not settings.broker_url:
            install_pgmq(connection, role)
        # The runtime role owns the tables of the views: it rebuilds and switches them.
        with psycopg.connect(settings.database_url, autocommit=True) as runtime:
            ensure_tables(runtime)
    return applied


def runtime_role(settings: Settings) -> tuple[str, str]:
    """The role the service runs as, and its password. Raises SettingsError when it is the owner's."""
    runtime = conninfo_to_dict(settings.database_url)
    owner = conninfo_to_dict(settings.database_owner_url)
    role = str(runtime.get("user") or "")
    if not role or role == owner.get("user"):
        raise SettingsError(
            "DATABASE_URL and DATABASE_OWNER_URL must name two different roles: the role that runs the service may not "
            "own the log. Give the owner in DATABASE_OWNER_URL and, for example, besluitspoor_app in DATABASE_URL; "
            "'besluitspoor migrate' makes that role when the owner may."
        )
    return role, str(runtime.get("password") or "")


def pending(connection: psycopg.Connection) -> list[str]:
    """The migrations this database does not have yet. Raises SettingsError when an applied one has been changed."""
    connection.execute("CREATE SCHEMA IF NOT EXISTS meta")
    connection.execute(
        "CREATE TABLE IF NOT EXISTS meta.migrations (name text PRIMARY KEY, sha256 text, at timestamptz)"
    )
    known: dict[str, str] = dict(connection.execute("SELECT name, sha256 FROM meta.migrations").fetchall())
    wanted = []
    for name in migration_names():
        if name not in known:
            wanted.append(name)
        elif known[name] != _checksum(name):
            raise SettingsError(
                f"Migration {name} was applied in another form. Restore the file, and add a new one."
            )
    return wanted


def migration_names() -> list[str]:
    """The migrations of this version, in the order in which they are applied."""
    return sorted(
        entry.name
        for entry in files("service").joinpath("migrations").iterdir()
        if entry.name.endswith(".sql")
    )


def _text(name: str) -> str:
    return files("service").joinpath("migrations", name).read_text(encoding="utf-8")


def _checksum(name: str) -> str:
    return hashlib.sha256(_text(name).encode()).hexdigest()


def _apply(connection: psycopg.Connection, name: str, role: str) -> None:
    script = sql.SQL(_text(name)).format(app_role=sql.Identifier(role))
    with connection.transaction():
        connection.execute(script)
        connection.execute("INSERT INTO meta.migrations VALUES (%s, %s, now())", (name, _checksum(name)))


def _ensure_role(connection: psycopg.Connection, role: str, password: str) -> None:
    """The runtime role, made when it is missing. Raises SettingsError when it has the rights of the owner."""
    create = sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {}")
    found = "SELECT pg_has_role(rolname, current_user, 'MEMBER') FROM pg_roles WHERE rolname = %s"
    known = connection.execute(found, (role,)).fetchone()
    if known is None:
        # The lock is of this database, roles are of the server: another database may be migrated just now.
        with suppress(errors.DuplicateObject, errors.UniqueViolation):
            connection.execute(create.format(sql.Identifier(role), sql.Literal(password or None)))
    elif known[0]:
        raise SettingsError(
            f"The role {role} in DATABASE_URL has the rights of the owner of the log: it is a superuser, or a member "
            "of that role. Give the service a role of its own, for example besluitspoor_app; "
            "'besluitspoor migrate' makes it when it is not there."
        )
