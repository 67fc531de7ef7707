"""What is made with the secret of the service, and which of it counts? Made with the present one alone.

While the secret changes, what was made with the one before counts too (`PREVIOUS_SECRET_FILE`).
"""

from __future__ import annotations

import hashlib
import hmac
from hashlib import blake2b
from uuid import UUID

from service.eventstore import Once
from service.settings import Settings

__all__ = ["ids_for", "once_for", "sign", "signatures"]


def sign(settings: Settings, plain: bytes) -> bytes:
    """The HMAC of this; let it begin with what it is for, so that it is good for nothing else."""
    return hmac.digest(settings.secret, plain, hashlib.sha256)


def signatures(settings: Settings, plain: bytes) -> list[bytes]:
    """Every HMAC of this that counts: the one that `sign` makes, and the one that it made before."""
    return [hmac.digest(secret, plain, hashlib.sha256) for secret in settings.secrets]


def once_for(settings: Settings, key: str, plain: bytes) -> Once:
    """A request that is done once, recognised by this.

    The digest is keyed, so whoever reads the log cannot try out what somebody may have sent.
    """
    made = [
        blake2b(plain, key=secret[: blake2b.MAX_KEY_SIZE], digest_size=32).digest()
        for secret in settings.secrets
    ]
    return Once(key, made[0], tuple(made[1:]))


def ids_for(settings: Settings, kind: str, person: str, once: Once | None) -> list[str]:
    """The ids that a key of this person stands for: the same key gives the same id, and so the same thing.

    The first is what a new thing is given; the others are those of before the secret changed. None without a key.
    `kind` is what it is, and may say more of it after a space.
    """
    if once is None:
        return []
    plain = f"{kind}|{person}|{once.key}".encode()
    made = (hmac.digest(secret, plain, hashlib.sha256)[:16] for secret in settings.secrets)
    return [f"{kind.partition(' ')[0]}-{UUID(bytes=each, version=4)}" for each in made]
