"""Logging: one structured line per fact, readable on a terminal, JSON elsewhere; never a secret or a text."""

import contextlib
import logging
import sys
from typing import TextIO, cast

import structlog

from bus.settings import LoggingSettings


class _Lines:
    """Standard error. A line that cannot be written, on a full disk, is lost: it must stop nobody's work."""

    def write(self, text: str) -> int:
        """Write, or not."""
        with contextlib.suppress(OSError):
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, or not."""
        with contextlib.suppress(OSError):
            sys.stderr.flush()


def configure_logging(settings: LoggingSettings, service: str) -> None:
    """Send everything, the libraries' lines included, to standard error."""
    level = getattr(logging, settings.level.upper())
    console = settings.format == "console" or (settings.format == "auto" and sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        # not the default with rich: it shows local variables, among them what customers wrote
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if console
        else structlog.processors.JSONRenderer()
    )
    if not console:
        shared.append(structlog.processors.format_exc_info)
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _Lines())),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    handler = logging.StreamHandler(_Lines())
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=shared))
    logging.root.handlers = [handler]
    logging.root.setLevel(max(level, logging.WARNING))
