"""What does a request have at hand? The running parts of this process, and who calls."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from flask import current_app, g, request

from service.api.headers import bearer
from service.api.limits import Bucket
from service.api.problems import Problem
from service.eventstore import Once
from service.identity.callers import Callers
from service.identity.oidc.clients import Clients
from service.identity.people import Person
from service.identity.permissions import READING
from service.identity.scope import Scope, scope_of
from service.settings import Settings
from service.wiring import Parts

__all__ = ["NOBODY", "Call", "Running", "caller", "refuse_too_many", "running"]


NOBODY = Person("", "", "", frozenset(), frozenset(), None)
"""Who calls what is open to all, without signing in."""

SIGN_INS = 2
"""Passwords a process verifies at once: each takes 19 MiB and some 20 ms of a processor that others need too."""


class Running:
    """The parts of one process, built when first asked for: after the fork, which connections would not survive."""

    def __init__(self, settings: Settings, build: Callable[[Settings], Parts]) -> None:
        self.settings = settings
        self.elsewhere = Clients(settings)
        self.verifying = threading.BoundedSemaphore(SIGN_INS)
        self.writes = Bucket(settings.writes_per_minute)
        self._build = build
        self._lock = threading.Lock()
        self._parts: Parts | None = None
        self._callers: Callers | None = None

    @property
    def parts(self) -> Parts:
        """The running parts."""
        if self._parts is None:
            with self._lock:
                if self._parts is None:
                    self._parts = self._build(self.settings)
        return self._parts

    @property
    def callers(self) -> Callers:
        """Who the tokens belong to."""
        if self._callers is None:
            self._callers = Callers(self.parts.pool.connection)
        return self._callers

    def close(self) -> None:
        """Gives back what the parts hold; safe to call twice."""
        with self._lock:
            parts, self._parts, self._callers = self._parts, None, None
        if parts is not None:
            parts.close()


@dataclass(frozen=True, slots=True)
class Call:
    """A request by somebody who signed in, beside what its body or query says."""

    parts: Parts
    person: Person
    once: Once | None = None
    if_match: int | None = None

    @property
    def scope(self) -> Scope:
        """What exists for who calls."""
        return scope_of(self.person, self.parts.calendar().today)


def running() -> Running:
    """The parts of the application that answers this request."""
    found: Running = current_app.extensions["besluitspoor"]
    return found


def refuse_too_many(person: Person) -> None:
    """Raises a 429 problem when this person has changed too much within a minute."""
    seconds = running().writes.wait(person.id)
    if seconds:
        raise Problem(429, "too-many-writes", headers={"Retry-After": str(max(1, round(seconds + 0.5)))})


def caller() -> Person:
    """Who signed in. Raises a 401 problem for nobody, which says how to; a 403 where a token is for reading only."""
    token = bearer()
    if token is None:
        raise Problem(401, "signed-out", headers={"WWW-Authenticate": 'Bearer realm="besluitspoor"'})
    person = running().callers.who(token)
    if person is None:
        challenge = 'Bearer realm="besluitspoor", error="invalid_token"'
        raise Problem(401, "token-invalid", headers={"WWW-Authenticate": challenge})
    g.person = person
    _within_token(person)
    return person


def _within_token(person: Person) -> None:
    """One for reading changes nothing at all; which acts a token is for, is asked with the right to do them."""
    limit = person.limited_to
    if limit is None:
        return
    if request.method not in ("GET", "HEAD") and limit <= READING:
        raise Problem(403, "token-reads-only")
