"""What does `besluitspoor run` do? It starts everything, keeps it running, and stops it in order.

Database, migrations, programmes, web and worker; and in demo mode the demo's people and cases.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from service import embedded
from service.children import Child, GaveUp, stop_in_order, watch
from service.own_secrets import ensure_secret
from service.settings import Settings
from service.webserver import MULTIPROCESS_VARIABLE, check_port
from service.worker import child_environ, own_command

__all__ = ["Wanted", "mail_into_folder", "run"]

ANSWER_PATIENCE_SECONDS = 120.0
# Only migrate needs it; a web process that is broken into must not find the owner's password.
NOT_FOR_CHILDREN = ("DATABASE_OWNER_URL",)

Say = Callable[[str], None]


@dataclass(frozen=True)
class Wanted:
    """What the person at the terminal asked for."""

    data_dir: Path
    host: str
    port: int
    demo: bool


class _Stopped(BaseException):
    """Somebody asked to stop while things were still being set up."""


class _StopRequests:
    """Remembers that somebody asked to stop; while `interrupting`, it also breaks off what is going on."""

    def __init__(self) -> None:
        self.requested = False
        self._interrupts = False

    def listen(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._handle)

    @contextlib.contextmanager
    def interrupting(self) -> Iterator[None]:
        self._interrupts = True
        try:
            if self.requested:
                raise _Stopped
            yield
        finally:
            self._interrupts = False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.requested = True
        if self._interrupts:
            self._interrupts = False
            raise _Stopped


def run(wanted: Wanted, environ: Mapping[str, str], say: Say) -> None:
    """Start all of it and look after it until SIGINT, SIGTERM or SIGHUP.

    Raises PortTaken, EmbeddedError, SettingsError or GaveUp with a sentence for the person at the terminal.
    """
    check_port(wanted.host, wanted.port)
    stop = _StopRequests()
    stop.listen()
    with contextlib.ExitStack() as stack:
        try:
            with stop.interrupting():
                server, full = _database(wanted, environ, stack, say)
                settings = Settings.from_environment(full)
                _prepare(settings, say)
        except _Stopped:
            say("Stopped before it was ready")
            return
        _look_after(wanted, settings, full, server, stop, say)


def mail_into_folder(environ: dict[str, str], data_dir: Path) -> None:
    """Where nothing says how mail leaves, it is written into the data folder."""
    if not environ.get("SMTP_URL", "").strip() and not environ.get("MAIL_FOLDER", "").strip():
        environ["MAIL_FOLDER"] = str((data_dir / "outbox").absolute())


def _database(
    wanted: Wanted, environ: Mapping[str, str], stack: contextlib.ExitStack, say: Say
) -> tuple[embedded.Server | None, dict[str, str]]:
    """The database (ours, unless DATABASE_URL names another) and the environment that all parts share."""
    data_dir = embedded.ensure_folder(wanted.data_dir)
    full = dict(environ)
    if not full.get("SECRET") and not full.get("SECRET_FILE"):
        full["SECRET_FILE"] = str(ensure_secret(data_dir))
    full["BESLUITSPOOR_DEMO"] = "1" if wanted.demo else environ.get("BESLUITSPOOR_DEMO", "")
    full.setdefault("PUBLIC_URL", _address(wanted))
    mail_into_folder(full, data_dir)
    server: embedded.Server | None = None
    if full.get("DATABASE_URL", "").strip():
        stack.enter_context(embedded.hold(data_dir))
        say("Using the database of DATABASE_URL")
    else:
        say("Starting PostgreSQL")
        server = stack.enter_context(embedded.server(data_dir, say))
        full["DATABASE_URL"] = server.app_url
        full["DATABASE_OWNER_URL"] = server.owner_url
    metrics_dir = data_dir / "metrics"  # of processes that are gone
    shutil.rmtree(metrics_dir, ignore_errors=True)
    metrics_dir.mkdir(mode=0o700)
    full[MULTIPROCESS_VARIABLE] = str(metrics_dir)
    return server, full


def _prepare(settings: Settings, say: Say) -> None:
    from service import migrate, publishing

    say("Bringing the tables up to date")
    migrate.migrate(settings)
    publishing.publish_bundled(settings, say)
    if settings.demo:
        from service.demo.people import prepare

        prepare(settings)


def _look_after(
    wanted: Wanted,
    settings: Settings,
    full: Mapping[str, str],
    server: embedded.Server | None,
    stop: _StopRequests,
    say: Say,
) -> None:
    shared = child_environ({name: value for name, value in full.items() if name not in NOT_FOR_CHILDREN})
    web = Child("web", own_command("web", "--host", wanted.host, "--port", str(wanted.port)), shared)
    worker = Child("worker", own_command("worker"), shared)
    replay = Child(
        "demo", own_command("demo-replay", "--url", _address(wanted)), shared, patience=5, once=True
    )
    children = [web, worker, replay]

    def database_too() -> None:
        if server is not None and not server.alive() and not stop.requested:
            say("PostgreSQL stopped; starting it again")
            server.start()

    try:
        say("Starting web and worker")
        web.start()
        worker.start()
        answers = _Answers(_address(wanted))
        watch([web, worker], lambda: stop.requested or answers.yet(), say, database_too)
        if not stop.requested:
            _say_where(wanted, settings, say)
            if settings.demo:
                replay.start()
            watch(children, lambda: stop.requested, say, database_too)
    finally:
        say("Stopping")
        stop_in_order([replay, web, worker])


class _Answers:
    """Whether the web answers at last; raises GaveUp when that takes too long."""

    def __init__(self, address: str) -> None:
        self._url = f"{address}/health/live"
        self._give_up_at = time.monotonic() + ANSWER_PATIENCE_SECONDS

    def yet(self) -> bool:
        # Never through a proxy that the environment names: this is our own machine.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(self._url, timeout=2) as answer:
                if answer.status == 200:
                    return True
        except (OSError, urllib.error.URLError):
            pass
        if time.monotonic() > self._give_up_at:
            raise GaveUp(
                f"The web didn't answer at {self._url} within {ANSWER_PATIENCE_SECONDS:.0f} s. What it wrote above "
                "says why; 'besluitspoor doctor' looks for the usual causes."
            )
        return False


def _address(wanted: Wanted) -> str:
    """Where this machine itself finds the web."""
    host = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "[::1]"}.get(wanted.host, wanted.host)
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    return f"http://{host}:{wanted.port}"


def _say_where(wanted: Wanted, settings: Settings, say: Say) -> None:
    say("")
    say(f"Besluitspoor serves on {_address(wanted)}")
    say(f"  the API, to read and to try:  {_address(wanted)}/api/v1/docs")
    if settings.demo:
        from service.demo.people import DEMO_PEOPLE, PASSWORD

        say(f"  to sign in, with the password {PASSWORD}:")
        for person in DEMO_PEOPLE:
            say(f"    {person.email:<26}{person.name}")
        say("  The demo's cases are being replayed through the API; the first time that takes a moment.")
    say("Ctrl-C stops all of it.")
    say("")
