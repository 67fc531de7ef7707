"""How does a mail leave? To a mail server that says it has it, or as a file in a folder: for a demonstration."""

from __future__ import annotations

import os
import re
import smtplib
import socket
import ssl
import tempfile
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import parseaddr
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from service.messaging.mail.in_time import Clock, InTime
from service.settings import Settings, SettingsError

__all__ = [
    "Folder",
    "NotTaken",
    "Smtp",
    "Transport",
    "host_of",
    "make",
    "of_the_address",
    "outbox",
    "without_addresses",
]

TIMEOUT = 20.0
"""Seconds to wait for each answer of the mail server."""
IN_ALL = 90.0
"""Seconds that a mail may take from the first word to the last answer, however many steps that is.

Well within the lease of a delivery: who has it longer may find that another sends it too.
"""
READY, FORWARDED, GO_ON, CLOSING = 250, 251, 354, 421
PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}

ADDRESS = re.compile(r"<?[^\s<>@,;:\"]+@[^\s<>@,;:\"]+>?")
UNKNOWN = re.compile(
    r"unknown|no such|not exist|no mailbox|not found|unavailable|disabled|invalid", re.IGNORECASE
)
NOT_OURS = re.compile(r"spam|block|policy|reputation|blacklist|relay|sender|temporar", re.IGNORECASE)
STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")


class NotTaken(Exception):
    """The mail server did not take it. `permanent`: and never will; `address`: because of the address it is for."""

    def __init__(self, said: str, *, permanent: bool = False, address: bool = False) -> None:
        super().__init__(said)
        self.permanent = permanent
        self.address = address


class Transport(Protocol):
    """A way out. One object a thread."""

    def send(self, message: EmailMessage, to: str, id: str) -> str:
        """Sends a mail to this address; what the other side said. `id` is that of the delivery.

        Raises NotTaken, and OSError when the other side can't be reached or goes away.
        """
        ...

    def close(self) -> None:
        """Gives back what it keeps open."""
        ...


def make(settings: Settings) -> Transport | None:
    """The way out that is set, or None when there is none. Raises SettingsError for an address that is none."""
    if settings.smtp_url:
        return Smtp(settings)
    if settings.mail_folder:
        return Folder(Path(settings.mail_folder))
    return None


def outbox(settings: Settings) -> Path | None:
    """The folder whose mails anybody may read: that of a demonstration, from which none goes out."""
    shown = settings.demo and settings.mail_folder and not settings.smtp_url
    return Path(settings.mail_folder) if shown else None


def host_of(settings: Settings) -> str:
    """By which name we are known: the host of the public address."""
    return urlsplit(settings.public_url).hostname or "localhost"


class _Plain(InTime, smtplib.SMTP):
    pass


class _Tls(InTime, smtplib.SMTP_SSL):
    pass


class Smtp:
    """A mail server. The connection stays open between two mails, and is made anew when it died.

    `smtp://host:port` is plain, `smtp+starttls://user:password@host` asks for TLS first and sends nothing without,
    `smtps://` is TLS from the beginning. A name and a password in an address are percent-encoded. Each answer may take
    `timeout` seconds, and a mail `in_all`.
    """

    def __init__(self, settings: Settings, *, timeout: float = TIMEOUT, in_all: float = IN_ALL) -> None:
        self._in_all = in_all
        self._clock = Clock(timeout)
        self._scheme, self._host, self._port, self._user, self._password = _read(settings.smtp_url)
        self._sender = parseaddr(settings.mail_from)[1]
        host = host_of(settings)
        # An address that is no name stands between brackets when we say who we are.
        self._name = (
            f"[{host}]" if re.fullmatch(r"[\d.]+", host) else f"[IPv6:{host}]" if ":" in host else host
        )
        self._open: smtplib.SMTP | None = None

    def send(self, message: EmailMessage, to: str, id: str) -> str:
        """Sends a mail; what the server said when it took it."""
        self._clock.begin(self._in_all)
        server = self._server()
        try:
            return self._send(server, message, to, id)
        except NotTaken:
            self._begin_again(server)
            raise
        except smtplib.SMTPResponseException as error:
            self._leave()
            raise NotTaken(_answer(error.smtp_code, error.smtp_error)) from error
        except BaseException:
            # Whatever state it is in: the next mail gets a connection of its own.
            self._leave()
            raise

    def close(self) -> None:
        """Says goodbye, if there is somebody to say it to."""
        self._clock.begin(self._clock.step)
        self._leave()

    def _leave(self) -> None:
        """Says goodbye, within the time that there is left."""
        server, self._open = self._open, None
        if server is not None:
            with suppress(smtplib.SMTPException, OSError):
                server.quit()
            server.close()

    def _send(self, server: smtplib.SMTP, message: EmailMessage, to: str, id: str) -> str:
        sender, beyond_ascii = self._sender, not (self._sender + to).isascii()
        options = []
        if beyond_ascii:
            if not server.has_extn("smtputf8"):
                raise NotTaken("the mail server takes no such letters in an address", permanent=True)
            options += ["SMTPUTF8", "BODY=8BITMIME"]
        if server.has_extn("dsn"):
            # So that a bounce names the delivery, whatever else it leaves out.
            options += ["RET=HDRS", f"ENVID={id}"]
        content = message.as_bytes(policy=(SMTPUTF8 if beyond_ascii else SMTP))
        code, said = server.mail(sender, options)
        if code != READY:
            # What is wrong with the sender is wrong with our settings: that can be mended while the mail waits.
            raise _refused(server, code, said, permanent=False)
        code, said = server.rcpt(to)
        if code not in (READY, FORWARDED):
            permanent = 500 <= code < 600
            address = permanent and of_the_address(_text(said))
            raise _refused(server, code, said, permanent=permanent, address=address)
        try:
            code, said = server.data(content)
        except smtplib.SMTPDataError as error:
            code, said = error.smtp_code, error.smtp_error if isinstance(error.smtp_error, bytes) else b""
        if code != READY:
            raise _refused(server, code, said, permanent=500 <= code < 600)
        return _answer(code, said)

    def _server(self) -> smtplib.SMTP:
        """A connection that answers: the one that is open, or a new one."""
        if self._open is not None:
            try:
                if self._open.noop()[0] == READY:
                    return self._open
            except (smtplib.SMTPException, OSError):
                pass
            self._leave()
        try:
            self._open = self._connected()
        except smtplib.SMTPResponseException as error:
            raise NotTaken(_answer(error.smtp_code, error.smtp_error)) from error
        except smtplib.SMTPNotSupportedError as error:
            raise NotTaken(str(error)) from error
        return self._open

    def _connected(self) -> smtplib.SMTP:
        context = ssl.create_default_context() if self._scheme != "smtp" else None
        server: smtplib.SMTP
        if self._scheme == "smtps":
            server = _Tls(self._clock, self._host, self._port, local_hostname=self._name, context=context)
        else:
            server = _Plain(self._clock, self._host, self._port, local_hostname=self._name)
        try:
            if server.sock is not None:
                server.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            server.ehlo_or_helo_if_needed()
            if self._scheme == "smtp+starttls":
                server.starttls(context=context)
                server.ehlo_or_helo_if_needed()
            if self._user:
                server.login(self._user, self._password)
        except BaseException:
            server.close()
            raise
        return server

    def _begin_again(self, server: smtplib.SMTP) -> None:
        """After a refusal the connection can be used for the next mail, unless the server closes it."""
        try:
            if server.sock is not None and server.rset()[0] == READY:
                return
        except (smtplib.SMTPException, OSError):
            pass
        self._leave()


class Folder:
    """Mails as files, `<id of the delivery>.eml`: a file is there whole, or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, message: EmailMessage, to: str, id: str) -> str:
        """Writes a mail; who sends it again writes the same file again."""
        # Names, addresses and words are in it: for nobody else on this machine.
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=self._folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(message.as_bytes(policy=(SMTP if to.isascii() else SMTPUTF8)))
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self._folder / f"{id}.eml")
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return "in the folder"

    def close(self) -> None:
        """There is nothing to give back."""


def of_the_address(said: str) -> bool:
    """Is it the address that is refused for good, by these words of a mail server, and not this mail or this hour?

    Their code tells (RFC 3463): 5.1 is about the address (.7 and .8 about that of the sender), 5.2.1 a mailbox that is
    closed, 5.4.4 a host that is not there; without one, what most servers say then. A full mailbox, or a server that
    takes us for a sender of spam, says nothing about the address: it is mailed again the next time.
    """
    found = STATUS.search(said)
    if found is None or found.groups() == ("5", "0", "0"):
        return UNKNOWN.search(said) is not None and NOT_OURS.search(said) is None
    kind, subject, detail = found.groups()
    if kind != "5":
        return False
    return (subject == "1" and detail not in ("7", "8")) or (subject, detail) in (("2", "1"), ("4", "4"))


def without_addresses(said: str) -> str:
    """The same words without the addresses in them: these belong in the vault, not in the ledger."""
    return " ".join(ADDRESS.sub("…", said).split())


def _read(url: str) -> tuple[str, str, int, str, str]:
    """Scheme, host, port, name and password of the address of a mail server."""
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS[parts.scheme]
        if not parts.hostname:
            raise ValueError("no host")
    except (ValueError, KeyError) as error:
        raise SettingsError(
            "SMTP_URL is no address of a mail server. Give smtp://, smtp+starttls:// or smtps:// with a host, for "
            "example smtp+starttls://user:password@mail.example.org:587"
        ) from error
    return parts.scheme, parts.hostname, port, unquote(parts.username or ""), unquote(parts.password or "")


def _refused(
    server: smtplib.SMTP, code: int, said: bytes, *, permanent: bool, address: bool = False
) -> NotTaken:
    if code == CLOSING:
        server.close()
    return NotTaken(_answer(code, said), permanent=permanent, address=address)


def _answer(code: int, said: bytes | str) -> str:
    """What the server said, for the ledger."""
    return without_addresses(f"{code} {_text(said)}")


def _text(said: bytes | str) -> str:
    return said if isinstance(said, str) else said.decode("utf-8", "replace")
