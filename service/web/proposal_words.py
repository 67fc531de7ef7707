"""How does a proposal read on the pages that it is written on? Names, sentences, and a preview of what is filled in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from markupsafe import Markup, escape

from domain.programme import Municipality, Programme
from service.web.forms import Form
from service.web.live_budget import STATUSES, Budget, read_amount
from service.web.naming import Names, name_of
from service.web.proposal_form import KINDS, PARTNER_KINDS, Options, consequence_of, explained
from service.web.rendering import clock, day, has_text, lines, money, say

__all__ = ["WORDS", "kind_name", "label_of", "preview", "sure_name"]

Pairs = list[tuple[str, Any]]


def kind_name(code: str | None) -> str:
    """What kind of party a code means; the code itself for one that has no name here."""
    key = f"submission.kind-{code}"
    return say(key) if code and has_text(key) else code or ""


def sure_name(code: str) -> str:
    """How sure the money of others is."""
    return say(f"submission.sure-{code}") if code in STATUSES else code


def kinds(chosen: str, of: Iterable[str] = KINDS) -> list[tuple[str, str]]:
    """What an applicant can be; a kind that the API was given, and the form has not, stays what it was."""
    codes = list(of)
    return [(code, kind_name(code)) for code in (codes if chosen in ("", *codes) else [*codes, chosen])]


def partner_kinds(chosen: str) -> list[tuple[str, str]]:
    """The same for a partner."""
    return kinds(chosen, PARTNER_KINDS)


def sureness() -> list[tuple[str, str]]:
    """How sure money can be."""
    return [(code, sure_name(code)) for code in STATUSES]


def sums(budget: Budget) -> Pairs:
    """The money of others by how sure it is."""
    return [(sure_name(status), money(amount)) for status, amount in budget.by_status.items() if amount]


def step_names(steps: Iterable[str]) -> list[str]:
    """What the steps are called in the marker."""
    return [say(f"submission.short-{step}") for step in steps]


def others(options: Options, place: Municipality) -> str:
    """The further subregions of a municipality."""
    names = {subregion.code: subregion.name for subregion in options.subregions}
    return ", ".join(names[code] for code in place.subregions[1:])


def theme_names(programme: Programme, codes: Iterable[str]) -> str:
    """Themes by name."""
    names = {theme.code: name_of(theme.name) for theme in programme.themes}
    return ", ".join(names.get(code, code) for code in codes)


def bodies_of(names: Names, programme: Programme, codes: Iterable[str]) -> str:
    """Bodies by name."""
    return ", ".join(names.body(code, programme.code) for code in codes)


LABELS = {
    "title": "title",
    "summary": "summary",
    "themes": "themes",
    "period.start": "period-start",
    "period.end": "period-end",
    "applicant.name": "applicant-name",
    "applicant.kind": "kind",
    "partners": "partners",
    "municipalities": "municipalities",
    "requested": "requested",
    "cofinancing": "cofinancing",
    "effect": "effect",
    "structuralEffect": "structural",
    "goals": "goals",
    "subregionSupport": "support",
    "effectiveOn": "came-in",
    "programme": "programme",
}


IN_A_ROW = {
    "partners.name": "partner-name",
    "partners.kind": "partner-kind",
    "cofinancing.source": "source",
    "cofinancing.amount": "amount",
    "cofinancing.status": "sure",
    "goals.": "goal",
}


def label_of(name: str, form: Form, programme: Programme) -> str:
    """What the form calls a field: by its name, in a row by its column and the number of the row as it is shown."""
    if name in LABELS:
        return say(f"submission.{LABELS[name]}")
    first, _, rest = name.partition(".")
    row, _, column = rest.partition(".")
    if first == "subregionSupport" and row.isdigit() and int(row) < len(programme.subregions):
        key = "supports" if column == "subregion" else "evidence"
        return say(f"submission.{key}", name=programme.subregions[int(row)].name)
    key = IN_A_ROW.get(f"{first}.{column}", "")
    if key and row.isdigit():
        return say(f"submission.{key}", number=1 + sum(each < int(row) for each in form.rows(first, 0)))
    return say(f"submission.{LABELS[first]}") if first in LABELS else say("submission.other-field")


def preview(form: Form, programme: Programme, secretary: bool = False) -> list[tuple[str, Pairs]]:
    """Everything as it is filled in, by step: each field with its name."""
    places = {m.code: m.name for m in programme.municipalities}
    value = form.value
    what = [
        _pair("title", value("title")),
        _pair("summary", lines(value("summary"))),
        _pair("themes", _many(theme_names(programme, [code]) for code in form.all("themes"))),
        _pair("period-start", _day(value("period.start"))),
        _pair("period-end", _day(value("period.end"))),
    ]
    who = [
        _pair("applicant-name", value("applicant.name")),
        _pair("kind", kind_name(value("applicant.kind"))),
        _pair("partners", _many(_partner(form, row) for row in form.rows("partners", 0))),
        _pair("municipalities", _many(places.get(code, code) for code in form.all("municipalities"))),
    ]
    if secretary:
        who.insert(2, _pair("came-in", _day(value("effectiveOn")) or say("submission.today")))
    money_pairs = [
        _pair("requested", _amount(value("requested"))),
        _pair("cofinancing", _many(_part(form, row) for row in form.rows("cofinancing", 0))),
    ]
    effect = [
        _pair("effect", lines(value("effect"))),
        _pair("structural", lines(value("structuralEffect"))),
        _pair("goals", _many(value(f"goals.{row}") for row in form.rows("goals", 0))),
        _pair("support", _many(_support(form, n, each.name) for n, each in enumerate(programme.subregions))),
    ]
    return [("what", what), ("who", who), ("money", money_pairs), ("effect", effect)]


def _pair(key: str, value: Any) -> tuple[str, Any]:
    return say(f"submission.{key}"), value or say("submission.nothing")


def _many(texts: Iterable[str]) -> Markup:
    """A list; what is blank is left out."""
    items = [Markup("<li>{}</li>").format(text) for text in texts if text.strip()]
    return Markup('<ul class="plain-list">{}</ul>').format(Markup("").join(items)) if items else Markup("")


def _amount(typed: str) -> str:
    exact = read_amount(typed)
    return money(exact) if exact is not None else typed


def _day(typed: str) -> str:
    try:
        return day(typed) if typed.strip() else ""
    except ValueError:
        return typed


def _partner(form: Form, row: int) -> str:
    name, kind = form.value(f"partners.{row}.name"), form.value(f"partners.{row}.kind")
    return f"{name} ({kind_name(kind)})" if kind else name


def _part(form: Form, row: int) -> str:
    source, typed, status = (form.value(f"cofinancing.{row}.{key}") for key in ("source", "amount", "status"))
    return ", ".join(filter(None, (source, _amount(typed), sure_name(status))))


def _support(form: Form, row: int, name: str) -> str:
    ticked, evidence = (form.value(f"subregionSupport.{row}.{key}") for key in ("subregion", "evidence"))
    if not ticked and not evidence.strip():
        return ""
    return Markup("<strong>{}</strong>{}").format(name, lines(evidence)) if evidence else escape(name)


WORDS: dict[str, Any] = {
    "named": name_of,
    "clock": clock,
    "kinds": kinds,
    "partner_kinds": partner_kinds,
    "sureness": sureness,
    "sums": sums,
    "step_names": step_names,
    "others": others,
    "bodies_of": bodies_of,
    "theme_names": theme_names,
    "label_of": label_of,
    "preview": preview,
    "explained": explained,
    "consequence_of": consequence_of,
}
"""What the templates of a proposal may call."""
