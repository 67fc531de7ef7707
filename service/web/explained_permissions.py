"""What does the table of permissions say, in words? For the page, and for `docs/permissions.md`, which is made from it:

python -m service.web.explained_permissions > docs/permissions.md
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from service.identity.people import ROLES
from service.identity.permissions import STATES, TABLE, Rule
from service.texts import catalog
from service.web.saying import said, texts

__all__ = ["Line", "document", "explained"]

RELATIONS = ("own", "body", "route", "municipality", "manager")
STATUS_WORDS = "permissions.status-"


@dataclass(frozen=True, slots=True)
class Line:
    """One act: what it is, who may and in which relation, and in which states of a case; none: in every state."""

    act: str
    what: str
    who: tuple[str, ...]
    when: tuple[str, ...]


def explained(language: str, role: str | None = None) -> list[Line]:
    """The lines of the table, or those in which this role stands."""
    return [
        Line(
            act,
            said(language, f"permissions.act-{act}"),
            _all(language, rules),
            tuple(said(language, STATUS_WORDS + status) for status in STATES.get(act, ())),
        )
        for act, rules in TABLE.items()
        if role is None or any(rule.role == role for rule in rules)
    ]


def document() -> str:
    """The page of documentation."""
    lines = [HEAD]
    for each in explained("en"):
        lines.append(f"| {each.what} | {'; '.join(each.who)} | {', '.join(each.when)} | `{each.act}` |")
    return "\n".join(lines) + "\n"


HEAD = """# Permissions

Who may do or see what, in which relation, and in which state of a case. This page is made from the one table that the
code asks (`service/identity/permissions.py`); so is the page `/permissions` of a running service. A test walks every
address of the pages and the API as every role, about what is one's own, another's and not there, and holds the answer
against this table. **What stands in no line, nobody may.** A second test holds the states against what the rules of the
domain refuse.

"Own" is what is of one's organisation, or of oneself: a case, a draft, a message. Their own body is one of which they
are a member.

`python -m service.web.explained_permissions > docs/permissions.md` makes it anew.

Where somebody may not even know that a case is there, the answer is the same as for one that is not: 404. Who may do
nothing of the kind whatever the case, is told so: 403, with the roles that may.

| what | who | only while a case is | name |
|---|---|---|---|"""


def _all(language: str, rules: Sequence[Rule]) -> tuple[str, ...]:
    """Who may; everybody goes by one word."""
    if {rule.role for rule in rules} == set(ROLES) and len({replace(rule, role="") for rule in rules}) == 1:
        return (_who(language, rules[0], said(language, "permissions.everybody")),)
    return tuple(_who(language, rule) for rule in rules)


def _who(language: str, rule: Rule, called: str = "") -> str:
    role = called or catalog(language).words.get(rule.role, rule.role)
    relation = next((each for each in RELATIONS if getattr(rule, each)), None)
    found = said(language, f"permissions.of-{relation}", role=role) if relation else role
    return said(language, "permissions.writing", who=found) if rule.writes else found


def missing(language: str) -> Sequence[str]:
    """The acts that nobody has put into words yet."""
    return [act for act in TABLE if f"permissions.act-{act}" not in texts(language)]


if __name__ == "__main__":
    print(document(), end="")
