"""What does the page about a case show? One case at a moment, folded from its events, in the reader's words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_DOWN, Decimal
from typing import Any

import psycopg
from psycopg.rows import tuple_row

from domain import case as cases
from domain.case import Case
from domain.programme import APPLICANT, Criterion, Programme, Requirement
from domain.recorded import NOW, Moment
from domain.requirements import CONSEQUENCES, FUNCTIONS, applicable, cofinancing_total
from domain.route import Calendar
from domain.working_days import working_days_until
from projections.view import Document
from service import reading
from service.api.sentences import told
from service.errors import Missing
from service.figures import budgets
from service.identity.people import Person
from service.identity.scope import Scope, scope_of
from service.published import programme_of
from service.web.filling import fill
from service.web.levels import secret
from service.web.naming import name_of
from service.web.rendering import person_name, say, word
from service.web.visit import language
from service.wiring import Parts

__all__ = [
    "CaseAt",
    "Judged",
    "case_at",
    "judgements",
    "money_of",
    "requirements",
    "revisions",
    "steps",
    "story",
    "waiting",
]

Connection = psycopg.Connection[Any]

JUDGEMENTS = {"CompletenessChecked": "outcome", "Reviewed": "advice", "Decided": "outcome"}
"""The events in which somebody judged, and the fact that says how."""
BESIDE = ("StageClosed", "MoneyMovedIn")
"""The events that say nothing new where the same act also recorded another."""
TONES = {
    "positive": "ok", "positive-with-conditions": "ok", "approved": "ok", "approved-with-conditions": "ok",
    "complete": "ok", "supplement": "warning", "revise": "warning", "held-over": "warning",
    "negative": "error", "rejected": "error",
}  # fmt: skip


@dataclass(frozen=True)
class CaseAt:
    """A case at a moment: its `document` and the `entries` of its timeline with words and names filled in.

    `others` are the references of other cases that it names, by id, of those that the reader may see.
    """

    document: Document
    case: Case
    programme: Programme
    entries: list[dict[str, Any]]
    moment: Moment
    called: Mapping[tuple[str, str], str]
    others: Mapping[str, str]

    def name(self, kind: str, code: str) -> str:
        """What a body, stage, theme, municipality, requirement, criterion or envelope is called."""
        return self.called.get((kind, code), code)

    def criterion(self, stage: str, code: str) -> Criterion | None:
        """What an adviser scored, with its lowest and highest score."""
        criteria = [each for of in self.programme.stages if of.code == stage for each in of.criteria]
        return next((each for each in criteria if each.code == code), None)

    @property
    def revisions(self) -> int:
        """How many revisions there are."""
        return int(self.document["revision"])


def case_at(
    parts: Parts, person: Person, connection: Connection, proposal: str, moment: Moment = NOW
) -> CaseAt:
    """A case as it stands, or stood at a moment. Raises Missing when there is none that this person may see."""
    scope = scope_of(person, parts.calendar().today)
    found = reading.case_history(connection, proposal, scope, moment)
    case = cases.fold(found.history) if found else None
    if found is None or case is None:
        raise Missing("proposal", proposal)
    document = found.document
    programme = programme_of(parts, case.programme, case.programme_version)
    called = {**_called(programme), **_envelopes(connection, scope, document)}
    others = _others(connection, scope, document)
    entries = told(found.history, language(), called, found.levels)
    said: list[Any] = fill([document, entries], connection, scope)
    return CaseAt(said[0], case, programme, said[1], moment, called, others)


def _called(programme: Programme) -> dict[tuple[str, str], str]:
    found = {
        ("body", APPLICANT): say("cases.applicant"),
        ("stage", "supplement"): say("cases.stage-supplement"),
    }
    found["stage", "held-over"] = say("cases.stage-held-over")
    for kind, named in (
        ("body", programme.bodies), ("stage", programme.stages), ("theme", programme.themes),
        ("requirement", programme.requirements), ("envelope", programme.envelopes),
        ("criterion", [criterion for stage in programme.stages for criterion in stage.criteria]),
    ):  # fmt: skip
        found.update({(kind, each.code): name_of(each.name) for each in named})
    found.update({("municipality", each.code): each.name for each in programme.municipalities})
    found.update({("subregion", each.code): each.name for each in programme.subregions})
    return found


def _envelopes(connection: Connection, scope: Scope, document: Document) -> dict[tuple[str, str], str]:
    """What the envelopes are called of which this case had money, as they were opened."""
    codes = {moved["envelope"] for moved in document["movedIn"]}
    if document["award"]:
        codes.add(document["award"]["envelope"])
    opened = [each for code in sorted(codes) for each in budgets(connection, NOW, code)]
    said: list[Document] = fill(opened, connection, scope) if opened else []
    return {("envelope", each["code"]): each["name"] for each in said if each["name"]}


def _others(connection: Connection, scope: Scope, document: Document) -> dict[str, str]:
    phases = document["award"]["phases"] if document["award"] else []
    ids = {moved["from"] for moved in document["movedIn"]}
    ids |= {moved["proposal"] for phase in phases for moved in phase["movedTo"]}
    if not ids:
        return {}
    with connection.cursor(row_factory=tuple_row) as cursor:
        query = f"SELECT key, reference FROM views.status s WHERE key = ANY(%(ids)s) AND {scope.cases()}"
        return dict(cursor.execute(query.encode(), {**scope.params, "ids": sorted(ids)}).fetchall())


def steps(found: CaseAt) -> tuple[list[str], int]:
    """The stages of the route by name, and which of them the case is in: one too many when it has done all of them."""
    codes = [stage.code for stage in found.programme.stages]
    names = [found.name("stage", code) for code in codes]
    if found.case.open:
        return names, _index(codes, _behind(found.case, found.case.open[0].stage))
    if found.case.ended:
        closed = [e["facts"]["stage"] for e in found.entries if e["event"] == "StageClosed"]
        return names, _index(codes, _behind(found.case, closed[-1])) if closed else 0
    return names, len(names)


def _behind(case: Case, stage: str) -> str:
    """The stage of the route to which a case comes back from this one."""
    if stage == "supplement":
        return case.asked_by or ""
    return (case.held_over_in or "") if stage == "held-over" else stage


def _index(codes: list[str], code: str) -> int:
    return codes.index(code) if code in codes else 0


def waiting(found: CaseAt, calendar: Calendar) -> list[dict[str, Any]]:
    """What the case waits for: who has it, since when, until when, and how long that still is (not in the past)."""
    now = found.moment.is_now
    return [
        {
            **waits,
            "stageName": found.name("stage", waits["stage"]),
            "bodyName": found.name("body", waits["body"]),
            "left": working_days_until(calendar.today, date.fromisoformat(waits["dueOn"]), calendar.holidays)
            if now
            else None,
            "overdue": now and date.fromisoformat(waits["dueOn"]) < calendar.today,
            "days": (calendar.today - date.fromisoformat(waits["since"])).days if now else None,
        }
        for waits in found.document["waitingFor"]
    ]


@dataclass(frozen=True, slots=True)
class Judged:
    """A requirement and whether it is met: as `by` said on `on`, else as the rule sees it; None: nobody can say yet."""

    requirement: Requirement
    name: str
    met: bool | None
    by: str | None = None
    on: str | None = None


def requirements(found: CaseAt) -> list[Judged]:
    """The requirements that concern the case, in the programme's order."""
    content, programme = found.case.content, found.programme
    concerned = {r.code for each in CONSEQUENCES for r in applicable(content, programme, each)}
    return [_judged(found, r) for r in programme.requirements if r.code in concerned]


def _judged(found: CaseAt, requirement: Requirement) -> Judged:
    name = found.name("requirement", requirement.code)
    for review in reversed(found.document["reviews"]):
        if requirement.code in review["assessments"]:
            met = bool(review["assessments"][requirement.code])
            return Judged(requirement, name, met, found.name("body", review["body"]), review["effectiveOn"])
    if requirement.function == "judged_by_the_reviewer":
        return Judged(requirement, name, None)
    objects = FUNCTIONS[requirement.function](found.case.content, found.programme, requirement)
    return Judged(requirement, name, not objects)


def money_of(found: CaseAt) -> dict[str, Any]:
    """What is asked, what others bring by status, and how many of their euros come with one that is asked."""
    content = found.document["content"]
    by_status = {status: Decimal(0) for status in ("own", "granted", "promised")}
    for part in content["cofinancing"]:
        by_status[part["status"]] = by_status.get(part["status"], Decimal(0)) + Decimal(part["amount"])
    requested, others = Decimal(content["requested"]), cofinancing_total(found.case.content)
    # Rounded down, so that too little never looks enough.
    multiplier = (others / requested).quantize(Decimal("0.01"), ROUND_DOWN) if requested else None
    least = next((r.minimum or Decimal(1) for r in found.programme.requirements if _is_multiplier(r)), None)
    return {
        "requested": requested,
        "byStatus": by_status,
        "others": others,
        "total": requested + others,
        "multiplier": multiplier,
        "least": least,
        "enough": least is None or others >= requested * least,
    }


def _is_multiplier(requirement: Requirement) -> bool:
    return requirement.function == "multiplier_at_least"


def judgements(found: CaseAt) -> list[dict[str, Any]]:
    """Every check, advice and decision, oldest first, with the legal capacity in which it was given."""
    capacities: dict[tuple[str, str], str] = {}
    told_: list[dict[str, Any]] = []
    for entry in found.entries:
        facts = entry["facts"]
        if entry["event"] == "StageOpened":
            capacities[facts["stage"], facts["body"]] = facts["capacity"]
        elif entry["event"] in JUDGEMENTS:
            outcome = facts[JUDGEMENTS[entry["event"]]]
            told_.append(
                {
                    **facts,
                    "event": entry["event"],
                    "judgement": outcome,
                    "tone": TONES.get(outcome, "neutral"),
                    "bodyName": found.name("body", facts["body"]),
                    "stageName": found.name("stage", facts["stage"]),
                    "legal": capacities.get((facts["stage"], facts["body"]), ""),
                    "on": entry["effectiveOn"],
                    "by": acted_by(found, entry),
                    "words": facts.get("grounds") or facts.get("remarks"),
                    "secret": secret(entry["confidentiality"]),
                    "position": entry["position"],
                }
            )
    return told_


def revisions(found: CaseAt) -> list[dict[str, Any]]:
    """The revisions of the proposal, oldest first: when and by whom each came in, and where in the log that ended."""
    last = {entry["commandId"]: entry["position"] for entry in found.entries}
    return [
        {
            "number": entry["facts"].get("revision", 1),
            "on": entry["effectiveOn"],
            "by": acted_by(found, entry),
            "end": last[entry["commandId"]],
        }
        for entry in found.entries
        if entry["event"] in ("ProposalSubmitted", "ProposalRevised")
    ]


def story(found: CaseAt, since: int = 0) -> list[dict[str, Any]]:
    """What happened, an entry an act, newest first; `since`: only what came after this version of the case."""
    return [
        _act(found, entries)
        for entries in reversed(list(_by_act(found.entries)))
        if entries[-1]["version"] > since
    ]


def _by_act(entries: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    act: list[dict[str, Any]] = []
    for entry in entries:
        if act and act[-1]["commandId"] != entry["commandId"]:
            yield act
            act = []
        act.append(entry)
    if act:
        yield act


def _act(found: CaseAt, entries: list[dict[str, Any]]) -> dict[str, Any]:
    first = entries[0]
    said = [entry for entry in entries if len(entries) == 1 or entry["event"] not in BESIDE] or entries[:1]
    outcome = first["facts"].get(JUDGEMENTS.get(first["event"], ""), "")
    return {
        "on": first["effectiveOn"],
        "recordedAt": first["recordedAt"],
        "title": said[0]["sentence"],
        "more": [entry["sentence"] for entry in said[1:]],
        "words": first["facts"].get("grounds") or first["facts"].get("remarks") or _withheld(first),
        "by": acted_by(found, first),
        "tone": TONES.get(outcome, "neutral"),
        "position": entries[-1]["position"],
    }


def _withheld(entry: Mapping[str, Any]) -> str | None:
    """That the words of an act are confidential, and why, where these may not be read."""
    why = secret(entry["confidentiality"])
    return f"{say('classification.words')} {why}" if why else None


def acted_by(found: CaseAt, entry: Mapping[str, Any]) -> str:
    """Who did something, in which role and for which body, in whose place."""
    name = person_name(entry["by"])
    capacity = entry["capacity"]
    if capacity is None:
        return name
    role = word(capacity["role"])
    if capacity["body"]:
        role = say("cases.role-of", role=role, body=found.name("body", capacity["body"]))
    if capacity["seat"]:
        role = say("cases.seat-for", role=role, municipality=found.name("municipality", capacity["seat"]))
    if capacity["substituteFor"]:
        role = say("cases.substitute", role=role, name=person_name(capacity["substituteFor"]))
    return say("cases.acted-by", name=name, role=role)
