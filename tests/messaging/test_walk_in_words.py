"""Does all that a real case leads to make a whole message and a whole mail, in both languages, with its letter?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from service.messaging import ledger
from service.messaging.ledger import Delivery
from service.messaging.mail import readers
from service.messaging.mail.composing import compose
from service.messaging.wording import messages
from service.settings import Settings
from service.texts import LANGUAGES
from tests.messaging.staff import staff_of
from tests.messaging.test_expected_messages import Walk, awarded


@pytest.fixture
def walk(settings: Settings) -> Iterator[Walk]:
    with staff_of(settings) as staff:
        yield Walk(staff)


def deliveries(walk: Walk, channel: str) -> list[Delivery]:
    rows = walk.staff.connection.execute(
        "SELECT id FROM ledger.deliveries WHERE channel = %s ORDER BY id", (channel,)
    ).fetchall()
    found = [ledger.by_id(walk.staff.connection, row[0]) for row in rows]
    return [each for each in found if each is not None]


def test_a_walk_is_told_in_whole_sentences_and_mailed_with_its_letters(walk: Walk) -> None:
    proposal, _ = awarded(walk)
    inbox, email = deliveries(walk, "inbox"), deliveries(walk, "email")
    assert len(inbox) > 50
    for language in LANGUAGES:
        for delivery, message in zip(inbox, messages(walk.staff.parts, inbox, language), strict=True):
            whole = "\n".join((message.subject, *message.lines, message.action))
            for never in ("None", "{", "}", "zonder titel", "without a title", "$words", "person-", "party-"):
                assert never not in whole, (delivery.kind, whole)
            if delivery.stream == proposal:
                assert "Digitaal Fit" in whole
                assert message.subject.startswith("RHA-")
    letters: dict[str, set[bytes]] = {}
    for delivery in email:
        with walk.staff.parts.pool.connection() as connection:
            reader = readers.find(connection, delivery.recipient)
        assert reader is not None
        mail = compose(walk.staff.parts, delivery, replace(reader, language="en"))
        attached = [each.get_content() for each in mail.iter_attachments()]
        assert len(attached) == (1 if delivery.required else 0), delivery
        for each in attached:
            letters.setdefault(f"{delivery.kind} {delivery.stream}", set()).add(each)
    assert len(letters) > 3
    assert all(len(same) == 1 for same in letters.values()), "everybody gets the same letter"
