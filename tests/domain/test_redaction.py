"""Words of a case are taken away by a decision, each once, and the case goes on as if nothing happened."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from domain import case as cases
from domain.case import content_hash
from domain.errors import Invalid
from domain.event_texts import texts_of
from domain.events import EVENTS, ProposalWithdrawn, Reviewed, TextRedacted
from domain.recorded import Recorded
from domain.redaction import GROUNDS, Redact, gone, redact
from projections import status
from tests.golden.example import example

DAY = date(2021, 5, 3)


def recorded(position: int, event: object, on: date = DAY) -> Recorded:
    at = datetime(2021, 5, 3, 12, position, tzinfo=UTC)
    return Recorded(
        position, "proposal-1", position, at, on, "person-1", None, f"command-{position}", None, event
    )  # type: ignore[arg-type]


SUBMITTED = recorded(1, example(EVENTS["ProposalSubmitted"], lambda path: f"digest of {path}"))
REVIEWED = recorded(2, example(Reviewed, lambda path: f"digest of {path}"))
HISTORY = [SUBMITTED, REVIEWED]


def asked(*texts: str, ground: str = "privacy") -> Redact:
    return Redact(texts, ground, "", DAY)


@pytest.mark.parametrize("ground", GROUNDS)
def test_texts_of_several_events_are_taken_away_an_event_each(ground: str) -> None:
    events = redact(asked("2/grounds", "1/content.summary", "2/conditions.1", ground=ground), HISTORY)
    assert events == [
        TextRedacted(1, ("content.summary",), ground, ""),
        TextRedacted(2, ("grounds", "conditions.1"), ground, ""),
    ]


@pytest.mark.parametrize(
    ("command", "code", "field"),
    [
        (asked("1/content.summary", ground="curious"), "unknown-choice", "/ground"),
        (asked("1/content.summary", "3/grounds"), "unknown-text", "/texts/1"),
        (asked("1/content.requested"), "unknown-text", "/texts/0"),
        (asked("1/content.goals.2"), "unknown-text", "/texts/0"),
        (asked("summary"), "unknown-text", "/texts/0"),
        (asked(), "texts-needed", "/texts"),
    ],
)
def test_what_cannot_be_taken_away_is_refused(command: Redact, code: str, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        redact(command, HISTORY)
    assert (refused.value.code, refused.value.field) == (code, field)


def test_what_is_gone_cannot_be_taken_away_again() -> None:
    history = [*HISTORY, recorded(3, TextRedacted(2, ("grounds",), "woo", "remarks"))]
    assert gone(history) == {"2/grounds": "woo"}
    with pytest.raises(Invalid) as refused:
        redact(asked("2/grounds"), history)
    assert refused.value.code == "text-redacted-before"
    # Why it was done is a text of the case as any other.
    assert redact(asked("3/remarks"), history) == [TextRedacted(3, ("remarks",), "privacy", "")]


def test_where_nothing_was_said_there_is_nothing_to_take_away() -> None:
    assert texts_of(ProposalWithdrawn("")) == {}
    with pytest.raises(Invalid):
        redact(asked("2/grounds"), [SUBMITTED, recorded(2, ProposalWithdrawn(""))])


def test_a_redaction_is_no_step_of_the_case() -> None:
    before = cases.fold(HISTORY)
    after = cases.fold(
        [*HISTORY, recorded(3, TextRedacted(1, ("content.title",), "woo", ""), date(2026, 1, 1))]
    )
    assert before is not None
    assert after is not None
    assert replace(after, version=before.version) == before
    assert after.version == 3
    assert content_hash(after.content) == content_hash(before.content)


def test_the_case_says_which_texts_were_taken_away_by_whom_and_why() -> None:
    document = None
    for each in [
        *HISTORY,
        recorded(3, TextRedacted(1, ("content.title",), "woo", "digest"), date(2026, 1, 1)),
    ]:
        document = status.evolve(document, each)
    assert document is not None
    (redaction,) = document["redactions"]
    assert (redaction["about"], redaction["paths"], redaction["ground"]) == (1, ["content.title"], "woo")
    assert redaction["remarks"] == {"$words": "3/remarks"}
    assert redaction["by"] == {"$person": "person-1"}
    assert document["lastEffectiveOn"] == DAY.isoformat()
    assert document["version"] == 3
