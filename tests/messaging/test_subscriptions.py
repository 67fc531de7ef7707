"""Which programs hear of which events? By type and programme, each once, from when they subscribed."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from domain.errors import Refused
from domain.events import EVENTS, Event, FundsReleased, ProgrammePublished, ProposalWithdrawn, StageClosed
from domain.recorded import Recorded
from service.identity import people
from service.identity.people import ROLES, Person
from service.messaging import ledger, subscriptions
from service.messaging.cloudevent import TYPES
from service.messaging.subscriptions import BOTH_SIGN, MOST_EACH, MOST_TESTS, Subscription
from service.settings import Settings
from tests.messaging.test_cloudevent import sample

Connection = psycopg.Connection[object]

AT = datetime(2026, 6, 19, 9, 12, 31, tzinfo=UTC)
CLOSED, WITHDRAWN = (
    "nl.besluitspoor.proposal.stage-closed.v1",
    "nl.besluitspoor.proposal.proposal-withdrawn.v1",
)


@pytest.fixture
def db(settings: Settings) -> Iterator[Connection]:
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def program(db: Connection) -> Person:
    """An integration of another organisation."""
    return people.add(db, email="koppeling@example.org", name="Koppeling", roles=["integration"])


def subscribed(
    db: Connection, person: Person, types: tuple[str, ...] = (), programmes: tuple[str, ...] = ()
) -> Subscription:
    made, _ = subscriptions.add(
        db, person=person.id, name="Zaaksysteem", channel="webhook", url="https://example.org/in",
        types=types, programmes=programmes,
    )  # fmt: skip
    return made


def recorded(position: int, event: Event, stream: str = "proposal-1") -> Recorded:
    return Recorded(
        position, stream, position, AT, date(2026, 6, 17), "person-1", None, "command", None, event
    )


CLOSING = recorded(1, StageClosed("advies", "db", "approved"))
WITHDRAWING = recorded(2, ProposalWithdrawn("grounds"))
FUNDS = recorded(3, FundsReleased("proposal-1", sample(EVENTS["FundsReleased"]).amount), "envelope-e")
PROGRAMME = {"proposal-1": "rha"}
TODAY = date(2026, 11, 20)


def heard(
    db: Connection, events: list[Recorded], programme_of: dict[str, str] = PROGRAMME
) -> list[tuple[int, str]]:
    """Which positions go to whom."""
    made = subscriptions.made(db, events, programme_of, TODAY)
    return [(making.position, each.recipient) for making, planned in made for each in planned]


def test_each_event_is_one_notice_with_one_delivery_for_each_subscription(
    db: Connection, program: Person
) -> None:
    both = {subscribed(db, program).id, subscribed(db, program).id}
    ((making, planned),) = subscriptions.made(db, [CLOSING], PROGRAMME, TODAY)
    assert (making.cause, making.kind, making.position, making.stream) == (
        "event:1",
        "event",
        1,
        "proposal-1",
    )
    assert {each.recipient for each in planned} == both
    assert {(each.channel, each.relation, each.state) for each in planned} == {
        ("webhook", "subscriber", "waiting")
    }
    assert ledger.add(db, [(making, planned)]) == 2
    assert ledger.add(db, [(making, planned)]) == 0, "folded again, nothing is told twice"


def test_nobody_subscribed_nothing_is_kept(db: Connection, program: Person) -> None:
    assert subscriptions.made(db, [CLOSING, WITHDRAWING], PROGRAMME, TODAY) == []


def test_types_and_programmes_are_what_is_asked_for(db: Connection, program: Person) -> None:
    events = [CLOSING, WITHDRAWING, FUNDS]
    everything = subscribed(db, program).id
    withdrawals = subscribed(db, program, types=(WITHDRAWN,)).id
    of_programme = subscribed(db, program, programmes=("rha", "other")).id
    of_both = subscribed(db, program, types=(CLOSED,), programmes=("rha",)).id
    elsewhere = subscribed(db, program, types=(CLOSED,), programmes=("other",)).id
    found = heard(db, events)
    assert [who for position, who in found if position == 1] == sorted((everything, of_programme, of_both))
    assert [who for position, who in found if position == 2] == sorted(
        (everything, withdrawals, of_programme)
    )
    assert [who for position, who in found if position == 3] == [everything], (
        "the envelope is of no programme"
    )
    assert elsewhere not in {who for _, who in found}


def test_who_is_paused_gone_or_may_not_read_events_any_more_hears_nothing(
    db: Connection, program: Person
) -> None:
    one = subscribed(db, program)
    for state in ("off", "gone", "on"):
        changed = subscriptions.change(
            db, one.id, name="x", url=one.url, types=(), programmes=(), state=state
        )
        assert changed is not None
        assert changed.state == state
        assert bool(heard(db, [CLOSING])) is (state == "on")
    # An administrator may set up a subscription, and may not read events.
    people.change(db, replace(program, roles=frozenset({"admin", "submitter"})))
    assert heard(db, [CLOSING]) == []
    people.change(db, replace(program, roles=frozenset({"auditor"})))
    assert heard(db, [CLOSING]) == [(1, one.id)]


def test_only_who_may_read_events_can_have_a_subscription(db: Connection, program: Person) -> None:
    for role in ROLES:
        people.add(db, email=f"{role}@example.org", name=role, roles=[role])
    found = [name for _, name, _ in subscriptions.owners(db)]
    assert found == ["auditor", "integration", "Koppeling"]


def test_what_waits_is_dropped_when_it_is_paused_gone_or_removed(db: Connection, program: Person) -> None:
    def state_of(id: str) -> list[tuple[str, str | None]]:
        query = "SELECT state, error FROM ledger.deliveries WHERE recipient = %s"
        return [(row[0], row[1]) for row in db.execute(query, (id,)).fetchall()]  # type: ignore[index]

    paused, gone, removed = (subscribed(db, program) for _ in range(3))
    ledger.add(db, subscriptions.made(db, [CLOSING], PROGRAMME, TODAY))
    subscriptions.change(db, paused.id, name="x", url=paused.url, types=(), programmes=(), state="off")
    subscriptions.gone(db, gone.id)
    assert subscriptions.remove(db, removed.id)
    assert not subscriptions.remove(db, removed.id)
    assert state_of(paused.id) == [("dropped", "paused")]
    assert state_of(gone.id) == [("dropped", "gone")]
    assert state_of(removed.id) == [("dropped", "removed")]


def test_nobody_has_more_subscriptions_than_can_be_carried(db: Connection, program: Person) -> None:
    for _ in range(MOST_EACH):
        subscribed(db, program)
    with pytest.raises(Refused, match="too-many-subscriptions"):
        subscribed(db, program)


def test_the_same_id_is_the_same_subscription(db: Connection, program: Person) -> None:
    given = {"person": program.id, "name": "x", "channel": "queue", "id": "subscription-1"}
    first, new = subscriptions.add(db, **given)
    again, new_again = subscriptions.add(db, **given)
    assert (first, new, new_again) == (again, True, False)


def test_a_secret_is_made_of_the_services_own_and_its_version_and_kept_nowhere(
    settings: Settings, db: Connection, program: Person
) -> None:
    one, other = subscribed(db, program), subscribed(db, program)
    first = subscriptions.secret(settings, one)
    assert first.startswith("whsec_")
    assert len(base64.b64decode(first.removeprefix("whsec_"))) == 32
    assert subscriptions.secret(settings, other) != first
    assert subscriptions.secret(replace(settings, secret=b"y" * 32), one) != first
    rows = str(db.execute("SELECT s::text FROM ledger.subscriptions s").fetchall())
    assert first.removeprefix("whsec_") not in rows


def test_for_a_day_after_a_rotation_both_secrets_sign(
    settings: Settings, db: Connection, program: Person
) -> None:
    one = subscribed(db, program)
    old = subscriptions.secret(settings, one)
    assert subscriptions.signing(settings, one, datetime.now(UTC)) == [old]
    rotated = subscriptions.rotate(db, one.id, 2)
    again = subscriptions.rotate(db, one.id, 2)
    assert rotated is not None
    assert again == rotated, "asked twice, rotated once"
    new = subscriptions.secret(settings, rotated)
    assert new != old
    since = rotated.secret_since
    assert rotated.old_signs_until == since + BOTH_SIGN
    assert subscriptions.signing(settings, rotated, since + timedelta(hours=23)) == [new, old]
    assert subscriptions.signing(settings, rotated, since + timedelta(hours=24)) == [new]
    with pytest.raises(Refused, match="secret-version"):
        subscriptions.rotate(db, one.id, 4)
    assert subscriptions.rotate(db, "subscription-none", 2) is None


def test_a_secret_that_signs_along_never_stops_without_a_word(
    settings: Settings, db: Connection, program: Person
) -> None:
    one = subscribed(db, program)
    subscriptions.rotate(db, one.id, 2)
    with pytest.raises(Refused, match="secret-still-changing"):
        subscriptions.rotate(db, one.id, 3)
    stopped = subscriptions.rotate(db, one.id, 3, old_stops=True)
    assert stopped is not None
    assert stopped.secret_version == 3
    assert subscriptions.signing(settings, stopped, datetime.now(UTC)) == [
        subscriptions.secret(settings, stopped)
    ]
    assert subscriptions.rotate(db, one.id, 4) is not None, "nothing signed along any more"


def test_a_secret_that_leaked_stops_also_after_it_was_renewed(
    settings: Settings, db: Connection, program: Person
) -> None:
    one = subscribed(db, program)
    subscriptions.rotate(db, one.id, 2)
    stopped = subscriptions.rotate(db, one.id, 2, old_stops=True)
    assert stopped is not None
    assert subscriptions.signing(settings, stopped, datetime.now(UTC)) == [
        subscriptions.secret(settings, stopped)
    ]


def test_a_day_later_there_can_be_another_secret(db: Connection, program: Person) -> None:
    one = subscribed(db, program)
    subscriptions.rotate(db, one.id, 2)
    db.execute("UPDATE ledger.subscriptions SET old_signs_until = now()")
    again = subscriptions.rotate(db, one.id, 3)
    assert again is not None
    assert again.secret_version == 3


def test_there_are_few_test_events_in_a_minute(db: Connection, program: Person) -> None:
    one, other = subscribed(db, program), subscribed(db, program)
    first = subscriptions.try_out(db, one, "test-0")
    for _ in range(MOST_TESTS - 1):
        subscriptions.try_out(db, one)
    for each, by in ((one, program.id), (one, "person-admin"), (other, program.id)):
        with pytest.raises(Refused, match="too-many-tests"):
            subscriptions.try_out(db, each, by=by)
    assert subscriptions.try_out(db, other, by="person-admin")
    assert subscriptions.try_out(db, one, "test-0") == first, "the same test is no other one"
    db.execute("UPDATE ledger.notices SET at = at - interval '1 minute'")
    assert subscriptions.try_out(db, one)


def test_a_test_event_is_one_delivery_also_of_a_paused_subscription(db: Connection, program: Person) -> None:
    one = subscribed(db, program)
    subscriptions.change(db, one.id, name="x", url=one.url, types=(), programmes=(), state="off")
    first = subscriptions.try_out(db, one, "test-1")
    assert subscriptions.try_out(db, one, "test-1") == first
    assert subscriptions.try_out(db, one) != first
    delivery = ledger.by_id(db, first)
    assert delivery is not None
    assert (delivery.kind, delivery.cause, delivery.state) == ("test", "test:test-1", "waiting")


def test_every_event_has_a_type_to_subscribe_to(db: Connection, program: Person) -> None:
    assert sorted(TYPES.values()) == sorted(EVENTS)
    programme = recorded(4, ProgrammePublished("rha", 1, {}), "programme-rha")
    for each in (CLOSING, WITHDRAWING, FUNDS, programme):
        types = [type for type, name in TYPES.items() if name == each.name]
        assert subscriptions.matches(types, (), each, {})
