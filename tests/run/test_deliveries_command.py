"""Can the operator see at the terminal what did not arrive and why, and send it once more?"""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal

import psycopg
import pytest

from domain.events import FundsReleased
from service.eventstore import Log, Meta
from service.messaging import ledger
from service.messaging.ledger import Making, Planned
from service.settings import Settings
from tests.run.test_cli import NOT_OURS, ROOT


def deliveries(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name not in NOT_OURS}
    return subprocess.run(
        [sys.executable, "-m", "service.cli", "deliveries", *arguments],
        env={
            **clean,
            "PYTHONPATH": str(ROOT),
            "DATABASE_URL": settings.database_url,
            "SECRET": settings.secret.decode(),
        },
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def three(settings: Settings, log: Log) -> list[str]:
    """Deliveries of an event: one given up, one that arrived, one in an inbox."""
    released = FundsReleased("proposal-1", Decimal("1.00"))
    log.append([("envelope-x", released)], {}, Meta(date(2026, 1, 5), "person-9", None, "command-1"))
    planned = [
        Planned("person-1", "email", "submitter", "sending", required=True),
        Planned("person-2", "email", "watcher", "sent"),
        Planned("person-2", "inbox", "watcher", "sent"),
    ]
    with psycopg.connect(settings.database_url) as connection:
        making = Making("event:1", "money", 1, "proposal-1", "normal", {}, datetime.now(UTC))
        ledger.add(connection, [(making, planned)])
        ids = [
            row[0]
            for row in connection.execute(
                "SELECT id FROM ledger.deliveries ORDER BY channel, recipient"
            ).fetchall()
        ]
        connection.execute("UPDATE ledger.deliveries SET tries = 1 WHERE id = %s", (ids[0],))
        delivery = ledger.by_id(connection, ids[0])
        assert delivery is not None
        ledger.failed(connection, delivery, "550 no such\nmailbox", None)
    return ids


def test_what_did_not_arrive_is_listed(settings: Settings, three: list[str]) -> None:
    done = deliveries(settings, "list", "--state", "dead")
    (line,) = done.stdout.splitlines()
    id, state, channel, recipient, kind, tries, _, error = line.split("\t")
    assert (id, state, channel, recipient) == (three[0], "dead", "email", "person-1")
    assert (kind, tries, error) == ("money", "1", "550 no such mailbox")
    assert len(deliveries(settings, "list").stdout.splitlines()) == 3
    assert len(deliveries(settings, "list", "--limit", "2").stdout.splitlines()) == 2
    assert len(deliveries(settings, "list", "--recipient", "person-2").stdout.splitlines()) == 2
    assert deliveries(settings, "list", "--channel", "webhook").stdout == ""


def test_one_is_shown_with_its_cause_and_its_tries(settings: Settings, three: list[str]) -> None:
    done = deliveries(settings, "show", three[0])
    said = dict(line.split(":", 1) for line in done.stdout.splitlines())
    assert said["recipient"].strip() == "person-1 as submitter"
    assert said["required"].strip() == "by law"
    assert said["cause"].strip() == "event:1"
    assert said["event"].strip().startswith("FundsReleased, envelope-x:1, ")
    assert said["event"].endswith(", by person-9")
    assert said["try 1"].endswith(" failed 550 no such mailbox")
    unknown = deliveries(settings, "show", "delivery-0")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "There is no delivery delivery-0." in unknown.stderr


def test_it_is_sent_once_more(settings: Settings, three: list[str]) -> None:
    done = deliveries(settings, "resend", "--all-dead", "--channel", "email")
    assert (done.returncode, done.stdout) == (0, f"{three[0]}\n")
    assert "1 will be sent once more." in done.stderr
    again = deliveries(settings, "resend", *three)
    assert again.returncode == 1
    assert again.stdout == f"{three[1]}\n"
    assert three[0] in again.stderr, "it is under way"
    assert three[2] in again.stderr, "it lies in an inbox"
    assert deliveries(settings, "resend", "--all-dead").stdout == ""
