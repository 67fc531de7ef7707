"""A real provider of OpenID Connect, on this machine: authlib's server side, which judges our requests as theirs would.

`person` is who signs in there, `forged` what it does to an id_token before it sends it.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, OAuth2Request
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc9207 import IssuerParameter
from authlib.oidc.core.grants import OpenIDCode
from authlib.oidc.core.models import AuthorizationCodeMixin
from flask import Flask, Response, request
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from urllib3 import PoolManager
from werkzeug.serving import make_server

CLIENT, SECRET = "besluitspoor", "a secret: of the / client"
Claims = dict[str, Any]
Forged = Callable[["OpenProvider", Claims], str]


@dataclass
class Client(ClientMixin):  # type: ignore[misc]
    """We, as the provider knows us."""

    redirect_uri: str

    def get_client_id(self) -> str:
        return CLIENT

    def get_default_redirect_uri(self) -> None:
        return None

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == self.redirect_uri

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_post"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass
class Code(AuthorizationCodeMixin):  # type: ignore[misc]
    """A code that was given out, with what it was asked with."""

    code: str
    redirect_uri: str
    scope: str
    nonce: str
    code_challenge: str
    code_challenge_method: str
    subject: str
    at: int = field(default_factory=lambda: int(time.time()))

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str:
        return self.nonce

    def get_auth_time(self) -> int:
        return self.at


@dataclass
class OpenProvider:
    """A provider, and what it is told to do."""

    redirect_uri: str
    issuer: str = ""
    person: Claims = field(default_factory=dict)
    key: RSAKey | ECKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "first"}))
    algorithm: str = "RS256"
    forged: Forged | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    """What it adds to its discovery document."""
    codes: dict[str, Code] = field(default_factory=dict)
    tokens: dict[str, Claims] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def comes_back(self, address: str, *, declined: bool = False) -> str:
        """Somebody signs in at the provider, at the address they were sent to: with which path they come back."""
        response = PoolManager(retries=False).request(
            "POST", address, fields={"declined": "1"} if declined else {}, redirect=False
        )
        assert response.status == 302, response.data
        to = urlsplit(response.headers["Location"])
        assert f"{to.scheme}://{to.netloc}{to.path}" == self.redirect_uri
        return f"{to.path}?{to.query}"

    def signed(self, claims: Claims, *, key: Any = None, algorithm: str | None = None) -> str:
        """An id_token with these claims."""
        algorithm = algorithm or self.algorithm
        made = key or self.key
        header = {"alg": algorithm, "kid": "first" if algorithm.startswith("HS") else made.kid}
        return jwt.encode(header, claims, made, [algorithm])


class _Grant(AuthorizationCodeGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post")

    def save_authorization_code(self, code: str, asked: OAuth2Request) -> None:
        data = asked.payload.data
        self.server.provider.codes[code] = Code(
            code,
            asked.payload.redirect_uri,
            asked.payload.scope,
            data.get("nonce", ""),
            data.get("code_challenge", ""),
            data.get("code_challenge_method", ""),
            asked.user,
        )

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        found: Code | None = self.server.provider.codes.get(code)
        return found

    def delete_authorization_code(self, authorization_code: Code) -> None:
        del self.server.provider.codes[authorization_code.code]

    def authenticate_user(self, authorization_code: Code) -> str:
        return authorization_code.subject


class _IdToken(OpenIDCode):  # type: ignore[misc]
    def __init__(self, provider: OpenProvider) -> None:
        super().__init__(require_nonce=True)
        self.provider = provider

    def exists_nonce(self, nonce: str, asked: OAuth2Request) -> bool:
        return any(code.nonce == nonce for code in self.provider.codes.values())

    def resolve_client_private_key(self, client: Client) -> Any:
        return self.provider.key

    def get_client_algorithm(self, client: Client) -> str:
        return self.provider.algorithm

    def get_encode_header(self, client: Client) -> dict[str, str]:
        return {"alg": self.provider.algorithm, "kid": str(self.provider.key.kid)}

    def get_client_claims(self, client: Client) -> Claims:
        return {"iss": self.provider.issuer, "aud": [CLIENT]}

    def generate_user_info(self, user: str, scope: str) -> Claims:
        return dict(self.provider.person)


class _Names(IssuerParameter):  # type: ignore[misc]
    def __init__(self, provider: OpenProvider) -> None:
        self.provider = provider

    def get_issuer(self) -> str:
        return self.provider.issuer


def _app(provider: OpenProvider) -> Flask:
    app = Flask("provider")
    server = AuthorizationServer(
        app,
        lambda id: Client(provider.redirect_uri) if id == CLIENT else None,
        lambda token, asked: provider.tokens.update({token["access_token"]: dict(provider.person)}),
    )
    server.provider = provider
    server.register_grant(_Grant, [CodeChallenge(required=True), _IdToken(provider)])
    server.register_extension(_Names(provider))

    @app.before_request
    def noticed() -> None:
        provider.asked.append(request.path)

    @app.get("/.well-known/openid-configuration")
    def discovery() -> Claims:
        return {
            "issuer": provider.issuer,
            "authorization_endpoint": f"{provider.issuer}/authorize",
            "token_endpoint": f"{provider.issuer}/token",
            "jwks_uri": f"{provider.issuer}/keys",
            "userinfo_endpoint": f"{provider.issuer}/userinfo",
            "end_session_endpoint": f"{provider.issuer}/end",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [provider.algorithm],
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
            **provider.extra,
        }

    @app.get("/keys")
    def keys() -> Claims:
        return {"keys": [{**provider.key.as_dict(private=False), "use": "sig"}]}

    @app.get("/authorize")
    def ask() -> str:
        server.get_consent_grant(end_user=provider.person["sub"])
        return (
            '<!doctype html><html lang="en"><title>Provider</title><main><h1>Provider</h1>'
            '<form method="post"><button>Yes, it is me</button></form></main></html>'
        )

    @app.post("/authorize")
    def decide() -> Response:
        subject = None if request.form.get("declined") else provider.person["sub"]
        grant = server.get_consent_grant(end_user=subject or "nobody")
        return server.create_authorization_response(grant_user=subject, grant=grant)

    @app.post("/token")
    def token() -> Response:
        response = server.create_token_response()
        if response.status_code == 200 and provider.forged is not None:
            said = json.loads(response.get_data())
            claims = jwt.decode(said["id_token"], provider.key, [provider.algorithm]).claims
            response.set_data(json.dumps({**said, "id_token": provider.forged(provider, claims)}))
        return response

    @app.get("/userinfo")
    def userinfo() -> Claims | tuple[Claims, int]:
        known = provider.tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        return ({**known, **provider.extra.get("userinfo", {})}) if known else ({}, 401)

    @app.get("/end")
    def end() -> str:
        return "Signed out."

    return app


@contextmanager
def provider_for(redirect_uri: str) -> Iterator[OpenProvider]:
    """A provider that sends people back to this address."""
    made = OpenProvider(redirect_uri)
    server = make_server("127.0.0.1", 0, _app(made), threaded=True)
    made.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    with pytest.MonkeyPatch.context() as patch:
        # Without HTTPS, which authlib's server asks for, as nobody but us can listen here.
        patch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
        try:
            yield made
        finally:
            server.shutdown()
            thread.join(10)
            server.server_close()
