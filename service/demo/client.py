"""How does the demo speak with the service? As any program does: HTTP, a token a person, a key for every act."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

__all__ = ["Answer", "Api", "Unanswered"]

PREFIX = "/api/v1"
PATIENCE_SECONDS = 30.0
ATTEMPTS = 6
PAUSE_SECONDS = 0.25
TRY_AGAIN = frozenset({500, 502, 503, 504})
"""Answers that may be others in a moment. A repeated act carries its key, so it never counts twice."""


class Unanswered(Exception):
    """The service gave no usable answer, time after time; the message says what it gave instead."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; the names of the headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def ok(self) -> bool:
        """Was it done?"""
        return self.status < 300

    @property
    def detail(self) -> str:
        """Why it was refused: the status and the sentences of the problem."""
        problem = self.body if isinstance(self.body, dict) else {}
        said = [problem.get("detail") or problem.get("title") or ""]
        said += [f"{error.get('pointer', '')}: {error.get('detail')}" for error in problem.get("errors", ())]
        return f"{self.status} {' '.join(said)}".strip()


class Api:
    """The API at one address, for people who share a password. Keeps one connection open; not for several threads."""

    def __init__(self, base_url: str, password: str, attempts: int = ATTEMPTS) -> None:
        address = urlsplit(base_url)
        kind = HTTPSConnection if address.scheme == "https" else HTTPConnection
        self._connection = kind(address.hostname or "", address.port, timeout=PATIENCE_SECONDS)
        self._path = address.path.rstrip("/") + PREFIX
        self._password = password
        self._attempts = attempts
        self._tokens: dict[str, str] = {}

    def post(self, who: str, path: str, body: Mapping[str, Any], key: str) -> Answer:
        """Do an act as this person of the demo; again with the same key, it answers what it did."""
        return self._ask("POST", path, body, {**self._signed_in(who), "Idempotency-Key": key})

    def get(self, who: str, path: str) -> Answer:
        """Read as this person of the demo."""
        return self._ask("GET", path, None, self._signed_in(who))

    def close(self) -> None:
        """Hangs up."""
        self._connection.close()

    def _signed_in(self, who: str) -> dict[str, str]:
        if who not in self._tokens:
            email = f"{who}@example.org"
            answer = self._ask("POST", "/tokens", {"email": email, "password": self._password}, {})
            if not answer.ok:
                raise Unanswered(f"{email} can't sign in: {answer.detail}")
            self._tokens[who] = answer.body["token"]
        return {"Authorization": f"Bearer {self._tokens[who]}"}

    def _ask(
        self, method: str, path: str, body: Mapping[str, Any] | None, headers: Mapping[str, str]
    ) -> Answer:
        gone_wrong = ""
        for attempt in range(self._attempts):
            if attempt:
                time.sleep(PAUSE_SECONDS * 2 ** (attempt - 1))
            try:
                answer = self._once(method, path, body, headers)
            except (OSError, HTTPException) as error:
                self._connection.close()  # the next attempt opens it again
                gone_wrong = f"{type(error).__name__} {error}"
                continue
            if answer.status not in TRY_AGAIN:
                return answer
            gone_wrong = answer.detail
        raise Unanswered(f"{method} {path}: {gone_wrong}")

    def _once(
        self, method: str, path: str, body: Mapping[str, Any] | None, headers: Mapping[str, str]
    ) -> Answer:
        sent = None if body is None else json.dumps(body).encode()
        self._connection.request(
            method, self._path + path, sent, {"Content-Type": "application/json", **headers}
        )
        response = self._connection.getresponse()
        content = response.read()
        names = {name.lower(): value for name, value in response.getheaders()}
        is_json = "json" in names.get("content-type", "")
        return Answer(response.status, names, json.loads(content) if content and is_json else None)
