"""Which programmes are there, what do they say, and how does a new version come into force? In plain words."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, Response, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from domain.definition_fields import DefinitionErrors, Problem
from domain.programme import Programme
from domain.requirements import CONSEQUENCES, MINIMUM_IS_WHOLE
from service import publishing, reading
from service.api.fields import Given, Text
from service.errors import Missing
from service.identity.permissions import check, needs
from service.programmes import read_bytes
from service.published import latest, versions
from service.web import visit
from service.web.forms import Form
from service.web.naming import name_of, programmes_in_force
from service.web.programme_differences import Difference, differences
from service.web.programme_form import NewVersionSchema, content_of, next_version
from service.web.rendering import page, say

area = Blueprint("programme_pages", __name__)

MOST_IN_FILE = 300_000
"""Characters of a definition: a programme for 342 municipalities has some 40,000."""
MORE_ROWS = 2
"""Empty rows under a list in the form."""


class DefinitionTextSchema(Given):
    definition = Text(MOST_IN_FILE, lines=True, required=True)
    file = Text(200, load_default=None)


@area.get("/programmes")
@needs("read-programmes")
def index() -> Response:
    """The programmes, with what is in force of each."""
    parts = visit.parts()
    found = programmes_in_force(parts)
    with parts.pool.connection() as connection:
        published = {each["code"]: each["versions"] for each in reading.programmes(connection)}
    today = parts.calendar().today
    return page(
        "programme_pages/index.html",
        programmes=[
            {
                "programme": each,
                "since": _published_on(published.get(each.code, []), each.version),
                "tender": each.tender_on(today),
                "next": _next_opening(each, today),
            }
            for each in found
        ],
        name=name_of,
    )


@area.get("/programmes/<code:code>")
@needs("read-programmes")
def show(code: str) -> Response:
    """A programme in plain words, as it is in force or as an earlier version said it."""
    known = _known(code)
    number = _version("version", known, len(known))
    programme = known[number - 1]
    with visit.parts().pool.connection() as connection:
        document = reading.programme(connection, code)
    published = document["versions"] if document else []
    return page(
        "programme_pages/show.html",
        programme=programme,
        versions=[
            {"number": each.version, "on": _published_on(published, each.version)} for each in reversed(known)
        ],
        in_force=number == len(known),
        since=_published_on(published, number),
        **_explained(programme),
    )


@area.get("/programmes/<code:code>/differences")
@needs("read-programmes")
def compare(code: str) -> Response:
    """What is different between two versions."""
    known = _known(code)
    to = _version("to", known, len(known))
    before = _version("from", known, max(to - 1, 1))
    return page(
        "programme_pages/differences.html",
        programme=known[-1],
        numbers=[each.version for each in known],
        before=before,
        to=to,
        differences=differences(known[before - 1], known[to - 1]),
        name=name_of,
    )


@area.get("/programmes/publication")
@needs("publish")
def ask() -> Response:
    """The form for a definition in a file."""
    check(visit.person(), "publish")
    return _publication(Form(DefinitionTextSchema()), [])


@area.post("/programmes/publication")
@needs("publish")
def publish() -> AnyResponse:
    """Judges a definition from a file, shows what it changes, and publishes it once that is confirmed."""
    person = visit.person()
    check(person, "publish")
    form = Form.sent(DefinitionTextSchema())
    problems: list[Problem] = []
    sent = _sent_file(form)
    programme = None
    with form.refusals():
        if sent is None:
            sent = str(form.load()["definition"]).encode()
        try:
            programme = read_bytes(sent, file=form.value("file") or say("programmes.typed-file"))
        except DefinitionErrors as errors:
            problems = errors.problems
            form.errors["definition"] = say("programmes.file-wrong", count=len(problems))
            form.status = 400
    return _judged(form, programme, problems, url_for("web.programme_pages.publish"))


@area.get("/programmes/<code:code>/new-version")
@needs("publish")
def edit(code: str) -> Response:
    """The form with the parts of a programme that change most."""
    check(visit.person(), "publish")
    programme = _known(code)[-1]
    return _form(Form.holding(NewVersionSchema(), content_of(programme)), programme)


@area.post("/programmes/<code:code>/new-version")
@needs("publish")
def edited(code: str) -> AnyResponse:
    """Judges the form, shows what it changes, and publishes the version once that is confirmed."""
    check(visit.person(), "publish")
    last = _known(code)[-1]
    form = Form.sent(NewVersionSchema())
    programme = None
    with form.refusals():
        programme = next_version(form.load(), last, file=f"{code}-{last.version + 1}.toml")
    return _judged(form, programme, [], url_for("web.programme_pages.edited", code=code), last)


def _judged(
    form: Form,
    programme: Programme | None,
    problems: list[Problem],
    action: str,
    last: Programme | None = None,
) -> AnyResponse:
    """What follows on a definition that was sent: what is wrong with it, its preview, or its publication."""
    parts, person = visit.parts(), visit.person()
    if programme is not None and form.ok:
        with form.refusals():
            if "confirm" in request.args:
                act = publishing.publish(parts, person, programme, form.once())
                to = url_for("web.programme_pages.show", code=programme.code)
                return visit.done(act, to, notice="programmes.published")
            publishing.foresee(parts, person, programme)
    if programme is None or not form.ok or "edit" in request.args:
        return _form(form, last) if last is not None else _publication(form, problems)
    before = latest(parts, programme.code)
    found: list[Difference] | None = differences(before, programme) if before is not None else None
    return page(
        "programme_pages/confirm.html",
        form=form,
        action=action,
        differences=found,
        programme=programme,
        **_explained(programme),
    )


def _publication(form: Form, problems: list[Problem]) -> Response:
    return page("programme_pages/publication.html", form.status, form=form, problems=problems)


def _form(form: Form, programme: Programme) -> Response:
    minimums = {each.code for each in programme.requirements if each.function in MINIMUM_IS_WHOLE}
    return page(
        "programme_pages/edit.html",
        form.status,
        form=form,
        programme=programme,
        bodies={body.code: name_of(body.name) for body in programme.bodies},
        minimums=minimums,
        consequences=[
            (each, say(f"programmes.consequence-{each}"), say(f"programmes.consequence-{each}-means"))
            for each in CONSEQUENCES
        ],
        wrong={".".join(at.split(".")[:2]) for at in form.errors},
        more=MORE_ROWS,
        name=name_of,
    )


def _sent_file(form: Form) -> bytes | None:
    """What is in the file that was sent, if one was: from then on it is text on the page, that can be mended there."""
    given = request.files.get("file")
    if given is None or not given.filename:
        return None
    content: bytes = given.read()
    # What is no text can't be shown; the reader says what is wrong with it.
    form.values["definition"] = [content.decode("utf-8-sig", "replace").replace("\r\n", "\n")]
    form.values["file"] = [given.filename[:200]]
    return content


def _known(code: str) -> tuple[Programme, ...]:
    known = versions(visit.parts(), code)
    if not known:
        raise Missing("programme", code)
    return known


def _version(name: str, known: tuple[Programme, ...], default: int) -> int:
    """The version that the address names; the default where it names none that there is."""
    given = request.args.get(name, "")
    number = int(given) if given.isascii() and given.isdigit() and len(given) < 8 else 0
    return number if 1 <= number <= len(known) else default


def _published_on(published: list[dict[str, Any]], number: int) -> str | None:
    return next((each["publishedOn"] for each in published if each["version"] == number), None)


def _next_opening(programme: Programme, today: date) -> date | None:
    return min((tender.opens for tender in programme.tenders if tender.opens > today), default=None)


def _explained(programme: Programme) -> dict[str, Any]:
    """What the explanation of a programme needs."""
    today = visit.parts().calendar().today
    bodies = {body.code: name_of(body.name) for body in programme.bodies}
    themes = {theme.code: name_of(theme.name) for theme in programme.themes}
    region = [
        (each.name, ", ".join(m.name for m in programme.municipalities if each.code in m.subregions))
        for each in programme.subregions
    ]
    elsewhere = ", ".join(m.name for m in programme.municipalities if not m.subregions)
    within: dict[str | None, list[Any]] = {}
    for theme in programme.themes:
        within.setdefault(theme.parent, []).append(theme)
    return {
        "bodies_of": lambda stage: ", ".join(bodies.get(code, code) for code in stage.bodies),
        "reached": [
            (
                name_of(body.name),
                ", ".join(filter(None, (*body.address, body.email))) or say("programmes.no-address"),
            )
            for body in programme.bodies
            if body.address or body.email or body in programme.unreachable()
        ],
        "also": [
            (
                say(f"preferences.kind-{rule.kind}"),
                [say(f"programmes.relation-{relation}") for relation in rule.to]
                + [say("programmes.notice-members", body=bodies.get(code, code)) for code in rule.bodies],
            )
            for rule in programme.notices
            if rule.to or rule.bodies
        ],
        "themed": lambda codes: ", ".join(themes.get(code, code) for code in codes),
        "within": within,
        "places": [*region, *([(say("programmes.no-subregion"), elsewhere)] if elsewhere else [])],
        "tenders": [each for each in programme.tenders if each.closes >= today],
        "closed": [each for each in programme.tenders if each.closes < today],
        "today": today,
        "name": name_of,
    }
