"""Is it alive, is it ready, how is it doing? For load balancers and monitoring."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, jsonify
from prometheus_client import CONTENT_TYPE_LATEST
from psycopg import Connection
from psycopg.errors import InsufficientPrivilege, InvalidSchemaName, UndefinedTable

from service.api.context import running
from service.api.metrics import Metrics
from service.api.problems import Problem
from service.migrate import migration_names

__all__ = ["MOST_LAG", "pages"]

pages = Blueprint("machines", __name__)

MOST_LAG = 1_000
"""Events the views may be behind before others should be asked instead: some 50 ms of folding."""


@pages.get("/health/live")
def live() -> Response:
    """This process answers."""
    return jsonify(status="ok")


@pages.get("/health/ready")
def ready() -> Response:
    """The database answers, its tables are up to date and the views keep up; a 503 problem otherwise."""
    with running().parts.pool.connection(timeout=2) as connection:
        if not _migrated(connection):
            raise Problem(503, "not-migrated", headers={"Retry-After": "5"})
        row = connection.execute(
            "SELECT coalesce(max(notification_id), 0), (SELECT position FROM views.position) FROM log.events"
        ).fetchone()
    assert row is not None
    head, views = row
    if head - views > MOST_LAG:
        raise Problem(503, "views-lag", headers={"Retry-After": "5"}, lag=head - views)
    return jsonify(status="ok", position=head, viewsPosition=views)


def _migrated(connection: Connection[Any]) -> bool:
    try:
        applied = {name for (name,) in connection.execute("SELECT name FROM meta.migrations").fetchall()}
    except (UndefinedTable, InvalidSchemaName, InsufficientPrivilege):
        return False
    return applied.issuperset(migration_names())


@pages.get("/metrics")
def metrics() -> Response:
    """Prometheus's text format."""
    counted: Metrics = current_app.extensions["metrics"]
    return Response(counted.text(running().parts), content_type=CONTENT_TYPE_LATEST)
