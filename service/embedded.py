"""How do we run a PostgreSQL of our own, without anybody installing one?

The programs come with a Python package; the data live below the data folder, unless the user that runs
PostgreSQL can't go there. It listens on a socket in a private folder only, and asks a password there as well.

    with embedded.server(data_dir) as server:
        psycopg.connect(server.app_url)
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from service import os_user, postgres_binaries
from service.children import dies_with_parent
from service.embedded_places import (
    APP_ROLE,
    DATABASE,
    OWNER_ROLE,
    PLACES_NAME,
    PORT,
    EmbeddedError,
    Places,
    Progress,
    choose_places,
    ensure_folder,
    private_folder,
    saved_places,
)
from service.own_secrets import write_private

__all__ = [
    "PLACES_NAME",
    "EmbeddedError",
    "Places",
    "Server",
    "borrow",
    "ensure_folder",
    "hold",
    "running",
    "saved_places",
    "server",
    "throwaway",
]

RECOVERY_PATIENCE_SECONDS = 3600.0
LEFTOVER_PATIENCE_SECONDS = 60.0
STOP_PATIENCE_SECONDS = 60.0
PROGRESS_EVERY_SECONDS = 3.0

# Written into postgresql.conf when the database is made; change them there.
FIRST_SETTINGS = {
    "max_connections": "200",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "effective_cache_size": "1GB",
    "wal_compression": "pglz",
    "max_wal_size": "2GB",
    "wal_level": "replica",
    "fsync": "on",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A week of log at most. Terse, and without parameters: names and texts don't belong in a server's log.
    "logging_collector": "on",
    "log_directory": "log",
    "log_filename": "postgresql-%a.log",
    "log_truncate_on_rotation": "on",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] %u ",
}


class Server:
    """A running embedded PostgreSQL. `owner_url` is for migrating, `app_url` for everything else."""

    def __init__(
        self, data_dir: Path, places: Places, user: os_user.OsUser, bin_dir: Path, progress: Progress
    ) -> None:
        self.data_dir = data_dir
        self.owner_url = places.owner_url
        self.app_url = places.app_url
        self._places = places
        self._user = user
        self._bin_dir = bin_dir
        self._progress = progress
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it and wait until it answers, however long recovery takes; used again after it died.

        Raises EmbeddedError with the end of PostgreSQL's own log when it stops instead.
        """
        pgdata = Path(self._places.database)
        _stop_leftover(pgdata, self._progress)
        give_up_at = time.monotonic() + LEFTOVER_PATIENCE_SECONDS
        while not self._start_once(pgdata):
            # After a kill -9 of the server itself, its own children need a moment to notice and let go.
            if time.monotonic() > give_up_at:
                raise EmbeddedError(
                    f"Another PostgreSQL still holds {pgdata}. Stop it, then try again.\n"
                    + _end_of_log(pgdata)
                )
            time.sleep(0.5)
        _ensure_database(self._places)

    def stop(self) -> None:
        """Stop it as it should be: connections are ended, what was committed is on disk. Fine when it's gone."""
        if self._process is None:
            return
        for how, patience in (
            (signal.SIGINT, STOP_PATIENCE_SECONDS),  # "fast": end the connections, write a checkpoint
            (signal.SIGQUIT, 10.0),  # "immediate": the next start recovers
            (signal.SIGKILL, 10.0),
        ):
            if self._process.poll() is not None:
                break
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(patience)
        self._process = None

    def _start_once(self, pgdata: Path) -> bool:
        """Start and wait; False when an earlier server's remains hold the data, so that it's worth trying again."""
        with _start_log(pgdata).open("wb") as log:
            os.fchmod(log.fileno(), 0o600)
            self._process = subprocess.Popen(
                [
                    str(self._bin_dir / "postgres"),
                    *("-D", str(pgdata)),
                    *("-c", "listen_addresses="),
                    *("-c", f"unix_socket_directories={self._places.socket}"),
                    *("-c", "unix_socket_permissions=0700"),
                    *("-c", f"port={PORT}"),
                ],
                cwd="/",
                env=_bare_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=dies_with_parent(signal.SIGINT),
                **self._user.popen_options(),
            )
        try:
            return self._wait_until_it_answers(pgdata)
        except BaseException:
            self.stop()
            raise

    def _wait_until_it_answers(self, pgdata: Path) -> bool:
        assert self._process is not None
        began = said = time.monotonic()
        while True:
            try:
                psycopg.connect(self._places.maintenance_url, connect_timeout=5).close()
                return True
            except psycopg.OperationalError as error:
                why = str(error)
            if self._process.poll() is not None:
                log = _end_of_log(pgdata)
                if "pre-existing shared memory block" in log or _locked(log):
                    return False
                raise EmbeddedError(
                    f"PostgreSQL doesn't start. Its log {_start_log(pgdata)} ends with:\n{log}"
                )
            if "password authentication failed" in why:
                raise EmbeddedError(
                    f"The password kept in {self.data_dir / PLACES_NAME} isn't the one of the database in {pgdata}. "
                    "Put both back from one backup, or choose another folder with --data."
                )
            now = time.monotonic()
            if now - began > RECOVERY_PATIENCE_SECONDS:
                raise EmbeddedError(
                    f"PostgreSQL didn't answer within {RECOVERY_PATIENCE_SECONDS / 60:.0f} minutes ({why.strip()}). "
                    f"See {_start_log(pgdata)}."
                )
            if now - said > PROGRESS_EVERY_SECONDS:
                said = now
                self._progress(
                    f"PostgreSQL is putting in order what an interruption left ({now - began:.0f} s)"
                )
            time.sleep(0.05)


@contextlib.contextmanager
def server(data_dir: Path, progress: Progress = lambda _: None) -> Iterator[Server]:
    """A PostgreSQL that runs as long as the block does, with its data for good in or beside `data_dir`.

    The first time it makes the database and two roles: an owner that migrates and one that the service runs as.
    Raises EmbeddedError when another process runs the same folder, or when it doesn't start.
    """
    data_dir = ensure_folder(data_dir)
    with hold(data_dir):
        try:
            saved = saved_places(data_dir)
            user = os_user.for_postgres(
                Path(saved.database) if saved and Path(saved.database).exists() else None
            )
            bin_dir = postgres_binaries.find(user, progress)
        except (os_user.NoUser, postgres_binaries.NoBinaries) as error:
            raise EmbeddedError(str(error)) from error
        places = choose_places(data_dir, saved, user, progress)
        _ensure_initialised(Path(places.database), places, user, bin_dir, progress)
        this = Server(data_dir, places, user, bin_dir, progress)
        try:
            this.start()
            yield this
        finally:
            this.stop()


@contextlib.contextmanager
def borrow(data_dir: Path, progress: Progress = lambda _: None) -> Iterator[Places]:
    """The addresses of the database of `data_dir`: of the one that runs, or of one started for this block alone.

    Raises EmbeddedError when there is no database there, or it can't be reached.
    """
    places = saved_places(data_dir)
    if places is None:
        raise EmbeddedError(
            f"There is no database in {data_dir} yet. 'besluitspoor run --data {data_dir}' makes one; "
            "or give the address of a database of your own in DATABASE_URL."
        )
    give_up_at = time.monotonic() + LEFTOVER_PATIENCE_SECONDS
    with contextlib.ExitStack() as stack:
        while running(data_dir) is None:
            try:
                stack.enter_context(server(data_dir, progress))
                break
            except _Locked:  # somebody is starting or stopping it at this moment
                if time.monotonic() > give_up_at:
                    raise
                time.sleep(0.2)
        yield saved_places(data_dir) or places


@contextlib.contextmanager
def throwaway(progress: Progress = lambda _: None) -> Iterator[Server]:
    """A PostgreSQL on data that are thrown away after the block; for tests and measurements."""
    parent = Path(tempfile.mkdtemp(prefix="besluitspoor-", dir="/tmp"))  # where PostgreSQL's user may go too
    try:
        parent.chmod(0o711)
        with server(parent / "data", progress) as this:
            yield this
    finally:
        shutil.rmtree(parent, ignore_errors=True)


def running(data_dir: Path) -> Places | None:
    """How to reach the database of `data_dir`, when it answers at this moment."""
    places = saved_places(data_dir)
    if places is None:
        return None
    try:
        psycopg.connect(places.app_url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return None
    return places


class _Locked(EmbeddedError):
    """Another process runs this folder."""


@contextlib.contextmanager
def hold(data_dir: Path) -> Iterator[None]:
    """Held by one process at a time, and let go by the system itself when that process dies."""
    path = data_dir / "running.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip() or "unknown"
            raise _Locked(
                f"The data in {data_dir} are in use by another 'besluitspoor' (process {holder}). "
                "Stop that one first, or choose another folder with --data."
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _ensure_initialised(
    pgdata: Path, places: Places, user: os_user.OsUser, bin_dir: Path, progress: Progress
) -> None:
    """Make the database's files when they aren't there. Made beside and then renamed: all there or not there."""
    version = pgdata / "PG_VERSION"
    if version.exists():
        found = version.read_text(encoding="ascii").strip()
        if found != str(postgres_binaries.MAJOR):
            raise EmbeddedError(
                f"The database in {pgdata} is of PostgreSQL {found}, and this is PostgreSQL {postgres_binaries.MAJOR}. "
                "Dump it with the version that made it (pg_dump) and load it into a new folder."
            )
        return
    progress("Making the database (once)")
    beside = pgdata.with_name("postgres.new")
    shutil.rmtree(beside, ignore_errors=True)
    private_folder(beside, user)
    password_file = pgdata.with_name("postgres.password")
    write_private(password_file, places.owner_password + "\n")
    user.own(password_file)
    settings = [part for name, value in FIRST_SETTINGS.items() for part in ("-c", f"{name}={value}")]
    try:
        done = subprocess.run(
            [
                str(bin_dir / "initdb"),
                *("-D", str(beside)),
                *("-U", OWNER_ROLE),
                f"--pwfile={password_file}",
                *("--auth-local=scram-sha-256", "--auth-host=scram-sha-256"),
                # The builtin provider sorts and folds case the same way on every machine.
                *("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                "--no-instructions",
                *settings,
            ],
            cwd="/",
            env=_bare_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            **user.popen_options(),
        )
    finally:
        password_file.unlink(missing_ok=True)
    if done.returncode != 0:
        shutil.rmtree(beside, ignore_errors=True)
        raise EmbeddedError(f"PostgreSQL can't make its files in {pgdata.parent}:\n{done.stdout.strip()}")
    beside.rename(pgdata)


def _ensure_database(places: Places) -> None:
    """The runtime role and the database, made when they aren't there; a half-done first start is finished here."""
    with psycopg.connect(places.maintenance_url, autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (APP_ROLE,)).fetchone() is None:
            # Encrypted here, so that the password itself never crosses the line or lands in a log.
            encrypted = connection.pgconn.encrypt_password(places.app_password.encode(), APP_ROLE.encode())
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {}").format(
                    sql.Identifier(APP_ROLE), sql.Literal(encrypted.decode())
                )
            )
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
        connection.execute(
            sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(DATABASE)),
        )
        connection.execute(
            sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}").format(
                sql.Identifier(DATABASE), sql.Identifier(APP_ROLE)
            )
        )


def _locked(log: str) -> bool:
    """Did it not start because another server has its lock file? Not being able to write one is another matter."""
    return re.search(r'lock file "[^"]*" already exists', log) is not None


def _stop_leftover(pgdata: Path, progress: Progress) -> None:
    """Stop a server that outlived us on these data, and clear a lock file that names some other process.

    We hold the folder's lock, so a PostgreSQL on it belongs to nobody. PostgreSQL itself can't tell when the process
    number in its lock file was given to another program since.
    """
    lock_file = pgdata / "postmaster.pid"
    try:
        pid = int(lock_file.read_text(encoding="utf-8", errors="replace").split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return
    if not _is_postgres_on(pid, pgdata):
        lock_file.unlink(missing_ok=True)
        return
    progress("An interrupted run left its PostgreSQL running: stopping that one first")
    for how, patience in ((signal.SIGINT, LEFTOVER_PATIENCE_SECONDS), (signal.SIGQUIT, 20.0)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, how)
        give_up_at = time.monotonic() + patience
        while time.monotonic() < give_up_at:
            if not _is_postgres_on(pid, pgdata):
                return
            time.sleep(0.05)
    raise EmbeddedError(
        f"A PostgreSQL (process {pid}) still runs on {pgdata} and doesn't stop. Stop it, then try again."
    )


def _is_postgres_on(pid: int, pgdata: Path) -> bool:
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            return os.fsencode(pgdata) in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        return False
    listed = subprocess.run(["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True)
    return str(pgdata) in listed.stdout


def _start_log(pgdata: Path) -> Path:
    return pgdata.with_name("postgres-start.log")


def _end_of_log(pgdata: Path) -> str:
    """The last lines of what PostgreSQL wrote: where it writes before its own log is open, and in that log."""
    logs = [
        _start_log(pgdata),
        *sorted((pgdata / "log").glob("*.log"), key=lambda path: path.stat().st_mtime)[-1:],
    ]
    lines: list[str] = []
    for path in logs:
        with contextlib.suppress(OSError):
            lines += path.read_text(encoding="utf-8", errors="replace").splitlines()[-8:]
    return "\n".join(f"  {line}" for line in lines)


def _bare_environment() -> dict[str, Any]:
    """Nothing of ours: PGDATA, PGPORT and their like would change what the server does."""
    return {"PATH": os.defpath, "LC_ALL": "C"}
