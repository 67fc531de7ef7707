"""What happens in the demo, in which order? The real herstelaanpak and invented cases, as requests to the API.

Both are TOML beside this file: `herstelaanpak.toml` retells public decisions and says what it had to assume,
`invented/` fills every queue. What they write is what the API takes, with these shorthands: `municipalities = "all"`; a
text as `subregionSupport` is the proof of every subregion in which a municipality of the proposal lies; `on` is a date,
`ago` counts working days back from the day on which the demo began; `months` is how long a project takes.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from service.demo.days import period, working_days_before
from service.programmes import regions

__all__ = ["ENVELOPE", "REGION", "Step", "envelope_total", "opening", "retold", "story"]

ENVELOPE = "stimuleringsfonds"
"""The envelope that is topped up as the very last step."""

REGION = "metropoolregio-eindhoven"
"""Whose municipalities the demo is about."""

INVENTED = "Dit voorstel is verzonnen, als voorbeeld."
WHO = {
    "completeness": "secretary",
    "revisions": "submitter",
    "resumption": "secretary",
    "awards": "db",
    "release": "treasurer",
    "reallocation": "treasurer",
    "return": "treasurer",
}
"""Who does an act of this name, where the step itself doesn't say it (`by`, or the `body` it is done for)."""

Table = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One request. `case` is the demo's own name for the case it is about; the path has its id where it says {case}."""

    key: str
    who: str
    on: date
    path: str
    body: Mapping[str, Any]
    case: str = ""


def story(began: date, holidays: frozenset[date]) -> list[Step]:
    """Every step in the order in which it is to be replayed; `opening()` is the first one."""
    region = tomllib.loads(regions()[REGION].read_text("utf-8"))
    steps: list[Step] = []
    for table in (retold(), *_invented()):
        steps += _money(table, began, holidays)
        for case in table["cases"]:
            steps += _case(case, table, region, began, holidays)
    # Python sorts stably: what happens on one day stays in the order in which it is written.
    last = [step for step in steps if step.key.startswith("demo/topup-")]
    return [*sorted((step for step in steps if step not in last), key=lambda step: step.on), *last]


def opening() -> Step:
    """The first step, which is the same whenever the demo began: the envelope of the herstelaanpak is opened."""
    return next(_money({"envelopes": retold()["envelopes"]}, date.max, frozenset()))


def retold() -> Table:
    """The real decisions, with what is known of each and what is assumed."""
    return _read(files(__package__) / "herstelaanpak.toml")


def envelope_total() -> Decimal:
    """How much is in ENVELOPE when the demo is complete, in euros."""
    sources = [
        source
        for table in _invented()
        for envelope in table.get("envelopes", ())
        for source in envelope["open"]["sources"]
    ]
    sources += [topup["source"] for table in _invented() for topup in table.get("topups", ())]
    return sum((Decimal(source["amount"]) for source in sources), Decimal(0))


def _invented() -> list[Table]:
    found = (files(__package__) / "invented").iterdir()
    return [_read(file) for file in sorted(found, key=lambda file: file.name) if file.name.endswith(".toml")]


def _read(file: Traversable) -> Table:
    return tomllib.loads(file.read_text("utf-8"))


def _money(table: Table, began: date, holidays: frozenset[date]) -> Iterator[Step]:
    """The envelopes that are opened and topped up."""
    for envelope in table.get("envelopes", ()):
        on = _day(envelope, began, holidays)
        body = {**envelope["open"], "effectiveOn": on.isoformat()}
        yield Step(f"demo/{envelope['key']}", "treasurer", on, "/envelopes", body)
    for topup in table.get("topups", ()):
        on = _day(topup, began, holidays)
        body = {**topup["source"], "effectiveOn": on.isoformat()}
        yield Step(f"demo/{topup['key']}", "treasurer", on, f"/envelopes/{topup['envelope']}/sources", body)


def _case(case: Table, table: Table, region: Table, began: date, holidays: frozenset[date]) -> Iterator[Step]:
    """The steps of one case; a revision sends the whole proposal, as the steps before have left it."""
    days = [_day(step, began, holidays) for step in case["steps"]]
    proposal = _proposal(case, region, days[0])
    proposal["summary"] = f"{proposal['summary']}\n\n{_note(case, table)}"
    for number, (step, on) in enumerate(zip(case["steps"], days, strict=True)):
        act: str = step["act"]
        said = {name: value for name, value in step.items() if name not in ("act", "on", "ago", "by")}
        path, body = f"/proposals/{{case}}/{act}", said
        if act == "submission":
            programme = case.get("programme") or table["programme"]
            path, body = "/proposals", {"programme": programme, **proposal}
        elif act == "revisions":
            proposal |= said
            body = proposal
        yield Step(
            key=f"demo/{case['key']}/{number}-{act}",
            who=_who(case, step),
            on=on,
            path=path,
            body={**body, "effectiveOn": on.isoformat()},
            case=case["key"],
        )


def _who(case: Table, step: Table) -> str:
    name = str(step["act"]).rpartition("/")[2]
    by = step.get("by") or step.get("body") or WHO.get(name) or case.get("by")
    return str(by or "secretary")


def _day(step: Table, began: date, holidays: frozenset[date]) -> date:
    on = step.get("on")
    return on if isinstance(on, date) else working_days_before(began, step["ago"], holidays)


def _proposal(case: Table, region: Table, submitted: date) -> Table:
    """The proposal as the API takes it."""
    proposal: Table = dict(case["proposal"])
    if proposal["municipalities"] == "all":
        proposal["municipalities"] = [each["name"] for each in region["municipalities"]]
    if isinstance(proposal["subregionSupport"], str):
        proposal["subregionSupport"] = [
            {"subregion": name, "evidence": proposal["subregionSupport"]}
            for name in _subregions(proposal["municipalities"], region)
        ]
    days = proposal.get("period") or period(submitted, case["months"])
    proposal["period"] = {name: day.isoformat() for name, day in days.items()}
    return proposal


def _subregions(municipalities: list[str], region: Table) -> list[str]:
    """The names of the subregions in which these municipalities lie."""
    concerned = {
        code
        for municipality in region["municipalities"]
        if municipality["name"] in municipalities
        for code in municipality["subregions"]
    }
    return [each["name"] for each in region["subregions"] if each["code"] in concerned]


def _note(case: Table, table: Table) -> str:
    """What a reader of the case must know: where it comes from, and what is assumed."""
    if "assumption" not in case:
        return INVENTED
    where = ", ".join(table["sources"][source] for source in case["from"])
    return f"Naar openbare besluiten: {where}. {case['assumption']}"
