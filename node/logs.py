"""What the processes of a node write: one JSON object a line, without personal data."""

from __future__ import annotations

import contextlib
import logging
import sys
import traceback
from collections.abc import Iterator
from contextvars import ContextVar

import structlog
from structlog.typing import EventDict

MESSAGE_LENGTH_MAX = 300
REQUEST_OF_LINES: ContextVar[str | None] = ContextVar("ptx_request_id", default=None)
"""Set by whoever begins to answer a request: structlog's own way costs more than most answers."""


def configure_logs(level: str = "info") -> None:
    """Called once by each process; what is below the level is not said."""
    logging.basicConfig(level=logging.WARNING)
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        processors=[
            name_request,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            trace_without_values,
            structlog.processors.JSONRenderer(),
        ],
    )


def name_request(logger: object, method: str, event: EventDict) -> EventDict:
    """Which request a line belongs to, if any."""
    request_id = REQUEST_OF_LINES.get()
    if request_id is not None:
        event["request_id"] = request_id
    return event


def trace_without_values(logger: object, method: str, event: EventDict) -> EventDict:
    """Where an error happened and of what kind each in its chain is, with the first line of what it
    says: in the lines after it databases and validators repeat the values that they were given."""
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    if not isinstance(error, BaseException):
        return event
    lines: list[str] = []
    seen: BaseException | None = error
    while seen is not None:
        said = next(iter(str(seen).splitlines()), "")
        lines += traceback.format_list(traceback.extract_tb(seen.__traceback__))
        lines.append(f"{type(seen).__name__}: {said[:MESSAGE_LENGTH_MAX]}")
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    event["exception"] = "\n".join(line.rstrip() for line in lines)
    return event


@contextlib.contextmanager
def logs_on_stderr() -> Iterator[None]:
    """Keeps the standard output of a command free for its answer: inside the block warnings go to
    standard error, and what is less is not said."""
    before = structlog.get_config()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    try:
        yield
    finally:
        structlog.configure(**before)
