"""The database itself refuses to change the log: whatever the service does, and to its owner too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import errors

from service.eventstore import Log, Once
from service.ids import new_id
from service.settings import Settings
from tests.log.given import meta, worded

Connection = psycopg.Connection[tuple[Any, ...]]

CHANGES = {
    "events": [
        "UPDATE log.events SET state = state",
        "UPDATE log.events SET recorded_at = now() WHERE false",
        "DELETE FROM log.events",
        "TRUNCATE log.events CASCADE",
    ],
    "idempotency": [
        "UPDATE log.idempotency SET last = last",
        "DELETE FROM log.idempotency",
        "TRUNCATE log.idempotency",
    ],
    "words": ["TRUNCATE log.words"],
}
STATEMENTS = [statement for of in CHANGES.values() for statement in of]


@pytest.fixture(autouse=True, scope="module")
def something_in_it(log: Log) -> None:
    """An event with words, and a key that was used."""
    log.append([("proposal-1", worded())], {}, meta(), Once("key-1", b"request"))


@pytest.fixture(scope="module")
def runtime(settings: Settings) -> Iterator[Connection]:
    """A connection as the running service has."""
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def owner(settings: Settings) -> Iterator[Connection]:
    """A connection as the owner of the log."""
    with psycopg.connect(settings.database_owner_url, autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize("statement", STATEMENTS)
def test_nobody_changes_the_log_not_even_its_owner(
    statement: str, runtime: Connection, owner: Connection, log: Log
) -> None:
    before = log.read(0, 10)
    for connection in (runtime, owner):
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute(statement)  # type: ignore[call-overload]
    assert log.read(0, 10) == before


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO log.events SELECT 'proposal-2', 1, topic, state, 2, now(), 'c' FROM log.events",
        "INSERT INTO log.words (position, stream, texts, salts) VALUES (1, 'proposal-1', '{}', '{}')",
        "UPDATE log.words SET texts = '{}'",
        "DELETE FROM log.words",
        "INSERT INTO log.idempotency VALUES ('person-2', 'key', 'r', 'proposal-1', 1, 1)",
        "INSERT INTO log.reference_numbers VALUES ('RHA', 2026, 1)",
        "UPDATE log.reference_numbers SET last = 0",
        "ALTER TABLE log.events DISABLE TRIGGER append_only",
        "ALTER TABLE log.events ADD COLUMN extra text",
        "DROP TABLE log.events CASCADE",
        "DROP TRIGGER append_only ON log.events",
        "CREATE TABLE log.more (id int)",
        "CREATE OR REPLACE FUNCTION log.refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "SET session_replication_role = replica",
        "UPDATE meta.migrations SET sha256 = ''",
    ],
)
def test_the_service_adds_by_the_one_function_and_has_no_other_way(
    statement: str, runtime: Connection
) -> None:
    with pytest.raises((errors.InsufficientPrivilege, errors.DependentObjectsStillExist)):
        runtime.execute(statement)  # type: ignore[call-overload]


def test_the_service_owns_nothing_in_the_log(runtime: Connection) -> None:
    owned = runtime.execute(
        "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE nspname IN ('log', 'meta') AND pg_has_role(current_user, relowner, 'MEMBER')"
    ).fetchall()
    assert owned == []


def test_nobody_else_may_append(owner: Connection) -> None:
    granted = owner.execute(
        "SELECT p.proname, a.grantee::regrole::text FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace,"
        " aclexplode(proacl) a WHERE nspname = 'log' AND a.grantee <> p.proowner"
    ).fetchall()
    assert granted == [("append", "besluitspoor_test")]


# The function that appends has the rights of the owner. It may not be made to run what its caller brings along: types
# of a session's temporary schema go before PostgreSQL's own, functions and operators do when `search_path` says so.

TYPES = ("text", "timestamptz", "jsonb", "bytea", "int8", "int4", "bool", "tsvector", "regconfig")
FUNCTIONS = {
    "pg_advisory_xact_lock": "bigint",
    "clock_timestamp": "",
    "unnest": "anyarray",
    "convert_to": "text, name",
    "jsonb_to_recordset": "jsonb",
    "pg_notify": "text, text",
    "greatest": "timestamptz, timestamptz",
    "coalesce": "bigint, int",
    "format": "text",
    "lpad": "text, int, text",
    "length": "text",
    "array_agg": "text",
    "replace": "text, text, text",
}
OPERATORS = {
    "=": ("text, text", "bigint, bigint"),
    "+": ("bigint, bigint", "bigint, int"),
    "-": ("bigint, int",),
}

APPEND = """SELECT log.append(ARRAY['{0}', '{0}'], ARRAY[1, 2]::bigint[], ARRAY['A', 'B'], ARRAY['{{}}', '{{}}'], 2,
    'command-2', ARRAY[1], ARRAY['{{"a": "b"}}'::pg_catalog.jsonb], ARRAY['{{"a": "00"}}'::pg_catalog.jsonb],
    '[{{"id": "{0}", "kind": "company", "name": "Ergon {0}"}}]', 'person-1', '{0}', 'r', 'RHA', 2026)"""


@pytest.fixture
def spied(settings: Settings) -> Iterator[Connection]:
    """A session of the service that notes as whom its own code was run."""
    with psycopg.connect(settings.database_url, autocommit=True) as runtime:
        runtime.execute("CREATE TEMP TABLE ran (as_whom name)")
        runtime.execute("GRANT ALL ON ran TO PUBLIC")
        runtime.execute(
            "CREATE FUNCTION pg_temp.spy(pg_catalog.text) RETURNS pg_catalog.bool LANGUAGE plpgsql AS"
            " $$ BEGIN INSERT INTO pg_temp.ran VALUES (current_user); RETURN true; END $$"
        )
        yield runtime


def append_and_ask_as_whom(session: Connection) -> set[str]:
    """As whom did the session's own code run while it appended?"""
    session.execute(APPEND.format(new_id("proposal")))  # type: ignore[call-overload]
    return {row[0] for row in session.execute("SELECT as_whom FROM pg_temp.ran").fetchall()}


@pytest.mark.parametrize("name", TYPES)
def test_a_type_of_the_callers_own_gets_no_rights_of_the_owner(name: str, spied: Connection) -> None:
    spied.execute(
        f"CREATE DOMAIN pg_temp.{name} AS pg_catalog.{name} CHECK (pg_temp.spy(VALUE::pg_catalog.text))"  # type: ignore[call-overload]
    )
    assert append_and_ask_as_whom(spied) == set()


def test_functions_and_operators_of_the_callers_own_get_no_rights_of_the_owner(
    spied: Connection,
) -> None:
    body = "LANGUAGE plpgsql AS $$ BEGIN INSERT INTO pg_temp.ran VALUES (current_user); RETURN NULL; END $$"
    for name, takes in FUNCTIONS.items():
        spied.execute(f'CREATE FUNCTION views."{name}"({takes}) RETURNS bigint {body}')  # type: ignore[call-overload]
    for number, (name, kinds) in enumerate(OPERATORS.items()):
        for index, takes in enumerate(kinds):
            left, right = takes.split(", ")
            returns = "boolean" if name == "=" else "bigint"
            own = f"views.own_{number}_{index}"
            spied.execute(f"CREATE FUNCTION {own}({takes}) RETURNS {returns} {body}")  # type: ignore[call-overload]
            spied.execute(
                f"CREATE OPERATOR views.{name} (FUNCTION = {own}, LEFTARG = {left}, RIGHTARG = {right})"  # type: ignore[call-overload]
            )
    spied.execute("SET search_path = views, pg_catalog")
    assert spied.execute("SELECT 1::bigint + 1").fetchone() == (None,), "the decoys do not work"
    spied.execute("TRUNCATE pg_temp.ran")
    assert append_and_ask_as_whom(spied) == set()
