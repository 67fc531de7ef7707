"""What kind of browser is this, in a word? Enough to recognise one's own; what it says of itself is not kept."""

from __future__ import annotations

import re

__all__ = ["browser_of"]

BROWSERS = (
    ("edge", r"Edg(e|A|iOS)?/"), ("opera", r"OPR/|Opera"), ("samsung", r"SamsungBrowser/"),
    ("firefox", r"Firefox/|FxiOS/"), ("chrome", r"Chrome/|CriOS/|Chromium/"), ("safari", r"Safari/"),
)  # fmt: skip
DEVICES = (
    ("iphone", r"iPhone"), ("ipad", r"iPad"), ("android", r"Android"), ("windows", r"Windows"),
    ("mac", r"Mac OS X|Macintosh"), ("chromebook", r"CrOS"), ("linux", r"Linux|X11"),
)  # fmt: skip
"""Code and how it is known, the first that fits: most say that they are others too."""


def browser_of(said: str) -> tuple[str, str]:
    """The codes of a browser and of what it runs on, from its User-Agent; empty where that is not known."""
    return _first(BROWSERS, said), _first(DEVICES, said)


def _first(known: tuple[tuple[str, str], ...], said: str) -> str:
    return next((code for code, pattern in known if re.search(pattern, said)), "")
