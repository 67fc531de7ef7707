"""A broker that stops and starts, as all see it who reach it through this: a real one, behind a TCP proxy."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit


class Proxy:
    """A TCP proxy that can be cut: everything through it breaks, and nobody gets in any more until it is mended."""

    def __init__(self, host: str, port: int) -> None:
        self.url = ""
        """The address of the broker through it."""
        self._to = (host, port)
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._port = self._listener.getsockname()[1]
        self._serve()

    @property
    def port(self) -> int:
        """Where it listens, or will again."""
        return int(self._port)

    def cut(self) -> None:
        """Ends every connection, and refuses new ones."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join()
        # The port stays ours. Who knocks on one that is bound and does not listen is refused.
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", self._port))
        for end in list(self._open):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._open.clear()

    def mend(self) -> None:
        """Lets everybody in again."""
        self._listener.listen()
        self._serve()

    def close(self) -> None:
        """Ends for good."""
        self.cut()
        self._listener.close()

    def _serve(self) -> None:
        self._accepting = threading.Thread(target=self._accept, args=(self._listener,), daemon=True)
        self._accepting.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except ConnectionError:
                continue  # who knocked has gone again
            except OSError:
                return  # it was cut
            self._open.add(near)
            try:
                far = socket.create_connection(self._to, timeout=10)
            except OSError:
                near.close()  # the broker itself does not answer now: whoever knocks tries again
                continue
            far.settimeout(None)
            self._open.add(far)
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    @staticmethod
    def _carry(one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
            other.shutdown(socket.SHUT_RDWR)


@contextmanager
def before(url: str) -> Iterator[Proxy]:
    """A proxy before the broker with this address."""
    at = urlsplit(url)
    proxy = Proxy(at.hostname or "127.0.0.1", at.port or 5672)
    who, sign, _ = at.netloc.rpartition("@")
    proxy.url = at._replace(netloc=f"{who}{sign}127.0.0.1:{proxy.port}").geturl()
    try:
        yield proxy
    finally:
        proxy.close()
