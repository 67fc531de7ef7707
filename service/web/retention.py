"""Of which cases do the words have to go? The report before it, doing what it says, and the report after it."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, Response, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from service import retaining
from service.api.fields import Text
from service.api.retention import RetentionQuery
from service.identity.permissions import check, may, needs
from service.retaining import Line, Outcome, Report
from service.web import visit
from service.web.forms import OURS, Form
from service.web.linking import address_of
from service.web.naming import name_of, names, programmes_in_force
from service.web.rendering import page, say

__all__ = ["area"]

area = Blueprint("retention", __name__)

AT_ONCE = 100
"""Cases on the page, which go in one request; the next come when these are done. The file and the command have all."""


class ReportSchema(RetentionQuery):
    """The report that somebody has read, as a file has it."""

    report = Text(900_000, lines=True, required=True)


@area.get("/retention")
@needs("read-retention")
def index() -> Response:
    """The report: what would go now, or on a day to come."""
    return _shown(Form(RetentionQuery(), _in_address()))


@area.get("/retention.csv")
@needs("read-retention")
def as_file() -> Response:
    """The same as a file, which the command takes too."""
    found, _ = _report(Form(RetentionQuery(), _in_address()), None)
    response = Response(retaining.as_csv(found.lines, Line), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="retention.csv"'
    return response


@area.post("/retention")
@needs("apply-retention")
def apply() -> AnyResponse:
    """Does what the report says that was on the page, and nothing else; then says what was done."""
    check(visit.person(), "apply-retention")
    typed = {name: values for name, values in request.form.lists() if name not in OURS}
    form = Form(ReportSchema(), typed)
    done: list[Outcome] = []
    with form.refusals():
        lines = retaining.from_csv(form.load()["report"])
        done += retaining.apply(visit.parts(), visit.person(), lines)
    if not form.ok:
        again = Form(RetentionQuery())
        again.status, again.message = form.status, form.message or say("retention.nothing-sent")
        return _shown(again)
    return page(
        "retention/done.html",
        done=done,
        report=retaining.as_csv(done, Outcome),
        again=url_for("web.retention.index"),
    )


def _report(form: Form, most: int | None) -> tuple[Report, date]:
    """The report that is asked for, and of which day it is; an empty one when that cannot be asked."""
    on = visit.parts().calendar().today
    found = Report([])
    refused = form.message, form.status
    with form.refusals():
        given = form.load()
        on = given["on"] or on
        found = retaining.report(visit.parts(), visit.person(), on, given["programme"], most)
    if refused[0]:
        form.message, form.status = refused
    return found, on


def _shown(form: Form) -> Response:
    found, on = _report(form, AT_ONCE)
    lines = found.lines
    parts, person = visit.parts(), visit.person()
    programmes = [(each.code, name_of(each.name), each.retention) for each in programmes_in_force(parts)]
    form.stands_as("retention")
    return page(
        "retention/index.html",
        form.status,
        form=form,
        lines=lines,
        more=found.more,
        on=on.isoformat(),
        report=retaining.as_csv(lines, Line),
        sums={name: sum(getattr(line, name) for line in lines) for name in ("texts", "names", "letters")},
        names=names(parts),
        programmes=programmes,
        choices=[(code, name) for code, name, _ in programmes],
        csv=address_of(
            "web.retention.as_file", **{name: values[0] for name, values in _in_address().items()}
        ),
        acts=may(person, "apply-retention") and on <= parts.calendar().today,
        cases=may(person, "read-cases"),
    )


def _in_address() -> dict[str, list[str]]:
    known = RetentionQuery().fields
    return {name: values[:1] for name, values in request.args.lists() if name in known and values[0].strip()}
