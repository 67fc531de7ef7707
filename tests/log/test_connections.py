"""The log over connections that get lost, over a Unix socket, on the PostgreSQL that comes with the service."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from service import embedded, eventstore
from service.eventstore import UNAVAILABLE, Conflict, Log, Once
from service.ids import new_id
from service.migrate import migrate
from service.settings import Settings
from tests.conftest import SECRET
from tests.log.given import meta, plain, worded
from tests.log.proxy import Proxy, proxied


def kill_connections(settings: Settings) -> int:
    """Ends every session of the service, as a restart of the database does."""
    role = conninfo_to_dict(settings.database_url)["user"]
    with psycopg.connect(settings.database_owner_url, autocommit=True) as owner:
        ended = owner.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = %s",
            (role,),
        ).fetchall()
    return len(ended)


@pytest.fixture
def lossy(settings: Settings) -> Iterator[tuple[Proxy, Log]]:
    """A log over a network that can lose an answer."""
    with proxied(settings) as (proxy, through), Log.open(through) as log:
        log.head()
        yield proxy, log


# A lost acknowledgement


@pytest.mark.parametrize("once", [None, Once("lost", b"request")], ids=["without key", "with key"])
def test_an_append_of_which_the_answer_was_lost_is_recorded_once_and_no_conflict(
    lossy: tuple[Proxy, Log], once: Once | None
) -> None:
    proxy, log = lossy
    case, envelope = new_id("proposal"), new_id("envelope")
    log.append([(envelope, plain())], {}, meta())
    proxy.lose(case.encode())
    appended = log.append([(case, worded()), (envelope, plain())], {envelope: 1}, meta(), once)
    assert proxy.lost == 1
    assert [r.position for r in log.load(case)] == [appended.first]
    assert [r.position for r in log.load(envelope)][1:] == [appended.last]
    assert appended.stream == case


def test_a_lost_answer_to_a_conflict_is_still_a_conflict(lossy: tuple[Proxy, Log]) -> None:
    proxy, log = lossy
    case = new_id("proposal")
    log.append([(case, plain())], {}, meta())
    proxy.lose(case.encode())
    with pytest.raises(Conflict):
        log.append([(case, plain())], {}, meta())
    assert proxy.lost == 1
    assert len(log.load(case)) == 1


def test_appending_again_with_the_same_command_answers_the_own_commit(log: Log) -> None:
    case, envelope = new_id("proposal"), new_id("envelope")
    changes = [(case, worded()), (envelope, plain()), (case, plain())]
    act = meta()
    first = log.append(changes, {}, act)
    again = log.append(changes, {}, act)
    assert (again.stream, again.first, again.last) == (case, first.first, first.last)
    assert len(log.load(case)) == 2
    with pytest.raises(Conflict):
        log.append(changes, {}, meta())


def test_an_append_that_was_cut_off_before_its_commit_is_recorded_when_it_is_tried_again(
    log: Log, settings: Settings
) -> None:
    case = new_id("proposal")
    with psycopg.connect(settings.database_owner_url, autocommit=True) as owner:
        owner.execute("CREATE SEQUENCE cuts")
        owner.execute(
            "CREATE FUNCTION cut_once() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN"
            " IF nextval('public.cuts') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid());"
            " PERFORM pg_sleep(1); END IF; RETURN NULL; END $$"
        )
        owner.execute(
            "CREATE TRIGGER cut_once AFTER INSERT ON log.events FOR EACH STATEMENT EXECUTE FUNCTION cut_once()"
        )
        try:
            log.append([(case, worded())], {}, meta())
            assert owner.execute("SELECT last_value FROM cuts").fetchone() == (2,)
        finally:
            owner.execute("DROP TRIGGER cut_once ON log.events")
    assert len(log.load(case)) == 1


# A database that was restarted


# One for each way in which the log asks its database.
USES: dict[str, Any] = {
    "append": lambda log, case: log.append([(case, plain())], {case: 1}, meta()),
    "load": lambda log, case: log.load(case),
    "caused_by": lambda log, case: log.caused_by("person-1", "key"),
}


@pytest.mark.slow
@pytest.mark.parametrize("use", USES)
def test_nobody_notices_that_the_database_was_restarted(use: str, settings: Settings) -> None:
    with Log.open(settings, pool_size=8) as log:
        case = new_id("proposal")
        log.append([(case, plain())], {}, meta())
        log.application.recorder.datastore.pool.wait(10)
        assert kill_connections(settings) >= 8
        assert USES[use](log, case) is not False


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection comes within a second, or is not waited for."""
    monkeypatch.setattr(eventstore, "POOL_TIMEOUT", 1)


@pytest.mark.usefixtures("impatient")
def test_a_database_that_is_not_there_is_reported(settings: Settings) -> None:
    nowhere = replace(settings, database_url=make_conninfo(settings.database_url, port=1))
    with Log.open(nowhere) as log, pytest.raises(UNAVAILABLE, match=r"couldn't get a connection"):
        log.head()


def test_opening_the_log_needs_no_database_yet(settings: Settings) -> None:
    Log.open(replace(settings, database_url=make_conninfo(settings.database_url, port=1))).close()


def test_a_statement_that_fails_is_not_tried_again(settings: Settings) -> None:
    asked = 0

    def ask(connection: psycopg.Connection[Any]) -> None:
        nonlocal asked
        asked += 1
        connection.execute("SET statement_timeout = '10ms'")
        try:
            connection.execute("SELECT pg_sleep(1)")
        finally:
            connection.execute("RESET statement_timeout")

    with Log.open(settings) as log, pytest.raises(UNAVAILABLE, match="statement timeout"):
        log.application.recorder.asked(ask)
    assert asked == 1


# How the address is given


def test_everything_an_address_says_is_heeded(settings: Settings) -> None:
    address = make_conninfo(
        settings.database_url,
        application_name="besluitspoor-test-address",
        options="-c statement_timeout=4321ms",
        sslmode="prefer",
        keepalives_idle=7,
    )
    with Log.open(replace(settings, database_url=address)) as log:
        log.head()
        pool = log.application.recorder.datastore.pool
        with pool.connection() as connection:
            assert connection.info.get_parameters()["application_name"] == "besluitspoor-test-address"
            assert connection.info.get_parameters()["keepalives_idle"] == "7"
            assert connection.execute("SHOW statement_timeout").fetchone() == {"statement_timeout": "4321ms"}


@pytest.mark.usefixtures("impatient")
def test_an_address_that_asks_for_encryption_gets_it_or_nothing(settings: Settings) -> None:
    # Over the proxy, so over TCP: on a socket there is nothing to encrypt, and nobody asks for it.
    with proxied(settings) as (_, through):
        strict = replace(through, database_url=make_conninfo(through.database_url, sslmode="require"))
        with Log.open(strict) as log:
            try:
                psycopg.connect(strict.database_url).close()
            except psycopg.OperationalError:
                with pytest.raises(UNAVAILABLE, match=r"couldn't get a connection"):
                    log.head()
            else:
                log.head()
                with log.application.recorder.datastore.pool.connection() as connection:
                    assert connection.pgconn.ssl_in_use


@pytest.fixture(scope="module")
def embedded_settings() -> Iterator[Settings]:
    """A migrated database on the PostgreSQL from the wheel, which listens on a Unix socket only."""
    with embedded.throwaway() as server:
        settings = Settings(server.app_url, server.owner_url, SECRET)
        migrate(settings)
        yield settings


def test_the_log_works_on_the_embedded_database_over_its_socket(embedded_settings: Settings) -> None:
    case, envelope = new_id("proposal"), new_id("envelope")
    with Log.open(embedded_settings) as log:
        first = log.append([(case, worded()), (envelope, plain())], {}, meta(), Once("key", b"request"))
        assert log.append([(case, worded())], {}, meta(), Once("key", b"request")).replayed
        with pytest.raises(Conflict):
            log.append([(envelope, plain())], {}, meta())
        assert (first.first, first.last, log.head()) == (1, 2, 2)
        assert [r.stream for r in log.read(0, 10)] == [case, envelope]
    for url in (embedded_settings.database_url, embedded_settings.database_owner_url):
        with psycopg.connect(url, autocommit=True) as connection:
            assert connection.info.server_version >= 180000
            assert connection.info.host.startswith("/")
            for statement in ("UPDATE log.events SET topic = topic", "DELETE FROM log.events"):
                with pytest.raises(errors.InsufficientPrivilege):
                    connection.execute(statement)  # type: ignore[call-overload]


def test_an_address_may_be_a_url_with_the_socket_in_its_query(embedded_settings: Settings) -> None:
    parts = {key: str(value) for key, value in conninfo_to_dict(embedded_settings.database_url).items()}
    host, name, user = parts["host"].replace("/", "%2F"), parts["dbname"], parts["user"]
    url = f"postgresql:///{name}?host={host}&user={user}&port={parts.get('port', '5432')}"
    url += f"&password={parts['password']}" if parts.get("password") else ""
    with Log.open(replace(embedded_settings, database_url=url)) as log:
        assert log.head() >= 0
