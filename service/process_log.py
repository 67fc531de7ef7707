"""What do the processes write about themselves? Lines on standard error, one an occurrence: for a person, or as JSON.

Not to be confused with the log of events. Local variables are never written: they hold names and texts.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping

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
    logging.basicConfig(
        stream=sys.stderr, level=max(level, logging.WARNING), format="%(asctime)s [%(name)s] %(message)s"
    )
