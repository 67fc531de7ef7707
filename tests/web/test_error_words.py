"""What is wrong is said in the words of the form: no error, of whatever form, holds the name of a field of the API."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import pytest
from marshmallow import Schema
from marshmallow.fields import Field

import service.api
import service.web
from service.api.drafts import DraftFieldsSchema
from service.api.fields import Given, ListOf, MapOf, Part
from service.api.proposals_schema import Partner, SubmissionSchema
from service.app import create_app
from service.programmes import read_bundled
from service.settings import Settings
from service.web.forms import Form
from service.web.proposal_words import label_of

for package in (service.api, service.web):
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        if module.name != "service.api.publish":
            importlib.import_module(module.name)

WORDS = {"code", "en"}
"""Dutch words that are keys too."""
NONSENSE = ("", "\x01", "zz !!", "-5", "9" * 40, "x" * 20_000, "2026-02-30")


def every_schema(of: type[Schema] = Given) -> Iterator[type[Schema]]:
    for each in of.__subclasses__():
        yield each
        yield from every_schema(each)


NO_FORM = {DraftFieldsSchema}
"""What only a program sends: the fields of a draft, which a page keeps as they come."""
SCHEMAS = sorted(set(every_schema()) - NO_FORM, key=lambda schema: f"{schema.__module__}.{schema.__name__}")


@pytest.fixture(scope="module")
def app() -> Any:
    return create_app(Settings("host=nowhere", "", b"x" * 32))


def fields_in(schema: Schema, begin: str = "") -> Iterator[str]:
    """The names on a form of everything that can be filled in, with two rows of each list."""
    for own, field in schema.fields.items():
        yield from within(field, begin + (field.data_key or own))


def within(field: Field[Any], name: str) -> Iterator[str]:
    if isinstance(field, Part):
        yield from fields_in(field.schema, f"{name}.")
    elif isinstance(field, Partner):
        yield from fields_in(field.party, f"{name}.")
    elif isinstance(field, ListOf):
        yield name
        for row in range(2):
            yield from within(field.inner, f"{name}.{row}")
    elif isinstance(field, MapOf):
        yield from within(field.value_field, f"{name}.code")
    else:
        yield name


def keys_of(schema: Schema) -> set[str]:
    return {part for name in fields_in(schema) for part in name.split(".") if not part.isdigit()}


def errors(schema: type[Schema], values: dict[str, list[str]]) -> dict[str, str]:
    form = Form(schema(), values)
    with form.refusals():
        form.load()
    assert form.message is None
    return form.errors


@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema.__name__)
def test_no_error_of_any_form_holds_a_key_and_each_stands_beside_a_field(
    app: Any, schema: type[Schema], language: str
) -> None:
    names = list(fields_in(schema()))
    # Words of a language that happen to be keys too stand in sentences of that language.
    keys = {key for key in keys_of(schema()) if re.search("[A-Z]", key) or language == "nl"} - WORDS
    with app.test_request_context("/", headers={"Accept-Language": language}):
        found = [errors(schema, {})]
        found += [errors(schema, {name: [wrong] for name in names}) for wrong in NONSENSE]
        # One field of a row alone: the others of that row are what is missing.
        found += [errors(schema, {name: ["iets"]}) for name in names]
        for each in found:
            for name, said in each.items():
                assert name in names, (name, said)
                assert not keys & set(re.findall(r"[\w-]+", said)), (name, said)
                assert not re.search(r"/[a-z]+[A-Z/]|\b[a-z]+\.\d+\b", said), (name, said)


@pytest.mark.parametrize("language", ["nl", "en"])
def test_every_field_of_a_proposal_has_a_name_of_its_own(app: Any, language: str) -> None:
    programme = read_bundled("regionale-herstelaanpak-1")
    names = list(fields_in(SubmissionSchema()))
    with app.test_request_context("/", headers={"Accept-Language": language}):
        form = Form(SubmissionSchema(), {name: ["iets"] for name in names})
        labels = {name: label_of(name, form, programme) for name in names}
        assert not set(labels.values()) & keys_of(SubmissionSchema())
        rows = {name: label for name, label in labels.items() if re.search(r"\.\d+(\.|$)", name)}
        rows = {n: label for n, label in rows.items() if not n.startswith(("themes.", "municipalities."))}
        assert len(set(rows.values())) == len(rows)
        strange = label_of("zomaar.iets", form, programme)
        assert "zomaar" not in strange
