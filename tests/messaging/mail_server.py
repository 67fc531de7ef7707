"""A real mail server for the tests: it takes mail, and refuses, or goes away, as a test says."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.policy import default
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from tests.ports import free_port

DIES = "dies"
"""In place of an answer: the connection is cut without a word."""


@dataclass
class MailServer:
    """What it got, and how it answers. Answers hold until changed; `once` are given first, one each."""

    sender: str = "250 OK"
    recipient: str = "250 OK"
    data: str = "250 2.0.0 OK: queued as 1"
    once: dict[str, list[str]] = field(default_factory=dict)
    taken: list[bytes] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    said: list[list[str]] = field(default_factory=list)
    """What was said of bounces after the sender's address, of each mail."""
    sessions: set[Any] = field(default_factory=set)
    """The other end of each connection."""
    dying_after: bool = False
    """Does it take a mail and then die before it says so?"""
    url: str = ""

    @property
    def got(self) -> list[EmailMessage]:
        """The mails that were taken, in order; read now and not when they came, so that it takes many a second."""
        found = [message_from_bytes(each, policy=default) for each in self.taken]
        assert all(isinstance(each, EmailMessage) for each in found)
        return cast(list[EmailMessage], found)

    def ids(self) -> list[str]:
        """The Message-ID of each mail that was taken, in order."""
        parser = BytesHeaderParser(policy=default)
        return [str(parser.parsebytes(each)["Message-ID"]) for each in self.taken]

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.sessions.add(session.peer)
        session.host_name = hostname
        return [*responses[:-1], "250-DSN", responses[-1]]

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self._answer(server, "sender")
        if answer.startswith("250"):
            envelope.mail_from = address
        return answer

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self._answer(server, "recipient")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        answer = self._answer(server, "data")
        if answer.startswith("250") or self.dying_after:
            assert isinstance(envelope.content, bytes)
            self.taken.append(envelope.content)
            self.recipients += envelope.rcpt_tos
        if self.dying_after:
            self._die(server)
        return answer

    def _answer(self, server: SMTP, step: str) -> str:
        first = self.once.get(step)
        answer = str(first.pop(0) if first else getattr(self, step))
        if answer == DIES:
            self._die(server)
            return "421 gone"
        return answer

    def _die(self, server: SMTP) -> None:
        assert server.transport is not None
        server.transport.abort()


class _Controller(Controller):
    def factory(self) -> SMTP:
        return _Server(self.handler, **self.SMTP_kwargs)


class _Server(SMTP):
    # DSN (RFC 3461) is no part of the library: what a client says of it is put aside.
    async def smtp_MAIL(self, arg: str | None) -> None:
        words = (arg or "").split()
        kept = [word for word in words if not word.upper().startswith(("RET=", "ENVID="))]
        self.event_handler.said.append([word for word in words if word not in kept])
        await super().smtp_MAIL(" ".join(kept))


@contextmanager
def mail_server(
    *,
    port: int = 0,
    tls: ssl.SSLContext | None = None,
    starttls: ssl.SSLContext | None = None,
    login: tuple[str, str] | None = None,
) -> Iterator[MailServer]:
    """A mail server on 127.0.0.1; `tls` from the beginning or `starttls`; `login` is asked for when given."""
    server = MailServer()

    def authenticate(*given: Any) -> AuthResult:
        name_and_password = given[-1]
        success = login is not None and (
            name_and_password.login.decode(), name_and_password.password.decode()
        ) == login  # fmt: skip
        return AuthResult(success=success, handled=False)

    options: dict[str, Any] = {}
    if login is not None:
        options = {"authenticator": authenticate, "auth_required": True, "auth_require_tls": True}
    controller = _Controller(
        server,
        hostname="127.0.0.1",
        port=port or free_port(),
        ssl_context=tls,
        tls_context=starttls,
        require_starttls=starttls is not None,
        ready_timeout=60,
        **options,
    )
    controller.start()
    try:
        assert controller.server is not None
        port = controller.server.sockets[0].getsockname()[1]
        scheme = "smtps" if tls else "smtp+starttls" if starttls else "smtp"
        name = f"{login[0]}:{login[1]}@" if login else ""
        server.url = f"{scheme}://{name}127.0.0.1:{port}"
        yield server
    finally:
        controller.stop()
