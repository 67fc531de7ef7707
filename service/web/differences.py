"""What changed between two versions of a proposal? Field by field, in plain words; amounts with by how much."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, request, url_for
from psycopg import Connection

from domain.events import ProposalRevised, ProposalSubmitted
from domain.programme import Programme
from service import reading
from service.errors import Missing
from service.identity.permissions import needs
from service.published import programme_of
from service.web import visit
from service.web.filling import fill, is_redacted
from service.web.naming import name_of
from service.web.proposal_words import kind_name, sure_name
from service.web.rendering import day, page, say
from service.web.text_diff import Piece, compared

__all__ = ["Change", "Listed", "Sum", "area", "changes"]

area = Blueprint("differences", __name__)


@dataclass(frozen=True, slots=True)
class Sum:
    """An amount that changed."""

    label: str
    before: Decimal | None
    after: Decimal | None

    @property
    def by(self) -> Decimal | None:
        """By how much; None where it was not there before, or is not any more."""
        return self.after - self.before if self.before is not None and self.after is not None else None


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry of a list that stayed, went or came. `kind`: same, removed or added."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a field. One of the three tells it: words, amounts, or a list."""

    label: str
    changed: bool
    words: Sequence[Piece] = ()
    sums: Sequence[Sum] = ()
    entries: Sequence[Listed] = ()


@dataclass(frozen=True, slots=True)
class Revision:
    """A version of the proposal, with its words filled in."""

    number: int
    content: Mapping[str, Any]
    on: str
    by: Mapping[str, Any]
    version: int


@area.get("/proposals/<case:proposal>/differences")
@needs("read-case")
def show(proposal: str) -> Response:
    """Two versions compared: those that were asked for, else the last two."""
    parts = visit.parts()
    with parts.pool.connection() as connection:
        found = reading.case_history(connection, proposal, visit.scope())
        if found is None:
            raise Missing("proposal", proposal)
        case, revisions = found.document, _revisions(connection, found.history)
    programme = programme_of(parts, case["programme"], case["programmeVersion"])
    before, after = _chosen(revisions)
    different = changes(before.content, after.content, programme) if before is not after else []
    return page(
        "differences/show.html",
        case=case,
        revisions=revisions,
        before=before,
        after=after,
        changes=[change for change in different if change.changed],
        unchanged=[change.label for change in different if not change.changed],
        case_address=url_for("web.cases.show", proposal=proposal),
    )


def _revisions(connection: Connection[Any], history: Sequence[Any]) -> list[Revision]:
    """Every version, folded as far as the event that brought it."""
    found = []
    for index, recorded in enumerate(history):
        if isinstance(recorded.event, ProposalSubmitted | ProposalRevised):
            document = reading.status_of(history[: index + 1])
            assert document is not None
            found.append(
                {
                    "number": document["revision"],
                    "content": document["content"],
                    "on": recorded.effective_on.isoformat(),
                    "by": {"$person": recorded.by},
                    "version": recorded.version,
                }
            )
    return [Revision(**each) for each in fill(found, connection, visit.scope())]


def _chosen(revisions: Sequence[Revision]) -> tuple[Revision, Revision]:
    """The versions in the address; where it names none that is there, the last one and the one before it."""
    known = {str(revision.number): revision for revision in revisions}
    after = known.get(request.args.get("to", ""), revisions[-1])
    earlier = [revision for revision in revisions if revision.number < after.number]
    return known.get(request.args.get("from", ""), earlier[-1] if earlier else after), after


def changes(before: Mapping[str, Any], after: Mapping[str, Any], programme: Programme) -> list[Change]:
    """Every field of two versions, as `service/words.py` filled them, in the order of the form."""
    themes = {theme.code: name_of(theme.name) for theme in programme.themes}
    places = {place.code: place.name for place in programme.municipalities}
    subregions = {subregion.code: subregion.name for subregion in programme.subregions}

    def both(name: str) -> tuple[Any, Any]:
        return before[name], after[name]

    return [
        _words("title", *both("title")),
        _words("summary", *both("summary")),
        _list("themes", *([themes.get(code, code) for code in codes] for codes in both("themes"))),
        _words("period-start", *(day(period["start"]) for period in both("period"))),
        _words("period-end", *(day(period["end"]) for period in both("period"))),
        _list("applicant", *([_party(party)] for party in both("applicant"))),
        _list("partners", *([_party(party) for party in parties] for parties in both("partners"))),
        _list(
            "municipalities",
            *([places.get(code, code) for code in codes] for codes in both("municipalities")),
        ),
        _amounts(
            "requested", *({say("submission.requested"): Decimal(amount)} for amount in both("requested"))
        ),
        _amounts("cofinancing", *(_given(each) for each in both("cofinancing"))),
        _words("effect", *both("effect")),
        _words("structural", *both("structuralEffect")),
        _list("goals", *([goal or say("submission.removed") for goal in goals] for goals in both("goals"))),
        _list(
            "support", *([_support(each, subregions) for each in many] for many in both("subregionSupport"))
        ),
    ]


def _words(key: str, before: str | None, after: str | None) -> Change:
    label = say(f"submission.{key}")
    # Of what is redacted nobody can say that it stayed the same.
    changed = before != after or is_redacted(after)
    return Change(label, changed, words=compared(before or "", after or ""))


def _list(key: str, before: Sequence[str], after: Sequence[str]) -> Change:
    kept, gone = list(after), []
    for entry in before:
        if entry in kept:
            kept.remove(entry)
        else:
            gone.append(Listed("removed", entry))
    new = list(kept)
    entries = list(gone)
    for entry in after:
        kind = "added" if entry in new else "same"
        if kind == "added":
            new.remove(entry)
        entries.append(Listed(kind, entry))
    return Change(say(f"submission.{key}"), any(entry.kind != "same" for entry in entries), entries=entries)


def _amounts(key: str, before: Mapping[str, Decimal], after: Mapping[str, Decimal]) -> Change:
    names = dict.fromkeys([*before, *after])
    sums = [Sum(name, before.get(name), after.get(name)) for name in names]
    if len(sums) > 1:
        sums.append(Sum(say("differences.together"), _total(before), _total(after)))
    return Change(say(f"submission.{key}"), before != after, sums=sums)


def _total(amounts: Mapping[str, Decimal]) -> Decimal:
    return sum(amounts.values(), Decimal(0))


def _given(cofinancing: Iterable[Mapping[str, Any]]) -> dict[str, Decimal]:
    """The money of others by who gives it and how sure it is; what one gives twice is taken together."""
    found: dict[str, Decimal] = {}
    for part in cofinancing:
        name = f"{part['source']['name'] or say('cases.erased')}, {sure_name(part['status'])}"
        found[name] = found.get(name, Decimal(0)) + Decimal(part["amount"])
    return found


def _party(party: Mapping[str, Any]) -> str:
    return f"{party['name']} ({kind_name(party['kind'])})" if party["name"] else say("cases.erased")


def _support(support: Mapping[str, Any], subregions: Mapping[str, str]) -> str:
    name = subregions.get(support["subregion"], support["subregion"])
    return f"{name}: {support['evidence'] or say('submission.removed')}"
