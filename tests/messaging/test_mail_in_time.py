"""A mail server that is slow at every step takes no longer in all than a delivery is one courier's alone."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from email.message import EmailMessage

import pytest

from service.messaging.ledger import LEASE
from service.messaging.mail.transport import IN_ALL, TIMEOUT, Smtp
from service.settings import Settings

Say = Callable[[socket.socket, bytes], None]

STEPS = {b"EHLO": b"250-slow.example.org\r\n250-SIZE\r\n250 DSN\r\n", b"DATA": b"354 go on\r\n"}


@contextmanager
def slow_server(say: Say) -> Iterator[str]:
    """The address of a server that says all it has to say in its own way."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve(peer: socket.socket) -> None:
        with closing(peer), suppress(OSError), peer.makefile("rb") as lines:
            say(peer, b"220 slow.example.org\r\n")
            within = False
            for line in lines:
                if within and line != b".\r\n":
                    continue
                within = line.upper().startswith(b"DATA")
                say(peer, STEPS.get(line[:4].upper(), b"250 OK\r\n"))

    def accept() -> None:
        with suppress(OSError):
            while True:
                peer, _ = listening.accept()
                threading.Thread(target=serve, args=(peer,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"smtp://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        # Who waits in accept is woken by this, not by closing.
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()


def after(seconds: float) -> Say:
    """Each answer comes after so long."""

    def say(peer: socket.socket, answer: bytes) -> None:
        time.sleep(seconds)
        peer.sendall(answer)

    return say


def in_bits(seconds: float) -> Say:
    """Each byte of an answer comes after so long."""

    def say(peer: socket.socket, answer: bytes) -> None:
        for byte in answer:
            time.sleep(seconds)
            peer.sendall(bytes((byte,)))

    return say


def sent(url: str, *, timeout: float, in_all: float) -> str:
    message = EmailMessage()
    message["Subject"] = "Iets"
    message.set_content("Iets.")
    with closing(Smtp(Settings("", "", b"", smtp_url=url), timeout=timeout, in_all=in_all)) as smtp:
        return smtp.send(message, "someone@example.org", "delivery-1")


@pytest.mark.parametrize("say", [after(0.1), in_bits(0.02)], ids=["at every step", "at every byte"])
def test_slow_answers_add_up_to_no_more_than_there_is_in_all(say: Say) -> None:
    with slow_server(say) as url:
        began = time.monotonic()
        with pytest.raises(OSError, match=r"took too long|timed out"):
            sent(url, timeout=0.3, in_all=0.4)
        assert time.monotonic() - began < 4


def test_an_answer_that_does_not_come_is_waited_for_no_longer_than_one_step() -> None:
    with slow_server(after(8)) as url:
        began = time.monotonic()
        with pytest.raises(OSError, match="timed out"):
            sent(url, timeout=0.1, in_all=5)
        assert time.monotonic() - began < 4


def test_a_server_that_is_slow_but_in_time_has_the_mail() -> None:
    with slow_server(after(0.02)) as url:
        assert sent(url, timeout=5, in_all=20) == "250 OK"


def test_all_of_it_ends_well_before_another_may_have_the_delivery() -> None:
    assert TIMEOUT < IN_ALL <= LEASE - 30
