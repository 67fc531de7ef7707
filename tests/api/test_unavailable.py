"""What a failure of the database comes to: come back later, too large, or our own fault; never a traceback."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import psycopg
import pytest
from flask import Flask
from psycopg import errors
from psycopg_pool import PoolTimeout

from service.api import problems
from service.app import create_app
from service.eventstore import UNAVAILABLE, LogError
from service.settings import Settings, SettingsError
from service.web import sessions
from service.web.cookies import SESSION
from service.wiring import build, build_for_web
from tests.api.conftest import Service, a_proposal
from tests.conftest import SECRET

PASSING = [
    errors.AdminShutdown(),
    errors.CrashShutdown(),
    errors.CannotConnectNow(),
    errors.ConnectionFailure(),
    errors.DiskFull(),
    errors.TooManyConnections(),
    errors.SerializationFailure(),
    errors.DeadlockDetected(),
    errors.LockNotAvailable(),
    psycopg.OperationalError("the connection is lost"),
    psycopg.InterfaceError("the connection is closed"),
    PoolTimeout("none in time"),
]
OURS = [errors.UndefinedTable(), errors.InternalError_(), errors.SyntaxError()]


@pytest.fixture(scope="module")
def app() -> Flask:
    """An application whose parts are never built."""
    return create_app(Settings("host=nowhere", "", SECRET))


def by_the_log(error: Exception) -> Exception:
    """The same, as the log raises it."""
    wrapped = LogError(str(error))
    wrapped.__cause__ = error
    return wrapped


def kind(error: Exception) -> str:
    return type(error).__name__


@pytest.mark.parametrize("error", PASSING, ids=kind)
def test_what_passes_is_503_with_when_to_come_back(
    app: Flask, error: Exception, capfd: pytest.CaptureFixture[str]
) -> None:
    for raised in (error, by_the_log(error)):
        with app.test_request_context("/"):
            answer = problems.response_to(raised)
        assert answer.status_code == 503, raised
        assert int(answer.headers["Retry-After"]) > 0
    assert "Traceback" not in "".join(capfd.readouterr())


def test_a_log_without_a_connection_to_give_is_503(app: Flask) -> None:
    for kind_of in UNAVAILABLE:
        with app.test_request_context("/"):
            assert problems.response_to(kind_of("none")).status_code == 503


@pytest.mark.parametrize("error", OURS, ids=kind)
def test_a_statement_that_fails_is_our_fault(app: Flask, error: Exception) -> None:
    for raised in (error, by_the_log(error)):
        with app.test_request_context("/"):
            assert problems.response_to(raised).status_code == 500


def test_what_is_larger_than_the_database_takes_is_the_requests_fault(app: Flask) -> None:
    for raised in (errors.ProgramLimitExceeded(), by_the_log(errors.ProgramLimitExceeded())):
        with app.test_request_context("/"):
            answer = problems.response_to(raised)
        assert (answer.status_code, answer.get_json(force=True)["code"]) == (400, "too-large-to-keep")


@pytest.fixture
def hurried(service: Service) -> Iterator[Service]:
    """The service where a question may take a second, on a database where one about money takes longer."""
    settings = replace(service.settings, query_seconds=1)
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE views.budget RENAME TO quick")
        connection.execute("CREATE VIEW views.budget AS SELECT q.* FROM pg_sleep(20), views.quick q")
    app = create_app(settings)
    yield replace(service, app=app)
    app.extensions["besluitspoor"].close()


@pytest.mark.slow
def test_a_question_that_takes_too_long_is_cut_off_and_says_what_to_do(
    hurried: Service, capfd: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    answer = hurried.ask("auditor", "/envelopes", headers={"Accept-Language": "en"})
    assert time.monotonic() - began < 10
    assert (answer.status_code, answer.json["code"]) == (503, "took-too-long")
    assert "Ask for less at once" in answer.json["detail"]
    assert int(answer.headers["Retry-After"]) > 0
    said = "".join(capfd.readouterr())
    assert "question cut off" in said
    assert "Traceback" not in said
    # The connection is good for the next who asks something else.
    assert hurried.ask("auditor", "/programmes").status_code == 200

    page = hurried.app.test_client()
    with psycopg.connect(hurried.settings.database_url, autocommit=True) as connection:
        page.set_cookie(SESSION, sessions.start(connection, hurried.people["auditor"].id))
    shown = page.get("/money", headers={"Accept": "text/html"})
    assert shown.status_code == 503
    assert "Vraag minder tegelijk" in shown.get_data(as_text=True)


@pytest.mark.slow
def test_workers_and_commands_are_not_cut_off(settings: Settings) -> None:
    hurried = replace(settings, query_seconds=1)
    with closing(build(hurried)) as parts, parts.pool.connection() as connection:
        assert connection.execute("SHOW statement_timeout").fetchone() == ("0",)
        connection.execute("SELECT pg_sleep(1.2)")
    with closing(build_for_web(hurried)) as parts, parts.pool.connection() as connection:
        assert connection.execute("SHOW statement_timeout").fetchone() == ("1s",)
        with pytest.raises(errors.QueryCanceled):
            connection.execute("SELECT pg_sleep(20)")
    with closing(build_for_web(settings)) as parts, parts.pool.connection() as connection:
        assert connection.execute("SHOW statement_timeout").fetchone() == ("0",), "0 is no limit"


def test_a_question_may_take_half_a_minute_unless_the_settings_say_otherwise() -> None:
    given = {"DATABASE_URL": "postgresql://x", "SECRET": "s" * 40}
    assert Settings.from_environment(given).query_seconds == 30
    assert Settings.from_environment({**given, "QUERY_SECONDS": "5"}).query_seconds == 5
    with pytest.raises(SettingsError, match="QUERY_SECONDS is 'long'"):
        Settings.from_environment({**given, "QUERY_SECONDS": "long"})


@pytest.mark.slow
@pytest.mark.parametrize("act", [False, True], ids=["question", "act"])
def test_a_server_that_stops_in_the_midst_of_a_request(service: Service, act: bool) -> None:
    """Every connection that waits for the locked table is ended, however often it is asked anew."""

    def request() -> tuple[int, str | None]:
        if act:
            response = service.act("submitter", "/proposals", a_proposal())
        else:
            response = service.ask("auditor", "/envelopes")
        return response.status_code, response.headers.get("Retry-After")

    service.told("auditor", "/envelopes")
    ended = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE %s"
    )
    query = "%log.append%" if act else "%views.budget%"
    url = service.settings.database_owner_url
    with (
        psycopg.connect(url) as locking,
        psycopg.connect(url, autocommit=True) as ending,
        ThreadPoolExecutor(1) as pool,
    ):
        if act:
            # Reading goes on.
            locking.execute("LOCK TABLE log.events IN SHARE ROW EXCLUSIVE MODE")
        else:
            locking.execute("LOCK TABLE views.budget IN ACCESS EXCLUSIVE MODE")
        asked = pool.submit(request)
        until = time.monotonic() + 20
        while not asked.done() and time.monotonic() < until:
            ending.execute(ended, (query,))
            time.sleep(0.02)
        locking.rollback()
        status, retry_after = asked.result(20)
    assert status == 503
    assert retry_after is not None
