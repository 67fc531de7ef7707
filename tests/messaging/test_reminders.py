"""A term is told of before it ends, when it has passed and when that is long ago: once each, and never as a flood."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from domain.programme import NoticeRule
from domain.proposal import CheckCompleteness, Review
from domain.working_days import add_working_days
from service import commands
from service.calendar import dutch_holidays, today
from service.identity import parties, people
from service.identity.people import Person
from service.messaging import digests, ledger, preferences, reminders
from service.messaging.ledger import Delivery
from service.messaging.reminders import step
from service.messaging.wording import messages
from service.programmes import read_bundled
from service.publishing import publish
from service.settings import Settings
from service.wiring import build
from tests.commands.office import ADMIN, SECRETARY, TASKFORCE, Office, at_once, office_of, proposal_input
from tests.views.conftest import fold_all

Connection = psycopg.Connection[Any]

REGION = "Europe/Amsterdam"
ZONE = ZoneInfo(REGION)
TODAY = today(REGION)
HOLIDAYS = dutch_holidays()


@pytest.fixture
def office(settings: Settings) -> Iterator[Office]:
    with office_of(settings) as opened:
        opened.parts.clock.wait_for(0, 0)  # from here on it listens
        yield opened


@pytest.fixture
def connection(settings: Settings) -> Iterator[Connection]:
    with psycopg.connect(settings.database_url, autocommit=True) as opened:
        yield opened


@pytest.fixture
def person(connection: Connection) -> Callable[..., Person]:
    def make(name: str, role: str = "member", *bodies: str, **more: Any) -> Person:
        return people.add(
            connection, email=f"{name}@example.org", name=name, roles=[role], bodies=bodies, **more
        )

    return make


def submitted(office: Office, who: Person = SECRETARY) -> str:
    """A proposal that waits for the secretariat, since today."""
    done = commands.submit(office.parts, who, "regionale-herstelaanpak", proposal_input(), TODAY)
    return done.stream


def in_review(office: Office) -> str:
    """One that waits for the taskforce."""
    proposal = submitted(office)
    office.act(SECRETARY, proposal, CheckCompleteness("complete", "", None, TODAY))
    return proposal


def supplementing(office: Office, due_on: date, who: Person = SECRETARY) -> str:
    """One that its applicant must supplement by this date."""
    proposal = submitted(office, who)
    office.act(SECRETARY, proposal, CheckCompleteness("supplement", "De begroting.", due_on, TODAY))
    return proposal


def on(day: date, hour: int = 9, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), ZONE)


def working_day(after: date, days: int) -> date:
    """So many working days after, or before, this date."""
    if days >= 0:
        return add_working_days(after, days, HOLIDAYS)
    while days:
        after -= timedelta(days=1)
        days += after.weekday() < 5 and after not in HOLIDAYS
    return after


def due_on(connection: Connection, proposal: str) -> date:
    """When the term ends of what a proposal waits for."""
    fold_all(connection)
    row = connection.execute("SELECT due_on FROM views.queue WHERE stream = %s", (proposal,)).fetchone()
    assert row is not None
    return date.fromisoformat(row[0])


def told(connection: Connection) -> list[tuple[str, str]]:
    """Of what each was told, in the inbox: kind and name, in the order in which it came."""
    return connection.execute(
        """SELECT n.kind, p.name FROM ledger.deliveries d JOIN ledger.notices n ON n.id = d.notice
        JOIN vault.people p ON p.id = d.recipient WHERE d.channel = 'inbox' ORDER BY n.at, n.kind, p.name"""
    ).fetchall()


def mails(connection: Connection) -> list[tuple[str, str]]:
    """What is to be mailed: kind and name."""
    return connection.execute(
        """SELECT n.kind, p.name FROM ledger.deliveries d JOIN ledger.notices n ON n.id = d.notice
        JOIN vault.people p ON p.id = d.recipient WHERE d.channel = 'email' AND d.state = 'waiting'
        ORDER BY n.at, n.kind, p.name"""
    ).fetchall()


@pytest.mark.parametrize(
    ("due", "day", "expected"),
    [
        # Friday 13 March 2026, told two working days before, and five after
        ("2026-03-13", "2026-03-10", None),
        ("2026-03-13", "2026-03-11", ("term-near", 2)),
        ("2026-03-13", "2026-03-12", ("term-near", 1)),
        ("2026-03-13", "2026-03-13", ("term-near", 0)),
        ("2026-03-13", "2026-03-16", ("term-passed", 1)),
        ("2026-03-13", "2026-03-19", ("term-passed", 4)),
        ("2026-03-13", "2026-03-20", ("term-escalated", 5)),
        ("2026-03-13", "2027-03-12", ("term-escalated", 252)),
        # over Good Friday and Easter: Tuesday 7 April is the first working day after Thursday 2 April
        ("2026-04-07", "2026-04-01", ("term-near", 2)),
        ("2026-04-07", "2026-03-31", None),
        ("2026-04-02", "2026-04-07", ("term-passed", 1)),
        ("2026-04-02", "2026-04-13", ("term-escalated", 5)),
        # a term that ends on a Saturday
        ("2026-03-14", "2026-03-13", ("term-near", 0)),
        ("2026-03-14", "2026-03-16", ("term-passed", 1)),
    ],
)
def test_a_term_is_near_two_working_days_before_passed_the_day_after_and_escalated_five_after(
    due: str, day: str, expected: tuple[str, int] | None
) -> None:
    found = step(
        date.fromisoformat(due), date.fromisoformat(day), reminder=2, escalation=5, holidays=HOLIDAYS
    )
    assert found == expected


def test_each_step_of_a_term_is_told_once_to_who_can_do_something_about_it(
    office: Office, connection: Connection, person: Callable[..., Person]
) -> None:
    person("member", "member", "taskforce")
    person("chair", "member", "taskforce", chairs=["taskforce"])
    person("secretary", "secretary")
    person("other", "member", "poho")
    due = due_on(connection, in_review(office))
    told_so_far: list[tuple[str, str]] = []
    for days, expected in (
        (-3, []),
        (-2, [("term-near", "chair"), ("term-near", "member")]),
        (-1, []),
        (0, []),
        (1, [("term-passed", "chair"), ("term-passed", "member")]),
        (2, []),
        (5, [("term-escalated", "chair"), ("term-escalated", "member"), ("term-escalated", "secretary")]),
        (6, []),
        (40, []),
    ):
        day = working_day(due, days)
        for hour in (7, 9, 23):
            reminders.run_due(office.parts, connection, on(day, hour))
        told_so_far += expected
        assert told(connection) == told_so_far, days
        assert mails(connection) == told_so_far, "who hears of one term is mailed of that one"
    causes = connection.execute("SELECT DISTINCT cause FROM ledger.notices").fetchall()
    assert len(causes) == 1, "all of them come from one term"
    assert causes[0][0].startswith("term:proposal-")
    assert causes[0][0].endswith(f":{due.isoformat()}")


def test_a_notice_of_a_term_names_the_event_that_began_it_and_says_how_long(
    office: Office, connection: Connection, person: Callable[..., Person]
) -> None:
    person("member", "member", "taskforce")
    proposal = in_review(office)
    due = due_on(connection, proposal)
    reminders.run_due(office.parts, connection, on(working_day(due, -2)))
    row = connection.execute("SELECT stream, position, facts FROM ledger.notices").fetchone()
    assert row is not None
    stream, position, facts = row
    assert stream == proposal
    assert type(office.parts.log.read(position - 1, 1)[0].event).__name__ == "StageOpened"
    assert (facts["body"], facts["dueOn"], facts["workingDays"]) == ("taskforce", due.isoformat(), 2)
    assert facts["reference"].startswith("RHA-")


def test_nobody_is_reminded_before_seven_in_the_weekend_or_on_a_holiday(
    office: Office, connection: Connection, person: Callable[..., Person]
) -> None:
    organisation = parties.find_or_add(connection, "foundation", "Stichting")
    who = person("applicant", "submitter", organisation=organisation)
    free = next(day for day in sorted(HOLIDAYS) if day > TODAY + timedelta(days=30) and day.weekday() < 5)
    due = working_day(free, -1)
    supplementing(office, due, who)
    fold_all(connection)
    saturday = free + timedelta(days=5 - free.weekday())
    first = working_day(free, 1)
    for moment in (on(free), on(saturday), on(saturday + timedelta(days=1)), on(first, 6, 59)):
        assert reminders.run_due(office.parts, connection, moment) == 0
    assert reminders.run_due(office.parts, connection, on(first, 7)) == 2
    assert told(connection) == [("term-passed", "applicant")]


def test_who_must_supplement_hears_of_that_term(
    office: Office, connection: Connection, person: Callable[..., Person]
) -> None:
    organisation = parties.find_or_add(connection, "foundation", "Stichting")
    who = person("applicant", "submitter", organisation=organisation)
    person("secretary", "secretary")
    person("elsewhere", "submitter")
    due = working_day(TODAY, 20)
    proposal = supplementing(office, due, who)
    fold_all(connection)
    reminders.run_due(office.parts, connection, on(working_day(due, -2)))
    assert mails(connection) == [("term-near", "applicant")]
    reminders.run_due(office.parts, connection, on(working_day(due, 5)))
    assert mails(connection)[1:] == [("term-escalated", "applicant"), ("term-escalated", "secretary")]
    relation = connection.execute("SELECT DISTINCT relation FROM ledger.deliveries ORDER BY 1").fetchall()
    assert relation == [("secretariat",), ("submitter",)]
    assert proposal


def test_of_a_term_of_an_applicant_who_is_nobody_the_secretariat_hears(
    office: Office, connection: Connection, person: Callable[..., Person]
) -> None:
    person("secretary", "secretary")
    person("member", "member", "taskforce")
    due = working_day(TODAY, 20)
    supplementing(office, due)
    fold_all(connection)
    expected = []
    for days, kind in ((-2, "term-near"), (1, "term-passed"), (5, "term-escalated")):
        reminders.run_due(office.parts, connection, on(working_day(due, days)))
        expected.append((kind, "secretary"))
        assert sorted(mails(connection)) == sorted(expected)
    said = messages(office.parts, deliveries(connection), "nl")
    assert all("Niemand van de aanvrager kan inloggen. Bel of schrijf" in "\n".join(m.lines) for m in said)


def deliveries(connection: Connection) -> list[Delivery]:
    """All that is to be delivered."""
    rows = connection.execute("SELECT id FROM ledger.deliveries ORDER BY id").fetchall()
    found = [ledger.by_id(connection, id) for (id,) in rows]
    return [each for each in found if each is not None]


def test_an_applicant_who_can_sign_in_is_not_called_nobody(
    office: Office, connection: Connection, person: Callable[..., Person]
) -> None:
    organisation = parties.find_or_add(connection, "foundation", "Stichting")
    who = person("applicant", "submitter", organisation=organisation)
    person("secretary", "secretary")
    due = working_day(TODAY, 20)
    supplementing(office, due, who)
    fold_all(connection)
    reminders.run_due(office.parts, connection, on(working_day(due, 5)))
    said = messages(office.parts, deliveries(connection), "nl")
    assert {delivery.relation for delivery in deliveries(connection)} == {"submitter", "secretariat"}
    assert not any("Niemand" in "\n".join(message.lines) for message in said)


def test_after_downtime_only_the_gravest_is_told_and_one_person_gets_one_mail(
    office: Office, connection: Connection, person: Callable[..., Person]
) -> None:
    member = person("member", "member", "taskforce")
    quiet = person("quiet", "member", "taskforce")
    preferences.choose(connection, quiet.id, {("term-escalated", "email"): "off"})
    for _ in range(6):
        last = in_review(office)
    now = on(working_day(due_on(connection, last), 8), 11)
    assert reminders.run_due(office.parts, connection, now) == 6 * 3
    assert told(connection) == [*[("term-escalated", "member")] * 6, *[("term-escalated", "quiet")] * 6]
    assert mails(connection) == []
    assert digests.run_due(office.parts, connection, now) == 1
    assert mails(connection) == [("digest", "member")]
    mode = connection.execute("SELECT facts ->> 'mode' FROM ledger.notices WHERE kind = 'digest'").fetchall()
    assert mode == [("terms",)]
    bundled = connection.execute(
        "SELECT count(*) FROM ledger.deliveries WHERE state = 'bundled' AND recipient = %s", (member.id,)
    ).fetchone()
    assert bundled == (6,)
    assert reminders.run_due(office.parts, connection, now + timedelta(days=28)) == 0


def test_an_escalation_is_told_the_day_it_happens_however_often_that_day_told_of_terms(
    office: Office, connection: Connection, person: Callable[..., Person]
) -> None:
    """One of the cases could not be looked at in the morning, for the views were behind."""
    person("member", "member", "taskforce")
    for _ in range(2):
        last = in_review(office)
    now = on(working_day(due_on(connection, last), 5))
    assert reminders.run_due(office.parts, connection, now) == 4
    assert digests.run_due(office.parts, connection, now) == 1
    for _ in range(2):
        last = in_review(office)
    fold_all(connection)
    later = now + timedelta(hours=2)
    assert reminders.run_due(office.parts, connection, later) == 4
    assert digests.run_due(office.parts, connection, later) == 1
    assert mails(connection) == [("digest", "member")] * 2
    held = connection.execute(
        "SELECT count(*), count(DISTINCT bundle) FROM ledger.deliveries WHERE state = 'bundled'"
    )
    assert held.fetchone() == (4, 2)
    for after in (later, on(working_day(later.date(), 1))):
        assert reminders.run_due(office.parts, connection, after) == 0
        assert digests.run_due(office.parts, connection, after) == 0


def test_what_is_done_in_time_is_not_told_of(
    office: Office, connection: Connection, person: Callable[..., Person]
) -> None:
    person("member", "member", "taskforce")
    proposal = in_review(office)
    due = due_on(connection, proposal)
    office.act(TASKFORCE, proposal, Review("taskforce", "positive", "Goed.", (), TODAY))
    later = on(working_day(due, 1))
    assert reminders.run_due(office.parts, connection, later) == 0, "the views are not there yet"
    fold_all(connection)
    assert reminders.run_due(office.parts, connection, later) == 0


def test_what_was_opened_today_is_looked_at_tomorrow(
    office: Office, connection: Connection, person: Callable[..., Person]
) -> None:
    organisation = parties.find_or_add(connection, "foundation", "Stichting")
    supplementing(office, TODAY, person("applicant", "submitter", organisation=organisation))
    fold_all(connection)
    # To a day that began before it was opened it is new, however near its end.
    assert reminders.run_due(office.parts, connection, on(working_day(TODAY, -1))) == 0
    assert reminders.run_due(office.parts, connection, on(working_day(TODAY, 1))) == 2


def test_several_workers_at_once_tell_it_once(
    office: Office, settings: Settings, connection: Connection, person: Callable[..., Person]
) -> None:
    person("member", "member", "taskforce")
    for _ in range(5):
        last = in_review(office)
    now = on(working_day(due_on(connection, last), -1))

    def work(_: int) -> int:
        with (
            closing(build(settings)) as parts,
            psycopg.connect(settings.database_url, autocommit=True) as own,
        ):
            return sum(reminders.run_due(parts, own, now) for _ in range(3))

    made = at_once(4, work)
    assert sum(made) == 10, made  # type: ignore[arg-type]
    assert told(connection) == [("term-near", "member")] * 5
    assert digests.run_due(office.parts, connection, now) == 1


def test_a_programme_says_itself_how_long_before_and_after(
    office: Office, connection: Connection, person: Callable[..., Person]
) -> None:
    person("member", "member", "taskforce")
    person("treasurer", "treasurer")
    programme = read_bundled("regionale-herstelaanpak-1")
    rules = (NoticeRule("term-near", ("treasurer",), reminder=4), NoticeRule("term-escalated", escalation=2))
    publish(office.parts, ADMIN, replace(programme, version=2, notices=rules))
    due = due_on(connection, in_review(office))
    for days in (-5, -4, 1, 2):
        reminders.run_due(office.parts, connection, on(working_day(due, days)))
    assert [kind for kind, who in told(connection) if who == "member"] == [
        "term-near", "term-passed", "term-escalated",
    ]  # fmt: skip
    assert [kind for kind, who in told(connection) if who == "treasurer"] == ["term-near"]


def test_a_term_is_told_of_when_there_is_somebody_to_tell_it_to(
    office: Office, connection: Connection, person: Callable[..., Person]
) -> None:
    now = on(working_day(due_on(connection, in_review(office)), 0))
    assert reminders.run_due(office.parts, connection, now) == 0
    person("member", "member", "taskforce")
    assert reminders.run_due(office.parts, connection, now) == 2
