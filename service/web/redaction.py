"""How are words of a case taken away? First they are chosen, then it is shown what goes, and then it is done."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from domain.redaction import GROUNDS
from service import redacting
from service.api.redactions_schema import RedactionSchema
from service.identity.permissions import needs
from service.redacting import CaseText, Preview
from service.web import visit
from service.web.event_words import kind_of
from service.web.forms import OURS, Form, key_sent
from service.web.rendering import day, has_text, page, say, word

__all__ = ["area"]

area = Blueprint("redaction", __name__)

ADDRESS = "/proposals/<case:proposal>/redaction"


@area.get(ADDRESS)
@needs("redact")
def ask(proposal: str) -> Response:
    """Every text of the case, to choose from."""
    return _choice(proposal, Form(RedactionSchema()))


@area.post(ADDRESS)
@needs("redact")
def send(proposal: str) -> AnyResponse:
    """Shows what would go; or takes it away, when that was shown and somebody is sure."""
    typed = {name: values for name, values in request.form.lists() if name not in (*OURS, "go")}
    form = Form(RedactionSchema(), typed)
    form.key = key_sent() or form.key
    sure = request.form.get("go") == "redact"
    # Before anything is said about the form: who may not, hears that.
    redacting.texts(visit.parts(), visit.person(), proposal)
    with form.refusals():
        given = form.load()
        if sure:
            done = redacting.take_away(
                visit.parts(), visit.person(), proposal, given["texts"], given["ground"], given["remarks"],
                once=form.once(), if_match=form.if_match(),
            )  # fmt: skip
            return visit.done(done, url_for("web.cases.show", proposal=proposal), notice="redaction.done")
    if not form.ok and not (sure and form.all("texts")):
        return _choice(proposal, form)
    return _preview(proposal, form, first=not sure and "seen" not in request.args)


def _choice(proposal: str, form: Form) -> Response:
    case, texts = redacting.texts(visit.parts(), visit.person(), proposal)
    groups: dict[int, dict[str, Any]] = {}
    for each in texts:
        group = groups.setdefault(
            each.recorded.position, {"heading": _heading(each), "texts": [], "gone": []}
        )
        if each.text is None:
            group["gone"].append((_where(each), word(each.ground)))
        else:
            group["texts"].append((each.name, f"{_where(each)}: {each.text}"))
    return page(
        "redaction/choose.html",
        form.status,
        form=form,
        groups=list(groups.values()),
        **_about(proposal, case.reference, case.version),
    )


def _preview(proposal: str, form: Form, *, first: bool) -> Response:
    """What would go. What repeats the chosen texts is chosen too when this is first shown."""
    parts, person = visit.parts(), visit.person()
    case, _ = redacting.texts(parts, person, proposal)
    found = redacting.preview(parts, person, proposal, form.all("texts"))
    repeats = list(found.repeats)
    if first and repeats:
        form.values["texts"] = [*form.all("texts"), *(each.name for each in repeats)]
        found = redacting.preview(parts, person, proposal, form.all("texts"))
    return page(
        "redaction/preview.html",
        form.status,
        form=form,
        texts=[(each.name, f"{_heading(each)}, {_where(each).lower()}", each.text) for each in found.texts],
        repeats=[
            (each.name, f"{_heading(each)}, {_where(each).lower()}", each.text) for each in found.repeats
        ],
        also=_also(found),
        ground=word(form.value("ground")),
        **_about(proposal, case.reference, case.version),
    )


def _about(proposal: str, reference: str, version: int) -> dict[str, Any]:
    return {
        "reference": reference,
        "version": version,
        "grounds": [(code, word(code)[:1].upper() + word(code)[1:]) for code in GROUNDS],
        "case_address": url_for("web.cases.show", proposal=proposal),
        "address": url_for("web.redaction.ask", proposal=proposal),
    }


def _also(found: Preview) -> list[str]:
    """What goes along, in words."""
    along = found.along
    counts = {
        "letters": len(along.letters),
        "newsletters": len(along.newsletters),
        "written": len(along.written),
        "drafts": len(along.drafts),
        "mails": len(along.mails),
    }
    return [say(f"redaction.also-{name}", count=count) for name, count in counts.items() if count]


def _heading(text: CaseText) -> str:
    return say("redaction.of-event", what=kind_of(text.recorded.name), on=day(text.recorded.effective_on))


def _where(text: CaseText) -> str:
    """Which text of its event it is: `content.goals.0` is the first of the goals."""
    steps = text.path.split(".")
    name = next((step for step in reversed(steps) if not step.isdigit()), "").replace("_", "-")
    numbers = [int(step) + 1 for step in steps if step.isdigit()]
    key = f"redaction.text-{name}"
    called = say(key) if has_text(key) else name
    return f"{called} {numbers[0]}" if numbers else called
