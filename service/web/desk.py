"""What must the secretariat do? What came in and waits for a check, supplements, what was held over, the post."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, url_for
from psycopg import Connection
from werkzeug.wrappers import Response as AnyResponse

from projections.view import Document
from service.errors import Missing
from service.identity.permissions import check, needs
from service.judged import unmet
from service.messaging import by_post, inspecting, ledger
from service.published import programme_of
from service.terms import cases_waiting
from service.web import visit
from service.web.naming import name_of, names
from service.web.rendering import page
from service.wiring import Parts
from service.words import fill

area = Blueprint("desk", __name__)

KINDS = ("completeness", "supplement", "held-over")
MOST = 40
"""Cases of each kind that are shown: the rest stand on the board of terms."""


@area.get("/desk")
@needs("completeness")
def index() -> Response:
    """Everything that lies with the secretariat."""
    check(visit.person(), "completeness")
    parts = visit.parts()
    calendar = parts.calendar()
    with parts.pool.connection() as connection:
        found = cases_waiting(connection, KINDS, today=calendar.today, holidays=calendar.holidays, most=MOST)
        shown = {
            kind: (count, [_entry(parts, each) for each in items]) for kind, (count, items) in found.items()
        }
        filled = fill({kind: items for kind, (_, items) in shown.items()}, connection)
        post, letters = by_post.count(connection), _letters(connection)
        missed = inspecting.missed(connection)
    counts = {kind: count for kind, (count, _) in shown.items()}
    return page(
        "desk/index.html",
        waiting=filled,
        counts=counts,
        post=post,
        letters=letters,
        missed=missed,
        most=MOST,
        names=names(parts),
    )


@area.post("/desk/posted/<delivery:delivery>")
@needs("post-letters")
def posted(delivery: str) -> AnyResponse:
    """Who sends this posted a letter, or what could not be mailed."""
    person = visit.person()
    check(person, "post-letters")
    with visit.parts().pool.connection() as connection:
        if inspecting.find(connection, delivery) is None:
            raise Missing("delivery", delivery)
        did = ledger.posted(connection, delivery, person.id)
    return visit.kept(url_for("web.desk.index") + "#post", "desk.posted" if did else "desk.posted-none")


def _letters(connection: Connection[Any]) -> list[dict[str, Any]]:
    """The letters that must still be posted, each with its case."""
    found = by_post.to_post(connection, MOST)
    facts: list[Document] = fill([each.facts for each in found], connection)
    return [
        {
            "delivery": each.delivery,
            "proposal": each.proposal,
            "reference": known.get("reference"),
            "title": known.get("title"),
            "applicant": known.get("applicant") or {},
            "letter": each.letter,
            "document": each.document,
            "since": each.since,
        }
        for each, known in zip(found, facts, strict=True)
    ]


def _entry(parts: Parts, item: dict[str, Any]) -> dict[str, Any]:
    """What one line says. The words of the case are filled in afterwards."""
    case: Document = item.pop("case")
    if item["kind"] == "completeness":
        programme = programme_of(parts, case["programme"], case["programmeVersion"])
        item["unmet"] = [
            {"name": name_of(rule.name), "consequence": rule.consequence} for rule in unmet(case, programme)
        ]
    elif item["kind"] == "supplement":
        item["asked"] = _asked(case)
    else:
        held = next((each for each in reversed(case["decisions"]) if each["outcome"] == "held-over"), None)
        item["heldBy"], item["grounds"] = (held["body"], held["grounds"]) if held else (None, None)
    return item


def _asked(case: Document) -> Document | None:
    """The words with which the applicant was last asked for a supplement, by the secretariat or by a body."""
    asking = [each for each in case["reviews"] if each["advice"] == "revise"]
    checked = case["completeness"]
    if checked and checked["outcome"] == "supplement":
        asking.append(checked)
    last = max(asking, key=lambda each: int(each["position"]), default=None)
    if last is None:
        return None
    words: Document | None = last.get("remarks") or last.get("grounds")
    return words
