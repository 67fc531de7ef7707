"""Has anything happened since this page was made? Asked by every open page every few seconds, so it must cost nothing.

Answered from memory while nothing happens: one LISTEN a process (`service/waiting.py`) knows how far the views are, and
whether an inbox changed. Only then is it looked at whose.
"""

from __future__ import annotations

from flask import Blueprint, Response, request
from psycopg import Connection

from service.identity.permissions import needs
from service.messaging.channels import inbox
from service.web import visit
from service.web.visit import before_second_factor

area = Blueprint("live", __name__)


@area.get("/live")
@before_second_factor
@needs("own-account")
def live() -> Response:
    """304 when nothing has changed; else 204. The ETag says how far the views and the inboxes are now; a page carries
    the one of before it was made (`data-seen`), so that it hears of what happened while it was on its way too.

    With `case`, only what happened in that case counts, since the version that `version` names. With `inbox`, so does
    what happened in one's own, since it looked like that; how it looks now stands in the header `Inbox`.
    """
    now = visit.how_far()
    given = request.headers.get("If-None-Match", "").strip('"')
    headers = {"ETag": f'"{now}"'}
    if given == now:
        return Response(status=304, headers=headers)
    views, _, inboxes = now.partition(".")
    seen_views, _, seen_inboxes = given.partition(".")
    changed = seen_views != views
    case, shown = request.args.get("case"), request.args.get("inbox")
    if (changed and case) or (shown is not None and seen_inboxes != inboxes):
        with visit.parts().pool.connection() as connection:
            if changed and case:
                changed = _moved(connection, case)
            if shown is not None and seen_inboxes != inboxes:
                headers["Inbox"] = str(inbox.mark(connection, visit.person().id))
                changed = changed or headers["Inbox"] != shown
    return Response(status=204 if changed else 304, headers=headers)


def _moved(connection: Connection, case: str) -> bool:
    """Is the case at another version than the page shows?"""
    if not case.isprintable():
        return True
    scope = visit.scope()
    row = connection.execute(
        f"SELECT document ->> 'version' FROM views.status s WHERE key = %(case)s AND {scope.cases()}".encode(),
        {**scope.params, "case": case},
    ).fetchone()
    # Of a case that one may not read, it isn't even told that it is there.
    return row is None or row[0] != request.args.get("version")
