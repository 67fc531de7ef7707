"""Migrating: each migration once, in order, by the owner; and the service may not be the owner."""

from __future__ import annotations

import hashlib
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from multiprocessing.queues import Queue
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from service import migrate as module
from service.eventstore import Log
from service.migrate import migrate, migration_names
from service.settings import Settings, SettingsError
from tests.conftest import SECRET


@contextmanager
def unmigrated(admin_url: str, role: str = "besluitspoor_test", encoding: str = "UTF8") -> Iterator[Settings]:
    """An empty database, dropped afterwards."""
    name = f"test_migrate_{uuid4().hex[:12]}"
    with psycopg.connect(admin_url, autocommit=True) as admin:
        create = "CREATE DATABASE {} TEMPLATE template0 ENCODING {} LOCALE 'C'"
        admin.execute(sql.SQL(create).format(sql.Identifier(name), sql.Literal(encoding)))
        try:
            yield Settings(
                database_url=make_conninfo(admin_url, dbname=name, user=role, password="for tests"),
                database_owner_url=make_conninfo(admin_url, dbname=name),
                secret=SECRET,
            )
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def new_role(admin_url: str) -> Iterator[str]:
    """The name of a role that is not there, dropped afterwards."""
    name = f"test_role_{uuid4().hex[:12]}"
    yield name
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))


def applied(settings: Settings) -> list[str]:
    """The migrations that a database remembers."""
    with psycopg.connect(settings.database_owner_url) as owner:
        return [row[0] for row in owner.execute("SELECT name FROM meta.migrations ORDER BY name").fetchall()]


def test_every_migration_is_applied_once_in_order(admin_url: str) -> None:
    with unmigrated(admin_url) as settings:
        said: list[str] = []
        assert migrate(settings, said.append) == said == migration_names() == applied(settings)
        assert migrate(settings) == []


@pytest.mark.slow
def test_several_processes_may_migrate_at_once(admin_url: str, new_role: str) -> None:
    spawn = multiprocessing.get_context("spawn")
    start, answers = spawn.Barrier(3), spawn.Queue()
    with unmigrated(admin_url, new_role) as settings:
        processes = [
            spawn.Process(target=migrate_elsewhere, args=(settings, start, answers)) for _ in range(3)
        ]
        for process in processes:
            process.start()
        outcomes: list[Any] = [answers.get(timeout=120) for _ in processes]
        for process in processes:
            process.join(30)
        assert [outcome for outcome in outcomes if outcome] == [migration_names()]
        with Log.open(settings) as log:
            assert log.head() == 0


def migrate_elsewhere(settings: Settings, start: Any, answers: Queue[list[str] | str]) -> None:
    """Migrates in a process of its own; answers what was applied, or in words what went wrong."""
    start.wait(120)
    try:
        answers.put(migrate(settings))
    except Exception as error:
        answers.put(repr(error))


def test_several_databases_of_one_server_may_be_migrated_at_once(admin_url: str, new_role: str) -> None:
    with ExitStack() as stack, ThreadPoolExecutor(3) as threads:
        databases = [stack.enter_context(unmigrated(admin_url, new_role)) for _ in range(3)]
        assert list(threads.map(migrate, databases)) == [migration_names()] * 3


# Two roles


def test_the_service_may_not_run_as_the_owner(admin_url: str) -> None:
    with unmigrated(admin_url) as settings:
        for same in (settings.database_owner_url, make_conninfo(settings.database_url, user="")):
            with pytest.raises(SettingsError, match="two different roles"):
                migrate(replace(settings, database_url=same))
        with psycopg.connect(settings.database_owner_url) as owner:
            assert owner.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'log'").fetchone() is None


@pytest.mark.parametrize(
    "make",
    ["CREATE ROLE {} LOGIN SUPERUSER", "CREATE ROLE {} LOGIN IN ROLE {owner}"],
    ids=["superuser", "member"],
)
def test_the_service_may_not_have_the_rights_of_the_owner_either(
    make: str, admin_url: str, new_role: str
) -> None:
    with unmigrated(admin_url, new_role) as settings:
        with psycopg.connect(settings.database_owner_url, autocommit=True) as owner:
            names = {"owner": sql.Identifier(owner.info.user)}
            owner.execute(sql.SQL(make).format(sql.Identifier(new_role), **names))  # type: ignore[arg-type]
        with pytest.raises(SettingsError, match="rights of the owner"):
            migrate(settings)


def test_the_role_of_the_service_is_made_without_rights(admin_url: str, new_role: str) -> None:
    with unmigrated(admin_url, new_role) as settings:
        migrate(settings)
        with psycopg.connect(settings.database_owner_url) as owner:
            rights = owner.execute(
                "SELECT rolcanlogin, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls"
                " FROM pg_roles WHERE rolname = %s",
                (new_role,),
            ).fetchone()
            assert rights == (True, False, False, False, False, False)
        with psycopg.connect(settings.database_url) as runtime:
            assert runtime.execute("SELECT current_user").fetchone() == (new_role,)


# What may not be


def test_a_migration_that_was_changed_afterwards_is_refused(admin_url: str) -> None:
    with unmigrated(admin_url) as settings:
        migrate(settings)
        other = hashlib.sha256(b"another text").hexdigest()
        with psycopg.connect(settings.database_owner_url) as owner:
            owner.execute(
                "UPDATE meta.migrations SET sha256 = %s WHERE name = %s", (other, migration_names()[0])
            )
        with pytest.raises(SettingsError, match=migration_names()[0]):
            migrate(settings)


def test_a_migration_that_fails_leaves_nothing_of_itself(
    admin_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = {
        "0001_first.sql": "CREATE TABLE first (id int)",
        "0002_second.sql": "CREATE TABLE second (id int); SELECT 1/0",
    }
    monkeypatch.setattr(module, "migration_names", lambda: sorted(texts))
    monkeypatch.setattr(module, "_text", lambda name: texts[name])
    with unmigrated(admin_url) as settings:
        with pytest.raises(psycopg.errors.DivisionByZero):
            migrate(settings)
        assert applied(settings) == ["0001_first.sql"]
        with psycopg.connect(settings.database_owner_url) as owner:
            assert owner.execute("SELECT to_regclass('first'), to_regclass('second')").fetchone() == (
                "first",
                None,
            )


def test_a_database_in_another_encoding_is_refused(admin_url: str) -> None:
    with unmigrated(admin_url, encoding="LATIN1") as settings, pytest.raises(SettingsError, match="LATIN1"):
        migrate(settings)
