"""What a demonstration needs: people to sign in as (`prepare`), and cases at every stage (`replay`)."""

from __future__ import annotations

from service.demo.people import prepare
from service.demo.replay import Replayed, replay

__all__ = ["Replayed", "prepare", "replay"]
