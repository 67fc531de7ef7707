"""Does the embedded PostgreSQL start, stop and recover, whatever is done to it?"""

from __future__ import annotations

import json
import os
import pwd
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from service import embedded

ROOT = Path(__file__).resolve().parents[2]
HOLDS_ON = """
import sys, time
from pathlib import Path
import psycopg
from service import embedded
with embedded.server(Path(sys.argv[1])) as server:
    with psycopg.connect(server.owner_url) as connection:
        connection.execute("CREATE TABLE kept (n int)")
        connection.execute("INSERT INTO kept SELECT generate_series(1, 1000)")
    print(server.pid, flush=True)
    time.sleep(600)
"""


def one(url: str, query: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
        return row[0] if row else None


def holder(data_dir: Path) -> tuple[subprocess.Popen[str], int]:
    """A process that runs the server of `data_dir` with a table of 1000 rows, and the server's process id."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS_ON, str(data_dir)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    with process.stdout as answer:
        return process, int(answer.readline())


def test_first_start_makes_what_the_service_needs_and_the_second_finds_it(data_dir: Path) -> None:
    with embedded.server(data_dir) as server:
        assert one(server.app_url, "SELECT current_setting('server_encoding')") == "UTF8"
        assert one(server.app_url, "SELECT upper('één')") == "ÉÉN"
        assert one(server.app_url, "SELECT current_user") == "besluitspoor_app"
        assert one(server.owner_url, "SELECT current_user") == "besluitspoor_owner"
        powers = "SELECT rolsuper OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
        assert one(server.app_url, powers) is False
        assert one(
            server.app_url, "SELECT datdba::regrole::text FROM pg_database WHERE datname = current_database()"
        ) == ("besluitspoor_owner")
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            assert one(server.app_url, f"SELECT current_setting('{name}')") == "on"
        with psycopg.connect(server.owner_url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    assert embedded.running(data_dir) is None
    with embedded.server(data_dir) as server:
        assert one(server.owner_url, "SELECT n FROM kept") == 7


def test_nobody_gets_in_without_a_password_or_over_the_network(data_dir: Path) -> None:
    with embedded.server(data_dir) as server:
        known = conninfo_to_dict(server.app_url)
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(
                host=known["host"], user="besluitspoor_owner", dbname="besluitspoor", passfile="/nonexistent"
            )
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(
                host=known["host"], user="besluitspoor_owner", dbname="besluitspoor", password="demo"
            )
        assert one(server.app_url, "SELECT current_setting('listen_addresses')") == ""
        assert Path(str(known["host"])).stat().st_mode & 0o077 == 0
        assert len(str(known["host"])) < 100


@pytest.mark.slow
def test_passwords_are_for_their_owner_only(data_dir: Path) -> None:
    with embedded.server(data_dir):
        path = data_dir / "embedded.json"
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.stat().st_uid == os.geteuid()
        saved = json.loads(path.read_text())
        assert Path(saved["database"]).with_name("postgres-start.log").stat().st_mode & 0o777 == 0o600
    # Once it has stopped, for while it runs files come and go.
    files = [file for file in Path(saved["database"]).rglob("*") if file.is_file()]
    assert files
    for file in files:
        assert saved["owner_password"].encode() not in file.read_bytes(), file


@pytest.mark.slow
def test_killed_holder_takes_the_server_along_and_nothing_is_lost(data_dir: Path) -> None:
    process, _ = holder(data_dir)
    process.kill()
    process.wait()
    with embedded.server(data_dir) as server:  # at once: the old server may still be stopping
        assert one(server.owner_url, "SELECT count(*) FROM kept") == 1000


@pytest.mark.slow
def test_killed_server_starts_again_while_its_holder_lives(data_dir: Path) -> None:
    with embedded.server(data_dir) as server:
        with psycopg.connect(server.owner_url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        until(lambda: not server.alive())
        url = server.app_url
        server.start()
        assert server.app_url == url
        assert one(server.owner_url, "SELECT count(*) FROM kept") == 1000


@pytest.mark.slow
def test_both_killed_at_once(data_dir: Path) -> None:
    process, server_pid = holder(data_dir)
    os.kill(server_pid, signal.SIGSTOP)  # so that it can't stop itself when its holder dies
    process.kill()
    os.kill(server_pid, signal.SIGKILL)
    process.wait()
    said: list[str] = []
    with embedded.server(data_dir, said.append) as server:
        assert one(server.owner_url, "SELECT count(*) FROM kept") == 1000


@pytest.mark.slow
def test_server_that_outlived_its_holder_is_stopped_first(data_dir: Path) -> None:
    process, server_pid = holder(data_dir)
    os.kill(server_pid, signal.SIGSTOP)
    process.kill()
    process.wait()
    os.kill(server_pid, signal.SIGCONT)
    with embedded.server(data_dir) as server:
        assert server.pid != server_pid
        assert one(server.owner_url, "SELECT count(*) FROM kept") == 1000


@pytest.mark.slow
def test_lock_file_that_names_another_program_is_no_obstacle(data_dir: Path) -> None:
    with embedded.server(data_dir):
        database = Path(json.loads((data_dir / "embedded.json").read_text())["database"])
        lines = (database / "postmaster.pid").read_text().splitlines()
    # The same user's process, so that PostgreSQL itself would take it for a running server.
    owner = database.stat()
    other = (
        subprocess.Popen(["sleep", "600"], user=owner.st_uid, group=owner.st_gid)
        if os.geteuid() == 0
        else (subprocess.Popen(["sleep", "600"]))
    )
    try:
        (database / "postmaster.pid").write_text("\n".join([str(other.pid), *lines[1:]]) + "\n")
        with embedded.server(data_dir) as server:
            assert one(server.app_url, "SELECT 1") == 1
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_two_on_one_folder_is_refused_with_a_sentence(data_dir: Path) -> None:
    with (
        embedded.server(data_dir),
        pytest.raises(
            embedded.EmbeddedError, match=f"in use by another 'besluitspoor' .process {os.getpid()}"
        ),
        embedded.server(data_dir),
    ):
        pass


@pytest.mark.slow
def test_half_made_database_is_made_anew(data_dir: Path) -> None:
    (data_dir / "postgres.new").mkdir(parents=True)
    data_dir.chmod(0o711)
    (data_dir / "postgres.new" / "PG_VERSION").write_text("18\n")
    with embedded.server(data_dir) as server:
        assert one(server.app_url, "SELECT 1") == 1
    assert not (data_dir / "postgres.new").exists()


@pytest.mark.slow
def test_lost_passwords_are_said_instead_of_overwriting_the_database(data_dir: Path) -> None:
    with embedded.server(data_dir):
        pass
    (data_dir / "embedded.json").rename(data_dir.parent / "embedded.json")
    with pytest.raises(embedded.EmbeddedError, match="passwords is gone"), embedded.server(data_dir):
        pass


@pytest.mark.slow
def test_database_of_another_version_is_refused(data_dir: Path) -> None:
    with embedded.server(data_dir):
        database = Path(json.loads((data_dir / "embedded.json").read_text())["database"])
    (database / "PG_VERSION").write_text("16\n")
    with pytest.raises(embedded.EmbeddedError, match="of PostgreSQL 16"), embedded.server(data_dir):
        pass


@pytest.mark.slow
def test_broken_configuration_shows_what_postgresql_said(data_dir: Path) -> None:
    with embedded.server(data_dir):
        database = Path(json.loads((data_dir / "embedded.json").read_text())["database"])
    with (database / "postgresql.conf").open("a") as file:
        file.write("shared_buffers = 'a lot'\n")
    with (
        pytest.raises(embedded.EmbeddedError, match=r"(?s)doesn't start.*shared_buffers"),
        embedded.server(data_dir),
    ):
        pass


@pytest.mark.slow
def test_very_long_path(data_dir: Path) -> None:
    deep = data_dir.parent / ("deep" * 30) / ("deeper" * 20)
    with embedded.server(deep) as server:
        assert one(server.app_url, "SELECT 1") == 1
        assert len(str(conninfo_to_dict(server.app_url)["host"])) < 100


@pytest.mark.slow
def test_borrowing_uses_the_running_one_or_starts_it_for_a_moment(data_dir: Path) -> None:
    with pytest.raises(embedded.EmbeddedError, match="no database"), embedded.borrow(data_dir):
        pass
    with embedded.server(data_dir) as server, embedded.borrow(data_dir) as places:
        assert places.app_url == server.app_url
        assert embedded.running(data_dir) is not None
    with embedded.borrow(data_dir) as places:
        assert one(places.app_url, "SELECT 1") == 1
    assert embedded.running(data_dir) is None


@pytest.mark.slow
def test_variables_meant_for_another_postgresql_do_no_harm(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        for name, value in {
            "PGDATA": "/nonexistent",
            "PGPORT": str(other.getsockname()[1]),
            "PGHOST": "127.0.0.1",
            "PGUSER": "somebody",
            "PGOPTIONS": "-c search_path=nowhere",
        }.items():
            monkeypatch.setenv(name, value)
        with embedded.server(data_dir) as server:
            assert one(server.app_url, "SELECT current_user") == "besluitspoor_app"


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can't run PostgreSQL itself")
def test_root_opens_no_folder_and_finds_another_place() -> None:
    """Below a folder that others can't pass, the database goes elsewhere and the folder stays closed."""
    import shutil
    import tempfile

    closed = Path(tempfile.mkdtemp(dir="/root"))
    said: list[str] = []
    try:
        before = (closed.stat().st_mode, Path("/root").stat().st_mode)
        with embedded.server(closed / "data", said.append) as server:
            assert one(server.app_url, "SELECT 1") == 1
            elsewhere = Path(json.loads((closed / "data" / "embedded.json").read_text())["database"])
        assert not elsewhere.is_relative_to(closed)
        assert any(str(elsewhere.parent) in sentence for sentence in said)
        assert (closed.stat().st_mode, Path("/root").stat().st_mode) == before
        with embedded.server(closed / "data") as server:
            assert one(server.app_url, "SELECT 1") == 1
    finally:
        shutil.rmtree(closed)
        if not elsewhere.is_relative_to(closed):
            shutil.rmtree(elsewhere.parent)


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="the other tests run as an ordinary user already")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_ordinary_user(data_dir: Path) -> None:
    """The same without root: in a forked child that gives up its rights, for its Python may lie below /root."""
    nobody = pwd.getpwnam("nobody")
    os.chown(data_dir.parent, nobody.pw_uid, nobody.pw_gid)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        said = "nothing"
        try:
            os.setgroups([])
            os.setgid(nobody.pw_gid)
            os.setuid(nobody.pw_uid)
            os.chdir("/")
            with embedded.server(data_dir) as server:
                said = str(one(server.app_url, "SELECT current_user"))
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        finally:
            os.write(writing, said.encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        said = answer.read()
    os.waitpid(child, 0)
    if "doesn't run on this machine" in said:
        pytest.skip("the installed PostgreSQL lies where an ordinary user can't go")
    assert said == "besluitspoor_app"
    assert (data_dir / "postgres").stat().st_uid == nobody.pw_uid


def until(true: object, seconds: float = 20.0) -> None:
    assert callable(true)
    give_up_at = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < give_up_at, "it took too long"
        time.sleep(0.02)
