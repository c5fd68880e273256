"""Signed tokens: what is signed reads back the same, and every other bit of it is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OKPKey

from protocol.did_document import key_id
from protocol.errors import TokenInvalid
from protocol.record_delivery import Confirmed, body_claim, confirmation_facts
from protocol.tokens import (
    CLOCK_SECONDS_MAX,
    CONFIRMATION_TYPE,
    DELIVERY_TYPE,
    LIFETIME_SECONDS_MAX,
    REQUEST_TYPE,
    check_request,
    check_signature,
    check_statement,
    read_token,
    request_claims,
    sign_token,
)
from protocol.types import ContractAddress, Leaf, OrganisationId

DID, NODE, NOW = "did:web:school.example", "https://node.example", 1_800_000_000
FACTS = confirmation_facts(
    Confirmed.STORED,
    Leaf(b"\x01" * 32),
    OrganisationId(b"\x02" * 20),
    7837,
    ContractAddress(b"\x03" * 20),
)


def new_key(curve: str) -> dict[str, Any]:
    kind = OKPKey if curve == "Ed25519" else ECKey
    return dict(kind.generate_key(curve, private=True).as_dict(private=True))


KEYS = {curve: new_key(curve) for curve in ("P-256", "secp256k1", "Ed25519")}


def public(curve: str) -> dict[str, Any]:
    return {name: value for name, value in KEYS[curve].items() if name != "d"}


def signed(curve: str, claims: dict[str, Any], token_type: str = REQUEST_TYPE) -> str:
    return sign_token(claims, key_id(DID, public(curve)), token_type, KEYS[curve])


@pytest.mark.parametrize("curve", KEYS)
@pytest.mark.parametrize("token_type", [REQUEST_TYPE, DELIVERY_TYPE, CONFIRMATION_TYPE])
def test_what_is_signed_reads_back(curve: str, token_type: str) -> None:
    claims = {**request_claims(DID, NODE, NOW), **body_claim(b"body")}
    token = read_token(signed(curve, claims, token_type), token_type)
    check_signature(token, public(curve))
    assert token.claims == claims
    assert token.issuer == DID
    assert check_request(token, NODE, NOW) == claims["jti"]
    for other in {REQUEST_TYPE, DELIVERY_TYPE, CONFIRMATION_TYPE} - {token_type}:
        with pytest.raises(TokenInvalid, match="typ"):
            read_token(token.text, other)


@pytest.mark.parametrize("curve", KEYS)
def test_no_other_key_has_signed_it(curve: str) -> None:
    token = read_token(signed(curve, request_claims(DID, NODE, NOW)), REQUEST_TYPE)
    others = [public(other) for other in KEYS if other != curve]
    same_curve = {name: value for name, value in new_key(curve).items() if name != "d"}
    for key in (*others, same_curve):
        with pytest.raises(TokenInvalid):
            check_signature(token, key)


@given(st.data())
@settings(max_examples=200)
def test_no_character_of_a_token_may_change(data: st.DataObject) -> None:
    text = signed("Ed25519", request_claims(DID, NODE, NOW))
    place = data.draw(st.integers(0, len(text) - 1))
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n\u00e9"
    letter = data.draw(st.sampled_from(letters).filter(lambda other: other != text[place]))

    def judge(candidate: str) -> None:
        token = read_token(candidate, REQUEST_TYPE)
        check_signature(token, public("Ed25519"))
        check_request(token, NODE, NOW)

    judge(text)
    with pytest.raises(TokenInvalid):
        judge(text[:place] + letter + text[place + 1 :])


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: raw.decode("latin-1")))
def test_whatever_is_read_is_refused_in_its_own_words(text: str) -> None:
    with pytest.raises(TokenInvalid):
        read_token(text, REQUEST_TYPE)


@given(
    st.integers(-400, 400), st.integers(-10, 400), st.integers(-400, 400).map(lambda at: NOW + at)
)
def test_a_request_is_good_from_its_issue_to_its_expiry(
    issued: int, seconds: int, now: int
) -> None:
    claims = {**request_claims(DID, NODE, NOW), "iat": NOW + issued, "exp": NOW + issued + seconds}
    token = read_token(signed("Ed25519", claims), REQUEST_TYPE)
    is_good = (
        1 <= seconds <= LIFETIME_SECONDS_MAX
        and NOW + issued - CLOCK_SECONDS_MAX <= now < NOW + issued + seconds
    )
    if is_good:
        check_request(token, NODE, now)
    else:
        with pytest.raises(TokenInvalid):
            check_request(token, NODE, now)


@pytest.mark.parametrize("name", [*FACTS, "aud", "iat"])
@pytest.mark.parametrize("value", ["other", 7838, None, True, 10**12])
def test_a_statement_states_just_this(name: str, value: Any) -> None:
    claims = {"iss": DID, "aud": NODE, "iat": NOW, **FACTS}
    token = read_token(signed("P-256", claims, CONFIRMATION_TYPE), CONFIRMATION_TYPE)
    check_statement(token, NODE, FACTS, NOW)
    changed = json.loads(json.dumps({**claims, name: value}))
    if name == "iat" and value in (7838,):
        changed[name] = NOW + CLOCK_SECONDS_MAX + 1
    token = read_token(signed("P-256", changed, CONFIRMATION_TYPE), CONFIRMATION_TYPE)
    with pytest.raises(TokenInvalid):
        check_statement(token, NODE, FACTS, NOW)
