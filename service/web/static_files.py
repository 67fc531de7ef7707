"""Where are the style sheet, the scripts and the fonts? Under an address that changes with what is in the file.

So browsers may keep them for good, and never use an old one with a new page. Nothing comes from another host.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import PurePosixPath

from flask import Blueprint, Response, abort, request

__all__ = ["address", "pages"]

pages = Blueprint("static_files", __name__)

FOLDERS = ("web", "vendor")
PREFIX = "/assets"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".png": "image/png",
    ".ico": "image/x-icon",
}
COMPRESSED = (".css", ".js", ".svg")
NAMED = re.compile(r'url\("((?:web|vendor)/[^"]+)"\)')
"""A file that our own style sheets name; what is vendored is sent as it was published."""


@dataclass(frozen=True, slots=True)
class File:
    """A file as it is sent."""

    body: bytes
    compressed: bytes | None
    content_type: str
    fingerprint: str


@cache
def _file(path: str) -> File:
    """The file at this path. Raises FileNotFoundError."""
    folder, *steps = path.split("/")
    if folder not in FOLDERS or any(step in ("", ".", "..") for step in steps):
        raise FileNotFoundError(path)
    found = files("service").joinpath("static", folder, *steps)
    if not found.is_file():
        raise FileNotFoundError(path)
    body = found.read_bytes()
    suffix = PurePosixPath(path).suffix
    if folder == "web" and suffix == ".css":
        body = NAMED.sub(lambda named: f'url("{address(named[1])}")', body.decode("utf-8")).encode()
    compressed = gzip.compress(body, 9, mtime=0) if suffix in COMPRESSED else None
    return File(
        body, compressed, TYPES.get(suffix, "application/octet-stream"), hashlib.sha256(body).hexdigest()[:12]
    )


def address(path: str) -> str:
    """Where a file is found, for example of `web/app.css`."""
    return f"{PREFIX}/{_file(path).fingerprint}/{path}"


@pages.get(f"{PREFIX}/<fingerprint>/<path:path>")
def send(fingerprint: str, path: str) -> Response:
    """A file, for good; one that has changed has another address."""
    try:
        file = _file(path)
    except FileNotFoundError:
        abort(404)
    if fingerprint != file.fingerprint:
        abort(404)
    compressed = file.compressed is not None and request.accept_encodings["gzip"] > 0
    response = Response(file.compressed if compressed else file.body, content_type=file.content_type)
    if compressed:
        response.headers["Content-Encoding"] = "gzip"
    response.vary.add("Accept-Encoding")
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response
