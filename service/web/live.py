"""Has anything happened since this page was made? Asked by every open page every few seconds, so it must cost nothing.

Answered from memory while the views stand still: one LISTEN a process (`service/waiting.py`) knows how far they are.
"""

from __future__ import annotations

from flask import Blueprint, Response, request

from service.identity.permissions import may
from service.web import visit

area = Blueprint("live", __name__)


@area.get("/live")
def live() -> Response:
    """304 when nothing has changed; else 204, and the ETag says how far the views are now.

    With `case`, only what happened in that case counts, since the version that `version` names.
    """
    clock = visit.parts().clock
    clock.wait_for(0, 0)
    tag = f'"{clock.position}"'
    if request.headers.get("If-None-Match") == tag:
        return Response(status=304, headers={"ETag": tag})
    case = request.args.get("case")
    if case and case.isprintable():
        with visit.parts().pool.connection() as connection:
            row = connection.execute(
                "SELECT document ->> 'version', owner FROM views.status WHERE key = %s", (case,)
            ).fetchone()
        # Of a case that one may not read, it isn't even told that it is there.
        seen = row is not None and may(visit.person(), "read-case", owner=row[1])
        if row is not None and seen and row[0] == request.args.get("version"):
            return Response(status=304, headers={"ETag": tag})
    return Response(status=204, headers={"ETag": tag})
