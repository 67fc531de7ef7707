"""Every mistake in a definition is named with its file, its key and its remedy, and all of them at once."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.definition import KEYS, DefinitionErrors, read_definition, to_definition
from domain.programme import NoticeRule, Programme

NAME = {"nl": "Naam", "en": "Name"}
REGION = {
    "code": "zuidoost",
    "name": NAME,
    "subregions": [{"code": "de-peel", "name": "De Peel"}],
    "municipalities": [{"code": "GM0743", "name": "Asten", "subregions": ["de-peel"]}],
}


def definition() -> dict[str, Any]:
    """A definition with something of everything."""
    stage = {"name": NAME, "capacity": "besluit"}
    return {
        "code": "herstel",
        "version": 1,
        "name": NAME,
        "reference_prefix": "HS",
        "secretariat": "kernteam",
        "bodies": [
            *({"code": code, "name": NAME} for code in ("kernteam", "taskforce")),
            {
                "code": "db",
                "name": NAME,
                "address": ["Postbus 0000", "5600 AA Eindhoven"],
                "email": "db@example.org",
            },
            *({"code": code, "name": NAME} for code in ("asten", "best")),
        ],
        "themes": [
            {"code": "digitaliseren", "name": NAME},
            {"code": "digitaliseren-mkb", "name": NAME, "parent": "digitaliseren"},
        ],
        "subregions": [{"code": "de-peel", "name": "De Peel"}],
        "municipalities": [
            {"code": "GM0743", "name": "Asten", "subregions": ["de-peel"]},
            {"code": "GM0753", "name": "Best"},
        ],
        "stages": [
            {
                "code": "check",
                "kind": "completeness",
                "body": "kernteam",
                "name": NAME,
                "capacity": "voorbereiding",
            },
            {
                "code": "review",
                "kind": "advice",
                "body": "taskforce",
                "name": NAME,
                "capacity": "advies",
                "term": 15,
                "criteria": [{"code": "effect", "name": NAME, "minimum": 1, "maximum": 5}],
            },
            {"code": "decision", "kind": "decision", "body": "db", **stage},
            {"code": "councils", "kind": "ratification", "bodies": ["asten", "best"], "needed": 1, **stage},
            {"code": "award", "kind": "award", "body": "db", **stage},
        ],
        "requirements": [
            {"code": "multiplier", "name": NAME, "function": "multiplier_at_least", "minimum": "1.50"},
            {
                "code": "aanhaking",
                "name": NAME,
                "function": "subregions_on_board",
                "consequence": "blocks-review",
                "themes": ["digitaliseren-mkb"],
            },
            {"code": "partijen", "name": NAME, "function": "partners_at_least", "minimum": 2},
            {"code": "meerwaarde", "name": NAME, "function": "judged_by_the_reviewer"},
        ],
        "envelopes": [{"code": "herstel", "name": NAME, "amount": "2000000.00"}],
        "tenders": [
            {"code": "2026-04", "name": NAME, "opens": date(2026, 1, 2), "closes": date(2026, 4, 1)},
            {"code": "2026-07", "name": NAME, "opens": "2026-04-02", "closes": "2026-07-01"},
        ],
        "notices": [
            {"kind": "decided", "to": ["secretariat", "chair"], "bodies": ["taskforce"]},
            {"kind": "term-near", "reminder": 4},
            {"kind": "term-escalated", "escalation": 8, "to": ["auditor"]},
            {"kind": "named", "to": ["secretariat"]},
        ],
    }


def problems_of(data: dict[str, Any], region: dict[str, Any] | None = None) -> dict[str, str]:
    """What is wrong, by key; every problem names the file and says what to do."""
    with pytest.raises(DefinitionErrors) as caught:
        read_definition(data, file="herstel-1.toml", region=region)
    for problem in caught.value.problems:
        assert problem.file == "herstel-1.toml"
        assert problem.message.endswith(".")
        assert problem.remedy.endswith((".", "?"))
        assert str(problem) in str(caught.value)
    return {problem.key: f"{problem.message} {problem.remedy}" for problem in caught.value.problems}


def put(data: dict[str, Any], key: str, value: object) -> None:
    """Change the value at a key such as `stages[2].term`; deleting it when the value is ..."""
    set_at(data, [int(step) if step.isdigit() else step for step in re.findall(r"[^.\[\]]+", key)], value)


def set_at(data: Any, way: Sequence[Any], value: object) -> None:
    """Change the value at the end of a way, copying what lies on it: the pieces of a definition share names."""
    for step in way[:-1]:
        inner = copy.copy(data[step])
        data[step] = inner
        data = inner
    if value is ...:
        del data[way[-1]]
    else:
        data[way[-1]] = value


def test_a_good_definition_is_read() -> None:
    programme = read_definition(definition(), file="f", region=None)
    assert programme.term == 10
    assert [stage.term for stage in programme.stages] == [10, 15, 10, 10, 10]
    assert programme.stage("councils").bodies == ("asten", "best")
    assert programme.requirements[0].minimum == Decimal("1.50")
    assert programme.requirements[0].consequence == "assessed"
    assert programme.tenders[1].closes == date(2026, 7, 1)
    assert programme.envelopes[0].amount == Decimal(2_000_000)
    assert programme.rule_of("decided") == NoticeRule("decided", ("secretariat", "chair"), ("taskforce",))
    assert (programme.reminder, programme.escalation) == (4, 8)


def test_a_definition_without_notices_adds_none() -> None:
    data = definition()
    del data["notices"]
    programme = read_definition(data, file="f", region=None)
    assert (programme.notices, programme.reminder, programme.escalation) == ((), 2, 5)
    assert "notices" not in to_definition(programme)


def test_a_body_may_have_an_address_and_who_decides_without_one_is_known() -> None:
    programme = read_definition(definition(), file="f", region=None)
    db, asten = programme.body("db"), programme.body("asten")
    assert db is not None
    assert asten is not None
    assert (db.address, db.email) == (("Postbus 0000", "5600 AA Eindhoven"), "db@example.org")
    assert (asten.address, asten.email) == ((), "")
    assert programme.body("nobody") is None
    # The board has one, the taskforce advises: only the councils take decisions and can't be reached.
    assert [body.code for body in programme.unreachable()] == ["asten", "best"]
    data = definition()
    put(data, "bodies[2].address", ...)
    assert "db" not in {body.code for body in read_definition(data, file="f", region=None).unreachable()}
    put(data, "bodies[2].email", ...)
    assert "db" in {body.code for body in read_definition(data, file="f", region=None).unreachable()}


MISTAKES: list[tuple[str, object, str]] = [
    # Unknown keys, at every level, with the key that was meant.
    ("titel", "x", "titel is not a key of this table. Remove it, or use one of: code"),
    ("enveloppes", [], "Did you mean 'envelopes'?"),
    ("stages[2].trem", 5, "trem is not a key of this table. Did you mean 'term'?"),
    ("name.de", "Name", "de is not a key"),
    # Texts, names and codes.
    ("code", "Herstel_Aanpak", "'Herstel_Aanpak' is not a code.|as in 'regionale-herstelaanpak'"),
    ("code", "a" * 61, "is not a code. Use 60"),
    ("code", 7, "This should be text, not a whole number 7."),
    ("bodies[0].name", "Kernteam", "in Dutch and in English, not as text 'Kernteam'.|{ nl ="),
    ("bodies[0].name.en", ..., "'en' is missing."),
    ("bodies[0].name.nl", " ", "This text is empty."),
    ("bodies[0].name.nl", "x" * 201, "has 201 characters. Shorten it to 200"),
    ("bodies[0].name.nl", "a\0b", "control character"),
    ("bodies[0].name.nl", "a\nb", "line break"),
    ("bodies[2].address", "Postbus 0000", "a list with a text a line, not text 'Postbus 0000'.|address = ["),
    ("bodies[2].address", [], "This list is empty. Remove it"),
    ("bodies[2].address", ["x"] * 7, "This list has 7 lines. Shorten it to 6 at most."),
    ("bodies[2].address[1]", "5600 AA\nEindhoven", "a text on one line"),
    ("bodies[2].address[0]", " ", "a text on one line"),
    ("bodies[2].address[0]", 0, "a text on one line"),
    ("bodies[2].address[0]", "x" * 201, "200 characters at most"),
    ("bodies[2].email", "db", "text 'db' is no address for e-mail.|db@example.org"),
    ("bodies[2].email", "db@example.org, ab@example.org", "is no address for e-mail"),
    ("bodies[2].email", "", "This text is empty"),
    ("bodies[2].email", ["db@example.org"], "This should be text, not a list"),
    ("reference_prefix", "Rha", "RHA-2026-0012|two to five capital letters"),
    ("reference_prefix", "ÉÉ", "two to five capital letters"),
    ("reference_prefix", "ABCDEF", "two to five capital letters"),
    # Numbers.
    ("version", 0, "a whole number from 1"),
    ("version", True, "not true or false True"),
    ("term", 0, "a whole number from 1 to 1000, not a whole number 0.|term = 1"),
    ("stages[2].term", 2.5, "not a number 2.5"),
    ("stages[2].term", "10", "not text '10'. Write it without quotes"),
    ("stages[2].term", 1001, "from 1 to 1000"),
    # Money and other amounts.
    ("envelopes[0].amount", 2000000, "not a whole number 2000000.|in quotes"),
    ("envelopes[0].amount", 2.5, "An amount is a number above 0, as text"),
    ("envelopes[0].amount", "1.000", "two decimals at most"),
    ("envelopes[0].amount", "2.000.000,00", "no thousands mark"),
    ("envelopes[0].amount", "-5.00", "above 0"),
    ("envelopes[0].amount", "0.00", "above 0"),
    ("envelopes[0].amount", "NaN", "above 0"),
    ("envelopes[0].amount", "9" * 13, "above 0"),
    ("requirements[0].minimum", 1.5, 'above 0 with at most two decimals, not a number 1.5.|"1.50"'),
    ("requirements[0].minimum", 0, "above 0"),
    ("requirements[0].minimum", ..., "'minimum' is missing."),
    ("requirements[2].minimum", "2.5", "a whole number above 0"),
    ("requirements[1].minimum", 2, "The function subregions_on_board takes no minimum. Remove it"),
    # Dates and tenders.
    ("tenders[0].closes", "1 april 2026", "a date that exists|closes = 2026-10-01"),
    ("tenders[0].closes", "2026-02-30", "a date that exists"),
    ("tenders[0].closes", datetime(2026, 4, 1, 17), "without a time"),  # noqa: DTZ001 -- as TOML gives it
    ("tenders[0].closes", date(2026, 1, 1), "closes on 2026-01-01, before it opens on 2026-01-02."),
    ("tenders[1].opens", date(2026, 4, 1), "the tender '2026-04' is open as well. Open it after 2026-04-01"),
    # Lists.
    ("themes", [], "A programme needs a theme.|[[themes]]"),
    ("themes", ..., "A programme needs a theme."),
    ("stages", {}, "a list of tables, not a table.|[[stages]]"),
    ("bodies", ["db"], "This list should hold tables only."),
    ("stages[1].criteria", 5, "a list of tables, not a whole number 5.|[[stages[1].criteria]]"),
    ("municipalities[0].subregions", "de-peel", "a list, not text 'de-peel'.|[\"de-peel\"]"),
    ("municipalities[0].subregions[0]", 5, "a code, not a whole number 5."),
    ("stages[3].bodies", [], "This list is empty."),
    ("stages[3].bodies[1]", "asten", "'asten' is listed twice."),
    # Codes that are taken or mean something else.
    ("bodies[2].code", "taskforce", "The code 'taskforce' is used by bodies[1] too."),
    ("stages[2].code", "review", "is used by stages[1] too."),
    ("municipalities[1].code", "GM0743", "is used by municipalities[0] too."),
    ("municipalities[1].code", "0753", "GM and four digits"),
    ("bodies[1].code", "applicant", "whoever submitted"),
    ("stages[1].code", "held-over", "wait outside their route"),
    # References.
    ("secretariat", "kernteem", "no body 'kernteem' in this programme. Did you mean 'kernteam'?"),
    ("secretariat", "zzz", "Use one of: kernteam, taskforce"),
    ("stages[2].body", "dbb", "Did you mean 'db'?"),
    ("stages[3].bodies[0]", "astenn", "Did you mean 'asten'?"),
    ("themes[1].parent", "digitalisering", "no theme 'digitalisering'|Did you mean 'digitaliseren"),
    ("themes[0].parent", "digitaliseren-mkb", "comes later than its sub-theme. Put a theme before"),
    ("themes[0].parent", "digitaliseren", "comes later"),
    ("municipalities[0].subregions[0]", "peel", "no subregion 'peel'"),
    ("requirements[1].themes[0]", "mkb", "no theme 'mkb'"),
    ("requirements[1].function", "subregion_on_board", "Did you mean 'subregions_on_board'?"),
    ("requirements[1].consequence", "blocks", "Did you mean 'blocks-review'?"),
    ("requirements[3].consequence", "refuses-submission", 'Only a reviewer can see|consequence = "assessed"'),
    ("stages[1].kind", "advies", "'advies' is not known here.|Did you mean 'advice'?"),
    ("stages[2].capacity", "mandaat", "Use one of: voorbereiding, advies, besluit."),
    # What a kind of stage allows.
    (
        "stages[1].capacity",
        "besluit",
        'kind advice is not done in the capacity besluit. Write: capacity = "advies"',
    ),
    ("stages[4].capacity", "advies", 'Write: capacity = "besluit"'),
    ("stages[0].body", "db", "belongs to the secretariat, not to 'db'.|body = \"kernteam\""),
    ("stages[2].bodies", ["db"], "A stage of kind decision has one body."),
    ("stages[2].needed", 1, "make it a ratification"),
    ("stages[3].body", "db", "In a ratification several bodies answer."),
    ("stages[3].needed", 3, "3 bodies must approve, but only 2 are asked. Write 2 or less"),
    ("stages[3].needed", 0, "a whole number from 1"),
    ("stages[2].criteria", [], "Scores are given in an advice"),
    ("stages[1].criteria[0].maximum", 1, "The highest score 1 is not above the lowest, 1."),
    # What is told to whom.
    ("notices[0].kind", "decide", "'decide' is not known here. Did you mean 'decided'?"),
    ("notices[0].kind", "receipt", "'receipt' is not known here. Use one of: named, turn"),
    ("notices[1].kind", "decided", "notices[0] is about the kind 'decided' too.|in one place"),
    ("notices[0].to", "secretariat", "a list, not text 'secretariat'.|[\"submitter\"]"),
    ("notices[0].to[0]", "secretary", "'secretary' is not known here. Did you mean 'secretariat'?"),
    ("notices[0].to[1]", "secretariat", "'secretariat' is listed twice."),
    ("notices[0].bodies[0]", "taskforc", "no body 'taskforc' in this programme. Did you mean 'taskforce'?"),
    ("notices[3].to[0]", "chair", "A notice of kind named tells of no body, so it has no 'chair'.|bodies ="),
    ("notices[0].reminder", 2, "Only a notice of kind term-near has a number of days here.|move it to"),
    ("notices[0].escalation", 2, "Only a notice of kind term-escalated"),
    ("notices[1].reminder", 0, "a whole number from 1"),
    ("notices[2].escalation", "5", "a whole number from 1 to 1000, not text '5'"),
    ("notices[1]", {"kind": "term-near"}, 'This adds nothing. Say who else hears it: to = ["secretariat"].'),
    ("notices[0].cc", ["db"], "cc is not a key of this table."),
]


@pytest.mark.parametrize(
    ("key", "value", "says"), MISTAKES, ids=[f"{key}={value!r:.30}" for key, value, _ in MISTAKES]
)
def test_a_mistake_is_named_by_its_key_with_its_remedy(key: str, value: object, says: str) -> None:
    data = definition()
    put(data, key, value)
    found = problems_of(data)
    assert key in found
    assert all(part in found[key] for part in says.split("|")), found[key]


REQUIRED = [
    *(
        key
        for key in KEYS[""]
        if key
        not in (
            "term",
            "region",
            "subregions",
            "municipalities",
            "requirements",
            "envelopes",
            "tenders",
            "notices",
        )
    ),
    *(
        f"{table}[0].{key}"
        for table in KEYS
        for key in KEYS[table]
        if table in ("subregions", "envelopes", "tenders")
    ),
    *("bodies[0].code", "bodies[0].name", "themes[0].code", "themes[0].name"),
    *("municipalities[0].code", "municipalities[0].name"),
    *(f"stages[2].{key}" for key in ("code", "kind", "name", "body", "capacity")),
    "notices[0].kind",
    *("stages[3].bodies", "requirements[0].code", "requirements[0].name", "requirements[0].function"),
    *(f"stages[1].criteria[0].{key}" for key in KEYS["criteria"]),
]


@pytest.mark.parametrize("key", REQUIRED)
def test_what_is_missing_is_named(key: str) -> None:
    data = definition()
    put(data, key, ...)
    assert "is missing. Add it, for example: " in (text := problems_of(data)[key]) or "needs a" in text


def stages(*kinds: str) -> Callable[[dict[str, Any]], None]:
    """A route of these kinds."""
    capacities = {"completeness": "voorbereiding", "advice": "advies"}

    def change(data: dict[str, Any]) -> None:
        data["stages"] = [
            {
                "code": f"stage-{index}",
                "kind": kind,
                "name": NAME,
                **({"bodies": ["asten", "best"]} if kind == "ratification" else {}),
                **({"body": "kernteam"} if kind != "ratification" else {}),
                "capacity": capacities.get(kind, "besluit"),
            }
            for index, kind in enumerate(kinds)
        ]

    return change


@pytest.mark.parametrize(
    ("kinds", "key", "says"),
    [
        (["completeness", "completeness", "decision"], "stages[1].kind", "a completeness check already"),
        (["advice", "completeness", "decision"], "stages[1].kind", "not the first stage"),
        (["award"], "stages[0].kind", "Nothing has been decided before this award."),
        (["advice", "award"], "stages[1].kind", "Put a decision or a ratification before it."),
        (["decision", "award", "award"], "stages[2].kind", "There is an award already."),
        (["decision", "award", "decision"], "stages[1].kind", "Move the award to the end"),
        (["completeness", "advice"], "stages[1].kind", "so nothing is ever decided"),
        (["completeness"], "stages[0].kind", "End it with a decision, a ratification or an award."),
    ],
)
def test_a_route_that_cannot_be_walked_is_refused(kinds: list[str], key: str, says: str) -> None:
    data = definition()
    stages(*kinds)(data)
    assert says in problems_of(data)[key]


@pytest.mark.parametrize(
    "kinds",
    [["decision"], ["ratification"], ["advice", "ratification", "award"], ["decision", "advice", "decision"]],
)
def test_other_routes_are_data(kinds: list[str]) -> None:
    data = definition()
    stages(*kinds)(data)
    assert [stage.kind for stage in read_definition(data, file="f", region=None).stages] == kinds


def test_a_notice_of_a_programme_has_nobody_of_a_case() -> None:
    data = definition()
    data["notices"] = [{"kind": "programme", "to": ["admin", "submitter", "body"]}]
    found = problems_of(data)
    assert "tells of no proposal" in found["notices[0].to[1]"]
    assert "tells of no body" in found["notices[0].to[2]"]


def test_all_problems_come_at_once_and_one_a_key() -> None:
    data = definition()
    wrong = {"term": -1, "reference_prefix": "x", "themes[1].parent": "y", "stages[2].body": "z", "extra": 1}
    for key, value in wrong.items():
        put(data, key, value)
    assert set(problems_of(data)) == set(wrong)


def test_an_empty_definition_says_what_to_write() -> None:
    assert set(problems_of({})) == {
        "code", "version", "name", "reference_prefix", "secretariat", "themes", "bodies", "stages",
    }  # fmt: skip


def test_a_key_is_also_a_json_pointer() -> None:
    data = definition()
    put(data, "stages[2].term", 0)
    data["a.b[0]/~"] = 1
    data[""] = 1
    with pytest.raises(DefinitionErrors) as caught:
        read_definition(data, file="f", region=None)
    assert [problem.pointer for problem in caught.value.problems] == ["/a.b[0]~1~0", "/", "/stages/2/term"]


def with_region() -> dict[str, Any]:
    """A definition that leaves its places to a region."""
    data = definition()
    del data["subregions"], data["municipalities"]
    return data | {"region": "zuidoost"}


def test_a_region_gives_its_municipalities_and_subregions() -> None:
    programme = read_definition(with_region(), file="f", region=REGION)
    assert [(place.code, place.subregions) for place in programme.municipalities] == [
        ("GM0743", ("de-peel",))
    ]
    assert [subregion.name for subregion in programme.subregions] == ["De Peel"]


def test_an_unknown_region_is_one_problem() -> None:
    assert list(problems_of(with_region())) == ["region"]


def test_a_region_excludes_places_of_ones_own() -> None:
    data = with_region() | {"municipalities": []}
    assert "The region gives these already." in problems_of(data, REGION)["municipalities"]


def test_a_mistake_in_a_region_names_the_regions_file() -> None:
    region = copy.deepcopy(REGION) | {"code": "elders", "capital": "Helmond"}
    put(region, "municipalities[0].subregions[0]", "peel")
    with pytest.raises(DefinitionErrors) as caught:
        read_definition(with_region(), file="f", region=region)
    found = {(problem.file, problem.key) for problem in caught.value.problems}
    places = {"code", "capital", "municipalities[0].subregions[0]"}
    assert found == {("zuidoost.toml", key) for key in places}


def test_a_requirement_on_subregions_needs_subregions() -> None:
    data = definition()
    del data["subregions"], data["municipalities"]
    assert "would never object" in problems_of(data)["requirements[1].function"]


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)


def places(value: object, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in nested lists and tables."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [way, *(place for step, inner in steps for place in places(inner, (*way, step)))]


@given(place=st.sampled_from(places(definition())[1:]), junk=JUNK)
def test_whatever_stands_anywhere_is_read_or_refused_with_reasons(
    place: tuple[Any, ...], junk: object
) -> None:
    data = definition()
    set_at(data, place, junk)
    try:
        programme = read_definition(data, file="f", region=None)
    except DefinitionErrors as errors:
        programme, found = None, errors.problems
    assert isinstance(programme, Programme) or found
