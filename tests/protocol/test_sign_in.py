"""Messages of EIP-4361: what is written by its grammar is read back, whatever else is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import SignInMessageMalformed, SignInMessageRefused
from protocol.sign_in import (
    AGE_SECONDS_MAX,
    CLOCK_SECONDS_MAX,
    SignInMessage,
    SignInRequest,
    check_sign_in_message,
    parse_sign_in_message,
    sign_in_digest,
)
from protocol.types import AccountAddress, to_checksum_address

NOW = 1_795_000_000
ASKED = SignInRequest("https://node.example:8443", "Sign in.", 7837)
RIGHT = SignInMessage(
    scheme=None,
    domain="node.example:8443",
    address=AccountAddress(bytes(range(20))),
    statement="Sign in.",
    uri="https://node.example:8443",
    chain_id=7837,
    nonce="abcdef0123456789",
    issued_at=float(NOW),
    expires_at=None,
    not_before=None,
    request_id=None,
    resources=None,
)


def time_text(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def write(message: SignInMessage) -> str:
    """The message as the standard writes it: the reader's opposite, written apart from it."""
    lines = [
        (f"{message.scheme}://" if message.scheme else "")
        + f"{message.domain} wants you to sign in with your Ethereum account:",
        to_checksum_address(message.address),
        "",
        *([message.statement, ""] if message.statement is not None else [""]),
        f"URI: {message.uri}",
        "Version: 1",
        f"Chain ID: {message.chain_id}",
        f"Nonce: {message.nonce}",
        f"Issued At: {time_text(message.issued_at)}",
    ]
    if message.expires_at is not None:
        lines.append(f"Expiration Time: {time_text(message.expires_at)}")
    if message.not_before is not None:
        lines.append(f"Not Before: {time_text(message.not_before)}")
    if message.request_id is not None:
        lines.append(f"Request ID: {message.request_id}")
    if message.resources is not None:
        lines += ["Resources:", *(f"- {each}" for each in message.resources)]
    return "\n".join(lines)


words = st.text("abcXYZ019-._~:/?#[]@!$&'()*+,;= ", min_size=1, max_size=40)
uris = st.from_regex(r"\A[a-z][a-z0-9+.\-]{0,5}:[a-z0-9/%._~\-]{0,30}\Z")
times = st.integers(0, 4_000_000_000).map(float)
messages = st.builds(
    SignInMessage,
    scheme=st.none() | st.sampled_from(["http", "https"]),
    domain=st.from_regex(r"\A[a-z0-9.\-]{1,20}(:[0-9]{1,5})?\Z"),
    address=st.binary(min_size=20, max_size=20).map(AccountAddress),
    statement=st.none() | words,
    uri=uris,
    chain_id=st.integers(0, 10**18),
    nonce=st.from_regex(r"\A[A-Za-z0-9]{8,70}\Z"),
    issued_at=times,
    expires_at=st.none() | times,
    not_before=st.none() | times,
    request_id=st.none() | st.from_regex(r"\A[a-z0-9._%:@\-]{0,20}\Z"),
    resources=st.none() | st.lists(uris, max_size=3).map(tuple),
)


@given(messages)
def test_what_is_written_is_read_back(message: SignInMessage) -> None:
    assert parse_sign_in_message(write(message)) == message


@given(messages, st.data())
def test_no_character_can_be_left_out_unseen(message: SignInMessage, data: st.DataObject) -> None:
    """A message with one character less is another message, or none."""
    text = write(message)
    place = data.draw(st.integers(0, len(text) - 1))
    try:
        read = parse_sign_in_message(text[:place] + text[place + 1 :])
    except SignInMessageMalformed:
        return
    assert read != message or text[place] == text[max(place - 1, 0)]


@given(st.text(max_size=300))
def test_any_other_text_is_refused_and_breaks_nothing(text: str) -> None:
    with pytest.raises(SignInMessageMalformed):
        parse_sign_in_message(text)


def test_the_digest_is_that_of_personal_sign() -> None:
    account = Account.create()
    text = write(RIGHT)
    signed = account.sign_message(encode_defunct(text=text))
    assert bytes(signed.message_hash) == sign_in_digest(text)


def test_the_right_message_passes() -> None:
    check_sign_in_message(RIGHT, ASKED, NOW)
    check_sign_in_message(replace(RIGHT, scheme="https"), ASKED, NOW)


BOUNDS = {
    "issued just in time": ("issued_at", NOW - AGE_SECONDS_MAX, True),
    "issued too long ago": ("issued_at", NOW - AGE_SECONDS_MAX - 1, False),
    "issued by a clock ahead": ("issued_at", NOW + CLOCK_SECONDS_MAX, True),
    "issued to come": ("issued_at", NOW + CLOCK_SECONDS_MAX + 1, False),
    "ends in a second": ("expires_at", NOW + 1, True),
    "ends now": ("expires_at", NOW, False),
    "ended at the beginning of time": ("expires_at", 0, False),
    "begins now": ("not_before", NOW, True),
    "begins in a second": ("not_before", NOW + 1, False),
    "began at the beginning of time": ("not_before", 0, True),
}


@pytest.mark.parametrize(("field", "value", "fits"), BOUNDS.values(), ids=BOUNDS)
def test_times_hold_to_the_second(field: str, value: int, fits: bool) -> None:
    message = replace(RIGHT, **{field: float(value)})
    if fits:
        check_sign_in_message(message, ASKED, NOW)
    else:
        with pytest.raises(SignInMessageRefused):
            check_sign_in_message(message, ASKED, NOW)
