"""Is what comes back found, for the right delivery and the right reason, and is nothing else taken for it?"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service import publishing, wiring
from service.messaging import ledger
from service.messaging.channels.email import Email
from service.messaging.inspecting import tries
from service.messaging.ledger import Delivery
from service.messaging.mail import bounces
from service.messaging.mail.bounces import Bounce
from service.settings import Settings
from tests.conftest import SECRET, fresh_database
from tests.messaging.mail_server import mail_server
from tests.messaging.mailing import Office

ID = "delivery-0197a000-0000-7000-8000-000000000002"


@pytest.fixture(scope="module")
def office(admin_url: str, template: Settings) -> Iterator[Office]:
    """A database for all tests here."""
    with fresh_database(admin_url, template) as settings:
        publishing.publish_bundled(settings)
        with closing(wiring.build(replace(settings, public_url="https://besluitspoor.example.org"))) as parts:
            yield Office(parts)


@pytest.fixture
def sent(office: Office) -> tuple[Delivery, bytes, str]:
    """A mail that a server took: the delivery, the mail, and whom it went to."""
    person = office.person()
    delivery = office.to(person)
    with (
        mail_server() as server,
        closing(Email(replace(office.parts.settings, smtp_url=server.url))) as channel,
    ):
        assert office.send(channel, delivery)[0] == "sent"
        return delivery, server.got[0].as_bytes(), person.email


def head_of(mail: bytes) -> str:
    return mail.replace(b"\r\n", b"\n").partition(b"\n\n")[0].decode() + "\n"


def notification(
    to: str, returned: str, *, action: str = "failed", status: str = "5.1.1", said: str = "", extra: str = "",
    kind: str = "text/rfc822-headers",
) -> bytes:  # fmt: skip
    """As Postfix sends it."""
    said = said or f"550 {status} <{to}>: Recipient address rejected: User unknown in virtual mailbox table"
    return f"""Return-Path: <>
From: MAILER-DAEMON@mail.example.org (Mail Delivery System)
To: noreply@example.org
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

This is a MIME-encapsulated message.

--b1
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--b1
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example.org
Arrival-Date: Mon,  2 Mar 2026 10:00:00 +0100 (CET)
{extra}
Final-Recipient: rfc822; {to}
Original-Recipient: rfc822;{to}
Action: {action}
Status: {status}
Remote-MTA: dns; mx.example.org
Diagnostic-Code: smtp; {said}

--b1
Content-Description: Undelivered Message Headers
Content-Type: {kind}

{returned}
--b1--
""".encode()


def bounced(content: bytes) -> Bounce:
    found = bounces.read(content)
    assert found is not None
    return found


def record(office: Office, content: bytes) -> bool:
    with office.parts.pool.connection() as connection:
        return bounces.record(connection, bounced(content))


def dead(office: Office, email: str) -> bool:
    return bool(office.ask("SELECT 1 FROM vault.undeliverable WHERE email = lower(%s)", email))


# What is recorded


@pytest.mark.parametrize("kind", ["text/rfc822-headers", "message/rfc822"])
def test_a_mail_that_came_back_is_found_and_its_address_gets_no_more(
    office: Office, sent: tuple[Delivery, bytes, str], kind: str
) -> None:
    delivery, mail, address = sent
    returned = head_of(mail) if kind == "text/rfc822-headers" else mail.decode()
    assert record(office, notification(address, returned, kind=kind))
    state, error = office.state(delivery)
    assert state == "bounced"
    assert error == "550 5.1.1 …: Recipient address rejected: User unknown in virtual mailbox table"
    assert address not in error
    assert dead(office, address)
    with office.parts.pool.connection() as connection:
        tried = [(each.number, each.outcome, each.detail) for each in tries(connection, delivery.id)]
    accepted = "250 2.0.0 OK: queued as 1"
    assert tried == [(1, "sent", accepted), (1, "bounced", error)], (
        "what the server said stays, beside the bounce"
    )


def test_what_comes_back_before_it_is_noted_as_sent_keeps_both(office: Office) -> None:
    """The server was quick, or whoever sent it was slow to say so."""
    planned = office.to(office.person())
    with office.parts.pool.connection() as connection:
        claimed = ledger.claim(connection, planned.id)
        assert claimed is not None
        assert ledger.bounced(connection, planned.id, "550 5.1.1 no such user")
        ledger.sent(connection, claimed, "250 queued")
        tried = [(each.number, each.outcome, each.detail) for each in tries(connection, planned.id)]
    assert tried == [(1, "sent", "250 queued"), (1, "bounced", "550 5.1.1 no such user")]
    assert office.state(planned) == ("bounced", "550 5.1.1 no such user")


def test_what_is_sent_once_more_and_comes_back_again_shows_each_time(office: Office) -> None:
    planned = office.to(office.person())
    with office.parts.pool.connection() as connection:
        for number in (1, 2):
            claimed = ledger.claim(connection, planned.id)
            assert claimed is not None
            ledger.sent(connection, claimed, f"250 queued {number}")
            assert ledger.bounced(connection, planned.id, f"550 no {number}")
            ledger.resend(connection, [planned.id])
            connection.execute("UPDATE ledger.deliveries SET due_at = now() WHERE id = %s", (planned.id,))
        tried = [(each.number, each.outcome, each.detail) for each in tries(connection, planned.id)]
    assert tried == [
        (1, "sent", "250 queued 1"), (1, "bounced", "550 no 1"),
        (2, "sent", "250 queued 2"), (2, "bounced", "550 no 2"),
    ]  # fmt: skip


def test_the_same_notification_twice_is_recorded_once(
    office: Office, sent: tuple[Delivery, bytes, str]
) -> None:
    _, mail, address = sent
    content = notification(address, head_of(mail))
    assert record(office, content)
    assert not record(office, content)


def test_a_mail_that_was_sent_again_does_not_come_back_by_an_old_notification(
    office: Office, sent: tuple[Delivery, bytes, str]
) -> None:
    delivery, mail, address = sent
    office.do("UPDATE ledger.deliveries SET state = 'waiting' WHERE id = %s", delivery.id)
    assert not record(office, notification(address, head_of(mail)))
    assert office.state(delivery)[0] == "waiting"


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded"])
def test_what_only_takes_longer_has_not_come_back(sent: tuple[Delivery, bytes, str], action: str) -> None:
    delivery, mail, address = sent
    found = bounced(notification(address, head_of(mail), action=action, status="4.4.7", said="451 busy"))
    assert (found.action, found.delivery, found.address) == (action, delivery.id, False)


@pytest.mark.parametrize(("status", "said"), [("5.2.2", "552 5.2.2 over quota"), ("5.7.1", "550 5.7.1 spam"),
                                              ("4.4.7", "delivery time expired")])  # fmt: skip
def test_an_address_that_may_be_good_is_mailed_again_next_time(
    office: Office, sent: tuple[Delivery, bytes, str], status: str, said: str
) -> None:
    delivery, mail, address = sent
    assert record(office, notification(address, head_of(mail), status=status, said=said))
    assert office.state(delivery)[0] == "bounced"
    assert not dead(office, address)


def test_a_mail_that_was_forwarded_and_failed_there_says_nothing_of_this_address(
    office: Office, sent: tuple[Delivery, bytes, str]
) -> None:
    """The address changed since: the one that failed is another's business."""
    delivery, mail, address = sent
    office.do("UPDATE vault.people SET email = %s WHERE id = %s", f"new-{address}", delivery.recipient)
    assert record(office, notification(address, head_of(mail)))
    assert office.state(delivery)[0] == "bounced"
    assert not dead(office, f"new-{address}")


def test_who_was_erased_meanwhile_has_no_address_to_keep(
    office: Office, sent: tuple[Delivery, bytes, str]
) -> None:
    delivery, mail, address = sent
    office.do("DELETE FROM vault.people WHERE id = %s", delivery.recipient)
    assert record(office, notification(address, head_of(mail)))
    assert not dead(office, address)


def test_a_delivery_of_another_channel_or_none_is_refused(office: Office) -> None:
    with office.parts.pool.connection() as connection, pytest.raises(ValueError, match="no mail of ours"):
        bounces.record(connection, bounced(notification("a@example.org", f"Message-ID: <{ID}@h>\n")))


# How it is found


def test_it_is_found_by_whatever_mark_is_left() -> None:
    marks = {
        "by the header that names it": notification("a@example.org", f"X-Besluitspoor-Delivery: {ID}\n"),
        "by the envelope id": notification(
            "a@example.org", "Subject: x\n", extra=f"Original-Envelope-Id: {ID}\n"
        ),
        "by what it answers": b"In-Reply-To: <" + ID.encode() + b"@h>\n" + notification("a@example.org", ""),
        "quoted in the text": odd(f"> Message-ID: <{ID}@h>\n> Subject: hallo"),
        "in what was returned as text": odd(f"--- returned ---\nMessage-ID: <{ID}@h>\nSubject: hallo"),
    }
    for how, content in marks.items():
        assert bounced(content).delivery == ID, how


def odd(
    text: str, subject: str = "Mail delivery failed: returning message to sender", **headers: str
) -> bytes:
    """A notification by a server that keeps to no standard."""
    mail = EmailMessage()
    mail["From"] = headers.pop("sender", "Mail Delivery System <Mailer-Daemon@mx.example.org>")
    mail["Subject"] = subject
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail.as_bytes()


def test_a_server_that_keeps_to_no_standard_is_understood() -> None:
    text = f"""This message was created automatically by mail delivery software.

  gone@example.org
    host mx.example.org: 550 5.1.1 gone@example.org: user unknown

Message-ID: <{ID}@besluitspoor.example.org>"""
    found = bounced(odd(text, X_Failed_Recipients="Gone@example.org"))
    assert (found.delivery, found.action, found.address) == (ID, "failed", True)
    assert found.addresses == {"gone@example.org"}
    assert found.reason == "host mx.example.org: 550 5.1.1 …: user unknown"
    assert bounced(odd(text, subject="Warning: message delayed 24 hours")).action == "delayed"
    assert bounced(odd(f"Onbestelbaar.\nMessage-ID: <{ID}@h>", subject="Onbestelbaar: hallo")).delivery == ID


def test_a_report_without_fields_is_read_by_its_words() -> None:
    content = notification("a@example.org", f"Message-ID: <{ID}@h>\n")
    start, end = content.index(b"Final-Recipient"), content.index(b"--b1\nContent-Description: Undelivered")
    found = bounced((content[:start] + content[end:]).replace(b"Auto-Submitted: auto-replied\n", b""))
    assert (found.delivery, found.action) == (ID, "failed")


@pytest.mark.parametrize(
    ("subject", "headers"),
    [
        ("Re: RHA-2026-0012: er is een besluit", {"sender": "Iemand <iemand@example.org>"}),
        (
            "Automatisch antwoord: ik ben er niet",
            {"sender": "Iemand <iemand@example.org>", "Return_Path": "<>"},
        ),
        ("Out of office", {"sender": "postmaster@example.org", "Auto_Submitted": "auto-replied"}),
        ("Read: RHA-2026-0012", {"sender": "Iemand <iemand@example.org>"}),
        ("Your statement", {"sender": "postmaster@example.org"}),
    ],
)
def test_an_answer_of_somebody_is_no_notification(subject: str, headers: dict[str, str]) -> None:
    marked = {} if subject == "Your statement" else {"In_Reply_To": f"<{ID}@h>"}
    assert bounces.read(odd("Ik ben er niet.", subject=subject, **headers, **marked)) is None


@given(st.binary(max_size=400))
def test_whatever_it_is_reading_it_never_fails(content: bytes) -> None:
    bounces.read(content)
    bounces.read(notification("a@example.org", f"Message-ID: <{ID}@h>\n").replace(b"Action: failed", content))


def test_nobody_is_named_in_a_reason() -> None:
    said = "550 5.1.1 renee@example.org (Renée): no such user\x1b[31m"
    reason = bounced(notification("renee@example.org", f"Message-ID: <{ID}@h>\n", said=said)).reason
    assert "renee@" not in reason
    assert reason.isprintable()


# The command


def run(
    office: Office, content: bytes, *arguments: str, command: str = "bounced", url: str = ""
) -> subprocess.CompletedProcess[bytes]:
    environ = {
        "DATABASE_URL": url or office.parts.settings.database_url,
        "SECRET": SECRET.decode(),
        "PATH": "/usr/bin",
    }
    return subprocess.run(
        [sys.executable, "-m", "service.cli", "mail", command, *arguments],
        input=content, env=environ, capture_output=True, timeout=60, check=False,
    )  # fmt: skip


def test_the_command_records_what_a_mail_server_gives_it(
    office: Office, sent: tuple[Delivery, bytes, str], tmp_path: Path
) -> None:
    delivery, mail, address = sent
    content = notification(address, head_of(mail))
    delayed = run(office, notification(address, head_of(mail), action="delayed", status="4.4.1"))
    assert (delayed.returncode, office.state(delivery)[0]) == (0, "sent")
    file = tmp_path / "bounce.eml"
    file.write_bytes(content)
    for arguments, given_ in (((), content), ((str(file),), b"")):
        result = run(office, given_, *arguments)
        assert result.returncode == 0, result.stderr
        assert delivery.id.encode() in result.stderr
    assert office.state(delivery)[0] == "bounced"


@pytest.mark.slow
def test_the_command_says_honestly_how_it_ended(office: Office, sent: tuple[Delivery, bytes, str]) -> None:
    _, mail, address = sent
    assert run(office, b"Subject: hallo\n\nHallo").returncode == 1
    assert run(office, notification("a@example.org", f"Message-ID: <{ID}@h>\n")).returncode == 1, (
        "no mail of ours"
    )
    later = run(office, notification(address, head_of(mail)), url="postgresql://nobody@127.0.0.1:9/none")
    assert later.returncode == 75, "so that the mail server keeps it"
    assert b"Traceback" not in later.stderr


def test_an_address_is_mailed_again_by_a_command(
    office: Office, sent: tuple[Delivery, bytes, str], tmp_path: Path
) -> None:
    _, mail, address = sent
    assert run(office, b"", address, command="deliverable").returncode == 1, "nothing keeps mail from it"
    run(office, notification(address, head_of(mail)))
    assert dead(office, address)
    result = run(office, b"", address.upper(), command="deliverable")
    assert (result.returncode, dead(office, address)) == (0, False), result.stderr
