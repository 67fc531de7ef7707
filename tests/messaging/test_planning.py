"""Everybody hears a thing as they chose; what the law requires is heard whatever one chose; nobody is forgotten."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.errors import Invalid
from projections.notices import KINDS
from service.calendar import dutch_holidays
from service.identity import parties, people
from service.identity.people import Person
from service.messaging import ledger, preferences
from service.messaging.ledger import Making, Planned
from service.messaging.planning import Addressee, Wanted, after_quiet, next_digest, plan, planned
from service.messaging.preferences import CHOOSABLE, MODES, Hearing, may_stand_in
from service.settings import Settings

Connection = psycopg.Connection[Any]

REGION = "Europe/Amsterdam"
ZONE = ZoneInfo(REGION)
MONDAY = datetime(2026, 3, 2, 10, 0, tzinfo=ZONE)
NIGHT = datetime(2026, 3, 2, 23, 30, tzinfo=ZONE)
MORNING = datetime(2026, 3, 3, 7, 0, tzinfo=ZONE)
AT_NIGHT = Hearing(quiet_from=time(22), quiet_until=time(7))


@pytest.fixture
def connection(settings: Settings) -> Iterator[Connection]:
    with psycopg.connect(settings.database_url, autocommit=True) as opened:
        yield opened


@pytest.fixture
def person(connection: Connection) -> Callable[..., Person]:
    """Somebody new: a member of the board, if nothing else is said."""

    def make(name: str, roles: str = "member", bodies: tuple[str, ...] = ("db",), **more: Any) -> Person:
        return people.add(
            connection, email=f"{name}@example.org", name=name, roles=roles.split(), bodies=bodies, **more
        )

    return make


def asked(connection: Connection, *wanted: Wanted, now: datetime = MONDAY) -> list[list[Planned]]:
    return planned(connection, wanted, now=now, timezone=REGION)


def somebody(**more: Any) -> Addressee:
    who = Person("person-1", "who@example.org", "Who", frozenset({"member"}), frozenset({"db"}), None)
    return Addressee(who, **more)


OTHER = Addressee(
    Person("person-2", "other@example.org", "Other", frozenset({"member"}), frozenset({"db"}), None)
)

INBOX = ("person-1", "inbox", "sent", None)


@pytest.mark.parametrize(
    ("mode", "required", "hearing", "now", "expected"),
    [
        # chosen, required, quiet hours, now: what the mail does and when
        (None, False, Hearing(), MONDAY, ("waiting", None)),
        ("at-once", False, Hearing(), MONDAY, ("waiting", None)),
        ("at-once", False, AT_NIGHT, MONDAY, ("waiting", None)),
        ("at-once", False, AT_NIGHT, NIGHT, ("waiting", MORNING)),
        ("daily", False, Hearing(), MONDAY, ("collected", datetime(2026, 3, 3, 8, tzinfo=ZONE))),
        ("daily", False, AT_NIGHT, NIGHT, ("collected", datetime(2026, 3, 3, 8, tzinfo=ZONE))),
        ("weekly", False, Hearing(), MONDAY, ("collected", datetime(2026, 3, 9, 8, tzinfo=ZONE))),
        ("off", False, Hearing(), MONDAY, None),
        ("off", True, Hearing(), MONDAY, ("waiting", None)),
        ("weekly", True, Hearing(), MONDAY, ("waiting", None)),
        ("daily", True, AT_NIGHT, NIGHT, ("waiting", MORNING)),
    ],
)
def test_mail_goes_as_chosen_and_required_mail_at_once_but_not_in_quiet_hours(
    mode: str | None,
    required: bool,
    hearing: Hearing,
    now: datetime,
    expected: tuple[str, datetime | None] | None,
) -> None:
    who = somebody(hearing=hearing, modes={("decided", "email"): mode} if mode else {})
    wanted = Wanted("person-1", "decided", "high", "submitter", required)
    inbox, *mail = plan(wanted, who, None, now=now, zone=ZONE, holidays=dutch_holidays())
    assert (inbox.recipient, inbox.channel, inbox.state, inbox.instead_of) == INBOX
    assert [(each.channel, each.state, each.due_at) for each in mail] == (
        [("email", *expected)] if expected else []
    )
    assert all(each.required == required for each in (inbox, *mail))


def test_an_inbox_can_be_turned_off_but_not_for_what_is_required() -> None:
    who = somebody(modes={("decided", "inbox"): "off", ("decided", "email"): "off"})
    for required, channels in ((False, []), (True, ["inbox", "email"])):
        wanted = Wanted("person-1", "decided", "high", "submitter", required)
        made = plan(wanted, who, None, now=MONDAY, zone=ZONE, holidays=frozenset())
        assert [each.channel for each in made] == channels


def test_who_is_away_is_stood_in_for_both_find_it_in_the_inbox_one_is_mailed() -> None:
    made = plan(
        Wanted("person-1", "turn", "high", "body"),
        somebody(),
        OTHER,
        now=MONDAY,
        zone=ZONE,
        holidays=frozenset(),
    )
    assert [(each.recipient, each.channel, each.instead_of) for each in made] == [
        ("person-1", "inbox", None),
        ("person-2", "inbox", "person-1"),
        ("person-2", "email", "person-1"),
    ]


def test_a_stand_in_is_not_woken_and_gets_what_the_other_chose() -> None:
    away = somebody(modes={("turn", "email"): "daily"})
    asleep = replace(OTHER, hearing=AT_NIGHT, modes={("turn", "email"): "off"})
    wanted = Wanted("person-1", "turn", "high", "body")
    made = plan(wanted, away, asleep, now=NIGHT, zone=ZONE, holidays=frozenset())
    assert (made[-1].recipient, made[-1].state) == ("person-2", "collected")
    made = plan(wanted, somebody(), asleep, now=NIGHT, zone=ZONE, holidays=frozenset())
    assert (made[-1].recipient, made[-1].state, made[-1].due_at) == ("person-2", "waiting", MORNING)


def test_an_address_that_refuses_mail_gets_none_and_the_office_sees_what_was_required() -> None:
    who = somebody(refused="550 no such user")
    for required, mail in ((False, []), (True, [("email", "dead", "550 no such user")])):
        wanted = Wanted("person-1", "decided", "high", "submitter", required)
        inbox, *rest = plan(wanted, who, None, now=MONDAY, zone=ZONE, holidays=frozenset())
        assert inbox.state == "sent"
        assert [(each.channel, each.state, each.error) for each in rest] == mail


# When digests go.


@pytest.mark.parametrize(
    ("mode", "now", "goes"),
    [
        ("daily", "2026-03-02T07:59", "2026-03-02T08:00"),
        ("daily", "2026-03-02T08:00", "2026-03-03T08:00"),
        ("daily", "2026-03-06T09:00", "2026-03-09T08:00"),  # over the weekend
        ("daily", "2026-04-02T12:00", "2026-04-07T08:00"),  # over Good Friday and Easter
        ("daily", "2026-12-24T12:00", "2026-12-28T08:00"),  # over Christmas
        ("weekly", "2026-03-02T07:59", "2026-03-02T08:00"),
        ("weekly", "2026-03-02T08:00", "2026-03-09T08:00"),
        ("weekly", "2026-03-25T12:00", "2026-03-30T08:00"),  # over the night in which the clock goes forward
    ],
)
def test_a_digest_goes_at_eight_on_a_working_day_or_on_monday(mode: str, now: str, goes: str) -> None:
    at = next_digest(mode, datetime.fromisoformat(now).replace(tzinfo=ZONE), ZONE, dutch_holidays())
    assert at.astimezone(ZONE).isoformat()[:16] == goes


minutes = st.builds(time, st.integers(0, 23), st.integers(0, 59))
moments = st.integers(0, 3 * 365 * 24 * 60).map(
    lambda n: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=n)
)


@given(moments, st.sampled_from(["daily", "weekly"]))
def test_a_digest_goes_after_now_at_eight_and_within_a_week_or_so(now: datetime, mode: str) -> None:
    at = next_digest(mode, now, ZONE, dutch_holidays())
    assert now < at <= now + timedelta(days=8)
    local = at.astimezone(ZONE)
    assert local.time() == time(8)
    assert local.weekday() < 5
    if mode == "weekly":
        assert local.weekday() == 0


# Quiet hours.


@pytest.mark.parametrize(
    ("quiet", "now", "until"),
    [
        ("22:00 07:00", "2026-03-02T21:59+01:00", None),
        ("22:00 07:00", "2026-03-02T22:00+01:00", "2026-03-03T07:00+01:00"),
        ("22:00 07:00", "2026-03-03T06:59+01:00", "2026-03-03T07:00+01:00"),
        ("22:00 07:00", "2026-03-03T07:00+01:00", None),
        ("12:00 13:30", "2026-03-03T12:15+01:00", "2026-03-03T13:30+01:00"),
        ("12:00 13:30", "2026-03-03T14:15+01:00", None),
        # The clock goes forward at two on 29 March 2026: the night is an hour shorter, half past two is not there.
        ("22:00 07:00", "2026-03-28T23:00+01:00", "2026-03-29T07:00+02:00"),
        ("22:00 02:30", "2026-03-29T01:30+01:00", "2026-03-29T03:00+02:00"),
        ("02:15 02:45", "2026-03-29T03:00+02:00", None),
        ("02:30 05:00", "2026-03-29T03:00+02:00", "2026-03-29T05:00+02:00"),
        # It goes back at three on 25 October 2026: half past two comes twice.
        ("22:00 07:00", "2026-10-24T23:00+02:00", "2026-10-25T07:00+01:00"),
        ("22:00 02:30", "2026-10-25T02:10+02:00", "2026-10-25T02:30+01:00"),
        ("22:00 02:30", "2026-10-25T02:10+01:00", "2026-10-25T02:30+01:00"),
        ("02:30 05:00", "2026-10-25T02:40+02:00", "2026-10-25T05:00+01:00"),
        # Sixteen hours are the most: what was chosen before that, ends by then.
        ("17:00 09:00", "2026-03-03T08:59+01:00", "2026-03-03T09:00+01:00"),
        ("17:00 09:00", "2026-10-25T08:59+01:00", "2026-10-25T09:00+01:00"),
        ("00:00 23:59", "2026-03-03T00:00+01:00", "2026-03-03T16:00+01:00"),
        ("00:00 23:59", "2026-03-03T16:00+01:00", None),
        ("12:00 11:59", "2026-03-03T03:00+01:00", "2026-03-03T04:00+01:00"),
        ("12:00 11:59", "2026-03-03T04:00+01:00", None),
    ],
)
def test_quiet_hours_end_when_the_clock_says_so_also_in_the_nights_when_it_is_set(
    quiet: str, now: str, until: str | None
) -> None:
    start, end = (time.fromisoformat(each) for each in quiet.split())
    at = datetime.fromisoformat(now)
    assert after_quiet(at, Hearing(quiet_from=start, quiet_until=end), ZONE) == (
        datetime.fromisoformat(until) if until else at
    )


SPRING, AUTUMN = datetime(2026, 3, 29, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@given(moments, minutes, minutes)
@example(SPRING, time(2, 30), time(2, 45))
@example(SPRING, time(22), time(2, 30))
@example(AUTUMN, time(2, 30), time(2, 10))
@example(AUTUMN, time(2, 10), time(2, 30))
def test_mail_waits_for_the_end_of_quiet_hours_and_no_longer(now: datetime, start: time, end: time) -> None:
    if start == end:
        return
    hearing = Hearing(quiet_from=start, quiet_until=end)
    minutes_long = (end.hour - start.hour) * 60 + end.minute - start.minute
    sixteen_later = time((start.hour + 16) % 24, start.minute)
    ends = sixteen_later if minutes_long % (24 * 60) > 16 * 60 else end
    goes = after_quiet(now, hearing, ZONE)
    assert now <= goes < now + timedelta(hours=25)
    assert after_quiet(goes, hearing, ZONE) == goes, "when it goes, it is not quiet"

    def quiet_by_the_clock(at: datetime) -> bool:
        clock = at.astimezone(ZONE).time()
        return start <= clock < ends if start < ends else clock >= start or clock < ends

    # Where no clock is set, it waits exactly while the clock is in the quiet hours.
    offsets = {(now + timedelta(hours=h)).astimezone(ZONE).utcoffset() for h in (-26, 0, 26)}
    if len(offsets) == 1:
        assert (goes > now) == quiet_by_the_clock(now)
        assert goes == now or goes.astimezone(ZONE).time() == ends
    else:
        assert goes > now or not quiet_by_the_clock(now)


# As it is kept.


def test_preferences_are_read_for_the_whole_batch(
    connection: Connection, person: Callable[..., Person]
) -> None:
    plain, off, asleep, away, other = (person(name) for name in ("plain", "off", "asleep", "away", "other"))
    preferences.choose(connection, off.id, {("turn", "email"): "off", ("turn", "inbox"): "off"})
    preferences.hear(connection, asleep, AT_NIGHT)
    first = date(2026, 3, 1)
    preferences.hear(connection, away, Hearing(absent_from=first, stand_in=other.id))
    everybody = [
        Wanted(who, "turn", "high", "body") for who in (plain.id, off.id, asleep.id, away.id, "person-gone")
    ]
    made = asked(connection, *everybody, now=NIGHT)
    assert [[(each.recipient, each.channel) for each in one] for one in made] == [
        [(plain.id, "inbox"), (plain.id, "email")],
        [],
        [(asleep.id, "inbox"), (asleep.id, "email")],
        [(away.id, "inbox"), (other.id, "inbox"), (other.id, "email")],
        [],
    ]
    assert made[2][1].due_at == MORNING


@pytest.mark.parametrize(
    ("absence", "away"),
    [
        ({"absent_from": date(2026, 3, 2), "absent_until": date(2026, 3, 2)}, True),
        ({"absent_from": date(2026, 3, 2)}, True),
        ({"absent_from": date(2026, 3, 3)}, False),
        ({"absent_from": date(2026, 2, 1), "absent_until": date(2026, 3, 1)}, False),
        ({}, False),
    ],
)
def test_one_is_stood_in_for_on_the_days_of_absence(
    connection: Connection, person: Callable[..., Person], absence: dict[str, date], away: bool
) -> None:
    who, other = person("who"), person("other")
    preferences.hear(connection, who, Hearing(stand_in=other.id, **absence))
    (made,) = asked(connection, Wanted(who.id, "turn", "high", "body"))
    assert (made[-1].recipient == other.id) == away


def test_nobody_is_forgotten_when_the_stand_in_cannot_hear_it_either(
    connection: Connection, person: Callable[..., Person]
) -> None:
    who, other = person("who"), person("other")
    away = Hearing(absent_from=date(2026, 3, 1), stand_in=other.id)
    preferences.hear(connection, who, away)
    wanted = Wanted(who.id, "decided", "high", "submitter", required=True)

    def mailed() -> str:
        (made,) = asked(connection, wanted)
        return made[-1].recipient

    assert mailed() == other.id
    preferences.hear(connection, other, Hearing(absent_from=date(2026, 3, 1), stand_in=who.id))
    assert mailed() == who.id, "two who are away don't send it round in a circle"
    preferences.hear(connection, other, Hearing())
    connection.execute("INSERT INTO vault.undeliverable (email, reason) VALUES ('OTHER@example.org', '550')")
    assert mailed() == who.id
    connection.execute("DELETE FROM vault.undeliverable")
    people.change(connection, replace(other, bodies=frozenset({"poho"})))
    assert mailed() == who.id, "who left the body does not hear what is for it"
    people.change(connection, other)
    assert mailed() == other.id
    connection.execute("DELETE FROM vault.people WHERE id = %s", (other.id,))
    assert mailed() == who.id


def test_one_who_hears_it_anyway_is_not_mailed_twice_for_standing_in(
    connection: Connection, person: Callable[..., Person]
) -> None:
    who, other = person("who"), person("other")
    preferences.hear(connection, who, Hearing(absent_from=date(2026, 3, 1), stand_in=other.id))
    wanted = [Wanted(each.id, "turn", "high", "body") for each in (who, other)]
    making = Making("event:1", "turn", 1, "proposal-1", "high", {}, MONDAY)
    flat = [each for made in asked(connection, *wanted) for each in made]
    assert ledger.add(connection, [(making, flat)]) == 3
    found = connection.execute(
        "SELECT recipient, channel, instead_of FROM ledger.deliveries ORDER BY channel, recipient"
    )
    assert found.fetchall() == [
        (other.id, "email", None),
        *sorted([(who.id, "inbox", None), (other.id, "inbox", None)]),
    ]


def test_required_mail_to_an_address_that_refuses_it_is_kept_as_given_up_with_the_reason(
    connection: Connection, person: Callable[..., Person]
) -> None:
    who = person("who")
    connection.execute(
        "INSERT INTO vault.undeliverable (email, reason) VALUES ('Who@example.org', '550 gone')"
    )
    (made,) = asked(connection, Wanted(who.id, "decided", "high", "submitter", required=True))
    ledger.add(connection, [(Making("event:1", "decided", 1, "proposal-1", "high", {}, MONDAY), made)])
    found = connection.execute(
        "SELECT state, error, settled_at IS NOT NULL FROM ledger.deliveries ORDER BY channel"
    )
    assert found.fetchall() == [("dead", "550 gone", True), ("sent", None, True)]
    people.change(connection, replace(who, email="new@example.org"))
    (made,) = asked(connection, Wanted(who.id, "decided", "high", "submitter", required=True))
    assert made[-1].state == "waiting", "a new address is tried again"


# Who may stand in.

SAME, ELSEWHERE = "party-1", "party-2"


def one(roles: str, bodies: str = "", organisation: str | None = None, municipalities: str = "") -> Person:
    return Person(
        f"person {roles} {bodies} {organisation} {municipalities}", "", "", frozenset(roles.split()),
        frozenset(bodies.split()), organisation, frozenset(), frozenset(municipalities.split()),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("who", "other", "may"),
    [
        (one("member", "db"), one("member", "db ab"), True),
        (one("member", "db"), one("member", "poho"), False),
        (one("member", "db", SAME), one("member", "poho", SAME), True),
        (one("member", "db", None, "GM0794"), one("member", "poho", None, "GM0794 GM0772"), True),
        (one("secretary"), one("secretary treasurer"), True),
        (one("secretary"), one("treasurer"), False),
        (one("admin"), one("admin auditor"), True),
        (one("submitter", "", SAME), one("submitter auditor", "", SAME), True),
        (one("submitter", "", SAME), one("submitter", "", ELSEWHERE), False),
        (one("submitter"), one("submitter auditor"), False),
        # Akin, yet one who may see less: what the office hears is not for an applicant.
        (one("submitter secretary", "", SAME), one("submitter", "", SAME), False),
        (one("submitter admin", "", SAME), one("admin", "", ELSEWHERE), False),
        (one("member", "db"), one("", "db"), False),
        # Contacts hear of their municipalities without reading the cases: not of those of another.
        (one("admin", "", SAME, "GM0794"), one("admin", "", SAME, "GM0794 GM0772"), True),
        (one("admin", "", SAME, "GM0794 GM0772"), one("admin", "", SAME, "GM0794"), False),
        (one("admin", "", SAME, "GM0794"), one("admin", "", ELSEWHERE, "GM0794"), False),
        (one("submitter", "", SAME, "GM0794"), one("submitter", "", SAME), False),
        (one("submitter", "", SAME, "GM0794"), one("auditor", "", SAME), True),
    ],
)
def test_who_may_see_the_same_may_stand_in(who: Person, other: Person, may: bool) -> None:
    assert may_stand_in(who, other) == may
    assert not may_stand_in(who, who)


def test_a_stand_in_who_may_not_see_the_same_is_refused(
    connection: Connection, person: Callable[..., Person]
) -> None:
    who, akin, other = person("who"), person("akin"), person("other", bodies=("poho",))
    for wrong in (other.id, who.id, "person-none"):
        with pytest.raises(Invalid) as refused:
            preferences.hear(connection, who, Hearing(stand_in=wrong))
        assert (refused.value.code, refused.value.field) == ("stand-in-may-not-see", "/standIn")
    assert preferences.stand_ins(connection, who) == [akin]
    assert preferences.hearing(connection, who.id) == Hearing()


def test_quiet_hours_of_sixteen_hours_are_the_longest(
    connection: Connection, person: Callable[..., Person]
) -> None:
    who = person("who")
    longest = Hearing(quiet_from=time(17), quiet_until=time(9))
    preferences.hear(connection, who, longest)
    assert preferences.hearing(connection, who.id) == longest


@pytest.mark.parametrize(
    ("wrong", "code", "field"),
    [
        ({"language": "de"}, "unknown-choice", "/language"),
        ({"quiet_from": time(22)}, "quiet-hours-incomplete", "/quietUntil"),
        ({"quiet_until": time(7)}, "quiet-hours-incomplete", "/quietFrom"),
        ({"quiet_from": time(7), "quiet_until": time(7)}, "quiet-hours-whole-day", "/quietUntil"),
        ({"quiet_from": time(0), "quiet_until": time(23, 59)}, "quiet-hours-too-long", "/quietUntil"),
        ({"quiet_from": time(17), "quiet_until": time(9, 1)}, "quiet-hours-too-long", "/quietUntil"),
        ({"absent_until": date(2026, 3, 2)}, "absence-without-start", "/absentFrom"),
        ({"absent_from": date(2026, 3, 2)}, "absence-without-stand-in", "/standIn"),
        (
            {"absent_from": date(2026, 3, 2), "absent_until": date(2026, 3, 1)},
            "end-before-start",
            "/absentUntil",
        ),
    ],
)
def test_what_cannot_be_is_refused_beside_its_field(
    connection: Connection, person: Callable[..., Person], wrong: dict[str, Any], code: str, field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        preferences.hear(connection, person("who"), Hearing(**wrong))
    assert (refused.value.code, refused.value.field) == (code, field)


def test_what_was_chosen_is_kept_and_the_rest_stays_as_it_is_by_itself(
    connection: Connection, person: Callable[..., Person]
) -> None:
    who = person("who")
    found = preferences.modes(connection, who.id)
    assert set(found) == {(kind, channel) for kind in CHOOSABLE for channel in MODES}
    assert {found[kind, "email"] for kind in CHOOSABLE} <= set(MODES["email"])
    assert found["advised", "email"] == KINDS["advised"].mail == "daily"
    preferences.choose(connection, who.id, {("turn", "email"): "weekly", ("advised", "email"): "off"})
    preferences.choose(connection, who.id, {("turn", "email"): "daily"})
    changed = preferences.modes(connection, who.id)
    assert changed == {**found, ("turn", "email"): "daily", ("advised", "email"): "off"}
    wrong: list[dict[tuple[str, str], str]] = [
        {("newsletter", "email"): "off"},
        {("turn", "webhook"): "off"},
        {("turn", "inbox"): "daily"},
        {("turn", "email"): "never"},
    ]
    for each in wrong:
        with pytest.raises(Invalid):
            preferences.choose(connection, who.id, each)
    preferences.choose(connection, who.id, {})
    assert preferences.modes(connection, who.id) == changed
    other = person("other")
    whole = Hearing("en", time(22), time(7), date(2026, 3, 1), date(2026, 3, 2), other.id)
    preferences.hear(connection, who, whole)
    assert preferences.hearing(connection, who.id) == whole


def test_one_watches_a_case_or_no_longer(connection: Connection, person: Callable[..., Person]) -> None:
    who = person("who")
    for stream in ("proposal-1", "proposal-2", "proposal-1"):
        preferences.watch(connection, who.id, stream)
    assert preferences.watched(connection, who.id) == ["proposal-2", "proposal-1"]
    preferences.unwatch(connection, who.id, "proposal-2")
    assert preferences.watches(connection, who.id, "proposal-1")
    assert not preferences.watches(connection, who.id, "proposal-2")


def test_who_is_erased_leaves_no_preferences(connection: Connection, person: Callable[..., Person]) -> None:
    who, other = person("who"), person("other")
    preferences.watch(connection, who.id, "proposal-1")
    preferences.choose(connection, who.id, {("turn", "email"): "off"})
    preferences.hear(connection, other, Hearing(stand_in=who.id))
    connection.execute("DELETE FROM vault.people WHERE id = %s", (who.id,))
    assert preferences.hearing(connection, other.id).stand_in is None
    assert preferences.watched(connection, who.id) == []


def test_people_of_one_organisation_stand_in_for_each_other(
    connection: Connection, person: Callable[..., Person]
) -> None:
    organisation = parties.find_or_add(connection, "foundation", "Stichting")
    who, other = (person(name, "submitter", (), organisation=organisation) for name in ("who", "other"))
    person("elsewhere", "submitter", ())
    assert preferences.stand_ins(connection, who) == [other]
