"""Is this a password to accept? Long enough, and none that everybody tries first; what it is made of is free."""

from __future__ import annotations

from functools import cache

from service.identity.people import Person

__all__ = ["SHORTEST", "fault"]

SHORTEST = 12
"""Characters at least."""
OURS = "besluitspoor"


def fault(password: str, person: Person) -> str | None:
    """What is wrong with this as the password of this person: short, own or common; None when nothing is."""
    if len(password) < SHORTEST:
        return "short"
    plain = password.casefold().strip()
    email = person.email.casefold()
    own = {email, email.partition("@")[0], person.name.casefold(), "".join(person.name.casefold().split())}
    if plain in own:
        return "own"
    # One character, or one short word, over and over.
    repeated = any(plain == (plain[:length] * len(plain))[: len(plain)] for length in range(1, 5))
    return "common" if repeated or plain == OURS or plain in _common() else None


@cache
def _common() -> frozenset[str]:
    # Loaded when first needed: nobody who only reads should wait for it.
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(each for each in FREQUENCY_LISTS["passwords"] if len(each) >= SHORTEST)
