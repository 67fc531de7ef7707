"""Is this id_token the provider's, for us, for this sign-in, and still good? What it claims, or a refusal."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from authlib.oidc.core.claims import CodeIDToken
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from service.identity.oidc.clients import Client
from service.identity.oidc.providers import ALGORITHMS
from service.identity.oidc.refusal import NotAccepted

__all__ = ["LEEWAY", "verified"]

LEEWAY = 60
"""Seconds that the clocks of the provider and of us may differ."""
KINDS: Mapping[str, type[RSAKey] | type[ECKey] | type[OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
SHORTEST_RSA = 2048
LONGEST = 100_000


def verified(client: Client, token: object, *, nonce: str, access_token: object) -> dict[str, Any]:
    """The claims of an id_token. Raises NotAccepted, for which nobody is signed in."""
    if not isinstance(token, str) or not token.isascii() or len(token) > LONGEST:
        raise NotAccepted("not-trusted", "there is no id_token")
    provider = client.provider
    try:
        header = jws.extract_compact(token.encode()).protected
    except (JoseError, ValueError) as error:
        raise NotAccepted("not-trusted", f"the id_token cannot be read: {type(error).__name__}") from error
    algorithm = header.get("alg")
    if algorithm not in provider.algorithms:
        raise NotAccepted("not-trusted", "the id_token is signed in a way that the settings do not allow")
    claims = _signed(client, token, header)
    found = CodeIDToken(
        claims,
        # The hash that goes with it has a name under the old name only.
        {"alg": "EdDSA" if algorithm == "Ed25519" else algorithm},
        options={
            "iss": {"essential": True, "value": provider.issuer},
            "aud": {"essential": True, "value": provider.client_id},
            "sub": {"essential": True},
        },
        params={
            "nonce": nonce,
            "client_id": provider.client_id,
            "access_token": access_token if isinstance(access_token, str) else None,
        },
    )
    try:
        found.validate(now=int(time.time()), leeway=LEEWAY)
    except (JoseError, ValueError, TypeError, OverflowError) as error:
        raise NotAccepted("not-trusted", f"the id_token is not for this sign-in: {error}") from error
    if provider.levels and claims.get("acr") not in provider.levels:
        raise NotAccepted("level", "the level of assurance is none of those in the settings")
    return claims


def _signed(client: Client, token: str, header: Mapping[str, Any]) -> dict[str, Any]:
    registry = _asymmetric(client.provider.algorithms)
    kid = header.get("kid")
    keys = _fitting(client.keys(), kid)
    if not keys:
        # A key that the provider has since we last asked: so many come as it changes its keys, for we got this token
        # from the provider itself.
        keys = _fitting(client.keys(anew=True), kid)
    for key in keys:
        try:
            return jwt.decode(token, key, registry=registry).claims
        except (JoseError, ValueError, TypeError):
            continue
    raise NotAccepted("not-trusted", "the id_token is not signed with a key of the provider")


def _asymmetric(allowed: Sequence[str]) -> JWSRegistry:
    """Those signatures, and with a key pair only. EdDSA is what Ed25519 was called before RFC 9864."""
    registry = JWSRegistry(algorithms=allowed, strict_check_header=False)
    registry.algorithms = {
        name: JWSRegistry.algorithms["Ed25519" if name == "EdDSA" else name] for name in ALGORITHMS
    }
    return registry


def _fitting(keys: Sequence[dict[str, Any]], kid: object) -> list[RSAKey | ECKey | OKPKey]:
    found = []
    for key in keys:
        kind = KINDS.get(str(key.get("kty")))
        if kind is None or key.get("use") not in (None, "sig") or (kid is not None and key.get("kid") != kid):
            continue
        try:
            made = kind.import_key(key)
            if isinstance(made, RSAKey) and made.public_key.key_size < SHORTEST_RSA:
                continue
        except (JoseError, ValueError, TypeError):
            continue
        found.append(made)
    return found
