"""What is added to the ledger is there once, as it was given, in the order in which it was given."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from service.messaging import ledger
from service.messaging.ledger import Making, Planned
from service.settings import Settings

Connection = psycopg.Connection[Any]

AT = datetime(2026, 3, 2, 10, 30, 0, 123456, tzinfo=UTC)
INBOX = Planned("person-1", "inbox", "submitter", "sent", required=True)
MAIL = Planned("person-1", "email", "submitter", "waiting", due_at=AT + timedelta(days=1))


@pytest.fixture
def connection(settings: Settings) -> Iterator[Connection]:
    with psycopg.connect(settings.database_url, autocommit=True) as opened:
        yield opened


def making(cause: str = "event:1", kind: str = "receipt", **facts: Any) -> Making:
    """A notice about to be kept."""
    return Making(cause, kind, 1, "proposal-1", "normal", facts, AT, "receipt")


def everything(connection: Connection) -> list[ledger.Delivery]:
    """All deliveries, by id."""
    ids = connection.execute("SELECT id FROM ledger.deliveries ORDER BY id").fetchall()
    found = [ledger.by_id(connection, id) for (id,) in ids]
    return [each for each in found if each is not None]


def test_what_is_added_is_there_as_it_was_given(connection: Connection) -> None:
    facts = {
        "title": {"$words": "1/content.title"},
        "odd": 'a "quoted"\nline, a \\ and {braces}',
        "none": None,
        "n": [1],
    }
    assert ledger.add(connection, [(making(**facts), [INBOX, MAIL])]) == 2
    inbox, mail = everything(connection)
    assert (inbox.facts, inbox.cause, inbox.kind, inbox.letter, inbox.at) == (
        facts,
        "event:1",
        "receipt",
        "receipt",
        AT,
    )
    assert (inbox.recipient, inbox.channel, inbox.state, inbox.required) == (
        "person-1",
        "inbox",
        "sent",
        True,
    )
    assert (mail.channel, mail.state, mail.required, mail.due_at) == ("email", "waiting", False, MAIL.due_at)
    assert inbox.notice == mail.notice


def test_what_is_there_already_stays_as_it_is(connection: Connection) -> None:
    assert ledger.add(connection, [(making(), [INBOX, MAIL])]) == 2
    before = everything(connection)
    other = Planned("person-2", "inbox", "partner", "sent")
    later = Planned("person-1", "email", "partner", "collected")
    assert ledger.add(connection, [(making(more="later"), [INBOX, later, other])]) == 1
    assert [each for each in everything(connection) if each.recipient == "person-1"] == before


def test_the_same_notice_and_recipient_twice_in_one_go_is_one(connection: Connection) -> None:
    twice = [(making(), [INBOX, INBOX]), (making(), [INBOX, MAIL]), (making(kind="turn"), [INBOX])]
    assert ledger.add(connection, twice) == 3
    assert len({each.notice for each in everything(connection)}) == 2


def test_a_notice_for_nobody_is_not_kept(connection: Connection) -> None:
    assert ledger.add(connection, [(making(), [])]) == ledger.add(connection, []) == 0
    assert connection.execute("SELECT count(*) FROM ledger.notices").fetchone() == (0,)


def test_what_came_first_comes_first_however_much_there_is(connection: Connection) -> None:
    many = [(making(f"event:{number}"), [INBOX]) for number in range(2_500)]
    assert ledger.add(connection, iter(many)) == 2_500
    assert [each.cause for each in everything(connection)] == [one.cause for one, _ in many]


def test_what_nobody_can_be_sent_is_given_up_from_the_start_with_the_reason(connection: Connection) -> None:
    ledger.add(connection, [(making(), [Planned("person-1", "email", "submitter", "dead", error="refused")])])
    assert connection.execute(
        "SELECT state, error, settled_at IS NULL FROM ledger.deliveries"
    ).fetchone() == (
        "dead",
        "refused",
        False,
    )


def test_a_character_that_the_database_cannot_hold_is_refused_and_nothing_is_kept(
    connection: Connection,
) -> None:
    for wrong in (making(text="a\0b"), making(cause="event:\0")):
        with pytest.raises((psycopg.DataError, ValueError)), connection.transaction():
            ledger.add(connection, [(wrong, [INBOX])])
    assert everything(connection) == []
