"""Sign-In with Ethereum (EIP-4361): the message that an account signs to say who it is.

`parse_sign_in_message` reads the message by the standard's own grammar, line by line and strictly;
`check_sign_in_message` compares it with what the one who asked for it expects. Both are pure: the
time is an argument, and whether the nonce was used before only its giver knows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from protocol.errors import SignInMessageMalformed, SignInMessageRefused
from protocol.hashing import keccak256
from protocol.types import AccountAddress, Hash32, from_hex, to_checksum_address

AGE_SECONDS_MAX = 300
"""How long ago a message may have been issued."""
CLOCK_SECONDS_MAX = 30
"""How much the wallet's clock may be ahead."""
FIELD_CHARACTERS = r"A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;="
URI = rf"[A-Za-z][A-Za-z0-9+.\-]*:[{FIELD_CHARACTERS}%]*"
TIME = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?"
    r"(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
HEAD = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]*)://)?(?P<domain>[A-Za-z0-9\-._~%!$&'()*+,;=:@\[\]]+)"
    r" wants you to sign in with your Ethereum account:"
)
ADDRESS = re.compile(r"0x[0-9A-Fa-f]{40}")
STATEMENT = re.compile(rf"[{FIELD_CHARACTERS} ]+")
VERSION = "1"


@dataclass(frozen=True, slots=True)
class SignInMessage:
    """A message as it was read. Times are Unix seconds, with fractions."""

    scheme: str | None
    domain: str
    address: AccountAddress
    statement: str | None
    uri: str
    chain_id: int
    nonce: str
    issued_at: float
    expires_at: float | None
    not_before: float | None
    request_id: str | None
    resources: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class SignInRequest:
    """What a message must say: `origin` is scheme and authority of the one who asks, as in
    `https://node.example`. It names no resources, so a message that does says more than is meant.
    """

    origin: str
    statement: str
    chain_id: int

    @property
    def scheme(self) -> str:
        """Of the origin."""
        return self.origin.partition("://")[0]

    @property
    def domain(self) -> str:
        """Host, and port if it is not the scheme's own."""
        return self.origin.partition("://")[2]


class _Lines:
    """The lines of a message, taken one after the other."""

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self._taken = 0

    @property
    def left(self) -> int:
        return len(self._lines) - self._taken

    def begins(self, label: str) -> bool:
        return bool(self.left) and self._lines[self._taken].startswith(label)

    def begins_empty(self) -> bool:
        return bool(self.left) and not self._lines[self._taken]

    def take(self, pattern: re.Pattern[str] | str, expected: str) -> re.Match[str]:
        line = self._lines[self._taken] if self.left else ""
        match = re.fullmatch(pattern, line) if self.left else None
        self._taken += 1
        if match is None:
            raise self.fault(expected)
        return match

    def field(self, label: str, pattern: str) -> str:
        return self.take(rf"{label}: ({pattern})", f"`{label}: …` with a value of its form")[1]

    def optional(self, label: str, pattern: str) -> str | None:
        return self.field(label, pattern) if self.begins(f"{label}:") else None

    def fault(self, expected: str) -> SignInMessageMalformed:
        return SignInMessageMalformed(line=self._taken, expected=expected)


def parse_sign_in_message(text: str) -> SignInMessage:
    """Raises SignInMessageMalformed where the message leaves the grammar of EIP-4361."""
    lines = _Lines(text)
    head = lines.take(HEAD, "a domain that `wants you to sign in with your Ethereum account:`")
    shown = lines.take(ADDRESS, "an address")[0]
    address = AccountAddress(from_hex(shown, 20))
    if shown != to_checksum_address(address):
        raise lines.fault("an address with the checksum of EIP-55")
    lines.take("", "empty")
    statement = _take_statement(lines)
    uri = lines.field("URI", URI)
    lines.take(f"Version: {VERSION}", f"`Version: {VERSION}`")
    return SignInMessage(
        scheme=head["scheme"],
        domain=head["domain"],
        address=address,
        statement=statement,
        uri=uri,
        chain_id=int(lines.field("Chain ID", "(?:0|[1-9][0-9]{0,18})")),
        nonce=lines.field("Nonce", "[A-Za-z0-9]{8,}"),
        issued_at=_time(lines, lines.field("Issued At", TIME)),
        expires_at=_optional_time(lines, "Expiration Time"),
        not_before=_optional_time(lines, "Not Before"),
        request_id=lines.optional("Request ID", r"[A-Za-z0-9\-._~%!$&'()*+,;=:@]*"),
        resources=_take_resources(lines),
    )


def sign_in_digest(text: str) -> Hash32:
    """What the account signs: the text as `personal_sign` wraps it (EIP-191, version 0x45)."""
    message = text.encode()
    return keccak256(b"\x19Ethereum Signed Message:\n%d%b" % (len(message), message))


def check_sign_in_message(message: SignInMessage, asked: SignInRequest, now: float) -> None:
    """Raises SignInMessageRefused where the message is not the answer to the request, or its time
    is not now. Nonce and signature are for the caller to check."""
    for field, found, expected in (
        ("scheme", message.scheme or asked.scheme, asked.scheme),
        ("domain", message.domain, asked.domain),
        ("statement", message.statement, asked.statement),
        ("URI", message.uri, asked.origin),
        ("Chain ID", message.chain_id, asked.chain_id),
        ("Resources", message.resources, None),
    ):
        if found != expected:
            raise SignInMessageRefused(field=field, found=found, expected=repr(expected))
    issued, ends, begins = message.issued_at, message.expires_at, message.not_before
    for field, time, fits, expected in (
        ("Issued At", issued, issued <= now + CLOCK_SECONDS_MAX, "no time to come"),
        ("Issued At", issued, now - AGE_SECONDS_MAX <= issued, f"at most {AGE_SECONDS_MAX} s ago"),
        ("Expiration Time", ends, ends is None or now < ends, "to come"),
        ("Not Before", begins, begins is None or begins <= now, "past"),
    ):
        if not fits:
            raise SignInMessageRefused(field=field, found=time, expected=expected)


def _take_statement(lines: _Lines) -> str | None:
    """The statement and the empty line after it; without one, that empty line alone."""
    if lines.begins_empty():
        lines.take("", "empty")
        return None
    statement = lines.take(STATEMENT, "a statement of the characters that a URI has, and spaces")
    lines.take("", "empty")
    return statement[0]


def _take_resources(lines: _Lines) -> tuple[str, ...] | None:
    """The list, which may be empty; None without one. Nothing may follow it."""
    found: list[str] | None = None
    if lines.begins("Resources"):
        lines.take("Resources:", "`Resources:`")
        found = []
        while lines.left:
            found.append(lines.take(rf"- ({URI})", "`- ` and the URI of a resource")[1])
    if lines.left:
        lines.take("(?!)", "a field of EIP-4361, once and in its place")
    return None if found is None else tuple(found)


def _optional_time(lines: _Lines, label: str) -> float | None:
    text = lines.optional(label, TIME)
    return None if text is None else _time(lines, text)


def _time(lines: _Lines, text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise lines.fault("a time that the calendar has") from None
