"""How does the embedded broker get into the database? `migrate` installs the SQL the pgmq package has."""

from __future__ import annotations

from typing import Any

import psycopg
from pgmq.install import install_pgmq_from_sql
from psycopg import sql

__all__ = ["install_pgmq"]


def install_pgmq(owner: psycopg.Connection[Any], app_role: str) -> None:
    """Make the schema `pgmq` unless it is there, and let `app_role` make queues, bind, send and read.

    Call it under migrate's lock. It may run again, and inside a transaction. The runtime role owns the
    queues it makes, and only their owner can send to them: consumers connect as that role too.
    Raises pgmq.install.PGMQInstallError or psycopg.Error when the owner may not do this.
    """
    row = owner.execute("SELECT to_regnamespace('pgmq') IS NOT NULL").fetchone()
    if row is None or not row[0]:
        install_pgmq_from_sql(conn=owner)
    role = sql.Identifier(app_role)
    owner.execute(sql.SQL("GRANT USAGE, CREATE ON SCHEMA pgmq TO {}").format(role))
    # Table by table: a grant on all tables would stumble over the queues, which are not the owner's.
    for table in ("meta", "topic_bindings", "notify_insert_throttle"):
        grant = sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON {} TO {}")
        owner.execute(grant.format(sql.Identifier("pgmq", table), role))
