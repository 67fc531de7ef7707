"""What do the tests of letters run on? An office with cases at every letter, and PDFs read back by another program."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pypdf import PdfReader

from domain.events import Phase
from domain.proposal import CheckCompleteness, Decide, Review
from domain.recorded import Recorded
from service import commands
from service.documents.contents import contents, last_told
from service.settings import Settings
from tests.commands.office import (
    DAY,
    DB,
    POHO,
    SECRETARY,
    TASKFORCE,
    Office,
    award_of,
    office_of,
    person,
    proposal_input,
)
from tests.conftest import fresh_database

__all__ = ["DAY", "Letters", "Pdf"]

PHASES = (
    Phase(1, Decimal("60000.00"), ""),
    Phase(2, Decimal("40000.00"), "Eerst is er een verslag over fase 1."),
)


class Pdf:
    """A PDF as another program reads it."""

    def __init__(self, content: bytes) -> None:
        self.reader = PdfReader(io.BytesIO(content))
        self.root: Any = self.reader.trailer["/Root"]

    @property
    def text(self) -> str:
        """What it says, on one line, without the marks that keep words together."""
        pages = (page.extract_text() for page in self.reader.pages)
        return " ".join(" ".join(pages).replace("\u00a0", " ").split())

    def fonts(self) -> list[Any]:
        """The descriptors of the fonts on its pages."""
        found = []
        for page in self.reader.pages:
            for font in page["/Resources"].get("/Font", {}).values():  # type: ignore[index, union-attr]
                found += [each.get_object() for each in font.get_object()["/DescendantFonts"]]
        return [each["/FontDescriptor"].get_object() for each in found]

    def tags(self) -> list[str]:
        """The kinds of its tags, in the order in which they are read."""
        found: list[str] = []

        def walk(node: Any) -> None:
            node = node.get_object() if hasattr(node, "get_object") else node
            if isinstance(node, list):
                for each in node:
                    walk(each)
            elif isinstance(node, dict):
                if "/S" in node:
                    found.append(str(node["/S"]))
                if "/K" in node:
                    walk(node["/K"])

        walk(self.root["/StructTreeRoot"])
        return found


class Letters(Office):
    """An office that brings cases to where a letter tells of them."""

    def told(
        self, letter: str, proposal: str, language: str = "nl", on: date = date(2026, 3, 3)
    ) -> dict[str, Any]:
        """What the letter about the last such event says."""
        history = self.history(proposal)
        about = last_told(history, letter)
        assert about is not None
        with self.parts.pool.connection() as connection:
            return contents(self.parts, connection, letter, history, about, language, on)

    def history(self, proposal: str) -> list[Recorded]:
        return self.parts.log.load(proposal)

    def at(self, proposal: str, letter: str) -> int:
        """The position of the last event that this letter tells of."""
        about = last_told(self.history(proposal), letter)
        assert about is not None
        return about

    def submit_for(self, applicant: str) -> str:
        """A proposal that the secretariat recorded for this company."""
        given = proposal_input(name=applicant)
        return commands.submit(self.parts, SECRETARY, "regionale-herstelaanpak", given, DAY).stream

    def supplement(self, remarks: str = "De begroting ontbreekt.") -> str:
        """A case of which something is missing, asked for until 17 May 2021."""
        proposal = self.submit()
        self.act(SECRETARY, proposal, CheckCompleteness("supplement", remarks, date(2021, 5, 17), DAY))
        return proposal

    def awarded(self, phases: tuple[Phase, ...] = PHASES) -> str:
        """A case with an award in two phases, approved on two conditions."""
        proposal = self.to_review()
        self.act(
            TASKFORCE, proposal, Review("taskforce", "positive", "De taskforce is enthousiast.", (), DAY)
        )
        conditions = ("Er komt een evaluatie.", "Gemeenten krijgen bericht.")
        decide = Decide("poho", "approved-with-conditions", "Het past bij de doelen.", conditions, DAY)
        self.act(POHO, proposal, decide)
        self.act(DB, proposal, award_of(100_000, phases))
        return proposal

    def refused(self, grounds: str = "Het werkt maar in één gemeente.") -> str:
        """A case that the portfolio holders' consultation, an adviser in law, rejected."""
        proposal = self.to_review()
        self.act(TASKFORCE, proposal, Review("taskforce", "positive", "Goed.", (), DAY))
        self.act(POHO, proposal, Decide("poho", "rejected", grounds, (), DAY))
        return proposal

    def refused_by_decision(self, grounds: str = "Er is te weinig draagvlak.") -> str:
        """A case of the stimulus fund, rejected by the executive board: a decision in law."""
        on = date(2021, 3, 1)
        given = proposal_input(themes=("energie",))
        proposal = commands.submit(self.parts, SECRETARY, "stimuleringsfonds", given, on).stream
        self.act(SECRETARY, proposal, CheckCompleteness("complete", "", None, on))
        criteria = (
            "effectiviteit",
            "efficiency",
            "langetermijnimpact-en-draagvlak",
            "economisch-toegevoegde-waarde",
        )
        scores = dict.fromkeys(criteria, 5)
        advice = Review("adviesgroep", "negative", "Zwak.", (), on, scores, {"samenwerking": False})
        self.act(person("member", "adviesgroep"), proposal, advice)
        self.act(DB, proposal, Decide("db", "rejected", grounds, (), on))
        return proposal


@pytest.fixture(scope="module")
def settings(admin_url: str, template: Settings) -> Iterator[Settings]:
    """The settings of a database that the tests of a module share."""
    with fresh_database(admin_url, template) as made:
        yield made


@pytest.fixture(scope="module")
def office(settings: Settings) -> Iterator[Letters]:
    """An office with the programmes published and an envelope that is large enough."""
    with office_of(settings) as opened:
        opened.open_envelope(amounts=(200_000_000,))
        yield Letters(opened.parts)
