"""Which pages are there? An area of pages is a module here, and its name in this list."""

from __future__ import annotations

from flask import Blueprint, Flask

from service.web import (
    account,
    account_sessions,
    account_tokens,
    acting,
    admin,
    audit,
    cases,
    choosing_password,
    classification,
    deliveries,
    desk,
    differences,
    door,
    elsewhere,
    identity_links,
    inbox,
    kit,
    letters,
    live,
    money,
    my_data,
    newsletters,
    organisation,
    outbox,
    passkeys,
    permission_pages,
    portfolio,
    preferences,
    programme_pages,
    queues,
    redaction,
    register_pages,
    rendering,
    replay,
    retention,
    search,
    second_factor,
    second_step,
    showing,
    sign_in,
    sign_in_record,
    signing_in,
    start,
    static_files,
    submission,
    subscriptions,
    supplement,
    terms,
    unsubscribe,
    withdrawal,
)

__all__ = ["AREAS", "register"]

AREAS = (
    sign_in, start, cases, acting, queues, search, submission, supplement, differences, withdrawal,
    desk, terms, programme_pages, admin, money, portfolio, audit, replay, letters, live, kit,
    classification, register_pages,
    inbox, preferences, deliveries, subscriptions, newsletters, unsubscribe, outbox,
    account, account_tokens, account_sessions, choosing_password, second_factor, second_step, passkeys, showing,
    my_data, organisation,
    elsewhere, identity_links,
    permission_pages, sign_in_record,
    redaction, retention,
)  # fmt: skip
"""A new area is a module with an `area`, and its name here."""


def register(app: Flask) -> None:
    """From now on the application has the pages."""
    rendering.prepare(app)
    app.register_blueprint(static_files.pages)
    site = Blueprint("web", __name__, template_folder="templates")
    site.before_request(door.enter)
    site.after_request(signing_in.give_cookie)
    for each in AREAS:
        site.register_blueprint(each.area)
    app.register_blueprint(site)
