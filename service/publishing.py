"""How does a programme come into force? Its definition is published into the log, and never changes after that."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from domain.definition import to_definition
from domain.errors import Refused
from domain.events import ProgrammePublished
from domain.programme import Programme
from domain.recorded import Capacity
from service.commands import Decision, Done, once_only
from service.eventstore import Once
from service.identity.people import Person
from service.identity.permissions import acting_as, check
from service.programmes import bundled, read_bundled, read_file
from service.published import latest, programme_stream, published_codes, versions
from service.settings import Settings
from service.wiring import Parts, build

__all__ = ["OPERATOR", "foresee", "publish", "publish_bundled", "publish_file"]

OPERATOR = "system"
"""Who acts when the operator's command line publishes; no person, so not in the vault."""


def publish(parts: Parts, person: Person, programme: Programme, once: Once | None = None) -> Done:
    """Publishes the next version of a programme.

    Refuses a version that is there already in another form, and one that is not the next.
    """

    def decision() -> Decision:
        check(person, "publish")
        return _decided(parts, programme, acting_as(person, "publish"))

    return once_only(parts, person, once, decision)


def foresee(parts: Parts, person: Person, programme: Programme) -> None:
    """Refuses whatever `publish` would refuse now; nothing is published."""
    check(person, "publish")
    _decided(parts, programme, None)


def _decided(parts: Parts, programme: Programme, capacity: Capacity | None) -> Decision:
    known = versions(parts, programme.code)
    if programme.version != len(known) + 1:
        code = "version-published" if programme.version <= len(known) else "version-skipped"
        raise Refused(code, programme=programme.code, version=programme.version, next=len(known) + 1)
    for code in published_codes(parts):
        other = latest(parts, code)
        if other and other.code != programme.code and other.reference_prefix == programme.reference_prefix:
            raise Refused("prefix-taken", prefix=programme.reference_prefix, programme=other.code)
    stream = programme_stream(programme.code)
    event = ProgrammePublished(programme.code, programme.version, to_definition(programme))
    return Decision(stream, [(stream, event)], {stream: len(known)}, parts.calendar().today, capacity)


def publish_file(settings: Settings, path: Path) -> str:
    """Publishes a definition from a file, as the operator, and says what came of it in a sentence."""
    with closing(build(settings)) as parts:
        return _publish_once(parts, read_file(path))


def publish_bundled(settings: Settings, progress: Callable[[str], None] = lambda _: None) -> list[str]:
    """Publishes the definitions that come with the service where the log does not have them yet; says which."""
    with closing(build(settings)) as parts:
        said = []
        for name in bundled():
            programme = read_bundled(name)
            if len(versions(parts, programme.code)) < programme.version:
                said.append(_publish_once(parts, programme))
                progress(said[-1])
        return said


def _publish_once(parts: Parts, programme: Programme) -> str:
    known = versions(parts, programme.code)
    if programme.version <= len(known) and known[programme.version - 1] == programme:
        return f"{programme.code} version {programme.version} was published already; nothing to do."
    operator = Person(OPERATOR, "", "", frozenset({"admin"}), frozenset(), None)
    once_only(parts, operator, None, lambda: _decided(parts, programme, None))
    return f"{programme.code} version {programme.version} is published and in force for new proposals."
