"""Does what is due go to the broker, once, in fair turns, and again when it got lost there?"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack

import psycopg
import pytest

from service.identity import people
from service.messaging import ledger
from service.messaging.broker import deliveries_queue, is_rabbitmq
from service.messaging.dispatcher import (
    BATCH,
    MOST_FAILING,
    MOST_QUEUED,
    dispatch,
    sweep_abandoned,
    sweep_lost,
)

from .delivering import Desk

Until = Callable[..., None]
A_WHILE = "UPDATE ledger.deliveries SET queued_at = queued_at - interval '31 seconds'"


def test_what_is_due_goes_to_the_broker_once(desk: Desk, until: Until) -> None:
    ids = desk.add("person-1", "person-2", "person-3")
    with desk.dispatching():
        until(lambda: desk.states() == {"queued": 3})
        more = desk.add("person-1")
        until(lambda: desk.states() == {"queued": 4})
    assert desk.at_broker() == ids + more


@pytest.mark.slow
def test_what_is_not_due_waits_until_it_is(desk: Desk, until: Until) -> None:
    desk.add("person-1", due_in=1000)
    (soon,) = desk.add("person-1", due_in=1.5)
    with desk.dispatching():
        until(lambda: desk.states() == {"waiting": 1, "queued": 1})
    assert desk.at_broker() == [soon]


@pytest.mark.slow
def test_a_delivery_is_on_its_way_within_a_moment(desk: Desk, until: Until) -> None:
    with desk.dispatching():
        desk.add("person-1")
        until(lambda: desk.states() == {"queued": 1})
        waits = []
        for n in range(2, 7):
            time.sleep(0.15)
            began = time.monotonic()
            desk.add("person-1")
            until(lambda n=n: desk.states() == {"queued": n})
            waits.append(time.monotonic() - began)
    assert min(waits) < 0.5, "woken by the poll, not by the notification"


def test_a_few_of_each_recipient_are_under_way_so_that_one_holds_up_nobody(desk: Desk) -> None:
    desk.at_once = 2
    slow = desk.add(*["subscription-slow"] * 10)
    quick = desk.add("subscription-quick", "subscription-other")
    with desk.posting() as (db, post):
        for _ in range(3):
            dispatch(db, post, {desk.name: desk.at_once})
        assert desk.at_broker() == [*slow[:2], *quick]
        desk.do("UPDATE ledger.deliveries SET state = 'sent' WHERE id = %s", slow[0])
        dispatch(db, post, {desk.name: desk.at_once})
    assert desk.at_broker() == [slow[2]]


def test_while_a_subscription_fails_it_gets_one_at_a_time(desk: Desk) -> None:
    with psycopg.connect(desk.settings.database_url) as connection:
        owner = people.add(connection, email="i@example.org", name="I", roles=["integration"])
    desk.do(
        "INSERT INTO ledger.subscriptions (id, person, name, channel, failures)"
        " VALUES ('subscription-1', %s, 'x', 'webhook', 1)",
        owner.id,
    )
    ids = desk.add(*["subscription-1"] * 5)
    with desk.posting() as (db, post):
        dispatch(db, post, {desk.name: 4})
        assert desk.at_broker() == ids[:1]
        desk.do("UPDATE ledger.subscriptions SET failures = 0")
        dispatch(db, post, {desk.name: 4})
    assert desk.at_broker() == ids[1:4]


def test_the_broker_has_no_more_than_is_good_and_what_comes_last_need_not_wait_for_all(desk: Desk) -> None:
    desk.add_all([f"person-{n}" for n in range(MOST_QUEUED + 300)])
    (single,) = desk.add("person-1")
    with desk.posting() as (db, post):
        dispatch(db, post, {desk.name: desk.at_once})
        first = desk.at_broker()
        assert len(first) == BATCH
        assert single in first
        for _ in range(10):
            dispatch(db, post, {desk.name: desk.at_once})
    assert desk.states()["queued"] == MOST_QUEUED


def test_several_dispatchers_send_nothing_on_twice(desk: Desk, until: Until) -> None:
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(desk.dispatching())
        # Who begins may send on again what another just marked: that is allowed, and not what this is about.
        begun = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = %s"
        until(lambda: len(desk.ask(begun, "besluitspoor follows deliveries")) == 3)
        ids = [id for _ in range(10) for id in desk.add("person-1", "person-2", "person-3")]
        until(lambda: desk.states() == {"queued": 30})
    assert sorted(desk.at_broker()) == ids


@pytest.mark.slow
def test_a_broker_that_is_away_leaves_all_of_it_waiting(desk: Desk, until: Until) -> None:
    nowhere = desk.elsewhere("amqp://guest:guest@127.0.0.1:1//")
    with nowhere.dispatching():
        desk.add("person-1", "person-2")
        time.sleep(0.5)
        assert desk.states() == {"waiting": 2}
    with desk.dispatching():
        until(lambda: desk.states() == {"queued": 2})


def test_nothing_is_begun_over_a_channel_without_a_way_out(desk: Desk) -> None:
    desk.add("person-1")
    with desk.posting() as (db, post):
        dispatch(db, post, {desk.name: 0})
    assert desk.states() == {"waiting": 1}


@pytest.mark.rabbitmq
@pytest.mark.parametrize("on_broker", ["rabbitmq"], indirect=True)
def test_what_no_queue_takes_waits_until_there_is_one(desk: Desk, until: Until) -> None:
    with desk.posting() as (db, post):
        desk.delete()
        desk.add("person-1", "person-2")
        with pytest.raises(RuntimeError, match="no queue"):
            dispatch(db, post, {desk.name: desk.at_once})
        assert desk.states() == {"waiting": 2}
    with desk.dispatching():
        until(lambda: desk.states() == {"queued": 2})
    assert len(desk.at_broker()) == 2


def test_what_was_marked_and_never_sent_is_found_by_the_next_dispatcher(desk: Desk, until: Until) -> None:
    ids = desk.add("person-1", "person-2")
    desk.do("UPDATE ledger.deliveries SET state = 'queued', queued_at = now() - interval '1 hour'")
    with desk.dispatching():
        until(lambda: desk.ask("SELECT FROM ledger.deliveries WHERE queued_at > created_at") != [])
        until(lambda: desk.states() == {"queued": 2})
    assert desk.at_broker() == ids


def test_what_got_lost_at_the_broker_is_sent_again_after_a_while(desk: Desk) -> None:
    ids = desk.add("person-1", "person-2")
    with desk.posting() as (db, post):
        dispatch(db, post, {desk.name: desk.at_once})
        assert sweep_lost(db, post) == 0
        assert desk.at_broker() == ids  # and so they are gone
        assert sweep_lost(db, post) == 0
        desk.do(A_WHILE)
        assert sweep_lost(db, post) == 2
        dispatch(db, post, {desk.name: desk.at_once})
    assert desk.at_broker() == ids


def test_what_is_missing_among_others_is_sent_again_too(desk: Desk) -> None:
    lost = desk.add("person-1", "person-2")
    with desk.posting() as (db, post):
        dispatch(db, post, {desk.name: desk.at_once})
        desk.at_broker()
        there = desk.add("person-3")
        dispatch(db, post, {desk.name: desk.at_once})
        desk.do(A_WHILE)
        assert sweep_lost(db, post) == 3
        dispatch(db, post, {desk.name: desk.at_once})
    assert sorted(desk.at_broker()) == sorted([*lost, *there, *there])


def test_what_lies_at_the_broker_because_nobody_delivers_is_left_there(desk: Desk) -> None:
    desk.add("person-1", "person-2")
    with desk.posting() as (db, post):
        dispatch(db, post, {desk.name: desk.at_once})
        desk.do(A_WHILE)
        assert sweep_lost(db, post) == 0
    assert desk.states() == {"queued": 2}


@pytest.mark.parametrize("on_broker", ["pgmq"], indirect=True)
def test_what_somebody_began_and_did_not_end_is_tried_again_and_given_up_after_a_few_times(
    desk: Desk,
) -> None:
    (id,) = desk.add("person-1")
    for crash in range(1, ledger.CRASHES + 1):
        with psycopg.connect(desk.settings.database_url, autocommit=True) as db:
            assert ledger.claim(db, id) is not None
            assert sweep_abandoned(db) == 0, "it may still be at it"
            desk.do("UPDATE ledger.deliveries SET claimed_until = now() - interval '1 second'")
            assert sweep_abandoned(db) == 1
        state = "waiting" if crash < ledger.CRASHES else "dead"
        assert desk.state(id) == (state, crash, "whoever was sending it stopped without a word")
    assert [outcome for _, outcome, _ in desk.tries(id)] == ["crashed"] * ledger.CRASHES


@pytest.mark.parametrize("on_broker", ["pgmq"], indirect=True)
def test_a_backlog_of_one_who_does_not_answer_costs_next_to_nothing(desk: Desk) -> None:
    desk.at_once = 1

    def waiting(first: int, last: int) -> None:
        desk.do(
            """INSERT INTO ledger.notices (id, cause, kind, position, stream, urgency, facts, at)
            SELECT 'notice-' || n, 'test:' || n, 'event', n, 'proposal-1', 'normal', '{}', now()
            FROM generate_series(%s::int, %s::int) n""",
            first,
            last,
        )
        desk.do(
            """INSERT INTO ledger.deliveries (id, notice, recipient, channel, relation, required, state, due_at)
            SELECT 'delivery-' || n, 'notice-' || n, 'subscription-1', %s, 'watcher', false, 'waiting', now()
            FROM generate_series(%s::int, %s::int) n""",
            desk.name,
            first,
            last,
        )
        desk.do("ANALYZE ledger.deliveries")

    with desk.posting() as (db, post):

        def quickest() -> float:
            """The quickest of twenty looks: what the machine does meanwhile is in the others."""
            took = []
            for _ in range(20):
                began = time.perf_counter()
                dispatch(db, post, {desk.name: 1})
                took.append(time.perf_counter() - began)
            return min(took)

        waiting(1, 200)
        dispatch(db, post, {desk.name: 1})
        of_few = quickest()
        waiting(201, 20_000)
        assert quickest() < 30 * of_few, "a hundred times as many"
    assert desk.states() == {"queued": 1, "waiting": 19_999}


def test_every_channel_is_declared_so_that_it_survives_the_broker(desk: Desk) -> None:
    queue = deliveries_queue(desk.settings, desk.name)
    assert queue.durable
    assert queue.exchange.durable
    if is_rabbitmq(desk.settings):
        assert queue.queue_arguments["x-queue-type"] == "quorum"


def test_however_many_subscriptions_fail_there_is_room_for_the_others(desk: Desk) -> None:
    with psycopg.connect(desk.settings.database_url) as connection:
        owner = people.add(connection, email="i@example.org", name="I", roles=["integration"])
    failing = [f"subscription-{n}" for n in range(3 * MOST_FAILING)]
    for each in failing:
        desk.do(
            "INSERT INTO ledger.subscriptions (id, person, name, channel, failures) VALUES (%s, %s, 'x', 'webhook', 1)",
            each,
            owner.id,
        )
    desk.add(*failing, *failing)
    well = desk.add("subscription-well", "subscription-well")
    with desk.posting() as (db, post):
        for _ in range(3):
            dispatch(db, post, {desk.name: 4})
    there = desk.at_broker()
    assert set(well) <= set(there)
    assert len(there) == len(well) + MOST_FAILING
