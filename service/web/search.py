"""What is there about this, and where does it say so? Proposals first, then all else that one may see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, request, url_for
from markupsafe import Markup, escape
from psycopg import Connection
from psycopg.rows import tuple_row

from service.identity.permissions import may, needs
from service.web import visit
from service.web.cases import asked_for, found_for, listed
from service.web.naming import names
from service.web.rendering import has_text, page, say
from service.web.search_elsewhere import Group, elsewhere

__all__ = ["area"]

area = Blueprint("search", __name__)

BEGIN, END = "\ue000", "\ue001"
"""Around what matched: letters that no text has (they belong to nobody), so that a text cannot make its own marks."""

FOUND = """SELECT DISTINCT ON (w.stream) w.stream, e.key,
        ts_headline('pg_catalog.dutch', left(e.value, 20000), q, %(marks)s)
    FROM log.words w, websearch_to_tsquery('pg_catalog.dutch', %(q)s) AS q, jsonb_each_text(w.texts) AS e
    WHERE w.stream = ANY(%(streams)s) AND w.search @@ q
    ORDER BY w.stream, ts_rank(to_tsvector('pg_catalog.dutch', left(e.value, 20000)), q) DESC, w.position DESC, e.key"""
MARKS = f'StartSel="{BEGIN}", StopSel="{END}", MaxWords=24, MinWords=12, ShortWord=2, MaxFragments=1'


@area.get("/search")
@needs("own-account")
def index() -> Response:
    """The proposals in which these words occur, each with what matched; on the first page also what is no proposal."""
    typed = request.args.get("q", "").strip()
    cases_too = may(visit.person(), "read-cases")
    asked = asked_for()
    cases: list[dict[str, Any]] = []
    following = previous = None
    groups: list[Group] = []
    if typed and asked.form.ok and not request.args.get("cursor"):
        with visit.parts().pool.connection() as connection:
            groups = elsewhere(connection, visit.person(), typed)
    if typed and asked.form.ok and cases_too:
        with asked.form.refusals():
            found, _ = found_for(asked)
            known = names(visit.parts())
            with visit.parts().pool.connection() as connection:
                said = _said(connection, typed, [case["id"] for case in found.items])
            cases = [
                {**listed(case, known), "match": _match(case, typed, said.get(case["id"]))}
                for case in found.items
            ]
            following, previous = found.next, found.previous
    return page(
        "search/index.html",
        asked.form.status,
        form=asked.form,
        q=typed,
        cases=cases,
        cases_too=cases_too,
        groups=groups,
        next=url_for("web.search.index", q=typed, cursor=following) if following else None,
        previous=url_for("web.search.index", q=typed, cursor=previous) if previous else None,
        filtered=url_for("web.cases.index", q=typed),
    )


def _match(case: dict[str, Any], typed: str, said: tuple[str, str] | None) -> dict[str, Any]:
    """What matched: the reference, the applicant, or words, with where they stand."""
    if case["reference"].startswith(typed.upper()):
        return {"where": say("search.in-reference"), "text": None}
    if said is not None and BEGIN in said[1]:
        return {"where": _where(said[0]), "text": _marked(said[1])}
    name = case["content"]["applicant"]["name"] or ""
    if typed.casefold() in name.casefold():
        return {"where": say("search.in-applicant"), "text": name}
    return {"where": say("search.in-several"), "text": None}


def _where(path: str) -> str:
    """Which text it is, from its place in an event: `content.goals.0` is one of the goals."""
    steps = [step for step in path.split(".") if not step.isdigit()]
    key = f"search.in-{steps[-1].replace('_', '-')}"
    return say(key) if has_text(key) else say("search.in-several")


def _marked(text: str) -> Markup:
    """What matched stands out; all the rest is text."""
    return Markup(str(escape(text)).replace(BEGIN, "<mark>").replace(END, "</mark>"))


def _said(connection: Connection[Any], typed: str, streams: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Of each case the text in which the words occur most, with its place in the event."""
    if not streams:
        return {}
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(FOUND, {"q": typed, "streams": list(streams), "marks": MARKS}).fetchall()
    return {stream: (path, text) for stream, path, text in rows}
