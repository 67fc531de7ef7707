"""Where can people read and try the API? The document for all, and a page over it that asks nothing of another host."""

from __future__ import annotations

from importlib.resources import files

from flask import Blueprint, Response, request

from service.api.resources import document

__all__ = ["pages"]

pages = Blueprint("docs", __name__)

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


@pages.get("/docs")
def page() -> Response:
    """The interactive page."""
    html = files("service").joinpath("static", "docs.html").read_bytes()
    response = Response(html, mimetype="text/html")
    response.headers["Content-Security-Policy"] = PAGE_POLICY
    return response


@pages.get("/openapi.json")
def openapi_json() -> Response:
    """The document."""
    return Response(document(), mimetype="application/json")


@pages.after_app_request
def shared(response: Response) -> Response:
    """The document may be read from any site; static files may be kept for an hour."""
    if request.endpoint == "docs.openapi_json":
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    elif request.endpoint == "static" and response.status_code < 400:
        response.headers["Cache-Control"] = "public, max-age=3600"
    return response
