"""How does a question name a moment? What was known then (asOf or atPosition), and what was true (effectiveOn)."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

from psycopg import Connection

from domain.recorded import Moment
from service.api.context import Call
from service.api.fields import FIRST_DAY, LAST_DAY, Day, Digits, Given, Plain, Text, refusal
from service.moments import moment

__all__ = ["AsOf", "MomentQuery", "PageQuery", "moment_of"]

INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
HIGHEST = 10**18 - 1
MOST_ITEMS = 100


class AsOf(Plain):
    """An instant with its offset, or a date, which means its end."""

    def __init__(self) -> None:
        about = {
            "oneOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}],
            "description": "What was known then: an instant with its offset, or a date, which means its end in the "
            "region. Not together with atPosition",
        }
        super().__init__(load_default=lambda: None, metadata=about)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date | datetime:
        if len(value) == len("2021-02-08"):
            return Day().deserialize(value)  # type: ignore[no-any-return]
        # A plus sign that was not escaped comes in as a space.
        value = value.replace(" ", "+")
        if not INSTANT.fullmatch(value):
            raise refusal("moment-invalid")
        try:
            instant = datetime.fromisoformat(value.upper())
        except ValueError:
            raise refusal("moment-invalid") from None
        if not FIRST_DAY <= instant.date() <= LAST_DAY:
            raise refusal("date-out-of-range", first=FIRST_DAY, last=LAST_DAY)
        return instant


class MomentQuery(Given):
    as_of = AsOf()
    at_position = Digits(
        0,
        HIGHEST,
        load_default=None,
        doc="What was known at this position of the log, rounded down to the end of an act",
    )
    effective_on = Day(load_default=None, doc="What counted on this date, of what was known")


class PageQuery(Given):
    cursor = Text(2_000, load_default=None, doc="Where the page begins: as the links prev and next say")
    limit = Digits(1, MOST_ITEMS, load_default=25, doc="Entries at most")


def moment_of(call: Call, connection: Connection[Any], given: dict[str, Any]) -> Moment:
    """The moment that the query names. Raises Invalid for one that cannot be."""
    return moment(
        connection,
        as_of=given["as_of"],
        at_position=given["at_position"],
        effective_on=given["effective_on"],
        timezone=call.parts.settings.timezone,
    )
