"""Who hears what? From an event, the case as it was then and its programme: notices, each to relations of the case.

A notice holds codes, amounts and references to words and names: they are filled in when a message is made of it. Who
stands in a relation to a case (which people are members of a body, say) is looked up when it is sent.
"""

from __future__ import annotations

from dataclasses import dataclass

from projections.view import Document

__all__ = ["KINDS", "RELATIONS", "URGENCIES", "Kind", "Notice", "To"]

URGENCIES = ("high", "normal", "low")
"""High: something is asked of the reader, or a term runs; low: good to know."""

RELATIONS = (
    "submitter",  # the people of the organisation that submitted (a party id), or who did so without one (a person id)
    "partner",  # the people of a party that takes part, by id
    "municipality",  # the contacts of a municipality, by code
    "secretariat",  # everybody in the role of secretary
    "body",  # the members of a body, by code
    "chair",  # the chairs of a body, by code
    "treasurer",
    "auditor",
    "admin",
    "watcher",  # who follows a stream, by its name
    "council",  # the addresses of a municipality's council, by code
    "subscriber",  # the program of somebody, by the id of the subscription
)
"""In what somebody may stand to a case; a person in several of them hears a thing once, as the first of these."""


@dataclass(frozen=True, slots=True)
class To:
    """A relation, and of what: an organisation, a body ... `required`: by law, so it can't be turned off."""

    relation: str
    of: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell. `letter` names the letter that goes with it to those who must be told by law."""

    kind: str
    urgency: str
    to: tuple[To, ...]
    facts: Document
    letter: str | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of notice. `mail`: how it is mailed to who chose nothing: at-once, daily, weekly or off."""

    name: str
    mail: str


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("receipt", "at-once"),  # your proposal came in
        Kind("named", "at-once"),  # you, or your municipality, are named in a proposal
        Kind("turn", "at-once"),  # a case waits for your body
        Kind("supplement", "at-once"),  # something is asked of you
        Kind("revised", "daily"),  # the applicant answered
        Kind("advised", "daily"),  # a body advised
        Kind("decided", "at-once"),  # a body decided
        Kind("resumed", "daily"),  # a held-over case is taken up again
        Kind("awarded", "at-once"),  # money was awarded
        Kind("money", "daily"),  # a phase was released, moved or given back
        Kind("withdrawn", "at-once"),
        Kind("term-near", "at-once"),  # a term ends soon
        Kind("term-passed", "at-once"),  # a term has passed
        Kind("term-escalated", "at-once"),  # a term passed long ago
        Kind("envelope", "daily"),  # an envelope was opened or topped up
        Kind("programme", "daily"),  # a programme came into force
        Kind("newsletter", "at-once"),  # for the councils
        Kind("digest", "at-once"),  # what was collected, in one message
        Kind("event", "at-once"),  # for programs: the event itself
        Kind("test", "at-once"),  # for programs: does it work?
    )
}
