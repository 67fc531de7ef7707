"""How is a programme written down? Reads a definition, all its problems at once, and its stored form.

`read_definition` judges what people write. `to_definition` and `from_definition` are what the log keeps of a
published version: the latter trusts it, so that whatever was once published keeps loading. A key added later
needs a default here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from domain.definition_fields import DefinitionErrors, Problem, Problems, Table
from domain.definition_rules import (
    ADVICE,
    CAPACITIES,
    KINDS,
    NOTICE_KINDS,
    NOTICE_RELATIONS,
    RATIFICATION,
    check,
    check_places,
)
from domain.programme import (
    Body,
    Criterion,
    Municipality,
    Name,
    NoticeRule,
    PlannedEnvelope,
    Programme,
    Requirement,
    Stage,
    Subregion,
    Tender,
    Theme,
)
from domain.requirements import CONSEQUENCES, FUNCTIONS, MINIMUM_IS_WHOLE

__all__ = [
    "KEYS",
    "REGION_KEYS",
    "DefinitionErrors",
    "Problem",
    "from_definition",
    "read_definition",
    "to_definition",
]

DEFAULT_TERM = 10
LONGEST_TERM = 1000
HIGHEST_VERSION = 1_000_000
HIGHEST_SCORE = 1000
MOST_LINES = 6
"""Of an address."""

KEYS: Mapping[str, tuple[str, ...]] = {
    "": (
        "code",
        "version",
        "name",
        "reference_prefix",
        "secretariat",
        "term",
        "region",
        "bodies",
        "themes",
        "subregions",
        "municipalities",
        "stages",
        "requirements",
        "envelopes",
        "tenders",
        "notices",
    ),
    "bodies": ("code", "name", "address", "email"),
    "themes": ("code", "name", "parent"),
    "subregions": ("code", "name"),
    "municipalities": ("code", "name", "subregions"),
    "stages": ("code", "kind", "name", "body", "bodies", "needed", "capacity", "term", "criteria"),
    "criteria": ("code", "name", "minimum", "maximum"),
    "requirements": ("code", "name", "function", "consequence", "minimum", "themes"),
    "envelopes": ("code", "name", "amount"),
    "tenders": ("code", "name", "opens", "closes"),
    "notices": ("kind", "to", "bodies", "reminder", "escalation"),
}
"""The keys of a definition, table by table ("" is the definition itself)."""

REGION_KEYS = ("code", "name", "subregions", "municipalities")
"""The keys of a region, which several programmes can share."""


def read_definition(
    data: Mapping[str, object], *, file: str, region: Mapping[str, object] | None
) -> Programme:
    """The programme that a definition describes.

    `region` is the one it names, None when it names none or there is none. Raises DefinitionErrors with all
    that is wrong, each with the file (called `file`), the key and the remedy.
    """
    problems = Problems(file)
    top = Table(data, "", KEYS[""], problems)
    subregions, municipalities, elsewhere = _places(top, region)
    term = top.whole("term", lowest=1, highest=LONGEST_TERM, default=DEFAULT_TERM)
    programme = Programme(
        code=top.code("code", "regionale-herstelaanpak"),
        version=top.whole("version", lowest=1, highest=HIGHEST_VERSION),
        name=top.name(),
        reference_prefix=_prefix(top),
        secretariat=top.code("secretariat", "secretariat"),
        themes=tuple(_theme(table) for table in top.tables("themes", KEYS["themes"], required="a theme")),
        bodies=tuple(_body(table) for table in top.tables("bodies", KEYS["bodies"], required="a body")),
        subregions=subregions,
        municipalities=municipalities,
        stages=tuple(
            _stage(table, term) for table in top.tables("stages", KEYS["stages"], required="a stage")
        ),
        requirements=tuple(_requirement(table) for table in top.tables("requirements", KEYS["requirements"])),
        envelopes=tuple(
            PlannedEnvelope(table.code("code", "herstelaanpak"), table.name(), table.money("amount"))
            for table in top.tables("envelopes", KEYS["envelopes"])
        ),
        tenders=tuple(_tender(table) for table in top.tables("tenders", KEYS["tenders"])),
        term=term,
        notices=tuple(_notice_rule(table) for table in top.tables("notices", KEYS["notices"])),
    )
    check(programme, problems)
    found = problems.found + elsewhere
    if found:
        raise DefinitionErrors(found)
    return programme


def _places(
    top: Table, region: Mapping[str, object] | None
) -> tuple[tuple[Subregion, ...], tuple[Municipality, ...], list[Problem]]:
    """The subregions and municipalities, and what is wrong in the region's own file."""
    if not top.has("region"):
        subregions, municipalities = _places_in(top)
        check_places(subregions, municipalities, top.problems)
        return subregions, municipalities, []
    code = top.code("region", "metropoolregio-eindhoven")
    for name in ("subregions", "municipalities"):
        if top.has(name):
            top.wrong(name, "The region gives these already.", f"Remove {name} here, or the region.")
    if region is None:
        remedy = "Check its name, or leave the region out and list subregions and municipalities here."
        top.wrong("region", f"There is no region '{code}'.", remedy)
        return (), (), []
    problems = Problems(f"{code}.toml")
    table = Table(region, "", REGION_KEYS, problems)
    if table.code("code", code) not in ("", code):
        table.wrong("code", "The region has another code than its file.", f'Write: code = "{code}".')
    table.name()
    subregions, municipalities = _places_in(table)
    check_places(subregions, municipalities, problems)
    return subregions, municipalities, problems.found


def _places_in(table: Table) -> tuple[tuple[Subregion, ...], tuple[Municipality, ...]]:
    subregions = tuple(
        Subregion(row.code("code", "de-peel"), row.text("name", '"De Peel"'))
        for row in table.tables("subregions", KEYS["subregions"])
    )
    rows = table.tables("municipalities", KEYS["municipalities"])
    return subregions, tuple(_municipality(row) for row in rows)


def _municipality(table: Table) -> Municipality:
    code = table.text("code", '"GM0772"')
    if code and not (len(code) == 6 and code.startswith("GM") and code[2:].isascii() and code[2:].isdigit()):
        message = f"'{code}' is not a municipality code of Statistics Netherlands."
        table.wrong("code", message, 'Write GM and four digits, for example: code = "GM0772".')
    example = '["de-peel"]'
    return Municipality(
        code, table.text("name", '"Eindhoven"'), table.codes("subregions", required=False, example=example)
    )


def _prefix(top: Table) -> str:
    prefix = top.text("reference_prefix", '"RHA"')
    if prefix and not (2 <= len(prefix) <= 5 and prefix.isascii() and prefix.isalpha() and prefix.isupper()):
        message = f"'{prefix}' cannot begin a reference such as RHA-2026-0012."
        top.wrong(
            "reference_prefix", message, "Use two to five capital letters that no other programme uses."
        )
    return prefix


def _body(table: Table) -> Body:
    return Body(
        table.code("code", "db"),
        table.name(),
        table.lines("address", most=MOST_LINES, example='["Postbus 0000", "5600 AA Eindhoven"]'),
        table.email("email", '"db@example.org"'),
    )


def _theme(table: Table) -> Theme:
    parent = table.code("parent", "digitaliseren") if table.has("parent") else None
    return Theme(table.code("code", "digitaliseren"), table.name(), parent)


def _stage(table: Table, term: int) -> Stage:
    kind = table.choice("kind", KINDS)
    bodies: tuple[str, ...]
    if kind == RATIFICATION:
        bodies = table.codes("bodies", required=True, example='["council-asten", "council-best"]')
        _refuse(table, "body", "In a ratification several bodies answer.", 'Write: bodies = ["...", "..."].')
    else:
        bodies = (table.code("body", "db"),) if kind or table.has("body") else ("",)
    if kind and kind != RATIFICATION:
        message = f"A stage of kind {kind} has one body."
        _refuse(table, "bodies", message, 'Write: body = "...", or make it a ratification.')
        _refuse(table, "needed", message, "Remove it, or make it a ratification.")
    if kind and kind != ADVICE:
        message = f"Scores are given in an advice, not in a stage of kind {kind}."
        _refuse(
            table, "criteria", message, "Remove the criteria here, or move them to a stage of kind advice."
        )
    return Stage(
        code=table.code("code", "review"),
        kind=kind,
        name=table.name(),
        bodies=bodies,
        capacity=table.choice("capacity", CAPACITIES),
        term=table.whole("term", lowest=1, highest=LONGEST_TERM, default=term),
        criteria=tuple(_criterion(row) for row in table.tables("criteria", KEYS["criteria"])),
        needed=table.whole("needed", lowest=1, highest=LONGEST_TERM) if table.has("needed") else None,
    )


def _refuse(table: Table, name: str, message: str, remedy: str) -> None:
    if table.has(name):
        table.wrong(name, message, remedy)


def _criterion(table: Table) -> Criterion:
    return Criterion(
        table.code("code", "effectiviteit"),
        table.name(),
        table.whole("minimum", lowest=0, highest=HIGHEST_SCORE),
        table.whole("maximum", lowest=0, highest=HIGHEST_SCORE),
    )


def _requirement(table: Table) -> Requirement:
    function = table.choice("function", tuple(FUNCTIONS))
    minimum: Decimal | None = None
    if function in MINIMUM_IS_WHOLE:
        minimum = table.number("minimum", whole=MINIMUM_IS_WHOLE[function])
    elif function:
        message = f"The function {function} takes no minimum."
        _refuse(table, "minimum", message, f"Remove it, or use one of: {', '.join(MINIMUM_IS_WHOLE)}.")
    return Requirement(
        code=table.code("code", "multiplier"),
        name=table.name(),
        function=function,
        consequence=table.choice("consequence", CONSEQUENCES, default="assessed"),
        minimum=minimum,
        themes=table.codes("themes", required=False, example='["digitaliseren-mkb"]'),
    )


def _tender(table: Table) -> Tender:
    opens, closes = table.day("opens"), table.day("closes")
    return Tender(
        table.code("code", "2026-10"), table.name(), opens or closes or date.min, closes or opens or date.min
    )


def _notice_rule(table: Table) -> NoticeRule:
    """What is added to a kind of notice. A number of days belongs to the one kind that it is about."""
    kind = table.choice("kind", NOTICE_KINDS)
    days: dict[str, int | None] = {"reminder": None, "escalation": None}
    for name, of_kind in (("reminder", "term-near"), ("escalation", "term-escalated")):
        if not table.has(name):
            continue
        if kind and kind != of_kind:
            message = f"Only a notice of kind {of_kind} has a number of days here."
            table.wrong(name, message, f"Remove it, or move it to a notice of kind {of_kind}.")
        else:
            days[name] = table.whole(name, lowest=1, highest=LONGEST_TERM)
    return NoticeRule(
        kind=kind,
        to=table.choices("to", NOTICE_RELATIONS),
        bodies=table.codes("bodies", required=False, example='["ab"]'),
        reminder=days["reminder"],
        escalation=days["escalation"],
    )


def to_definition(programme: Programme) -> dict[str, Any]:
    """The programme as the log keeps it and as `read_definition` reads it: texts, numbers, lists, tables."""
    return {
        "code": programme.code,
        "version": programme.version,
        "name": _both(programme.name),
        "reference_prefix": programme.reference_prefix,
        "secretariat": programme.secretariat,
        "term": programme.term,
        "bodies": [
            {"code": body.code, "name": _both(body.name)}
            | _given(address=list(body.address) or None, email=body.email or None)
            for body in programme.bodies
        ],
        "themes": [
            {"code": theme.code, "name": _both(theme.name)} | _given(parent=theme.parent)
            for theme in programme.themes
        ],
        "subregions": [
            {"code": subregion.code, "name": subregion.name} for subregion in programme.subregions
        ],
        "municipalities": [
            {"code": place.code, "name": place.name, "subregions": list(place.subregions)}
            for place in programme.municipalities
        ],
        "stages": [_stage_written(stage) for stage in programme.stages],
        "requirements": [
            {
                "code": rule.code,
                "name": _both(rule.name),
                "function": rule.function,
                "consequence": rule.consequence,
            }
            | _given(
                minimum=None if rule.minimum is None else str(rule.minimum), themes=list(rule.themes) or None
            )
            for rule in programme.requirements
        ],
        "envelopes": [
            {"code": envelope.code, "name": _both(envelope.name), "amount": str(envelope.amount)}
            for envelope in programme.envelopes
        ],
        "tenders": [
            {
                "code": tender.code,
                "name": _both(tender.name),
                "opens": tender.opens.isoformat(),
                "closes": tender.closes.isoformat(),
            }
            for tender in programme.tenders
        ],
    } | _given(notices=[_rule_written(rule) for rule in programme.notices] or None)


def _rule_written(rule: NoticeRule) -> dict[str, Any]:
    return {"kind": rule.kind} | _given(
        to=list(rule.to) or None,
        bodies=list(rule.bodies) or None,
        reminder=rule.reminder,
        escalation=rule.escalation,
    )


def _stage_written(stage: Stage) -> dict[str, Any]:
    several = stage.kind == RATIFICATION
    criteria = [
        {"code": c.code, "name": _both(c.name), "minimum": c.minimum, "maximum": c.maximum}
        for c in stage.criteria
    ]
    return {
        "code": stage.code,
        "kind": stage.kind,
        "name": _both(stage.name),
        **({"bodies": list(stage.bodies)} if several else {"body": stage.body}),
        "capacity": stage.capacity,
        "term": stage.term,
    } | _given(needed=stage.needed, criteria=criteria or None)


def _both(name: Name) -> dict[str, str]:
    return {"nl": name.nl, "en": name.en}


def _given(**values: object) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def from_definition(stored: Mapping[str, Any]) -> Programme:
    """The programme that `to_definition` wrote down, in this or any earlier version; nothing is judged."""
    term = stored.get("term", DEFAULT_TERM)
    return Programme(
        code=stored["code"],
        version=stored["version"],
        name=_name(stored),
        reference_prefix=stored["reference_prefix"],
        secretariat=stored["secretariat"],
        themes=tuple(Theme(row["code"], _name(row), row.get("parent")) for row in _rows(stored, "themes")),
        bodies=tuple(
            Body(row["code"], _name(row), tuple(row.get("address", ())), row.get("email", ""))
            for row in _rows(stored, "bodies")
        ),
        subregions=tuple(Subregion(row["code"], row["name"]) for row in _rows(stored, "subregions")),
        municipalities=tuple(
            Municipality(row["code"], row["name"], tuple(row.get("subregions", ())))
            for row in _rows(stored, "municipalities")
        ),
        stages=tuple(_stage_stored(row, term) for row in _rows(stored, "stages")),
        requirements=tuple(_requirement_stored(row) for row in _rows(stored, "requirements")),
        envelopes=tuple(
            PlannedEnvelope(row["code"], _name(row), Decimal(row["amount"]))
            for row in _rows(stored, "envelopes")
        ),
        tenders=tuple(
            Tender(
                row["code"], _name(row), date.fromisoformat(row["opens"]), date.fromisoformat(row["closes"])
            )
            for row in _rows(stored, "tenders")
        ),
        term=term,
        notices=tuple(
            NoticeRule(
                row["kind"],
                tuple(row.get("to", ())),
                tuple(row.get("bodies", ())),
                row.get("reminder"),
                row.get("escalation"),
            )
            for row in _rows(stored, "notices")
        ),
    )


def _rows(stored: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    rows: Sequence[Mapping[str, Any]] = stored.get(name, ())
    return rows


def _name(row: Mapping[str, Any]) -> Name:
    return Name(row["name"]["nl"], row["name"]["en"])


def _stage_stored(row: Mapping[str, Any], term: int) -> Stage:
    return Stage(
        code=row["code"],
        kind=row["kind"],
        name=_name(row),
        bodies=tuple(row["bodies"]) if "bodies" in row else (row["body"],),
        capacity=row["capacity"],
        term=row.get("term", term),
        criteria=tuple(
            Criterion(c["code"], _name(c), c["minimum"], c["maximum"]) for c in row.get("criteria", ())
        ),
        needed=row.get("needed"),
    )


def _requirement_stored(row: Mapping[str, Any]) -> Requirement:
    return Requirement(
        code=row["code"],
        name=_name(row),
        function=row["function"],
        consequence=row.get("consequence", "assessed"),
        minimum=Decimal(row["minimum"]) if "minimum" in row else None,
        themes=tuple(row.get("themes", ())),
    )
