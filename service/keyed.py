"""What is made with the secret of the service, and which of it counts? Made with the present one alone.

While the secret changes, what was made with the one before counts too (`PREVIOUS_SECRET_FILE`).
"""

from __future__ import annotations

import hashlib
import hmac
from hashlib import blake2b

from service.eventstore import Once
from service.settings import Settings

__all__ = ["once_for", "sign", "signatures"]


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
