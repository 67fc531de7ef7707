"""The application on a real database, with its views folded beside it, and people to call it as."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from domain.programme import Programme
from service import publishing
from service.api.context import Running
from service.app import create_app
from service.fold import run
from service.identity import parties, people, tokens
from service.identity.people import Person
from service.programmes import bundled, read_bundled
from service.settings import Settings
from tests.conftest import fresh_database

PREFIX = "/api/v1"
ROLES: dict[str, tuple[str, tuple[str, ...]]] = {
    "submitter": ("submitter", ()),
    "neighbour": ("submitter", ()),
    "secretary": ("secretary", ("secretariat",)),
    "taskforce": ("member", ("taskforce",)),
    "adviesgroep": ("member", ("adviesgroep",)),
    "poho": ("member", ("poho",)),
    "db": ("member", ("db",)),
    "treasurer": ("treasurer", ()),
    "auditor": ("auditor", ()),
    "admin": ("admin", ()),
    "integration": ("integration", ()),
}
PASSWORD = "a password for the tests"


@dataclass
class Service:
    """The running service, as tests see it."""

    app: Flask
    settings: Settings
    tokens: Mapping[str, str]
    people: Mapping[str, Person]

    def ask(self, who: str | None, path: str, **options: Any) -> TestResponse:
        """A question, as this person."""
        return self._client().get(PREFIX + path, headers=self._headers(who, options), **options)

    def act(self, who: str | None, path: str, body: Any, **options: Any) -> TestResponse:
        """An act, as this person."""
        headers = self._headers(who, options)
        return self._client().post(PREFIX + path, json=body, headers=headers, **options)

    def done(self, who: str | None, path: str, body: Any, **options: Any) -> dict[str, Any]:
        """An act that succeeds: what it answers."""
        response = self.act(who, path, body, **options)
        assert response.status_code == 201, response.get_data(as_text=True)
        answer: dict[str, Any] = response.json
        return answer

    def told(self, who: str | None, path: str, **options: Any) -> Any:
        """The answer to a question that has seen everything recorded so far."""
        headers = {"Event-Position": str(self.head()), **options.pop("headers", {})}
        response = self.ask(who, path, headers=headers, **options)
        assert response.status_code == 200, response.get_data(as_text=True)
        return response.json

    def head(self) -> int:
        """The last position of the log."""
        running: Running = self.app.extensions["besluitspoor"]
        return running.parts.log.head()

    def client(self) -> FlaskClient:
        """A plain client, for what is not a question or an act."""
        return self._client()

    def _client(self) -> FlaskClient:
        return self.app.test_client()

    def _headers(self, who: str | None, options: dict[str, Any]) -> dict[str, str]:
        signed_in = {"Authorization": f"Bearer {self.tokens[who]}"} if who else {}
        return {**signed_in, **options.pop("headers", {})}


@pytest.fixture(scope="session")
def programmes() -> list[Programme]:
    """The programmes that come with the service."""
    return [read_bundled(name) for name in bundled()]


@pytest.fixture
def alone(settings: Settings) -> Iterator[Service]:
    """The service with everybody in it, both programmes published and the views kept up to date."""
    with running_service(settings) as made:
        yield made


@pytest.fixture
def service(alone: Service) -> Service:
    """The same; a module whose tests do not mind what the others did makes it `lasting`."""
    return alone


@pytest.fixture(scope="module")
def lasting(admin_url: str, template: Settings) -> Iterator[Service]:
    """The same, for all tests of a module."""
    with fresh_database(admin_url, template) as settings, running_service(settings) as made:
        yield made


@contextmanager
def running_service(settings: Settings) -> Iterator[Service]:
    """The same for a database of one's own."""
    publishing.publish_bundled(settings)
    made, signed_in = _people(settings)
    app = create_app(settings)
    stop = threading.Event()
    folding = threading.Thread(target=run, args=(settings, stop), daemon=True)
    folding.start()
    try:
        yield Service(app, settings, signed_in, made)
    finally:
        stop.set()
        with suppress(psycopg.Error), psycopg.connect(settings.database_url, autocommit=True) as connection:
            connection.execute("NOTIFY log")  # it looks at once whether to stop
        folding.join(10)
        app.extensions["besluitspoor"].close()


def _people(settings: Settings) -> tuple[dict[str, Person], dict[str, str]]:
    made: dict[str, Person] = {}
    signed_in: dict[str, str] = {}
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        for who, (role, bodies) in ROLES.items():
            organisation = None
            if role == "submitter":
                organisation = parties.new("foundation", f"Stichting {who}")
                parties.add(connection, organisation)
            made[who] = people.add(
                connection,
                email=f"{who}@example.org",
                name=who.capitalize(),
                roles=[role],
                bodies=bodies,
                organisation=organisation.id if organisation else None,
                password=PASSWORD if who == "submitter" else None,
            )
            signed_in[who], _ = tokens.create(connection, made[who].id, timedelta(hours=1))
    return made, signed_in


def a_proposal(**changes: Any) -> dict[str, Any]:
    """A proposal that meets everything the recovery programme asks."""
    return {
        "programme": "regionale-herstelaanpak",
        "title": "Digitale werkplaats",
        "summary": "Bedrijven leren digitaal werken.",
        "themes": ["digitaliseren-mkb"],
        "applicant": {"name": "Stichting Werkplaats", "kind": "foundation"},
        "partners": ["Fontys", {"name": "TU/e", "kind": "knowledge-institute"}],
        "municipalities": ["Eindhoven"],
        "requested": "200000.00",
        "cofinancing": [{"source": "Brainport Development", "amount": "250000.00", "status": "granted"}],
        "period": {"start": "2020-10-01", "end": "2022-10-01"},
        "effect": "Honderd bedrijven werken anders.",
        "structuralEffect": "De werkplaats gaat door.",
        "subregionSupport": [{"subregion": "Stedelijk Gebied", "evidence": "Een brief"}],
        "goals": ["Honderd bedrijven"],
        "effectiveOn": "2020-09-01",
        **changes,
    }
