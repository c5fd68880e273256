"""Days as a form sends them."""

from __future__ import annotations

from node.intake.request_csv import day_or_seconds
from node.problems import Problem


def read_day(text: str, field: str) -> int:
    """Unix seconds, of a day its first second, UTC; raises a problem that names the field for what
    is neither."""
    try:
        return day_or_seconds(text)
    except ValueError as error:
        problem = Problem.of("request-invalid", f"{text[:100]!r} is no time: {error}.")
        raise problem.about(field) from error
