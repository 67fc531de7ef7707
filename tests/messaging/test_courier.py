"""Does each delivery reach its other side once, and is it tried again, given up or dropped as it should?"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from service.keeping_up import without_courier
from service.messaging import courier
from service.messaging.channels.channel import Dropped, Failed, Gone, Outcome, Sent
from service.messaging.courier import THREADS
from service.messaging.ledger import Delivery
from service.settings import Settings

from .broker_proxy import before
from .delivering import Desk, Through, abandoned, at_work

Until = Callable[..., None]


def test_each_is_sent_once_whoever_delivers(desk: Desk, until: Until) -> None:
    with ExitStack() as stack:
        for work in (desk.dispatching, desk.delivering, desk.delivering, desk.delivering):
            stack.enter_context(work())
        ids = [id for n in range(20) for id in desk.add(*[f"person-{n}"] * 5)]
        until(lambda: desk.states() == {"sent": 100})
    assert sorted(delivery.id for delivery in desk.got) == sorted(ids)
    assert {delivery.tries for delivery in desk.got} == {1}
    assert desk.at_broker() == []
    assert desk.tries(ids[0]) == [(1, "sent", "")]


def test_an_id_that_comes_twice_is_sent_once(desk: Desk, until: Until) -> None:
    (id,) = desk.add("person-1")
    with desk.posting() as (_, post):
        for _ in range(3):
            post.put(desk.name, id)
        post.put(desk.name, "delivery-of-nobody")
        with desk.delivering():
            until(lambda: desk.states() == {"sent": 1})
            until(lambda: post.held(desk.name)[0] == 0)
    assert len(desk.got) == 1
    assert desk.at_broker() == []


def test_what_fails_is_tried_again_later_and_later_and_then_given_up(desk: Desk, until: Until) -> None:
    desk.answer = lambda _: Failed("they said no")
    (id,) = desk.add("person-1")
    with desk.dispatching(), desk.delivering():
        for number, wait in enumerate(desk.waits, 1):
            until(lambda number=number: desk.state(id) == ("waiting", number, "they said no"))
            ((seconds,),) = desk.ask("SELECT extract(epoch FROM due_at - now()) FROM ledger.deliveries")
            assert 0.75 * wait < seconds < 1.25 * wait
            desk.due()
        until(lambda: desk.state(id) == ("dead", 3, "they said no"))
    assert desk.tries(id) == [(n, "failed", "they said no") for n in (1, 2, 3)]


def test_what_will_never_do_is_given_up_at_once(desk: Desk, until: Until) -> None:
    desk.answer = lambda _: Failed("no such address", permanent=True)
    (id,) = desk.add("person-1")
    with desk.dispatching(), desk.delivering():
        until(lambda: desk.state(id) == ("dead", 1, "no such address"))


def test_who_asks_for_more_time_gets_it(desk: Desk, until: Until) -> None:
    desk.answer = lambda _: Failed("busy", again_in=50_000)
    (id,) = desk.add("person-1")
    with desk.dispatching(), desk.delivering():
        until(lambda: desk.state(id) == ("waiting", 1, "busy"))
    ((seconds,),) = desk.ask("SELECT extract(epoch FROM due_at - now()) FROM ledger.deliveries")
    assert seconds > 49_000


def test_a_channel_that_breaks_is_a_failed_try(desk: Desk, until: Until) -> None:
    def broken(delivery: Delivery) -> Outcome:
        if delivery.tries == 1:
            raise OSError("the line to <someone@example.org> is dead")
        return Sent("at last")

    desk.answer = broken
    (id,) = desk.add("person-1")
    with desk.dispatching(), desk.delivering():
        until(lambda: desk.state(id) == ("waiting", 1, "OSError: the line to … is dead"))
        desk.due()
        until(lambda: desk.state(id) == ("sent", 2, None))
    assert desk.tries(id) == [(1, "failed", "OSError: the line to … is dead"), (2, "sent", "at last")]


def test_what_is_not_to_be_sent_after_all_is_dropped(desk: Desk, until: Until) -> None:
    desk.answer = lambda _: Dropped("turned off")
    (id,) = desk.add("person-1")
    with desk.dispatching(), desk.delivering():
        until(lambda: desk.state(id) == ("dropped", 1, "turned off"))


def test_who_wants_nothing_any_more_gets_nothing_any_more(desk: Desk, until: Until) -> None:
    desk.answer = lambda delivery: Gone("410") if delivery.recipient == "subscription-1" else Sent()
    first, *_ = desk.add("subscription-1", "subscription-1", "subscription-1")
    desk.do("UPDATE ledger.deliveries SET due_at = now() + interval '1 day' WHERE id <> %s", first)
    (other,) = desk.add("subscription-2")
    with desk.dispatching(), desk.delivering():
        until(lambda: desk.states() == {"dropped": 3, "sent": 1})
    assert desk.state(other) == ("sent", 1, None)
    assert len(desk.got) == 2


@pytest.mark.slow
def test_when_one_is_done_the_next_of_that_recipient_goes_at_once(desk: Desk, until: Until) -> None:
    desk.at_once = 1
    desk.add(*["subscription-1"] * 60)
    with desk.dispatching(), desk.delivering():
        # Had each to be looked for, it would take a second: a minute in all.
        until(lambda: desk.states() == {"sent": 60}, 40)
    assert [delivery.id for delivery in desk.got] == sorted(delivery.id for delivery in desk.got)


@pytest.mark.slow
def test_one_channel_that_hangs_holds_up_no_other(desk: Desk, settings: Settings, until: Until) -> None:
    hanging = Desk(desk.settings, f"{desk.name}_hangs", at_once=500)
    let_go = threading.Event()

    def hang(delivery: Delivery) -> Outcome:
        let_go.wait(60)
        return Sent()

    hanging.answer = hang
    channels = {**desk.channels, **hanging.channels}
    try:
        with (
            desk.dispatching(),
            hanging.dispatching(),
            at_work(lambda stop: courier.run(desk.settings, stop, channels)),
        ):
            hanging.add(*["person-1"] * 50)
            until(lambda: len(hanging.got) == THREADS)
            desk.add(*["person-1"] * 50)
            until(lambda: len(desk.got) == 50)
            let_go.set()
            until(lambda: desk.states() == {"sent": 100})
    finally:
        hanging.delete()


@pytest.mark.slow
def test_told_to_stop_it_ends_what_it_began_and_leaves_the_rest_to_others(desk: Desk, until: Until) -> None:
    def slow(delivery: Delivery) -> Outcome:
        time.sleep(0.3)
        return Sent()

    desk.answer = slow
    desk.add(*["person-1"] * 40)
    with desk.dispatching():
        with desk.delivering():
            until(lambda: len(desk.got) >= THREADS)
        begun = len(desk.got)
        assert desk.states() == {"sent": begun, "queued": 40 - begun}
        with desk.delivering():
            until(lambda: desk.states() == {"sent": 40})
    assert len(desk.got) == 40


def test_others_see_over_what_somebody_delivers(desk: Desk, until: Until) -> None:
    def nobody() -> list[str]:
        with psycopg.connect(desk.settings.database_url) as connection:
            return without_courier(connection, [desk.name])

    assert nobody() == [desk.name]
    with desk.delivering(), desk.delivering():
        until(lambda: nobody() == [])
    until(lambda: nobody() == [desk.name])


@pytest.mark.slow
def test_a_database_that_ends_every_session_is_found_again_and_nothing_is_sent_twice(
    desk: Desk, until: Until
) -> None:
    def slow(delivery: Delivery) -> Outcome:
        time.sleep(0.02)
        return Sent()

    desk.answer = slow
    with desk.dispatching(), desk.delivering():
        for step in range(1, 4):
            desk.add(*["person-1"] * 50)
            until(lambda step=step: len(desk.got) > 50 * step - 25)
            with psycopg.connect(desk.settings.database_owner_url, autocommit=True) as owner:
                owner.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND usename = 'besluitspoor_test'"
                )
        # A claim whose answer was lost is found when its lease has run out.
        until(lambda: desk.states().get("queued", 0) + desk.states().get("waiting", 0) == 0, 60)
        until(lambda: desk.states().get("sent", 0) == len(desk.got), 60)
        desk.do("UPDATE ledger.deliveries SET claimed_until = now() WHERE state = 'sending'")
        until(lambda: desk.states() == {"sent": 150}, 60)
    assert len({delivery.id for delivery in desk.got}) == 150
    assert len(desk.got) == 150


@pytest.mark.slow
@pytest.mark.rabbitmq
@pytest.mark.parametrize("on_broker", ["rabbitmq"], indirect=True)
def test_a_broker_that_breaks_off_is_found_again_and_nothing_is_sent_twice(desk: Desk, until: Until) -> None:
    def slow(delivery: Delivery) -> Outcome:
        time.sleep(0.02)
        return Sent()

    desk.answer = slow
    with before(desk.settings.broker_url) as proxy:
        through = desk.elsewhere(proxy.url)
        with through.dispatching(), through.delivering():
            for step in range(1, 4):
                desk.add(*["person-1"] * 50)
                until(lambda step=step: len(desk.got) > 50 * step - 25, 90)
                proxy.cut()
                desk.add("person-2")
                time.sleep(0.5)
                proxy.mend()
            until(lambda: desk.states() == {"sent": 153}, 90)
    assert len(desk.got) == len({delivery.id for delivery in desk.got}) == 153


KILLED = """
import os, sys, threading, time
from service.messaging import courier
from service.messaging.channels.channel import Sent
from service.settings import Settings

class Hanging:
    name, waits, at_once = sys.argv[3], (), 500
    def send(self, parts, delivery):
        os.write(2, f"{delivery.id}\\n".encode())  # in one: of print, two threads can mix text and end
        time.sleep(60)
    def close(self):
        pass

courier.run(Settings(*sys.argv[1:2], "", b"", sys.argv[2]), threading.Event(), {sys.argv[3]: lambda _: Hanging()})
"""


@pytest.mark.slow
def test_what_a_killed_courier_had_in_hand_is_brought_by_another(
    desk: Desk, project: Path, until: Until
) -> None:
    ids = desk.add(*["person-1"] * 20)
    arguments = [
        sys.executable,
        "-c",
        KILLED,
        desk.settings.database_url,
        desk.settings.broker_url,
        desk.name,
    ]
    with desk.dispatching():
        with subprocess.Popen(arguments, cwd=project, stderr=subprocess.PIPE, text=True) as killed:
            assert killed.stderr is not None
            begun = sorted(killed.stderr.readline().strip() for _ in range(THREADS))
            killed.kill()
        until(lambda: desk.states() == {"sending": THREADS, "queued": 20 - THREADS})
        assert abandoned(desk.settings) == begun
        with desk.delivering():
            until(lambda: desk.states() == {"sent": 20}, 120)
    assert sorted(delivery.id for delivery in desk.got) == ids
    assert {delivery.id for delivery in desk.got if delivery.tries == 2} == set(begun)
    assert desk.tries(begun[0]) == [
        (1, "crashed", "whoever was sending it stopped without a word"),
        (2, "sent", ""),
    ]


def test_a_channel_object_serves_one_thread(desk: Desk, until: Until) -> None:
    made: list[tuple[int, Through]] = []

    def make(_: Settings) -> Through:
        made.append((threading.get_ident(), Through(desk)))
        return made[-1][1]

    with desk.dispatching(), at_work(lambda stop: courier.run(desk.settings, stop, {desk.name: make})):
        desk.add(*["person-1"] * 60)
        until(lambda: desk.states() == {"sent": 60})
    assert len(made) == len({thread for thread, _ in made}) <= THREADS


@pytest.mark.parametrize("on_broker", ["pgmq"], indirect=True)
def test_only_the_channels_asked_for(desk: Desk, until: Until) -> None:
    other = Desk(desk.settings, f"{desk.name}_other")
    channels = {**desk.channels, **other.channels}
    desk.add("person-1")
    other.add("person-1")
    with (
        desk.dispatching(),
        other.dispatching(),
        at_work(lambda stop: courier.run(desk.settings, stop, channels, [other.name])),
    ):
        until(lambda: desk.states() == {"sent": 1, "queued": 1})
    assert len(other.got) == 1
