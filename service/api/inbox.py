"""What was I told, how do I want to hear things, and what do I follow? Only ever one's own."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from service.api.answers import Answer, paged, utc
from service.api.answers_schema import Shape, instant, listed, maybe, text, whole
from service.api.blueprint import Resource
from service.api.context import Call
from service.api.fields import Flag, Given, OneOf
from service.api.moments_schema import PageQuery
from service.api.preferences_schema import (
    EXAMPLE,
    PreferencesGivenSchema,
    PreferencesSchema,
    chosen,
    content,
    hearing_of,
)
from service.api.problems import language
from service.api.waiting import seen
from service.errors import Missing
from service.following import follow
from service.identity.permissions import needs
from service.identity.scope import CONFIDENTIAL
from service.messaging import preferences
from service.messaging.channels import inbox
from service.messaging.channels.inbox import SHELVES, Entry
from service.messaging.wording import messages

api = Resource("inbox", "What one was told, how one hears it, and what one follows")


class InboxQuery(PageQuery):
    shelf = OneOf(*SHELVES, load_default="all", doc="all: what was not archived")


class MessageGivenSchema(Given):
    """What is left out stays as it is."""

    read = Flag(load_default=None)
    archived = Flag(load_default=None)


class MessageSchema(Shape):
    """In words, in the language that was asked for."""

    id = text()
    kind = text("What it tells of, such as turn or decided")
    urgency = text("high: something is asked of the reader, or a term runs; normal, low")
    relation = text("Why it is told: submitter, body, watcher ...")
    required = fields.Boolean(required=True, metadata={"description": "By law"})
    stream = text("What it is about, such as a proposal")
    position = whole("The event that it tells of, in the log")
    subject = text()
    lines = listed(fields.String())
    path = text("The page that says more; empty for none")
    instead_of = maybe("The id of who is absent")
    at = instant()
    read_at = text(required=True, allow_none=True)
    archived_at = text(required=True, allow_none=True)


class InboxSchema(Shape):
    items = listed(MessageSchema)
    unread = whole(f"How many are unread, {inbox.MOST_COUNTED} at most")


class FollowedSchema(Shape):
    items = listed(fields.String(), "The ids of the proposals that one follows, the newest first")


class WatchGivenSchema(Given):
    watching = Flag(required=True)


class WatchSchema(Shape):
    proposal = text()
    watching = fields.Boolean(required=True)


@api.question("/inbox", query=InboxQuery, shows=InboxSchema, pages=True)
@needs("own-messages")
def read_inbox(call: Call, given: dict[str, Any]) -> Answer:
    """Read one's messages, newest first"""
    position = seen(call.parts)
    with call.parts.pool.connection() as connection:
        found = inbox.messages(
            connection, call.person.id, given["shelf"], cursor=given["cursor"], limit=given["limit"]
        )
        unread = inbox.mark(connection, call.person.id).unread
    answer = paged(found, _told(call, found.items), position)
    return Answer({**answer.body, "unread": unread}, position=position, links=answer.links)


@api.change(
    "/inbox/<delivery:delivery>",
    MessageGivenSchema,
    shows=MessageSchema,
    example={"read": True},
    method="PATCH",
)
@needs("own-messages")
def change_message(call: Call, given: dict[str, Any], delivery: str) -> Answer:
    """Mark a message as read or unread, archive it or put it back"""
    person, these = call.person.id, [delivery]
    with call.parts.pool.connection() as connection:
        if given["read"] is not None:
            (inbox.read if given["read"] else inbox.unread)(connection, person, these)
        if given["archived"] is not None:
            (inbox.archive if given["archived"] else inbox.put_back)(connection, person, these)
        entry = inbox.entry(connection, person, delivery)
    if entry is None:
        raise Missing("message", delivery)
    return Answer(_told(call, [entry])[0])


@api.question("/preferences", shows=PreferencesSchema)
@needs("own-account")
def read_preferences(call: Call, given: dict[str, Any]) -> Answer:
    """Read how one hears things"""
    return Answer(_preferences(call))


@api.change("/preferences", PreferencesGivenSchema, shows=PreferencesSchema, example=EXAMPLE, method="PUT")
@needs("own-account")
def change_preferences(call: Call, given: dict[str, Any]) -> Answer:
    """Choose how one hears things: what is left out is as it is by itself"""
    by_itself = {
        (kind, channel): preferences.default_mode(kind, channel)
        for kind in preferences.CHOOSABLE
        for channel in preferences.MODES
    }
    with call.parts.pool.connection() as connection, connection.transaction():
        preferences.hear(connection, call.person, hearing_of(given))
        preferences.choose(connection, call.person.id, {**by_itself, **chosen(given)})
    return Answer(_preferences(call))


@api.question("/watching", shows=FollowedSchema)
@needs("own-messages")
def list_watched(call: Call, given: dict[str, Any]) -> Answer:
    """List the proposals that one follows"""
    with call.parts.pool.connection() as connection:
        return Answer({"items": preferences.watched(connection, call.person.id)})


@api.change(
    "/proposals/<case:proposal>/watch",
    WatchGivenSchema,
    shows=WatchSchema,
    example={"watching": True},
    method="PUT",
)
@needs("read-case")
def change_watch(call: Call, given: dict[str, Any], proposal: str) -> Answer:
    """Follow a proposal, or stop following it"""
    with call.parts.pool.connection() as connection:
        follow(connection, call.person, call.scope, proposal, given["watching"])
    return Answer({"proposal": proposal, "watching": given["watching"]})


def _preferences(call: Call) -> dict[str, Any]:
    person = call.person
    with call.parts.pool.connection() as connection:
        found = content(preferences.hearing(connection, person.id), preferences.modes(connection, person.id))
        others = preferences.stand_ins(connection, person)
    return {**found, "standIns": [{"id": other.id, "name": other.name} for other in others]}


def _told(call: Call, entries: list[Entry]) -> list[dict[str, Any]]:
    said = messages(call.parts, [each.delivery for each in entries], language())
    return [
        {
            "id": entry.delivery.id,
            "kind": entry.delivery.kind,
            "urgency": entry.delivery.urgency,
            "relation": entry.delivery.relation,
            "required": entry.delivery.required,
            "stream": CONFIDENTIAL if message.hidden else entry.delivery.stream,
            "position": entry.delivery.position,
            "subject": message.subject,
            "lines": list(message.lines),
            "path": message.path,
            "insteadOf": entry.delivery.instead_of,
            "at": utc(entry.delivery.created_at),
            "readAt": utc(entry.read_at) if entry.read_at else None,
            "archivedAt": utc(entry.archived_at) if entry.archived_at else None,
        }
        for entry, message in zip(entries, said, strict=True)
    ]
