"""How does an event reach the webhook of another program? As Standard Webhooks asks: signed, over HTTPS, in time."""

from __future__ import annotations

import base64
import hashlib
import hmac
import queue
import socket
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import structlog
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as TimedOut

from domain.errors import Invalid
from service.messaging import subscriptions
from service.messaging.addresses import RefusedAddress, Target, addresses, target
from service.messaging.channels.channel import Dropped, Failed, Gone, Outcome, Sent
from service.messaging.cloudevent import CONTENT_TYPE
from service.messaging.ledger import Delivery
from service.settings import Settings
from service.wiring import Parts

__all__ = ["Webhook", "signature"]

MINUTE, HOUR = 60.0, 3600.0
DAY = 24 * HOUR
WAITS = (
    5.0, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR,
)  # fmt: skip
"""The schedule of Standard Webhooks: ten tries in 75 hours and a half."""

SECONDS = 20.0
"""For one try as a whole, from asking for the address to the answer."""
CONNECT_SECONDS = 5.0
"""For one of several addresses, so that the next gets its turn."""
BODY_SECONDS = 2.0
LONGEST_BODY = 4_096
LONGEST_REASON = 100


class Unreached(Exception):
    """There is no answer; the message says why, as a code, and for a certificate what is wrong with it.

    `details` are for the operator alone: what a name leads to in our own network, and whether there is such a name,
    is not for who made up the address. So these have one code.
    """

    def __init__(self, code: str, details: str = "") -> None:
        super().__init__(code)
        self.details = details


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said."""

    status: int
    reason: str
    retry_after: str | None = None


class Webhook:
    """Sends events to the URLs of subscriptions. `trusted` says whose certificates are good; else the system does."""

    name = "webhook"
    waits: tuple[float, ...] = WAITS
    at_once = 4

    def __init__(
        self, settings: Settings, trusted: ssl.SSLContext | None = None, seconds: float = SECONDS
    ) -> None:
        self._settings = settings
        self._trusted = trusted or ssl.create_default_context()
        self._seconds = seconds

    def send(self, parts: Parts, delivery: Delivery) -> Outcome:
        """Brings one event there, once, and keeps of its subscription how that went."""
        with parts.pool.connection() as connection:
            subscription = subscriptions.to_send(connection, delivery)
        if isinstance(subscription, str):
            return Dropped(subscription)
        test = delivery.kind == "test"
        body = subscriptions.body(parts, delivery)
        now = datetime.now(UTC)
        headers = signed(delivery.id, now, body, subscriptions.signing(self._settings, subscription, now))
        try:
            answer = self._ask(subscription.url, body, headers)
        except Unreached as unreached:
            outcome: Outcome = Failed(str(unreached), permanent=test)
            structlog.get_logger(__name__).info(
                "a webhook did not answer",
                subscription=subscription.id, delivery=delivery.id, why=str(unreached), details=unreached.details,
            )  # fmt: skip
        else:
            outcome = judged(answer, delivery.tries_since, test)
        with parts.pool.connection() as connection:
            match outcome:
                case Sent():
                    subscriptions.went_well(connection, subscription.id)
                case Gone():
                    subscriptions.gone(connection, subscription.id)
                case Failed():
                    subscriptions.failed(connection, subscription.id)
        return outcome

    def close(self) -> None:
        """Nothing is kept open: who hears little should not hold a connection."""

    def _ask(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        private = self._settings.private_webhooks
        try:
            to = target(url, private=private)
        except Invalid as invalid:
            # Allowed when it was given, and not any more.
            code = "unreachable" if invalid.code == "webhook-url-private" else invalid.code
            raise Unreached(code, invalid.code) from None
        return Request(to, body, headers, self._trusted, private=private).answer(self._seconds)


class Request:
    """One request in a thread of its own, so that all of it can be given up: also looking up a name, and an answer that
    comes in a byte at a time."""

    def __init__(
        self, to: Target, body: bytes, headers: Mapping[str, str], trusted: ssl.SSLContext, *, private: bool
    ) -> None:
        self._to = to
        self._body = body
        self._headers = headers
        self._trusted = trusted
        self._private = private
        self._deadline = 0.0
        self._connection: HTTPConnection | None = None
        self._answered: queue.SimpleQueue[Answer | Exception] = queue.SimpleQueue()

    def answer(self, seconds: float) -> Answer:
        """What the other side said, within so many seconds. Raises Unreached when it said nothing."""
        self._deadline = time.monotonic() + seconds
        threading.Thread(target=self._run, name="webhook", daemon=True).start()
        try:
            answered = self._answered.get(timeout=seconds)
        except queue.Empty:
            self._give_up()
            raise Unreached("no-answer") from None
        if isinstance(answered, Answer):
            return answered
        raise _unreached(answered) from answered

    def _give_up(self) -> None:
        sock = self._connection.sock if self._connection is not None else None
        if sock is not None:
            with suppress(OSError):
                # The plain one: what waits for bytes in the other thread gets the end of them.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def _run(self) -> None:
        try:
            self._answered.put(self._asked())
        except Exception as error:
            self._answered.put(error)

    def _asked(self) -> Answer:
        found = addresses(self._to, private=self._private)
        for address in found:
            try:
                return self._asked_at(address, last=address == found[-1])
            except (NewConnectionError, ConnectTimeoutError):
                if address == found[-1]:
                    raise
        raise Unreached("unreachable", "the name leads nowhere")

    def _asked_at(self, address: str, *, last: bool) -> Answer:
        """Asks the machine at this address, which was checked. The name is not looked up again: it may lie now."""
        left = self._left()
        timeout = left if last else min(left, CONNECT_SECONDS)
        if self._to.secure:
            self._connection = HTTPSConnection(
                address,
                self._to.port,
                timeout=timeout,
                ssl_context=self._trusted,
                server_hostname=self._to.host,
            )
        else:
            self._connection = HTTPConnection(address, self._to.port, timeout=timeout)
        try:
            self._connection.connect()
            assert self._connection.sock is not None
            self._connection.timeout = self._left()
            self._connection.sock.settimeout(self._left())
            self._connection.request(
                "POST",
                self._to.path,
                body=self._body,
                headers={"Host": self._to.name, **self._headers},
                preload_content=False,
                decode_content=False,
            )
            response = self._connection.getresponse()
            answer = Answer(response.status, response.reason or "", response.headers.get("Retry-After"))
            # What else it says is not needed; a little is read so that it need not see its answer cut off.
            with suppress(OSError, HTTPError):
                if self._connection.sock is not None:
                    self._connection.sock.settimeout(min(BODY_SECONDS, self._left()))
                response.read1(LONGEST_BODY)
            return answer
        finally:
            self._connection.close()

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise Unreached("no-answer")
        return left


def signature(secret: str, id: str, timestamp: int, body: bytes) -> str:
    """One signature as Standard Webhooks has it: over id, time and body, with the bytes that the secret stands for."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{id}.{timestamp}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"


def signed(id: str, now: datetime, body: bytes, secrets: Sequence[str]) -> dict[str, str]:
    """The headers of a message, with a signature for each secret."""
    timestamp = int(now.timestamp())
    return {
        "Content-Type": CONTENT_TYPE,
        "User-Agent": "Besluitspoor",
        "webhook-id": id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature(secret, id, timestamp, body) for secret in secrets),
    }


def judged(answer: Answer, tries: int, test: bool) -> Outcome:
    """What an answer means. Nowhere else is looked: a redirect is no delivery. A test is tried once."""
    said = f"{answer.status} {answer.reason}".strip()[:LONGEST_REASON]
    if 200 <= answer.status < 300:
        return Sent(said)
    if answer.status == 410:
        return Gone(said)
    if answer.status in (429, 503) and not test:
        return Failed(said, again_in=_asked_to_wait(answer.retry_after, tries))
    return Failed(said, permanent=test)


def _asked_to_wait(retry_after: str | None, tries: int) -> float | None:
    """How long the other side asks us to wait, in seconds: not shorter than we would, and at most a day."""
    if retry_after is None or not 1 <= tries <= len(WAITS):
        return None
    if retry_after.strip().isdecimal() and len(retry_after) < 20:
        seconds = float(retry_after)
    else:
        try:
            seconds = (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds()
        except (TypeError, ValueError):
            return None
    return min(max(seconds, WAITS[tries - 1]), DAY)


def _unreached(error: Exception) -> Unreached:
    """Why there is no answer."""
    details = _short(error)
    match error:
        case Unreached():
            return error
        case RefusedAddress() | socket.gaierror() | NewConnectionError():
            return Unreached("unreachable", details)
        case ssl.SSLCertVerificationError():
            return Unreached(f"certificate {error.verify_message}", details)
        case SSLError() | ssl.SSLError():
            return Unreached("certificate", details)
        case TimeoutError() | TimedOut():
            return Unreached("no-answer", details)
    return Unreached("no-connection", details)


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".replace("\n", " ")[:300]
