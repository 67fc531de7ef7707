"""`docs/programmes.md` tells of every key and every word that a definition may hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from domain.definition import KEYS, REGION_KEYS
from domain.definition_rules import CAPACITIES, KINDS, NOTICE_KINDS, NOTICE_RELATIONS, RESERVED_STAGES
from domain.programme import PUBLICATIONS
from domain.requirements import CONSEQUENCES, FUNCTIONS

PAGE = (Path(__file__).parents[2] / "docs" / "programmes.md").read_text(encoding="utf-8")
HEADINGS = {
    "": "## The programme itself",
    "bodies": "## `[[bodies]]`",
    "themes": "## `[[themes]]`",
    "subregions": "## `[[subregions]]` and `[[municipalities]]`",
    "municipalities": "## `[[subregions]]` and `[[municipalities]]`",
    "stages": "## `[[stages]]`",
    "criteria": "### `criteria` of an advice",
    "requirements": "## `[[requirements]]`",
    "envelopes": "## `[[envelopes]]`",
    "tenders": "## `[[tenders]]`",
    "notices": "## `[[notices]]`",
    "publication": "## `[publication]`",
    "retention": "## `[retention]`",
}


def words_under(heading: str) -> set[str]:
    """The words set as code in the tables under a heading, up to the next one."""
    assert heading in PAGE
    section = re.split(r"^##", PAGE.split(heading + "\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    rows = (line for line in section.splitlines() if line.startswith("|"))
    return {word for row in rows for word in re.findall(r"`([^`]+)`", row)}


@pytest.mark.parametrize("table", KEYS)
def test_every_key_of_a_table_is_told_under_its_heading(table: str) -> None:
    assert set(KEYS[table]) <= words_under(HEADINGS[table])


def test_a_region_has_no_key_that_is_not_told() -> None:
    assert set(REGION_KEYS) <= words_under(HEADINGS[""]) | words_under(HEADINGS["subregions"])


def test_every_word_to_choose_from_is_told() -> None:
    assert {*KINDS, *CAPACITIES, *RESERVED_STAGES} <= words_under(HEADINGS["stages"])
    assert {*FUNCTIONS, *CONSEQUENCES} <= words_under(HEADINGS["requirements"])
    assert {*PUBLICATIONS} <= words_under(HEADINGS["publication"])
    assert {*NOTICE_KINDS, *NOTICE_RELATIONS} <= words_under(HEADINGS["notices"])
