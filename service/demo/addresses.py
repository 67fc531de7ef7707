"""Where does the newsletter of the demo go? To an address of the office of each council, all at example.org."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from psycopg import Connection

from service.demo.story import REGION
from service.documents import councils
from service.programmes import regions

__all__ = ["add_addresses"]


def add_addresses(connection: Connection[Any]) -> None:
    """An address for every municipality; does nothing where there are addresses already."""
    if councils.listed(connection):
        return
    region = tomllib.loads(regions()[REGION].read_text("utf-8"))
    for municipality in region["municipalities"]:
        name = re.sub(r"[^a-z]+", "-", municipality["name"].lower()).strip("-")
        councils.add(connection, municipality["code"], f"griffie-{name}@example.org")
