"""What may everybody know? The public register, open to all: a list, a page of each, a feed, and open data."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping
from typing import Any
from xml.etree import ElementTree

import msgspec
from flask import Blueprint, Response, request, url_for

from projections.view import Document
from service import register
from service.api.context import NOBODY, Call
from service.api.register import RegisterQuery, filters_of
from service.errors import Missing
from service.paging import Page
from service.register import OUTCOMES, Filters
from service.texts import LANGUAGES
from service.web import visit
from service.web.cases import status_name
from service.web.forms import Form
from service.web.linking import address_of
from service.web.naming import names
from service.web.places import places
from service.web.rendering import page, say, word
from service.web.saying import said
from service.web.spreadsheet import plain_text
from service.web.visit import public

area = Blueprint("register", __name__)

FILTERS = ("programme", "year", "municipality", "theme", "outcome", "q")
COLUMNS = (
    "reference", "programme", "title", "summary", "applicant", "applicantKind", "municipalities", "themes",
    "requested", "awarded", "cofinancingPromised", "cofinancingGranted", "cofinancingOwn", "cofinancingTotal",
    "outcome", "publishedOn", "submittedOn", "decidedOn", "awardedOn", "endedOn", "judgements", "changedAt",
    "address",
)  # fmt: skip
"""The columns of the open data, by the name that they have in every language."""
SEVERAL = ";"
"""Between several values in one column."""
MOST_IN_FEED = 50
SECONDS = 60
"""How long somebody else's cache may answer in our place."""
LICENCE = "https://creativecommons.org/publicdomain/zero/1.0/"
ATOM = "http://www.w3.org/2005/Atom"


@area.get("/register")
@public
def index() -> Response:
    """What is public, what was published last first, as far as the filters say."""
    form, found, filters = _asked()
    parts = visit.parts()
    called, placed = names(parts), places(parts)
    with parts.pool.connection() as connection:
        today = parts.calendar().today
        years = parts.counted.once(
            connection, ("years of the register", today), lambda: register.years(parts, connection)
        )
    options: dict[str, list[tuple[str, str]]] = {
        "programme": sorted(called.programmes.items(), key=lambda each: each[1]),
        "year": [(str(year), str(year)) for year in years],
        "municipality": list(placed.municipalities.items()),
        "theme": list(placed.themes.items()),
        "outcome": [(outcome, status_name(outcome)) for outcome in OUTCOMES],
    }
    asked = {name: form.value(name) for name in FILTERS}
    return _kept(
        page(
            "register/index.html",
            form.status,
            form=form,
            items=[_listed(each) for each in found.items],
            filters=asked,
            options=options,
            narrowed=filters != Filters(),
            previous=_address(cursor=found.previous) if found.previous else None,
            next=_address(cursor=found.next) if found.next else None,
            feed=url_for("web.register.feed"),
        )
    )


@area.get("/register/<reference:reference>")
@public
def show(reference: str) -> Response:
    """All that is public of one proposal, on an address that stays."""
    parts = visit.parts()
    with parts.pool.connection() as connection:
        found = register.one(parts, connection, reference)
    if found is None:
        raise Missing("proposal", reference)
    called, placed = names(parts), places(parts, found["programme"])
    judgements = [
        {
            **each,
            "body": called.body(each["body"], found["programme"]),
            "said": _outcome(each),
        }
        for each in found["judgements"]
    ]
    return _kept(
        page(
            "register/show.html",
            item=_listed(found),
            judgements=judgements,
            themes=placed.names("themes", found["themes"]),
            municipalities=placed.names("municipalities", found["municipalities"]),
        )
    )


@area.get("/register/feed.atom")
@public
def feed() -> Response:
    """What was published last, for who wants to hear of it: an Atom feed."""
    parts = visit.parts()
    with parts.pool.connection() as connection:
        items = register.found(parts, connection, Filters(), limit=MOST_IN_FEED).items
    here = f"{parts.settings.public_url}{url_for('web.register.feed')}"
    root = ElementTree.Element("feed", {"xmlns": ATOM, "xml:lang": "nl"})
    _add(root, "id", here)
    _add(root, "title", said("nl", "register.title"))
    _add(root, "updated", max((each["changedAt"] for each in items), default="1970-01-01T00:00:00Z"))
    _add(root, "rights", LICENCE)
    _add(root, "link", rel="self", href=here)
    _add(root, "link", rel="alternate", href=f"{parts.settings.public_url}{url_for('web.register.index')}")
    author = _add(root, "author")
    _add(author, "name", "Besluitspoor")
    for each in items:
        entry = _add(root, "entry")
        _add(entry, "id", _stable(each))
        _add(entry, "title", f"{each['reference']}: {each['title'] or said('nl', 'register.no-title')}")
        _add(entry, "updated", each["changedAt"])
        _add(entry, "published", f"{each['publishedOn']}T00:00:00Z")
        _add(entry, "link", rel="alternate", href=_stable(each))
        _add(entry, "summary", each["summary"] or "")
    body = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return _kept(Response(body, content_type="application/atom+xml; charset=utf-8"))


@area.get("/register/open-data")
@public
def open_data() -> Response:
    """What the files hold, column by column, and what one may do with them."""
    return _kept(
        page(
            "register/open_data.html",
            columns=[(name, say(f"register.column-{name}")) for name in COLUMNS],
            licence=LICENCE,
            csv=url_for("web.register.as_csv"),
            json=url_for("web.register.as_json"),
        )
    )


@area.get("/register/open-data.csv")
@public
def as_csv() -> Response:
    """All that is public, as far as the filters say: a row each, the same in every language."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for each in _all():
        row = _row(each)
        writer.writerow([plain_text(row[name]) for name in COLUMNS])
    response = Response("\ufeff" + text.getvalue(), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="register.csv"'
    return _kept(response)


@area.get("/register/open-data.json")
@public
def as_json() -> Response:
    """The same as JSON, with what the columns mean and the licence."""
    described = {
        name: {language: said(language, f"register.column-{name}") for language in LANGUAGES}
        for name in COLUMNS
    }
    items = [_row(each) for each in _all()]
    body = msgspec.json.encode({"licence": LICENCE, "columns": described, "items": items})
    response = Response(body, content_type="application/json")
    response.headers["Content-Disposition"] = 'attachment; filename="register.json"'
    return _kept(response)


def _asked() -> tuple[Form, Page[Document], Filters]:
    """What the address asks for, and the part of the register that this leaves; nothing where it asks what can't be."""
    known = {*FILTERS, "cursor"}
    values = {name: [value] for name, value in request.args.items() if name in known and value.strip()}
    form = Form(RegisterQuery(), values)
    found, filters = Page[Document]([]), Filters()
    parts = visit.parts()
    with form.refusals():
        given = form.load()
        filters = filters_of(Call(parts, NOBODY), given)
        with parts.pool.connection() as connection:
            found = register.found(parts, connection, filters, cursor=given["cursor"], limit=given["limit"])
    return form, found, filters


def _all() -> Iterable[Document]:
    """All that the filters of the address leave; all there is, where they are none."""
    form, _, filters = _asked()
    parts = visit.parts()
    with parts.pool.connection() as connection:
        return list(register.every(parts, connection, filters if form.ok else Filters()))


def _listed(entry: Document) -> dict[str, Any]:
    """An entry as pages show it."""
    return {
        **entry,
        "title": entry["title"] or say("register.no-title"),
        "programmeName": names(visit.parts()).programme(entry["programme"]),
        "applicantName": (entry["applicant"] or {}).get("name") or say("register.a-person"),
        "outcomeName": status_name(entry["outcome"]) if entry["outcome"] else say("register.under-way"),
        "address": url_for("web.register.show", reference=entry["reference"]),
    }


def _outcome(judgement: Mapping[str, Any]) -> str:
    """What a body did, in words."""
    return say(f"register.{judgement['what']}", outcome=word(judgement["outcome"]))


def _row(entry: Document) -> dict[str, Any]:
    """An entry as a row of the open data."""
    applicant, money = entry["applicant"] or {}, entry["cofinancing"]
    judgements = [f"{each['body']} {each['outcome']} {each['on']}" for each in entry["judgements"]]
    found = {
        **entry,
        "applicant": applicant.get("name"),
        "applicantKind": applicant.get("kind"),
        "municipalities": SEVERAL.join(entry["municipalities"]),
        "themes": SEVERAL.join(entry["themes"]),
        "judgements": SEVERAL.join(judgements),
        "address": _stable(entry),
        **{f"cofinancing{name.capitalize()}": amount for name, amount in money.items()},
    }
    return {name: found[name] for name in COLUMNS}


def _stable(entry: Document) -> str:
    """The address of an entry, whole."""
    return f"{visit.parts().settings.public_url}{url_for('web.register.show', reference=entry['reference'])}"


def _add(parent: ElementTree.Element, name: str, text: str = "", **attributes: str) -> ElementTree.Element:
    child = ElementTree.SubElement(parent, name, attributes)
    if text:
        # What XML cannot hold is no letter that anybody reads.
        child.text = "".join(each for each in text if each.isprintable() or each in "\n\t")
    return child


def _kept(response: Response) -> Response:
    """The same, which caches may keep a while; a page that shows who signed in is theirs alone."""
    if response.status_code != 200:
        return response
    if visit.session() is not None and response.mimetype == "text/html":
        response.headers["Cache-Control"] = "private, no-cache"
        return response
    response.headers["Cache-Control"] = f"public, max-age={SECONDS}"
    response.set_etag(hashlib.sha256(response.get_data()).hexdigest()[:32], weak=True)
    response.make_conditional(request)
    return response


def _address(**changes: str | None) -> str:
    """This list with these changes."""
    asked: dict[str, str | None] = {name: request.args.get(name) or None for name in FILTERS}
    return address_of("web.register.index", **{**asked, **changes})
