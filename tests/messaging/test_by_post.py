"""Who can't sign in is told by post what the law requires: the secretariat hears so, and says when it was posted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from importlib.resources import files

import psycopg
import pytest

from domain.award import Award
from domain.events import Phase
from domain.proposal import CheckCompleteness, Decide, Review
from service.documents.letters import issued
from service.identity import undeliverable
from service.messaging import by_post, inspecting, ledger
from service.messaging.channels import CHANNELS
from service.messaging.courier import deliver
from service.messaging.inspecting import Kept
from service.messaging.mail import readers
from service.messaging.mail.composing import compose
from service.messaging.wording import messages
from service.programmes import read_bundled
from service.proposal_input import PartyInput
from service.publishing import publish
from service.settings import Settings
from tests.commands.office import ADMIN, DAY
from tests.messaging.staff import APPLICANT, Staff, staff_of

NOBODYS = PartyInput("Stichting Zonder Account", "foundation")
COMPLETE = CheckCompleteness("complete", "", None, DAY)
SECRETARIAT = ["clerk", "secretary"]


@pytest.fixture
def staff(settings: Settings) -> Iterator[Staff]:
    with staff_of(settings) as opened:
        yield opened


def letters(staff: Staff) -> list[Kept]:
    """What goes over the channel of letters, the first one first."""
    return inspecting.found(staff.connection, inspecting.Filters(channel="letter")).items[::-1]


def make(staff: Staff) -> None:
    """Every letter that waits is made, as a courier does it."""
    channel = CHANNELS["letter"](staff.parts.settings)
    for kept in letters(staff):
        deliver(staff.parts, channel, kept.delivery.id)


def told_to_post(staff: Staff, proposal: str) -> dict[str, list[str]]:
    """Who was told to post which letter."""
    found: dict[str, list[str]] = {}
    for message in staff.messages(proposal):
        if message.kind == "unreached":
            assert message.required
            found.setdefault(message.letter, []).append(message.who)
    return {letter: sorted(who) for letter, who in found.items()}


def test_an_applicant_without_an_account_is_written_to_from_submission_to_award(staff: Staff) -> None:
    proposal = staff.submit("secretary", applicant=NOBODYS)
    staff.act("secretary", proposal, COMPLETE)
    staff.act("taskforce", proposal, Review("taskforce", "positive", "Goed.", (), DAY))
    staff.act("poho", proposal, Decide("poho", "approved", "Goed.", (), DAY))
    phases = (Phase(1, Decimal(100_000), ""),)
    staff.act("board", proposal, Award("herstelaanpak", Decimal(100_000), False, phases, DAY))
    staff.fold()

    # Also who recorded it: that nobody heard of it is no news of their own act, but work.
    assert told_to_post(staff, proposal) == {"receipt": SECRETARIAT, "award": SECRETARIAT}
    assert {m.mail for m in staff.messages(proposal) if m.kind == "unreached"} == {"waiting"}
    # Beside it everybody hears what they hear of any case.
    assert ("clerk", "turn") in staff.heard(proposal)
    assert not {kind for _, kind in staff.heard(proposal)} & {"receipt", "advised"}

    make(staff)
    assert [(kept.delivery.letter, kept.delivery.state) for kept in letters(staff)] == [
        ("receipt", "to-post"),
        ("award", "to-post"),
    ]
    assert [each.letter for each in by_post.to_post(staff.connection, 10)] == ["receipt", "award"]
    with staff.parts.pool.connection() as connection:
        made = {each.letter: each.id for each in issued(connection, proposal)}
    assert {each.letter: each.document for each in by_post.to_post(staff.connection, 10)} == made
    assert inspecting.stuck(staff.connection) == by_post.count(staff.connection) == 2, "it did not arrive yet"

    receipt, award = letters(staff)
    assert ledger.posted(staff.connection, receipt.delivery.id, staff["clerk"].id)
    posted, still = letters(staff)
    assert (posted.delivery.state, posted.posted_by) == ("sent", staff["clerk"].id)
    assert posted.posted_at is not None
    assert posted.settled_at == posted.posted_at
    assert still == award
    assert inspecting.stuck(staff.connection) == by_post.count(staff.connection) == 1


def test_who_posted_it_first_did_so_and_it_is_not_made_again(staff: Staff) -> None:
    staff.submit("secretary", applicant=NOBODYS)
    staff.fold()
    (kept,) = letters(staff)
    assert not ledger.posted(staff.connection, kept.delivery.id, staff["clerk"].id), "it is not made yet"
    make(staff)
    assert ledger.posted(staff.connection, kept.delivery.id, staff["clerk"].id)
    (first,) = letters(staff)
    assert not ledger.posted(staff.connection, kept.delivery.id, staff["secretary"].id)
    assert not first.resendable
    assert ledger.resend(staff.connection, [kept.delivery.id]) == []
    assert letters(staff) == [first]


def test_a_letter_to_who_can_sign_in_was_made_and_kept_and_is_not_to_be_posted(staff: Staff) -> None:
    proposal = staff.submit("submitter")
    staff.fold()
    make(staff)
    (kept,) = letters(staff)
    assert (kept.delivery.state, kept.delivery.by_post, kept.delivery.error) == ("filed", False, None)
    assert [each.outcome for each in inspecting.tries(staff.connection, kept.delivery.id)] == ["made"]
    assert told_to_post(staff, proposal) == {}
    assert not ledger.posted(staff.connection, kept.delivery.id, staff["clerk"].id)
    assert inspecting.stuck(staff.connection) == 0
    # Making it once more makes the same one.
    assert ledger.resend(staff.connection, [kept.delivery.id]) == [kept.delivery.id]
    make(staff)
    assert letters(staff)[0].delivery.state == "filed"


def test_a_letter_that_could_not_be_made_is_no_letter_to_post(staff: Staff) -> None:
    staff.submit("secretary", applicant=NOBODYS)
    staff.fold()
    (kept,) = letters(staff)
    staff.connection.execute("UPDATE ledger.notices SET cause = 'event:999999' WHERE letter IS NOT NULL")
    make(staff)
    assert letters(staff)[0].delivery.state == "dead"
    assert by_post.count(staff.connection) == 0
    assert not ledger.posted(staff.connection, kept.delivery.id, staff["clerk"].id)


def test_who_must_post_it_has_the_letter_in_the_mail_and_the_way_to_the_desk(staff: Staff) -> None:
    proposal = staff.submit("secretary", applicant=NOBODYS)
    staff.act("secretary", proposal, CheckCompleteness("supplement", "De begroting?", None, DAY))
    staff.fold()
    rows = staff.connection.execute(
        """SELECT d.id FROM ledger.deliveries d JOIN ledger.notices n ON n.id = d.notice
        WHERE n.kind = 'unreached' AND d.channel = 'email' AND d.recipient = %s ORDER BY n.position""",
        (staff["clerk"].id,),
    ).fetchall()
    mails = [ledger.by_id(staff.connection, id) for (id,) in rows]
    names = []
    for delivery in mails:
        assert delivery is not None
        (message,) = messages(staff.parts, [delivery], "nl")
        assert message.subject.endswith(": verstuur deze brief per post")
        assert "Niemand van de aanvrager kan inloggen" in message.lines[0]
        assert message.path == "/desk"
        reader = readers.find(staff.connection, delivery.recipient)
        assert reader is not None
        (attached,) = compose(staff.parts, delivery, reader).iter_attachments()
        names.append(str(attached.get_filename()).partition("-RHA")[0])
    assert names == ["ontvangstbevestiging", "verzoek-om-aanvulling"]


def test_a_decision_without_a_letter_waits_for_who_writes_one(staff: Staff) -> None:
    """A route that ends with the decision: by law it must be told, and no letter is made of it."""
    bundled = read_bundled("regionale-herstelaanpak-1")
    stages = tuple(stage for stage in bundled.stages if stage.kind != "award")
    publish(staff.parts, ADMIN, replace(bundled, version=2, stages=stages))
    staff.skip()
    proposal = staff.submit("secretary", applicant=NOBODYS)
    staff.act("secretary", proposal, COMPLETE)
    staff.act("taskforce", proposal, Review("taskforce", "positive", "Goed.", (), DAY))
    staff.act("poho", proposal, Decide("poho", "approved", "Goed.", (), DAY))
    staff.fold()
    assert sorted(who for who, kind in staff.heard(proposal) if kind == "unreached") == sorted(
        2 * SECRETARIAT
    )
    make(staff)
    _, decision = by_post.to_post(staff.connection, 10)
    assert (decision.proposal, decision.letter, decision.document) == (proposal, None, None)
    assert decision.facts["outcome"] == "approved"
    assert ledger.posted(staff.connection, decision.delivery, staff["secretary"].id)
    assert by_post.count(staff.connection) == 1


def test_what_the_law_requires_and_an_address_refuses_is_counted_until_it_was_posted(staff: Staff) -> None:
    address = staff["colleague"].email
    undeliverable.note(staff.connection, address, "550 unknown")
    staff.submit("submitter")
    staff.fold()
    assert inspecting.missed(staff.connection) == 1
    filters = inspecting.Filters(states=inspecting.GIVEN_UP, required=True)
    (kept,) = inspecting.found(staff.connection, filters).items
    assert (kept.delivery.recipient, kept.postable) == (staff["colleague"].id, True)
    assert ledger.posted(staff.connection, kept.delivery.id, staff["clerk"].id)
    assert inspecting.missed(staff.connection) == inspecting.stuck(staff.connection) == 0


def test_somebody_who_gets_an_account_hears_the_rest_themselves(staff: Staff) -> None:
    proposal = staff.submit("secretary", applicant=NOBODYS)
    staff.fold()
    staff.add("newcomer", "submitter", organisation=staff.organisation(NOBODYS))
    staff.act("secretary", proposal, CheckCompleteness("supplement", "De begroting?", None, DAY))
    staff.fold()
    assert ("newcomer", "supplement") in staff.heard(proposal)
    assert told_to_post(staff, proposal) == {"receipt": SECRETARIAT}, "what they missed is still to be posted"


def test_letters_of_before_are_found_when_the_tables_are_brought_up_to_date(
    staff: Staff, settings: Settings
) -> None:
    """What a version made that knew no post: nobody was told of it, so it waits to be posted."""
    for who, applicant in (("secretary", NOBODYS), ("submitter", APPLICANT)):
        staff.submit(who, applicant=applicant)
    staff.fold()
    staff.connection.execute(
        "UPDATE ledger.deliveries SET by_post = false, state = 'sent' WHERE channel = 'letter'"
    )
    with psycopg.connect(settings.database_owner_url, autocommit=True) as owner:
        owner.execute(update_of_before())  # type: ignore[arg-type]
    assert [(kept.delivery.by_post, kept.delivery.state) for kept in letters(staff)] == [
        (True, "to-post"),
        (False, "filed"),
    ]


def update_of_before() -> str:
    """What the migration does about letters that are there."""
    text = files("service").joinpath("migrations", "0550_by_post.sql").read_text(encoding="utf-8")
    return text.partition("-- Of letters")[2].partition("\n")[2]
