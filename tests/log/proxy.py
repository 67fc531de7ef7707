"""A network between the service and its database that can lose an answer."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from service.settings import Settings


@dataclass
class Proxy:
    """Passes on what both sides say. `lose(words)` cuts the next connection on which the service says these words,
    as soon as the database has answered: what it did is done, and nobody was told."""

    host: str
    port: int
    listener: socket.socket
    losing: bytes = b""
    lost: int = 0
    sockets: list[socket.socket] = field(default_factory=list)

    def lose(self, words: bytes) -> None:
        """The answer to the next request with these words will not arrive."""
        self.losing = words

    def serve(self) -> None:
        """Accepts until the listener is closed."""
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                database = self._connect()
                self.sockets += [client, database]
                waiting = threading.Event()
                for source, target, is_client in ((client, database, True), (database, client, False)):
                    threading.Thread(
                        target=self._pass_on, args=(source, target, is_client, waiting), daemon=True
                    ).start()

    def _connect(self) -> socket.socket:
        if not self.host.startswith("/"):
            return socket.create_connection((self.host, self.port))
        database = socket.socket(socket.AF_UNIX)
        database.connect(f"{self.host}/.s.PGSQL.{self.port}")
        return database

    def _pass_on(
        self, source: socket.socket, target: socket.socket, is_client: bool, answer_is_lost: threading.Event
    ) -> None:
        with contextlib.suppress(OSError):
            while said := source.recv(65536):
                if is_client and self.losing and self.losing in said:
                    self.losing = b""
                    answer_is_lost.set()
                elif not is_client and answer_is_lost.is_set():
                    self.lost += 1
                    break
                target.sendall(said)
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxied(settings: Settings) -> Iterator[tuple[Proxy, Settings]]:
    """A proxy before the database of these settings, and the settings that go by it."""
    parts = conninfo_to_dict(settings.database_url)
    listener = socket.create_server(("127.0.0.1", 0))
    proxy = Proxy(str(parts["host"]), int(str(parts.get("port") or 5432)), listener)
    thread = threading.Thread(target=proxy.serve, daemon=True)
    thread.start()
    through = make_conninfo(
        settings.database_url,
        host="127.0.0.1",
        port=listener.getsockname()[1],
        sslmode="disable",
        gssencmode="disable",
    )
    try:
        yield proxy, replace(settings, database_url=through)
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for each in proxy.sockets:
            each.close()
        thread.join(5)
