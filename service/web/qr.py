"""How does an app read a long text off the screen? As a QR code: an SVG file of its own, dark on white."""

from __future__ import annotations

import io

import segno

__all__ = ["svg"]


def svg(text: str) -> bytes:
    """The picture, with the white border that readers need."""
    out = io.BytesIO()
    segno.make(text, error="m").save(out, kind="svg", scale=4, border=4, dark="#000", light="#fff")
    return out.getvalue()
