"""How does somebody act on a case? A form an act, beside what the case is about, that says what it will record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from flask import Blueprint, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from domain.recorded import Recorded
from domain.working_days import add_working_days
from projections.view import Document
from service import commands, figures
from service.api.sentences import told
from service.commands import CaseCommand, Foreseen
from service.identity.permissions import check, may, needs
from service.web import visit
from service.web.acts import ACTS, Act, Possible, possible
from service.web.case_facts import CaseAt, Judged, case_at, requirements, story
from service.web.cases import shown, told_act
from service.web.filling import fill
from service.web.forms import Form
from service.web.levels import level_options
from service.web.rendering import has_text, page, say

__all__ = ["area", "fields_of", "foreseen_in_words", "prepared", "sentences_for"]

area = Blueprint("acting", __name__)

PATH = f"/proposals/<case:proposal>/acts/<any({','.join(ACTS)}):act>"
MOST_SENTENCES = 9
ROWS = {"add-condition": "conditions", "add-phase": "phases"}
"""The buttons that add a row, and the list it is added to."""


@area.get(PATH, endpoint="ask")
@needs("completeness", "review", "decide", "award", "resume")
def ask(proposal: str, act: str) -> AnyResponse:
    """The form of an act, or why it is not its turn."""
    this, found = ACTS[act], _found(proposal)
    here = _turn(this, found)
    return _asked(this, found, here, Form.holding(this.schema(), _initial(this, found)))


@area.post(PATH, endpoint="do")
@needs("completeness", "review", "decide", "award", "resume")
def do(proposal: str, act: str) -> AnyResponse:
    """Records the act, or shows what it would record; what is refused is said, and everything typed stays."""
    this = ACTS[act]
    form = Form.sent(this.schema())
    wish = prepared(form)
    if wish in ("", "preview"):
        seen = form.if_match()
        with form.refusals():
            command = this.command(form.load(), _on(form))
            if wish == "":
                done = commands.act(
                    visit.parts(), visit.person(), proposal, command, once=form.once(), if_match=seen
                )
            else:
                foreseen = commands.foresee(visit.parts(), visit.person(), proposal, command, seen)
        if form.ok and wish == "":
            return visit.done(done, url_for("web.cases.show", proposal=proposal), notice=f"acting.done-{act}")
    found = _found(proposal)
    here = _turn(this, found)
    words = foreseen_in_words(found, foreseen, command) if form.ok and wish == "preview" else None
    if "HX-Request" in request.headers and wish == "preview":
        chosen = not this.judgement or form.value(this.judgement)
        return page("acting/_preview.html", foreseen=words, needs=_said_wrong(form) if chosen else [])
    return _asked(this, found, here, form, words)


def _said_wrong(form: Form) -> list[str]:
    """All that is refused so far, each sentence once."""
    return list(dict.fromkeys([*([form.message] if form.message else []), *form.errors.values()]))


def prepared(form: Form) -> str:
    """Which button was pressed; what that changes in the form has been done: a row more, or a standard sentence.

    The wish is empty to record, `preview` to see first what would be recorded, and anything else to go on typing.
    """
    wish = (form.values.pop("do", None) or [""])[0]
    if wish in ROWS:
        name = ROWS[wish]
        row = max(form.rows(name, 0), default=-1) + 1
        form.values[f"{name}.{row}.amount" if name == "phases" else f"{name}.{row}"] = [""]
    elif wish.startswith("say-") and has_text(f"grounds.{wish[4:]}"):
        field = "remarks" if "remarks" in form.schema.fields else "grounds"
        before = form.value(field).rstrip()
        form.values[field] = [
            f"{before}\n\n{say(f'grounds.{wish[4:]}')}" if before else say(f"grounds.{wish[4:]}")
        ]
    return wish if wish in ("", "preview") else "more"


def fields_of(act: Act, kind: str) -> dict[str, Any]:
    """What the fields of a judgement offer: its outcomes, each with what follows from it, and standard sentences."""
    outcomes = [each for each in act.outcomes if (kind, each) != ("ratification", "held-over")]
    return {
        "act": act,
        "outcomes": [
            (each, say(f"acting.{act.name}-{each}"), say(f"acting.{act.name}-{each}-what"))
            for each in outcomes
        ],
        "sentences": [(each, sentences) for each in outcomes if (sentences := sentences_for(act.name, each))],
        "words": "remarks" if "remarks" in act.schema().fields else "grounds",
        **level_options(),
    }


def sentences_for(act: str, outcome: str) -> list[tuple[str, str]]:
    """The standard sentences for an outcome: the key of each, and what it says."""
    keys = [f"{act}-{outcome}-{number}" for number in range(1, MOST_SENTENCES + 1)]
    return [(key, say(f"grounds.{key}")) for key in keys if has_text(f"grounds.{key}")]


@dataclass(frozen=True, slots=True)
class InWords:
    """What will be recorded: a sentence an event, in which capacity, when it counts, and the words that go with it."""

    sentences: Sequence[str]
    by: str
    on: date
    words: str
    conditions: Sequence[str]


def foreseen_in_words(found: CaseAt, foreseen: Foreseen, command: CaseCommand) -> InWords:
    """What an act would record, in words: of the very events that it would record."""
    person = visit.person()
    history = [
        Recorded(
            0, found.document["id"], 0, datetime.now(UTC), command.effective_on, person.id, foreseen.capacity,
            "", None, event,
        )
        for event in foreseen.events
    ]  # fmt: skip
    words: str = getattr(command, "grounds", "") or getattr(command, "remarks", "")
    return InWords(
        [entry["sentence"] for entry in told(history, visit.language(), found.called)],
        person.name,
        command.effective_on,
        words,
        getattr(command, "conditions", ()),
    )


def _found(proposal: str) -> CaseAt:
    with visit.parts().pool.connection() as connection:
        return case_at(visit.parts(), visit.person(), connection, proposal)


def _on(form: Form) -> date:
    """The date it counts: today, when nobody says otherwise. Called when the form has been judged."""
    given = form.value("effectiveOn").strip()
    return date.fromisoformat(given) if given else visit.parts().calendar().today


def _turn(act: Act, found: CaseAt) -> Possible | None:
    """In whose turn this person does it; None when it is not its turn. Raises Forbidden for who may never do it."""
    person, document = visit.person(), found.document
    owner = document["owner"]["id"]
    mine = [each for each in possible(person, document) if each.act is act]
    wanted = request.values.get("body")
    if mine:
        return next((each for each in mine if each.waits["body"] == wanted), mine[0])
    waiting = [waits["body"] for waits in document["waitingFor"] if waits["kind"] in act.kinds]
    bodies = [body for stage in found.programme.stages if stage.kind in act.kinds for body in stage.bodies]
    if not any(may(person, act.name, owner=owner, body=body) for body in [*bodies, None]):
        check(person, act.name, owner=owner, body=next(iter([*waiting, *bodies]), None))
    return None


def _initial(act: Act, found: CaseAt) -> Document:
    """What the form begins with."""
    if act.name == "award":
        envelopes = _envelopes(found)
        code = envelopes[0]["code"] if len(envelopes) == 1 else None
        return {"envelope": code, "amount": found.document["content"]["requested"]}
    if act.name == "review":
        seen = {each.requirement.code: each.met for each in _to_assess(found) if each.met is not None}
        return {"assessments": seen}
    return {}


def _to_assess(found: CaseAt) -> list[Judged]:
    """The requirements that are left to the reviewer."""
    return [each for each in requirements(found) if each.requirement.consequence == "assessed"]


def _envelopes(found: CaseAt) -> list[Document]:
    """The envelopes that this case may have money from."""
    with visit.parts().pool.connection() as connection:
        open_ = figures.budgets(connection)
        own = [each for each in open_ if each["programme"] in (None, found.document["programme"])]
        return fill(own, connection, visit.scope())


def _asked(
    act: Act, found: CaseAt, here: Possible | None, form: Form, foreseen: InWords | None = None
) -> AnyResponse:
    document = found.document
    seen = form.if_match() if request.method == "POST" else None
    stale = form.status == 412 and seen is not None
    if stale:
        form.message = say("acting.stale")
    elif here is None and form.status == 409:
        form.message = say("acting.out-of-turn")
    kind = here.waits["kind"] if here is not None else act.kinds[0]
    stage = here.waits["stage"] if here is not None else ""
    today = visit.parts().calendar()
    facts: dict[str, Any] = {}
    if act.name == "award":
        facts["envelopes"] = [
            (
                each["code"],
                say("acting.envelope", name=each["name"] or each["code"], left=Decimal(each["left"])),
            )
            for each in _envelopes(found)
        ]
    if act.name == "review":
        facts["criteria"] = [c for of in found.programme.stages if of.code == stage for c in of.criteria]
        facts["to_assess"] = _to_assess(found)
    if act.name == "completeness":
        facts["blocking"] = [
            each for each in requirements(found)
            if each.requirement.consequence == "blocks-review" and not each.met
        ]  # fmt: skip
        facts["due"] = add_working_days(today.today, found.programme.term, today.holidays)
    return page(
        "acting/ask.html",
        form.status,
        **shown(found),
        **fields_of(act, kind),
        **facts,
        form=form,
        here=here,
        foreseen=foreseen,
        changed=[told_act(each) for each in story(found, since=seen)] if stale and seen is not None else [],
        body=here.waits["body"] if here is not None and here.member else None,
        earliest=document["lastEffectiveOn"],
    )
