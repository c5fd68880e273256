"""An example of every operation in the description: a request that succeeded on a real node, and
what the node answered. `examples.json` has them; scripts/record_examples.py writes it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("examples.json")
JSON_TYPES = ("application/json", "application/did+ld+json")


@cache
def examples() -> dict[str, dict[str, Any]]:
    """By method and path, `request` and `answer`, as far as the operation has such a body."""
    content: dict[str, dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))
    return content


def describe_examples(document: dict[str, Any]) -> None:
    """Adds them where a body is described."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            recorded = examples().get(f"{method} {path}", {})
            for part, described in parts_of(operation).items():
                if part in recorded:
                    described["example"] = recorded[part]


def parts_of(operation: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The descriptions of the bodies of which there is an example: of the request, whatever its
    form, and of the answer that is JSON."""
    parts = {}
    for described in operation.get("requestBody", {}).get("content", {}).values():
        parts["request"] = described
    for status, response in operation["responses"].items():
        for kind, described in response.get("content", {}).items():
            if status.startswith("2") and kind in JSON_TYPES:
                parts["answer"] = described
    return parts
