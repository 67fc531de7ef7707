"""Words go in the transaction that records why, and in no other way; the log itself stays byte for byte."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from domain.events import ProposalWithdrawn, TextRedacted
from service.eventstore import Conflict, Log, Once
from service.ids import new_id
from service.settings import Settings
from tests.dumped import log_rows
from tests.log.given import meta, worded


def beside(settings: Settings, position: int) -> tuple[dict[str, str], dict[str, str]]:
    """The texts and salts of an event."""
    with psycopg.connect(settings.database_url) as connection:
        row = connection.execute(
            "SELECT texts, salts FROM log.words WHERE position = %s", (position,)
        ).fetchone()
    assert row is not None
    return row


def found(settings: Settings, word: str) -> int:
    with psycopg.connect(settings.database_url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM log.words WHERE search @@ websearch_to_tsquery('dutch', %s)", (word,)
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_the_words_and_their_salt_go_with_the_event_that_says_so(log: Log, settings: Settings) -> None:
    stream = new_id("proposal")
    first = log.append([(stream, worded("Een kwetterzwaluw.")), (stream, worded("Blijft."))], {}, meta())
    before = log_rows(settings, first.last)
    assert found(settings, "kwetterzwaluw") == 1
    log.append(
        [(stream, TextRedacted(first.first, ("grounds",), "privacy", "Op verzoek."))], {stream: 2}, meta()
    )
    assert beside(settings, first.first) == ({}, {})
    assert beside(settings, first.last)[0] == {"grounds": "Blijft."}
    assert beside(settings, first.last + 1)[0] == {"remarks": "Op verzoek."}
    assert found(settings, "kwetterzwaluw") == 0
    assert log_rows(settings, first.last) == before


def test_only_what_it_names_goes_and_only_of_its_own_case(log: Log, settings: Settings) -> None:
    mine, other = new_id("proposal"), new_id("proposal")
    position = log.append([(other, worded("Van een ander."))], {}, meta()).first
    own = log.append([(mine, worded("Van mij."))], {}, meta()).first
    log.append(
        [
            (mine, TextRedacted(position, ("grounds",), "privacy", "")),
            (mine, TextRedacted(own, ("remarks",), "privacy", "")),
        ],
        {mine: 1},
        meta(),
    )
    assert beside(settings, position)[0] == {"grounds": "Van een ander."}
    assert beside(settings, own)[0] == {"grounds": "Van mij."}


def test_what_is_not_recorded_takes_nothing_away(log: Log, settings: Settings) -> None:
    stream = new_id("proposal")
    position = log.append([(stream, worded("Blijft hier."))], {}, meta()).first
    with pytest.raises(Conflict):
        log.append([(stream, TextRedacted(position, ("grounds",), "privacy", ""))], {}, meta())
    assert beside(settings, position)[0] == {"grounds": "Blijft hier."}


def test_what_breaks_off_beside_it_takes_nothing_away_and_records_nothing(
    log: Log, settings: Settings
) -> None:
    stream = new_id("proposal")
    position = log.append([(stream, worded("Blijft ook."))], {}, meta()).first
    head = log.head()

    def fails(connection: Any) -> Any:
        def after(first: int, last: int) -> None:
            assert connection.execute(
                "SELECT 1 FROM log.events WHERE notification_id = %s", (first,)
            ).fetchone()
            raise RuntimeError("halfway")

        return after

    change = [(stream, TextRedacted(position, ("grounds",), "privacy", ""))]
    with pytest.raises(RuntimeError, match="halfway"):
        log.append(change, {stream: 1}, meta(), beside=fails)
    assert log.head() == head
    assert beside(settings, position)[0] == {"grounds": "Blijft ook."}


def test_a_repeat_with_the_same_key_does_nothing_beside_it_again(log: Log) -> None:
    stream, once, did = new_id("proposal"), Once(new_id("key"), b"request"), []

    def noted(_: Any) -> Any:
        return lambda first, last: did.append((first, last))

    first = log.append([(stream, ProposalWithdrawn(""))], {}, meta(), once, beside=noted)
    again = log.append([(stream, ProposalWithdrawn(""))], {}, meta(), once, beside=noted)
    assert again.replayed
    assert did == [(first.first, first.last)]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE log.words SET texts = texts - 'grounds'",
        "SELECT documents.take_away(1, '{}', '{}')",
        "UPDATE documents.letters SET pdf = '', redacted = 1",
        "UPDATE documents.editions SET kept = '', redacted = 1",
        "ALTER TABLE log.events DISABLE TRIGGER take_words_away",
        "SELECT log.take_words_away()",
    ],
)
def test_the_service_has_no_other_way_to_take_words_away(
    statement: str, log: Log, settings: Settings
) -> None:
    if log.head() == 0:
        log.append([(new_id("proposal"), worded())], {}, meta())
    with psycopg.connect(settings.database_url, autocommit=True) as runtime:  # noqa: SIM117
        with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.FeatureNotSupported)):
            runtime.execute(statement)  # type: ignore[call-overload]
