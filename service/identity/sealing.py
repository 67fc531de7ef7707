"""How is a secret kept that we have to read again? Sealed, with a key made of the service's secret."""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from service.settings import Settings

__all__ = ["Unsealable", "key", "seal", "unseal"]

NONCE = 12


class Unsealable(Exception):
    """This was sealed with another secret, for something else, or for somebody else."""


def key(settings: Settings, purpose: str) -> bytes:
    """A key of 256 bits that is good for this purpose alone."""
    return HKDF(SHA256(), 32, None, f"besluitspoor {purpose}".encode()).derive(settings.secret)


def seal(settings: Settings, purpose: str, about: str, plain: bytes) -> bytes:
    """This, sealed: it can be opened for the same purpose and about the same person only."""
    nonce = secrets.token_bytes(NONCE)
    return nonce + AESGCM(key(settings, purpose)).encrypt(nonce, plain, about.encode())


def unseal(settings: Settings, purpose: str, about: str, sealed: bytes) -> bytes:
    """What was sealed. Raises Unsealable."""
    try:
        return AESGCM(key(settings, purpose)).decrypt(sealed[:NONCE], sealed[NONCE:], about.encode())
    except (InvalidTag, ValueError) as error:
        raise Unsealable from error
