"""What answers on the web? The application: the API under /api/v1, and what machines ask without a prefix."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, g, request
from werkzeug.middleware.proxy_fix import ProxyFix

from service import wiring
from service.api import docs, machines, problems, refusals_noted
from service.api.context import Running
from service.api.metrics import Metrics
from service.api.openapi import PREFIX, VERSION
from service.api.parser import MOST_BYTES
from service.api.paths import CONVERTERS
from service.api.resources import RESOURCES
from service.settings import Settings
from service.web import errors, site
from service.wiring import Parts

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["create_app"]

EVERYWHERE = tuple(
    {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "Strict-Transport-Security": "max-age=31536000",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "API-Version": VERSION,
    }.items()
)


def create_app(settings: Settings, build: Callable[[Settings], Parts] = wiring.build_for_web) -> Flask:
    """The application. Its parts are built at the first request that needs them, so after the server has forked."""
    app = Flask(__name__)
    # One more than is taken: a body without a length of its own is cut off there, without a word.
    app.config["MAX_CONTENT_LENGTH"] = MOST_BYTES + 1
    # An address with a slash too many does not exist; it is not another spelling of one that does.
    app.url_map.merge_slashes = False
    app.url_map.converters.update(CONVERTERS)
    app.extensions["besluitspoor"] = Running(settings, build)
    metrics = Metrics()
    app.extensions["metrics"] = metrics

    problems.register(app, errors.answer)
    for resource in RESOURCES:
        app.register_blueprint(resource.api, url_prefix=PREFIX)
    app.register_blueprint(docs.pages, url_prefix=PREFIX)
    app.register_blueprint(machines.pages)
    site.register(app)

    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()
        if (request.content_length or 0) > MOST_BYTES:
            raise problems.Problem(413, "body-too-large")

    @app.after_request
    def end(response: Response) -> Response:
        rule = request.url_rule.rule if request.url_rule is not None else "none"
        refusals_noted.note(response)
        metrics.saw(request.method, rule, response.status_code, time.perf_counter() - g.began)
        return response

    if settings.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.proxies, x_proto=0)  # type: ignore[method-assign]
    app.wsgi_app = _with_headers(app.wsgi_app)  # type: ignore[method-assign, assignment]
    return app


def _with_headers(application: WSGIApplication) -> WSGIApplication:
    """The same application, with the headers that every answer has and does not set itself."""

    def answering(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *failure: Any) -> Any:
            given = {name.lower() for name, _ in headers}
            missing = [(name, value) for name, value in EVERYWHERE if name.lower() not in given]
            return start_response(status, [*headers, *missing], *failure)

        return application(environ, start)

    return answering
