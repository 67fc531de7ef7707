"""How long are the words of a case kept, and may they go now? Counted in years from its last step, by how it ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from domain.case import Case
from domain.errors import Refused
from domain.events import Content, Event, ProposalRevised, ProposalSubmitted, RetentionApplied
from domain.programme import Retention
from domain.recorded import Recorded

__all__ = ["APPROVED", "AWARDED", "Ended", "apply_retention", "ended", "parties_of"]

AWARDED, APPROVED = "awarded", "approved"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a case ended (awarded, approved, rejected or withdrawn), on which day, and until when its words are kept."""

    how: str
    on: date
    years: int

    @property
    def due_on(self) -> date:
        """The first day on which the words must go; of 29 February that is 1 March in a year without one."""
        year = self.on.year + self.years
        try:
            return self.on.replace(year=year)
        except ValueError:
            return date(year, 3, 1)


def ended(case: Case, retention: Retention) -> Ended | None:
    """How the case ended; None while it waits for somebody, or money of it is still held back."""
    if case.open:
        return None
    if case.ended:
        years = retention.withdrawn if case.ended == "withdrawn" else retention.rejected
        return Ended(case.ended, case.last_effective_on, years)
    if any(phase.held_back for phase in case.phases):
        return None
    # A route without money ends with its approval.
    return Ended(AWARDED if case.awarded else APPROVED, case.last_effective_on, retention.awarded)


def apply_retention(case: Case, retention: Retention, today: date, kept: int) -> list[Event]:
    """The decision that what is `kept` of the case (texts, names, letters) goes. Refuses before its term is over."""
    end = ended(case, retention)
    if end is None:
        raise Refused("retention-not-ended", reference=case.reference)
    if end.due_on > today:
        raise Refused("retention-not-due", reference=case.reference, dueOn=end.due_on)
    if not kept:
        raise Refused("retention-nothing-kept", reference=case.reference)
    return [RetentionApplied(end.how, end.on, end.years)]


def parties_of(history: Sequence[Recorded]) -> set[str]:
    """Everybody whom any revision of the case names, by id."""
    return {id for recorded in history for id in _named(recorded.event)}


def _named(event: Event) -> Iterator[str]:
    if isinstance(event, ProposalSubmitted):
        yield event.owner
    if isinstance(event, ProposalSubmitted | ProposalRevised):
        content: Content = event.content
        yield content.applicant
        yield from content.partners
        for part in content.cofinancing:
            yield part.source
