"""What do the references in a document say? Words from beside the log, names from the vault, all in one query.

A reference is found in a document's JSON text: what people wrote never stands there, and a quote inside a text is
escaped, so nothing else looks like one.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec
import psycopg
from psycopg.rows import tuple_row

from projections.words import PARTY, PERSON, WORDS
from service.arrays import array

__all__ = ["fill", "fill_text"]

Connection = psycopg.Connection[Any]
T = TypeVar("T")

REFERENCE = re.compile(
    r'\{"(' + "|".join(re.escape(kind) for kind in (WORDS, PARTY, PERSON)) + r')": ?"([^"\\]*)"\}'
)

QUERY = """SELECT 'words', position::text, texts::text FROM log.words WHERE position = ANY(%s::bigint[])
    UNION ALL SELECT 'party', id, format('"name":%%s,"kind":%%s', to_json(name), to_json(kind))
        FROM vault.parties WHERE id = ANY(%s::text[])
    UNION ALL SELECT 'party', id, format('"name":%%s,"kind":"person"', to_json(name))
        FROM vault.people WHERE id = ANY(%s::text[])
    UNION ALL SELECT 'person', id, format('"name":%%s', to_json(name))
        FROM vault.people WHERE id = ANY(%s::text[])"""

ERASED = {PARTY: '"name":null,"kind":null', PERSON: '"name":null'}
"""What is left of somebody who is not in the vault any more."""


def fill(documents: T, connection: Connection) -> T:
    """The same with every reference replaced: words by their text, people by `{"id", "name"}`, parties with `kind`.

    What was redacted or erased becomes None: the text, or the name. Takes any nesting of lists and dicts.
    """
    found: T = msgspec.json.decode(fill_text(msgspec.json.encode(documents).decode(), connection))
    return found


def fill_text(document: str, connection: Connection) -> str:
    """The same for JSON that is text already."""
    wanted: dict[str, set[str]] = {WORDS: set(), PARTY: set(), PERSON: set()}
    for kind, reference in REFERENCE.findall(document):
        wanted[kind].add(reference)
    if not any(wanted.values()):
        return document
    positions = {reference.partition("/")[0] for reference in wanted[WORDS]}
    with connection.cursor(row_factory=tuple_row) as cursor:
        arrays = [array(list(ids)) for ids in (positions, wanted[PARTY], wanted[PARTY], wanted[PERSON])]
        rows = cursor.execute(QUERY, arrays).fetchall()
    texts: dict[str, dict[str, str]] = {}
    names: dict[tuple[str, str], str] = {}
    for kind, id, json in rows:
        if kind == "words":
            texts[id] = msgspec.json.decode(json)
        else:
            names[f"${kind}", id] = json

    def said(match: re.Match[str]) -> str:
        kind, reference = match[1], match[2]
        if kind == WORDS:
            position, _, path = reference.partition("/")
            return msgspec.json.encode(texts.get(position, {}).get(path)).decode()
        return f'{{"id":"{reference}",{names.get((kind, reference), ERASED[kind])}}}'

    return REFERENCE.sub(said, document)
