"""How is a sign-in begun at a provider, and what does it say of who comes back?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from authlib.common.security import generate_token
from authlib.common.urls import add_params_to_uri
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from service.identity.oidc.clients import Client
from service.identity.oidc.id_token import verified
from service.identity.oidc.refusal import NotAccepted

__all__ = ["Begun", "begun", "claims", "end_session"]


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that was begun: where the browser goes, and what must come back with it."""

    address: str
    state: str
    nonce: str
    verifier: str


def begun(client: Client, redirect_uri: str, language: str, *, anew: bool = False) -> Begun:
    """The beginning of a sign-in; `anew`: also of who is signed in there already. Raises NotAccepted when the provider
    cannot be asked where.
    """
    provider, metadata = client.provider, client.metadata()
    state, nonce, verifier = (generate_token(48) for _ in range(3))
    address = prepare_grant_uri(
        metadata.authorization,
        provider.client_id,
        "code",
        redirect_uri=redirect_uri,
        scope=list(provider.scopes),
        state=state,
        nonce=nonce,
        code_challenge=create_s256_code_challenge(verifier),
        code_challenge_method="S256",
        ui_locales=language,
        acr_values=" ".join(provider.levels) or None,
        prompt="login" if anew else None,
        max_age="0" if anew else None,
    )
    return Begun(str(address), state, nonce, verifier)


def claims(client: Client, *, code: str, verifier: str, nonce: str, redirect_uri: str) -> dict[str, Any]:
    """What the provider says of who came back with this code. Raises NotAccepted."""
    metadata, provider = client.metadata(), client.provider
    body = prepare_token_request(
        "authorization_code", redirect_uri=redirect_uri, code=code, code_verifier=verifier
    )
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    url, headers, body = _ourselves(client, metadata.secret_in_body).prepare(
        "POST", metadata.token, headers, body
    )
    answer = client.ask("POST", url, headers, body)
    if answer.status != 200:
        raise NotAccepted("not-trusted", f"no tokens for the code: {_code_of(answer.content.get('error'))}")
    access_token = answer.content.get("access_token")
    found = verified(client, answer.content.get("id_token"), nonce=nonce, access_token=access_token)
    if provider.userinfo:
        found = {**_userinfo(client, access_token, str(found["sub"])), **found}
    return found


def end_session(client: Client, back_to: str) -> str | None:
    """Where somebody ends the session with the provider too; None where it has no such place."""
    address = client.metadata().end_session
    if address is None:
        return None
    asked = [("client_id", client.provider.client_id), ("post_logout_redirect_uri", back_to)]
    return str(add_params_to_uri(address, asked))


def _ourselves(client: Client, in_body: bool) -> ClientAuth:
    id, secret = client.provider.client_id, client.provider.client_secret
    if not secret:
        return ClientAuth(id, "", "none")
    if in_body:
        return ClientAuth(id, secret, "client_secret_post")
    # RFC 6749, 2.3.1: both are encoded first, so that a colon stays one.
    return ClientAuth(quote(id, safe=""), quote(secret, safe=""), "client_secret_basic")


def _userinfo(client: Client, access_token: object, subject: str) -> dict[str, Any]:
    url = client.metadata().userinfo
    if url is None or not isinstance(access_token, str) or not _plain(access_token):
        raise NotAccepted("not-trusted", "there is no access token to ask for more with")
    answer = client.ask("GET", url, {"Authorization": f"Bearer {access_token}"})
    if answer.status != 200 or answer.content.get("sub") != subject:
        raise NotAccepted("not-trusted", f"userinfo: status {answer.status}, or of somebody else")
    return answer.content


def _code_of(error: object) -> str:
    """What a provider calls an error, when it is a code."""
    plain = error if isinstance(error, str) else ""
    return plain[:60] if plain.isascii() and plain.replace("_", "").isalnum() else "no code"


def _plain(text: str) -> bool:
    return text.isascii() and text.isprintable()
