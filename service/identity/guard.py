"""May somebody try to sign in (again)? Tries that failed are counted by address and by network, and leak away.

Nobody learns here whether an address has an account: tries at one that nobody has count, and are held back, alike.
Only failures count, and the nearest count is the strictest, so a stranger who guesses keeps the owner out from that
stranger's own network first.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from psycopg import Connection

__all__ = [
    "BY_ADDRESS",
    "BY_BOTH",
    "BY_NETWORK",
    "WITHIN",
    "Try",
    "forget",
    "forget_failures",
    "held_back",
    "note",
    "of",
]

WITHIN = timedelta(minutes=15)
"""How long it takes until a full count has leaked away."""
BY_BOTH, BY_ADDRESS, BY_NETWORK = 10, 100, 300
"""Failures within WITHIN after which tries are held back: at one address from one network, at one address from
anywhere, and from one network at any address (a town hall has many people behind one)."""


@dataclass(frozen=True, slots=True)
class Try:
    """A try to sign in: keyed digests of the address and of where it comes from, and that network in words."""

    address: str
    network: str
    both: str
    said: str


def of(secret: bytes, email: str, remote: str | None) -> Try:
    """The try with this address, from there."""
    said = network(remote)
    name = email.strip().lower()
    return Try(
        _digest(secret, f"address {name}"),
        _digest(secret, f"network {said}"),
        _digest(secret, f"both {name} {said}"),
        said,
    )


def network(remote: str | None) -> str:
    """The network that an address is in: what is left of it says no more than about whose it is."""
    try:
        found = ipaddress.ip_address((remote or "").split("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return str(ipaddress.ip_network((found, 24 if found.version == 4 else 48), strict=False))


def held_back(connection: Connection[Any], tried: Try) -> int | None:
    """How many seconds nobody is let in with this address from there; None when one may try."""
    waits = [
        (level - most + 1) * WITHIN.total_seconds() / most
        for key, level in _levels(connection, tried).items()
        if level > (most := _most(tried, key)) - 1
    ]
    return max(1, round(max(waits))) if waits else None


def note(connection: Connection[Any], tried: Try) -> None:
    """This try failed."""
    for key in (tried.both, tried.address, tried.network):
        connection.execute(
            """INSERT INTO web.attempts AS a (key, level, at) VALUES (%(key)s, 1, now())
            ON CONFLICT (key) DO UPDATE SET at = now(), level = 1
                + greatest(0, a.level - extract(epoch FROM now() - a.at) * %(leak)s)""",
            {"key": key, "leak": _most(tried, key) / WITHIN.total_seconds()},
        )


def forget_failures(connection: Connection[Any], tried: Try) -> None:
    """Somebody proved to be who they say: earlier failures with this address from there were theirs."""
    connection.execute("DELETE FROM web.attempts WHERE key = %s", (tried.both,))


def forget(connection: Connection[Any]) -> int:
    """Forgets counts that have leaked away; how many?"""
    return connection.execute("DELETE FROM web.attempts WHERE at < now() - %s::interval", (WITHIN,)).rowcount


def _levels(connection: Connection[Any], tried: Try) -> dict[str, float]:
    """What counts now of each, where anything does."""
    keys = [tried.both, tried.address, tried.network]
    leaks = [_most(tried, key) / WITHIN.total_seconds() for key in keys]
    rows = connection.execute(
        """SELECT key, level - extract(epoch FROM now() - at) * leak
        FROM web.attempts JOIN unnest(%s::text[], %s::float8[]) AS asked (key, leak) USING (key)""",
        (keys, leaks),
    ).fetchall()
    return {key: float(level) for key, level in rows}


def _most(tried: Try, key: str) -> int:
    return {tried.both: BY_BOTH, tried.address: BY_ADDRESS, tried.network: BY_NETWORK}[key]


def _digest(secret: bytes, what: str) -> str:
    plain = f"sign-in {what}".encode("utf-8", "surrogatepass")
    return hmac.digest(secret, plain, hashlib.sha256).hex()[:32]
