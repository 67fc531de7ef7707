"""What would a letter say that has nothing to tell of yet? A case goes on with invented events, or is invented whole.

For who looks at a template: nothing of it is kept, and the preview says that it is made up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from domain import case as cases
from domain.events import (
    Awarded,
    Cofinancing,
    CompletenessChecked,
    Content,
    Decided,
    Event,
    Phase,
    ProposalSubmitted,
    StageOpened,
)
from domain.programme import APPLICANT, Programme, Stage
from domain.recorded import Recorded

__all__ = ["Invented", "invented"]

WORD = "invented"
"""In the place of a digest: what it stands for is in the words that come along."""

APPLICANT_ID = "party-example"

TEXTS = {
    "nl": {
        "name": "Stichting Voorbeeld",
        "title": "De werkplaats van morgen",
        "asked": "De begroting telt niet op.\nWij missen een bewijs van de cofinanciering.",
        "grounds": "Het voorstel past bij de doelen van het programma en heeft draagvlak in de regio.",
        "against": "Het voorstel werkt maar in één gemeente en heeft na afloop geen vervolg.",
        "first": "Er komt na een jaar een evaluatie.",
        "second": "De gemeenten krijgen elk half jaar bericht over de voortgang.",
        "release": "Eerst is er een verslag over fase 1.",
    },
    "en": {
        "name": "Example Foundation",
        "title": "The workshop of tomorrow",
        "asked": "The budget does not add up.\nProof of the co-financing is missing.",
        "grounds": "The proposal fits the goals of the programme and has support in the region.",
        "against": "The proposal works in one municipality only and has no lasting effect.",
        "first": "There is an evaluation after a year.",
        "second": "The municipalities hear about the progress every six months.",
        "release": "First there is a report on phase 1.",
    },
}


class Invented:
    """A history that goes on where a real one ends, and what its words and names say (`service/words.py` takes it)."""

    def __init__(self, history: Sequence[Recorded], programme: Programme, language: str, on: date) -> None:
        self.history, self.programme, self.on = list(history), programme, on
        self.texts = TEXTS[language]
        self.said: dict[str, Mapping[str, str] | tuple[str, str]] = {
            APPLICANT_ID: (self.texts["name"], "foundation")
        }

    def happens(self, event: Event, **words: str) -> None:
        """An event, with its words by their path (a double underscore for a dot)."""
        last = self.history[-1] if self.history else None
        position = last.position + 1 if last else 1
        recorded = Recorded(
            position=position,
            stream=last.stream if last else "proposal-example",
            version=last.version + 1 if last else 1,
            recorded_at=datetime.combine(self.on, time(), UTC),
            effective_on=self.on,
            by="person-example",
            capacity=None,
            command_id="command-example",
            cause=None,
            event=event,
        )
        self.history.append(recorded)
        self.said[str(position)] = {path.replace("__", "."): self.texts[words[path]] for path in words}

    def stage(self, *kinds: str) -> Stage:
        """The first stage of one of these kinds; the last of the route where it has none."""
        return next((each for each in self.programme.stages if each.kind in kinds), self.programme.stages[-1])


def invented(
    letter: str, history: Sequence[Recorded], programme: Programme, language: str, on: date
) -> Invented:
    """A history in which this letter has something to tell of. An empty one begins with a proposal."""
    told = Invented(history, programme, language, on)
    if not history:
        _submitted(told)
    case = cases.fold(told.history)
    assert case is not None
    due_on = on + timedelta(weeks=2)
    bound = (case.revision, case.content_hash(), case.programme_version)
    match letter:
        case "supplement":
            stage = told.stage("completeness")
            asked = CompletenessChecked(stage.code, stage.body, "supplement", WORD, case.revision, "")
            told.happens(asked, remarks="asked")
            told.happens(StageOpened("supplement", "supplement", APPLICANT, "", due_on))
        case "award":
            stage, by = told.stage("decision", "ratification"), told.stage("award")
            approved = Decided(stage.code, stage.body, "approved-with-conditions", WORD, (WORD, WORD), *bound)
            told.happens(approved, grounds="grounds", conditions__0="first", conditions__1="second")
            first = (case.content.requested / 2).quantize(Decimal("0.01"))
            phases = (Phase(1, first, ""), Phase(2, case.content.requested - first, WORD))
            envelope = programme.envelopes[0].code if programme.envelopes else ""
            awarded = Awarded(by.code, by.body, envelope, case.content.requested, True, phases, *bound)
            told.happens(awarded, phases__1__release_condition="release")
        case "refusal":
            stage = told.stage("decision", "ratification")
            told.happens(Decided(stage.code, stage.body, "rejected", WORD, (), *bound), grounds="against")
    return told


def _submitted(told: Invented) -> None:
    programme, first = told.programme, told.programme.stages[0]
    content = Content(
        title=WORD, summary="", themes=(), applicant=APPLICANT_ID, partners=(), municipalities=(),
        requested=Decimal("120000.00"), cofinancing=(Cofinancing(APPLICANT_ID, Decimal("120000.00"), "own"),),
        period_start=told.on, period_end=told.on, effect="", structural_effect="", subregion_support=(), goals=(),
    )  # fmt: skip
    reference = f"{programme.reference_prefix}-{told.on.year}-0000"
    submitted = ProposalSubmitted(programme.code, programme.version, reference, APPLICANT_ID, content)
    told.happens(submitted, content__title="title")
    due_on = told.on + timedelta(weeks=2)
    told.happens(StageOpened(first.code, first.kind, first.body, first.capacity, due_on))
