"""Links and references whose holder may do one thing: 256 random bits, of which the hash is kept.

The token stands behind the `#` of a link, so that a browser sends it to no server by itself; who
has it shows it in a header. So no address has it, which servers and proxies would keep in a log.
"""

from __future__ import annotations

import hashlib
import io
import re
import secrets

import segno

TOKEN_BYTES = 32
TOKEN_PATTERN = r"^[A-Za-z0-9_-]{43}$"  # noqa: S105 - the form of one
_TOKEN = re.compile(TOKEN_PATTERN)


def new_token() -> str:
    """43 characters of base64url."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def hash_token(token: str) -> bytes:
    """What is kept of a token. It has full entropy, so a plain hash suffices."""
    return hashlib.sha256(token.encode()).digest()


def is_token(text: str) -> bool:
    """Whether a text has the form of a token."""
    return _TOKEN.match(text) is not None


SIGN_IN = "/organisation/sign-in"


def invitation_link_of(public_address: str, invitation: str) -> str:
    """Where a person joins an organisation."""
    return f"{public_address}{SIGN_IN}#{invitation}"


def link_of(public_address: str, token: str) -> str:
    """The page on which the holder of the token is asked."""
    return f"{public_address}/requests#{token}"


def qr_svg(text: str) -> str:
    """The text as a QR code (ISO/IEC 18004) that still reads with 15 % of it lost.

    Tokens and signatures are random, so no mask is better than another: trying all eight would take
    five times as long.
    """
    drawing = io.BytesIO()
    code = segno.make(text, error="m", micro=False, mask=0)
    code.save(drawing, kind="svg", scale=4, border=4, xmldecl=False)
    return drawing.getvalue().decode()
