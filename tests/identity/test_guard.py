"""Who guesses passwords is held back: by address and by network, the same for addresses that nobody has."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from service.api.limits import Bucket
from service.identity import forgetting, guard, people, sign_ins
from service.identity.guard import BY_ADDRESS, BY_BOTH, BY_NETWORK, WITHIN, Try
from service.settings import Settings
from service.wiring import build

SECRET = b"for the tests of the guard, 32 b"


@pytest.fixture
def connection(settings: Settings) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(settings.database_url, autocommit=True) as opened:
        yield opened


def tried(email: str = "anna@example.org", remote: str | None = "192.0.2.7") -> Try:
    return guard.of(SECRET, email, remote)


def fail(connection: psycopg.Connection[Any], times: int, **by: Any) -> None:
    for _ in range(times):
        guard.note(connection, tried(**by))


def later(connection: psycopg.Connection[Any], by: timedelta) -> None:
    """So much time passes."""
    connection.execute("UPDATE web.attempts SET at = at - %s::interval", (by,))


def test_after_ten_failures_nobody_is_let_in_with_that_address_from_there(
    connection: psycopg.Connection[Any],
) -> None:
    fail(connection, BY_BOTH - 1)
    assert guard.held_back(connection, tried()) is None
    fail(connection, 1)
    seconds = guard.held_back(connection, tried())
    assert seconds is not None
    assert 0 < seconds <= WITHIN.total_seconds() / BY_BOTH + 1
    assert guard.held_back(connection, tried(" ANNA@example.org")) is not None
    assert guard.held_back(connection, tried(remote="192.0.2.200")) is not None, "the same network"
    assert guard.held_back(connection, tried(remote="198.51.100.7")) is None, "the owner is elsewhere"
    assert guard.held_back(connection, tried("bert@example.org")) is None


def test_failures_leak_away_and_who_proves_it_is_let_in_again(connection: psycopg.Connection[Any]) -> None:
    fail(connection, BY_BOTH)
    later(connection, WITHIN / BY_BOTH)
    assert guard.held_back(connection, tried()) is None
    fail(connection, 1)
    assert guard.held_back(connection, tried()) is not None
    later(connection, WITHIN)
    fail(connection, BY_BOTH - 1)
    assert guard.held_back(connection, tried()) is None
    guard.forget_failures(connection, tried())
    fail(connection, BY_BOTH - 1)
    assert guard.held_back(connection, tried()) is None


def test_an_address_is_guarded_against_many_networks_and_a_network_against_many_addresses(
    connection: psycopg.Connection[Any],
) -> None:
    # More than so many, for a few leak away while they are noted.
    for n in range(BY_ADDRESS + 20):
        guard.note(connection, tried(remote=f"203.{n}.113.1"))
    assert guard.held_back(connection, tried(remote="198.51.100.1")) is not None
    for n in range(BY_NETWORK + 50):
        guard.note(connection, tried(f"someone{n}@example.org", "198.18.0.9"))
    assert guard.held_back(connection, tried("new@example.org", "198.18.0.77")) is not None


@pytest.mark.parametrize(
    ("remote", "said"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        (None, "unknown"),
        ("nonsense", "unknown"),
    ],
)
def test_of_an_address_only_its_network_is_kept(remote: str | None, said: str) -> None:
    assert guard.network(remote) == said
    assert "anna" not in repr(tried(remote=remote))


def test_sign_ins_are_kept_for_ninety_days_and_go_with_the_person(
    connection: psycopg.Connection[Any], settings: Settings
) -> None:
    person = people.add(connection, email="anna@example.org", name="Anna", roles=["auditor"])
    sign_ins.note(connection, tried(), person.id, "password", "done")
    sign_ins.note(connection, tried("nobody@example.org"), None, "password", "refused")
    assert [each.outcome for each in sign_ins.recent(connection)] == ["refused", "done"]
    assert [each.outcome for each in sign_ins.recent(connection, person=person.id)] == ["done"]
    with psycopg.connect(settings.database_owner_url) as owner:
        owner.execute("UPDATE vault.sign_ins SET at = at - interval '91 days' WHERE outcome = 'refused'")
    parts = build(settings)
    try:
        forgetting.run_due(parts, connection, datetime.now(UTC))
    finally:
        parts.close()
    assert [each.person for each in sign_ins.recent(connection)] == [person.id]
    connection.execute("DELETE FROM vault.people WHERE id = %s", (person.id,))
    assert sign_ins.recent(connection) == []


def test_so_much_a_minute_at_once_or_spread_and_for_each_apart() -> None:
    now = [0.0]
    bucket = Bucket(60, lambda: now[0])
    assert [bucket.wait("a") for _ in range(60)] == [0] * 60
    assert bucket.wait("a") == pytest.approx(1)
    assert bucket.wait("b") == 0
    now[0] += 1.5
    assert bucket.wait("a") == 0
    assert bucket.wait("a") > 0
    assert Bucket(0).wait("a") == 0
