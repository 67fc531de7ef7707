"""How is eventsourcing itself told where its database is? For what is measured beside it."""

from __future__ import annotations

from psycopg.conninfo import conninfo_to_dict

from service.settings import Settings

__all__ = ["MAKE_SCHEMA", "environment"]

MAKE_SCHEMA = "CREATE SCHEMA package; GRANT USAGE, CREATE ON SCHEMA package TO PUBLIC"


def environment(settings: Settings, *, create_table: bool) -> dict[str, str]:
    """Its own tables, in the schema `package`."""
    given = {key: str(value) for key, value in conninfo_to_dict(settings.database_url).items()}
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "ORIGINATOR_ID_TYPE": "text",
        "POSTGRES_SCHEMA": "package",
        "POSTGRES_DBNAME": given["dbname"],
        "POSTGRES_HOST": given.get("host", ""),
        "POSTGRES_PORT": given.get("port", "5432"),
        "POSTGRES_USER": given["user"],
        "POSTGRES_PASSWORD": given["password"],
        "CREATE_TABLE": "y" if create_table else "n",
    }
