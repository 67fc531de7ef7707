"""A long Dutch word is broken between the words that it is made of, and stays one word for everybody else."""

from __future__ import annotations

import re

import pytest
from markupsafe import Markup

from service.web.long_words import foldable, seams
from tests.web.conftest import PHONE, Opener, Site

BODY = "Portefeuillehoudersoverleg"


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        (BODY, ["Portefeuille", "houders", "overleg"]),
        ("samenwerkingsverbanden", ["samenwerkings", "verbanden"]),
        ("Adviescommissies", ["Advies", "commissies"]),
        ("subsidieaanvragen", ["subsidieaanvragen"]),
        ("Overlegstructuren", ["Overlegstructuren"]),
        ("bestuursrechtelijk", ["bestuursrechtelijk"]),
        ("bestuursvoorstel", ["bestuurs", "voorstel"]),
        ("werkgroep", ["werkgroep"]),
        ("", [""]),
    ],
)
def test_a_word_is_broken_where_it_was_put_together(word: str, parts: list[str]) -> None:
    assert seams(word) == parts


@pytest.mark.parametrize(
    "text",
    [f"Wachtrij van {BODY} Economie", "<b>portefeuillehouders</b> & co", "kort", "", "x" * 60, "1" * 30],
)
def test_nothing_of_the_text_changes(text: str) -> None:
    marked = foldable(text)
    assert Markup(marked.replace('<span class="seam"></span>', "")).unescape() == text
    assert "<b>" not in marked


def test_what_is_html_already_stays_as_it_is() -> None:
    assert foldable(Markup("<em>Portefeuillehouders</em>")) == Markup("<em>Portefeuillehouders</em>")


def test_who_listens_searches_or_copies_gets_the_plain_word(opened: Opener, site: Site) -> None:
    page = opened("poho", "/queue/poho", viewport=PHONE)
    heading = page.get_by_role("heading", level=1, name=re.compile(BODY))
    assert BODY in heading.inner_text()
    assert page.evaluate("window.find('houdersoverleg')")
    heading.click(click_count=3)
    assert BODY in page.evaluate("getSelection().toString()")
    assert "\u00ad" not in heading.aria_snapshot() + heading.inner_text()
