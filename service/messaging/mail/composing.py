"""How does a delivery become a mail? In the reader's language, as text and as HTML, with all that a mail should say.

The same delivery always has the same Message-ID: who gets it twice, because somebody died before it was noted, sees it
once. What happens in one case is one conversation: every mail answers a root that nobody ever sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import format_datetime, parseaddr

from markupsafe import Markup

from service.documents import letters, newsletters
from service.documents.blocks import Block, Bullets, Heading, Paragraphs, as_html, as_text
from service.documents.councils import is_email
from service.documents.letters import Letter
from service.identity import people
from service.messaging import ledger
from service.messaging.ledger import Delivery
from service.messaging.mail import layout, readers, unsubscribe
from service.messaging.mail.readers import Reader
from service.messaging.mail.transport import host_of
from service.messaging.wording import ITEM, Message, has_text, may_hear, messages, said
from service.settings import Settings
from service.texts import DEFAULT
from service.wiring import Parts

__all__ = ["DELIVERY", "compose", "message_id", "preview"]

DELIVERY = "X-Besluitspoor-Delivery"
"""The header that names the delivery, for bounces that leave out the Message-ID."""
PREFERENCES = "/inbox/preferences"
LONGEST_SUBJECT = 200
MOST_IN_DIGEST = 100
"""Messages that a digest shows; of what is more, how many there are."""
ALONE = ("digest", "newsletter")
"""Kinds that are no part of the conversation about a case."""


class Unbroken(UnstructuredHeader, BaseHeader):
    """A header that stands on one line: ids and addresses that were broken, or encoded, would be no use."""

    def fold(self, *, policy: Policy) -> str:
        """The header on one line, whatever its length."""
        return f"{self.name}: {self}{policy.linesep}"


_HEADERS = HeaderRegistry()
for _name in ("message-id", "references", "in-reply-to", "list-unsubscribe", DELIVERY.lower()):
    _HEADERS.map_to_type(_name, Unbroken)
POLICY = SMTP.clone(header_factory=_HEADERS)


@dataclass
class Content:
    """What a mail says: the blocks between its title and its end, each with a link below it or none."""

    subject: str
    parts: list[tuple[list[Block], tuple[str, str] | None]] = field(default_factory=list)


def compose(parts: Parts, delivery: Delivery, reader: Reader) -> EmailMessage:
    """The mail for this reader, with the letter that goes along, which is made when it is not there yet.

    Raises ValueError for an address that is none; Altered when the letter is not what the log says was issued.
    """
    with parts.pool.connection() as connection:
        has_letter = _has_letter(connection, delivery)
    letter = letters.ensure(parts, delivery) if has_letter else None
    off = None if delivery.required else unsubscribe.link(parts.settings, unsubscribe.of(delivery))
    return _mail(parts, delivery, reader, letter, off)


def preview(parts: Parts, delivery: Delivery) -> EmailMessage:
    """The same mail to look at: it makes no letter, and its links turn nothing off.

    For who is not there any more it has no address, and is in Dutch. A letter that was altered is not in it.
    """
    with parts.pool.connection() as connection:
        reader = readers.find(connection, delivery.recipient) or Reader(delivery.recipient, "", "", DEFAULT)
        issued = letters.issued(connection, delivery.stream) if _has_letter(connection, delivery) else []
    about = [
        each.id
        for each in issued
        if (each.letter, f"event:{each.about}") == (delivery.letter, delivery.cause)
    ]
    letter = None
    with suppress(letters.Altered):
        letter = letters.read(parts, delivery.stream, about[0]) if about else None
    return _mail(parts, delivery, reader, letter, None)


def message_id(settings: Settings, delivery: str) -> str:
    """The Message-ID of this delivery, however often it is sent."""
    return f"<{delivery}@{host_of(settings)}>"


def _mail(
    parts: Parts, delivery: Delivery, reader: Reader, letter: Letter | None, off: str | None
) -> EmailMessage:
    settings = parts.settings
    footer = _footer(settings, delivery, reader, off)
    if reader.council is not None and delivery.kind == "newsletter":
        subject, page, text = newsletters.edition_mail(parts, delivery, reader.council)
        html = layout.with_footer(page, _footer_html(footer))
        text = text.rstrip()
    else:
        content = _content(parts, delivery, reader, letter)
        subject = content.subject
        html = layout.document(reader.language, subject, _html(content), _footer_html(footer))
        text = _text(content)
    mail = EmailMessage(policy=POLICY)
    _address(mail, settings, reader)
    mail["Subject"] = _one_line(subject)
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = message_id(settings, delivery.id)
    if delivery.stream and delivery.kind not in ALONE:
        mail["In-Reply-To"] = mail["References"] = f"<{delivery.stream}@{host_of(settings)}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail[DELIVERY] = delivery.id
    if off is not None:
        mail["List-Unsubscribe"] = f"<{off}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(f"{text}\n\n-- \n{_footer_text(footer)}\n", cte="quoted-printable")
    mail.add_alternative(html, subtype="html", cte="quoted-printable")
    if letter is not None:
        mail.add_attachment(
            letter.pdf, maintype="application", subtype="pdf", filename=_one_line(letter.filename)
        )
    # Last: what describes content moves along when there comes to be more of it.
    mail["Content-Language"] = reader.language
    return mail


def _has_letter(connection: readers.Connection, delivery: Delivery) -> bool:
    """Does a letter go along? To those who must be told by law, and may still hear of it."""
    if delivery.letter is None or not delivery.required:
        return False
    return may_hear(delivery, people.get(connection, delivery.recipient))


def _address(mail: EmailMessage, settings: Settings, reader: Reader) -> None:
    mail["From"] = _named(*parseaddr(settings.mail_from))
    if reader.email:
        mail["To"] = _named(reader.name, reader.email)


def _named(name: str, email: str) -> Address:
    """An address with the name of who has it. Raises ValueError when it is none."""
    if email.isascii():
        return Address(_one_line(name), addr_spec=email)
    # The library knows these only in parts.
    user, _, domain = email.rpartition("@")
    if not is_email(email):
        raise ValueError("this is no address")
    return Address(_one_line(name), user, domain)


def _content(parts: Parts, delivery: Delivery, reader: Reader, letter: Letter | None) -> Content:
    (message,) = messages(parts, [delivery], reader.language)
    content = Content(_one_line(message.subject))
    blocks = _blocks(message.lines)
    if letter is not None:
        blocks.append(Paragraphs(said(reader.language, "mail.attached")))
    if delivery.kind != "digest":
        content.parts.append((blocks, _link(parts.settings, message)))
        return content
    content.parts.append((blocks, None))
    with parts.pool.connection() as connection:
        bundled = ledger.bundled(connection, delivery.id)
    shown = bundled[:MOST_IN_DIGEST]
    told = zip(shown, messages(parts, shown, reader.language), strict=True)
    cases: dict[str, list[tuple[Delivery, Message]]] = {}
    for each, says in told:
        cases.setdefault(each.stream, []).append((each, says))
    content.parts += [_of_case(parts.settings, case) for case in cases.values()]
    rest: list[Block] = []
    if len(bundled) > len(shown):
        rest = [Paragraphs(said(reader.language, "mail.more", count=len(bundled) - len(shown)))]
    content.parts.append((rest, _link(parts.settings, message)))
    return content


def _of_case(
    settings: Settings, case: Sequence[tuple[Delivery, Message]]
) -> tuple[list[Block], tuple[str, str] | None]:
    """What happened in one case, under its reference; what all of it says of the case is said once."""
    reference = str(case[0][0].facts.get("reference") or "")
    shared = set.intersection(*(set(message.lines) for _, message in case)) if len(case) > 1 else set()
    blocks: list[Block] = []
    if reference:
        blocks.append(Heading(2, reference))
    blocks += _blocks([line for line in case[0][1].lines if line in shared])
    for _, message in case:
        subject = message.subject.removeprefix(f"{reference}: ")
        blocks.append(Heading(3 if reference else 2, subject[:1].upper() + subject[1:]))
        blocks += _blocks([line for line in message.lines if line not in shared])
    links = [found for _, message in case if (found := _link(settings, message)) is not None]
    return blocks, links[0] if links else None


def _blocks(lines: Sequence[str]) -> list[Block]:
    """Paragraphs, and lists of the lines that are items."""
    found: list[Block] = []
    items: list[str] = []
    for line in (*lines, ""):
        if line.startswith(ITEM):
            items.append(line.removeprefix(ITEM))
            continue
        if items:
            found.append(Bullets(items))
            items = []
        if line:
            found.append(Paragraphs(line))
    return found


def _link(settings: Settings, message: Message) -> tuple[str, str] | None:
    return (message.action, f"{settings.public_url}{message.path}") if message.path else None


def _html(content: Content) -> Markup:
    found = [as_html([Heading(1, content.subject)])]
    for blocks, link in content.parts:
        found.append(as_html(blocks))
        if link is not None:
            found.append(Markup('<p class="act"><a href="{1}">{0}</a></p>').format(*link))
    return Markup("\n").join(found)


def _text(content: Content) -> str:
    found = [as_text([Heading(1, content.subject)]).rstrip()]
    for blocks, link in content.parts:
        found.append(as_text(blocks).rstrip())
        if link is not None:
            found.append(f"{link[0]}: {link[1]}")
    return "\n\n".join(each for each in found if each)


Line = tuple[str, str]
"""A sentence, and the address it leads to; without one, empty."""


def _footer(settings: Settings, delivery: Delivery, reader: Reader, off: str | None) -> list[Line]:
    """Why one gets this, and how to change it."""

    def tell(key: str) -> str:
        return said(reader.language, f"mail.{key}")

    of = "digest" if delivery.kind == "digest" else "stand-in" if delivery.instead_of else delivery.relation
    why = f"why-{of}" if has_text(f"mail.why-{of}") else "why"
    lines: list[Line] = [(tell(why), "")]
    if delivery.required:
        lines.append((tell("required"), ""))
    if off is not None:
        what = "-council" if reader.council is not None else "-stand-in" if delivery.instead_of else ""
        lines.append((tell(f"turn-off{what}"), off))
    if reader.council is None:
        lines.append((tell("preferences"), f"{settings.public_url}{PREFERENCES}"))
    return lines


def _footer_html(lines: Sequence[Line]) -> Markup:
    return Markup("\n").join(
        Markup('<p><a href="{1}">{0}</a></p>').format(*line)
        if line[1]
        else Markup("<p>{}</p>").format(line[0])
        for line in lines
    )


def _footer_text(lines: Sequence[Line]) -> str:
    return "\n".join(f"{words}: {address}" if address else words for words, address in lines)


def _one_line(words: str) -> str:
    """Fit for a header: one line, and nothing in it that can't be seen."""
    plain = "".join(each if each.isprintable() else " " for each in words)
    plain = " ".join(plain.split())
    return plain if len(plain) <= LONGEST_SUBJECT else plain[: LONGEST_SUBJECT - 1] + "…"
