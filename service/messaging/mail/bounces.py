"""What came back? A delivery status notification (RFC 3464), or what servers send in place of one: whose, and why.

The delivery is found by the Message-ID of what was sent, or another of our marks: the header that names it, the
envelope id. An id is a key that nobody guesses. The address counts as dead only when the notification is about that
very address, and says that it is the address that is wrong.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from email.policy import compat32
from email.utils import getaddresses
from typing import Any

import psycopg

from service.identity import undeliverable
from service.messaging import ledger
from service.messaging.mail import readers
from service.messaging.mail.composing import DELIVERY
from service.messaging.mail.transport import of_the_address, without_addresses

__all__ = ["Bounce", "read", "record"]

ID = re.compile(r"delivery-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
MARK = re.compile(rf"^[>|\s]*(?:Message-ID|{DELIVERY}):\s*<?({ID.pattern})", re.IGNORECASE | re.MULTILINE)
"""A line of a header of ours, quoted or not."""
RETURNED = ("text/rfc822-headers", "text/plain")
STATUS = re.compile(r"\b([245])\.\d{1,3}\.\d{1,3}\b")
CODE = re.compile(r"\b5\d\d[ -]")
FAILING = re.compile(
    r"undeliver|undelivered|delivery (status|failure|has failed|failed)|returned mail|mail delivery|failure notice"
    r"|niet (worden )?(be|af)gelever|onbestelbaar|permanent(ly)? (error|fail)",
    re.IGNORECASE,
)
FROM_A_SERVER = re.compile(r"mailer-daemon|postmaster|mail delivery", re.IGNORECASE)
LONGEST = 400
LARGEST = 2_000_000
"""Bytes of a notification that are read; what was returned in it may be long."""


@dataclass(frozen=True, slots=True)
class Bounce:
    """What a notification says. `action`: failed, delayed, or what else a server tells (delivered, relayed ...).

    `delivery` is None when it names none of ours. `addresses` are those that it is about, in small letters; `address`:
    is it the address that is wrong, for good? `reason` holds no addresses.
    """

    action: str
    delivery: str | None
    addresses: frozenset[str]
    reason: str
    address: bool


def read(content: bytes) -> Bounce | None:
    """What this mail tells of a mail that we sent; None when it is no notification at all, or an answer of somebody."""
    content = content[:LARGEST]
    mail = message_from_bytes(content, policy=compat32)
    delivery = _delivery(mail, content)
    report = next(
        (part for part in mail.walk() if part.get_content_type() == "message/delivery-status"), None
    )
    if report is not None:
        return _reported(mail, report, delivery)
    return _unstructured(mail, delivery)


def record(connection: psycopg.Connection[Any], bounce: Bounce) -> bool:
    """Notes that it came back, and that the address takes no mail when that is why; False when it was noted before.

    Raises ValueError when the delivery that it names is not there, or was no mail.
    """
    delivery = ledger.by_id(connection, bounce.delivery or "")
    if delivery is None or delivery.channel != "email":
        raise ValueError("it names no mail of ours")
    with connection.transaction():
        reader = readers.find(connection, delivery.recipient)
        # One that was forwarded may fail at another address, and the one that failed may have been replaced meanwhile.
        same = reader is not None and (not bounce.addresses or reader.email.lower() in bounce.addresses)
        if bounce.address and reader is not None and same:
            undeliverable.note(connection, reader.email, bounce.reason)
        return ledger.bounced(connection, delivery.id, bounce.reason)


def _reported(mail: Message, report: Message, delivery: str | None) -> Bounce | None:
    """By the fields of the report: a group of what it is about, and one for each recipient."""
    groups = [part for part in report.walk() if not part.is_multipart()]
    about = [group for group in groups if _header(group, "action") or _header(group, "final-recipient")]
    if not about:
        return _unstructured(mail, delivery)
    failed = [group for group in about if _header(group, "action").lower() == "failed"]
    group = (failed or about)[0]
    status, said = _header(group, "status"), _typed(_header(group, "diagnostic-code"))
    action = _header(group, "action").lower() or ("delayed" if status.startswith("4") else "failed")
    named = (_typed(_header(group, name)) for name in ("original-recipient", "final-recipient"))
    addresses = {address.lower().strip("<>") for address in named if address} | _recipients(mail)
    told = said if status in said else f"{status} {said}"
    # A server that gives up after days says 4.x.x: it tried for long, and the address may be good.
    dead = action == "failed" and of_the_address(f"{status} {said}")
    return Bounce(action, delivery, frozenset(addresses), _reason(told), dead)


def _unstructured(mail: Message, delivery: str | None) -> Bounce | None:
    """By its words, where a server keeps to no standard."""
    subject, sender = _header(mail, "subject"), _header(mail, "from")
    # Somebody's automatic answer comes back from nowhere too; a bounce is sent by a server, or says that it failed.
    answers = _header(mail, "auto-submitted").lower().startswith("auto-replied")
    by_server = FROM_A_SERVER.search(sender) is not None and delivery is not None
    if answers or not (FAILING.search(subject) or by_server):
        return None
    text = _text(mail)
    found = next((line for line in text.splitlines() if STATUS.search(line) or CODE.search(line)), "")
    status = STATUS.search(found)
    delayed = (
        re.search(r"delayed|vertraagd|will (retry|be retried)|warning", subject, re.IGNORECASE) is not None
    )
    action = "delayed" if delayed or (status is not None and status[1] == "4") else "failed"
    reason = _reason(found or subject)
    return Bounce(
        action, delivery, frozenset(_recipients(mail)), reason, action == "failed" and of_the_address(found)
    )


def _delivery(mail: Message, content: bytes) -> str | None:
    """Which delivery of ours it is about: by what was returned, then by the report, then by what it answers."""
    for part in mail.walk():
        for name in (DELIVERY, "message-id") if part is not mail else ():
            if found := ID.search(_header(part, name)):
                return found[0]
        if part.get_content_type() in RETURNED and (returned := MARK.search(_decoded(part))):
            return returned[1]
    for name in ("original-envelope-id", "in-reply-to", "references"):
        for part in mail.walk():
            if found := ID.search(_header(part, name)):
                return found[0]
    # Some servers quote what they could not deliver in whatever form.
    quoted = MARK.search(content.decode("utf-8", "replace"))
    return quoted[1] if quoted else None


def _recipients(mail: Message) -> set[str]:
    """Whom what was returned was addressed to."""
    found: set[str] = set()
    for part in mail.walk():
        if part is mail:
            if failed := _header(mail, "x-failed-recipients"):
                found |= {address.strip().lower() for address in failed.split(",")}
            continue
        if part.get_content_type() == "text/rfc822-headers":
            part = message_from_bytes(_decoded(part).encode(), policy=compat32)
        if part.get("message-id") and part.get("to"):
            found |= {address.lower() for _, address in getaddresses([_header(part, "to")]) if address}
    return found


def _text(mail: Message) -> str:
    return "\n".join(
        _decoded(part)
        for part in mail.walk()
        if part.get_content_type() == "text/plain" and not part.is_multipart()
    )


def _decoded(part: Message) -> str:
    try:
        payload = part.get_payload(decode=True)
    except (ValueError, LookupError):
        payload = None
    return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""


def _header(part: Message, name: str) -> str:
    """What a header says, on one line; empty when it is not there."""
    return " ".join(str(part.get(name) or "").split())


def _typed(value: str) -> str:
    """The second half of `rfc822; somebody@example.org`, or all of it where no type is given."""
    kind, semicolon, rest = value.partition(";")
    return rest.strip() if semicolon else kind.strip()


def _reason(said: str) -> str:
    plain = "".join(each if each.isprintable() else " " for each in without_addresses(said))
    return (" ".join(plain.split()) or "it came back without a reason")[:LONGEST]
