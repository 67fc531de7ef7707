"""Whatever happens, in whatever order: nobody is told twice, nobody is forgotten, nobody hears of their own acts."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest

from service.messaging import noticing
from service.settings import Settings
from service.wiring import build
from tests.views.walks import BODIES, MUNICIPALITIES, PARTIES, Walk, append

Connection = psycopg.Connection[Any]

EVENTS = 500
PEOPLE = 40
ROLES = ("submitter", "secretary", "member", "treasurer", "auditor", "admin", "integration")
BOARD = "db"
"""For whom everybody acts in a walk."""
STATE = "convert_from(e.state, 'UTF8')::jsonb"


@pytest.fixture(params=[1, 2])
def walked(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Connection]:
    """A walk of which all is told, in batches of odd sizes, to people who are many things at once."""
    chance = random.Random(request.param)
    with (
        closing(build(settings)) as parts,
        psycopg.connect(settings.database_url, autocommit=True) as connection,
    ):
        append(parts.log, Walk(chance).acts(), EVENTS)
        for party in PARTIES:
            connection.execute("INSERT INTO vault.parties VALUES (%s, 'company', %s)", (party, party))
        for number in range(PEOPLE):
            connection.execute(
                """INSERT INTO vault.people (id, email, name, roles, bodies, organisation, chairs, municipalities)
                VALUES (%s, %s, '', %s, %s, %s, '{}', %s)""",
                (
                    f"person-{number}",
                    f"{number}@example.org",
                    chance.sample(ROLES, chance.randint(1, 3)),
                    chance.sample(BODIES, chance.randint(0, 2)),
                    chance.choice((None, *PARTIES)),
                    chance.sample(MUNICIPALITIES, chance.randint(0, 2)),
                ),
            )
        connection.execute(
            """INSERT INTO vault.watching SELECT p.id, s.stream FROM vault.people p,
            (SELECT DISTINCT originator_id AS stream FROM log.events) AS s WHERE (hashtext(p.id || s.stream) & 7) = 0"""
        )
        at = noticing.position(connection)
        while (reached := noticing.fold_batch(parts, connection, at, chance.randint(1, 60))) != at:
            at = reached
        assert at == parts.log.head()
        yield connection


def found(connection: Connection, query: str) -> list[tuple[Any, ...]]:
    """The rows of a question, over what was told with the event that it is of (as `told`)."""
    told = """WITH told AS (
        SELECT d.recipient, d.relation, d.required, n.kind, n.position, e.command_id, e.originator_id AS stream,
            {state} ->> 'by' AS by, n.facts ->> 'body' AS body
        FROM ledger.deliveries d JOIN ledger.notices n ON n.id = d.notice
            JOIN log.events e ON e.notification_id = n.position
        WHERE d.channel = 'inbox'
    ) """.replace("{state}", STATE)
    return connection.execute(told + query).fetchall()  # type: ignore[arg-type]


def test_whatever_happens_each_hears_what_they_should_and_no_more(walked: Connection) -> None:
    assert walked.execute("SELECT * FROM ledger.set_aside").fetchall() == []
    # A walk that tells much of much.
    kinds = {row[0] for row in found(walked, "SELECT DISTINCT kind FROM told")}
    assert {"receipt", "named", "turn", "advised", "decided", "awarded", "money", "envelope"} <= kinds

    # One command on one case is one message; but what the law requires is all there.
    # What must be posted is work of its own, beside the rest.
    twice = """SELECT recipient FROM told WHERE kind <> 'unreached' GROUP BY recipient, command_id, stream
        HAVING count(*) > 1 AND NOT bool_and(required)"""
    assert found(walked, twice) == []
    own = "SELECT kind, relation, body FROM told WHERE recipient = by AND NOT required"
    # Everybody acts for the executive board here: one hears of one's own acts that it is the turn of another.
    heard = found(walked, own)
    assert heard != []
    assert all(kind == "turn" for kind, _, _ in heard)
    assert all(
        relation == "secretariat" or (relation, body) != ("body", BOARD) for _, relation, body in heard
    )
    assert {relation for _, relation, _ in heard} <= {"secretariat", "body"}
    programs = "SELECT * FROM told JOIN vault.people p ON p.id = recipient WHERE roles = '{integration}'"
    assert found(walked, programs) == []

    # Nobody is forgotten: everybody whose turn it is hears of that act, or did it.
    forgotten = f"""SELECT e.notification_id, p.id FROM log.events e
        JOIN vault.people p ON {STATE} #>> '{{event,body}}' = ANY(p.bodies) AND 'member' = ANY(p.roles)
        WHERE e.topic = 'StageOpened'
            AND {STATE} #>> '{{event,kind}}' IN ('advice', 'decision', 'ratification', 'award')
            AND (p.id <> {STATE} ->> 'by' OR {STATE} #>> '{{event,body}}' <> '{BOARD}')
            AND p.roles <> '{{integration}}' AND NOT EXISTS (
                SELECT FROM told WHERE told.command_id = e.command_id AND recipient = p.id
                    AND told.stream = e.originator_id)"""
    assert found(walked, forgotten) == []

    # Nor is anybody who may read the case of their organisation: the law says it must be told. Each has a letter that
    # is made once.
    owners = f"""SELECT e.notification_id, p.id FROM log.events e
        JOIN vault.people p ON p.organisation = {STATE} #>> '{{event,owner}}'
        WHERE e.topic = 'ProposalSubmitted' AND p.roles && '{{submitter,secretary,member,treasurer,auditor}}'
            AND NOT EXISTS (
                SELECT FROM told WHERE told.position = e.notification_id AND recipient = p.id AND required)"""
    assert found(walked, owners) == []
    # Where nobody of it can read the case, every secretary is told to post the letter; where somebody can, none is.
    reached = """EXISTS (SELECT FROM ledger.deliveries o JOIN ledger.notices m ON m.id = o.notice
            WHERE m.cause = n.cause AND o.relation = 'submitter' AND o.required AND o.channel = 'inbox')"""
    posted = walked.execute(
        f"""SELECT d.by_post, {reached}, count(*), count(*) FILTER (WHERE (SELECT count(*) FROM ledger.deliveries o
                JOIN ledger.notices m ON m.id = o.notice
                WHERE m.cause = n.cause AND m.kind = 'unreached' AND o.channel = 'inbox') = s.all_of_them)
        FROM ledger.deliveries d JOIN ledger.notices n ON n.id = d.notice, (SELECT count(*) AS all_of_them
            FROM vault.people WHERE 'secretary' = ANY(roles)) AS s
        WHERE d.channel = 'letter' GROUP BY 1, 2"""  # type: ignore[arg-type]
    ).fetchall()
    assert {(by_post, is_reached) for by_post, is_reached, _, _ in posted} == {(True, False), (False, True)}
    for by_post, _, number, told_to_all in posted:
        assert told_to_all == (number if by_post else 0)
    letters = walked.execute(
        """SELECT n.letter, count(*), count(DISTINCT n.position) FROM ledger.deliveries d
        JOIN ledger.notices n ON n.id = d.notice WHERE d.channel = 'letter' GROUP BY 1"""
    ).fetchall()
    assert {row[0] for row in letters} == {"receipt", "supplement", "award", "refusal"}
    assert all(count == different for _, count, different in letters)


def test_who_watches_is_told_of_every_command_on_a_case_that_they_may_read(walked: Connection) -> None:
    missed = f"""SELECT DISTINCT e.originator_id, e.command_id, w.person FROM log.events e
        JOIN vault.watching w ON w.stream = e.originator_id JOIN vault.people p ON p.id = w.person
        WHERE starts_with(e.originator_id, 'proposal-') AND p.roles && '{{secretary,member,treasurer,auditor}}'
            AND p.id <> {STATE} ->> 'by' AND e.topic <> 'ProposalSubmitted'
            AND NOT EXISTS (SELECT FROM told
                WHERE told.command_id = e.command_id AND told.stream = e.originator_id AND recipient = p.id)"""
    assert found(walked, missed) == []
