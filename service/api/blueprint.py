"""How is a call declared? As an act or a question: what it takes, what it answers, and how that is published.

@api.act("/proposals/<case:proposal>/withdrawal", WithdrawalSchema, shows=CaseSchema)
def withdraw(call, given, proposal): ...
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from flask import Response, g, request
from flask_smorest import Blueprint
from marshmallow import Schema

from service.api.answers import Answer, shown, written
from service.api.context import NOBODY, Call, caller, refuse_too_many, running
from service.api.fields import Given
from service.api.headers import event_position, if_match, once
from service.api.openapi import CallDoc, described
from service.api.outcomes import created
from service.api.parser import Parser
from service.api.waiting import wait_for
from service.commands import Done
from service.errors import Stale
from service.identity.people import Person
from service.identity.permissions import admit

__all__ = ["Resource"]

View = Callable[..., Any]
T = TypeVar("T")

NO_VERSION = -1
"""What nothing has."""


class Resource(Blueprint):
    """The calls on one kind of resource."""

    ARGUMENTS_PARSER = Parser()

    def __init__(self, name: str, description: str) -> None:
        super().__init__(name, __name__, description=description)
        self._prepare_doc_cbks.append(described)

    def act(
        self,
        rule: str,
        schema: type[Schema],
        *,
        shows: type[Schema],
        example: dict[str, Any],
        conditional: bool = True,
        not_now: bool = True,
        keyed: bool = True,
    ) -> Callable[[Callable[..., Done]], View]:
        """An act by somebody who signed in: answers 201 with what it is about, as the act left it.

        The function takes the call, what was given and the parts of the path, and answers what was done.
        `conditional`: it takes If-Match. `not_now`: it can come out of turn. `keyed`: it takes an Idempotency-Key, as
        all do but what is done once by itself.
        """

        def decorate(function: Callable[..., Done]) -> View:
            taken, nothing = schema(), Given()

            @functools.wraps(function)
            def view(**path: Any) -> Response:
                person = _admitted(function)
                if request.query_string:
                    self.ARGUMENTS_PARSER.parse(nothing, request, location="query")
                given = self.ARGUMENTS_PARSER.parse(taken, request, location="json")
                call = Call(
                    parts=running().parts,
                    person=person,
                    once=once(running().settings, g.body) if keyed else None,
                )
                versions = if_match() if conditional else None
                done = _on_any(versions, lambda on: function(replace(call, if_match=on), given, **path))
                return created(call, done)

            doc = CallDoc(
                operation=function.__name__,
                shows=shows,
                status=201,
                body=True,
                once=True,
                keyed=keyed,
                conditional=conditional,
                refuses=(409,) if not_now else (),
            )
            return self.routed(rule, "POST", view, doc, self.arguments(taken, example=example))

        return decorate

    def question(
        self,
        rule: str,
        *,
        shows: type[Schema] | None,
        query: type[Schema] | None = None,
        public: bool = False,
        many: bool = False,
        pages: bool = False,
        removable: bool = False,
        content_type: str = "application/json",
    ) -> Callable[[Callable[..., Answer]], View]:
        """A question: answers 200, or 304 to who has that answer already. `public`: to those who did not sign in too.

        The function takes the call, the query parameters and the parts of the path. `shows` None: a file. `removable`:
        a redaction can have taken it away.
        """

        def decorate(function: Callable[..., Answer]) -> View:
            taken = (query or Given)()
            usual: dict[str, Any] = taken.load({})

            @functools.wraps(function)
            def view(**path: Any) -> Response:
                person = NOBODY if public else _admitted(function)
                given = usual
                if request.query_string:
                    given = self.ARGUMENTS_PARSER.parse(taken, request, location="query")
                parts = running().parts
                wait_for(parts, event_position())
                return shown(function(Call(parts, person), given, **path))

            view.public = public  # type: ignore[attr-defined]
            doc = CallDoc(
                operation=function.__name__,
                shows=shows,
                status=200,
                public=public,
                many=many,
                pages=pages,
                refuses=(410,) if removable else (),
                content_type=content_type,
            )
            return self.routed(rule, "GET", view, doc, self.arguments(taken, location="query"))

        return decorate

    def change(
        self,
        rule: str,
        schema: type[Schema] = Given,
        *,
        shows: type[Schema] | None,
        example: dict[str, Any] | None = None,
        method: str = "POST",
        status: int = 200,
        conditional: bool = False,
        not_now: bool = False,
        keyed: bool = False,
    ) -> Callable[[Callable[..., Answer]], View]:
        """A change of what stands outside the log, so that no key is needed to do it once: done again, it is the same.

        The function takes the call, what was given and the parts of the path, and answers what there is after it.
        `conditional`: it takes If-Match. `not_now`: it can come out of turn. `shows` None: nothing is left to show.
        `keyed`: done again it would be another one, so it takes an Idempotency-Key, which the function minds itself.
        """

        def decorate(function: Callable[..., Answer]) -> View:
            taken, nothing = schema(), Given()
            body = method != "DELETE"

            @functools.wraps(function)
            def view(**path: Any) -> Response:
                call = Call(parts=running().parts, person=_admitted(function))
                if request.query_string:
                    self.ARGUMENTS_PARSER.parse(nothing, request, location="query")
                given = self.ARGUMENTS_PARSER.parse(taken, request, location="json") if body else {}
                if keyed:
                    call = replace(call, once=once(running().settings, g.body))
                versions = if_match() if conditional else None
                answer = _on_any(versions, lambda on: function(replace(call, if_match=on), given, **path))
                if shows is None:
                    return Response(status=204)
                headers = {"ETag": f'"{answer.version}"'} if answer.version is not None else {}
                if answer.location:
                    headers["Location"] = answer.location
                return written(answer.body, status, headers)

            doc = CallDoc(
                operation=function.__name__,
                shows=shows,
                status=204 if shows is None else status,
                body=body,
                keyed=keyed,
                conditional=conditional,
                refuses=(409,) if not_now else (),
            )
            takes = (
                self.arguments(taken, example=example or {})
                if body
                else self.arguments(taken, location="query")
            )
            return self.routed(rule, method, view, doc, takes)

        return decorate

    def routed(self, rule: str, method: str, view: View, doc: CallDoc, takes: Callable[[View], View]) -> View:
        """A call of another shape. `takes` is flask-smorest's own decorator, here only for what it publishes."""
        view._apidoc = {**takes(_nothing)._apidoc, "call": doc}  # type: ignore[attr-defined]
        self.add_url_rule(rule, doc.operation, view, methods=[method])
        return view


def _on_any(versions: tuple[int, ...] | None, act: Callable[[int | None], T]) -> T:
    """What the act does on the first of these versions that is the present one; on whichever it is for None.

    Raises Stale when none of them is.
    """
    left = set(versions or ())
    on = None if versions is None else left.pop() if left else NO_VERSION
    while True:
        try:
            return act(on)
        except Stale as stale:
            if stale.version not in left:
                raise
            left.remove(stale.version)
            on = stale.version


def _admitted(function: Callable[..., Any]) -> Person:
    """Who calls, if that is somebody who may do in some relation what the function is marked with."""
    person = caller()
    if request.method != "GET":
        refuse_too_many(person)
    admit(person, getattr(function, "needs", ()))
    return person


def _nothing() -> None:
    """What is described, and never called."""
