"""Has every word of the field that the code uses a place in the glossary, and does every call in the pages exist?"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from domain import proposal
from domain.definition_rules import CAPACITIES, KINDS
from domain.events import EVENTS
from domain.requirements import CONSEQUENCES
from projections.views import VIEWS
from service.app import create_app
from service.identity.people import ROLES
from service.programmes import bundled, read_bundled
from service.settings import Settings
from tests.docs.pages import PAGES, blocks, name, prose, read

GLOSSARY = "docs/glossary.md"
CALL = re.compile(r"\b(GET|POST)\b`?,? `?(?:(?:GET|POST) )?(/[\w/{}-]*)")


@pytest.fixture(scope="module")
def glossary() -> str:
    """The glossary in small letters, hyphens as spaces."""
    return read(GLOSSARY).lower().replace("-", " ")


def spoken(word: str) -> str:
    """A code or a class as somebody would say it: `held-over` is held over, `SourceAdded` is source added."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", word).replace("-", " ").replace("_", " ").lower()


OUTCOMES = {*proposal.CHECKS, *proposal.ADVICES, *proposal.OUTCOMES}
COFINANCING = {"promised", "granted", "own"}


@pytest.mark.parametrize(
    "word", sorted({*KINDS, *CAPACITIES, *CONSEQUENCES, *OUTCOMES, *COFINANCING, *ROLES}), ids=str
)
def test_every_word_to_choose_from_is_in_the_glossary(word: str, glossary: str) -> None:
    assert re.search(stem(spoken(word)), glossary), f"{word} is not in {GLOSSARY}"


@pytest.mark.parametrize("event", EVENTS)
def test_what_every_event_is_about_is_in_the_glossary(event: str, glossary: str) -> None:
    for word in spoken(event).split():
        assert re.search(stem(word), glossary), f"{word}, of {event}, is not in {GLOSSARY}"


@pytest.mark.parametrize("view", [view.name for view in VIEWS])
def test_every_view_is_in_the_glossary(view: str, glossary: str) -> None:
    assert re.search(stem(spoken(view)), glossary), f"{view} is not in {GLOSSARY}"


def test_every_body_of_the_bundled_programmes_is_in_the_glossary(glossary: str) -> None:
    for file in bundled():
        for body in read_bundled(file).bodies:
            assert re.search(rf"\b{body.code}\b", glossary), f"{body.code} is not in {GLOSSARY}"


def stem(words: str) -> str:
    """A pattern for words in any of their forms: review, reviews, reviewed; withdraw, withdrawn; blocks the review."""
    return r"\W+(?:the\W+)?".join(
        re.escape(re.sub(r"(ed|es|e|s|d|n)$", "", word)) + r"\w*" for word in words.split()
    )


@pytest.fixture(scope="module")
def calls() -> list[tuple[set[str], str]]:
    """Every call that the service answers: its methods, and a pattern for its path."""
    settings = Settings("postgresql://app@nowhere/none", "postgresql://owner@nowhere/none", b"x" * 32)
    rules = create_app(settings).url_map.iter_rules()
    return [(rule.methods or set(), re.sub(r"<[^>]+>", "[^/]+", rule.rule)) for rule in rules]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_call_in_the_pages_is_answered(page: Path, calls: list[tuple[set[str], str]]) -> None:
    text = read(page)
    for part in (prose(text), *(block.text for block in blocks(text))):
        for method, path in CALL.findall(part):
            asked = {path, f"/api/v1{path}"}
            assert any(
                method in methods and any(re.fullmatch(rule, each) for each in asked)
                for methods, rule in calls
            ), f"{method} {path}"
