"""Which values may a request carry? Each field says what it takes, in a schema and in the published document alike.

What is wrong is said as a code of `service/texts`, with the facts that its sentence needs.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date, time
from decimal import Decimal
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields
from marshmallow.fields import Field

__all__ = [
    "Code", "Day", "Digits", "Flag", "Given", "ListOf", "MapOf", "Money", "OneOf", "Part", "Plain", "Said", "Several",
    "Text", "TimeOfDay", "Whole", "camel", "refusal",
]  # fmt: skip

MOST_MONEY = Decimal("999999999999.99")
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2199, 12, 31)
MONEY = re.compile(r"([0-9]{1,12})(\.[0-9]{1,2})?")
MONEY_PATTERN = r"^(?!0+(\.0{1,2})?$)[0-9]{1,12}(\.[0-9]{1,2})?$"
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
TIME_PATTERN = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
TIME = re.compile(TIME_PATTERN[1:-1])
CODE_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*$"
CODE = re.compile(CODE_PATTERN[1:-1])


JOINERS = frozenset("\u200c\u200d\u00ad")
"""What shows how letters and emoji join or break (ZWNJ, ZWJ, soft hyphen). Of what cannot be seen only these are taken:
others make a text look like another one, such as those that turn the direction of writing."""


class Said(str):
    """The code of what is wrong, with the facts of its sentence."""

    facts: Mapping[str, object]

    def __new__(cls, code: str, **facts: object) -> Said:
        said = super().__new__(cls, code)
        said.facts = facts
        return said


def refusal(code: str, **facts: object) -> ValidationError:
    """What a field raises: a code of `service/texts` and the facts of its sentence."""
    return ValidationError(Said(code, **facts))


class Given(Schema):
    """What a request carries; a field it does not know is refused."""

    error_messages = {"unknown": "unknown-field", "type": "not-an-object"}  # noqa: RUF012

    class Meta:
        unknown = RAISE

    def on_bind_field(self, field_name: str, field_obj: Field[Any]) -> None:
        """Names are snake_case here and camelCase outside."""
        field_obj.data_key = camel(field_name)


class Plain(Field[Any]):
    """The messages that every field can give."""

    default_error_messages = {"required": "required", "null": "null"}  # noqa: RUF012


class Text(Plain):
    """Words: without spaces around them, in one form of Unicode, all of them visible. `lines`: it may have several.

    `least` characters at least: 0 lets it be empty.
    """

    def __init__(self, most: int, *, least: int = 1, lines: bool = False, **options: Any) -> None:
        self.most, self.least, self.lines = most, least, lines
        super().__init__(**_described(options, type="string", minLength=least, maxLength=most))

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise refusal("not-a-text")
        text = unicodedata.normalize("NFC", value).strip()
        if not self.lines:
            text = " ".join(text.split())
        unseen = {each for each in set(text) if unicodedata.category(each) == "Cf"}
        if not unseen <= JOINERS:
            raise refusal("format-character")
        if unseen and not _without(text, unseen).strip():
            text = ""
        if len(text) < self.least:
            raise refusal("text-empty")
        if len(text) > self.most:
            raise refusal("text-too-long", length=len(text), maximum=self.most)
        return text


class Code(Plain):
    """A code such as `regionale-herstelaanpak`."""

    MOST = 64

    def __init__(self, **options: Any) -> None:
        super().__init__(
            **_described(options, type="string", minLength=1, maxLength=self.MOST, pattern=CODE_PATTERN)
        )

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise refusal("not-a-text")
        if len(value) > self.MOST or not CODE.fullmatch(value):
            raise refusal("code-invalid", maximum=self.MOST)
        return value


class OneOf(Plain):
    """One of a few codes."""

    def __init__(self, *choices: str, **options: Any) -> None:
        self.choices = choices
        super().__init__(**_described(options, type="string", enum=list(choices)))

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str) or value not in self.choices:
            raise refusal("unknown-choice", known=list(self.choices))
        return value


class Money(Plain):
    """Euros, more than nothing, at most two decimals: a text, or a whole number. Never a float: it is not exact."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            **_described(
                options,
                oneOf=[
                    {"type": "string", "pattern": MONEY_PATTERN, "examples": ["25000.00"]},
                    {"type": "integer", "minimum": 1, "maximum": int(MOST_MONEY)},
                ],
                description="Euros, as a decimal text with at most two decimals, or as a whole number",
            )
        )

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Decimal:
        if isinstance(value, float):
            raise refusal("money-as-float")
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise refusal("money-invalid")
        if isinstance(value, int):
            amount = Decimal(value)
        else:
            if value[:1] == "-" and MONEY.fullmatch(value[1:]):
                raise refusal("money-not-positive")
            if not MONEY.fullmatch(value):
                raise refusal("money-too-large" if _long(value) else "money-invalid", maximum=MOST_MONEY)
            amount = Decimal(value)
        if amount <= 0:
            raise refusal("money-not-positive")
        if amount > MOST_MONEY:
            raise refusal("money-too-large", maximum=MOST_MONEY)
        return amount.quantize(Decimal("0.01"))


class Day(Plain):
    """A date, year-month-day."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**_described(options, type="string", format="date"))

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date:
        if not isinstance(value, str) or not DAY.fullmatch(value):
            raise refusal("date-invalid")
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise refusal("date-invalid") from None
        if not FIRST_DAY <= day <= LAST_DAY:
            raise refusal("date-out-of-range", first=FIRST_DAY, last=LAST_DAY)
        return day


class TimeOfDay(Plain):
    """A time of day in the region, hours and minutes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**_described(options, type="string", pattern=TIME_PATTERN, example="22:00"))

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> time:
        if not isinstance(value, str) or not TIME.fullmatch(value):
            raise refusal("time-invalid")
        return time.fromisoformat(value)


class Flag(Plain):
    """True or false, nothing that looks like it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**_described(options, type="boolean"))

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise refusal("not-a-flag")
        return value


class Whole(Plain):
    """A whole number from `least` to `most`."""

    def __init__(self, least: int, most: int, **options: Any) -> None:
        self.least, self.most = least, most
        super().__init__(**_described(options, type="integer", minimum=least, maximum=most))

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise refusal("not-a-number")
        if not self.least <= value <= self.most:
            raise refusal("number-out-of-range", minimum=self.least, maximum=self.most)
        return value


class Digits(Whole):
    """A whole number in a query, where everything is text."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if not re.fullmatch(r"[0-9]{1,18}", value):
            raise refusal("not-a-number")
        return super()._deserialize(int(value), attr, data, **kwargs)


class Several(Plain):
    """Codes in a query, with commas between them; `known` are those there are, if they are few."""

    PATTERN = r"^[a-z0-9.-]{1,100}(,[a-z0-9.-]{1,100}){0,99}$"

    def __init__(self, known: Sequence[str] = (), **options: Any) -> None:
        self.known = known
        super().__init__(**_described(options, type="string", pattern=self.PATTERN))

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> tuple[str, ...]:
        if not re.fullmatch(self.PATTERN, value):
            raise refusal("codes-invalid")
        codes = tuple(value.split(","))
        if self.known and not set(codes) <= set(self.known):
            raise refusal("unknown-choice", known=list(self.known))
        return codes


class Part(fields.Nested):
    """An object within."""

    default_error_messages = {"required": "required", "null": "null", "type": "not-an-object"}  # noqa: RUF012


class ListOf(fields.List[Any]):
    """A list of these, `least` to `most` of them."""

    default_error_messages = {"required": "required", "null": "null", "invalid": "not-a-list"}  # noqa: RUF012

    def __init__(self, inner: Field[Any], most: int, *, least: int = 0, **options: Any) -> None:
        self.least, self.most = least, most
        super().__init__(inner, **_described(options, minItems=least, maxItems=most))

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        if isinstance(value, list):
            _counted(value, self.least, self.most)
        return super()._deserialize(value, attr, data, **kwargs)


class MapOf(fields.Dict):
    """Values by code, such as a score for each criterion, or by another key; at most `most` of them."""

    default_error_messages = {"required": "required", "null": "null", "invalid": "not-an-object"}  # noqa: RUF012

    def __init__(
        self, inner: Field[Any], most: int, *, keys: Field[Any] | None = None, **options: Any
    ) -> None:
        self.most = most
        super().__init__(keys=keys or Code(), values=inner, **_described(options, maxProperties=most))

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise refusal("not-an-object")
        _counted(value, 0, self.most)
        errors: dict[str, Any] = {}
        taken: dict[str, Any] = {}
        assert self.key_field is not None
        assert self.value_field is not None
        for key, each in value.items():
            try:
                taken[str(self.key_field.deserialize(key))] = self.value_field.deserialize(each)
            except ValidationError as error:
                errors[str(key)] = error.messages
        if errors:
            raise ValidationError(errors)
        return taken


def camel(name: str) -> str:
    """`due_on` as `dueOn`."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _counted(value: Sequence[Any] | Mapping[str, Any], least: int, most: int) -> None:
    if len(value) < least:
        raise refusal("too-few", minimum=least)
    if len(value) > most:
        raise refusal("too-many", maximum=most)


def _without(text: str, unseen: set[str]) -> str:
    return text.translate(dict.fromkeys(map(ord, unseen)))


def _long(value: str) -> bool:
    """Is it an amount, but for its size?"""
    return re.fullmatch(r"[0-9]{13,}(\.[0-9]{1,2})?", value) is not None


def _nothing() -> None:
    return None


def _described(options: dict[str, Any], **keywords: Any) -> dict[str, Any]:
    """The options of a field, with what the published document says about it."""
    given = options.pop("metadata", {})
    if options.get("load_default", ...) is None:
        options["load_default"] = _nothing  # called for, so that no default is published where there is none
    if "doc" in options:
        given = {**given, "description": options.pop("doc")}
    if "example" in options:
        given = {**given, "examples": [options.pop("example")]}
    return {**options, "metadata": {**keywords, **given}}
