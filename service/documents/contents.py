"""What stands in a letter? The case as it was at the event it tells of, with words and names filled in.

The templates get texts only: amounts and dates are said here, as the language writes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import psycopg

from domain.events import (
    Awarded,
    CompletenessChecked,
    Decided,
    Event,
    MoneyMovedIn,
    ProposalSubmitted,
    Reviewed,
)
from domain.programme import Name, Programme, Stage
from domain.recorded import Recorded
from domain.working_days import add_working_days
from projections.view import Document
from projections.words import PARTY, WORDS, ref, refs
from service import reading
from service.published import latest, programme_of
from service.texts import Catalog, catalog
from service.wiring import Parts
from service.words import fill

__all__ = ["LETTERS", "NothingToTell", "contents", "last_told", "last_day_to_object"]

Connection = psycopg.Connection[Any]

LETTERS = ("receipt", "supplement", "award", "refusal")
"""The letters there are, each a template of that name."""

WEEKS_TO_OBJECT = 6

Said = Mapping[str, Any]
NOTHING_KNOWN: Said = {}

NO_WORDS = {"nl": "[Deze tekst is weggelakt.]", "en": "[This text has been redacted.]"}
NO_NAME = {"nl": "[Deze naam is gewist.]", "en": "[This name has been erased.]"}


class NothingToTell(Exception):
    """There is no such event in the case, or no such letter tells of it."""


def contents(
    parts: Parts,
    connection: Connection,
    letter: str,
    history: Sequence[Recorded],
    about: int,
    language: str,
    on: date,
    known: Said = NOTHING_KNOWN,
) -> dict[str, Any]:
    """What a letter about the event at position `about` of a case says, dated `on`. Raises NothingToTell.

    What words and names are `known` is not asked for.
    """
    event = next((each for each in history if each.position == about), None)
    if event is None or not tells_of(letter, event.event):
        raise NothingToTell(f"there is no {letter} about position {about}")
    # What one act recorded belongs together: until when a supplement is awaited stands in an event of its own.
    told = [each for each in history if each.position <= about or each.command_id == event.command_id]
    document = reading.status_of(told)
    assert document is not None
    programme = programme_of(parts, document["programme"], document["programmeVersion"])
    in_force = latest(parts, programme.code) or programme
    telling = Telling(event, document, programme, in_force, language, on, parts.calendar().holidays)
    said: Document = telling.said()
    readable: dict[str, Any] = _readable(said, fill(said, connection, known), language)
    return {**readable, "letter": letter, "language": language, "preview": False, "invented": False}


def last_told(history: Sequence[Recorded], letter: str) -> int | None:
    """The position of the last event in a case that this letter could tell of."""
    return next((each.position for each in reversed(history) if tells_of(letter, each.event)), None)


def tells_of(letter: str, event: Event) -> bool:
    """Is this a letter that tells of such an event?"""
    match letter, event:
        case "receipt", ProposalSubmitted():
            return True
        case "supplement", CompletenessChecked(outcome="supplement") | Reviewed(advice="revise"):
            return True
        case "award", Awarded() | MoneyMovedIn():
            return True
        case "refusal", Decided(outcome="rejected"):
            return True
    return False


def last_day_to_object(sent_on: date, holidays: frozenset[date]) -> date:
    """Until when one can object to a decision that was sent on this day.

    The six weeks begin on the day after (Awb 6:7 and 6:8). When they would end on a Saturday, a Sunday or a holiday,
    they end on the first working day after it (Algemene termijnenwet, 1).
    """
    last = sent_on + timedelta(weeks=WEEKS_TO_OBJECT)
    return add_working_days(last - timedelta(days=1), 1, holidays)


class Telling:
    """One event about to be told: what its letter says, words and names still by reference.

    By the version of the programme that the case is bound to; only where a body can be reached is as the version
    `in_force` has it, for who moved since gets its post at the new address.
    """

    def __init__(
        self,
        event: Recorded,
        document: Document,
        programme: Programme,
        in_force: Programme,
        language: str,
        on: date,
        holidays: frozenset[date],
    ) -> None:
        self.event, self.document, self.programme, self.in_force = event, document, programme, in_force
        self.language, self.on, self.holidays = language, on, holidays
        self.catalog: Catalog = catalog(language)

    def said(self) -> dict[str, Any]:
        """All of it."""
        content = self.document["content"]
        common = {
            "on": self.day(self.on),
            "reference": self.document["reference"],
            "programme": self.name(self.programme.name),
            "secretariat": self.body(self.programme.secretariat),
            "addressee": content["applicant"],
            "title": content["title"],
            "submittedOn": self.day(self.document["submittedOn"]),
            "requested": self.money(content["requested"]),
            "revision": self.document["revision"],
            "happenedOn": self.day(self.event.effective_on),
        }
        match self.event.event:
            case ProposalSubmitted():
                own = self.receipt()
            case CompletenessChecked(body=body, remarks=remarks):
                own = self.supplement(body, ref(self.event, "remarks", remarks), [])
            case Reviewed(body=body, grounds=grounds, conditions=conditions):
                asked = refs(self.event, "conditions", conditions)
                own = self.supplement(body, ref(self.event, "grounds", grounds), asked)
            case Decided(stage=stage):
                own = self.refusal(self.programme.stage(stage))
            case Awarded() as awarded:
                own = self.award(awarded)
            case MoneyMovedIn() as moved:
                own = self.moved(moved)
            case other:
                raise NothingToTell(type(other).__name__)
        return {**common, **own}

    def receipt(self) -> dict[str, Any]:
        """It came in: how it goes on, and by when the first step is done."""
        waits = self.document["waitingFor"]
        return {
            **self.signed(self.programme.secretariat, "secretary"),
            "dueOn": self.day(waits[0]["dueOn"]) if waits else "",
            "body": self.body(waits[0]["body"]) if waits else "",
            "route": [
                {"stage": self.name(stage.name), "body": ", ".join(self.body(code) for code in stage.bodies)}
                for stage in self.programme.stages
            ],
        }

    def supplement(self, body: str, asked: Any, more: list[Any]) -> dict[str, Any]:
        """Something is missing: what, by whom it is asked, and until when it is awaited."""
        waits = [each for each in self.document["waitingFor"] if each["stage"] == "supplement"]
        return {
            **self.signed(body, self.role("member")),
            "asked": asked,
            "more": more,
            "dueOn": self.day(waits[0]["dueOn"]) if waits else "",
        }

    def award(self, awarded: Awarded) -> dict[str, Any]:
        """Money was awarded: how much, in which phases, why and on which conditions."""
        return {
            **self.signed(awarded.body, self.role("member")),
            **self.grounds(),
            **self.objection(self.programme.stage(awarded.stage), [awarded.body]),
            "amount": self.money(awarded.amount),
            "provisional": awarded.provisional,
            "moved": False,
            "phases": [
                {
                    "number": str(phase.number),
                    "amount": self.money(phase.amount),
                    "condition": ref(
                        self.event, f"phases.{index}.release_condition", phase.release_condition
                    ),
                }
                for index, phase in enumerate(awarded.phases)
            ],
        }

    def moved(self, moved: MoneyMovedIn) -> dict[str, Any]:
        """Money of another project was awarded: all of it is free at once."""
        stage = next((each for each in self.programme.stages if each.kind == "award"), None)
        body = stage.body if stage else self.programme.secretariat
        return {
            **self.signed(body, self.role("treasurer")),
            **self.grounds(),
            **self.objection(stage, [body]),
            "amount": self.money(moved.amount),
            "provisional": False,
            "moved": True,
            "phases": [],
        }

    def refusal(self, stage: Stage) -> dict[str, Any]:
        """It is refused: by whom, why, and whether one can object."""
        bodies = {
            each["body"]: each
            for each in self.document["decisions"]
            if each["stage"] == stage.code and each["outcome"] == "rejected" and self.of_revision(each)
        }
        return {
            **self.signed(bodies or {stage.body: None}, self.role("member")),
            **self.objection(stage, bodies or [stage.body]),
            "grounds": [self.ground(each) for each in bodies.values() if each["grounds"]],
        }

    def grounds(self) -> dict[str, Any]:
        """Why it is approved and on which conditions, as was decided; where nobody decides, as was advised."""
        decided = [each for each in self.document["decisions"] if each["outcome"].startswith("approved")]
        advised = [each for each in self.document["reviews"] if each["advice"].startswith("positive")]
        last = {(each["stage"], each["body"]): each for each in decided or advised if self.of_revision(each)}
        return {
            "grounds": [self.ground(each) for each in last.values() if each["grounds"]],
            "conditions": [condition for each in last.values() for condition in each["conditions"]],
        }

    def ground(self, judged: Mapping[str, Any]) -> dict[str, Any]:
        """What one body said, and when."""
        on = self.day(judged["effectiveOn"])
        return {"body": self.body(judged["body"]), "on": on, "words": judged["grounds"]}

    def objection(self, stage: Stage | None, decided: Iterable[str]) -> dict[str, Any]:
        """Whether, until when and to whom one can object: only to a decision, and with the bodies that took it.

        Against an advice nobody can object (Awb 1:3 and 8:1). Then it says which body in the route can decide.
        """
        if stage is not None and stage.capacity == "besluit":
            until = self.day(last_day_to_object(self.on, self.holidays))
            return {
                "objection": {"until": until, "to": [self.reached(code) for code in decided]},
                "decider": None,
            }
        deciding = [each for each in self.programme.stages if each.capacity == "besluit"]
        return {"objection": None, "decider": self.reached(deciding[-1].body) if deciding else None}

    def of_revision(self, judged: Mapping[str, Any]) -> bool:
        """Was this said about what the case holds now?"""
        return bool(judged["revision"] == self.document["revision"])

    def signed(self, bodies: str | Mapping[str, Any], role: str) -> dict[str, Any]:
        """Who signs: the body, and in which role somebody did it for the body. That a member did says nothing more.

        The address in the head is that of the body; where several sign, each has its own.
        """
        codes = [bodies] if isinstance(bodies, str) else list(bodies)
        return {
            "sender": ", ".join(self.body(code) for code in codes),
            "from": self.reached(codes[0]) if len(codes) == 1 else None,
            "role": "" if role == "member" else self.catalog.words.get(role, role),
        }

    def role(self, otherwise: str) -> str:
        """The role in which it was done."""
        return self.event.capacity.role if self.event.capacity else otherwise

    def reached(self, code: str) -> dict[str, Any]:
        """A body with the address it has now: the lines of it, and an address for e-mail; none where none is known."""
        known = [programme.body(code) for programme in (self.in_force, self.programme)]
        found = next((body for body in known if body is not None and (body.address or body.email)), None)
        return {
            "name": self.body(code),
            "address": list(found.address) if found else [],
            "email": found.email if found else "",
        }

    def body(self, code: str) -> str:
        """What a body is called."""
        return next((self.name(each.name) for each in self.programme.bodies if each.code == code), code)

    def name(self, name: Name) -> str:
        """A name in the language of the letter."""
        return name.en if self.language == "en" else name.nl

    def day(self, value: date | str) -> str:
        """A date in words, that stays on one line."""
        return self.catalog.day(value).replace(" ", "\u00a0")

    def money(self, value: Any) -> str:
        """Euros and cents, on one line."""
        return self.catalog.money(value).replace(" ", "\u00a0")


def _readable(raw: Any, filled: Any, language: str) -> Any:
    """What was filled in, as text; and where words were redacted or a name was erased, that they were."""
    if isinstance(raw, dict):
        if WORDS in raw:
            return filled or NO_WORDS[language]
        if PARTY in raw:
            return filled["name"] or NO_NAME[language]
        return {name: _readable(each, filled[name], language) for name, each in raw.items()}
    if isinstance(raw, list):
        return [_readable(each, filled[index], language) for index, each in enumerate(raw)]
    return raw
