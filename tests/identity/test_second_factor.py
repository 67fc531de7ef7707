"""Codes of an app and codes to fall back on: each good once, few wrong ones, nothing kept that makes one."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pyotp
import pytest
from argon2 import PasswordHasher

from service.identity import people, second_factor
from service.identity.people import Person
from service.identity.sealing import Unsealable, seal, unseal
from service.identity.slow_hash import the_same
from service.settings import Settings, SettingsError

NOW = datetime(2026, 3, 2, 12, 0, 10, tzinfo=UTC)


@pytest.fixture
def connection(settings: Settings) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(settings.database_url, autocommit=True) as opened:
        yield opened


@pytest.fixture
def anna(connection: psycopg.Connection[Any]) -> Person:
    return people.add(connection, email="anna@example.org", name="Anna", roles=["admin"])


def secret_of(connection: psycopg.Connection[Any], settings: Settings, anna: Person) -> str:
    second_factor.begin(connection, settings, anna.id)
    secret = second_factor.to_confirm(connection, settings, anna.id)
    assert secret is not None
    return secret


def code(secret: str, at: datetime = NOW) -> str:
    return pyotp.TOTP(secret).at(at)


def turned_on(connection: psycopg.Connection[Any], settings: Settings, anna: Person) -> tuple[str, list[str]]:
    """The secret in the app, and the recovery codes."""
    secret = secret_of(connection, settings, anna)
    codes = second_factor.confirm(connection, settings, anna.id, code(secret), NOW)
    assert codes is not None
    return secret, codes


def test_nothing_is_asked_until_a_code_was_shown(
    connection: psycopg.Connection[Any], settings: Settings, anna: Person
) -> None:
    secret = secret_of(connection, settings, anna)
    assert not second_factor.is_on(connection, anna.id)
    assert second_factor.confirm(connection, settings, anna.id, "000000", NOW) is None
    assert not second_factor.is_on(connection, anna.id)
    typed = code(secret)
    codes = second_factor.confirm(connection, settings, anna.id, f" {typed[:3]} {typed[3:]} ", NOW)
    assert codes is not None
    assert len(set(codes)) == second_factor.CODES
    assert second_factor.is_on(connection, anna.id)
    assert second_factor.to_confirm(connection, settings, anna.id) is None, "it is not shown again"
    second_factor.begin(connection, settings, anna.id)
    later = NOW + timedelta(minutes=1)
    assert second_factor.check(connection, settings, anna.id, code(secret, later), later) == "good"


def test_a_code_is_taken_once_and_none_of_before_it(
    connection: psycopg.Connection[Any], settings: Settings, anna: Person
) -> None:
    secret, _ = turned_on(connection, settings, anna)

    def given(at: datetime, now: datetime) -> str:
        return second_factor.check(connection, settings, anna.id, code(secret, at), now)

    assert given(NOW, NOW) == "wrong", "the one that confirmed it"
    later = NOW + timedelta(minutes=1)
    assert given(later, later) == "good"
    assert given(later, later) == "wrong"
    assert given(later - timedelta(seconds=30), later) == "wrong", "the one before"
    assert given(later + timedelta(seconds=30), later) == "good", "a clock that is fast"
    assert given(NOW + timedelta(minutes=5), NOW + timedelta(minutes=10)) == "wrong", "too old"


def test_of_several_who_give_the_same_code_at_once_one_gets_in(
    connection: psycopg.Connection[Any], settings: Settings, anna: Person
) -> None:
    secret, codes = turned_on(connection, settings, anna)
    later = NOW + timedelta(minutes=1)

    def check(typed: str) -> str:
        with psycopg.connect(settings.database_url, autocommit=True) as own:
            return second_factor.check(own, settings, anna.id, typed, later)

    for typed, outcome in ((code(secret, later), "good"), (codes[0], "recovery")):
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(check, [typed] * 4))
        assert answers.count(outcome) == 1
        connection.execute("UPDATE vault.second_factors SET wrong = 0, blocked_until = NULL")


def test_a_recovery_code_is_good_once_however_it_is_typed(
    connection: psycopg.Connection[Any], settings: Settings, anna: Person
) -> None:
    _, codes = turned_on(connection, settings, anna)
    typed = codes[3].upper().replace("-", " ")
    assert second_factor.check(connection, settings, anna.id, typed) == "recovery"
    assert second_factor.check(connection, settings, anna.id, codes[3]) == "wrong"
    assert second_factor.state(connection, anna.id).codes_left == second_factor.CODES - 1
    renewed = second_factor.new_codes(connection, anna.id)
    assert second_factor.check(connection, settings, anna.id, codes[4]) == "wrong"
    assert second_factor.check(connection, settings, anna.id, renewed[0]) == "recovery"


@pytest.mark.usefixtures("as_served")
def test_recovery_codes_are_kept_as_passwords_are_with_a_salt_for_each_person(
    connection: psycopg.Connection[Any], settings: Settings, anna: Person
) -> None:
    bert = people.add(connection, email="bert@example.org", name="Bert", roles=["auditor"])
    for each in (anna, bert):
        turned_on(connection, settings, each)
    rows = connection.execute("SELECT person, hash FROM vault.recovery_codes").fetchall()
    assert all(hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$") for _, hashed in rows)
    assert len({hashed for _, hashed in rows}) == 2 * second_factor.CODES
    salts = {(person, hashed.split("$")[4]) for person, hashed in rows}
    assert len({salt for _, salt in salts}) == len(salts) == 2


def test_a_wrong_recovery_code_is_hashed_once_and_what_can_be_none_not_at_all(
    connection: psycopg.Connection[Any], settings: Settings, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    turned_on(connection, settings, anna)
    hashed: list[str] = []

    def counted(like: str, plain: str) -> str:
        hashed.append(plain)
        return the_same(like, plain)

    monkeypatch.setattr(second_factor, "the_same", counted)
    for typed in ("123456", "", "abcd-efgh", "abcd-efgh-jkmn-pqrs"):
        assert second_factor.check(connection, settings, anna.id, typed) == "wrong"
    assert hashed == []
    connection.execute("UPDATE vault.second_factors SET wrong = 0")
    assert second_factor.check(connection, settings, anna.id, "abcd-efgh-jkmn") == "wrong"
    assert hashed == ["abcdefghjkmn"]


def test_codes_that_were_kept_with_other_parameters_stay_good(
    connection: psycopg.Connection[Any], settings: Settings, anna: Person
) -> None:
    turned_on(connection, settings, anna)
    lighter = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash("abcdefghjkmn")
    connection.execute("DELETE FROM vault.recovery_codes")
    connection.execute("INSERT INTO vault.recovery_codes (person, hash) VALUES (%s, %s)", (anna.id, lighter))
    assert second_factor.check(connection, settings, anna.id, "ABCD EFGH JKMN") == "recovery"


def test_after_five_wrong_codes_not_even_a_good_one_is_taken_for_a_while(
    connection: psycopg.Connection[Any], settings: Settings, anna: Person
) -> None:
    secret, codes = turned_on(connection, settings, anna)
    later = NOW + timedelta(minutes=1)
    good = code(secret, later)
    wrong = "000000" if good != "000000" else "111111"
    for _ in range(second_factor.MOST_WRONG):
        assert second_factor.check(connection, settings, anna.id, wrong, later) == "wrong"
    for typed in (good, codes[0], wrong):
        assert second_factor.check(connection, settings, anna.id, typed, later) == "blocked"
    connection.execute("UPDATE vault.second_factors SET blocked_until = now()")
    assert second_factor.check(connection, settings, anna.id, good, later) == "good"


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "１２３４５６", "-12345", "\x00" * 6])
def test_what_is_no_code_is_wrong(
    connection: psycopg.Connection[Any], settings: Settings, anna: Person, typed: str
) -> None:
    turned_on(connection, settings, anna)
    assert second_factor.check(connection, settings, anna.id, typed, NOW + timedelta(minutes=1)) == "wrong"


def test_the_database_holds_nothing_that_makes_a_code(
    connection: psycopg.Connection[Any], settings: Settings, anna: Person
) -> None:
    secret, codes = turned_on(connection, settings, anna)
    rows = connection.execute(
        "SELECT f::text || encode(secret, 'escape') FROM vault.second_factors f"
        " UNION ALL SELECT c::text || hash FROM vault.recovery_codes c"
    ).fetchall()
    for hidden in (secret, *codes, *(each.replace("-", "") for each in codes)):
        assert not any(hidden in row for (row,) in rows)
    others = replace(settings, secret=b"another secret of 32 characters!!")
    later = NOW + timedelta(minutes=1)
    with pytest.raises(Unsealable):
        second_factor.check(connection, others, anna.id, code(secret, later), later)


def test_what_is_sealed_is_about_one_person_and_for_one_purpose(settings: Settings) -> None:
    sealed = seal(settings, "one", "person-1", b"secret")
    assert unseal(settings, "one", "person-1", sealed) == b"secret"
    for purpose, about, changed in (
        ("other", "person-1", sealed), ("one", "person-2", sealed),
        ("one", "person-1", sealed[:-1] + bytes([sealed[-1] ^ 1])),
        ("one", "person-1", b""),
    ):  # fmt: skip
        with pytest.raises(Unsealable):
            unseal(settings, purpose, about, changed)
    assert seal(settings, "one", "person-1", b"secret") != sealed


def test_who_is_reset_or_gone_is_asked_nothing(
    connection: psycopg.Connection[Any], settings: Settings, anna: Person
) -> None:
    turned_on(connection, settings, anna)
    assert second_factor.remove(connection, anna.id)
    assert not second_factor.remove(connection, anna.id)
    assert second_factor.state(connection, anna.id) == second_factor.State()
    turned_on(connection, settings, anna)
    connection.execute("DELETE FROM vault.people WHERE id = %s", (anna.id,))
    assert connection.execute("SELECT count(*) FROM vault.recovery_codes").fetchone() == (0,)


def test_roles_that_need_it_are_a_setting() -> None:
    given = {"DATABASE_URL": "postgresql://x@nowhere/x", "SECRET": "x" * 32}
    assert Settings.from_environment(given).second_factor_roles == {"admin"}
    assert Settings.from_environment({**given, "BESLUITSPOOR_DEMO": "1"}).second_factor_roles == frozenset()
    several = {**given, "SECOND_FACTOR_ROLES": " admin, treasurer ,"}
    assert Settings.from_environment(several).second_factor_roles == {"admin", "treasurer"}
    assert Settings.from_environment({**given, "SECOND_FACTOR_ROLES": ""}).second_factor_roles == frozenset()
    with pytest.raises(SettingsError, match="boss"):
        Settings.from_environment({**given, "SECOND_FACTOR_ROLES": "boss"})
