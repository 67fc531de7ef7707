"""Which addresses of a provider do we use? HTTPS only; without it a provider on this machine, in a trial of ours."""

from __future__ import annotations

from urllib.parse import urlsplit

__all__ = ["is_loopback", "may_ask"]

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def is_loopback(url: str) -> bool:
    """Does this address lead to this machine itself?"""
    try:
        return urlsplit(url).hostname in LOOPBACK
    except ValueError:
        return False


def may_ask(url: object, *, local: bool) -> bool:
    """Is this an address that may be asked, or somebody be sent to? `local`: this service is on a loopback itself."""
    if not isinstance(url, str) or not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return False
    if not host or "@" in parts.netloc or "#" in url:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and local and host in LOOPBACK)
