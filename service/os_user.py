"""Which operating system user may run PostgreSQL, and where may that user go?

PostgreSQL refuses to run as root. So when we are root, an unprivileged user runs it; when we are not, we do.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["NoUser", "OsUser", "for_postgres"]

OWN_USER = "besluitspoor"
FALLBACK_USERS = ("postgres", "nobody")


class NoUser(Exception):
    """There is no unprivileged user to run PostgreSQL as, and none could be made."""


@dataclass(frozen=True)
class OsUser:
    """A user of this machine; `switch` says whether we must become that user to act as it."""

    name: str
    uid: int
    gid: int
    switch: bool

    def popen_options(self) -> dict[str, Any]:
        """What subprocess needs to run something as this user."""
        if not self.switch:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def may_enter(self, folder: Path) -> bool:
        """Whether this user can reach what is in `folder`: asked of the system itself, so that access lists
        and mount options count too."""
        return self._succeeds(["test", "-x", str(folder)])

    def can_run(self, program: Path) -> bool:
        """Whether this user can run `program` with all the libraries it needs."""
        return self._succeeds([str(program), "--version"])

    def own(self, path: Path) -> None:
        """Give `path` to this user."""
        if self.switch:
            os.chown(path, self.uid, self.gid)

    def _succeeds(self, command: list[str]) -> bool:
        try:
            done = subprocess.run(
                command,
                cwd="/",
                env={"PATH": os.defpath, "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                **self.popen_options(),
            )
        except OSError:
            return False
        return done.returncode == 0


def for_postgres(owner_of: Path | None = None) -> OsUser:
    """The user that runs PostgreSQL: the owner of the existing data folder `owner_of`, or ourselves, or, as root,
    a user made for it.

    Raises NoUser when that is impossible; the message says what to do.
    """
    me = os.geteuid()
    if owner_of is not None:
        owner = owner_of.stat().st_uid
        if me == 0 and owner != 0:
            entry = _entry_of(owner)
            return OsUser(entry.pw_name, entry.pw_uid, entry.pw_gid, switch=True)
        if owner != me:
            raise NoUser(
                f"The database in {owner_of} belongs to user {_name_of(owner)}, and you are {_name_of(me)}. "
                f"Run this as {_name_of(owner)}, or choose another folder with --data."
            )
    if me != 0:
        return OsUser(_name_of(me), me, os.getegid(), switch=False)
    entry_or_none = _find(OWN_USER) or _make_own() or next(filter(None, map(_find, FALLBACK_USERS)), None)
    if entry_or_none is None:
        raise NoUser(
            "PostgreSQL doesn't run as root, and no unprivileged user could be made for it. "
            f"Make one (useradd --system {OWN_USER}), or run this as an ordinary user."
        )
    return OsUser(entry_or_none.pw_name, entry_or_none.pw_uid, entry_or_none.pw_gid, switch=True)


def _find(name: str) -> pwd.struct_passwd | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return entry if entry.pw_uid != 0 else None


def _entry_of(uid: int) -> pwd.struct_passwd:
    try:
        return pwd.getpwuid(uid)
    except KeyError:
        raise NoUser(
            f"The database belongs to user number {uid}, which this machine doesn't know, and PostgreSQL needs a name "
            f"for it. Make that user (useradd --system --uid {uid} {OWN_USER}) and try again."
        ) from None


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"number {uid}"


def _make_own() -> pwd.struct_passwd | None:
    """Make the user as the tools at hand allow: useradd nearly everywhere, adduser on busybox systems."""
    nologin = next(
        (path for path in ("/usr/sbin/nologin", "/sbin/nologin") if Path(path).exists()), "/bin/false"
    )
    useradd = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    adduser = ["adduser", "-S", "-D", "-H", "-h", "/nonexistent"]
    for command in ([*useradd, "--shell", nologin, OWN_USER], [*adduser, "-s", nologin, OWN_USER]):
        program = shutil.which(command[0], path=f"{os.defpath}:/usr/sbin:/sbin")
        if program is None:
            continue
        done = subprocess.run(
            [program, *command[1:]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        if done.returncode == 0:
            return _find(OWN_USER)
    return None
