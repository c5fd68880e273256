"""Tokens as a test signs them: right ones, and ones that are wrong in one thing."""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey, OKPKey

from protocol.did_document import key_id
from protocol.tokens import sign_token

Jwk = dict[str, Any]


def new_key(curve: str = "P-256") -> Jwk:
    """A private key as JWK."""
    kind = OKPKey if curve == "Ed25519" else ECKey
    made = dict(kind.generate_key(curve, private=True).as_dict(private=True))
    return {name: made[name] for name in ("kty", "crv", "x", "y", "d") if name in made}


def public(jwk: Jwk) -> Jwk:
    return {name: value for name, value in jwk.items() if name != "d"}


def claims_of(did: str, audience: str, **changes: Any) -> Jwk:
    """Good for a minute; a change to None leaves the claim out."""
    now = int(time.time())
    claims = {
        "iss": did,
        "sub": did,
        "aud": audience,
        "iat": now,
        "exp": now + 60,
        "jti": secrets.token_urlsafe(12),
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not None}


def signed(did: str, jwk: Jwk, claims: Mapping[str, Any], token_type: str = "JWT") -> str:
    return sign_token(claims, key_id(did, public(jwk)), token_type, jwk)


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def with_raw(jwk: Jwk, header: bytes, payload: bytes) -> str:
    """Signed whatever header and payload are, on P-256."""
    key: Any = ECKey.import_key(jwk).private_key
    signing_input = f"{encode(header)}.{encode(payload)}"
    r, s = decode_dss_signature(key.sign(signing_input.encode(), ec.ECDSA(SHA256())))
    return f"{signing_input}.{encode(r.to_bytes(32) + s.to_bytes(32))}"


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
