"""Words stay beside the log: in it stands a digest of each, with a salt that goes when the text goes."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import psycopg
import pytest
from psycopg import sql

from domain.event_texts import text_paths
from domain.events import EVENTS, Event, ProposalWithdrawn
from service.eventstore import Log
from service.ids import new_id
from service.settings import Settings
from service.worded import digest
from tests.golden.example import example
from tests.log.given import meta, worded

MARKER = "zonnebloem"


def said(path: str) -> str:
    """The words in a text field, to be recognised anywhere."""
    return f"{MARKER} in {path}"


def at(value: Any, path: str) -> Any:
    """What stands at a path of an event."""
    for step in path.split("."):
        value = value[int(step)] if isinstance(value, tuple) else getattr(value, step)
    return value


def beside(settings: Settings, stream: str) -> list[tuple[dict[str, str], dict[str, str]]]:
    """The texts and salts beside the events of a stream."""
    with psycopg.connect(settings.database_url) as connection:
        return connection.execute(
            "SELECT texts, salts FROM log.words WHERE stream = %s ORDER BY position", (stream,)
        ).fetchall()


def written(of: type[Event]) -> dict[str, str]:
    """The text fields of an event, as the types say, with what is written in each."""
    found: dict[str, str] = {}

    def write(path: str) -> str:
        found[path] = said(path)
        return found[path]

    example(of, write)
    return found


@pytest.mark.parametrize("name", EVENTS)
def test_every_text_of_every_event_is_beside_the_log_and_a_digest_in_it(
    name: str, log: Log, settings: Settings
) -> None:
    stream = new_id("proposal")
    log.append([(stream, example(EVENTS[name], said))], {}, meta())
    event = log.load(stream)[0].event
    words = written(EVENTS[name])
    kept = beside(settings, stream)
    if not words:
        assert kept == []
        return
    ((texts, salts),) = kept
    assert texts == words
    assert texts.keys() == salts.keys()
    for path, text in texts.items():
        expected = hashlib.sha256(bytes.fromhex(salts[path]) + text.encode()).hexdigest()
        assert at(event, path) == expected == digest(salts[path], text)
        assert len(bytes.fromhex(salts[path])) == 16
    assert len(set(salts.values())) == len(salts)


def test_nothing_but_the_side_table_holds_a_word(log: Log, settings: Settings) -> None:
    for event in EVENTS.values():
        log.append([(new_id("proposal"), example(event, said))], {}, meta())
    with psycopg.connect(settings.database_owner_url) as owner:
        tables = owner.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        holding = {
            f"{schema}.{table}"
            for schema, table in tables
            if _holds(owner, schema, table, MARKER) or _holds(owner, schema, table, MARKER.encode().hex())
        }
    assert holding == {"log.words"}


def _holds(owner: psycopg.Connection[Any], schema: str, table: str, text: str) -> bool:
    query = sql.SQL("SELECT EXISTS (SELECT FROM {} t WHERE t::text LIKE {})").format(
        sql.Identifier(schema, table), sql.Literal(f"%{text}%")
    )
    return bool(owner.execute(query).fetchone()[0])  # type: ignore[index]


def test_the_same_words_give_another_digest_each_time(log: Log) -> None:
    stream = new_id("proposal")
    log.append([(stream, worded("Geen capaciteit.")), (stream, worded("Geen capaciteit."))], {}, meta())
    events = [recorded.event for recorded in log.load(stream)]
    digests = {event.grounds for event in events if isinstance(event, ProposalWithdrawn)}
    assert len(digests) == 2
    assert all(re.fullmatch("[0-9a-f]{64}", each) for each in digests)


def test_where_nothing_was_said_nothing_is_kept(log: Log, settings: Settings) -> None:
    stream = new_id("proposal")
    log.append([(stream, worded(""))], {}, meta())
    assert log.load(stream)[0].event == worded("")
    assert beside(settings, stream) == []


def test_a_removed_text_leaves_the_log_as_it_was(log: Log, settings: Settings) -> None:
    stream = new_id("proposal")
    log.append([(stream, worded("Een naam die weg moet."))], {}, meta())
    before = log.load(stream)
    with psycopg.connect(settings.database_owner_url) as owner:
        owner.execute("UPDATE log.words SET texts = '{}', salts = '{}' WHERE stream = %s", (stream,))
    assert log.load(stream) == before


def test_words_are_found_as_dutch(log: Log, settings: Settings) -> None:
    stream = new_id("proposal")
    log.append([(stream, worded("De winkeliers verkopen op het web."))], {}, meta())
    with psycopg.connect(settings.database_url) as connection:
        found = connection.execute(
            "SELECT stream FROM log.words WHERE search @@ websearch_to_tsquery('dutch', 'winkelier verkopend')"
        ).fetchall()
    assert found == [(stream,)]


def test_a_very_long_text_is_kept_whole(log: Log, settings: Settings) -> None:
    stream, text = new_id("proposal"), "Een lange toelichting met unieke woorden. " * 20_000
    log.append([(stream, worded(text))], {}, meta())
    assert beside(settings, stream)[0][0] == {"grounds": text}


def test_no_path_of_a_text_is_overlooked() -> None:
    # Where a text hides in a type that text_paths does not look into, it would stand in the log as plain words.
    for name, event in EVENTS.items():
        plain = {re.sub(r"\.\d+", ".*", path) for path in written(event)}
        assert plain == {".".join(path) for path in text_paths(event)}, name


def test_however_much_there_is_to_read_it_is_kept_whole_and_found_by_its_beginning(
    log: Log, settings: Settings
) -> None:
    # More different words than one search vector can hold.
    endless = " ".join(f"woord{number}-deel{number}" for number in range(90_000))
    log.append([("proposal-long", worded(endless))], {}, meta())
    with psycopg.connect(settings.database_url) as connection:
        found = connection.execute(
            "SELECT texts ->> 'grounds' = %s FROM log.words WHERE search @@ websearch_to_tsquery('dutch', 'woord7')",
            (endless,),
        ).fetchone()
    assert found == (True,)


def test_words_that_were_taken_away_are_not_found_any_more(log: Log, settings: Settings) -> None:
    log.append([("proposal-1", worded("Een geheim woord."))], {}, meta())
    query = "SELECT count(*) FROM log.words WHERE search @@ websearch_to_tsquery('dutch', 'geheim')"
    with psycopg.connect(settings.database_owner_url, autocommit=True) as owner:
        assert owner.execute(query).fetchone() == (1,)
        owner.execute("UPDATE log.words SET texts = '{}', salts = '{}'")
        assert owner.execute(query).fetchone() == (0,)


def test_nobody_waits_while_a_long_text_is_made_findable(log: Log, settings: Settings) -> None:
    # What is read is read before the lock: an append that only waits for the lock is not held up by it.
    with psycopg.connect(settings.database_owner_url) as owner:
        source = owner.execute("SELECT prosrc FROM pg_proc WHERE proname = 'append'").fetchone()
    assert source is not None
    assert source[0].index("search_of") < source[0].index("pg_advisory_xact_lock")
