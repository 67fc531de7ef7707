"""How long may a mail server take? A while for each answer, and a while for all of it: slow at each step adds up.

A socket's own limit is for one wait. A server that sends a byte now and then, or has many addresses that don't answer,
is never later than that, and never done.
"""

from __future__ import annotations

import socket
import time
from typing import Any

__all__ = ["Clock", "InTime"]


class Clock:
    """Seconds that are left. `step`: at most for one answer."""

    def __init__(self, step: float) -> None:
        self.step = step
        self._ends = 0.0

    def begin(self, seconds: float) -> None:
        """From now on there is so much time."""
        self._ends = time.monotonic() + seconds

    def left(self) -> float:
        """How long to wait now. Raises TimeoutError when there is no time left."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("the mail server took too long")
        return min(left, self.step)


class InTime:
    """What makes a connection of smtplib keep to a clock: stands before its class among the bases."""

    # Of smtplib; its methods are found there by their order among the bases.
    sock: Any
    file: Any

    def __init__(self, clock: Clock, *given: Any, **named: Any) -> None:
        # The first thing that it does is to connect.
        self._clock = clock
        super().__init__(*given, **named)

    def _get_socket(self, host: str, port: int, timeout: float) -> Any:
        """A connection to one of the addresses of the host: each gets a while, all of them no more than there is."""
        failed: OSError | None = None
        for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            left = self._clock.left()
            try:
                return super()._get_socket(address[0], port, left)  # type: ignore[misc]
            except OSError as error:
                failed = error
        raise failed or OSError(f"{host} has no address")

    def send(self, said: Any) -> None:
        """Says something."""
        if self.sock:
            self.sock.settimeout(self._clock.left())
        super().send(said)  # type: ignore[misc]

    def getreply(self) -> Any:
        """The next answer."""
        if self.file is None:
            self.file = _Lines(self.sock, self._clock)
        return super().getreply()  # type: ignore[misc]


class _Lines:
    """What the other side says, a line at a time, of which each part comes in time."""

    def __init__(self, sock: Any, clock: Clock) -> None:
        self._sock, self._clock = sock, clock
        self._read = sock.makefile("rb")

    def readline(self, most: int) -> bytes:
        """The next line, or as much of it; what there is when the other side is gone."""
        line = b""
        while len(line) < most and not line.endswith(b"\n"):
            self._sock.settimeout(self._clock.left())
            # One wait at most: what came is looked at before more is waited for.
            there = self._read.peek(1)
            if not there:
                break
            end = there.find(b"\n") + 1 or len(there)
            line += self._read.read(min(end, most - len(line)))
        return line

    def close(self) -> None:
        self._read.close()
