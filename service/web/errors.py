"""What does a page say when something is wrong? What happened, and what to do: never a dead end."""

from __future__ import annotations

from flask import Response, request

from service.api.openapi import PREFIX
from service.api.problems import Problem, problem_of, response_to
from service.identity.permissions import GUARDED
from service.texts import catalog
from service.web import visit
from service.web.rendering import page, say

__all__ = ["answer"]

FOR_MACHINES = (PREFIX, "/health/", "/metrics")


def answer(error: Exception) -> Response:
    """The answer to an error: a page for people, a problem for programs."""
    if request.path.startswith(FOR_MACHINES) or not _for_people():
        return response_to(error)
    problem = problem_of(error)
    if problem is None:
        return response_to(error)
    sentences = catalog(visit.language())
    try:
        detail = sentences.say(problem.code, problem.facts)
        response = page(
            "error.html",
            problem.status,
            title=sentences.title(problem.status),
            detail=detail,
            whom=_whom(problem) if problem.status == 403 else None,
            retry=problem.status in (408, 412, 500, 503),
        )
    except Exception:  # what makes pages may be what is broken: the database, or a template
        return response_to(error)
    response.headers.update(problem.headers)
    return response


def _whom(problem: Problem) -> str | None:
    """Whom to ask for what one may not do: who gives the roles that may."""
    roles = problem.facts.get("roles")
    if not isinstance(roles, list) or not roles:
        return None
    return say("shell.ask-admin" if set(roles) <= GUARDED else "shell.ask-office")


def _for_people() -> bool:
    return request.accept_mimetypes.best_match(("application/problem+json", "text/html")) == "text/html"
