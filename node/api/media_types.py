"""Which form of an answer a caller asks for (RFC 9110, 12.5.1)."""

from __future__ import annotations


def prefers_html(accept: str) -> bool:
    """Whether an Accept header (RFC 9110, 12.5.1) puts HTML before JSON; a tie is JSON's."""
    weights = {}
    for part in accept.lower().split(","):
        media_type, _, parameters = part.partition(";")
        weight = parameters.strip().removeprefix("q=").strip()
        try:
            weights[media_type.strip()] = float(weight or 1)
        except ValueError:
            weights[media_type.strip()] = 1
    anything = weights.get("*/*", 0)
    html = weights.get("text/html", weights.get("text/*", anything))
    return html > weights.get("application/json", weights.get("application/*", anything))
