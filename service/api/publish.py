"""Prints the API's document, as docs/openapi.json keeps it: python -m service.api.publish > docs/openapi.json"""

from __future__ import annotations

import json

from service.app import create_app
from service.settings import Settings

__all__ = ["document"]


def document() -> str:
    """The document, indented; no database is needed for it."""
    settings = Settings(
        database_url="host=nowhere", database_owner_url="", secret=b"for no request at all" * 2
    )
    answer = create_app(settings).test_client().get("/api/v1/openapi.json")
    return json.dumps(answer.json, indent=2, ensure_ascii=False, sort_keys=False)


if __name__ == "__main__":
    print(document())
