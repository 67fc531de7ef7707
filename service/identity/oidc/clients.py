"""What does a provider say about itself? Its addresses and its keys, fetched when first needed and kept for an hour."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import urllib3
from authlib.oidc.discovery import get_well_known_url

from service.identity.oidc.addresses import may_ask
from service.identity.oidc.asking import Answer, ask, pool
from service.identity.oidc.providers import Provider, providers
from service.identity.oidc.refusal import NotAccepted
from service.settings import Settings

__all__ = ["Client", "Clients", "Metadata"]

FRESH, USABLE = 60 * 60.0, 24 * 60 * 60.0
"""Seconds after which a provider is asked again, and until when what it said will do if it does not answer."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """Where a provider is asked what. `secret_in_body`: it takes our secret only so; `names_itself`: in each answer."""

    authorization: str
    token: str
    keys: str
    userinfo: str | None
    end_session: str | None
    secret_in_body: bool
    names_itself: bool


class Client:
    """We, as one provider knows us; safe to use from several threads."""

    def __init__(self, provider: Provider, connections: urllib3.PoolManager) -> None:
        self.provider = provider
        self._connections = connections
        self._lock = threading.Lock()
        self._metadata: tuple[float, Metadata] | None = None
        self._keys: tuple[float, list[dict[str, Any]]] | None = None

    def metadata(self) -> Metadata:
        """What the discovery document says. Raises NotAccepted when there is none, or it is another's."""
        with self._lock:
            now, known = time.monotonic(), self._metadata
            if known is None or now - known[0] > FRESH:
                try:
                    known = now, self._discovered()
                except NotAccepted:
                    if known is None or now - known[0] > USABLE:
                        raise
                self._metadata = known
            return known[1]

    def keys(self, *, anew: bool = False) -> Sequence[dict[str, Any]]:
        """The keys of the provider, as it publishes them; `anew` when one is asked for that was not among them."""
        address = self.metadata().keys
        with self._lock:
            now, known = time.monotonic(), self._keys
            if anew or known is None or now - known[0] > FRESH:
                try:
                    known = now, self._published(address)
                except NotAccepted:
                    if anew or known is None or now - known[0] > USABLE:
                        raise
                self._keys = known
            return known[1]

    def ask(self, method: str, url: str, headers: dict[str, str], body: str | None = None) -> Answer:
        """Asks the provider something else."""
        return ask(self._connections, method, url, headers=headers, body=body)

    def _discovered(self) -> Metadata:
        provider = self.provider
        url = get_well_known_url(provider.issuer, external=True)
        answer = ask(self._connections, "GET", url)
        said = answer.content
        if answer.status != 200:
            raise NotAccepted("unreachable", f"{url}: status {answer.status}")
        if said.get("issuer") != provider.issuer:
            raise NotAccepted("unreachable", f"{url} is of another issuer than the settings name")
        methods = said.get("code_challenge_methods_supported")
        if isinstance(methods, list) and "S256" not in methods:
            raise NotAccepted("unreachable", f"{url}: the provider does not do PKCE with S256")
        ways = said.get("token_endpoint_auth_methods_supported")
        basic = not isinstance(ways, list) or "client_secret_basic" in ways
        return Metadata(
            authorization=self._address(said, "authorization_endpoint"),
            token=self._address(said, "token_endpoint"),
            keys=self._address(said, "jwks_uri"),
            userinfo=self._address(said, "userinfo_endpoint") if provider.userinfo else None,
            end_session=self._address(said, "end_session_endpoint")
            if said.get("end_session_endpoint")
            else None,
            secret_in_body=not basic,
            names_itself=said.get("authorization_response_iss_parameter_supported") is True,
        )

    def _address(self, said: dict[str, Any], name: str) -> str:
        found = said.get(name)
        if not may_ask(found, local=self.provider.local):
            raise NotAccepted("unreachable", f"the {name} of {self.provider.issuer} is no address to use")
        return str(found)

    def _published(self, address: str) -> list[dict[str, Any]]:
        answer = ask(self._connections, "GET", address)
        keys = answer.content.get("keys")
        if answer.status != 200 or not isinstance(keys, list):
            raise NotAccepted("unreachable", f"{address}: status {answer.status}, and no keys")
        return [key for key in keys if isinstance(key, dict)]


class Clients:
    """We, at every provider of the settings. Nobody is asked anything before somebody signs in."""

    def __init__(self, settings: Settings) -> None:
        connections = pool()
        self._clients = {each.code: Client(each, connections) for each in providers(settings)}

    def all(self) -> list[Provider]:
        """The providers, in the order of the settings."""
        return [client.provider for client in self._clients.values()]

    def get(self, code: str) -> Client | None:
        """We at the provider with this code."""
        return self._clients.get(code)

    def by_issuer(self, issuer: str) -> Provider | None:
        """The provider that says it is this issuer; the first, when it stands there more than once."""
        return next((each for each in self.all() if each.issuer == issuer), None)
