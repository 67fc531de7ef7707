"""How does somebody sign in with an account elsewhere? To the provider and back; what comes back is not trusted yet."""

from __future__ import annotations

from typing import Any

import structlog
from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from service.api.context import running
from service.api.problems import Problem
from service.api.steps_noted import noted
from service.errors import Missing
from service.identity import guard, identities, second_factor, sign_ins
from service.identity.oidc import asked, on_their_way
from service.identity.oidc.admitting import person_for
from service.identity.oidc.clients import Client
from service.identity.oidc.id_token import LEEWAY
from service.identity.oidc.on_their_way import LASTS, Waiting, cookie_for
from service.identity.oidc.refusal import NotAccepted
from service.identity.people import Person
from service.identity.permissions import check, needs
from service.web import cookies, sessions, visit
from service.web.rendering import page, say
from service.web.resend import AGAIN, TYPED_BY, sent_before
from service.web.second_step import asks_code, come_in_from
from service.web.showing import asked as asked_again
from service.web.showing import code_fault
from service.web.sign_in import demo_people
from service.web.signing_in import go_on_with, shown_anew
from service.web.visit import before_second_factor, inside, once, public

area = Blueprint("elsewhere", __name__)

LONGEST = 8_000
"""Of what a provider sends back in an address."""

STATUSES = {"unreachable": 503, "domain": 403, "email-unverified": 403, "stranger": 403, "level": 403}
"""What the refusals are, by code; the others are requests that are not right."""


@area.post("/sign-in/with/<code:provider>")
@public
def go(provider: str) -> AnyResponse:
    """Sends somebody to the provider; a form that came too late is kept meanwhile."""
    client, to, fields = _client(provider), inside(request.form.get("next")), sent_before()
    typed_by = request.form.get(TYPED_BY, "")
    try:
        return _sent(client, to, fields, typed_by)
    except NotAccepted as refused:
        return _refused(client, refused, to, fields, typed_by)


@area.post("/account/confirm/with/<code:provider>")
@needs("own-account")
@before_second_factor
def show(provider: str) -> AnyResponse:
    """Sends who is signed in to the provider once more, where they sign in anew: that shows that it is still them."""
    check(visit.person(), "own-account")
    client, to, fields = _client(provider), inside(request.form.get("next")), sent_before()
    typed_by, this = request.form.get(TYPED_BY, ""), visit.session()
    assert this is not None
    with visit.parts().pool.connection() as connection:
        if asks_code(client.provider, visit.person()) and second_factor.is_on(connection, this.person.id):
            wrong = code_fault(request.form.get("code", ""))
            if wrong is not None:
                return asked_again(to, fields, typed_by, wrong, 400)
    try:
        return _sent(client, to, fields, typed_by, this.id)
    except NotAccepted as refused:
        return _not_shown(client, refused, to, fields, typed_by)


def _sent(
    client: Client, to: str, fields: list[tuple[str, str]], typed_by: str, shows: str = ""
) -> AnyResponse:
    """The page that goes on to the provider. Raises NotAccepted. `shows`: the session whose person shows who it is."""
    provider = client.provider.code
    begun = asked.begun(client, _answer_address(provider), visit.language(), anew=bool(shows))
    with running().parts.pool.connection() as connection:
        browser = on_their_way.keep(connection, begun, provider, to, fields, typed_by, shows)
    if browser is None:
        raise Problem(503, "service-unavailable", headers={"Retry-After": "60"})
    # A page that goes on by itself, and no redirect: browsers let a form lead to this site only, as we tell them.
    response = page("elsewhere/go.html", to=begun.address, name=_name(client))
    cookies.give(response, cookie_for(begun.state), browser, LASTS)
    return response


@area.get("/sign-in/with/<code:provider>/answer")
@public
@once
def answer(provider: str) -> AnyResponse:
    """Somebody comes back: signs them in when everything is right."""
    client = _client(provider)
    state = _once("state")
    with running().parts.pool.connection() as connection:
        waiting = on_their_way.take(connection, provider, state, cookies.read(cookie_for(state)))
    if waiting is None:
        refused = NotAccepted("state", "the state is none of this browser's, was used before, or is too old")
        return _refused(client, refused, "/", [])
    if waiting.shows:
        response = _shown(client, waiting)
        cookies.take_back(response, cookie_for(state))
        return response
    try:
        person = _person(client, provider, waiting)
    except NotAccepted as refused:
        response = _refused(client, refused, waiting.goes_to, waiting.fields, waiting.typed_by)
    else:
        if person.roles:
            response = come_in_from(client.provider, person, waiting)
        else:
            response = _waiting(person, waiting.goes_to)
    cookies.take_back(response, cookie_for(state))
    return response


@area.get("/sign-in/with/<code:provider>/leave")
@public
def leave(provider: str) -> AnyResponse:
    """Ends the session with the provider too, for who wants that."""
    client = _client(provider)
    try:
        address = asked.end_session(client, running().settings.public_url + url_for("web.sign_in.ask"))
    except NotAccepted as refused:
        return _refused(client, refused, "/", [])
    return redirect(address or url_for("web.sign_in.ask"), 303)


def _shown(client: Client, waiting: Waiting) -> AnyResponse:
    """Who came back is who is signed in here, and signed in there just now; or what is wrong is said."""
    this = visit.session()
    if this is None or this.id != waiting.shows:
        refused = NotAccepted("state", "the session that was to be confirmed is over, or is another's")
        return _refused(client, refused, waiting.goes_to, waiting.fields, waiting.typed_by)
    try:
        claims = _claims(client, waiting)
        at = claims.get("auth_time")
        if isinstance(at, bool) or not isinstance(at, int | float) or at < waiting.at - LEEWAY:
            raise NotAccepted("not-anew", "the auth_time is missing, or from before this was asked")
        with running().parts.pool.connection() as connection:
            known = identities.find(connection, client.provider.issuer, str(claims["sub"]))
            good = known is not None and known.ended_at is None and known.person == this.person.id
            noted(connection, this.person.id, "provider", good)
        if not good:
            raise NotAccepted("another", "the account there is not of who is signed in here")
    except NotAccepted as refused:
        return _not_shown(client, refused, waiting.goes_to, waiting.fields, waiting.typed_by)
    with running().parts.pool.connection() as connection, connection.transaction():
        shown_anew(connection)
    return go_on_with(waiting.goes_to, waiting.fields, waiting.typed_by)


def _not_shown(
    client: Client, refused: NotAccepted, to: str, fields: list[tuple[str, str]], typed_by: str
) -> AnyResponse:
    """The page that asks who it is, which says what was wrong."""
    _log(client, refused)
    wrong = say(f"elsewhere.refused-{refused.code}", provider=_name(client))
    return asked_again(to, fields, typed_by, wrong, STATUSES.get(refused.code, 400))


def _person(client: Client, provider: str, waiting: Waiting) -> Person:
    """Who came back. Raises NotAccepted."""
    claims = _claims(client, waiting)
    found = running()
    # Whoever it is: an address, or what the provider calls them.
    said = str(claims.get(client.provider.claims.email) or claims.get("sub"))
    tried = guard.of(found.settings.secret, said, request.remote_addr)
    try:
        person = person_for(found.parts, client.provider, claims)
    except NotAccepted:
        with found.parts.pool.connection() as connection:
            sign_ins.note(connection, tried, None, "provider", "refused")
        raise
    with found.parts.pool.connection() as connection:
        sign_ins.note(connection, tried, person.id, "provider", "done" if person.roles else "refused")
    return person


def _claims(client: Client, waiting: Waiting) -> dict[str, Any]:
    """What the provider says of who came back. Raises NotAccepted."""
    # RFC 9207: from the provider that was asked, and not another that was led to this address.
    issuer = _once("iss")
    if (issuer or client.metadata().names_itself) and issuer != client.provider.issuer:
        raise NotAccepted("not-trusted", "the answer is another issuer's")
    error = _once("error")
    if error:
        plain = error[:60] if error.isascii() and error.replace("_", "").isalnum() else "no code"
        raise NotAccepted("declined" if error == "access_denied" else "provider-error", plain)
    code = _once("code")
    if not code:
        raise NotAccepted("not-trusted", "there is no code")
    return asked.claims(
        client,
        code=code,
        verifier=waiting.verifier,
        nonce=waiting.nonce,
        redirect_uri=_answer_address(client.provider.code),
    )


def _waiting(person: Person, to: str) -> AnyResponse:
    """Somebody is known, and may do nothing yet: who can change that. Until then nobody is signed in here."""
    with running().parts.pool.connection() as connection:
        sessions.end(connection, cookies.read(cookies.SESSION))
    visit.come_in(None)
    response = page("elsewhere/waiting.html", 403, to=to, who=person)
    cookies.take_back(response, cookies.SESSION)
    return response


def _refused(
    client: Client, refused: NotAccepted, to: str, fields: list[tuple[str, str]], typed_by: str = ""
) -> AnyResponse:
    """The sign-in page, which says what was wrong; nothing that was typed is lost."""
    _log(client, refused)
    return page(
        "sign_in.html",
        STATUSES.get(refused.code, 400),
        to=to,
        email="",
        fields=[(AGAIN + name, value) for name, value in fields],
        typed_by=typed_by,
        people=demo_people(),
        elsewhere=say(f"elsewhere.refused-{refused.code}", provider=_name(client), code=refused.say),
        code=refused.say,
    )


def _log(client: Client, refused: NotAccepted) -> None:
    structlog.get_logger().warning(
        "sign-in elsewhere refused", provider=client.provider.code, why=refused.code, details=refused.details
    )


def _client(provider: str) -> Client:
    found = running().elsewhere.get(provider)
    if found is None:
        raise Missing("provider", provider)
    return found


def _name(client: Client) -> str:
    return client.provider.name[visit.language()]


def _answer_address(provider: str) -> str:
    return running().settings.public_url + url_for("web.elsewhere.answer", provider=provider)


def _once(name: str) -> str:
    """What stands in the address under a name; nothing when it stands there twice, or is too long."""
    values = request.args.getlist(name)
    return values[0] if len(values) == 1 and len(values[0]) <= LONGEST else ""
