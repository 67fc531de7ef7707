"""What may stand in a path? Anything else in its place is simply not found."""

from __future__ import annotations

from typing import Any

from werkzeug.routing import BaseConverter

__all__ = ["CONVERTERS", "CaseConverter", "CodeConverter", "described"]


class CaseConverter(BaseConverter):
    """The id of a case."""

    regex = "proposal-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


class CodeConverter(BaseConverter):
    """The code of a body, a programme or an envelope."""

    regex = "[a-z0-9][a-z0-9-]{0,63}"


CONVERTERS: dict[str, type[BaseConverter]] = {"case": CaseConverter, "code": CodeConverter}


def described(converter: BaseConverter) -> dict[str, Any]:
    """What the published document says of such a part of a path."""
    return {"type": "string", "pattern": f"^{converter.regex}$"}
