"""What may stand in a path? Anything else in its place is simply not found."""

from __future__ import annotations

from typing import Any

from werkzeug.routing import BaseConverter

__all__ = ["CONVERTERS", "CaseConverter", "CodeConverter", "LetterConverter", "described"]


UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


class CaseConverter(BaseConverter):
    """The id of a case."""

    regex = f"proposal-{UUID}"


class DraftConverter(BaseConverter):
    """The id of a draft of a proposal."""

    regex = f"draft-{UUID}"


class LetterConverter(BaseConverter):
    """The id of a letter."""

    regex = f"letter-{UUID}"


class DeliveryConverter(BaseConverter):
    """The id of a delivery: a message in an inbox is one."""

    regex = f"delivery-{UUID}"


class NewsletterConverter(BaseConverter):
    """The id of a newsletter."""

    regex = f"newsletter-{UUID}"


class AddressConverter(BaseConverter):
    """The id of an address of a council."""

    regex = f"address-{UUID}"


class MunicipalityConverter(BaseConverter):
    """The code of a municipality, such as GM0772."""

    regex = "[A-Za-z0-9][A-Za-z0-9-]{0,63}"


class SubscriptionConverter(BaseConverter):
    """The id of a subscription."""

    regex = f"subscription-{UUID}"


class TokenConverter(BaseConverter):
    """The id of a token, which says nothing of the token itself."""

    regex = "[0-9a-f]{16}"


class SessionConverter(BaseConverter):
    """The id of a session."""

    regex = f"session-{UUID}"


class PasskeyConverter(BaseConverter):
    """The id of a passkey."""

    regex = f"passkey-{UUID}"


class ReferenceConverter(BaseConverter):
    """What people call a case by, such as RHA-2026-0012."""

    regex = "[A-Za-z0-9][A-Za-z0-9-]{0,63}"


class PersonConverter(BaseConverter):
    """The id of a person."""

    regex = f"person-{UUID}"


class CodeConverter(BaseConverter):
    """The code of a body, a programme or an envelope."""

    regex = "[a-z0-9][a-z0-9-]{0,63}"


CONVERTERS: dict[str, type[BaseConverter]] = {
    "case": CaseConverter,
    "code": CodeConverter,
    "draft": DraftConverter,
    "letter": LetterConverter,
    "delivery": DeliveryConverter,
    "newsletter": NewsletterConverter,
    "person": PersonConverter,
    "address": AddressConverter,
    "municipality": MunicipalityConverter,
    "subscription": SubscriptionConverter,
    "token": TokenConverter,
    "session": SessionConverter,
    "passkey": PasskeyConverter,
    "reference": ReferenceConverter,
}


def described(converter: BaseConverter) -> dict[str, Any]:
    """What the published document says of such a part of a path."""
    return {"type": "string", "pattern": f"^{converter.regex}$"}
