"""Which resources does the API have? And its document, made of how they are declared."""

from __future__ import annotations

from functools import cache

from flask import Flask, json

from service.api import (
    acts,
    deliveries,
    drafts,
    envelopes,
    events,
    inbox,
    letters,
    newsletters,
    organisations,
    passkeys,
    passwords,
    people,
    portfolio,
    programmes,
    proposals,
    queue,
    redactions,
    register,
    retention,
    second_factors,
    sessions,
    sign_ins,
    subscriptions,
    tokens,
)
from service.api.openapi import PREFIX, published
from service.api.paths import CONVERTERS

__all__ = ["RESOURCES", "document"]

RESOURCES = (
    proposals,
    acts,
    letters,
    queue,
    programmes,
    envelopes,
    portfolio,
    events,
    inbox,
    deliveries,
    drafts,
    newsletters,
    subscriptions,
    tokens,
    sessions,
    passkeys,
    passwords,
    second_factors,
    people,
    organisations,
    sign_ins,
    register,
    redactions,
    retention,
)
"""A new resource is a module in `service/api/`, and its name here."""


@cache
def document() -> str:
    """What is published about the API, as JSON.

    It takes a while to make, and no call needs it: it is made when it is first asked for, from an application for that
    alone.
    """
    app = Flask(__name__)
    app.url_map.converters.update(CONVERTERS)
    api = published(app)
    for resource in RESOURCES:
        api.register_blueprint(resource.api, url_prefix=PREFIX)
    with app.app_context():
        return json.dumps(api.spec.to_dict(), indent=2, sort_keys=False)
