"""Who may know of it? The level of a proposal or of one act, with its ground in law and until when it counts.

A level that nobody set is internal; from the moment that its programme publishes a proposal, what may be public is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from domain.errors import Invalid

__all__ = ["GROUNDS", "LEVELS", "Confidentiality", "check_confidentiality"]

LEVELS = ("public", "internal", "confidential")
"""Public: its words may stand in the register. Internal: for who may read the case. Confidential: for few of these."""

CONFIDENTIAL = "confidential"

GROUNDS = (
    # Woo 5.1, first paragraph: absolute
    "woo-5-1-1-a", "woo-5-1-1-b", "woo-5-1-1-c", "woo-5-1-1-d", "woo-5-1-1-e",
    # Woo 5.1, second paragraph: weighed against openness; and the fifth: disproportionate harm
    "woo-5-1-2-a", "woo-5-1-2-b", "woo-5-1-2-c", "woo-5-1-2-d", "woo-5-1-2-e", "woo-5-1-2-f", "woo-5-1-2-g",
    "woo-5-1-2-h", "woo-5-1-2-i", "woo-5-1-5",
    # Woo 5.2: personal policy views; Awb 2:5: the duty of secrecy
    "woo-5-2", "awb-2-5",
)  # fmt: skip
"""The grounds in law, by article, paragraph and letter; `[words]` of `service/texts/` says what each means."""


@dataclass(frozen=True, slots=True)
class Confidentiality:
    """A level; of a confidential one the ground, and the last day on which it counts (None: no end)."""

    level: str
    ground: str = ""
    until: date | None = None

    def secret_on(self, day: date) -> bool:
        """Is it confidential on this day?"""
        return self.level == CONFIDENTIAL and (self.until is None or day <= self.until)


def check_confidentiality(given: Confidentiality, today: date, within: str = "") -> None:
    """Refuses a level or a ground that there is not, an end that has passed, and a ground without need of one."""
    if given.level not in LEVELS:
        raise Invalid("unknown-choice", f"{within}/level", value=given.level, known=LEVELS)
    if given.level != CONFIDENTIAL:
        if given.ground or given.until is not None:
            raise Invalid("confidential-only", f"{within}/{'ground' if given.ground else 'until'}")
        return
    if given.ground not in GROUNDS:
        raise Invalid("confidential-ground-needed", f"{within}/ground", known=GROUNDS)
    if given.until is not None and given.until < today:
        raise Invalid("confidential-until-past", f"{within}/until", today=today)
