"""What may a newer version of the service read while the views are still those of the older one?"""

from __future__ import annotations

from datetime import date

from domain.recorded import Recorded
from service.identity.scope import outside
from service.listing import Filters, proposals
from service.viewtables import ensure_tables
from tests.views.conftest import Connection


def test_a_column_that_is_new_stands_in_the_old_table_until_it_is_rebuilt(
    database: Connection, folded: list[Recorded]
) -> None:
    database.execute("ALTER TABLE views.status DROP COLUMN secret_until, DROP COLUMN route")
    database.execute("UPDATE views.registry SET version = 1 WHERE name = 'status'")
    ensure_tables(database)
    found = proposals(database, outside(date(2026, 11, 20)), Filters(), limit=500).items
    assert len(found) == database.execute("SELECT count(*) FROM views.status").fetchone()[0]  # type: ignore[index]
    assert found
    ensure_tables(database)  # once more changes nothing
