"""Signed tokens between nodes and from organisations' machines: JSON Web Tokens, read strictly.

A token is a compact JWS (RFC 7515) over a JSON object of claims (RFC 7519), signed by a key of the
DID document of who sends it (RFC 7523). The key is found by `kid` in the document that the chain
names and nowhere else: a key or an address that a token brings along is refused with it. What two
readers could read differently is refused as well: members that stand twice, base64 that is not
canonical, headers that nobody here knows.

    header    {alg, kid, typ}                               `typ` keeps kinds apart (RFC 8725, 3.11)
    claims    {iss, sub, aud, iat, exp, jti, …}             asks for something, once, within minutes
              {iss, aud, iat, …}                            states something, for good
"""

from __future__ import annotations

import json
import secrets
import warnings
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, OKPKey

from protocol.did_document import ALGORITHMS, Jwk, algorithm_of
from protocol.did_key import decode_base64url
from protocol.errors import TokenInvalid

HEADER_MEMBERS = {"alg", "kid", "typ"}
LIFETIME_SECONDS_MAX = 300
CLOCK_SECONDS_MAX = 30
"""How far the clocks of two machines may be apart."""
TEXT_LENGTH_MAX = 8_192
JTI_LENGTH_MAX = 128
REQUEST_TYPE = "JWT"
DELIVERY_TYPE = "ptx-delivery+jwt"
CONFIRMATION_TYPE = "ptx-confirmation+jwt"


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it says itself; its signature is judged by `check_signature`."""

    text: str
    algorithm: str
    kid: str
    claims: Mapping[str, Any]

    @property
    def issuer(self) -> str:
        """The DID of who says that it signed."""
        return self.kid.partition("#")[0]


def read_token(text: str, token_type: str) -> Token:
    """A token of this `typ`, by its own word. Raises TokenInvalid."""
    if len(text) > TEXT_LENGTH_MAX:
        raise TokenInvalid(reason=f"it has more than {TEXT_LENGTH_MAX} characters")
    parts = text.split(".")
    if len(parts) != 3:
        raise TokenInvalid(reason="it has not three parts")
    header, claims, signature = (_decode(part) for part in parts)
    if not signature:
        raise TokenInvalid(reason="it is not signed")
    members = _object(header, "header")
    if members.keys() != HEADER_MEMBERS:
        raise TokenInvalid(reason=f"its header has not just {', '.join(sorted(HEADER_MEMBERS))}")
    algorithm, kid = members["alg"], members["kid"]
    if algorithm not in ALGORITHMS.values():
        raise TokenInvalid(reason=f"its algorithm is none of {', '.join(ALGORITHMS.values())}")
    if members["typ"] != token_type:
        raise TokenInvalid(reason=f"its typ is not {token_type}")
    if not isinstance(kid, str) or not all(kid.partition("#")):
        raise TokenInvalid(reason="its kid is not a DID, # and the name of a key")
    token = Token(text, algorithm, kid, _object(claims, "claims"))
    if token.claims.get("iss") != token.issuer:
        raise TokenInvalid(reason="its iss is not the DID in its kid")
    return token


def check_signature(token: Token, jwk: Jwk) -> None:
    """Raises TokenInvalid unless this public key signed it, with the one algorithm of its curve."""
    if token.algorithm != algorithm_of(jwk):
        raise TokenInvalid(reason=f"its key signs with {algorithm_of(jwk)}")
    try:
        with warnings.catch_warnings():
            # RFC 9864 renames EdDSA; on Ed25519 alone the name says enough.
            warnings.simplefilter("ignore", SecurityWarning)
            jws.deserialize_compact(token.text, _import(jwk), algorithms=[token.algorithm])
    except (JoseError, ValueError) as error:
        raise TokenInvalid(reason="its key has not signed it") from error


def check_request(token: Token, audience: str, now: float) -> str:
    """The `jti` of a token that asks this audience for something now. Raises TokenInvalid."""
    claims = token.claims
    if claims.get("sub") != token.issuer:
        raise TokenInvalid(reason="its sub is not its iss")
    _check_audience(claims, audience)
    issued, expires = (_time(claims, name) for name in ("iat", "exp"))
    if issued > now + CLOCK_SECONDS_MAX:
        raise TokenInvalid(reason=f"it was issued at {issued}, now is {int(now)}")
    if expires <= now:
        raise TokenInvalid(reason=f"it expired at {expires}, now is {int(now)}")
    if not issued < expires <= issued + LIFETIME_SECONDS_MAX:
        raise TokenInvalid(reason=f"it is not valid for 1 to {LIFETIME_SECONDS_MAX} s")
    if "nbf" in claims and _time(claims, "nbf") > now + CLOCK_SECONDS_MAX:
        raise TokenInvalid(reason="it is not valid yet")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 1 <= len(jti) <= JTI_LENGTH_MAX:
        raise TokenInvalid(reason=f"its jti is not text of 1 to {JTI_LENGTH_MAX} characters")
    return jti


def check_statement(token: Token, audience: str, expected: Mapping[str, Any], now: float) -> None:
    """Raises TokenInvalid unless the token states just this to this audience, by now."""
    _check_audience(token.claims, audience)
    if _time(token.claims, "iat") > now + CLOCK_SECONDS_MAX:
        raise TokenInvalid(reason="it is dated in the future")
    for name, value in expected.items():
        if token.claims.get(name) != value or type(token.claims[name]) is not type(value):
            raise TokenInvalid(reason=f"its {name} is another one")


def request_claims(did: str, audience: str, now: float, seconds: int = 60) -> dict[str, Any]:
    """Claims that ask an audience for something, once."""
    issued = int(now)
    return {
        "iss": did,
        "sub": did,
        "aud": audience,
        "iat": issued,
        "exp": issued + seconds,
        "jti": secrets.token_urlsafe(16),
    }


def sign_token(claims: Mapping[str, Any], kid: str, token_type: str, private_jwk: Jwk) -> str:
    """The compact form of a token, signed with the one algorithm of the key's curve."""
    algorithm = algorithm_of(private_jwk)
    header = {"alg": algorithm, "kid": kid, "typ": token_type}
    payload = json.dumps(claims, separators=(",", ":"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)
        return jws.serialize_compact(header, payload, _import(private_jwk), [algorithm])


def _check_audience(claims: Mapping[str, Any], audience: str) -> None:
    if claims.get("aud") != audience:
        raise TokenInvalid(reason=f"its aud is not {audience}")


def _time(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    if type(value) is not int:
        raise TokenInvalid(reason=f"its {name} is not whole Unix seconds")
    return value


def _decode(part: str) -> bytes:
    raw = decode_base64url(part)
    if raw is None or urlsafe_b64encode(raw).rstrip(b"=") != part.encode():
        raise TokenInvalid(reason="a part is not base64url in its one canonical form")
    return raw


def _object(raw: bytes, name: str) -> dict[str, Any]:
    try:
        value = json.loads(raw.decode(), object_pairs_hook=_without_doubles)
        json.dumps(value, ensure_ascii=False).encode()  # no half of a surrogate pair
    except (ValueError, RecursionError) as error:
        reason = f"its {name} is not JSON of whole characters without doubled members"
        raise TokenInvalid(reason=reason) from error
    if not isinstance(value, dict):
        raise TokenInvalid(reason=f"its {name} is no JSON object")
    return value


def _without_doubles(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice")
    return members


def _import(jwk: Jwk) -> ECKey | OKPKey:
    kind = ECKey if jwk["kty"] == "EC" else OKPKey
    return kind.import_key({name: value for name, value in jwk.items() if name in KEY_MEMBERS})


KEY_MEMBERS = {"kty", "crv", "x", "y", "d"}
"""What a document says besides of a key (`use`, `key_ops`) does not bind here."""
