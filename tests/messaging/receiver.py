"""A real receiver of webhooks: an HTTP server that keeps what came in, and answers as its path says."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Came:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """What came in so far, in order; `statuses` are answered one after the other, then 200."""

    address: str = ""
    came: list[Came] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    over: threading.Event = field(default_factory=threading.Event)

    def ids(self) -> list[str]:
        """The webhook-ids that came in."""
        return [each.headers["webhook-id"] for each in self.came]


@contextmanager
def receiving(context: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> Iterator[Receiver]:
    """A receiver on an address of its own, over TLS when a context is given.

    `/` answers 200 or what `statuses` says; `/never` says nothing, `/trickle` a letter now and then, `/slow-body` 200
    and then a letter now and then, `/huge` 200 and a gigabyte, `/nonsense` something that is no HTTP.
    """
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.came.append(Came(self.path, headers, body))
            self.close_connection = True
            with suppress(OSError):
                odd = getattr(self, self.path.strip("/").replace("-", "_"), None)
                if odd is not None:
                    odd()
                else:
                    self._answer(receiver.statuses.pop(0) if receiver.statuses else 200)

        def _answer(self, status: int, length: int = 2) -> None:
            self.send_response(status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            if length == 2:
                self.wfile.write(b"ok")

        def never(self) -> None:
            receiver.over.wait(30)

        def trickle(self) -> None:
            for letter in "HTTP/1.1 200 OK\r\nX-Slow: " + "x" * 1_000:
                self.wfile.write(letter.encode())
                if receiver.over.wait(0.05):
                    return

        def slow_body(self) -> None:
            self._answer(200, 10**9)
            while not receiver.over.wait(0.05):
                self.wfile.write(b"x")

        def huge(self) -> None:
            self._answer(200, 10**9)
            for _ in range(1_000):
                self.wfile.write(b"x" * 10**6)

        def nonsense(self) -> None:
            self.wfile.write(b"GO AWAY\r\n\r\n")

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A certificate that is not trusted, or a reader that has had enough, is what a test is about."""

    server = Server((host, 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    receiver.address = f"http{'s' if context else ''}://{host}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.over.set()
        server.shutdown()
        server.server_close()
        thread.join(10)
