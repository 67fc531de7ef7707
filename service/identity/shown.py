"""For how long does it count that somebody showed who they are? Then they show it again before it matters most."""

from __future__ import annotations

from datetime import timedelta

__all__ = ["FRESH"]

FRESH = timedelta(minutes=10)
"""After so long somebody who is signed in shows who they are once more, before what they sign in with changes."""
