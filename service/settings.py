"""What must the service be told from outside? One frozen dataclass, read once from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ROLES", "Settings", "SettingsError"]

ROLES = ("submitter", "secretary", "member", "treasurer", "auditor", "admin", "integration")
"""What a person can be; a member is so of the bodies named with the person."""

DEMO_OIN = "00000001999999999000"


class SettingsError(Exception):
    """A setting is missing or unusable; the message names the variable and says how to mend it."""


@dataclass(frozen=True)
class Settings:
    """Everything the running parts need to know; passed on as an argument, never looked up again.

    `database_url` is the runtime role, `database_owner_url` the role that owns the log: only `migrate` uses it.
    An empty `broker_url` means pgmq on the same database. `secret` keys the digests of idempotent requests, and what
    webhooks are signed with. Mail goes to `smtp_url`, else into `mail_folder` as files; with neither it waits.
    """

    database_url: str
    database_owner_url: str
    secret: bytes
    broker_url: str = ""
    demo: bool = False
    public_url: str = "http://127.0.0.1:8000"
    oin: str = DEMO_OIN
    timezone: str = "Europe/Amsterdam"
    smtp_url: str = ""
    mail_from: str = "Besluitspoor <besluitspoor@localhost>"
    mail_folder: str = ""
    private_webhooks: bool = False
    """May webhooks go to private and loopback addresses?"""
    oidc_file: str = ""
    """Where the providers stand at which people can sign in elsewhere (`service/identity/oidc/providers.py`)."""
    second_factor_roles: frozenset[str] = frozenset()
    """Roles whose people have to show a second factor when they sign in with a password."""
    writes_per_minute: int = 0
    """How much one person may change in a minute, in each web process; 0 is no limit."""
    proxies: int = 0
    """How many proxies stand before the web, each of which adds to X-Forwarded-For whom it saw."""
    password_words: tuple[str, ...] = ()
    """Words that no password may be made of, beside those that the service finds itself (`service/known_words.py`)."""
    query_seconds: int = 0
    """How long a question to the database may take in the web processes; 0 is no limit."""
    previous_secret: bytes = b""
    """The secret of before, while it changes: what was made with it counts still, and nothing is made with it."""

    @property
    def secrets(self) -> tuple[bytes, ...]:
        """Every secret that counts, the present one first."""
        return (self.secret, self.previous_secret) if self.previous_secret else (self.secret,)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """The settings as the environment gives them.

        Raises SettingsError when DATABASE_URL or the secret is missing or unusable.
        """
        url = environ.get("DATABASE_URL", "").strip()
        if not url:
            raise SettingsError(
                "DATABASE_URL is not set. Give the address of the database, for example "
                "postgresql://besluitspoor_app@127.0.0.1:5432/besluitspoor, "
                "or use 'besluitspoor run', which brings its own."
            )
        demo = environ.get("BESLUITSPOOR_DEMO", "") == "1"
        secret = _secret(environ)
        return cls(
            database_url=url,
            database_owner_url=environ.get("DATABASE_OWNER_URL", "").strip() or url,
            secret=secret,
            previous_secret=_previous_secret(environ, secret),
            broker_url=environ.get("BROKER_URL", "").strip(),
            demo=demo,
            public_url=environ.get("PUBLIC_URL", "").strip().rstrip("/") or "http://127.0.0.1:8000",
            oin=environ.get("OIN", "").strip() or DEMO_OIN,
            smtp_url=environ.get("SMTP_URL", "").strip(),
            mail_from=environ.get("MAIL_FROM", "").strip() or "Besluitspoor <besluitspoor@localhost>",
            mail_folder=environ.get("MAIL_FOLDER", "").strip(),
            private_webhooks=environ.get("WEBHOOK_PRIVATE_ADDRESSES", "") == "1",
            oidc_file=environ.get("OIDC_FILE", "").strip(),
            writes_per_minute=_whole("WRITES_PER_MINUTE", environ.get("WRITES_PER_MINUTE", ""), 600),
            password_words=_listed(environ.get("PASSWORD_WORDS", "")),
            query_seconds=_whole("QUERY_SECONDS", environ.get("QUERY_SECONDS", ""), 30),
            proxies=_whole("TRUSTED_PROXIES", environ.get("TRUSTED_PROXIES", ""), 0),
            second_factor_roles=_roles(environ.get("SECOND_FACTOR_ROLES"), demo),
        )


def _roles(given: str | None, demo: bool) -> frozenset[str]:
    """Those that were named, with commas between them; the administrator when nothing was said, in a demo nobody."""
    if given is None:
        return frozenset() if demo else frozenset({"admin"})
    found = frozenset(_listed(given))
    if strange := found - set(ROLES):
        raise SettingsError(
            f"SECOND_FACTOR_ROLES names a role '{sorted(strange)[0]}' that there is not. Use: {', '.join(ROLES)}."
        )
    return found


def _listed(given: str) -> tuple[str, ...]:
    """What stands between commas."""
    return tuple(each.strip() for each in given.split(",") if each.strip())


def _whole(name: str, value: str, usual: int) -> int:
    given = value.strip()
    if not given:
        return usual
    if not given.isascii() or not given.isdigit() or len(given) > 9:
        raise SettingsError(
            f"{name} is '{given}', which is no whole number of 0 or more. Mend it or leave it out."
        )
    return int(given)


def _secret(environ: Mapping[str, str]) -> bytes:
    secret = _read("SECRET_FILE", environ.get("SECRET_FILE", ""), environ.get("SECRET", ""))
    if len(secret) < 32:
        raise SettingsError(
            "The secret is missing or shorter than 32 characters. Set SECRET_FILE to a file that holds one, for "
            "example made with: python3 -c 'import secrets; print(secrets.token_hex(32))'"
        )
    return secret


def _previous_secret(environ: Mapping[str, str], present: bytes) -> bytes:
    previous = _read(
        "PREVIOUS_SECRET_FILE", environ.get("PREVIOUS_SECRET_FILE", ""), environ.get("PREVIOUS_SECRET", "")
    )
    if previous == present:
        raise SettingsError(
            "The previous secret is the same as the secret. Give the service a new secret, or leave "
            "PREVIOUS_SECRET_FILE and PREVIOUS_SECRET out."
        )
    if previous and len(previous) < 32:
        raise SettingsError(
            "The previous secret is shorter than 32 characters, so it was never the secret. Mend "
            "PREVIOUS_SECRET_FILE or PREVIOUS_SECRET, or leave them out."
        )
    return previous


def _read(name: str, path: str, value: str) -> bytes:
    """The secret in the file at this path, or else this value."""
    path = path.strip()
    if not path:
        return value.strip().encode()
    try:
        return Path(path).read_bytes().strip()
    except OSError as error:
        raise SettingsError(
            f"{name} {path} cannot be read: {error.strerror}. Check the path and its owner."
        ) from error
