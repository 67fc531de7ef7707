"""How is a secret kept that we have to read again? Sealed, with a key made of the service's secret."""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from service.settings import Settings

__all__ = ["Unsealable", "resealed", "seal", "unseal"]

NONCE = 12


class Unsealable(Exception):
    """This was sealed with another secret, for something else, or for somebody else."""


def _key(secret: bytes, purpose: str) -> bytes:
    """A key of 256 bits that is good for this purpose alone."""
    return HKDF(SHA256(), 32, None, f"besluitspoor {purpose}".encode()).derive(secret)


def seal(settings: Settings, purpose: str, about: str, plain: bytes) -> bytes:
    """This, sealed: it can be opened for the same purpose and about the same person only."""
    nonce = secrets.token_bytes(NONCE)
    return nonce + AESGCM(_key(settings.secret, purpose)).encrypt(nonce, plain, about.encode())


def unseal(settings: Settings, purpose: str, about: str, sealed: bytes) -> bytes:
    """What was sealed, with the present secret or with the one before while it changes. Raises Unsealable."""
    for secret in settings.secrets:
        plain = _opened(secret, purpose, about, sealed)
        if plain is not None:
            return plain
    raise Unsealable


def resealed(settings: Settings, purpose: str, about: str, sealed: bytes) -> bytes:
    """The same, sealed with the present secret: as it was where it is so already. Raises Unsealable."""
    if _opened(settings.secret, purpose, about, sealed) is not None:
        return sealed
    return seal(settings, purpose, about, unseal(settings, purpose, about, sealed))


def _opened(secret: bytes, purpose: str, about: str, sealed: bytes) -> bytes | None:
    try:
        return AESGCM(_key(secret, purpose)).decrypt(sealed[:NONCE], sealed[NONCE:], about.encode())
    except (InvalidTag, ValueError):
        return None
