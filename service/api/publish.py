"""Prints the API's document, as docs/openapi.json keeps it: python -m service.api.publish > docs/openapi.json"""

from __future__ import annotations

import json

from service.api.resources import document

if __name__ == "__main__":
    print(json.dumps(json.loads(document()), indent=2, ensure_ascii=False))
