"""Where does the service keep its own secrets? In the data folder, made at the first start, for one user to read."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

__all__ = ["ensure_secret", "is_private", "write_private"]

SECRET_NAME = "secret"


def ensure_secret(data_dir: Path) -> Path:
    """The file with the service's own secret, 64 hexadecimal characters, made when it isn't there yet.

    An existing one is never replaced: idempotent requests and sessions are keyed with it.
    """
    path = data_dir / SECRET_NAME
    if not path.exists():
        write_private(path, secrets.token_hex(32) + "\n")
    return path


def write_private(path: Path, text: str) -> None:
    """Write `text` so that nobody else can read it at any moment, and readers see the old or the new, never half."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def is_private(path: Path) -> bool:
    """Whether only its owner (and root) may read or write `path`."""
    return path.stat().st_mode & 0o077 == 0
