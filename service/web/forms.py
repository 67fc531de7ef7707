"""What was filled in, what is wrong with it, and what does it come to? The API's schemas judge it.

The name of a field is its place in the body that the API takes: `applicant.name`, `partners.0.name`, `scores.impact`;
`themes` stands there once for each that is ticked. What is left blank counts as left out, a row that is blank as not
there. Whatever is refused, all that was typed is still in the form.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any

from flask import request
from marshmallow import Schema, ValidationError
from marshmallow.fields import Field
from werkzeug.datastructures import MultiDict

from domain.definition_fields import DefinitionErrors
from domain.errors import Invalid, Refused
from service.api.context import running
from service.api.fields import Digits, Flag, ListOf, MapOf, Money, Part, Said, Whole
from service.api.parser import REFUSED
from service.api.problems import Fault, faults_in
from service.api.proposals_schema import Partner
from service.api.refusals_noted import because
from service.errors import KeyReused, Stale
from service.eventstore import Once
from service.identity.permissions import Barred
from service.keyed import once_for
from service.texts import catalog
from service.web.saying import said, texts
from service.web.visit import language

__all__ = ["OURS", "Form", "amount", "key_sent"]

OURS = {"csrf", "once", "version"}
"""Fields of the page itself."""

KEY = re.compile(r"[A-Za-z0-9_-]{1,190}")
"""A key that a page gave its form."""

ROW = re.compile(r"[0-9]{1,4}")
"""The number of a row of a list; a name with another number is no field of any form of ours."""

DUTCH = re.compile(r"\d{1,3}(\.\d{3})*(,\d{1,2})?|\d+(,\d{1,2})?")
ENGLISH = re.compile(r"\d{1,3}(,\d{3})+(\.\d{1,2})?")


class Form:
    """A form on a page: `values` as typed, by name; `errors` in words by name; `message`: what is wrong in general."""

    def __init__(self, schema: Schema, values: Mapping[str, Sequence[str]] | None = None) -> None:
        self.schema = schema
        self.values: dict[str, list[str]] = {name: list(each) for name, each in (values or {}).items()}
        self.errors: dict[str, str] = {}
        self.message: str | None = None
        self.status = 200
        self.key = secrets.token_urlsafe(16)
        self.id = "form"
        self.labels: dict[str, str] = {}
        self._names: dict[str, str] = {}

    @classmethod
    def holding(cls, schema: Schema, content: Any) -> Form:
        """A form that is filled in with this, as the API takes or answers it."""
        return cls(schema, dict(_flat(content).lists()))

    @classmethod
    def sent(cls, schema: Schema) -> Form:
        """The form that was sent."""
        form = cls(schema, {name: values for name, values in request.form.lists() if name not in OURS})
        form.key = key_sent() or form.key
        return form

    def stands_as(self, id: str) -> None:
        """The id of this form on the page; `labels` fills up with what its fields are called there."""
        self.id, self.labels = id, {}

    @property
    def ok(self) -> bool:
        """Has nothing been refused so far?"""
        return not self.errors and self.message is None

    def value(self, name: str) -> str:
        """What is typed in a field."""
        values = self.values.get(name, [])
        return values[0] if values else ""

    def all(self, name: str) -> list[str]:
        """Everything that is ticked under a name."""
        return self.values.get(name, [])

    def error(self, name: str) -> str | None:
        """What is wrong with a field, in words."""
        return self.errors.get(name)

    def rows(self, name: str, least: int = 1) -> list[int]:
        """The numbers of the rows of a list that are typed in, `least` of them at least, blank ones for the rest."""
        begin = f"{name}."
        found = {
            int(number)
            for key in self.values
            if key.startswith(begin) and ROW.fullmatch(number := key[len(begin) :].partition(".")[0])
        }
        more = count(max(found, default=-1) + 1)
        while len(found) < least:
            found.add(next(more))
        return sorted(found)

    def load(self) -> dict[str, Any]:
        """What it comes to, as the schema loads it. Raises marshmallow.ValidationError, which `refusals` takes."""
        unseen = {
            name: [Said("control-character")]
            for name, values in self.values.items()
            if any(REFUSED.search(value) for value in values)
        }
        if unseen:
            self._names = {}
            raise ValidationError(unseen)
        found: dict[str, Any] = self.schema.load(self.body())
        return found

    def body(self) -> dict[str, Any]:
        """What the API would be sent."""
        self._names = {}
        found = self._object(self.schema, "", "")
        # What the schema doesn't know is refused by it, as everywhere.
        known = {field.data_key or name for name, field in self.schema.fields.items()}
        strange = {name.partition(".")[0] for name in self.values} - known
        return {**found, **{name: self.value(name) for name in strange}}

    def once(self, about: str = "") -> Once:
        """Sending this form twice, by a double click or a reload, records one act.

        One for each case that it is `about`, where a form records several acts.
        """
        plain = repr((request.path, sorted(self.values.items()))).encode()
        return once_for(running().settings, f"page-{self.key}{about}", plain)

    def if_match(self) -> int | None:
        """The version of the case that the page showed."""
        given = request.form.get("version", "")
        return int(given) if re.fullmatch(r"[0-9]{1,18}", given) else None

    @contextmanager
    def refusals(self) -> Iterator[None]:
        """What is refused within ends up in the form, in words beside the field, with the status to answer."""
        sentences = catalog(language())
        try:
            yield
        except ValidationError as error:
            self._refuse(400, list(faults_in(error)))
        except Invalid as error:
            self._refuse(400, [Fault(error.code, error.field, facts=error.facts)])
        except Barred as error:
            self._refuse(403, [Fault(error.code, "/roles")])
        except DefinitionErrors as error:
            self._refuse(
                400, [Fault("definition", p.pointer, said=f"{p.message} {p.remedy}") for p in error.problems]
            )
        except Refused as error:
            self.status, self.message = 409, sentences.say(error.code, error.facts)
        except KeyReused:
            # Sent before, and then changed: another act, which gets a key of its own.
            self.status, self.key = 409, secrets.token_urlsafe(16)
            self.message = said(language(), "shell.sent-otherwise")
        except Stale:
            self.status, self.message = 412, said(language(), "shell.stale")

    def _refuse(self, status: int, faults: list[Fault]) -> None:
        sentences = catalog(language())
        self.status = status
        because(*(fault.code for fault in faults))
        for fault in faults:
            words = fault.said or _for_people(fault) or sentences.say(fault.code, fault.facts)
            name = self._name_of(fault.at)
            if name:
                for each in self._fields_of(name):
                    self.errors.setdefault(each, words)
            else:
                self.message = words

    def _fields_of(self, name: str) -> list[str]:
        """The fields in which this is filled in: itself, or where it is an object what that cannot do without."""
        field: Any = None
        schema: Schema | None = self.schema
        for step in name.split("."):
            if isinstance(field, ListOf | MapOf) and not isinstance(field, Part):
                field = field.inner if isinstance(field, ListOf) else field.value_field
            elif schema is not None:
                field = next((f for own, f in schema.fields.items() if (f.data_key or own) == step), None)
            schema = field.schema if isinstance(field, Part) else None
        if schema is None:
            return [name]
        return [f"{name}.{each.data_key or own}" for own, each in schema.fields.items() if each.required] or [
            name
        ]

    def _name_of(self, pointer: str) -> str:
        """The name of the field at a JSON pointer: rows that were left blank have no place in the body."""
        steps = pointer.split("/")
        for length in range(len(steps), 1, -1):
            known = self._names.get("/".join(steps[:length]))
            if known is not None:
                return ".".join([known, *steps[length:]])
        return ".".join(steps[1:])

    def _object(self, schema: Schema, name: str, pointer: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for own, field in schema.fields.items():
            key = field.data_key or own
            value = self._value(field, f"{name}.{key}" if name else key, f"{pointer}/{key}")
            if value is not None:
                found[key] = value
        return found

    def _value(self, field: Field[Any], name: str, pointer: str) -> Any:
        """The value of a field as JSON has it; None for what is left blank."""
        self._names[pointer] = name
        if isinstance(field, Part):
            within = self._object(field.schema, name, pointer)
            return within or None
        if isinstance(field, Partner):
            party = self._object(field.party, name, pointer)
            return party if party.get("kind") else party.get("name")
        if isinstance(field, ListOf):
            return self._list(field, name, pointer) or None
        if isinstance(field, MapOf):
            assert field.value_field is not None
            begin = f"{name}."
            codes = [key.removeprefix(begin) for key in self.values if key.startswith(begin)]
            if isinstance(field.value_field, Part):
                codes = list(dict.fromkeys(code.partition(".")[0] for code in codes))
            found = {
                code: self._value(field.value_field, begin + code, f"{pointer}/{code}") for code in codes
            }
            return {code: value for code, value in found.items() if value is not None} or None
        typed = self.value(name).replace("\r\n", "\n")
        return _plain(field, typed) if typed.strip() else None

    def _list(self, field: ListOf, name: str, pointer: str) -> list[Any]:
        assert field.inner is not None
        items: list[Any] = [typed for typed in self.all(name) if typed.strip()]
        # What is ticked shares one name: what is wrong with one of them is said beside them all.
        self._names.update({f"{pointer}/{index}": name for index in range(len(items))})
        for row in self.rows(name, 0):
            item = self._value(field.inner, f"{name}.{row}", f"{pointer}/{len(items)}")
            if item is not None:
                items.append(item)
        return items


def _for_people(fault: Fault) -> str | None:
    """What is wrong, where pages say it in other words than programs are told."""
    key = f"refused.{fault.code}"
    if key not in texts(language()):
        return None
    return said(language(), key, count=fault.facts.get("minimum"), **fault.facts)


def _plain(field: Field[Any], typed: str) -> Any:
    if isinstance(field, Money):
        return amount(typed)
    if isinstance(field, Flag):
        return {"on": True, "true": True, "false": False}.get(typed, typed)
    # What stands in an address is text for its schema as well.
    if (
        isinstance(field, Whole)
        and not isinstance(field, Digits)
        and re.fullmatch(r"\s*[0-9]{1,18}\s*", typed)
    ):
        return int(typed)
    return typed


def key_sent() -> str | None:
    """The key of the form that was sent; None for what is no key of ours, which records its act under a new one."""
    given = request.form.get("once", "")
    return given if KEY.fullmatch(given) else None


def amount(typed: str) -> str:
    """An amount as people write it (€ 1.234,50 or 1,234.50) as the API takes it; what is none, as it was typed."""
    bare = re.sub(r"[\s\u00a0€]|,-+$|,=$", "", typed)
    if re.fullmatch(r"\d+(\.\d{1,2})?", bare) and not re.fullmatch(r"\d{1,3}\.\d{3}", bare):
        return bare
    if DUTCH.fullmatch(bare):
        return bare.replace(".", "").replace(",", ".")
    if ENGLISH.fullmatch(bare):
        return bare.replace(",", "")
    return typed


def _flat(content: Any, name: str = "") -> MultiDict[str, str]:
    """The fields of a form that hold this content; lists of plain values stand under one name."""
    found: MultiDict[str, str] = MultiDict()
    if isinstance(content, Mapping):
        for key, each in content.items():
            found.update(_flat(each, f"{name}.{key}" if name else str(key)))
    elif isinstance(content, list | tuple):
        for number, each in enumerate(content):
            found.update(_flat(each, f"{name}.{number}" if isinstance(each, Mapping) else name))
    elif content is not None:
        found.add(name, str(content).lower() if isinstance(content, bool) else str(content))
    return found
