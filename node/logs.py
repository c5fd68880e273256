"""What the processes of a node write: one JSON object a line, without personal data."""

from __future__ import annotations

import logging

import structlog


def configure_logs() -> None:
    """Called once by each process."""
    logging.basicConfig(level=logging.WARNING)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ]
    )
