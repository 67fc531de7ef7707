"""People, their tokens and the demo's people, on a real database."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from service.demo import people as demo
from service.identity import parties, people, tokens
from service.identity.callers import REMEMBERED, Callers
from service.settings import Settings


@pytest.fixture
def connection(settings: Settings) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(settings.database_url, autocommit=True) as opened:
        yield opened


def test_a_person_is_found_again_by_id_and_by_address(connection: psycopg.Connection[Any]) -> None:
    organisation = parties.new("foundation", "Stichting Voorbeeld")
    parties.add(connection, organisation)
    added = people.add(
        connection,
        email="Anna@Example.org",
        name="Anna",
        roles=["member", "submitter"],
        bodies=["db"],
        organisation=organisation.id,
    )
    assert added.id.startswith("person-")
    assert people.get(connection, added.id) == added
    assert people.by_email(connection, "ANNA@example.ORG") == added
    assert people.by_email(connection, "bert@example.org") is None
    assert people.ids(connection) == [added.id]
    assert people.names(connection, [added.id, "person-gone"]) == {added.id: "Anna"}
    assert parties.names(connection, [organisation.id]) == {organisation.id: "Stichting Voorbeeld"}
    assert parties.known_parties(connection, "foundation", "Stichting Voorbeeld") == organisation.id
    assert parties.known_parties(connection, "company", "Stichting Voorbeeld") is None
    wanted = [
        ("foundation", "Stichting Voorbeeld"),
        ("company", "Stichting Voorbeeld"),
        ("person", 'A "B" {c}'),
    ]
    assert parties.known_among(connection, wanted) == [organisation]


def test_an_address_belongs_to_one_person_whatever_the_case(connection: psycopg.Connection[Any]) -> None:
    people.add(connection, email="anna@example.org", name="Anna", roles=["auditor"])
    with pytest.raises(people.EmailTaken):
        people.add(connection, email="ANNA@example.org", name="Other", roles=["auditor"])
    assert len(people.ids(connection)) == 1


def test_a_role_that_does_not_exist_is_refused(connection: psycopg.Connection[Any]) -> None:
    with pytest.raises(people.UnknownRole, match="boss"):
        people.add(connection, email="anna@example.org", name="Anna", roles=["boss"])


@pytest.mark.usefixtures("as_served")
def test_a_password_is_kept_as_argon2id_and_verified(connection: psycopg.Connection[Any]) -> None:
    added = people.add(
        connection, email="anna@example.org", name="Anna", roles=["auditor"], password="geheim"
    )
    people.add(connection, email="machine@example.org", name="Machine", roles=["integration"])
    assert people.verify(connection, "anna@example.org", "geheim") == added
    assert people.verify(connection, "anna@example.org", "Geheim") is None
    assert people.verify(connection, "nobody@example.org", "geheim") is None
    assert people.verify(connection, "machine@example.org", "") is None
    row = connection.execute("SELECT password_hash FROM vault.people WHERE id = %s", (added.id,)).fetchone()
    assert row is not None
    assert row[0].startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_a_token_is_its_owners_until_it_expires_and_is_not_kept(connection: psycopg.Connection[Any]) -> None:
    anna = people.add(connection, email="anna@example.org", name="Anna", roles=["auditor"])
    token, _ = tokens.create(connection, anna.id, timedelta(minutes=1))
    assert tokens.owner(connection, token) == anna
    assert tokens.owner(connection, token + "x") is None
    late, _ = tokens.create(connection, anna.id, timedelta(seconds=-1))
    assert tokens.owner(connection, late) is None
    kept = connection.execute("SELECT hash FROM vault.tokens").fetchall()
    assert all(token.encode() not in bytes(row[0]) for row in kept)
    tokens.revoke(connection, token)
    assert tokens.owner(connection, token) is None


def test_callers_are_remembered_for_a_moment(settings: Settings, connection: psycopg.Connection[Any]) -> None:
    anna = people.add(connection, email="anna@example.org", name="Anna", roles=["auditor"])
    token, _ = tokens.create(connection, anna.id, timedelta(minutes=1))
    callers = Callers(lambda: psycopg.connect(settings.database_url))
    assert callers.who(token) == anna
    assert callers.who("other") is None
    tokens.revoke(connection, token)
    assert callers.who(token) == anna
    callers._known[token] = (0.0, anna)  # as if the moment had passed
    assert callers.who(token) is None


def test_a_process_that_revokes_a_token_forgets_it_at_once(
    connection: psycopg.Connection[Any], settings: Settings
) -> None:
    anna = people.add(connection, email="anna@example.org", name="Anna", roles=["auditor"])
    token, _ = tokens.create(connection, anna.id, timedelta(minutes=1))
    callers = Callers(lambda: psycopg.connect(settings.database_url, autocommit=True))
    assert callers.who(token) == anna
    tokens.revoke(connection, token)
    callers.forget(anna.id)
    assert callers.who(token) is None


def test_what_is_remembered_of_a_token_ends_when_the_token_does(
    connection: psycopg.Connection[Any], settings: Settings
) -> None:
    anna = people.add(connection, email="anna@example.org", name="Anna", roles=["auditor"])
    token, _ = tokens.create(connection, anna.id, timedelta(minutes=1))
    connection.execute("UPDATE vault.tokens SET expires_at = now() + interval '4 seconds'")
    callers = Callers(lambda: psycopg.connect(settings.database_url, autocommit=True))
    before = time.monotonic()
    assert callers.who(token) == anna
    assert callers._known[token][0] <= time.monotonic() + 4.0
    assert callers._known[token][0] < before + REMEMBERED


def test_what_somebody_is_can_be_changed_but_for_the_password(connection: psycopg.Connection[Any]) -> None:
    anna = people.add(connection, email="anna@example.org", name="Anna", roles=["auditor"], password="geheim")
    people.add(connection, email="bert@example.org", name="Bert", roles=["admin"])
    changed = replace(
        anna, email="anna@elders.example", roles=frozenset({"member"}), bodies=frozenset({"db"})
    )
    people.change(connection, changed)
    assert people.get(connection, anna.id) == changed
    assert people.verify(connection, "anna@elders.example", "geheim") == changed
    assert people.has_password(connection, anna.id)
    with pytest.raises(people.EmailTaken):
        people.change(connection, replace(changed, email="BERT@example.org"))
    with pytest.raises(people.UnknownRole):
        people.change(connection, replace(changed, roles=frozenset({"boss"})))
    assert people.get(connection, anna.id) == changed


def test_people_are_found_by_part_of_a_name_or_an_address_and_by_role(
    connection: psycopg.Connection[Any],
) -> None:
    for name, role in (("Anna 100%", "auditor"), ("Bert", "admin"), ("Carla", "admin")):
        people.add(connection, email=f"{name[:2].lower()}@example.org", name=name, roles=[role])
    found = people.search(connection, "BE")
    assert [person.name for person in found] == ["Bert"]
    assert [person.name for person in people.search(connection, "%")] == ["Anna 100%"]
    assert [person.name for person in people.search(connection, role="admin")] == ["Bert", "Carla"]
    assert [person.name for person in people.search(connection, after=1, most=1)] == ["Bert"]


def test_a_party_is_found_or_added_and_all_tokens_can_be_revoked(connection: psycopg.Connection[Any]) -> None:
    first = parties.find_or_add(connection, "foundation", "Stichting")
    assert parties.find_or_add(connection, "foundation", "Stichting") == first
    assert parties.find_or_add(connection, "company", "Stichting") != first
    assert parties.get(connection, first) == parties.Party(first, "foundation", "Stichting")
    assert parties.get(connection, "party-none") is None
    anna = people.add(connection, email="anna@example.org", name="Anna", roles=["auditor"])
    given = [tokens.create(connection, anna.id, timedelta(minutes=1))[0] for _ in range(2)]
    assert tokens.revoke_all(connection, anna.id) == 2
    assert [tokens.owner(connection, token) for token in given] == [None, None]


def test_demo_people_are_made_once_by_however_many_processes(settings: Settings) -> None:
    with pytest.raises(demo.NotADemo):
        demo.prepare(settings)
    demonstration = replace(settings, demo=True)
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(demo.prepare, demonstration) for _ in range(4)]:
            done.result()
    with psycopg.connect(settings.database_url) as connection:
        made = {
            person.email: person
            for person in (people.get(connection, id) for id in people.ids(connection))
            if person is not None
        }
        assert set(made) == {person.email for person in demo.DEMO_PEOPLE}
        assert made["db@example.org"].bodies == {"db"}
        assert made["chair@example.org"].chairs == made["chair@example.org"].bodies == {"db"}
        assert made["municipality@example.org"].municipalities == {"GM0794"}
        assert made["submitter@example.org"].organisation is not None
        assert people.verify(connection, "treasurer@example.org", "demo") == made["treasurer@example.org"]
