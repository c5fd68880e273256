"""How deep a JSON text is nested, judged on its bytes before anything parses it."""

from __future__ import annotations

import re
from itertools import accumulate

JSON_DEPTH_MAX = 32

_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL)
"""A text in quotes, or what is left of one that breaks off: each byte is read once."""
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEPS = {byte: 1 if byte in b"[{" else -1 for byte in b"[]{}"}


def is_too_deep(body: bytes, depth_max: int = JSON_DEPTH_MAX) -> bool:
    """Whether more than so many arrays and objects stand open at once. True or False of any bytes:
    what is no JSON is for the parser to refuse."""
    if body.count(b"[") + body.count(b"{") <= depth_max:
        return False
    brackets = _TEXT.sub(b"", body).translate(None, _NO_BRACKETS)
    return any(depth > depth_max for depth in accumulate(map(_STEPS.__getitem__, brackets)))
