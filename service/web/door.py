"""Who may come in? Asked before every page is made: a session, and for a form that it comes from a page of ours."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import current_app, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from service.api.context import refuse_too_many
from service.api.problems import Problem
from service.api.refusals_noted import FORM_TOKEN, because
from service.api.waiting import wait_for
from service.identity.permissions import admit
from service.web import cookies, sessions, visit
from service.web.resend import resend, sign_in_to_resend
from service.web.showing import show_first
from service.web.signing_in import renew, still_needed

__all__ = ["enter"]

CHANGING = ("POST", "PUT", "PATCH", "DELETE")


def enter() -> AnyResponse | None:
    """Finds the session, and keeps out who is not signed in, or is sent here by another site."""
    changing = request.method in CHANGING
    view = current_app.view_functions.get(request.endpoint or "")
    if changing and not _from_here() and not getattr(view, "from_anywhere", False):
        raise Problem(403, "from-elsewhere")
    token = cookies.read(cookies.SESSION)
    if token:
        with visit.parts().pool.connection() as connection:
            visit.come_in(sessions.find(connection, token))
        renew()
    if getattr(view, "public", False):
        return None
    found = visit.session()
    if found is None:
        if changing:
            return sign_in_to_resend()
        return redirect(url_for("web.sign_in.ask", next=request.full_path.removesuffix("?")), 303)
    if still_needed(found) and not getattr(view, "before_second_factor", False):
        return redirect(url_for("web.second_factor.index"), 303)
    if changing and not visit.csrf_matches():
        because(FORM_TOKEN)
        return resend()
    # Who is to be kept out is so before anything is looked up; what is marked as nothing is for nobody.
    admit(found.person, getattr(view, "needs", ()))
    if changing:
        refuse_too_many(found.person)
    if getattr(view, "shown_lately", False) and not found.fresh:
        return show_first()
    if not changing:
        # Who has just done something sees it on every page that follows.
        wait_for(visit.parts(), found.position)
    visit.begins()
    return None


def _from_here() -> bool:
    """Is this request sent by a page of ours? Browsers say so; other programs have no cookie to misuse."""
    where = request.headers.get("Sec-Fetch-Site")
    if where is not None:
        return where in ("same-origin", "none")
    origin = request.headers.get("Origin")
    try:
        return origin is None or urlsplit(origin).netloc == request.host
    except ValueError:
        # No address at all.
        return False
