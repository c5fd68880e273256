"""How deep a JSON text is nested, and how much is in it, judged on its bytes before anything parses
it: nothing else is answered while a parser works."""

from __future__ import annotations

from itertools import accumulate

JSON_DEPTH_MAX = 32
JSON_MARKS_MAX = 2_500_000
"""For 10,000 consents, the largest batch that there is, of 250 marks each: a usual one has 160."""
_MARKS = (b"[", b"{", b",", b'"')

_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_STEPS = {ord("["): 1, ord("]"): -1}


def has_too_much(body: bytes) -> bool:
    """Whether it may hold more values than any batch does. Counted whether in a text or not, since
    that takes milliseconds, when a parser would take seconds."""
    return sum(map(body.count, _MARKS)) > JSON_MARKS_MAX


def is_too_deep(body: bytes, depth_max: int = JSON_DEPTH_MAX) -> bool:
    """Whether more than so many arrays and objects stand open at once. True or False of any bytes:
    what is no JSON is for the parser to refuse."""
    if body.count(b"[") + body.count(b"{") <= depth_max:
        return False
    texts = body.replace(b"\\\\", b"").replace(
        b'\\"', b""
    )  # no quote that stands in a text is left
    brackets = b"".join(texts.split(b'"')[::2]).translate(_ONE_KIND, _NO_BRACKETS)
    left = brackets
    for _ in range(depth_max):
        # Whatever is innermost goes, so that each time all is one less deep.
        left = left.replace(b"[]", b"")
        if not left:
            return False
    return any(depth > depth_max for depth in accumulate(map(_STEPS.__getitem__, brackets)))
