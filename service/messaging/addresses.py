"""May we connect there? The address of a webhook is somebody else's choice, and must not lead into our own network."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from domain.errors import Invalid

__all__ = ["LONGEST_URL", "RefusedAddress", "Target", "addresses", "is_public", "target"]

LONGEST_URL = 2_000

URL = re.compile(r"[!#$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]+")
"""What may stand in a URL. No backslash and no spaces: programs differ on what these mean."""
NEVER_PUBLIC = re.compile(r"\.(localhost|local|internal|home\.arpa)$")
"""Names that lead nowhere on the internet, by RFC 6761, 6762 and 8375 and by what ICANN set aside."""
DEFAULT_PORTS = {"https": 443, "http": 80}


class RefusedAddress(Exception):
    """The name leads to an address that is not public; the message says which."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart once: what is checked is what is used."""

    secure: bool
    host: str
    port: int
    path: str

    @property
    def name(self) -> str:
        """What the header Host says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (
            host if self.port == DEFAULT_PORTS["https" if self.secure else "http"] else f"{host}:{self.port}"
        )


def target(url: str, *, private: bool, field: str = "/url") -> Target:
    """The parts of the URL of a webhook.

    Refuses (`Invalid`) what is no URL, holds a password or a fragment, or is not https or names an address that is not
    public while `private` ones may not be used. A name is looked up only when something is sent.
    """
    if len(url) > LONGEST_URL or not URL.fullmatch(url):
        raise Invalid("webhook-url-invalid", field)
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise Invalid("webhook-url-invalid", field) from None
    if parts.scheme not in DEFAULT_PORTS or not host or len(host) > 253 or port == 0:
        raise Invalid("webhook-url-invalid", field)
    if "@" in parts.netloc or "#" in url:
        raise Invalid("webhook-url-parts", field)
    if parts.scheme != "https" and not private:
        raise Invalid("webhook-url-https", field)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    made = Target(parts.scheme == "https", host, port or DEFAULT_PORTS[parts.scheme], path)
    if not private:
        if NEVER_PUBLIC.search(f".{host.rstrip('.').lower()}"):
            raise Invalid("webhook-url-private", field, address=host)
        try:
            addresses(made, private=False, only_written=True)
        except RefusedAddress as refused:
            raise Invalid("webhook-url-private", field, address=str(refused)) from None
        except OSError:
            pass  # a name
    return made


def addresses(to: Target, *, private: bool, only_written: bool = False) -> Sequence[str]:
    """The addresses of its host, each of them public unless `private` ones may be used too.

    `only_written`: without asking anybody, so of a host that is an address in any of the ways to write one. Raises
    RefusedAddress, and OSError for a name that nobody knows.
    """
    flags = socket.AI_NUMERICHOST if only_written else 0
    found = socket.getaddrinfo(to.host, to.port, type=socket.SOCK_STREAM, flags=flags)
    each = list(dict.fromkeys(str(place[0]) for *_, place in found))
    refused = [address for address in each if not private and not is_public(address)]
    if refused:
        # One is enough: a name that leads to both would be tried until it leads inside.
        raise RefusedAddress(refused[0])
    return each


def is_public(address: str) -> bool:
    """Is this the address of a machine out on the internet, and not of ours, our network, or of many at once?"""
    try:
        found: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        if found.is_site_local:
            return False
        # An IPv4 address within: of which machine it is, is for that one to say.
        found = found.ipv4_mapped or found.sixtofour or found
    return found.is_global and not (found.is_multicast or found.is_reserved or found.is_unspecified)
