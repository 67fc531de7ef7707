"""What if a sign-in elsewhere is not accepted? Why, as a code that pages say in words; details are for the log."""

from __future__ import annotations

__all__ = ["NotAccepted"]


class NotAccepted(Exception):
    """Nobody is signed in. `code` is said in words to who tried, `details` to the operator alone."""

    def __init__(self, code: str, details: str = "", *, say: str = "") -> None:
        super().__init__(code, details)
        self.code = code
        self.details = details
        self.say = say
        """What somebody who is a stranger here can tell an administrator."""
