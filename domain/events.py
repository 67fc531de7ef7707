"""Every event that can be recorded, one frozen dataclass each, by the name it is stored under.

A field typed `Text` holds words. On its way into the log it is replaced by a salted SHA-256 digest and the words go
beside the log, so they can be redacted while the log stays as it was: an event read back holds digests, never words.
Fields ending in `_id` or typed `PersonId`/`PartyId` refer to the vault. Money is euros with two decimals. A new field
gets a default: what was stored before it existed must keep loading.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

__all__ = [
    "EVENTS",
    "AccessEnded",
    "AmountHeld",
    "Awarded",
    "Cofinancing",
    "CompletenessChecked",
    "ConfidentialitySet",
    "Content",
    "Decided",
    "EditionHash",
    "EnvelopeOpened",
    "ErasureRequested",
    "Event",
    "FundsMoved",
    "FundsReleased",
    "FundsReserved",
    "FundsReturned",
    "LetterIssued",
    "MoneyMovedIn",
    "MoneyMovedOut",
    "MoneyReturned",
    "NewsletterApproved",
    "PartyId",
    "PersonAdded",
    "PersonChanged",
    "PersonErased",
    "PersonId",
    "Phase",
    "PhaseReleased",
    "ProgrammePublished",
    "ProposalResumed",
    "ProposalRevised",
    "ProposalSubmitted",
    "ProposalWithdrawn",
    "RetentionApplied",
    "Reviewed",
    "Rights",
    "Seat",
    "Source",
    "SourceAdded",
    "StageClosed",
    "StageOpened",
    "SubregionSupport",
    "Text",
    "TextRedacted",
]

Text = Annotated[str, "text"]
"""Words: kept beside the log, a salted digest of them in it."""

PersonId = str
PartyId = str


@dataclass(frozen=True, slots=True)
class Cofinancing:
    """Money of others: `status` is promised, granted or own."""

    source: PartyId
    amount: Decimal
    status: str


@dataclass(frozen=True, slots=True)
class SubregionSupport:
    """A subregion (by code) that stands behind the proposal, and what shows it."""

    subregion: str
    evidence: Text


@dataclass(frozen=True, slots=True)
class Content:
    """What a proposal says, whole: each revision carries all of it."""

    title: Text
    summary: Text
    themes: tuple[str, ...]
    applicant: PartyId
    partners: tuple[PartyId, ...]
    municipalities: tuple[str, ...]
    requested: Decimal
    cofinancing: tuple[Cofinancing, ...]
    period_start: date
    period_end: date
    effect: Text
    structural_effect: Text
    subregion_support: tuple[SubregionSupport, ...]
    goals: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class ProposalSubmitted:
    """A proposal came in, bound to a programme version; `owner` is the organisation that may follow it."""

    programme: str
    programme_version: int
    reference: str
    owner: PartyId
    content: Content
    tender: str | None = None


@dataclass(frozen=True, slots=True)
class ProposalRevised:
    """The applicant replaced the content; revisions count from 1, the submission."""

    revision: int
    content: Content


@dataclass(frozen=True, slots=True)
class StageOpened:
    """From now on the case waits for `body`, acting in the legal `capacity`, until `due_on`."""

    stage: str
    kind: str
    body: str
    capacity: str
    due_on: date


@dataclass(frozen=True, slots=True)
class StageClosed:
    """The case no longer waits for `body`; `outcome` says why."""

    stage: str
    body: str
    outcome: str


@dataclass(frozen=True, slots=True)
class CompletenessChecked:
    """The secretariat found the proposal complete, or asks for a supplement."""

    stage: str
    body: str
    outcome: str
    remarks: Text
    revision: int
    content_hash: str


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A body's advice on one revision, bound to its content; `assessments` say which requirements it found met."""

    stage: str
    body: str
    advice: str
    grounds: Text
    conditions: tuple[Text, ...]
    scores: dict[str, int]
    revision: int
    content_hash: str
    programme_version: int
    assessments: dict[str, bool]


@dataclass(frozen=True, slots=True)
class Decided:
    """A body's decision (or one of N ratifications) on one revision, bound to its content."""

    stage: str
    body: str
    outcome: str
    grounds: Text
    conditions: tuple[Text, ...]
    revision: int
    content_hash: str
    programme_version: int


@dataclass(frozen=True, slots=True)
class ProposalResumed:
    """A held-over case is taken up again, in the stage where it was held over."""

    stage: str


@dataclass(frozen=True, slots=True)
class Phase:
    """One part of an award; without a release condition it is free at once."""

    number: int
    amount: Decimal
    release_condition: Text


@dataclass(frozen=True, slots=True)
class Awarded:
    """Money from an envelope, in phases; `provisional` until it is made final."""

    stage: str
    body: str
    envelope: str
    amount: Decimal
    provisional: bool
    phases: tuple[Phase, ...]
    revision: int
    content_hash: str
    programme_version: int


@dataclass(frozen=True, slots=True)
class PhaseReleased:
    """What was still held back of a phase is free."""

    number: int
    amount: Decimal
    grounds: Text


@dataclass(frozen=True, slots=True)
class MoneyMovedOut:
    """Held-back money of a phase went to another proposal."""

    number: int
    amount: Decimal
    to: str
    grounds: Text


@dataclass(frozen=True, slots=True)
class MoneyMovedIn:
    """Money that another proposal's phase had held back came to this one; it is free at once."""

    envelope: str
    amount: Decimal
    from_proposal: str
    from_phase: int
    revision: int = 0
    content_hash: str = ""
    programme_version: int = 0


@dataclass(frozen=True, slots=True)
class AmountHeld:
    """A part of a phase: how much of it was held back, how much was free. The number 0 is money moved in."""

    number: int
    held_back: Decimal
    committed: Decimal


@dataclass(frozen=True, slots=True)
class MoneyReturned:
    """Money went back to the envelope; `parts` say out of which phases."""

    amount: Decimal
    grounds: Text
    parts: tuple[AmountHeld, ...]


@dataclass(frozen=True, slots=True)
class ProposalWithdrawn:
    """The applicant took the proposal back."""

    grounds: Text


@dataclass(frozen=True, slots=True)
class ConfidentialitySet:
    """From now on this level of confidentiality counts, until the last day where there is one.

    `about` is 0 for the whole proposal, else the version of the act's event in this stream. `ground` is empty but for
    what is confidential. `remarks` are only for who may read what is confidential.
    """

    about: int
    level: str
    ground: str
    until: date | None
    remarks: Text


@dataclass(frozen=True, slots=True)
class TextRedacted:
    """Texts of an earlier event of this case were taken away; `about` is its position, `paths` where they stood in it.

    The words and their salts go in the transaction that records this. The digests in the log stay, and prove nothing
    about the words any more.
    """

    about: int
    paths: tuple[str, ...]
    ground: str
    remarks: Text


@dataclass(frozen=True, slots=True)
class RetentionApplied:
    """All texts of this case were taken away: so many `years` ago it `ended` (awarded, approved, rejected, withdrawn).

    The names of natural persons in it went too, and every letter. Facts, amounts and digests stay.
    """

    ended: str
    ended_on: date
    years: int


@dataclass(frozen=True, slots=True)
class Source:
    """Where an envelope's money comes from."""

    name: Text
    amount: Decimal


@dataclass(frozen=True, slots=True)
class EnvelopeOpened:
    """A body made money available; `programme` limits whom it may go to, None is any."""

    code: str
    name: Text
    body: str
    programme: str | None
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class SourceAdded:
    """The envelope was topped up."""

    source: Source


@dataclass(frozen=True, slots=True)
class FundsReserved:
    """An award took from the envelope: `committed` is free for the proposal, `held_back` waits for release."""

    proposal: str
    committed: Decimal
    held_back: Decimal


@dataclass(frozen=True, slots=True)
class FundsReleased:
    """Held-back money of a proposal became committed."""

    proposal: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class FundsMoved:
    """Held-back money of one proposal became committed to another."""

    from_proposal: str
    to_proposal: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class FundsReturned:
    """Money of a proposal is free for others again."""

    proposal: str
    from_committed: Decimal
    from_held_back: Decimal


@dataclass(frozen=True, slots=True)
class ProgrammePublished:
    """A version of a programme, whole, as `domain/definition.py` reads it; it never changes."""

    code: str
    version: int
    definition: dict[str, Any]


@dataclass(frozen=True, slots=True)
class LetterIssued:
    """A letter was made for a case and kept as it was sent; `about` is the position of the event that it tells of.

    `letter` is receipt, supplement, award or refusal. `sha256` is that of the PDF, which is kept beside the log.
    """

    letter: str
    proposal: str
    about: int
    language: str
    sha256: str


@dataclass(frozen=True, slots=True)
class EditionHash:
    """One edition of a newsletter, by its municipality, and the SHA-256 of what was kept of it."""

    municipality: str
    sha256: str


@dataclass(frozen=True, slots=True)
class NewsletterApproved:
    """The secretariat approved a newsletter on a programme, from the first day to the last; it goes out as kept."""

    programme: str
    first_day: date
    last_day: date
    editions: tuple[EditionHash, ...]


@dataclass(frozen=True, slots=True)
class Seat:
    """A place in a body, kept for a municipality (by code)."""

    body: str
    municipality: str


@dataclass(frozen=True, slots=True)
class Rights:
    """What somebody may do follows from this: roles, the bodies they are a member of or chair, for whom they act.

    `organisation_role` is what they may do with the cases of their organisation: manager, editor or reader. Ids and
    codes only: who it is stands in the vault.
    """

    roles: tuple[str, ...]
    bodies: tuple[str, ...] = ()
    chairs: tuple[str, ...] = ()
    municipalities: tuple[str, ...] = ()
    organisation: PartyId | None = None
    organisation_role: str | None = None
    seats: tuple[Seat, ...] = ()


@dataclass(frozen=True, slots=True)
class PersonAdded:
    """Somebody can sign in from now on, and may do what follows from these rights."""

    rights: Rights


@dataclass(frozen=True, slots=True)
class PersonChanged:
    """Somebody may do something else from now on. `details` names what else changed, without saying what it is."""

    before: Rights
    after: Rights
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AccessEnded:
    """Every session and every token of somebody was ended."""


@dataclass(frozen=True, slots=True)
class ErasureRequested:
    """Somebody asks that what is known of them be erased."""


@dataclass(frozen=True, slots=True)
class PersonErased:
    """What said who this is was taken away; `ground` is why, as a code.

    `named` is why the name stays with acts in office, as a code too; None where it does not.
    """

    ground: str
    named: str | None = None


Event = (
    ProposalSubmitted
    | ProposalRevised
    | StageOpened
    | StageClosed
    | CompletenessChecked
    | Reviewed
    | Decided
    | ProposalResumed
    | Awarded
    | PhaseReleased
    | MoneyMovedOut
    | MoneyMovedIn
    | MoneyReturned
    | ProposalWithdrawn
    | ConfidentialitySet
    | TextRedacted
    | RetentionApplied
    | EnvelopeOpened
    | SourceAdded
    | FundsReserved
    | FundsReleased
    | FundsMoved
    | FundsReturned
    | ProgrammePublished
    | LetterIssued
    | NewsletterApproved
    | PersonAdded
    | PersonChanged
    | AccessEnded
    | ErasureRequested
    | PersonErased
)

EVENTS: dict[str, type[Event]] = {event.__name__: event for event in Event.__args__}
"""Every event by the name it is stored under."""
