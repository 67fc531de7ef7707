"""Is a letter made once, kept as it was sent, and issued in the log? Whoever asks, however often, whatever breaks."""

from __future__ import annotations

import hashlib
import threading
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from domain.award import Reallocate
from domain.events import LetterIssued
from domain.recorded import Moment
from service.documents import letters
from service.documents.contents import NothingToTell
from service.documents.letters import ensure, issue, issued, verified
from service.errors import Missing
from service.ids import new_id
from service.messaging.channels import CHANNELS
from service.messaging.channels.channel import Failed, Filed
from service.messaging.ledger import Delivery, claim
from service.messaging.noticing import fold_batch
from tests.commands.office import DAY, TREASURER
from tests.documents.conftest import Letters


def a_delivery(office: Letters, proposal: str, letter: str | None, cause: str | None = None) -> Delivery:
    """A delivery over the channel of letters, as the ledger hands it out."""
    now = datetime.now(UTC)
    about = office.at(proposal, letter or "receipt")
    return Delivery(
        id=new_id("delivery"), notice=new_id("notice"), cause=cause or f"event:{about}", kind=letter or "receipt",
        position=about, stream=proposal, urgency="high", facts={}, letter=letter, at=now, recipient="party-1",
        channel="letter", relation="submitter", required=True, instead_of=None, state="sending", due_at=now, tries=1,
        error=None, bundle=None, created_at=now,
    )  # fmt: skip


def events_of(office: Letters, proposal: str) -> list[Any]:
    """Every LetterIssued about a case, wherever it stands in the log."""
    found = office.parts.log.read(0, 100_000)
    return [e for e in found if isinstance(e.event, LetterIssued) and e.event.proposal == proposal]


def lost(*_: object) -> int:
    """The log can't be reached."""
    raise ConnectionError


def test_a_letter_is_kept_and_the_log_has_its_hash(office: Letters) -> None:
    proposal = office.awarded()
    letter = ensure(office.parts, a_delivery(office, proposal, "award"))
    (recorded,) = events_of(office, proposal)
    about = next(e for e in office.history(proposal) if e.position == recorded.event.about)
    assert recorded.stream == letter.id
    assert recorded.event.sha256 == letter.sha256 == hashlib.sha256(letter.pdf).hexdigest()
    assert (recorded.event.letter, recorded.event.language) == ("award", "nl")
    assert about.name == "Awarded"
    assert recorded.cause == f"{proposal}:{about.version}"
    assert recorded.by == "system"
    assert recorded.capacity is None
    assert letter.filename.startswith("toekenning-RHA-2021-")
    assert verified(office.parts, letter)


def test_asked_again_it_is_the_same_letter_and_no_second_event(office: Letters) -> None:
    proposal = office.submit()
    first = ensure(office.parts, a_delivery(office, proposal, "receipt"))
    again = ensure(office.parts, a_delivery(office, proposal, "receipt"))
    assert again == first
    assert len(events_of(office, proposal)) == 1


def test_asked_by_many_at_once_it_is_one_letter_and_one_event(office: Letters) -> None:
    proposal = office.awarded()
    delivery = a_delivery(office, proposal, "award")
    start, made = threading.Barrier(8), []

    def ask() -> None:
        start.wait(30)
        made.append(ensure(office.parts, delivery))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 8
    assert len({letter.id for letter in made}) == len({letter.pdf for letter in made}) == 1
    assert len(events_of(office, proposal)) == 1


def test_what_stopped_before_the_event_is_taken_up_with_the_same_letter(
    office: Letters, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposal = office.submit()
    delivery = a_delivery(office, proposal, "receipt")
    with monkeypatch.context() as broken:
        broken.setattr(letters, "_append", lost)
        with pytest.raises(ConnectionError):
            ensure(office.parts, delivery)
    with office.parts.pool.connection() as connection:
        assert issued(connection, proposal) == []
        (kept,) = connection.execute(
            "SELECT sha256 FROM documents.letters WHERE proposal = %s", (proposal,)
        ).fetchone()  # type: ignore[misc]
    letter = ensure(office.parts, delivery)
    assert letter.sha256 == kept
    assert len(events_of(office, proposal)) == 1


def test_what_stopped_after_the_event_is_not_issued_twice(office: Letters) -> None:
    proposal = office.submit()
    delivery = a_delivery(office, proposal, "receipt")
    first = ensure(office.parts, delivery)
    with office.parts.pool.connection() as connection:
        connection.execute("UPDATE documents.letters SET position = NULL WHERE id = %s", (first.id,))
    assert ensure(office.parts, delivery) == first
    (recorded,) = events_of(office, proposal)
    with office.parts.pool.connection() as connection:
        (listed,) = issued(connection, proposal)
    assert listed.position == recorded.position


def test_the_letters_of_a_case_are_listed_newest_first_and_as_of_a_moment(office: Letters) -> None:
    proposal = office.awarded()
    receipt = issue(office.parts, "receipt", proposal, office.at(proposal, "receipt"))
    award = issue(office.parts, "award", proposal, office.at(proposal, "award"))
    with office.parts.pool.connection() as connection:
        found = issued(connection, proposal)
        assert [each.id for each in found] == [award.id, receipt.id]
        assert [each.size for each in found] == [len(award.pdf), len(receipt.pdf)]
        then = issued(connection, proposal, Moment(found[1].position))
        assert [each.id for each in then] == [receipt.id]
    assert letters.read(office.parts, proposal, award.id) == award
    with pytest.raises(Missing):
        letters.read(office.parts, office.submit(), award.id)


def test_a_letter_that_was_changed_behind_our_back_is_not_handed_out(office: Letters, settings: Any) -> None:
    proposal = office.submit()
    letter = issue(office.parts, "receipt", proposal, office.at(proposal, "receipt"))
    with psycopg.connect(settings.database_owner_url, autocommit=True) as owner:
        owner.execute(
            "UPDATE documents.letters SET pdf = %s WHERE id = %s", (letter.pdf + b"more", letter.id)
        )
    with pytest.raises(letters.Altered):
        letters.read(office.parts, proposal, letter.id)
    with pytest.raises(letters.Altered):
        issue(office.parts, "receipt", proposal, office.at(proposal, "receipt"))
    failed = CHANNELS["letter"](settings).send(office.parts, a_delivery(office, proposal, "receipt"))
    assert isinstance(failed, Failed)
    assert failed.permanent


def test_a_letter_that_was_put_with_another_event_or_case_is_not_handed_out(
    office: Letters, settings: Any
) -> None:
    one, other = office.submit(), office.submit()
    letter = issue(office.parts, "receipt", one, office.at(one, "receipt"))
    about = office.at(other, "receipt")
    with psycopg.connect(settings.database_owner_url, autocommit=True) as owner:
        owner.execute("UPDATE documents.letters SET about = %s WHERE id = %s", (about, letter.id))
        with pytest.raises(letters.Altered):
            issue(office.parts, "receipt", other, about)
        owner.execute("UPDATE documents.letters SET proposal = %s WHERE id = %s", (other, letter.id))
    with pytest.raises(letters.Altered):
        issue(office.parts, "receipt", other, about)
    with pytest.raises(letters.Altered):
        letters.read(office.parts, other, letter.id)


def test_a_letter_that_was_changed_before_it_was_issued_never_is(
    office: Letters, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposal = office.submit()
    with monkeypatch.context() as broken:
        broken.setattr(letters, "_append", lost)
        with pytest.raises(ConnectionError):
            ensure(office.parts, a_delivery(office, proposal, "receipt"))
    with psycopg.connect(settings.database_owner_url, autocommit=True) as owner:
        owner.execute("UPDATE documents.letters SET pdf = pdf || 'more' WHERE proposal = %s", (proposal,))
    with pytest.raises(letters.Altered):
        ensure(office.parts, a_delivery(office, proposal, "receipt"))
    assert events_of(office, proposal) == []


@pytest.mark.parametrize("change", ["UPDATE documents.letters SET pdf = ''", "DELETE FROM documents.letters"])
def test_the_service_cannot_change_or_remove_a_letter(office: Letters, change: str) -> None:
    with (
        office.parts.pool.connection() as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(change)


def test_nothing_is_made_of_an_event_that_the_letter_does_not_tell_of(office: Letters) -> None:
    proposal = office.submit()
    with pytest.raises(NothingToTell):
        issue(office.parts, "award", proposal, office.at(proposal, "receipt"))
    assert events_of(office, proposal) == []


def test_english_is_written_to_who_all_chose_it_and_dutch_to_others(office: Letters) -> None:
    organisation = new_id("party")
    people = [new_id("person") for _ in range(2)]
    with office.parts.pool.connection() as connection:
        connection.execute(
            "INSERT INTO vault.parties VALUES (%s, 'company', %s)", (organisation, organisation)
        )
        for person in people:
            connection.execute(
                "INSERT INTO vault.people (id, email, name, roles, bodies, organisation)"
                " VALUES (%s, %s, %s, '{submitter}', '{}', %s)",
                (person, f"{person}@example.org", person, organisation),
            )
        connection.execute("INSERT INTO vault.hearing (person, language) VALUES (%s, 'en')", (people[0],))
        connection.execute("UPDATE vault.parties SET name = 'Both speak' WHERE id = %s", (organisation,))
    one = office.submit_for("Both speak")
    letter = issue(office.parts, "receipt", one, office.at(one, "receipt"))
    assert letter.language == "nl"
    with office.parts.pool.connection() as connection:
        connection.execute("INSERT INTO vault.hearing (person, language) VALUES (%s, 'en')", (people[1],))
    other = office.submit_for("Both speak")
    letter = issue(office.parts, "receipt", other, office.at(other, "receipt"))
    assert letter.language == "en"
    assert letter.filename.startswith("confirmation-of-receipt-")


def test_the_channel_issues_the_letter_and_gives_up_what_can_never_be_one(office: Letters) -> None:
    channel = CHANNELS["letter"](office.parts.settings)
    proposal = office.submit()
    outcome = channel.send(office.parts, a_delivery(office, proposal, "receipt"))
    with office.parts.pool.connection() as connection:
        assert outcome == Filed(issued(connection, proposal)[0].id)
    assert channel.send(office.parts, a_delivery(office, proposal, "receipt")) == outcome
    for wrong in (
        a_delivery(office, proposal, None),
        a_delivery(office, proposal, "receipt", "term:proposal-1:2026-01-01"),
        a_delivery(office, proposal, "receipt", "event:999999"),
    ):
        failed = channel.send(office.parts, wrong)
        assert isinstance(failed, Failed)
        assert failed.permanent
    channel.close()


def test_every_letter_that_a_notice_carries_can_be_made(office: Letters) -> None:
    proposals = {
        "receipt": office.submit(),
        "supplement": office.supplement(),
        "award": office.awarded(),
        "refusal": office.refused_by_decision(),
    }
    giving, receiving = office.awarded(), office.to_award(25_000)
    office.act(TREASURER, giving, Reallocate(2, receiving, Decimal("25000.00"), "Het is over.", DAY))
    channel = CHANNELS["letter"](office.parts.settings)
    with office.parts.pool.connection() as connection:
        row = connection.execute("SELECT position FROM ledger.position").fetchone()
        assert row is not None
        after = row[0]
        while (reached := fold_batch(office.parts, connection, after, 500)) != after:
            after = reached
        waiting = connection.execute(
            """SELECT d.id FROM ledger.deliveries d JOIN ledger.notices n ON n.id = d.notice
            WHERE d.channel = 'letter' AND d.state = 'waiting' AND n.stream = ANY(%s)""",
            ([*proposals.values(), giving, receiving],),
        ).fetchall()
        assert waiting
        for (id,) in waiting:
            delivery = claim(connection, id)
            assert delivery is not None
            assert isinstance(channel.send(office.parts, delivery), Filed), delivery
        for letter, proposal in proposals.items():
            assert {each.letter for each in issued(connection, proposal)} == {"receipt", letter}
        assert sorted(each.letter for each in issued(connection, receiving)) == ["award", "receipt"]
