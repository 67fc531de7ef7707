"""A copy is told from words that two texts have in common."""

from __future__ import annotations

import pytest

from service.quoting import quotes, repeated

SAID = "Mevrouw Jansen uit de Lindelaan leert zes winkeliers verkopen op het web."


@pytest.mark.parametrize(
    ("text", "said", "is_a_copy"),
    [
        (SAID, SAID, True),
        (f"Wij lezen: {SAID.upper()} Klopt dat?", SAID, True),
        ("mevrouw  Jansen,\nuit de  Lindelaan leert", SAID, True),
        ("Mevrouw Jansen uit de Lindelaan", SAID, False),
        ("Zij leert winkeliers verkopen op het web.", SAID, False),
        ("Het gaat om Jansen Advies uit Best.", "Jansen Advies", True),
        ("Het gaat om Jansen.", "Jansen Advies", False),
        ("", SAID, False),
        (None, SAID, False),
        (SAID, "", False),
    ],
)
def test_a_text_repeats_another_as_a_whole_or_a_stretch_of_it(
    text: str | None, said: str, is_a_copy: bool
) -> None:
    assert quotes(text, [said]) is is_a_copy


def test_other_texts_that_repeat_a_chosen_one_are_named() -> None:
    texts = {"1/content.summary": SAID, "4/content.summary": f"{SAID} Nu in Best.", "6/grounds": "Past goed."}
    assert repeated(texts, ["1/content.summary"]) == ["4/content.summary"]
    assert repeated(texts, ["1/content.summary", "4/content.summary"]) == []
    assert repeated(texts, ["9/grounds"]) == []
