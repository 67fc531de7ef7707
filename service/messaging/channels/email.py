"""How does a delivery go by mail? Made for its reader, and handed to a mail server that takes it, or says why not."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import structlog

from service.documents.letters import Altered
from service.identity import undeliverable
from service.messaging import preferences
from service.messaging.channels.channel import Dropped, Failed, Later, Outcome, Sent
from service.messaging.ledger import Delivery
from service.messaging.mail import readers, transport
from service.messaging.mail.composing import compose
from service.messaging.mail.readers import Reader
from service.messaging.mail.transport import NotTaken, without_addresses
from service.messaging.planning import EXPIRES, after_quiet
from service.settings import Settings
from service.wiring import Parts

__all__ = ["Email"]

MINUTE, HOUR = 60.0, 3_600.0
NO_WAY_OUT = "no mail can go out: set SMTP_URL or MAIL_FOLDER"


class Email:
    """Mail. What all deliveries share is the mail server, so one recipient may have as many under way as they like."""

    name = "email"
    waits: tuple[float, ...] = (MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 3 * HOUR, 8 * HOUR, 24 * HOUR)

    def __init__(self, settings: Settings) -> None:
        self._transport = transport.make(settings)
        self.at_once = 1_000 if self._transport is not None else 0
        """Without a way out nothing is begun: it waits until there is one."""

    def send(self, parts: Parts, delivery: Delivery) -> Outcome:
        """Sends the mail. The other side has it when the mail server says so."""
        if self._transport is None:
            return Failed(NO_WAY_OUT)
        with parts.pool.connection() as connection:
            reader = readers.find(connection, delivery.recipient)
            hearing = preferences.hearing(connection, delivery.recipient)
        if reader is None:
            return Dropped("there is nobody any more to mail this to")
        if not reader.email:
            return Dropped("there is no address to mail this to")
        if reader.council is not None and reader.council.unsubscribed_at is not None:
            return Dropped("the newsletter was turned off at this address")
        if _too_late(delivery, reader):
            return Dropped("too long ago")
        if reader.refused is not None:
            return Failed(f"the address takes no mail: {without_addresses(reader.refused)}", permanent=True)
        # What was planned for another hour comes now when it was refused before, or had to wait for the mail server.
        now = datetime.now(UTC)
        quiet_until = after_quiet(now, hearing, ZoneInfo(parts.settings.timezone))
        if quiet_until > now:
            return Later((quiet_until - now).total_seconds())
        try:
            message = compose(parts, delivery, reader)
        except Altered as altered:
            # Somebody changed what the log vouches for: no next try makes that good.
            structlog.get_logger(__name__).error(
                "a letter was altered", delivery=delivery.id, why=str(altered)
            )
            return Failed(f"the letter that goes with it was altered: {altered}", permanent=True)
        except ValueError as error:
            return Failed(f"no mail can be made of this: {without_addresses(str(error))}", permanent=True)
        try:
            return Sent(self._transport.send(message, reader.email, delivery.id))
        except NotTaken as refused:
            return self._refused(parts, reader, refused)
        except OSError as error:
            said = without_addresses(f"{type(error).__name__}: {error}")
            return Failed(f"the mail server cannot be reached, or went away: {said}")

    def close(self) -> None:
        """Says goodbye to the mail server."""
        if self._transport is not None:
            self._transport.close()

    def _refused(self, parts: Parts, reader: Reader, refused: NotTaken) -> Outcome:
        if refused.address:
            with parts.pool.connection() as connection:
                undeliverable.note(connection, reader.email, str(refused))
            structlog.get_logger(__name__).warning("an address takes no mail", recipient=reader.id)
        return Failed(str(refused), permanent=refused.permanent)


def _too_late(delivery: Delivery, reader: Reader) -> bool:
    """Is it no news any more? Where mail could not go out for months, it would all come in one heap.

    Not what the law requires, what goes to a council, which has no inbox, or what somebody has sent once more.
    """
    wanted = delivery.required or reader.council is not None or delivery.tried_before > 0
    return not wanted and delivery.at < datetime.now(UTC) - EXPIRES
