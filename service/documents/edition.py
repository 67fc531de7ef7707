"""What does the newsletter say to a council? Its own projects first, then the rest; the same figures to all of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from domain.programme import APPLICANT, Programme
from projections.view import Document
from service.documents.blocks import Block, Bullets, Heading, Paragraphs, Table
from service.identity.parties import ORGANISATIONS
from service.texts import DEFAULT, catalog
from service.texts.side_by_side import said

__all__ = ["Told", "beginning", "blocks", "footer", "period_name", "subject", "title", "usual"]

LONGEST_LINE = 240
"""Characters of the short text on a project that a draft begins with."""

NAMED = ORGANISATIONS
"""Kinds of applicants that are called by name: no others, for a name may be that of a person."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a newsletter is made of: `figures` as `period.draw` counts them with their words filled in.

    `content` holds what the secretariat wrote (None: what is usual) and `projects` those to tell of, in their order,
    each with its `text`. `programme_of` answers a version of the programme; the last one names the municipalities.
    """

    programme: Programme
    first: date
    last: date
    drawn_on: date
    figures: Document
    title: str | None
    introduction: str | None
    closing: str | None
    projects: Sequence[tuple[Document, str]]
    programme_of: Callable[[int], Programme]
    archive: str


def blocks(told: Told, municipality: str, language: str) -> list[Block]:
    """What an edition says, from its title to its closing."""
    say = _sayer(language)
    place = _place(told, municipality)
    own = [each for each in told.projects if municipality in each[0]["municipalities"]]
    others = [each for each in told.projects if municipality not in each[0]["municipalities"]]
    found: list[Block] = [
        Heading(1, title(told, language), _own(told.title, language)),
        Paragraphs(say("for", municipality=place), quiet=True),
        Paragraphs(usual(told, "introduction", language), _own(told.introduction, language)),
        Heading(2, say("brief")),
        _brief(told, language),
        Heading(2, say("own", municipality=place)),
    ]
    told_own, told_others = _happened(told, own, language), _happened(told, others, language)
    nothing = "own-none" if told_others else "own-none-at-all"
    found += told_own or [Paragraphs(say(nothing, municipality=place))]
    found.append(Heading(2, say("others")))
    found += told_others or [Paragraphs(say("others-none"))]
    found.append(Heading(2, say("next")))
    waits = [line for each, _ in (*own, *others) for line in _waits(told, each, language)]
    if waits:
        found += [Paragraphs(say("next-what", last=told.last, municipality=place)), Bullets(waits)]
    else:
        found.append(Paragraphs(say("next-none", last=told.last)))
    found += _money(told, language)
    found.append(Paragraphs(usual(told, "closing", language), _own(told.closing, language)))
    return found


def footer(told: Told, language: str) -> list[Block]:
    """What stands below every edition: where its figures come from, and where all newsletters are."""
    say = _sayer(language)
    lines = [say("source", on=told.drawn_on), f"{say('archive')} {told.archive}"]
    left_out = len(told.figures["projects"]) - len(told.projects)
    if left_out:
        lines.insert(0, say("left-out", count=left_out))
    return [Paragraphs(line) for line in lines]


def subject(told: Told, municipality: str, language: str) -> str:
    """What stands above the mail."""
    # What is long is put beside a sentence: within one, facts are cut short.
    return f"{title(told, language)} – {_sayer(language)('subject', municipality=_place(told, municipality))}"


def title(told: Told, language: str) -> str:
    """The title as the secretariat wrote it, or the usual one."""
    return usual(told, "title", language)


def usual(told: Told, part: str, language: str) -> str:
    """The title, introduction or closing: as it was written, else what is usual in this language."""
    written: str | None = getattr(told, part)
    if written is not None:
        return written
    facts = {
        "programme": _name(told.programme.name, language),
        "period": period_name(told.first, told.last, language),
        "first": told.first,
        "last": told.last,
    }
    return said(PACKAGE, language, f"newsletter.{part}", facts)


def period_name(first: date, last: date, language: str) -> str:
    """What a period is called: a quarter, a month, or its two days."""
    say = _sayer(language)
    month = catalog(language).words["months"].split()[first.month - 1]
    following = last + timedelta(days=1)
    if first.day == 1 and following.day == 1:
        months = (following.year - first.year) * 12 + following.month - first.month
        if months == 1:
            return say("month", month=month, year=first.year)
        if months == 3 and first.month % 3 == 1:
            ordinal = say("ordinals").split()[first.month // 3]
            return say("quarter", ordinal=ordinal, year=first.year)
    return say("days", first=first, last=last)


def beginning(summary: str | None) -> str:
    """The short text that a draft has for a project: the first sentence of its summary, or as much as is short."""
    words = " ".join((summary or "").split("\n\n")[0].split())
    sentence = re.match(r".*?[.!?](?=\s|$)", words)
    short = sentence[0] if sentence else words
    if len(short) <= LONGEST_LINE:
        return short
    return short[: LONGEST_LINE - 1].rsplit(" ", 1)[0].rstrip(",;:") + "…"


PACKAGE = "service.documents"


def _sayer(language: str) -> Callable[..., str]:
    def say(key: str, **facts: Any) -> str:
        return said(PACKAGE, language, f"newsletter.{key}", facts)

    return say


def _own(written: str | None, language: str) -> str:
    """The secretariat writes Dutch: in another edition its words say so."""
    return DEFAULT if written is not None and language != DEFAULT else ""


def _theirs(language: str) -> str:
    """So do the words of applicants."""
    return DEFAULT if language != DEFAULT else ""


def _name(name: Any, language: str) -> str:
    return str(getattr(name, language))


def _place(told: Told, municipality: str) -> str:
    return next(
        (each.name for each in told.programme.municipalities if each.code == municipality), municipality
    )


def _body(told: Told, version: int, code: str, language: str) -> str:
    bodies = {each.code: _name(each.name, language) for each in told.programme_of(version).bodies}
    return bodies.get(code, code)


def _euros(amount: str, language: str) -> str:
    """Euros, without cents where there are none."""
    written = catalog(language).money(Decimal(amount)).replace(" ", "\u00a0")
    return written[:-3] if Decimal(amount) == Decimal(amount).to_integral_value() else written


def _ratio(ratio: str | None, language: str) -> str:
    if ratio is None:
        return "–"
    return ratio.replace(".", ",") if language == "nl" else ratio


def _multiplier(ratio: str | None, language: str) -> str:
    if ratio is None:
        return "–"
    facts = {"ratio": _ratio(ratio, language), "each": catalog(language).money(ratio).replace(" ", "\u00a0")}
    return said(PACKAGE, language, "newsletter.multiplier-what", facts)


def _outcome(code: str, language: str) -> str:
    if code == "held-over":
        return said(PACKAGE, language, "newsletter.outcome-held-over", {})
    return catalog(language).words.get(code, code)


def _brief(told: Told, language: str) -> Table:
    """The period in a few lines."""
    say, figures = _sayer(language), told.figures
    came_in, awarded = figures["cameIn"], figures["awarded"]
    outcomes = ", ".join(
        say("decided-what", count=count, outcome=_outcome(outcome, language))
        for outcome, count in figures["decided"].items()
    )
    requested = _euros(came_in["requested"], language)
    rows = [
        (
            say("came-in"),
            say("came-in-what", count=came_in["count"], requested=requested) if came_in["count"] else say("none"),
        ),
        (say("decided"), outcomes or say("none")),
        (
            say("awarded"),
            say("awarded-what", count=awarded["count"], amount=_euros(awarded["amount"], language))
            if awarded["count"]
            else say("none"),
        ),
    ]  # fmt: skip
    if awarded["count"]:
        rows.append((say("multiplier-awarded"), _multiplier(awarded["multiplier"], language)))
    rows += [
        (say(key), _euros(awarded[name], language))
        for key, name in (("moved-in", "movedIn"), ("returned", "returned"))
        if Decimal(awarded[name])
    ]
    if figures["withdrawn"]:
        rows.append((say("withdrawn"), say("withdrawn-what", count=figures["withdrawn"])))
    waiting = figures["waiting"]
    rows.append(
        (
            say("waiting", last=told.last),
            say("withdrawn-what", count=waiting) if waiting else say("none"),
        )
    )
    return Table(say("brief-caption", first=told.first, last=told.last), rows)


def _happened(told: Told, projects: Iterable[tuple[Document, str]], language: str) -> list[Block]:
    """The projects to which something happened, each with what it was."""
    found: list[Block] = []
    for project, text in projects:
        if not project["happened"]:
            continue
        found.append(Heading(3, _title(project, language), _theirs(language) if project["title"] else ""))
        found.append(Paragraphs(_about(told, project, language), quiet=True))
        if text:
            found.append(Paragraphs(text, _theirs(language)))
        asks = _sayer(language)(
            "asks",
            requested=_euros(project["requested"], language),
            cofinancing=_euros(project["cofinancing"], language),
            ratio=_ratio(project["multiplier"], language),
        )
        found.append(
            Bullets([*(_event(told, project, each, language) for each in project["happened"]), asks])
        )
    return found


def _title(project: Document, language: str) -> str:
    found: str | None = project["title"]
    return found or _sayer(language)("untitled", reference=project["reference"])


def _about(told: Told, project: Document, language: str) -> str:
    say = _sayer(language)
    names = {each.code: each.name for each in told.programme.municipalities}
    codes = project["municipalities"]
    if len(codes) > 1 and names.keys() <= set(codes):
        municipalities = [say("everywhere", count=len(names))]
    else:
        municipalities = [names.get(code, code) for code in codes]
    facts = {"reference": project["reference"], "municipalities": municipalities}
    applicant: Mapping[str, Any] = project["applicant"]
    if applicant["kind"] in NAMED and applicant["name"]:
        return said(PACKAGE, language, "newsletter.about", {**facts, "applicant": applicant["name"]})
    return say("about-nobody", **facts)


def _event(told: Told, project: Document, event: Document, language: str) -> str:
    key = f"event-{event['what']}"
    facts: dict[str, Any] = {"on": event["on"]}
    if "amount" in event:
        facts["amount"] = _euros(event["amount"], language)
    if "body" in event:
        facts["body"] = _body(told, project["programmeVersion"], event["body"], language)
    if "outcome" in event:
        facts["outcome"] = _outcome(event["outcome"], language)
    if event.get("provisional"):
        key += "-provisional"
    return said(PACKAGE, language, f"newsletter.{key}", facts)


def _waits(told: Told, project: Document, language: str) -> list[str]:
    """For whom a project waits, a sentence each."""
    version = project["programmeVersion"]
    found = []
    for each in project["waits"]:
        facts = {
            "title": _title(project, language),
            "reference": project["reference"],
            "due": each["dueOn"],
            "body": _body(told, version, each["body"], language),
        }
        key = "waits"
        if each["body"] == APPLICANT:
            key = "waits-supplement"
        elif each["kind"] == "held-over":
            key = "waits-held-over"
            if each["heldBy"]:
                key, facts["held"] = "waits-held-over-by", _body(told, version, each["heldBy"], language)
        else:
            facts["what"] = said(PACKAGE, language, f"newsletter.does-{each['kind']}", {})
        sentence = said(PACKAGE, language, f"newsletter.{key}", facts)
        if date.fromisoformat(each["dueOn"]) < told.last:
            sentence = f"{sentence} {said(PACKAGE, language, 'newsletter.passed', {})}"
        found.append(sentence)
    return found


def _money(told: Told, language: str) -> list[Block]:
    """How the programme and its envelopes stand at the end of the period."""
    say, total = _sayer(language), told.figures["total"]
    found: list[Block] = [
        Heading(2, say("money")),
        Table(
            say("total", last=told.last),
            [
                (say("total-proposals"), str(total["proposals"])),
                (say("total-requested"), _euros(total["requested"], language)),
                (say("total-cofinancing"), _euros(total["cofinancing"]["total"], language)),
                (say("multiplier"), _multiplier(total["multiplier"]["total"], language)),
                (say("total-awarded"), _euros(total["awarded"], language)),
            ],
        ),
    ]
    for envelope in told.figures["envelopes"]:
        caption = say("envelope", name=envelope["name"] or envelope["code"], last=told.last)
        rows = [
            (say(f"envelope-{key}"), _euros(envelope[name], language))
            for key, name in (
                ("amount", "amount"),
                ("committed", "committed"),
                ("held-back", "heldBack"),
                ("left", "left"),
            )
        ]
        found.append(Table(caption, rows))
    if not told.figures["envelopes"]:
        found.append(Paragraphs(say("envelopes-none", last=told.last)))
    return found
