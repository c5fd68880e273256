"""What every answer tells a browser: load nothing, guess nothing, keep nothing, tell nobody.

A page has a policy of its own (`node.api.page_rendering`); what an answer says itself stays. No
other site's page may read an answer but other operators' (`node.api.operator_pages`).
"""

from __future__ import annotations

from starlette.types import Message

HEADERS = (
    (b"content-security-policy", b"default-src 'none'; base-uri 'none'; form-action 'none'; "
     b"frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), display-capture=(), geolocation=(), microphone=(), "
     b"payment=(), usb=(), publickey-credentials-create=(self), publickey-credentials-get=(self)"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)  # fmt: skip
STRICT_TRANSPORT = (b"strict-transport-security", b"max-age=63072000")
"""Two years; not for subdomains, which may be another's."""
PRIVATE = (b"cache-control", b"no-store")
"""Whatever the interface answers: links, slips, keys and records, and states that are old at once.
"""
BUILT = (b"cache-control", b"public, max-age=31536000, immutable")
"""A built file under an address that changes with its content."""
STATIC_PATH = "/static/"
VERSIONED = b"v="


class SecurityHeaders:
    """Puts them on the start of an answer."""

    def __init__(self, public_address: str) -> None:
        strict = (STRICT_TRANSPORT,) if public_address.startswith("https://") else ()
        self._private = (*HEADERS, *strict, PRIVATE)
        self._built = (*HEADERS, *strict, BUILT)

    def added(self, message: Message, path: str, query: bytes) -> list[tuple[bytes, bytes]]:
        """The headers of an `http.response.start` with those that it lacks."""
        own = [*message.get("headers", ())]
        is_built = (
            path.startswith(STATIC_PATH)
            and query.startswith(VERSIONED)
            and message["status"] in (200, 206, 304)
        )
        has = {name.lower() for name, _ in own}
        wanted = self._built if is_built else self._private
        return own + [header for header in wanted if header[0] not in has]
