"""What do the tests run against? A real PostgreSQL; each test gets a database of its own, cloned from a template.

DATABASE_ADMIN_URL names a superuser of a server to use, or says `embedded`; without it 127.0.0.1:5432 is tried, and
then the embedded server is started. With BESLUITSPOOR_CI=1 a missing part is a failure, never a skip.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import hypothesis
import psycopg
import pytest
from argon2 import PasswordHasher
from playwright.sync_api import Browser, expect, sync_playwright
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from service import embedded
from service import waiting as clock
from service.api import waiting
from service.documents import newsletters
from service.eventstore import Log
from service.identity import slow_hash
from service.migrate import migrate
from service.settings import Settings

# How long an example may take is no rule of ours: a machine with other work is slow now and then. In CI the examples
# are the same every time, for it judges a change and not chance; whoever works on it tries others with every run.
hypothesis.settings.register_profile(
    "ours", deadline=None, derandomize=os.environ.get("BESLUITSPOOR_CI") == "1"
)
hypothesis.settings.load_profile("ours")


SECRET = b"a secret for the tests, long enough to be one"
LOCAL = "postgresql://postgres@127.0.0.1:5432/postgres"


@pytest.fixture(scope="session", autouse=True)
def patience() -> Iterator[None]:
    """On a machine that does other things too, views may be later than a reader would wait."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(waiting, "PATIENCE", 30.0)
        patch.setattr(newsletters, "PATIENCE", 30.0)
        patch.setattr(clock, "TICK", 0.05)  # hundreds of them are closed
        yield


AS_SERVED = slow_hash._HASHER


@pytest.fixture(scope="session", autouse=True)
def light_hashes() -> Iterator[None]:
    """Passwords and codes are kept in the same way, with next to no work: hundreds of tests make some."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slow_hash, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture
def as_served(monkeypatch: pytest.MonkeyPatch) -> None:
    """They cost what they cost in production."""
    monkeypatch.setattr(slow_hash, "_HASHER", AS_SERVED)


@pytest.fixture(scope="session")
def admin_url() -> Iterator[str]:
    """A superuser's address of a PostgreSQL server."""
    given = os.environ.get("DATABASE_ADMIN_URL", "")
    if given != "embedded" and (given or _answers(LOCAL)):
        yield given or LOCAL
        return
    with embedded.throwaway() as server:
        # These data are thrown away: what would be lost when the machine stops is not worth waiting for a disk.
        with psycopg.connect(server.owner_url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        yield server.owner_url


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A real browser takes its time: what needs one is slow.

    Files with slow tests go first, so that at the end of a run no process waits for another's soak.
    """
    for item in items:
        if "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.fixture(scope="session")
def template(admin_url: str) -> Iterator[Settings]:
    """A migrated database, to clone; each run has its own, so runs may go on side by side."""
    name = f"test_template_{uuid4().hex[:12]}"
    settings = _settings(admin_url, name)
    _admin(admin_url, "CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'", name)
    migrate(settings)
    yield settings
    _admin(admin_url, "DROP DATABASE {} WITH (FORCE)", name)


@pytest.fixture
def settings(admin_url: str, template: Settings) -> Iterator[Settings]:
    """The settings of a fresh, migrated database."""
    with fresh_database(admin_url, template) as made:
        yield made


@contextmanager
def fresh_database(admin_url: str, template: Settings) -> Iterator[Settings]:
    """The same for a fixture that lasts longer than a test."""
    name = f"test_{uuid4().hex[:12]}"
    source = str(conninfo_to_dict(template.database_url)["dbname"])
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        # Which is the cheaper depends on what a checkpoint costs.
        unsafe = connection.execute("SHOW fsync").fetchone() == ("off",)
        make = "CREATE DATABASE {} TEMPLATE {} STRATEGY " + ("FILE_COPY" if unsafe else "WAL_LOG")
        connection.execute(sql.SQL(make).format(sql.Identifier(name), sql.Identifier(source)))
        # What is committed is seen at once as ever; only a server that crashes could lose it, and none here does.
        quick = "ALTER DATABASE {} SET synchronous_commit = off"
        connection.execute(sql.SQL(quick).format(sql.Identifier(name)))
    yield _settings(admin_url, name)
    _admin(admin_url, "DROP DATABASE {} WITH (FORCE)", name)


@pytest.fixture
def log(settings: Settings) -> Iterator[Log]:
    """An open log on a fresh database."""
    with Log.open(settings) as opened:
        yield opened


def _settings(admin_url: str, database: str) -> Settings:
    return Settings(
        database_url=make_conninfo(
            admin_url, dbname=database, user="besluitspoor_test", password="for tests"
        ),
        database_owner_url=make_conninfo(admin_url, dbname=database),
        secret=SECRET,
    )


def _admin(url: str, statement: str, *names: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*(sql.Identifier(name) for name in names)))  # type: ignore[arg-type]


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A data folder that PostgreSQL's user may enter, also when the tests run as root.

    Its name has a space, a quote and a letter beyond ASCII.
    """
    parent = Path(tempfile.mkdtemp(prefix="besluitspoor test's één ", dir="/tmp"))
    parent.chmod(0o755)
    yield parent / "data"
    # The sockets are elsewhere. Only those of this test go: others may be starting a server just now.
    for saved in parent.rglob(embedded.PLACES_NAME):
        with suppress(OSError, ValueError):
            Path(json.loads(saved.read_text())["socket"]).rmdir()
    shutil.rmtree(parent, ignore_errors=True)


@pytest.fixture(scope="session")
def in_ci() -> bool:
    """Must every real part be there?"""
    return os.environ.get("BESLUITSPOOR_CI") == "1"


@pytest.fixture(scope="session")
def project() -> Path:
    """The folder of the project."""
    return Path(__file__).parent.parent


@pytest.fixture(scope="session")
def chromium(in_ci: bool) -> Iterator[Browser]:
    """A real browser."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        if in_ci:
            pytest.fail("There is no chromium here.")
        pytest.skip("There is no chromium here. Install it (on Debian: apt install chromium) to run these.")
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    quiet = [
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
    ]
    # As long as the browser's own waits: what is right may be late on a busy machine.
    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*sandbox, "--disable-gpu", *quiet])
        yield browser
        browser.close()
