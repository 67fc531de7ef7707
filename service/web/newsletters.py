"""What do the councils get to read? The desk where a newsletter is drafted, edited and approved, and the archive."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from markupsafe import Markup
from marshmallow import ValidationError
from werkzeug.wrappers import Response as AnyResponse

from domain.errors import Refused
from projections.view import Document
from service.api.newsletters import (
    AddressLinesSchema,
    NewsletterContentSchema,
    NewsletterPeriodSchema,
    content_in,
    municipalities,
)
from service.documents import councils, edition, newsletters, period
from service.documents.blocks import as_html
from service.documents.councils import Address
from service.documents.edition import Told
from service.documents.newsletters import Newsletter
from service.errors import Missing, Stale
from service.identity import people
from service.identity.permissions import check, may, needs
from service.messaging.mail import layout
from service.texts import DEFAULT, LANGUAGES
from service.web import visit
from service.web.asking_first import ask_first
from service.web.filling import fill
from service.web.forms import Form
from service.web.naming import name_of, names, programmes_in_force
from service.web.rendering import has_text, money, number, page, ratio, say

area = Blueprint("newsletters", __name__)

CHOICE = ("municipality", "language")
"""What a preview is of."""


@area.get("/newsletters")
@needs("read-newsletters")
def index() -> Response:
    """The drafts, for who makes them, and everything that was sent."""
    editor = may(visit.person(), "newsletter")
    with visit.parts().pool.connection() as connection:
        sent = newsletters.listed(connection, approved=True)
        drafts = newsletters.listed(connection, approved=False) if editor else []
        counts = {
            each.id: newsletters.sent(connection, each.id)[""]
            for each in sent
            if may(visit.person(), "read-deliveries")
        }
    return page(
        "newsletters/index.html",
        editor=editor,
        drafts=drafts,
        sent=sent,
        counts=counts,
        titled=titled,
        by=_people(drafts),
    )


@area.get("/newsletters/new")
@needs("newsletter")
def ask() -> Response:
    """On which programme and which period? The last quarter, unless somebody says otherwise."""
    check(visit.person(), "newsletter")
    today = visit.parts().calendar().today
    first, last = newsletters.last_quarter(today)
    month = today.replace(day=1) - timedelta(days=1)
    known = programmes_in_force(visit.parts())
    usual = {
        "programme": known[0].code if len(known) == 1 else "",
        "firstDay": first.isoformat(),
        "lastDay": last.isoformat(),
    }
    given = {name: value for name, value in request.args.items() if name in usual}
    suggested = [
        (edition.period_name(*days, visit.language()), *days)
        for days in ((first, last), (month.replace(day=1), month), (last + timedelta(days=1), today))
    ]
    form = Form.holding(NewsletterPeriodSchema(), {**usual, **given})
    return _period(form, suggested)


@area.post("/newsletters/new")
@needs("newsletter")
def create() -> AnyResponse:
    """Draws a draft from the log."""
    check(visit.person(), "newsletter")
    form = Form.sent(NewsletterPeriodSchema())
    with form.refusals():
        given = form.load()
        made = newsletters.create(
            visit.parts(), visit.person(), given["programme"], given["first_day"], given["last_day"]
        )
    if not form.ok:
        return _period(form, [])
    return redirect(url_for("web.newsletters.show", newsletter=made.id), 303)


@area.get("/newsletters/addresses")
@needs("newsletter")
def addresses() -> Response:
    """To which addresses do the councils get their newsletter?"""
    check(visit.person(), "newsletter")
    return _addresses(Form(AddressLinesSchema()))


@area.post("/newsletters/addresses")
@needs("newsletter")
def add_addresses() -> AnyResponse:
    """Takes the lines that are right; the others stay in the form."""
    check(visit.person(), "newsletter")
    form = Form.sent(AddressLinesSchema())
    with form.refusals():
        pasted = str(form.load()["lines"])
        lines, wrong = councils.read_lines(pasted, councils.known(municipalities(visit.parts()).items()))
        with visit.parts().pool.connection() as connection, connection.transaction():
            for line in lines:
                councils.add(connection, line.municipality, line.email, line.language)
        if wrong:
            form.status = 400
            # Only these lines are left in the field, so they are counted from there.
            form.errors["lines"] = " ".join(
                say(f"newsletters.line-{each.code}", number=place, said=each.said)
                for place, each in enumerate(wrong, 1)
            )
            pasted_lines = pasted.splitlines()
            form.values["lines"] = ["\n".join(pasted_lines[each.number - 1] for each in wrong)]
            if lines:
                form.message = say("newsletters.lines-taken", count=len(lines))
    if not form.ok:
        return _addresses(form)
    return visit.kept(url_for("web.newsletters.addresses"), "newsletters.addresses-added")


@area.get("/newsletters/addresses/<address:address>/remove")
@needs("newsletter")
def ask_remove_address(address: str) -> Response:
    """Is nothing to go to this address any more?"""
    check(visit.person(), "newsletter")
    with visit.parts().pool.connection() as connection:
        found = councils.address(connection, address)
    if found is None:
        raise Missing("address", address)
    title, back = say("newsletters.remove-address-title"), url_for("web.newsletters.addresses")
    return ask_first(
        title, say("newsletters.remove-address-what", email=found.email), say("newsletters.remove"),
        crumbs=[(say("newsletters.addresses-title"), back), (title, None)],
        back=back, keep=say("newsletters.keep-address"),
    )  # fmt: skip


@area.post("/newsletters/addresses/<address:address>/remove")
@needs("newsletter")
def remove_address(address: str) -> AnyResponse:
    """Nothing goes to it any more."""
    check(visit.person(), "newsletter")
    with visit.parts().pool.connection() as connection:
        if not councils.remove(connection, address):
            raise Missing("address", address)
    return visit.kept(url_for("web.newsletters.addresses"), "newsletters.address-removed")


@area.post("/newsletters/addresses/<address:address>/again")
@needs("newsletter")
def mail_again(address: str) -> AnyResponse:
    """It is mailed again, whether it unsubscribed or refused mail."""
    check(visit.person(), "newsletter")
    with visit.parts().pool.connection() as connection:
        if not councils.put_back(connection, address):
            raise Missing("address", address)
    return visit.kept(url_for("web.newsletters.addresses"), "newsletters.address-put-back")


@area.get("/newsletters/<newsletter:newsletter>")
@needs("read-newsletters")
def show(newsletter: str) -> Response:
    """A draft, to edit it; or what was sent, with its editions."""
    found = _found(newsletter)
    if found.state == "approved":
        return _sent(found)
    return _draft(found)


@area.post("/newsletters/<newsletter:newsletter>")
@needs("newsletter")
def change(newsletter: str) -> AnyResponse:
    """Keeps what was written; then draws the figures anew, or goes on to the approval, for who asks that."""
    check(visit.person(), "newsletter")
    _found(newsletter)
    parts, person = visit.parts(), visit.person()
    form = _typed()
    do = request.form.get("do")
    meanwhile = False
    with form.refusals():
        content = content_in(form.load())
        try:
            saved = newsletters.change(parts, person, newsletter, form.if_match(), content)
            if do == "draw":
                newsletters.draw_again(parts, person, newsletter, saved.version)
        except Stale:
            meanwhile = True
            raise
    if form.ok and do == "approve":
        return redirect(url_for("web.newsletters.ask_approval", newsletter=newsletter), 303)
    if form.ok:
        choice: dict[str, Any] = {**_choice()}
        to = url_for("web.newsletters.show", newsletter=newsletter, **choice)
        return visit.kept(to, "newsletters.drawn-again" if do == "draw" else "newsletters.saved")
    found = _found(newsletter)
    return _sent(found, form) if found.state == "approved" else _draft(found, form, meanwhile)


@area.post("/newsletters/<newsletter:newsletter>/preview")
@needs("newsletter")
def preview(newsletter: str) -> AnyResponse:
    """The edition as it would be with what is typed now."""
    check(visit.person(), "newsletter")
    found = _found(newsletter)
    try:
        made = newsletters.told_as(visit.parts(), found, content_in(_typed().load()))
    except (ValidationError, Refused):
        # What is wrong is said when it is saved; until then the last preview stands.
        return Response(status=204)
    return page("newsletters/_preview.html", **_previewed(made))


@area.get("/newsletters/<newsletter:newsletter>/approve")
@needs("newsletter")
def ask_approval(newsletter: str) -> AnyResponse:
    """To how many addresses of whom will it go?"""
    check(visit.person(), "newsletter")
    return _approval(_found(newsletter), Form(NewsletterContentSchema()))


@area.post("/newsletters/<newsletter:newsletter>/approve")
@needs("newsletter")
def approve(newsletter: str) -> AnyResponse:
    """Approves it: every edition is kept, and goes out."""
    check(visit.person(), "newsletter")
    found = _found(newsletter)
    form = Form.sent(NewsletterContentSchema())
    with form.refusals():
        done = newsletters.approve(visit.parts(), visit.person(), newsletter, form.once(), form.if_match())
    if not form.ok:
        return _approval(found, form)
    to = url_for("web.newsletters.show", newsletter=newsletter)
    return visit.done(done, to, "newsletters.approved")


@area.get("/newsletters/<newsletter:newsletter>/remove")
@needs("newsletter")
def ask_removal(newsletter: str) -> AnyResponse:
    """Is this draft to be thrown away?"""
    check(visit.person(), "newsletter")
    return _removal(_found(newsletter), Form(NewsletterContentSchema()))


@area.post("/newsletters/<newsletter:newsletter>/remove")
@needs("newsletter")
def remove(newsletter: str) -> AnyResponse:
    """Throws a draft away."""
    check(visit.person(), "newsletter")
    found = _found(newsletter)
    form = Form.sent(NewsletterContentSchema())
    with form.refusals():
        newsletters.remove(visit.parts(), visit.person(), newsletter, form.if_match())
    if not form.ok:
        return _removal(found, form)
    return visit.kept(url_for("web.newsletters.index"), "newsletters.removed")


@area.get("/newsletters/<newsletter:newsletter>/editions/<municipality:municipality>")
@needs("read-newsletters")
def read_edition(newsletter: str, municipality: str) -> Response:
    """An edition as it was sent, or as it would be now: the page that is in the mail."""
    found = _found(newsletter)
    language = _choice()["language"]
    if found.state == "approved":
        html = _kept(found, municipality)[1].languages[language].html
    else:
        made = newsletters.told(visit.parts(), found)
        if municipality not in {each.code for each in made.programme.municipalities}:
            raise Missing("municipality", municipality)
        html = newsletters.edition_now(made, municipality, language).html
    response = Response(html, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = layout.policy(html)
    response.headers["Content-Language"] = language
    return response


@area.get("/newsletters/<newsletter:newsletter>/editions/<municipality:municipality>/file")
@needs("read-newsletters")
def read_file(newsletter: str, municipality: str) -> Response:
    """Exactly what was kept of an edition: whoever takes its SHA-256 finds the one in the log."""
    kept, _ = _kept(_found(newsletter), municipality)
    response = Response(kept, content_type="application/json")
    name = f"{newsletter}-{municipality}.json"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def titled(newsletter: Newsletter) -> str:
    """What a newsletter is called in a list: its programme and its period."""
    days = edition.period_name(newsletter.first_day, newsletter.last_day, visit.language())
    return f"{names(visit.parts()).programme(newsletter.programme)}, {days}"


def _found(id: str) -> Newsletter:
    with visit.parts().pool.connection() as connection:
        found = newsletters.get(connection, id)
    if found is None or not newsletters.may_read(visit.person(), found):
        raise Missing("newsletter", id)
    return found


def _kept(newsletter: Newsletter, municipality: str) -> tuple[bytes, newsletters.Kept]:
    with visit.parts().pool.connection() as connection:
        found = newsletters.edition_of(connection, newsletter.id, municipality)
    if found is None:
        raise Missing("municipality", municipality)
    return found


def _choice() -> dict[str, str]:
    """Which edition somebody wants to see: of which municipality, in which language."""
    # A form carries what was shown; what was chosen since comes behind it.
    given = {name: (request.values.getlist(name) or [""])[-1] for name in CHOICE}
    known = municipalities(visit.parts())
    return {
        "municipality": given["municipality"] if given["municipality"] in known else min(known, key=known.__getitem__),
        "language": given["language"] if given["language"] in LANGUAGES else DEFAULT,
    }  # fmt: skip


def _typed() -> Form:
    """What was written; which edition is shown, and what to do with it, is no part of that."""
    form = Form.sent(NewsletterContentSchema())
    for name in (*CHOICE, "do"):
        form.values.pop(name, None)
    return form


def _people(drafts: list[Newsletter]) -> Mapping[str, str]:
    """The names of who changed these last, by id."""
    with visit.parts().pool.connection() as connection:
        return people.names(connection, {each.changed_by for each in drafts})


def _period(form: Form, suggested: list[Any]) -> Response:
    programmes = [(each.code, name_of(each.name)) for each in programmes_in_force(visit.parts())]
    return page("newsletters/new.html", form.status, form=form, programmes=programmes, suggested=suggested)


def _addresses(form: Form) -> Response:
    known = municipalities(visit.parts())
    with visit.parts().pool.connection() as connection:
        found = councils.by_municipality(connection)
    # What a programme does not know any more is shown all the same: nothing goes to it unseen.
    codes = sorted({*known, *found}, key=lambda code: known.get(code, code))
    rows = [(known.get(code, code), code, found.get(code, [])) for code in codes]
    return page("newsletters/addresses.html", form.status, form=form, rows=rows)


def _holding(drafted: dict[str, Any]) -> Form:
    """The form with every word as it is now."""
    items = [
        {**{name: each[name] for name in ("proposal", "text", "leaveOut")}, "place": place}
        for place, each in enumerate(drafted["items"], 1)
    ]
    return Form.holding(NewsletterContentSchema(), {**drafted, "items": items})


def _draft(newsletter: Newsletter, form: Form | None = None, meanwhile: bool = False) -> Response:
    """The page of a draft; without a form, with one that holds every word as it is now."""
    parts = visit.parts()
    drafted = newsletters.as_drafted(parts, newsletter)
    form = form or _holding(drafted)
    projects: dict[str, Document] = {each["proposal"]: each["project"] for each in drafted["items"]}
    rows, lost = [], []
    for row in form.rows("items", 0):
        id = form.value(f"items.{row}.proposal")
        if id in projects:
            rows.append((row, projects[id]))
        elif form.value(f"items.{row}.text"):
            lost.append(form.value(f"items.{row}.text"))
    written = {project["proposal"] for _, project in rows}
    for each in drafted["items"]:
        if each["proposal"] not in written:
            row = max((number for number, _ in rows), default=-1) + 1
            form.values[f"items.{row}.proposal"] = [each["proposal"]]
            form.values[f"items.{row}.text"] = [each["text"]]
            form.values[f"items.{row}.place"] = [str(row + 1)]
            rows.append((row, projects[each["proposal"]]))
    now = _drawn_now(newsletter)
    return page(
        "newsletters/draft.html",
        form.status,
        newsletter=newsletter,
        heading=titled(newsletter),
        form=form,
        rows=rows,
        lost=lost,
        saved=drafted if meanwhile else None,
        by=_people([newsletter]).get(newsletter.changed_by),
        differences=_differences(newsletter, now),
        **_previewed(newsletters.told(parts, newsletter)),
    )


def _previewed(made: Told) -> dict[str, Any]:
    """An edition within a page: below two levels of headings."""
    choice = _choice()
    code, language = choice["municipality"], choice["language"]
    blocks = [*edition.blocks(made, code, language), *edition.footer(made, language)]
    return {
        "choice": choice,
        "places": sorted(((each.code, each.name) for each in made.programme.municipalities), key=lambda each: each[1]),
        "languages": [(each, say(f"newsletters.language-{each}")) for each in LANGUAGES],
        "subject": edition.subject(made, code, language),
        "edition": Markup(as_html(blocks, below=2)),
    }  # fmt: skip


def _differences(newsletter: Newsletter, now: Document) -> list[str]:
    """What would be otherwise if the figures were drawn now, in words."""
    if now == newsletter.figures:
        return []
    with visit.parts().pool.connection() as connection:
        found = period.differences(*fill([newsletter.figures, now], connection, visit.scope()))
    said = [
        say("newsletters.differs", what=_figure(place), before=_value(place, before), after=_value(place, after))
        for place, before, after in found.figures
    ]  # fmt: skip
    for key, projects in (("added", found.added), ("gone", found.gone), ("changed", found.changed)):
        said += [
            say(f"newsletters.differs-{key}", reference=each["reference"], title=each["title"] or "")
            for each in projects
        ]
    return said


def _figure(place: str) -> str:
    """What a figure is called, by its place."""
    group, _, rest = place.partition("/")
    name, _, code = rest.partition("/")
    if group == "decided":
        return say("newsletters.figure-decided", outcome=name)
    key = f"newsletters.figure-{group}-{name}".rstrip("-").lower()
    return say(key, code=code) if has_text(key) else place


def _value(place: str, value: Any) -> str:
    if value is None:
        return "0" if place.startswith("decided/") else "–"
    if isinstance(value, int):
        return number(value)
    return ratio(value) if place.endswith("/multiplier") else money(value)


def _sent(newsletter: Newsletter, form: Form | None = None) -> Response:
    parts = visit.parts()
    known = municipalities(parts)
    with parts.pool.connection() as connection:
        kept = newsletters.editions(connection, newsletter.id)
        counts = (
            newsletters.sent(connection, newsletter.id) if may(visit.person(), "read-deliveries") else None
        )
    rows = sorted(
        ((known.get(each.municipality, each.municipality), each) for each in kept), key=lambda each: each[0]
    )
    return page(
        "newsletters/sent.html",
        form.status if form else 200,
        newsletter=newsletter,
        heading=titled(newsletter),
        rows=rows,
        counts=counts,
        sound=all(each.sound for each in kept),
        editor=may(visit.person(), "newsletter"),
        recorded=newsletters.sent_at(parts, newsletter.id),
        refused=form.message if form else None,
        languages=[(each, say(f"newsletters.language-{each}")) for each in LANGUAGES],
    )


def _approval(newsletter: Newsletter, form: Form) -> AnyResponse:
    parts = visit.parts()
    if newsletter.state == "approved" and newsletters.sent_at(parts, newsletter.id) and form.ok:
        return redirect(url_for("web.newsletters.show", newsletter=newsletter.id), 303)
    programme = newsletters.told(parts, newsletter).programme
    with parts.pool.connection() as connection:
        found = councils.by_municipality(connection)
    places = sorted((each.name, each.code) for each in programme.municipalities)
    all_of_them = [(name, each) for name, code in places for each in found.get(code, ())]
    unsubscribed = [(name, each) for name, each in all_of_them if each.unsubscribed_at]
    refused = [(name, each) for name, each in all_of_them if each.refused and not each.unsubscribed_at]
    mailed: dict[str, list[Address]] = {}
    for name, each in all_of_them:
        if not (each.unsubscribed_at or each.refused):
            mailed.setdefault(name, []).append(each)
    return page(
        "newsletters/approve.html",
        form.status,
        newsletter=newsletter,
        heading=titled(newsletter),
        form=form,
        to=list(mailed.items()),
        count=sum(map(len, mailed.values())),
        unsubscribed=unsubscribed,
        refused=refused,
        nobody=[name for name, code in places if code not in found],
        outdated=newsletter.state == "draft" and _drawn_now(newsletter) != newsletter.figures,
    )  # fmt: skip


def _removal(newsletter: Newsletter, form: Form) -> AnyResponse:
    if newsletter.state == "approved":
        return redirect(url_for("web.newsletters.show", newsletter=newsletter.id), 303)
    return page(
        "newsletters/remove.html",
        form.status,
        newsletter=newsletter,
        heading=titled(newsletter),
        form=form,
    )


def _drawn_now(newsletter: Newsletter) -> Document:
    """The figures as they would be drawn now, counted once until the views move on; approving counts them anew."""
    parts = visit.parts()
    question = ("newsletter", newsletter.programme, newsletter.first_day, newsletter.last_day)
    with parts.pool.connection() as connection:
        return parts.counted.once(connection, question, lambda: newsletters.drawn_now(parts, newsletter))
