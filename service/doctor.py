"""What is wrong with this setup, and how is it mended? Looks at everything a running service needs; changes nothing."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import psycopg
from psycopg.conninfo import conninfo_to_dict

from domain.definition import from_definition
from service import embedded
from service.keeping_up import LATE_SECONDS, folding, notifying, publishing, unreadable, without_courier
from service.messaging import inspecting
from service.messaging.broker import connected
from service.messaging.channels import CHANNELS
from service.migrate import migration_names
from service.own_secrets import SECRET_NAME, is_private
from service.settings import Settings, SettingsError
from service.supervise import mail_into_folder

__all__ = ["Check", "State", "examine", "report"]

State = Literal["ok", "warn", "fail"]
Say = Callable[[str], None]
Database = psycopg.Connection[tuple[Any, ...]]

GIBIBYTE = 1024**3
LITTLE_DISK, TOO_LITTLE_DISK = 2 * GIBIBYTE, GIBIBYTE // 4
CLOCK_SKEW_SECONDS = 2.0
LATE_DELIVERY_SECONDS = 120.0
"""Longer than what is due waits, unless a program that it is for does not answer: that takes one at a time."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at: how it is, in a sentence, and what mends it when it isn't well."""

    name: str
    state: State
    sentence: str


def report(data_dir: Path, environ: Mapping[str, str], say: Say) -> State:
    """Look at everything, say each finding as it comes, and answer the worst state."""
    states: set[State] = set()
    for check in examine(data_dir, environ):
        states.add(check.state)
        say(f"{check.state:<4}  {check.name}: {check.sentence}")
    if "fail" in states:
        say("Something is broken; the lines that begin with 'fail' say how to mend it.")
        return "fail"
    if "warn" in states:
        say("It works, but look at the lines that begin with 'warn'.")
        return "warn"
    say("All is well.")
    return "ok"


def examine(data_dir: Path, environ: Mapping[str, str]) -> Iterator[Check]:
    """Every finding, from the outside in; what can't be looked at because of an earlier failure is left out."""
    with contextlib.ExitStack() as stack:
        full = dict(environ)
        yield from _folder(data_dir, full)
        if not full.get("DATABASE_URL", "").strip():
            try:
                was_running = embedded.running(data_dir) is not None
                places = stack.enter_context(embedded.borrow(data_dir))
            except embedded.EmbeddedError as error:
                yield Check("database", "fail", str(error))
                return
            full["DATABASE_URL"], full["DATABASE_OWNER_URL"] = places.app_url, places.owner_url
            mail_into_folder(full, data_dir)
            if not full.get("SECRET") and not full.get("SECRET_FILE"):
                yield Check(
                    "secrets",
                    "fail",
                    f"{data_dir / SECRET_NAME} is gone. Put it back from a backup; without one, 'besluitspoor run' "
                    "makes another, and requests sent before can't be recognised any more.",
                )
                return
            if not was_running:
                yield Check(
                    "service", "warn", f"It isn't running. Start it: besluitspoor run --data {data_dir}"
                )
        try:
            settings = Settings.from_environment(full)
        except SettingsError as error:
            yield Check("settings", "fail", str(error))
            return
        yield Check("settings", "ok", "They are complete and readable.")
        try:
            database = stack.enter_context(
                psycopg.connect(settings.database_url, autocommit=True, connect_timeout=5)
            )
        except psycopg.OperationalError as error:
            yield Check("database", "fail", _unreachable(settings, error))
            return
        yield from _database(database, settings)
        yield from _inside(database, settings)
        yield _broker(settings)
        yield _mail(settings)


def _folder(data_dir: Path, environ: dict[str, str]) -> Iterator[Check]:
    """The data folder: rights and room. Completes `environ` with the secret that is kept there."""
    own = data_dir / SECRET_NAME
    if not environ.get("SECRET") and not environ.get("SECRET_FILE") and own.exists():
        environ["SECRET_FILE"] = str(own)
    secret = [Path(environ["SECRET_FILE"])] if environ.get("SECRET_FILE") else []
    for path in {*secret, own, data_dir / embedded.PLACES_NAME}:
        if path.exists() and not is_private(path):
            yield Check("secrets", "fail", f"Others may read {path}. Close it: chmod 600 '{path}'")
    for place in {
        folder for folder in (data_dir, _database_folder(data_dir)) if folder is not None and folder.exists()
    }:
        free = shutil.disk_usage(place).free
        sentence = f"{free / GIBIBYTE:.1f} GiB free for {place}."
        if free < TOO_LITTLE_DISK:
            yield Check("disk", "fail", f"{sentence} Make room now: PostgreSQL stops when the disk is full.")
        elif free < LITTLE_DISK:
            yield Check("disk", "warn", f"{sentence} Make room soon: the log only grows.")
        else:
            yield Check("disk", "ok", sentence)


def _database_folder(data_dir: Path) -> Path | None:
    with contextlib.suppress(embedded.EmbeddedError, OSError):
        places = embedded.saved_places(data_dir)
        return Path(places.database).parent if places is not None else None
    return None


def _unreachable(settings: Settings, error: Exception) -> str:
    known = conninfo_to_dict(settings.database_url)
    where = f"{known.get('host', 'the local socket')}:{known.get('port', 5432)}/{known.get('dbname', '')}"
    return (
        f"The database at {where} doesn't let us in ({str(error).strip()}). Is PostgreSQL running there, and are the "
        "host, the role and the password in DATABASE_URL right?"
    )


def _database(database: Database, settings: Settings) -> Iterator[Check]:
    version = database.info.server_version
    if 150000 <= version < 190000:
        yield Check("database", "ok", f"PostgreSQL {version // 10000}.{version % 10000} answers.")
    else:
        yield Check("database", "fail", f"This is PostgreSQL {version // 10000}; use one of 15 to 18.")
    theirs = _one(database, "SELECT clock_timestamp()")
    skew = abs((theirs - datetime.now(UTC)).total_seconds())
    if skew > CLOCK_SKEW_SECONDS:
        yield Check(
            "clock",
            "warn",
            f"This machine and the database's differ by {skew:.0f} s. Let both follow a time server (NTP): what is "
            "recorded bears the database's time, and 'today' is this machine's.",
        )
    else:
        yield Check("clock", "ok", "This machine and the database agree on the time.")
    role, power = database.execute(
        "SELECT rolname, rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
    ).fetchone() or ("", False)
    owner = _one(
        database,
        "SELECT pg_get_userbyid(c.relowner) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = 'log' AND c.relname = 'events'",
    )
    if power or owner == role or _one(database, "SELECT pg_has_role(current_user, %s, 'member')", owner):
        yield Check(
            "roles",
            "fail",
            f"The service runs as {role}, who could change the log. Give DATABASE_URL a role without rights of its "
            "own (besluitspoor_app; 'besluitspoor migrate' makes it) and the owner's address in DATABASE_OWNER_URL.",
        )
    elif owner is not None:
        yield Check("roles", "ok", f"{role} runs the service, {owner} owns the log.")


def _inside(database: Database, settings: Settings) -> Iterator[Check]:
    """What the tables say, if they are there."""
    if _one(database, "SELECT to_regclass('log.events')") is None:
        yield Check("tables", "fail", "They aren't there. Make them: besluitspoor migrate")
        return
    missing = _missing_migrations(settings)
    if missing is None:
        yield Check(
            "tables",
            "warn",
            "Whether they are up to date can't be seen without DATABASE_OWNER_URL; set it and look again.",
        )
    elif missing:
        yield Check("tables", "fail", f"{', '.join(missing)} must still be applied: besluitspoor migrate")
    else:
        yield Check("tables", "ok", "They are up to date.")
    for look in (_views, _outbox, _notices, _deliveries):
        try:
            yield from look(database)
        except psycopg.Error as error:
            yield Check(
                "tables", "fail", f"{_first_line(error)}. Bring them up to date: besluitspoor migrate"
            )
    if _one(database, "SELECT 1 FROM log.events WHERE originator_id LIKE 'programme-%' LIMIT 1") is None:
        yield Check(
            "programmes",
            "fail",
            "None is published, so nobody can submit: besluitspoor programme publish FILE",
        )
    else:
        unreachable = _unreachable_bodies(database)
        yield from unreachable
        if not unreachable:
            yield Check("programmes", "ok", "There are published programmes.")
    try:
        people = int(_one(database, "SELECT count(*) FROM vault.people") or 0)
    except psycopg.Error as error:
        yield Check(
            "people", "fail", f"{_first_line(error)}. Bring the tables up to date: besluitspoor migrate"
        )
        return
    if people == 0:
        yield Check(
            "people", "warn", "Nobody can sign in yet. Begin with: besluitspoor person add --role admin ..."
        )
    else:
        yield Check("people", "ok", f"{people} can sign in.")


def _unreachable_bodies(database: Database) -> list[Check]:
    """Which bodies take decisions, but have no address in the version in force to send an objection to?"""
    definitions = database.execute(
        """SELECT DISTINCT ON (originator_id) convert_from(state, 'UTF8')::jsonb #> '{event,definition}'
        FROM log.events WHERE originator_id LIKE 'programme-%' ORDER BY originator_id, originator_version DESC"""
    ).fetchall()
    return [
        Check(
            "programmes",
            "warn",
            f"Letters of {programme.code} say that one can object to {', '.join(body.name.nl for body in bodies)}, and "
            "not where. Publish a new version with the address (keys 'address' and 'email' of the body).",
        )
        for programme in (from_definition(definition) for (definition,) in definitions)
        if (bodies := programme.unreachable())
    ]


def _missing_migrations(settings: Settings) -> list[str] | None:
    """The migrations that aren't applied; None when only the owner could tell and its address isn't known."""
    with (
        contextlib.suppress(psycopg.Error),
        psycopg.connect(settings.database_owner_url, connect_timeout=5) as owner,
    ):
        known = {name for (name,) in owner.execute("SELECT name FROM meta.migrations").fetchall()}
        return [name for name in migration_names() if name not in known]
    return None


def _views(database: Database) -> Iterator[Check]:
    frozen = database.execute(
        "SELECT view, stream, position, error FROM views.frozen ORDER BY since, view, stream LIMIT 20"
    ).fetchall()
    for view, stream, position, error in frozen:
        yield Check(
            "views",
            "fail",
            f"{view} stopped at event {position} for {stream} ({error}). Once the cause is mended: "
            f"besluitspoor rebuild {view} --key {stream}",
        )
    rebuilt = database.execute("SELECT name FROM views.registry WHERE version = 0 ORDER BY name").fetchall()
    for (view,) in rebuilt:
        yield Check(
            "views", "warn", f"{view} is being rebuilt. If that doesn't end: besluitspoor rebuild {view}"
        )
    behind = folding(database)
    if not behind.followed:
        yield Check(
            "views",
            "warn",
            f"Nobody folds events into them ({behind.events} wait). Start the worker: besluitspoor worker",
        )
    elif behind.seconds > LATE_SECONDS:
        yield Check(
            "views",
            "warn",
            f"They are {behind.events} events behind, the first of which came {behind.seconds:.0f} s ago. If they "
            "don't catch up, see what the worker says ('folding interrupted').",
        )
    elif not frozen:
        yield Check("views", "ok", "They keep up with the log.")


def _outbox(database: Database) -> Iterator[Check]:
    behind = publishing(database)
    error = unreadable(database, behind.position + 1)
    if error is not None:
        yield Check(
            "publisher",
            "fail",
            f"Event {behind.position + 1} can't be read ({error}), and {behind.events} events wait for that. "
            "Install the version of the service that recorded it.",
        )
    elif not behind.followed:
        yield Check(
            "publisher",
            "warn",
            f"Nobody publishes events ({behind.events} wait). If the worker runs, see what it says ('publishing "
            "interrupted'); else start it: besluitspoor worker",
        )
    elif behind.seconds > LATE_SECONDS:
        yield Check(
            "publisher",
            "warn",
            f"{behind.events} events wait to be published, from {behind.position + 1} on, which came "
            f"{behind.seconds:.0f} s ago. See what the worker says ('publishing interrupted').",
        )
    else:
        yield Check("publisher", "ok", "Events reach the broker.")


def _notices(database: Database) -> Iterator[Check]:
    behind = notifying(database)
    aside = database.execute(
        "SELECT position, stream, error FROM ledger.set_aside ORDER BY position LIMIT 20"
    ).fetchall()
    for position, stream, error in aside:
        yield Check(
            "notifier",
            "fail",
            f"Nobody was told of event {position} of {stream} ({error}). Once the cause is mended, start the worker "
            "again: it tells of what was set aside.",
        )
    if not behind.followed:
        yield Check(
            "notifier",
            "warn",
            f"Nobody makes notices of what happens ({behind.events} events wait), and nobody sees which terms and "
            "digests are due. If the worker runs, see what it says ('notifying interrupted'); else start it: "
            "besluitspoor worker",
        )
    elif behind.seconds > LATE_SECONDS:
        yield Check(
            "notifier",
            "warn",
            f"{behind.events} events wait to be told, the first of which came {behind.seconds:.0f} s ago. See what "
            "the worker says ('notifying interrupted').",
        )
    elif not aside:
        yield Check("notifier", "ok", "People are told of what happens.")


def _deliveries(database: Database) -> Iterator[Check]:
    well = True
    nobody = without_courier(database, CHANNELS)
    if nobody:
        well = False
        yield Check(
            "deliveries",
            "warn",
            f"Nobody delivers over {', '.join(sorted(nobody))}. If the worker runs, see what it says ('delivering "
            "interrupted'); else start it: besluitspoor worker",
        )
    given_up: dict[str, int] = {}
    for each in inspecting.counts(database):
        if each.state in inspecting.GIVEN_UP:
            given_up[each.channel] = given_up.get(each.channel, 0) + each.number
    if given_up:
        well = False
        said = ", ".join(f"{number} over {channel}" for channel, number in sorted(given_up.items()))
        yield Check(
            "deliveries",
            "warn",
            f"What did not arrive: {said}. See which and why: besluitspoor deliveries list --state dead (or bounced). "
            "Once the cause is mended: besluitspoor deliveries resend --all-dead",
        )
    late = _one(
        database,
        "SELECT extract(epoch FROM now() - least("
        "(SELECT min(d.due_at) FROM ledger.deliveries d LEFT JOIN ledger.subscriptions s ON s.id = d.recipient "
        "WHERE d.state = 'waiting' AND d.channel = ANY(%s) AND coalesce(s.failures, 0) = 0), "
        "(SELECT min(queued_at) FROM ledger.deliveries WHERE state = 'queued')))::float",
        list(CHANNELS),
    )
    if late is not None and late > LATE_DELIVERY_SECONDS:
        well = False
        yield Check(
            "deliveries",
            "warn",
            f"What should have gone {late:.0f} s ago still waits. See which: besluitspoor deliveries list --state "
            "waiting (or queued), and what the worker says ('dispatching interrupted').",
        )
    if well:
        yield Check("deliveries", "ok", "What is due goes out, and nothing was given up.")


def _mail(settings: Settings) -> Check:
    if settings.smtp_url:
        where = settings.smtp_url.rsplit("@", 1)[-1].rsplit("/", 1)[-1]
        return Check("mail", "ok", f"It goes to the mail server ({where}).")
    if settings.mail_folder:
        return Check(
            "mail", "ok", f"It is written into the folder {settings.mail_folder}; with SMTP_URL it goes out."
        )
    return Check(
        "mail",
        "warn",
        "It waits: set SMTP_URL to the mail server, or MAIL_FOLDER to a folder to write it into.",
    )


def _broker(settings: Settings) -> Check:
    where = settings.broker_url.rsplit("@", 1)[-1] or "pgmq on the database"
    try:
        with connected(settings):
            return Check("broker", "ok", f"It answers ({where}).")
    except Exception as error:  # every transport has errors of its own
        return Check(
            "broker",
            "fail",
            f"{where} doesn't let us in ({_first_line(error)}). Is it running, and is BROKER_URL right? Without "
            "BROKER_URL the queue in the database is used.",
        )


def _one(database: Database, query: str, *values: object) -> Any:
    row = database.execute(query.encode(), values or None).fetchone()
    return row[0] if row is not None else None


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__).rstrip(".")
