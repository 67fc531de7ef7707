"""The commands for people and tokens, on a real database."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from click.testing import CliRunner, Result

from domain.events import PersonErased
from service import publishing
from service.cli import main
from service.eventstore import Log
from service.identity import identities, people, tokens
from service.settings import Settings

ANNA = "anna@example.org"
GOOD = "een goed wachtwoord"


@pytest.fixture
def anna(settings: Settings) -> people.Person:
    """Somebody with the password `geheim`."""
    with psycopg.connect(settings.database_url) as connection:
        return people.add(
            connection, email=ANNA, name="Anna", roles=["member", "auditor"], bodies=["db"], password="geheim"
        )


def command(settings: Settings, *arguments: str, stdin: str = "") -> Result:
    environ = {"DATABASE_URL": settings.database_url, "SECRET": settings.secret.decode()}
    return CliRunner().invoke(main, list(arguments), input=stdin, env=environ)


def test_tokens_are_listed_and_revoked_by_id_or_by_themselves(
    settings: Settings, anna: people.Person
) -> None:
    one, two = (
        command(settings, "token", "create", "--person", ANNA, "--days", days).stdout.strip()
        for days in ("1", "2")
    )
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        tokens.create(connection, anna.id, timedelta(seconds=-1))
        listed = command(settings, "token", "list", "--person", ANNA.upper())
        lines = [line.split("\t") for line in listed.stdout.splitlines()]
        assert [line[0] for line in lines] == [tokens.id_of(one), tokens.id_of(two)]
        assert all(line[1].endswith("Z") for line in lines)
        assert [line[2:] for line in lines] == [["command", "act", ""], ["command", "act", ""]]
        assert one not in listed.output

        assert command(settings, "token", "revoke", lines[0][0]).exit_code == 0
        left = tokens.owner(connection, two)
        assert left is not None
        assert (tokens.owner(connection, one), left.id) == (None, anna.id)
        assert command(settings, "token", "revoke", "--token-stdin", stdin=f"{two}\n").exit_code == 0
        assert tokens.owner(connection, two) is None

    assert command(settings, "token", "list", "--person", ANNA).stdout == ""
    for again in (("token", "revoke", lines[0][0]), ("token", "revoke", "%"), ("token", "revoke", "")):
        gone = command(settings, *again)
        assert (gone.exit_code, "There is no such token" in gone.output) == (1, True), again


def test_a_password_is_replaced(settings: Settings, anna: people.Person) -> None:
    done = command(
        settings,
        "person",
        "set-password",
        "--email",
        ANNA,
        "--password-stdin",
        stdin="een ander wachtwoord\n",
    )
    assert (done.exit_code, done.stdout) == (0, "")
    with psycopg.connect(settings.database_url) as connection:
        assert people.verify(connection, ANNA, "geheim") is None
        assert people.verify(connection, ANNA, "een ander wachtwoord") == anna
    empty = command(settings, "person", "set-password", "--email", ANNA, "--password-stdin", stdin="\n")
    assert empty.exit_code == 2


@pytest.mark.parametrize(
    ("weak", "said"),
    [
        ("kort", "Take at least 12 characters"),
        ("anna@example.org", "something else than your name"),
        ("besluitspoor-2024", "Names of this service"),
        ("regionaleherstelaanpak!", "Names of this service"),
        ("qwertyuiop123", "too easy to guess"),
    ],
)
def test_a_command_takes_no_password_that_a_page_would_refuse(
    settings: Settings, anna: people.Person, weak: str, said: str
) -> None:
    publishing.publish_bundled(settings)
    given = command(
        settings, "person", "set-password", "--email", ANNA, "--password-stdin", stdin=f"{weak}\n"
    )
    added = command(
        settings, "person", "add", "--email", "bert@example.org", "--name", "Anna", "--role", "admin",
        "--password-stdin", stdin=f"{weak}\n".replace("anna@", "bert@"),
    )  # fmt: skip
    for refused in (given, added):
        assert refused.exit_code == 1
        assert said in refused.output
        assert weak not in refused.output
    with psycopg.connect(settings.database_url) as connection:
        assert people.verify(connection, ANNA, "geheim") == anna, "it is as it was"
        assert people.by_email(connection, "bert@example.org") is None


def test_people_are_listed(settings: Settings, anna: people.Person) -> None:
    with psycopg.connect(settings.database_url) as connection:
        people.add(connection, email="Aad@example.org", name="Aad", roles=["admin"])
    assert command(settings, "person", "list").stdout.splitlines() == [
        "Aad@example.org\tAad\tadmin\t",
        f"{ANNA}\tAnna\tauditor,member\tdb",
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ["token", "list", "--person", "x@example.org"],
        ["token", "create", "--person", "x@example.org"],
        ["person", "set-password", "--email", "x@example.org", "--password-stdin"],
    ],
    ids=" ".join,
)
def test_nobody_with_that_address_is_a_sentence(settings: Settings, arguments: list[str]) -> None:
    done = command(settings, *arguments, stdin="x\n")
    assert done.exit_code == 1
    assert "There is nobody with the address x@example.org" in done.output


def test_somebody_is_added_with_an_event_by_the_system(settings: Settings) -> None:
    add = (
        "person",
        "add",
        "--email",
        "jo@example.org",
        "--name",
        "Jo",
        "--role",
        "submitter",
        "--password-stdin",
    )
    done = command(
        settings, *add, "--organisation", "Jo Werkt", "--organisation-role", "manager", stdin=f"{GOOD}\n"
    )
    assert done.exit_code == 0, done.output
    with psycopg.connect(settings.database_url) as connection, Log.open(settings) as log:
        person = people.by_email(connection, "jo@example.org")
        assert person is not None
        assert person.organisation_role == "manager"
        (recorded,) = log.load(person.id)
    assert (recorded.by, recorded.name) == ("system", "PersonAdded")
    again = command(settings, *add, stdin=f"{GOOD}\n")
    assert (again.exit_code, "somebody with that address" in again.output) == (1, True)


def test_somebody_is_erased_by_address_or_id_when_it_is_meant(
    settings: Settings, anna: people.Person
) -> None:
    erase = ("person", "erase", "--ground", "request")
    asked = command(settings, *erase, ANNA, stdin="n\n")
    assert (asked.exit_code, "Erase Anna (anna@example.org) for good?" in asked.output) == (1, True)
    with psycopg.connect(settings.database_url, autocommit=True) as connection, Log.open(settings) as log:
        assert people.get(connection, anna.id) == anna
        done = command(settings, *erase, anna.id, "--yes")
        assert done.exit_code == 0, done.output
        assert people.get(connection, anna.id) is None
        assert log.load(anna.id)[-1].event == PersonErased("request")
    gone = command(settings, *erase, ANNA, "--yes")
    assert (gone.exit_code, "There is nobody" in gone.output) == (1, True)


def test_an_account_elsewhere_is_linked_by_its_code_listed_and_unlinked(
    settings: Settings, anna: people.Person
) -> None:
    with psycopg.connect(settings.database_url) as connection:
        code = identities.note(connection, "https://login.example.org", "anna there", "a@example.net", "Anna")
    wrong = command(settings, "person", "link", "--email", ANNA, "ABCD-0000")
    assert (wrong.exit_code, "Nobody was shown this code" in wrong.output) == (1, True)
    assert command(settings, "person", "links", "--email", ANNA).stdout == ""
    assert command(settings, "person", "link", "--email", ANNA, code.lower()).exit_code == 0
    ((id, issuer, _, used),) = [
        line.split("\t") for line in command(settings, "person", "links", "--email", ANNA).stdout.splitlines()
    ]
    assert (issuer, used) == ("https://login.example.org", "-")
    assert command(settings, "person", "unlink", "--email", ANNA, id).exit_code == 0
    again = command(settings, "person", "unlink", "--email", ANNA, id)
    assert (again.exit_code, "no such account" in again.output) == (1, True)
    assert command(settings, "person", "links", "--email", ANNA).stdout == ""


def test_a_stranger_is_remembered_for_thirty_days_or_until_they_are_erased(settings: Settings) -> None:
    issuer = "https://login.example.org"
    with psycopg.connect(settings.database_url) as connection:
        one = identities.note(connection, issuer, "one", "One@example.net", "One")
        assert identities.note(connection, issuer, "one", "One@example.net", "One") == one, (
            "the same code again"
        )
        connection.execute("UPDATE vault.strangers SET at = at - interval '31 days'")
        assert identities.stranger(connection, one) is None
        assert identities.strangers(connection, "one@example.net") == []
        two = identities.note(connection, issuer, "two", "Two@example.net", "Two")
        assert identities.forget_old(connection) == 1
        assert connection.execute("SELECT count(*) FROM vault.strangers").fetchone() == (1,)
        identities.forget_strangers(connection, "two@EXAMPLE.net")
        assert identities.stranger(connection, two) is None
