"""A service with the demo in it, and questions to ask it."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from service import demo as demonstration
from service.demo.people import PASSWORD
from service.eventstore import Log
from service.settings import Settings

__all__ = ["PATIENCE", "Served"]

PATIENCE = 20
"""Seconds for one answer at most."""


class Served:
    """A service with the demo in it, and questions to ask it."""

    def __init__(self, settings: Settings, url: str) -> None:
        self.settings = settings
        self.url = url
        self._tokens: dict[str, str] = {}
        self.said: list[str] = []
        self.first = demonstration.Replayed(0)

    def replay(self) -> demonstration.Replayed:
        """Replay the demo, as the command line does."""
        return demonstration.replay(self.settings, self.url, self.said.append)

    def ask(self, path: str, who: str = "auditor") -> Any:
        """What this person of the demo is answered, once everything recorded shows."""
        if who not in self._tokens:
            signed_in = {"email": f"{who}@example.org", "password": PASSWORD}
            self._tokens[who] = self._send("/tokens", {}, json.dumps(signed_in).encode())["token"]
        headers = {"Authorization": f"Bearer {self._tokens[who]}", "Event-Position": str(self.head())}
        return self._send(path, headers, None)

    def head(self) -> int:
        """The last position of the log."""
        with Log.open(self.settings) as log:
            return log.head()

    def all(self, path: str, key: str, who: str = "auditor") -> list[Any]:
        """Every item of a list, page after page."""
        items: list[Any] = []
        mark = "&" if "?" in path else "?"
        following: str | None = f"{path}{mark}limit=100"
        while following:
            items += self.ask(following, who)[key]
            following = self._next
        return items

    def _send(self, path: str, headers: dict[str, str], body: bytes | None) -> Any:
        address = path if path.startswith("/api/") else f"/api/v1{path}"
        asked = urllib.request.Request(
            self.url + address, body, {"Content-Type": "application/json", **headers}
        )
        with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:
            self._next = _next(answer.headers.get("Link", ""))
            return json.load(answer)


def _next(link: str) -> str | None:
    for part in link.split(","):
        address, _, relation = part.partition(";")
        if 'rel="next"' in relation:
            return address.strip().strip("<>")
    return None
