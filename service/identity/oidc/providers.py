"""Where can somebody sign in elsewhere, and what does that mean here? Read from the file that OIDC_FILE names."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from domain.definition_fields import is_code
from service.identity.oidc.addresses import is_loopback, may_ask
from service.identity.people import ROLES
from service.settings import Settings, SettingsError
from service.texts import LANGUAGES

__all__ = ["ALGORITHMS", "Claims", "Organisation", "Others", "Provider", "providers"]

ALGORITHMS = (
    "RS256", "PS256", "ES256", "EdDSA", "RS384", "RS512", "PS384", "PS512", "ES384", "ES512", "Ed25519",
)  # fmt: skip
"""How an id_token may be signed: with a key of the provider alone, never with a secret that is shared."""
USUAL = ALGORITHMS[:4]
GIVEN = tuple(role for role in ROLES if role != "member")
"""Roles that a provider can give: of which body somebody is a member, it cannot know."""
DOMAIN = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
LONGEST = 1_000
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Claims:
    """What the provider calls the things we want to know; empty where it does not tell."""

    name: str = "name"
    email: str = "email"
    verified: str = "email_verified"
    organisation: str = ""
    organisation_name: str = ""
    roles: str = ""


@dataclass(frozen=True, slots=True)
class Organisation:
    """Which organisation is meant by an identifier, and what its people get here."""

    id: str
    kind: str
    name: str
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Others:
    """What the people get of organisations that the file does not name; each becomes an organisation of this kind."""

    kind: str
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Provider:
    """Where somebody can sign in. `local`: it runs on this machine, in a trial, and may go without HTTPS.

    `admits`: who is not known yet becomes a person here. Of `trusted` domains a verified address is as good as a
    password: an account with that address is linked. With `domains`, addresses in those are let in and no others.
    """

    code: str
    name: Mapping[str, str]
    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    algorithms: tuple[str, ...] = USUAL
    levels: tuple[str, ...] = ()
    userinfo: bool = False
    admits: bool = False
    domains: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()
    claims: Claims = Claims()
    organisations: tuple[Organisation, ...] = ()
    others: Others | None = None
    roles: Mapping[str, str] = field(default_factory=dict)
    local: bool = False


def providers(settings: Settings) -> tuple[Provider, ...]:
    """The providers, in the order of the file; none without one. Raises SettingsError, which says what to mend."""
    if not settings.oidc_file:
        return ()
    path = Path(settings.oidc_file)
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"OIDC_FILE {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"OIDC_FILE {path} is no TOML: {error}.") from error
    file = _Table(f"OIDC_FILE {path}", tables)
    found = tuple(
        _provider(table, path.parent, is_loopback(settings.public_url)) for table in file.tables("provider")
    )
    file.done()
    codes = [provider.code for provider in found]
    for code in codes:
        if codes.count(code) > 1:
            raise SettingsError(f"OIDC_FILE {path}: two providers have the code '{code}'. Give one another.")
    return found


class _Table:
    """One table of the file; whatever is wrong with it is said with its place."""

    def __init__(self, where: str, given: Mapping[str, Any]) -> None:
        self.where, self._left = where, dict(given)

    def wrong(self, name: str, sentence: str) -> SettingsError:
        return SettingsError(f"{self.where}: '{name}' {sentence}")

    def text(self, name: str, default: str | None = None) -> str:
        value = self._left.pop(name, default)
        if value is None:
            raise self.wrong(name, "is missing.")
        if not isinstance(value, str) or len(value) > LONGEST or not value.isprintable():
            raise self.wrong(name, "has to be a text.")
        if not value.strip() and default is None:
            raise self.wrong(name, "is empty.")
        return value

    def texts(self, name: str, default: Sequence[str] = ()) -> tuple[str, ...]:
        value = self._left.pop(name, list(default))
        if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
            raise self.wrong(name, 'has to be a list of texts, as in ["one", "two"].')
        return tuple(value)

    def flag(self, name: str) -> bool:
        value = self._left.pop(name, False)
        if not isinstance(value, bool):
            raise self.wrong(name, "has to be true or false.")
        return value

    def some(self, name: str, known: Sequence[str], default: Sequence[str] = ()) -> tuple[str, ...]:
        value = self.texts(name, default)
        for each in value:
            if each not in known:
                raise self.wrong(name, f"cannot be '{each}'. Use: {', '.join(known)}.")
        return value

    def domains(self, name: str) -> tuple[str, ...]:
        value = tuple(each.lower() for each in self.texts(name))
        for each in value:
            if not DOMAIN.fullmatch(each):
                raise self.wrong(name, f"has '{each}', which is no domain. Write it as in example.org.")
        return value

    def table(self, name: str) -> _Table | None:
        value = self._left.pop(name, None)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.wrong(name, "has to be a table.")
        return _Table(f"{self.where}, {name}", value)

    def tables(self, name: str) -> list[_Table]:
        value = self._left.pop(name, [])
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise self.wrong(name, f"has to be tables: begin each with [[{name}]].")
        return [_Table(f"{self.where}, {name} {number}", each) for number, each in enumerate(value, 1)]

    def rest(self) -> dict[str, Any]:
        left, self._left = self._left, {}
        return left

    def done(self) -> None:
        for name in self._left:
            raise self.wrong(name, "is no setting of a provider. Is it spelled right?")


def _provider(table: _Table, folder: Path, local: bool) -> Provider:
    code = table.text("code")
    if not is_code(code):
        raise table.wrong("code", "has to be lower case letters, digits and hyphens.")
    issuer = table.text("issuer")
    if not may_ask(issuer, local=local) or "?" in issuer:
        raise table.wrong(
            "issuer", "has to be an address that begins with https://, as the provider gives it."
        )
    scopes = table.texts("scopes", ("openid", "profile", "email"))
    if "openid" not in scopes:
        raise table.wrong("scopes", "has to have 'openid' in it.")
    claims = table.table("claims")
    others = table.table("others")
    found = Provider(
        code=code,
        name=_in_both(table, "name"),
        issuer=issuer,
        client_id=table.text("client_id"),
        client_secret=_secret(table, folder),
        scopes=scopes,
        algorithms=table.some("algorithms", ALGORITHMS, USUAL) or USUAL,
        levels=table.texts("levels"),
        userinfo=table.flag("userinfo"),
        admits=table.flag("admits"),
        domains=table.domains("domains"),
        trusted=table.domains("trusted_domains"),
        claims=_checked(claims, _claims) if claims else Claims(),
        organisations=tuple(_checked(each, _organisation) for each in table.tables("organisation")),
        others=_checked(others, lambda each: Others(each.text("kind"), each.some("roles", GIVEN)))
        if others
        else None,
        roles=_roles(table),
        local=local,
    )
    table.done()
    if (found.organisations or found.others) and not found.claims.organisation:
        raise table.wrong("claims", "has no 'organisation': by which claim are organisations told apart?")
    if found.others and not found.claims.organisation_name:
        raise table.wrong("claims", "has no 'organisation_name': what are other organisations called?")
    if found.roles and not found.claims.roles:
        raise table.wrong("claims", "has no 'roles': in which claim do the roles stand?")
    return found


def _checked(table: _Table, read: Callable[[_Table], T]) -> T:
    found = read(table)
    table.done()
    return found


def _in_both(table: _Table, name: str) -> dict[str, str]:
    within = table.table(name)
    if within is None:
        raise table.wrong(name, 'is missing. Write: name = {nl = "...", en = "..."}.')
    return _checked(within, lambda each: {language: each.text(language) for language in LANGUAGES})


def _secret(table: _Table, folder: Path) -> str:
    secret, file = table.text("client_secret", ""), table.text("client_secret_file", "")
    if not file:
        return secret
    if secret:
        raise table.wrong("client_secret", "stands beside 'client_secret_file'. Leave one out.")
    try:
        return (folder / file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise table.wrong("client_secret_file", f"cannot be read: {error}.") from error


def _claims(table: _Table) -> Claims:
    usual = Claims()
    return Claims(**{name: table.text(name, getattr(usual, name)) for name in Claims.__slots__})


def _organisation(table: _Table) -> Organisation:
    kind = table.text("kind")
    if not is_code(kind):
        raise table.wrong("kind", "has to be a code, such as municipality or company.")
    return Organisation(table.text("id"), kind, table.text("name"), table.some("roles", GIVEN))


def _roles(table: _Table) -> dict[str, str]:
    within = table.table("roles")
    found = within.rest() if within else {}
    for value, role in found.items():
        if role not in GIVEN:
            raise table.wrong("roles", f"gives '{role}' for '{value}'. Use: {', '.join(GIVEN)}.")
    return found
