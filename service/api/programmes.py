"""Which programmes are there, and how does a new version come into force?"""

from __future__ import annotations

from typing import Any

from marshmallow import INCLUDE, Schema, fields

from service import publishing, reading
from service.api.answers import Answer
from service.api.answers_schema import Shape, day, instant, listed, text, whole
from service.api.blueprint import Resource
from service.api.context import Call
from service.api.fields import Plain
from service.api.waiting import seen
from service.commands import Done
from service.errors import Missing
from service.identity.permissions import check, needs
from service.programmes import read_data

api = Resource("programmes", "What cases are judged by: themes, bodies, route, requirements, terms")


class AsIs(Plain):
    """Any value: the reader of definitions judges it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return value


class DefinitionSchema(Schema):
    """A programme as `docs` describes its definition; what is wrong with it is said key by key."""

    error_messages = {"type": "not-an-object"}  # noqa: RUF012

    class Meta:
        # The reader of definitions judges them: the same for a file and for what is sent.
        unknown = INCLUDE

    code = AsIs(required=True, metadata={"type": "string"}, error_messages={"required": "required"})
    version = AsIs(
        required=True, metadata={"type": "integer", "minimum": 1}, error_messages={"required": "required"}
    )


class VersionSchema(Shape):
    version = whole()
    published_on = day()
    published_at = instant()
    position = whole()
    definition = fields.Dict(required=True)


class ProgrammeSchema(Shape):
    id = text()
    code = text()
    version = whole("What the ETag says: how many versions were published")
    position = whole()
    latest_version = whole("The version in force for new proposals")
    latest = fields.Dict(required=True, metadata={"description": "The definition in force for new proposals"})
    versions = listed(VersionSchema)


class ProgrammesSchema(Shape):
    items = listed(ProgrammeSchema)


@api.question("/programmes", shows=ProgrammesSchema, public=True)
def list_programmes(call: Call, given: dict[str, Any]) -> Answer:
    """List the programmes with all their versions"""
    position = seen(call.parts)
    with call.parts.pool.connection() as connection:
        return Answer({"items": reading.programmes(connection)}, position=position)


@api.question("/programmes/<code:code>", shows=ProgrammeSchema, public=True)
def read_programme(call: Call, given: dict[str, Any], code: str) -> Answer:
    """Read a programme with all its versions"""
    position = seen(call.parts)
    with call.parts.pool.connection() as connection:
        found = reading.programme(connection, code)
    if found is None:
        raise Missing("programme", code)
    return Answer(found, version=found["version"], position=max(position, found["position"]))


@api.act(
    "/programmes",
    DefinitionSchema,
    shows=ProgrammeSchema,
    conditional=False,
    example={
        "code": "voorbeeldprogramma",
        "version": 1,
        "name": {"nl": "Voorbeeldprogramma", "en": "Example programme"},
        "reference_prefix": "VBP",
        "secretariat": "secretariat",
        "region": "metropoolregio-eindhoven",
        "bodies": [
            {"code": "secretariat", "name": {"nl": "Secretariaat", "en": "Secretariat"}},
            {"code": "db", "name": {"nl": "Dagelijks bestuur", "en": "Executive board"}},
        ],
        "themes": [{"code": "opleiden", "name": {"nl": "Opleiden", "en": "Training"}}],
        "stages": [
            {
                "code": "completeness",
                "kind": "completeness",
                "name": {"nl": "Volledigheidstoets", "en": "Completeness check"},
                "body": "secretariat",
                "capacity": "voorbereiding",
            },
            {
                "code": "decision",
                "kind": "decision",
                "name": {"nl": "Besluit", "en": "Decision"},
                "body": "db",
                "capacity": "besluit",
            },
            {
                "code": "award",
                "kind": "award",
                "name": {"nl": "Toekenning", "en": "Award"},
                "body": "db",
                "capacity": "besluit",
            },
        ],
    },
)
@needs("publish")
def publish_programme(call: Call, given: dict[str, Any]) -> Done:
    """Publish a version of a programme

    Versions count from 1 without gaps, and a published one never changes. Running cases keep the one they began with.
    The secretariat and administrators may.
    """
    check(call.person, "publish")
    return publishing.publish(call.parts, call.person, read_data(given, file="programme"), call.once)
