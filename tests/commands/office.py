"""Everybody who acts, and proposals brought to where a test needs them, by the commands on a real database."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg

from domain.award import Award
from domain.envelope import OpenEnvelope
from domain.events import Phase, Source
from domain.proposal import CheckCompleteness, Decide, Review
from service import commands
from service.commands import CaseCommand, Done
from service.eventstore import Once
from service.identity.people import Person
from service.programmes import bundled, read_bundled
from service.proposal_input import CofinancingInput, PartyInput, ProposalInput, SupportInput
from service.publishing import publish
from service.settings import Settings
from service.wiring import Parts, build

DAY = date(2021, 5, 3)
"""A day on which no tender of the stimulus fund was open."""


def person(role: str, *bodies: str, organisation: str | None = None) -> Person:
    """Somebody with this role."""
    name = "-".join((role, *bodies))
    return Person(
        f"person-{name}", f"{name}@example.org", name, frozenset({role}), frozenset(bodies), organisation
    )


SECRETARY = person("secretary")
TASKFORCE, POHO, DB = (person("member", body) for body in ("taskforce", "poho", "db"))
TREASURER, AUDITOR, ADMIN = person("treasurer"), person("auditor"), person("admin")


def proposal_input(requested: int = 100_000, name: str = "Ergon", **changes: Any) -> ProposalInput:
    """A proposal that meets the requirements of the recovery approach, as filled in."""
    whole: dict[str, Any] = {
        "title": "Digitaal Fit",
        "summary": "Winkeliers leren verkopen op het web.",
        "themes": ("opleiden",),
        "applicant": PartyInput(name, "company"),
        "partners": (),
        "municipalities": ("Helmond",),
        "requested": Decimal(requested),
        "cofinancing": (CofinancingInput("Rabobank", Decimal(requested), "promised"),),
        "period_start": date(2026, 1, 1),
        "period_end": date(2026, 12, 31),
        "effect": "Tweehonderd winkels verkopen op het web.",
        "structural_effect": "Het blijft bij de ondernemersvereniging.",
        "subregion_support": (SupportInput("De Peel", "Brief van het Peelberaad."),),
        "goals": ("200 winkels",),
    }
    return ProposalInput(**(whole | changes))


@dataclass
class Office:
    """The parts of one process, and who does what with them."""

    parts: Parts

    def submit(self, requested: int = 100_000, **how: Any) -> str:
        """A proposal comes in by the secretariat."""
        given = proposal_input(requested)
        done = commands.submit(self.parts, SECRETARY, "regionale-herstelaanpak", given, DAY, **how)
        return done.stream

    def act(self, who: Person, proposal: str, command: CaseCommand, **how: Any) -> Done:
        """An act on a case."""
        return commands.act(self.parts, who, proposal, command, **how)

    def to_review(self, requested: int = 100_000) -> str:
        """A proposal that waits for its advice."""
        proposal = self.submit(requested)
        self.act(SECRETARY, proposal, CheckCompleteness("complete", "", None, DAY))
        return proposal

    def to_award(self, requested: int = 100_000) -> str:
        """A proposal that waits for its award."""
        proposal = self.to_review(requested)
        self.act(TASKFORCE, proposal, Review("taskforce", "positive", "Goed.", (), DAY))
        self.act(POHO, proposal, Decide("poho", "approved", "Goed.", (), DAY))
        return proposal

    def open_envelope(self, code: str = "herstelaanpak", amounts: Sequence[int] = (2_000_000,)) -> Done:
        """Money is made available."""
        sources = tuple(Source("Reserve", Decimal(amount)) for amount in amounts)
        command = OpenEnvelope(code, "Herstelaanpak", "ab", None, sources, DAY)
        return commands.open_envelope(self.parts, TREASURER, command)

    def award(self, proposal: str, amount: int = 100_000, **how: Any) -> Done:
        """All of it free at once."""
        return self.act(DB, proposal, award_of(amount), **how)

    def left(self, code: str = "herstelaanpak") -> Decimal:
        """What an envelope has left."""
        envelope = commands.load_envelope(self.parts, code)
        assert envelope is not None
        return envelope.left

    def rows(self) -> dict[str, int]:
        """How many rows every table of the log and the vault has."""
        tables = ("log.events", "log.words", "log.idempotency", "vault.parties", "vault.people")
        with psycopg.connect(self.parts.settings.database_url) as connection:
            return {
                table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # type: ignore[call-overload, index]
                for table in tables
            }


def award_of(amount: int, phases: tuple[Phase, ...] = (), envelope: str = "herstelaanpak") -> Award:
    """An award from an envelope."""
    return Award(envelope, Decimal(amount), True, phases, DAY)


def once(key: str, request: bytes = b"what was asked") -> Once:
    """An Idempotency-Key with what it was used for."""
    return Once(key, request)


def at_once(number: int, act: Callable[[int], object]) -> list[object]:
    """What each of so many threads got out of an act, all at the same moment; an error counts as an answer."""
    start = threading.Barrier(number)
    answers: list[object] = []

    def one(index: int) -> None:
        start.wait(30)
        try:
            answers.append(act(index))
        except Exception as error:
            answers.append(error)

    threads = [threading.Thread(target=one, args=(index,)) for index in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@contextmanager
def office_of(settings: Settings) -> Iterator[Office]:
    """An office of one process, its programmes published."""
    with closing(build(settings)) as parts:
        for name in bundled():
            programme = read_bundled(name)
            if not parts.log.load(f"programme-{programme.code}"):
                publish(parts, ADMIN, programme)
        yield Office(parts)
