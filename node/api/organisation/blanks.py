"""What a form leaves blank it sends all the same, as nothing."""

from __future__ import annotations

from typing import Any

from pydantic import BeforeValidator


def _none_if_blank(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


BlankIsNone = BeforeValidator(_none_if_blank)
"""Marks what a form may leave out."""
