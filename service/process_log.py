"""What do the processes write about themselves? Lines on standard error, one an occurrence: for a person, or as JSON.

Not to be confused with the log of events. Local variables are never written: they hold names and texts.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import Any

import structlog

__all__ = ["configure"]


def configure(environ: Mapping[str, str]) -> None:
    """Set up this process: LOG_LEVEL (info by default), LOG_FORMAT=json for machines that collect the lines.

    An unknown level counts as info. Call it before the process logs anything, and before it forks.
    """
    level = logging.getLevelNamesMapping().get(environ.get("LOG_LEVEL", "info").upper(), logging.INFO)
    processors: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if environ.get("LOG_FORMAT", "").lower() == "json":
        processors += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    else:
        processors += [structlog.processors.format_exc_info, _escaped]
        processors.append(
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        )
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    # What libraries say: only what asks for attention.
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Escaping("%(asctime)s [%(name)s] %(message)s"))
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING))


# What moves the cursor of a terminal, or begins a line: nothing that somebody sent may do either.
_CONTROL = {code: repr(chr(code))[1:-1] for code in (*range(32), *range(127, 160), 0x2028, 0x2029)}
# A traceback has lines; those after the first are indented, so that none passes for a line of its own.
_IN_LINES = {**_CONTROL, ord("\n"): "\n    "}


def _escaped(_: Any, __: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """The same line with control characters written out."""
    return {
        name: value.translate(_IN_LINES if name == "exception" else _CONTROL)
        if isinstance(value, str)
        else value
        for name, value in line.items()
    }


class _Escaping(logging.Formatter):
    """The same for what libraries say."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return super().formatMessage(record).translate(_CONTROL)

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).translate(_IN_LINES)
