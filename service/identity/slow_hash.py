"""How is kept what somebody has to know, such as a password? By argon2id, so that trying them all takes too long."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError

__all__ = ["hash_of", "hashes_of", "is_outdated", "matches", "the_same"]

# OWASP's first choice for argon2id with little memory: one costs some 20 ms and 19 MiB.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def hash_of(plain: str) -> str:
    """What is kept of this: takes some 20 ms, so hold no connection meanwhile where that can be."""
    return _HASHER.hash(plain)


def matches(hashed: str, plain: str) -> bool:
    """Is this what the hash was made of?"""
    try:
        return _HASHER.verify(hashed, plain)
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(hashed: str) -> bool:
    """Was it made with other parameters than are used now?"""
    return _HASHER.check_needs_rehash(hashed)


def hashes_of(several: Sequence[str]) -> list[str]:
    """What is kept of several that belong together: one salt, so that `the_same` finds one among them by one hash."""
    salt = secrets.token_bytes(_HASHER.salt_len)
    return [_HASHER.hash(each, salt=salt) for each in several]


def the_same(hashed: str, plain: str) -> str:
    """The hash of this, with the salt and the parameters of one that was made before."""
    salt = hashed.split("$")[4]
    salted = base64.b64decode(salt + "=" * (-len(salt) % 4))
    return PasswordHasher.from_parameters(extract_parameters(hashed)).hash(plain, salt=salted)
