"""What somebody may do changes as an event and in the vault at once, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

from domain.events import AccessEnded, PersonAdded, PersonChanged, Rights, Seat
from service.errors import KeyReused, Missing, Stale
from service.eventstore import Log, Once
from service.identity import changing, parties, people, tokens
from service.identity.changing import SYSTEM, By
from service.identity.people import EmailTaken
from service.settings import Settings

TODAY = date(2026, 11, 30)
Connection = psycopg.Connection[Any]


@pytest.fixture
def connection(settings: Settings) -> Iterator[Connection]:
    with psycopg.connect(settings.database_url, autocommit=True) as opened:
        yield opened


def somebody(**given: Any) -> people.Person:
    return people.new(
        **{
            "email": "jo@example.org",
            "name": "Jo Voorbeeld",
            "roles": ["member"],
            "bodies": ["poho"],
            **given,
        }
    )


def test_who_is_added_stands_in_the_vault_and_their_rights_in_the_log(
    log: Log, connection: Connection
) -> None:
    organisation = parties.new("foundation", "Stichting Nieuw")
    person = somebody(organisation=organisation.id, seats=[("poho", "GM0794")], organisation_role="reader")
    assert changing.add(log, By("person-admin"), TODAY, person, "geheim genoeg", organisation) == person.id
    assert people.get(connection, person.id) == person
    assert people.verify(connection, "jo@example.org", "geheim genoeg") == person
    (recorded,) = log.load(person.id)
    assert (recorded.by, recorded.kind) == ("person-admin", "person")
    rights = Rights(("member",), ("poho",), (), (), organisation.id, "reader", (Seat("poho", "GM0794"),))
    assert recorded.event == PersonAdded(rights)


def test_neither_is_there_when_the_address_is_taken(log: Log, connection: Connection) -> None:
    changing.add(log, SYSTEM, TODAY, somebody())
    other = somebody(email="JO@example.org")
    with pytest.raises(EmailTaken):
        changing.add(log, SYSTEM, TODAY, other)
    assert (people.get(connection, other.id), log.load(other.id), log.head()) == (None, [], 1)


def test_the_same_key_adds_one_person(log: Log, connection: Connection) -> None:
    first, again = somebody(), somebody()
    once = Once("key", b"request")
    changing.add(log, SYSTEM, TODAY, first, once=once)
    assert changing.add(log, SYSTEM, TODAY, again, once=once) == first.id
    with pytest.raises(KeyReused):
        changing.add(log, SYSTEM, TODAY, again, once=Once("key", b"another"))
    assert (people.get(connection, again.id), log.head()) == (None, 1)


def test_the_log_never_holds_a_name_or_an_address(log: Log, connection: Connection) -> None:
    person = somebody()
    changing.add(log, SYSTEM, TODAY, person)
    changing.change(log, SYSTEM, TODAY, person, replace(person, name="Kim Anders", email="kim@example.org"))
    kept = b"".join(
        bytes(state) for (state,) in connection.execute("SELECT state FROM log.events").fetchall()
    )
    for word in (b"Voorbeeld", b"Anders", b"example.org"):
        assert word not in kept
    assert log.load(person.id)[1].event == PersonChanged(
        changing.rights_of(person), changing.rights_of(person), ("email", "name")
    )


def test_who_was_there_before_gets_a_history_with_the_first_change(log: Log, connection: Connection) -> None:
    person = people.add(connection, email="oud@example.org", name="Oud", roles=["auditor"])
    assert log.load(person.id) == []
    changed = replace(person, roles=frozenset({"treasurer"}))
    changing.change(log, SYSTEM, TODAY, person, changed)
    (recorded,) = log.load(person.id)
    assert recorded.event == PersonChanged(Rights(("auditor",)), Rights(("treasurer",)))
    assert people.get(connection, person.id) == changed


def test_what_changes_nothing_is_not_recorded(log: Log) -> None:
    person = somebody()
    changing.add(log, SYSTEM, TODAY, person)
    changing.change(log, SYSTEM, TODAY, person, person)
    assert log.head() == 1


def test_a_change_of_what_is_so_no_more_is_refused_whole(log: Log, connection: Connection) -> None:
    seen = somebody()
    changing.add(log, SYSTEM, TODAY, seen)
    now = replace(seen, roles=frozenset({"auditor"}), bodies=frozenset())
    changing.change(log, SYSTEM, TODAY, seen, now)
    with pytest.raises(Stale):
        changing.change(log, SYSTEM, TODAY, seen, replace(seen, name="Ander"))
    assert people.get(connection, seen.id) == now
    gone = somebody(email="weg@example.org")
    with pytest.raises(Missing):
        changing.change(log, SYSTEM, TODAY, gone, replace(gone, name="Ander"))
    assert log.head() == 2


def test_who_may_do_nothing_any_more_is_signed_out_and_the_log_says_so(
    log: Log, connection: Connection
) -> None:
    person = somebody()
    changing.add(log, SYSTEM, TODAY, person)
    token, _ = tokens.create(connection, person.id, timedelta(hours=1))
    changing.change(log, SYSTEM, TODAY, person, replace(person, roles=frozenset(), bodies=frozenset()))
    assert tokens.owner(connection, token) is None
    assert [type(each.event) for each in log.load(person.id)] == [PersonAdded, PersonChanged, AccessEnded]


def test_ended_access_is_recorded_with_who_ended_it(log: Log, connection: Connection) -> None:
    person = somebody()
    changing.add(log, SYSTEM, TODAY, person)
    token, _ = tokens.create(connection, person.id, timedelta(hours=1))
    changing.end_access(log, By("person-admin"), TODAY, person.id)
    assert tokens.owner(connection, token) is None
    assert [(each.by, type(each.event)) for each in log.load(person.id)][1:] == [
        ("person-admin", AccessEnded)
    ]
