"""How does a page get its words, its amounts and its addresses? Everything that templates may use is named here."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask, Response, render_template, request
from markupsafe import Markup

from service.api.context import running
from service.identity import passkeys
from service.identity.permissions import may
from service.messaging.channels.inbox import mark
from service.messaging.mail.transport import outbox
from service.texts import catalog
from service.web import sessions, visit
from service.web.explaining import spelled_out
from service.web.long_words import foldable
from service.web.navigation import links
from service.web.saying import said, texts
from service.web.static_files import address

__all__ = ["page", "prepare", "say"]

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
WORTH_COMPRESSING = 1_000


def prepare(app: Flask) -> None:
    """Makes what every template uses known to the application."""
    env = app.jinja_env
    env.trim_blocks = env.lstrip_blocks = True
    env.globals.update(
        t=say, has_text=has_text, word=word, asset=address, csrf_token=visit.csrf_token, language=visit.language,
        this_page=visit.this_page, theme=visit.theme, shortcuts=visit.shortcuts, reader=visit.reader, links=links,
        may=may, page_seen=visit.seen,
        demo=lambda: running().settings.demo, outbox=lambda: outbox(running().settings),
        providers=lambda: running().elsewhere.all(), figures_behind=figures_behind, spelled_out=spelled_out,
        passkeys_possible=lambda: passkeys.place(running().settings) is not None,
        person_name=person_name,
    )  # fmt: skip
    env.filters.update(
        money=money, day=day, moment=moment, number=number, ratio=ratio, lines=lines, clock=clock,
        foldable=foldable,
    )  # fmt: skip
    app.after_request(_compressed)


def page(template: str, status: int = 200, **facts: Any) -> Response:
    """A page. `status` is that of the form on it, if it was refused."""
    found = visit.session()
    notice = inbox = None
    # A page that says what broke asks nothing: what is broken may be the database.
    if found is not None and status < 500:
        with visit.parts().pool.connection() as connection:
            inbox = mark(connection, found.person.id)
            if found.notice and request.method == "GET" and "HX-Request" not in request.headers:
                notice = found.notice
                sessions.noticed(connection, found)
    person = found.person if found else None
    html = render_template(template, person=person, notice=notice, inbox=inbox, **facts)
    response = Response(html, status, content_type="text/html; charset=utf-8")
    response.headers["Content-Language"] = visit.language()
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Referrer-Policy"] = "same-origin"
    response.vary.update(("Accept-Language", "Cookie"))
    return response


def figures_behind(chart: Any, csv: object) -> str:
    """Where the figures of a chart can be had as CSV. A chart without such a place is a mistake of ours."""
    if not isinstance(csv, str) or not csv:
        raise ValueError(f"The chart '{chart.title}' has no CSV.")
    return csv


def say(key: str, **facts: Any) -> str:
    """A text of `texts/` in the reader's language."""
    return said(visit.language(), key, **facts)


def has_text(key: str) -> bool:
    """Is there a text with this key?"""
    return key in texts(visit.language())


def word(code: str | None) -> str:
    """What a code is called: a role, a status, an outcome. The code itself where it has no other name."""
    if not code:
        return ""
    return catalog(visit.language()).words.get(code, code)


def person_name(somebody: Mapping[str, Any]) -> str:
    """The name of a person as `service/words.py` fills it in; of who was erased that they were, or why it stays."""
    if "nameKept" in somebody:
        return say(
            "cases.name-kept", name=somebody["name"], ground=say(f"admin.ground-{somebody['nameKept']}")
        )
    return str(somebody["name"] or say("cases.erased"))


def money(value: Any, cents: bool | None = None) -> str:
    """Euros: whole ones without cents, unless `cents` says otherwise."""
    if value is None or value == "":
        return "–"
    exact = Decimal(value)
    said_ = catalog(visit.language()).money(exact).replace(" ", "\u00a0")
    whole = exact == exact.to_integral_value()
    return said_[:-3] if (not cents if cents is not None else whole) else said_


def day(value: date | str | None) -> str:
    """A date in words."""
    return catalog(visit.language()).day(value) if value else "–"


def moment(value: datetime | str | None) -> str:
    """A date and the time of day in the region."""
    if not value:
        return "–"
    at = datetime.fromisoformat(value.replace("Z", "+00:00")) if isinstance(value, str) else value
    return f"{day(_local(at).date())}, {clock(at)}"


def clock(at: datetime) -> str:
    """The time of day in the region."""
    return f"{_local(at):%H:%M}"


def _local(at: datetime) -> datetime:
    return at.astimezone(ZoneInfo(running().settings.timezone))


def number(value: Any) -> str:
    """A number with a mark between the thousands."""
    plain = f"{value:,}"
    return plain.replace(",", ".") if visit.language() == "nl" else plain


def ratio(value: Any) -> str:
    """A multiplier, such as 1,25."""
    if value is None:
        return "–"
    return str(value).replace(".", ",") if visit.language() == "nl" else str(value)


def lines(value: str | None) -> Markup:
    """A text of several lines; each empty line begins a new paragraph."""
    paragraphs = [each for each in (value or "").replace("\r\n", "\n").split("\n\n") if each.strip()]
    escape = Markup.escape
    shown = (Markup("<br>").join(escape(line) for line in each.strip().split("\n")) for each in paragraphs)
    return Markup("").join(Markup('<p class="utrecht-paragraph">{}</p>').format(each) for each in shown)


def _compressed(response: Response) -> Response:
    if (
        response.mimetype == "text/html"
        and "Content-Encoding" not in response.headers
        and not response.direct_passthrough
        and request.accept_encodings["gzip"] > 0
        and (response.content_length or 0) > WORTH_COMPRESSING
    ):
        response.set_data(gzip.compress(response.get_data(), 5))
        response.headers["Content-Encoding"] = "gzip"
        response.vary.add("Accept-Encoding")
    return response
