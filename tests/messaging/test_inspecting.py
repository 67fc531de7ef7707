"""Can whoever looks after it find what did not arrive, see why, and send it once more?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from service.documents import councils
from service.identity import parties, people
from service.messaging import ledger
from service.messaging.channels.channel import Failed, Sent
from service.messaging.inspecting import (
    Cause,
    Counted,
    Filters,
    Kept,
    cause,
    counts,
    find,
    found,
    resend_dead,
    tries,
    whose,
)
from service.paging import Page

from .delivering import Desk

Append = Callable[[int], None]
Until = Callable[..., None]

pytestmark = pytest.mark.parametrize("on_broker", ["pgmq"], indirect=True)


@pytest.fixture
def db(desk: Desk) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(desk.settings.database_url, autocommit=True) as connection:
        yield connection


def ids_of(page: Page[Kept]) -> list[str]:
    return [kept.delivery.id for kept in page.items]


def test_the_newest_first_a_page_at_a_time_forth_and_back(desk: Desk, db: psycopg.Connection[Any]) -> None:
    ids = desk.add(*["person-1"] * 7)[::-1]
    first = found(db, Filters(), limit=3)
    second = found(db, Filters(), cursor=first.next, limit=3)
    last = found(db, Filters(), cursor=second.next, limit=3)
    assert ids_of(first) + ids_of(second) + ids_of(last) == ids
    assert (first.previous, last.next) == (None, None)
    assert ids_of(found(db, Filters(), cursor=last.previous, limit=3)) == ids_of(second)
    assert ids_of(found(db, Filters(before=ids[4]))) == ids[5:]


def test_only_what_is_asked_for(desk: Desk, db: psycopg.Connection[Any]) -> None:
    one, two = desk.add("person-1", "person-2")
    desk.do("UPDATE ledger.deliveries SET state = 'dead' WHERE id = %s", two)
    assert ids_of(found(db, Filters(states=["dead"]))) == [two]
    assert ids_of(found(db, Filters(recipients=["person-1"]))) == [one]
    assert ids_of(found(db, Filters(channel=desk.name))) == [two, one]
    assert ids_of(found(db, Filters(streams=["proposal-1"], states=["waiting"]))) == [one]
    assert ids_of(found(db, Filters(channel="pigeon"))) == []
    assert ids_of(found(db, Filters(recipients=["'; DROP TABLE ledger.deliveries; --"]))) == []


def test_a_delivery_leads_back_to_its_event_and_shows_every_try(
    desk: Desk, db: psycopg.Connection[Any], append: Append, until: Until
) -> None:
    append(3)
    desk.answer = lambda delivery: Failed("not now") if delivery.tries == 1 else Sent("thanks")
    (id,) = desk.add("person-1")
    desk.do("UPDATE ledger.notices SET cause = 'event:2'")
    with desk.dispatching(), desk.delivering():
        until(lambda: desk.states() == {"waiting": 1} and desk.tries(id) != [])
        desk.due()
        until(lambda: desk.states() == {"sent": 1})
    kept = find(db, id)
    assert kept is not None
    assert kept.settled_at is not None
    assert [(each.number, each.outcome, each.detail) for each in tries(db, id)] == [
        (1, "failed", "not now"),
        (2, "sent", "thanks"),
    ]
    event = cause(db, kept.delivery)
    assert isinstance(event, Cause)
    assert (event.position, event.name, event.version) == (2, "FundsReleased", 2)
    assert (event.stream.split("-")[0], event.by) == ("envelope", "person-1")


def test_what_no_event_caused_has_none(desk: Desk, db: psycopg.Connection[Any]) -> None:
    (id,) = desk.add("person-1")
    kept = find(db, id)
    assert kept is not None
    assert (cause(db, kept.delivery), tries(db, id), kept.settled_at) == (None, [], None)
    assert find(db, "delivery-of-nobody") is None


def test_what_was_given_up_is_sent_once_more_with_all_its_waits_and_keeps_its_history(
    desk: Desk, db: psycopg.Connection[Any], until: Until
) -> None:
    desk.waits = (1000.0,)
    desk.answer = lambda _: Failed("closed")
    (id,) = desk.add("person-1")
    with desk.dispatching(), desk.delivering():
        until(lambda: desk.state(id)[:2] == ("waiting", 1))
        desk.due()
        until(lambda: desk.state(id)[:2] == ("dead", 2))
        assert ledger.resend(db, [id]) == [id]
        until(lambda: desk.state(id)[:2] == ("waiting", 3))
        desk.answer = lambda _: Sent()
        desk.due()
        until(lambda: desk.state(id)[:2] == ("sent", 4))
    assert [outcome for _, outcome, _ in desk.tries(id)] == ["failed", "failed", "failed", "sent"]
    assert {each.id for each in desk.got} == {id}, "the same message"


def test_what_is_under_way_is_left_as_it_is(desk: Desk, db: psycopg.Connection[Any]) -> None:
    for state in ("collected", "bundled", "waiting", "queued", "sending"):
        (id,) = desk.add("person-1")
        desk.do("UPDATE ledger.deliveries SET state = %s WHERE id = %s", state, id)
        assert ledger.resend(db, [id]) == []


def test_all_that_was_given_up_or_some_of_it(desk: Desk, db: psycopg.Connection[Any]) -> None:
    one, two, three = desk.add("person-1", "person-2", "person-2")
    (bounced,) = desk.add("person-1")
    desk.do("UPDATE ledger.deliveries SET state = 'dead'")
    desk.do("UPDATE ledger.deliveries SET state = 'bounced' WHERE id = %s", bounced)
    assert resend_dead(db, channel="pigeon") == []
    assert resend_dead(db, recipient="person-2", channel=desk.name) == [three, two]
    assert resend_dead(db) == [one]
    assert resend_dead(db) == []
    assert desk.states() == {"waiting": 3, "bounced": 1}


def test_whoever_it_went_to_has_a_name(desk: Desk, db: psycopg.Connection[Any]) -> None:
    member = people.add(db, email="a@example.org", name="Lid", roles=["member"])
    foundation = parties.new("foundation", "Stichting Voorbeeld")
    parties.add(db, foundation)  # a letter is to an organisation
    council = councils.add(db, "GM0772", "griffie@example.org", "nl")
    asked = [member.id, foundation.id, council, "person-erased"]
    assert whose(db, asked) == {
        member.id: "Lid",
        foundation.id: "Stichting Voorbeeld",
        council: "griffie@example.org",
    }


def test_what_is_not_done_with_is_counted(desk: Desk, db: psycopg.Connection[Any]) -> None:
    ids = desk.add(*["person-1"] * 8)
    states = ("collected", "waiting", "queued", "sending", "dead", "bounced", "sent", "dropped")
    for id, state in zip(ids, states, strict=True):
        desk.do("UPDATE ledger.deliveries SET state = %s WHERE id = %s", state, id)
    desk.add("person-2")
    assert {(each.channel, each.state): each.number for each in counts(db)} == {
        **{(desk.name, state): 1 for state in ("collected", "queued", "sending", "dead", "bounced")},
        (desk.name, "waiting"): 2,
    }
    assert Counted(desk.name, "waiting", 2) in counts(db)
