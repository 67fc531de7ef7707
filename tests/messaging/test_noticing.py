"""What happened is told exactly once, to each person one thing; what cannot be told stops nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec
import psycopg
import pytest
from structlog.testing import capture_logs

from domain.definition import to_definition
from domain.events import (
    EditionHash,
    EnvelopeOpened,
    LetterIssued,
    NewsletterApproved,
    ProgrammePublished,
    Source,
    SourceAdded,
)
from domain.proposal import CheckCompleteness, Decide, Resume, Review
from service import commands
from service.documents import councils
from service.eventstore import Meta
from service.messaging import noticing, preferences, recipients, subscriptions
from service.published import latest
from service.settings import Settings
from tests.commands.office import DAY, at_once
from tests.messaging.staff import HELMOND, PROGRAMME, Staff, fold_all, staff_of

Connection = psycopg.Connection[Any]

COMPLETE = CheckCompleteness("complete", "", None, DAY)


@pytest.fixture
def staff(settings: Settings) -> Iterator[Staff]:
    with staff_of(settings) as opened:
        yield opened


def deliveries(staff: Staff) -> int:
    """How many there are."""
    row = staff.connection.execute("SELECT count(*) FROM ledger.deliveries").fetchone()
    assert row is not None
    return int(row[0])


def set_aside(staff: Staff) -> list[tuple[Any, ...]]:
    """The events that nobody could be told of, and why."""
    return staff.connection.execute(
        "SELECT position, stream, error FROM ledger.set_aside ORDER BY 1"
    ).fetchall()


def spoil(settings: Settings, position: int, state: str = '{"effective_on":"no day"}') -> bytes:
    """Makes an event one that this service cannot read, as a newer one might write it; answers what it was."""
    with psycopg.connect(settings.database_owner_url, autocommit=True) as owner:
        row = owner.execute("SELECT state FROM log.events WHERE notification_id = %s", (position,)).fetchone()
        assert row is not None
        put(settings, position, state.encode())
        return bytes(row[0])


def put(settings: Settings, position: int, state: bytes) -> None:
    """Writes an event as the log's owner could, past its triggers."""
    with psycopg.connect(settings.database_owner_url, autocommit=True) as owner:
        owner.execute("SET session_replication_role = replica")
        owner.execute("UPDATE log.events SET state = %s WHERE notification_id = %s", (state, position))


# Exactly once


def test_what_happened_is_told_once_however_often_it_is_folded(staff: Staff) -> None:
    proposal = staff.submit()
    at = noticing.position(staff.connection)
    reached = staff.fold()
    assert reached == staff.parts.log.head() == noticing.position(staff.connection)
    told = deliveries(staff)
    # Somebody puts the position back: what is there already stays as it is.
    staff.connection.execute("UPDATE ledger.position SET position = %s", (at,))
    assert staff.fold() == reached
    assert deliveries(staff) == told
    assert ("submitter", "receipt") in staff.heard(proposal)


def test_where_there_is_nothing_the_position_stays(staff: Staff) -> None:
    at = noticing.position(staff.connection)
    assert noticing.fold_batch(staff.parts, staff.connection, at, 100) == at


def test_a_batch_ends_where_a_command_does(staff: Staff) -> None:
    staff.submit()
    at = noticing.position(staff.connection)
    assert noticing.fold_batch(staff.parts, staff.connection, at, 1) == at + 2
    assert {kind for _, kind in staff.heard()} == {"receipt", "named", "turn"}


def test_who_is_not_where_the_ledger_is_writes_nothing(staff: Staff) -> None:
    staff.submit()
    at = noticing.position(staff.connection)
    staff.fold()
    told = deliveries(staff)
    staff.submit()
    with pytest.raises(noticing.Fenced):
        noticing.fold_batch(staff.parts, staff.connection, at, 100)
    assert deliveries(staff) == told


def test_two_that_fold_at_once_tell_everything_once(staff: Staff, settings: Settings) -> None:
    for _ in range(10):
        staff.submit()
    fenced = []

    def fold(_: int) -> None:
        with psycopg.connect(settings.database_url, autocommit=True) as connection:
            while noticing.position(connection) < staff.parts.log.head():
                try:
                    fold_all(staff.parts, connection, 4)
                except noticing.Fenced as error:
                    fenced.append(error)

    assert at_once(3, fold) == [None, None, None]
    kinds = [kind for who, kind in staff.heard() if who in ("submitter", "clerk")]
    assert sorted(kinds) == ["receipt"] * 10 + ["turn"] * 10


def test_who_is_cut_off_before_the_end_has_told_nothing_and_the_next_tells_all(
    staff: Staff, settings: Settings
) -> None:
    staff.submit()
    at = noticing.position(staff.connection)
    with psycopg.connect(settings.database_url) as cut_off:
        noticing.fold_batch(staff.parts, cut_off, at, 100)
        cut_off.rollback()
    assert (noticing.position(staff.connection), deliveries(staff)) == (at, 0)
    staff.fold()
    assert ("submitter", "receipt") in staff.heard()


def test_inboxes_hear_of_it_when_it_is_there(staff: Staff, settings: Settings) -> None:
    with psycopg.connect(settings.database_url, autocommit=True) as listener:
        listener.execute("LISTEN inbox")
        listener.execute("LISTEN deliveries")
        staff.submit()
        staff.fold()
        told = {notify.channel for notify in listener.notifies(timeout=5, stop_after=2)}
    assert told == {"inbox", "deliveries"}


# To whom


def test_nobody_hears_of_what_they_did_but_for_what_the_law_requires(staff: Staff) -> None:
    proposal = staff.submit("submitter")
    staff.act("secretary", proposal, COMPLETE)
    staff.fold()
    heard = staff.heard(proposal)
    assert ("submitter", "receipt") in heard
    assert ("secretary", "turn") in heard  # of what the submitter did
    staff.act("taskforce", proposal, Review("taskforce", "positive", "Goed.", (), DAY))
    preferences.watch(staff.connection, staff["poho"].id, proposal)
    staff.act("poho", proposal, Decide("poho", "approved", "Goed.", (), DAY))
    staff.fold()
    assert ("poho", "decided") not in staff.heard(proposal)
    assert ("poho", "turn") in staff.heard(proposal)


def test_who_acts_for_one_body_hears_that_it_is_the_turn_of_another_they_sit_in(staff: Staff) -> None:
    staff.add("both", "member", bodies=["taskforce", "poho"])
    staff.add("three", "secretary", "member", bodies=["taskforce", "poho"])
    proposal = staff.submit()
    staff.skip()

    def heard_of(who: str, command: commands.CaseCommand) -> list[tuple[str, str]]:
        staff.act(who, proposal, command)
        staff.fold()
        own = [(m.kind, m.relation) for m in staff.messages(proposal) if m.who == who]
        staff.connection.execute("DELETE FROM ledger.deliveries")
        return own

    preferences.watch(staff.connection, staff["both"].id, proposal)
    assert heard_of("three", COMPLETE) == [("turn", "body")], "as the secretariat, for the taskforce"
    review = Review("taskforce", "positive", "Goed.", (), DAY)
    assert heard_of("both", review) == [("turn", "body")], "and not of the advice, though they watch"
    held_over = Decide("poho", "held-over", "Eerst overleg.", (), DAY)
    assert heard_of("three", held_over) == [("turn", "secretariat")]
    assert heard_of("three", Resume(DAY)) == [("turn", "body")]
    approved = Decide("poho", "approved", "Goed.", (), DAY)
    assert heard_of("both", approved) == [], "of a body that one does not sit in"


def test_whose_turn_it_is_after_their_own_act_needs_not_be_told_in_the_same_capacity(staff: Staff) -> None:
    proposal = staff.submit("secretary")
    staff.fold()
    assert ("secretary", "turn") not in staff.heard(proposal)
    assert ("clerk", "turn") in staff.heard(proposal)


def test_one_command_is_one_message_however_many_relations_one_stands_in(staff: Staff) -> None:
    both = staff.add(
        "everything", "secretary", "member", "treasurer", bodies=["taskforce"], municipalities=[HELMOND]
    )
    proposal = staff.submit()
    preferences.watch(staff.connection, both.id, proposal)
    staff.act("secretary", proposal, COMPLETE)
    staff.fold()
    own = [message for message in staff.messages(proposal) if message.who == "everything"]
    # Of the submission: the turn of the secretariat before being named; of the check: the turn as a member.
    assert [(message.kind, message.relation) for message in own] == [
        ("turn", "secretariat"),
        ("turn", "body"),
    ]


def test_who_must_be_told_by_law_is_and_of_nothing_else_of_that_command(staff: Staff) -> None:
    # Who submits is a contact of the municipality, and of the secretariat, too.
    staff.add(
        "many",
        "submitter",
        "secretary",
        organisation=staff["submitter"].organisation,
        municipalities=[HELMOND],
    )
    proposal = staff.submit()
    staff.fold()
    own = [m for m in staff.messages(proposal) if m.who == "many"]
    assert [(m.kind, m.relation, m.required) for m in own] == [("receipt", "submitter", True)]


def test_who_only_watches_hears_what_happened_and_not_whose_turn_it_is_then(staff: Staff) -> None:
    proposal = staff.submit()
    staff.act("secretary", proposal, COMPLETE)
    staff.skip()
    preferences.watch(staff.connection, staff["auditor"].id, proposal)
    staff.act("taskforce", proposal, Review("taskforce", "positive", "Goed.", (), DAY))
    staff.fold()
    assert [kind for who, kind in staff.heard(proposal) if who == "auditor"] == ["advised"]


def test_who_watches_and_may_not_read_the_case_any_more_hears_nothing(staff: Staff) -> None:
    proposal = staff.submit()
    staff.skip()
    preferences.watch(staff.connection, staff["auditor"].id, proposal)
    preferences.watch(staff.connection, staff["elsewhere"].id, proposal)
    staff.connection.execute(
        "UPDATE vault.people SET roles = '{submitter}' WHERE id = %s", (staff["auditor"].id,)
    )
    staff.act("secretary", proposal, COMPLETE)
    staff.fold()
    assert {who for who, _ in staff.heard(proposal)} == {"taskforce", "chair"}


def test_of_an_organisation_only_those_who_may_read_its_case_hear_of_it(staff: Staff) -> None:
    organisation = staff["submitter"].organisation
    staff.add("withdrawn", organisation=organisation)
    staff.add("administrator", "admin", organisation=organisation)
    staff.add("former partner", organisation=staff["partner"].organisation)
    proposal = staff.submit()
    staff.fold()
    heard = staff.heard(proposal)
    assert {("submitter", "receipt"), ("colleague", "receipt"), ("partner", "named")} <= set(heard)
    assert not {"withdrawn", "administrator", "former partner"} & {who for who, _ in heard}


def test_who_was_erased_hears_nothing_and_the_others_do(staff: Staff) -> None:
    proposal = staff.submit()
    staff.connection.execute("DELETE FROM vault.people WHERE id = %s", (staff["submitter"].id,))
    staff.fold()
    assert ("colleague", "receipt") in staff.heard(proposal)
    assert staff["submitter"].id not in {m.who for m in staff.messages()}


def test_who_applies_without_an_organisation_hears_it_personally(staff: Staff) -> None:
    staff.add("alone", "submitter")
    proposal = staff.submit("alone")
    staff.fold()
    heard = [m for m in staff.messages(proposal) if m.kind == "receipt"]
    assert [(m.who, m.required) for m in heard] == [("alone", True)]
    assert staff.letters(proposal) == [("receipt", staff["alone"].id)]
    # The organisation in whose name it was done takes part.
    assert ("submitter", "named") in staff.heard(proposal)


def test_an_organisation_without_people_gets_its_letter_all_the_same(staff: Staff) -> None:
    for who in ("submitter", "colleague"):
        staff.connection.execute("DELETE FROM vault.people WHERE id = %s", (staff[who].id,))
    proposal = staff.submit("secretary")
    staff.fold()
    assert [letter for letter, _ in staff.letters(proposal)] == ["receipt"]
    assert "receipt" not in {kind for _, kind in staff.heard(proposal)}


def test_a_member_is_so_of_a_body_only_in_that_role(staff: Staff) -> None:
    staff.add("was a member", "auditor", bodies=["taskforce"], chairs=["taskforce"])
    asked = [("body", "taskforce"), ("chair", "taskforce"), ("partner", "nobody"), ("council", HELMOND)]
    found = recipients.people(staff.connection, asked, {})
    assert {relation: set(ids) for relation, ids in found.items()} == {
        ("body", "taskforce"): {staff["taskforce"].id, staff["chair"].id},
        ("chair", "taskforce"): {staff["chair"].id},
    }


def test_a_program_is_nobody_to_write_to(staff: Staff) -> None:
    asked = ("submitter", staff["program"].organisation or "")
    assert staff["program"].id not in recipients.people(staff.connection, [asked], {})[asked]


def test_nobody_in_particular_is_asked_for_nothing(staff: Staff) -> None:
    assert recipients.people(staff.connection, [], {}) == {}
    assert recipients.people(staff.connection, [("council", HELMOND)], {}) == {}


def test_an_oddly_named_body_is_a_name_and_no_statement(staff: Staff) -> None:
    odd = ("body", "x', ''); DROP TABLE vault.people; --{\"\\")
    assert recipients.people(staff.connection, [odd], {}) == {}


def test_whoever_stands_in_hears_it_once_and_for_oneself_first(staff: Staff) -> None:
    away = preferences.Hearing(absent_from=DAY, stand_in=staff["chair"].id)
    preferences.hear(staff.connection, staff["taskforce"], away)
    proposal = staff.submit()
    staff.act("secretary", proposal, COMPLETE)
    staff.fold()
    rows = staff.connection.execute(
        """SELECT d.channel, d.instead_of FROM ledger.deliveries d JOIN ledger.notices n ON n.id = d.notice
        WHERE n.kind = 'turn' AND d.recipient = %s ORDER BY 1""",
        (staff["chair"].id,),
    ).fetchall()
    assert rows == [("email", None), ("inbox", None)]


# What else goes out


def append(staff: Staff, stream: str, event: Any) -> None:
    """Records an event, as the system."""
    staff.parts.log.append([(stream, event)], {}, Meta(DAY, "system", None, f"command of {stream}"))


def definition_of(staff: Staff) -> dict[str, Any]:
    """The recovery approach as it is published."""
    programme = latest(staff.parts, PROGRAMME)
    assert programme is not None
    return to_definition(programme)


def test_a_newsletter_goes_to_the_addresses_of_each_council(staff: Staff) -> None:
    for municipality in ("GM0743", HELMOND):
        councils.add(staff.connection, municipality, f"{municipality}@example.org", "nl")
    (helmond,) = councils.ids(staff.connection, HELMOND)
    editions = (EditionHash("GM0794", "a" * 64), EditionHash("GM0770", "b" * 64))
    append(staff, "newsletter-1", NewsletterApproved(PROGRAMME, DAY, DAY, editions))
    staff.fold()
    rows = staff.connection.execute(
        "SELECT recipient, channel, relation, state FROM ledger.deliveries ORDER BY 1"
    ).fetchall()
    assert rows == [(helmond, "email", "council", "waiting")]


def test_programs_hear_of_the_events_they_subscribed_to_in_the_same_transaction(staff: Staff) -> None:
    everything, _ = subscriptions.add(
        staff.connection, person=staff["program"].id, name="all", channel="queue"
    )
    other, _ = subscriptions.add(
        staff.connection, person=staff["program"].id, name="other", channel="queue", programmes=["other"]
    )
    herstel, _ = subscriptions.add(
        staff.connection, person=staff["program"].id, name="own", channel="queue", programmes=[PROGRAMME]
    )
    proposal = staff.submit()
    append(staff, "letter-1", LetterIssued("receipt", proposal, 1, "nl", "a" * 64))
    append(staff, "envelope-own", EnvelopeOpened("own", "n", "ab", PROGRAMME, ()))
    append(staff, "envelope-any", EnvelopeOpened("any", "n", "ab", None, ()))
    staff.fold()
    rows = staff.connection.execute(
        """SELECT d.recipient, n.stream FROM ledger.deliveries d JOIN ledger.notices n ON n.id = d.notice
        WHERE n.kind = 'event' ORDER BY n.position"""
    ).fetchall()
    case = [proposal, proposal, "letter-1", "envelope-own"]
    assert [stream for who, stream in rows if who == everything.id] == [*case, "envelope-any"]
    assert [stream for who, stream in rows if who == herstel.id] == case
    assert other.id not in {who for who, _ in rows}


def test_a_programme_adds_to_who_hears_what_of_cases_bound_to_that_version(staff: Staff) -> None:
    before = staff.submit()
    definition = definition_of(staff) | {
        "version": 2,
        "notices": [{"kind": "advised", "to": ["treasurer"], "bodies": ["poho"]}],
    }
    meta = Meta(DAY, "system", None, "a second version")
    published = ProgrammePublished(PROGRAMME, 2, definition)
    staff.parts.log.append([(f"programme-{PROGRAMME}", published)], {f"programme-{PROGRAMME}": 1}, meta)
    after = staff.submit()
    for proposal in (before, after):
        staff.act("secretary", proposal, COMPLETE)
        staff.act("taskforce", proposal, Review("taskforce", "positive", "Goed.", (), DAY))
    staff.fold()
    assert ("treasurer", "advised") not in staff.heard(before)
    assert ("treasurer", "advised") in staff.heard(after)


def test_an_envelope_that_is_topped_up_long_after_is_told_by_its_name(staff: Staff) -> None:
    meta = Meta(DAY, "system", None, "more money")
    staff.parts.log.append(
        [("envelope-herstelaanpak", SourceAdded(Source("Meer", Decimal("1.00"))))],
        {"envelope-herstelaanpak": 1},
        meta,
    )
    staff.fold()
    (facts,) = staff.connection.execute("SELECT facts FROM ledger.notices").fetchone() or ({},)
    assert (facts["what"], facts["code"]) == ("topped-up", "herstelaanpak")
    opened = staff.parts.log.load("envelope-herstelaanpak")[0]
    assert facts["name"] == {"$words": f"{opened.position}/name"}


# What cannot be told


def test_an_event_that_cannot_be_read_stops_no_other_case_and_is_told_later(
    staff: Staff, settings: Settings
) -> None:
    spoiled, sound = staff.submit(), staff.submit()
    staff.fold()
    staff.act("secretary", spoiled, COMPLETE)
    checked = staff.parts.log.load(spoiled)[2]
    staff.act("secretary", sound, COMPLETE)
    was = spoil(settings, checked.position)
    with capture_logs() as said:
        assert staff.fold() == staff.parts.log.head()
    assert ("taskforce", "turn") in staff.heard(sound)
    assert ("taskforce", "turn") not in staff.heard(spoiled)
    aside = set_aside(staff)
    assert [stream for _, stream, _ in aside] == [spoiled] * 3
    assert "CompletenessChecked: ValidationError" in aside[0][2]
    assert {line["position"] for line in said if line["log_level"] == "error"} == {row[0] for row in aside}

    # Beyond it nobody knows how the case stands; what happens there waits too.
    put(settings, checked.position, was)
    staff.act("taskforce", spoiled, Review("taskforce", "positive", "Goed.", (), DAY))
    spoil(settings, checked.position)
    staff.fold()
    assert ("submitter", "advised") not in staff.heard(spoiled)
    assert noticing.try_again(staff.parts, staff.connection) == 0
    assert len(set_aside(staff)) == 6

    # A version that can read it tells all of it, once.
    put(settings, checked.position, was)
    assert noticing.try_again(staff.parts, staff.connection) == 6
    assert set_aside(staff) == []
    heard = staff.heard(spoiled)
    assert heard.count(("taskforce", "turn")) == heard.count(("submitter", "advised")) == 1
    assert noticing.try_again(staff.parts, staff.connection) == 0


def test_of_a_command_that_could_be_read_in_part_the_rest_is_told_later_and_nothing_twice(
    staff: Staff, settings: Settings
) -> None:
    proposal = staff.submit()
    staff.act("secretary", proposal, COMPLETE)
    whole = staff.parts.log.load(proposal)
    was = spoil(settings, whole[-1].position)
    staff.fold()
    heard = staff.heard(proposal)
    assert ("taskforce", "turn") not in heard, "the event that opened the stage is the one nobody can read"
    put(settings, whole[-1].position, was)
    assert noticing.try_again(staff.parts, staff.connection) == 1
    assert ("taskforce", "turn") in staff.heard(proposal)
    assert [each for each in staff.heard(proposal) if each[0] not in ("taskforce", "chair")] == heard
    assert set_aside(staff) == []


def test_what_no_notice_can_be_made_of_is_set_aside_alone(staff: Staff, settings: Settings) -> None:
    proposal = staff.submit()
    append(staff, "programme-unfit", ProgrammePublished("unfit", 1, {"code": "unfit"}))
    other = staff.submit()
    unfit = staff.parts.log.load("programme-unfit")[0].position
    staff.fold()
    assert [
        heard
        for each in (proposal, other)
        for heard in staff.heard(each)
        if heard == ("submitter", "receipt")
    ] == [("submitter", "receipt")] * 2
    assert set_aside(staff) == [(unfit, "programme-unfit", "KeyError: 'version'")]
    put(
        settings,
        unfit,
        spoil(settings, unfit).replace(
            b'{"code":"unfit"}',
            msgspec.json.encode(definition_of(staff)),
        ),
    )
    assert noticing.try_again(staff.parts, staff.connection) == 1
    office = ("auditor", "clerk", "secretary", "treasurer")
    assert staff.heard("programme-unfit") == [(who, "programme") for who in office]


def test_what_is_wrong_for_everybody_forgets_nobody(staff: Staff, settings: Settings) -> None:
    staff.submit()
    at = noticing.position(staff.connection)
    with psycopg.connect(settings.database_owner_url, autocommit=True) as owner:
        owner.execute("ALTER TABLE vault.hearing RENAME TO gone")
        with pytest.raises(psycopg.errors.UndefinedTable):
            staff.fold()
        assert (noticing.position(staff.connection), set_aside(staff)) == (at, [])
        owner.execute("ALTER TABLE vault.gone RENAME TO hearing")
    staff.fold()
    assert ("submitter", "receipt") in staff.heard()
