"""Why is an act refused? A code, the facts that the sentence needs, and the field where there is one."""

from __future__ import annotations

__all__ = ["Invalid", "Refused"]


class Refused(Exception):
    """The act is not possible now. `code` names the sentence (in each language), `facts` fill it in.

    Nothing has been written when this is raised.
    """

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(code, facts)
        self.code = code
        self.facts = facts


class Invalid(Refused):
    """The act itself is wrong, whatever the state of the case: `field` is the JSON pointer of what to change."""

    def __init__(self, code: str, field: str, **facts: object) -> None:
        super().__init__(code, **facts)
        self.field = field
