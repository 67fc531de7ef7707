"""How does each component look? Every one of them in every state on one page, for who builds pages.

It shows nothing real, so anybody may see it; it is only there in a demonstration (`make run`), not in an installation
that people work with.
"""

from __future__ import annotations

from flask import Blueprint, Response, abort
from markupsafe import Markup

from service.api.context import running
from service.api.fields import Code, Day, Flag, Given, ListOf, Money, OneOf, Text, Whole
from service.web.charts import Bars, Lines, Tiles
from service.web.forms import Form
from service.web.rendering import page, say
from service.web.visit import public

area = Blueprint("kit", __name__)


@area.get("/kit")
@public
def index() -> Response:
    """All components."""
    if not running().settings.demo:
        abort(404)
    wrong = Form(Sample(), {"title": [" "], "amount": ["€ veel"], "theme": [""], "start": [""]})
    with wrong.refusals():
        wrong.load()
    refused = Form(Sample(), {"title": ["Het Huis van Morgen"]})
    refused.message = say("kit-page.refused")
    return page(
        "kit/index.html",
        blank=Form(Sample()),
        filled=Form.holding(Sample(), FILLED),
        wrong=wrong,
        refused=refused,
        statuses=STATUSES,
        entries=_entries(),
        bars=_bars(),
        stacked=_stacked(),
        lines=_line(),
        areas=_areas(),
        tiles=_tiles(),
        which=Tiles(say("kit-page.which"), "count", dict.fromkeys(("GM0772", "GM0794"), 1), only_which=True),
        nothing=Bars(say("kit-page.bars"), "money", [say("kit-page.requested")], []),
    )


class Sample(Given):
    """A form with a field of every kind."""

    title = Text(200, required=True)
    summary = Text(2_000, lines=True, load_default="")
    amount = Money(required=True)
    start = Day(required=True)
    months = Whole(1, 60, load_default=12)
    theme = Code(required=True)
    subregions = ListOf(Code(), 4, load_default=list)
    advice = OneOf("positive", "positive-with-conditions", "negative", required=True)
    sure = Flag(load_default=False)


FILLED = {
    "title": "Het Huis van Morgen",
    "summary": "Een plek waar bewoners nieuwe woonvormen proberen.",
    "amount": "125000.00",
    "start": "2026-03-02",
    "months": "24",
    "theme": "wonen",
    "subregions": ["de-kempen", "de-peel"],
    "advice": "positive-with-conditions",
    "sure": True,
}
STATUSES = (
    "completeness", "supplement", "review", "decision", "ratification", "award", "held-over", "approved", "awarded",
    "rejected", "withdrawn",
)  # fmt: skip


def _entries() -> list[dict[str, object]]:
    return [
        {
            "when": say("kit-page.day", day="2026-03-02"),
            "title": say("kit-page.happened-submitted"),
            "by": say("kit-page.by-submitter"),
            "body": "",
            "tone": "info",
        },
        {
            "when": say("kit-page.day", day="2026-03-05"),
            "title": say("kit-page.happened-asked"),
            "by": say("kit-page.by-secretary"),
            "body": say("kit-page.question"),
            "tone": "warning",
        },
        {
            "when": say("kit-page.day", day="2026-03-20"),
            "title": say("kit-page.happened-decided"),
            "by": "",
            "body": Markup("<p>{}</p>").format(say("kit-page.decided")),
            "tone": "ok",
        },
        {"when": say("kit-page.day", day="2026-04-01"), "title": say("kit-page.happened-later"), "tone": ""},
    ]


def _bars() -> Bars:
    rows = [
        ("wonen", "2350000.00"),
        ("mobiliteit", "1125000.50"),
        ("economie", "640000.00"),
        ("energie", "0.00"),
    ]
    return Bars(
        say("kit-page.bars"),
        "money",
        [say("kit-page.requested")],
        [
            (say(f"kit-page.theme-{code}"), [value], "/kit" if code == "wonen" else None)
            for code, value in rows
        ],
    )


def _stacked() -> Bars:
    names = [say("kit-page.committed"), say("kit-page.held-back"), say("kit-page.left")]
    rows: list[tuple[str, list[str | None]]] = [
        ("2025", ["1200000.00", "150000.00", "650000.00"]),
        ("2026", ["400000.00", "0.00", "2100000.00"]),
        ("2027", [None, None, "2500000.00"]),
    ]
    return Bars(say("kit-page.stacked"), "money", names, [(name, values, None) for name, values in rows])


def _line() -> Lines:
    points = [("2026-01-01", 0), ("2026-02-10", 4), ("2026-03-02", 9), ("2026-05-18", 11), ("2026-07-01", 18)]
    return Lines(
        say("kit-page.lines"),
        "count",
        [say("kit-page.proposals")],
        [(day, [value]) for day, value in points],
        until="2026-09-01",
        mark="2026-06-01",
    )


def _areas() -> Lines:
    points = [
        ("2024-02-01", [0, 0, 2_500_000]),
        ("2024-06-15", [300_000, 50_000, 2_150_000]),
        ("2024-11-20", [900_000, 125_000, 1_475_000]),
        ("2025-03-01", [1_150_000, 80_000, 1_270_000]),
        ("2025-12-01", [1_900_000, 80_000, 520_000]),
    ]
    names = [say("kit-page.committed"), say("kit-page.held-back"), say("kit-page.left")]
    return Lines(say("kit-page.areas"), "money", names, points, until="2026-04-01")


def _tiles() -> Tiles:
    return Tiles(
        say("kit-page.tiles"),
        "money",
        {
            "GM0772": "2350000.00",
            "GM0794": "1125000.00",
            "GM0861": "640000.00",
            "GM0753": "450000.00",
            "GM1652": "175000.00",
            "GM1706": "12500.00",
            "GM0743": "0.00",
        },
        {"GM0772": "/kit"},
    )
