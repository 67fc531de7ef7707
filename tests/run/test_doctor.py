"""Does the doctor find what is wrong, and say what mends it?"""

from __future__ import annotations

import re
import shutil
import socket
import threading
import time
from collections import namedtuple
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from service import doctor, embedded, fold, publishing
from service.identity import people
from service.keeping_up import LEADER_LOCK, NOTIFIER_LOCK, PUBLISHER
from service.messaging import courier, ledger, notifier, publisher
from service.messaging.ledger import Making, Planned
from service.own_secrets import ensure_secret
from service.programmes import bundled, read_bundled
from service.settings import Settings
from tests.commands.office import ADMIN, office_of
from tests.web.oidc_provider import provider_for

Worker = Callable[[Settings, threading.Event], None]


@pytest.fixture
def environ(settings: Settings, tmp_path: Path) -> dict[str, str]:
    """The environment of a healthy service, as somebody sets it up on a database of their own."""
    return {
        "DATABASE_URL": settings.database_url,
        "DATABASE_OWNER_URL": settings.database_owner_url,
        "SECRET_FILE": str(ensure_secret(tmp_path)),
        "MAIL_FOLDER": str(tmp_path / "outbox"),
    }


@pytest.fixture
def healthy(settings: Settings, environ: dict[str, str]) -> dict[str, str]:
    with office_of(settings) as office:
        for name in bundled():
            programme = read_bundled(name)
            bodies = tuple(replace(body, address=("Postbus 0000",)) for body in programme.bodies)
            publishing.publish(office.parts, ADMIN, replace(programme, version=2, bodies=bodies))
    with psycopg.connect(settings.database_url) as connection:
        people.add(connection, email="a@example.org", name="A", roles=["admin"])
    return environ


@pytest.fixture
def empty(admin_url: str) -> Iterator[str]:
    """An address of a database with nothing in it."""
    name = f"test_{uuid4().hex[:12]}"
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield make_conninfo(admin_url, dbname=name)
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def look(data_dir: Path, environ: dict[str, str]) -> dict[str, doctor.Check]:
    """The worst finding of each name."""
    found: dict[str, doctor.Check] = {}
    order = ["ok", "warn", "fail"]
    for check in doctor.examine(data_dir, environ):
        before = found.get(check.name)
        if before is None or order.index(check.state) > order.index(before.state):
            found[check.name] = check
    return found


def failing(found: dict[str, doctor.Check]) -> dict[str, str]:
    return {name: check.sentence for name, check in found.items() if check.state == "fail"}


@contextmanager
def at_work(settings: Settings, *workers: Worker) -> Iterator[None]:
    """These workers, each in a thread, and at it."""
    stop = threading.Event()
    threads = [threading.Thread(target=worker, args=(settings, stop)) for worker in workers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()


def look_until(state: str, name: str, data_dir: Path, environ: dict[str, str]) -> doctor.Check:
    """The finding of this name, once it has this state."""
    deadline = time.monotonic() + 20
    while (found := look(data_dir, environ)[name]).state != state:
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
    return found


def test_healthy(settings: Settings, healthy: dict[str, str], tmp_path: Path) -> None:
    said: list[str] = []
    with at_work(settings, fold.run, publisher.run, notifier.run, courier.run):
        for name in ("views", "publisher", "notifier", "deliveries"):
            look_until("ok", name, tmp_path, healthy)
        give_up_at = time.monotonic() + 60
        while doctor.report(tmp_path, healthy, said.append) != "ok":  # for a moment, on a busy machine
            assert time.monotonic() < give_up_at, said
            said.clear()
    assert said[-1] == "All is well."
    for name in (
        "settings",
        "database",
        "clock",
        "roles",
        "tables",
        "views",
        "publisher",
        "notifier",
        "deliveries",
        "programmes",
        "people",
        "broker",
        "mail",
    ):
        assert any(line.startswith(f"ok    {name}: ") for line in said), name


def test_nothing_there(tmp_path: Path) -> None:
    found = look(tmp_path / "nothing", {})
    assert list(failing(found)) == ["database"]
    assert "besluitspoor run --data" in found["database"].sentence
    assert not (tmp_path / "nothing").exists()


def test_database_that_does_not_answer(environ: dict[str, str], tmp_path: Path) -> None:
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        port = nobody_listens.getsockname()[1]
        environ["DATABASE_URL"] = f"postgresql://app:secret-word@127.0.0.1:{port}/besluitspoor"
        found = look(tmp_path, environ)
    assert f"127.0.0.1:{port}/besluitspoor" in failing(found)["database"]
    assert "secret-word" not in failing(found)["database"]


def test_missing_secret(environ: dict[str, str], tmp_path: Path) -> None:
    del environ["SECRET_FILE"]
    found = look(tmp_path / "elsewhere", environ)
    assert "SECRET_FILE" in failing(found)["settings"]


def test_secret_that_others_may_read(healthy: dict[str, str], tmp_path: Path) -> None:
    Path(healthy["SECRET_FILE"]).chmod(0o644)
    assert failing(look(tmp_path, healthy))["secrets"].endswith(f"chmod 600 '{healthy['SECRET_FILE']}'")


def test_empty_database(environ: dict[str, str], empty: str, tmp_path: Path) -> None:
    environ["DATABASE_URL"] = environ["DATABASE_OWNER_URL"] = empty
    assert failing(look(tmp_path, environ))["tables"] == "They aren't there. Make them: besluitspoor migrate"


def test_service_that_runs_as_the_owner_of_the_log(healthy: dict[str, str], tmp_path: Path) -> None:
    healthy["DATABASE_URL"] = healthy["DATABASE_OWNER_URL"]
    assert "could change the log" in failing(look(tmp_path, healthy))["roles"]


def test_missing_migration(settings: Settings, healthy: dict[str, str], tmp_path: Path) -> None:
    with psycopg.connect(settings.database_owner_url) as connection:
        connection.execute("DELETE FROM meta.migrations WHERE name LIKE '0300%'")
    assert (
        "0300_outbox.sql must still be applied: besluitspoor migrate"
        in failing(look(tmp_path, healthy))["tables"]
    )


def test_frozen_document(settings: Settings, healthy: dict[str, str], tmp_path: Path) -> None:
    with psycopg.connect(settings.database_url) as connection:
        connection.execute("INSERT INTO views.frozen VALUES ('status', 'proposal-1', 7, 'KeyError: stage')")
    sentence = failing(look(tmp_path, healthy))["views"]
    assert "status stopped at event 7 for proposal-1 (KeyError: stage)" in sentence
    assert "besluitspoor rebuild status --key proposal-1" in sentence


def test_nobody_folds_and_nobody_publishes(
    settings: Settings, healthy: dict[str, str], tmp_path: Path
) -> None:
    found = look(tmp_path, healthy)
    assert "Nobody folds" in found["views"].sentence
    assert "Nobody publishes" in found["publisher"].sentence
    with at_work(settings, fold.run):
        look_until("ok", "views", tmp_path, healthy)
        assert "Nobody publishes" in look(tmp_path, healthy)["publisher"].sentence


def test_nobody_notifies_and_nobody_delivers(
    settings: Settings, healthy: dict[str, str], tmp_path: Path
) -> None:
    found = look(tmp_path, healthy)
    assert "Nobody makes notices" in found["notifier"].sentence
    assert "Nobody delivers over email, letter, queue, webhook" in found["deliveries"].sentence
    with at_work(settings, lambda settings, stop: courier.run(settings, stop, only=["email", "letter"])):
        deadline = time.monotonic() + 20
        while "over queue, webhook" not in look(tmp_path, healthy)["deliveries"].sentence:
            assert time.monotonic() < deadline


def deliveries(settings: Settings, *states: str, due: str = "now") -> None:
    """Deliveries by mail in these states, which were due at this moment."""
    with psycopg.connect(settings.database_url) as connection:
        making = Making("test:1", "test", 0, "proposal-1", "normal", {}, datetime.now(UTC))
        planned = [Planned(f"person-{n}", "email", "watcher", state) for n, state in enumerate(states)]
        ledger.add(connection, [(making, planned)])
        connection.execute("UPDATE ledger.deliveries SET due_at = %s, queued_at = %s", (due, due))


def test_what_did_not_arrive_is_counted_and_can_be_sent_once_more(
    settings: Settings, healthy: dict[str, str], tmp_path: Path
) -> None:
    deliveries(settings, "dead", "dead", "bounced", "sent")
    with at_work(settings, courier.run):
        sentence = look_until("warn", "deliveries", tmp_path, healthy).sentence
        deadline = time.monotonic() + 20
        while "Nobody" in sentence:
            assert time.monotonic() < deadline
            sentence = look(tmp_path, healthy)["deliveries"].sentence
    assert sentence.startswith("What did not arrive: 3 over email.")
    assert "besluitspoor deliveries resend --all-dead" in sentence


def test_deliveries_that_should_have_gone(
    settings: Settings, healthy: dict[str, str], tmp_path: Path
) -> None:
    deliveries(settings, "waiting", due="2026-01-05")
    sentences = [check.sentence for check in doctor.examine(tmp_path, healthy) if check.name == "deliveries"]
    assert any("still waits" in sentence for sentence in sentences)


def test_an_event_that_nobody_was_told_of(
    settings: Settings, healthy: dict[str, str], tmp_path: Path
) -> None:
    with psycopg.connect(settings.database_url) as connection:
        connection.execute("INSERT INTO ledger.set_aside VALUES (7, 'proposal-1', 'KeyError: stage')")
    assert failing(look(tmp_path, healthy))["notifier"].startswith(
        "Nobody was told of event 7 of proposal-1 (KeyError: stage)."
    )


def test_where_mail_goes(healthy: dict[str, str], tmp_path: Path) -> None:
    assert str(tmp_path / "outbox") in look(tmp_path, healthy)["mail"].sentence
    server = look(tmp_path, {**healthy, "SMTP_URL": "smtp://user:secret-word@mail.example.org:25"})["mail"]
    assert server.sentence == "It goes to the mail server (mail.example.org:25)."
    neither = look(tmp_path, {**healthy, "MAIL_FOLDER": ""})["mail"]
    assert (neither.state, "SMTP_URL" in neither.sentence) == ("warn", True)


def test_events_that_wait_too_long(settings: Settings, healthy: dict[str, str], tmp_path: Path) -> None:
    with psycopg.connect(settings.database_owner_url) as owner:
        owner.execute("SET session_replication_role = replica")
        owner.execute("UPDATE log.events SET recorded_at = recorded_at - interval '30 seconds'")
    # All are at it, as far as their locks tell, and do not get on.
    with psycopg.connect(settings.database_url) as stuck:
        stuck.execute("SELECT pg_advisory_lock(%s)", (LEADER_LOCK,))
        stuck.execute("SELECT pg_advisory_lock(%s)", (NOTIFIER_LOCK,))
        # Whoever begins is not told of the past; here it is.
        stuck.execute("UPDATE ledger.position SET position = 0")
        stuck.commit()
        stuck.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", (f"publisher {PUBLISHER}",))
        found = look(tmp_path, healthy)
    for name in ("views", "publisher", "notifier"):
        assert found[name].state == "warn"
        assert re.search(r"[3-9]\d s ago", found[name].sentence)


def test_an_event_that_cannot_be_read(settings: Settings, healthy: dict[str, str], tmp_path: Path) -> None:
    with psycopg.connect(settings.database_owner_url) as owner:
        owner.execute("SET session_replication_role = replica")
        owner.execute("UPDATE log.events SET topic = 'Unheard' WHERE notification_id = 2")
    with at_work(settings, publisher.run):
        sentence = look_until("fail", "publisher", tmp_path, healthy).sentence
    assert sentence.startswith("Event 2 can't be read (Unheard: KeyError")


def test_no_programmes_and_no_people(environ: dict[str, str], tmp_path: Path) -> None:
    found = look(tmp_path, environ)
    assert "besluitspoor programme publish FILE" in failing(found)["programmes"]
    assert found["people"].state == "warn"
    assert "besluitspoor person add" in found["people"].sentence


def test_a_body_that_takes_decisions_without_an_address(
    settings: Settings, environ: dict[str, str], tmp_path: Path
) -> None:
    publishing.publish_bundled(settings)
    found = [check for check in doctor.examine(tmp_path, environ) if check.name == "programmes"]
    assert [check.state for check in found] == ["warn", "warn"]
    for check, code in zip(found, ("regionale-herstelaanpak", "stimuleringsfonds"), strict=True):
        assert (
            f"Letters of {code} say that one can object to Dagelijks Bestuur, and not where."
            in check.sentence
        )


@pytest.mark.slow
def test_broker_that_does_not_answer(healthy: dict[str, str], tmp_path: Path) -> None:
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        healthy["BROKER_URL"] = f"amqp://guest:secret-word@127.0.0.1:{nobody_listens.getsockname()[1]}//"
        sentence = failing(look(tmp_path, healthy))["broker"]
    assert "BROKER_URL" in sentence
    assert "secret-word" not in sentence


def test_full_disk(healthy: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**12, 10**12, 10**6))
    assert "Make room now" in failing(look(tmp_path, healthy))["disk"]


@pytest.mark.slow
def test_embedded_database_that_is_not_running_is_looked_at_all_the_same(data_dir: Path) -> None:
    with embedded.server(data_dir):
        ensure_secret(data_dir)
    found = look(data_dir, {})
    assert found["service"].state == "warn"
    assert found["database"].state == "ok"
    assert failing(found)["tables"] == "They aren't there. Make them: besluitspoor migrate"
    (data_dir / "secret").unlink()
    assert "is gone" in failing(look(data_dir, {}))["secrets"]


def test_a_provider_that_does_not_answer_is_told_and_so_is_a_file_that_is_wrong(
    healthy: dict[str, str], tmp_path: Path
) -> None:
    assert "sign-in" not in look(tmp_path, healthy), "nobody signs in elsewhere"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
    file = tmp_path / "providers.toml"
    file.write_text(
        f'[[provider]]\ncode = "city"\nname = {{nl = "x", en = "x"}}\nissuer = "{nobody}"\nclient_id = "us"\n'
    )
    found = look(tmp_path, {**healthy, "OIDC_FILE": str(file)})["sign-in"]
    assert (found.state, "'city'" in found.sentence) == ("fail", True)
    file.write_text("[[provider]]")
    found = look(tmp_path, {**healthy, "OIDC_FILE": str(file)})["sign-in"]
    assert (found.state, "'code' is missing" in found.sentence) == ("fail", True)
    with provider_for("http://127.0.0.1:8000/x") as provider:
        file.write_text(
            f'[[provider]]\ncode = "city"\nname = {{nl = "x", en = "x"}}\nissuer = "{provider.issuer}"\n'
            'client_id = "us"\n'
        )
        assert look(tmp_path, {**healthy, "OIDC_FILE": str(file)})["sign-in"].state == "ok"
