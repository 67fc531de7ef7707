"""Every refusal has its sentence in both languages, and gives the facts that the sentence needs."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from domain.events import EVENTS
from service.texts import LANGUAGES, catalog

RAISED = {"Refused": 0, "Invalid": 0, "Problem": 1, "Fault": 0, "refusal": 0, "Said": 0, "wrong": 1}
"""What is called with a code, and which argument that is."""


def calls(project: Path) -> Iterator[tuple[str, set[str] | None, str]]:
    """(code, the facts given or None when they cannot be told, where) of every refusal in the code."""
    for file in sorted((*project.glob("domain/**/*.py"), *project.glob("service/**/*.py"))):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in RAISED:
                # A definition's problems, outside the API, are of another kind and carry their own sentences.
                if node.func.id == "Problem" and "api" not in file.parts and file.name != "app.py":
                    continue
                if len(node.args) <= RAISED[node.func.id]:
                    continue
                known = {keyword.arg for keyword in node.keywords if keyword.arg}
                told = not any(keyword.arg is None for keyword in node.keywords)
                facts = known if told and node.func.id != "Fault" else None
                for code in codes(node.args[RAISED[node.func.id]]):
                    yield code, facts, f"{file.relative_to(project)}:{node.lineno}"


def codes(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.IfExp):
        return [*codes(node.body), *codes(node.orelse)]
    return []


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


def test_every_code_that_is_raised_has_a_sentence_whose_facts_are_given(project: Path) -> None:
    found = list(calls(project))
    assert len({code for code, _, _ in found}) > 50
    for language in LANGUAGES:
        sentences = catalog(language).sentences
        # `definition` carries the sentences that the definition's reader made.
        unsaid = {f"{code} ({at})" for code, _, at in found if code not in sentences and code != "definition"}
        assert not unsaid, f"{language}.toml has no sentence for {sorted(unsaid)}"
        for code, facts, at in found:
            if facts is not None:
                missing = placeholders(sentences[code]) - facts
                assert not missing, f"{language}.toml says {missing} of {code}, which {at} does not give"


def test_both_languages_have_the_same_codes_and_facts() -> None:
    dutch, english = catalog("nl"), catalog("en")
    assert set(dutch.sentences) == set(english.sentences)
    assert set(dutch.titles) == set(english.titles)
    assert set(dutch.words) == set(english.words)
    assert set(dutch.events) == set(english.events) == set(EVENTS)
    for code, sentence in dutch.sentences.items():
        assert placeholders(sentence) == placeholders(english.sentences[code]), code


def test_codes_made_from_a_kind_have_sentences() -> None:
    for code in ("unknown-municipality", "unknown-subregion"):
        assert catalog("nl").sentences[code]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("nl", "In budget 'herstelaanpak' is nog € 390.000,00; gevraagd is € 1.234.567,89."),
        ("en", "Envelope 'herstelaanpak' has €390,000.00 left; asked was €1,234,567.89."),
    ],
)
def test_money_is_said_as_people_write_it(language: str, said: str) -> None:
    facts = {"envelope": "herstelaanpak", "left": Decimal("390000.00"), "amount": Decimal("1234567.89")}
    assert catalog(language).say("envelope-exhausted", facts) == said


def test_days_lists_names_and_words_are_said_in_the_language() -> None:
    dutch, english = catalog("nl"), catalog("en")
    facts = {"effectiveOn": date(2021, 2, 8), "programme": "stimuleringsfonds", "opens": None}
    assert "8 februari 2021" in dutch.say("tender-closed", facts)
    assert "geen" in dutch.say("tender-closed", facts)
    assert "8 February 2021" in english.say("tender-closed", facts)
    names = {"nl": ["multiplier", "draagvlak"], "en": ["multiplier", "support"]}
    assert "multiplier, draagvlak" in dutch.say("requirement-blocks-review", {"names": names})
    assert "lid" in dutch.say("forbidden", {"roles": ["member"]})
    assert "member" in english.say("forbidden", {"roles": ["member"]})


def test_what_somebody_sent_is_repeated_in_short() -> None:
    said = catalog("nl").say("unknown-theme", {"value": "x" * 1_000, "known": ["opleiden"]})
    assert len(said) < 250


def test_braces_in_what_somebody_sent_stay_what_they_are() -> None:
    said = catalog("nl").say("unknown-envelope", {"value": "{left:money} {0} {__class__}"})
    assert "{left:money} {0} {__class__}" in said
