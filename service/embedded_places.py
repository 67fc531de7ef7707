"""Where is an embedded database, and how does one get in?

Below the data folder, unless the user that runs PostgreSQL can't go there; then in a place of its own, and said so.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote

from service import os_user, postgres_binaries
from service.own_secrets import write_private

__all__ = [
    "APP_ROLE",
    "DATABASE",
    "OWNER_ROLE",
    "PLACES_NAME",
    "PORT",
    "EmbeddedError",
    "Places",
    "Progress",
    "choose_places",
    "ensure_folder",
    "private_folder",
    "saved_places",
]

PLACES_NAME = "embedded.json"
DATABASE = "besluitspoor"
OWNER_ROLE = "besluitspoor_owner"
APP_ROLE = "besluitspoor_app"
PORT = 5432  # only a part of the socket's name: nothing listens on the network
SOCKET_PATH_LIMIT = 90  # the system allows 107 with the socket's own name

Progress = Callable[[str], None]


class EmbeddedError(Exception):
    """The embedded PostgreSQL can't do what was asked; the message is a sentence that says what to do."""


@dataclass(frozen=True)
class Places:
    """Where one embedded database is and how to get in; saved in the data folder, for its owner's eyes."""

    database: str
    socket: str
    owner_password: str
    app_password: str

    @property
    def owner_url(self) -> str:
        return self._url(OWNER_ROLE, self.owner_password, DATABASE)

    @property
    def app_url(self) -> str:
        return self._url(APP_ROLE, self.app_password, DATABASE)

    @property
    def maintenance_url(self) -> str:
        return self._url(OWNER_ROLE, self.owner_password, "postgres")

    def _url(self, role: str, password: str, database: str) -> str:
        return f"postgresql://{role}:{password}@/{database}?host={quote(self.socket, safe='')}&port={PORT}"


def saved_places(data_dir: Path) -> Places | None:
    """What `data_dir` remembers of its database; nothing when there is none.

    Raises EmbeddedError when the file is there and can't be read.
    """
    path = data_dir / PLACES_NAME
    try:
        return Places(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise EmbeddedError(
            f"{path} can be read only by the user that ran the service. Run this as that user."
        ) from error
    except (OSError, ValueError, TypeError) as error:
        raise EmbeddedError(f"{path} is damaged ({error}). Put it back from a backup.") from error


def ensure_folder(data_dir: Path) -> Path:
    """`data_dir` with all its parents. As root others may pass through it (never list it): PostgreSQL's user must."""
    data_dir = data_dir.expanduser().absolute()
    try:
        if not data_dir.is_dir():
            data_dir.mkdir(parents=True, exist_ok=True)
            data_dir.chmod(0o711 if os.geteuid() == 0 else 0o700)
    except OSError as error:
        raise EmbeddedError(
            f"The data folder {data_dir} can't be made ({error.strerror}). Choose another with --data."
        ) from error
    if not os.access(data_dir, os.W_OK | os.X_OK):
        raise EmbeddedError(f"You may not write in the data folder {data_dir}. Choose another with --data.")
    return data_dir


def choose_places(data_dir: Path, saved: Places | None, user: os_user.OsUser, progress: Progress) -> Places:
    """Where the database is or will be; saved before anything is made there, so that no password gets lost."""
    if saved is None:
        database = _new_database_folder(data_dir, user, progress)
        places = Places(str(database), "", secrets.token_urlsafe(24), secrets.token_urlsafe(24))
    else:
        places = saved
        if not Path(places.database).parent.is_dir():
            raise EmbeddedError(
                f"The database of {data_dir} was in {places.database}, which is gone. Put it back from a backup, or "
                f"remove {data_dir / PLACES_NAME} to begin anew."
            )
    socket = _socket_folder(
        Path(places.database).parent, Path(places.socket) if places.socket else None, user
    )
    places = Places(places.database, str(socket), places.owner_password, places.app_password)
    if places != saved:
        write_private(data_dir / PLACES_NAME, json.dumps(asdict(places), indent=1) + "\n")
    return places


def _new_database_folder(data_dir: Path, user: os_user.OsUser, progress: Progress) -> Path:
    """In the data folder; or, when PostgreSQL's user can't go there, in a place of its own."""
    inside = data_dir / "postgres"
    if user.may_enter(data_dir):
        if inside.exists():
            raise EmbeddedError(
                f"{inside} holds a database, but {data_dir / PLACES_NAME} with its passwords is gone. Put that file "
                "back from a backup, or choose another folder with --data."
            )
        return inside
    name = hashlib.sha256(str(data_dir).encode()).hexdigest()[:12]
    elsewhere = postgres_binaries.SHARED_PLACE / name
    while elsewhere.exists():
        progress(f"An earlier database of {data_dir} is still in {elsewhere}; remove it if you don't need it")
        elsewhere = elsewhere.with_name(f"{elsewhere.name}-again")
    postgres_binaries.SHARED_PLACE.mkdir(mode=0o755, parents=True, exist_ok=True)
    elsewhere.mkdir(mode=0o711)
    elsewhere.chmod(0o711)
    progress(
        f"User {user.name}, who runs PostgreSQL, can't reach {data_dir}: the database goes to {elsewhere}"
    )
    if not user.may_enter(elsewhere):
        raise EmbeddedError(
            f"User {user.name}, who runs PostgreSQL, can reach neither {data_dir} nor {elsewhere}. "
            "Choose a folder with --data that every user can pass through."
        )
    return elsewhere / "postgres"


def _socket_folder(beside: Path, last_time: Path | None, user: os_user.OsUser) -> Path:
    """A private folder with a short and plain path: sockets allow 107 bytes, and not every client quotes well."""
    inside = beside / "socket"
    if len(str(inside)) <= SOCKET_PATH_LIMIT and re.fullmatch(r"[A-Za-z0-9_./-]+", str(inside)):
        return private_folder(inside, user)
    if last_time is not None and last_time.is_dir() and not last_time.is_symlink():
        state = last_time.stat()
        if state.st_uid == user.uid and state.st_mode & 0o077 == 0:
            return last_time
    for parent in ("/run", os.environ.get("XDG_RUNTIME_DIR", ""), "/tmp", tempfile.gettempdir()):
        if not parent or len(parent) > SOCKET_PATH_LIMIT - 24 or not os.access(parent, os.W_OK | os.X_OK):
            continue
        if user.may_enter(Path(parent)):
            return private_folder(Path(tempfile.mkdtemp(prefix="besluitspoor-", dir=parent)), user)
    raise EmbeddedError("No folder with a short path was found for PostgreSQL's socket: is /tmp writable?")


def private_folder(path: Path, user: os_user.OsUser) -> Path:
    path.mkdir(mode=0o700, exist_ok=True)
    path.chmod(0o700)
    user.own(path)
    return path
