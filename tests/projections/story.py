"""Events of one case after another, as the log would have them: for tests of what people see."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from domain.events import Cofinancing, Content, Event, ProposalSubmitted, SubregionSupport
from domain.recorded import Capacity, Recorded

DAY = date(2020, 11, 2)


def content(
    requested: str = "300000.00", themes: tuple[str, ...] = ("scholing",), municipality: str = "GM0772"
) -> Content:
    """What a proposal says, with digests in place of its words."""
    return Content(
        title="t" * 64,
        summary="s" * 64,
        themes=themes,
        applicant="party-1",
        partners=("party-2",),
        municipalities=(municipality,),
        requested=Decimal(requested),
        cofinancing=(
            Cofinancing("party-2", Decimal("200000.00"), "promised"),
            Cofinancing("party-1", Decimal("100000.50"), "own"),
        ),
        period_start=date(2021, 1, 1),
        period_end=date(2022, 12, 31),
        effect="e" * 64,
        structural_effect="",
        subregion_support=(SubregionSupport("peel", "v" * 64),),
        goals=("g" * 64, "h" * 64),
    )


def submitted(says: Content | None = None, programme: str = "herstel") -> ProposalSubmitted:
    """A submission."""
    return ProposalSubmitted(programme, 1, "RHA-2020-0001", "party-1", says or content())


@dataclass
class Story:
    """Records events one after another."""

    history: list[Recorded] = field(default_factory=list)

    def tell(self, event: Event, stream: str = "proposal-1", on: date = DAY) -> Recorded:
        """One more event."""
        position = len(self.history) + 1
        recorded = Recorded(
            position=position,
            stream=stream,
            version=sum(1 for each in self.history if each.stream == stream) + 1,
            recorded_at=datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=position),
            effective_on=on,
            by="person-1",
            capacity=Capacity("member", "db"),
            command_id=f"command-{position}",
            cause=None,
            event=event,
        )
        self.history.append(recorded)
        return recorded
