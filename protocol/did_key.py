"""Public keys inside DIDs, and signatures by them.

A did:key of the codec jwk_jcs-pub (EBSI's profile for natural persons) is the base58btc text of
0xd1d603 and a JSON Web Key in canonical form (RFC 7517, RFC 8785), so its key is known without
asking anybody. Signatures are those of JSON Web Algorithms (RFC 7518): ES256 on P-256, ES256K
on secp256k1 (RFC 8812), 64 bytes r | s over SHA-256 of the message.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from protocol.errors import DidUnsupported

BASE58_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
JWK_JCS_PUB = bytes.fromhex("d1d603")
"""The multicodec jwk_jcs-pub, 0xeb51, as a varint."""
CURVES: Mapping[str, tuple[type[ec.EllipticCurve], str]] = {
    "P-256": (ec.SECP256R1, "ES256"),
    "secp256k1": (ec.SECP256K1, "ES256K"),
}


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A point on a named curve, and the algorithm that goes with it."""

    curve: str
    x: int
    y: int

    @property
    def algorithm(self) -> str:
        """The name in a JSON Web Signature's header: ES256 or ES256K."""
        return CURVES[self.curve][1]


def key_of_did(did: str) -> PublicKey:
    """The key inside a did:key. Raises DidUnsupported for other methods, codecs and curves."""
    prefix, _, encoded = did.partition("did:key:z")
    if prefix or not encoded:
        raise DidUnsupported(did=did, reason="it is no did:key in base58btc")
    raw = decode_base58(encoded)
    if raw is None or not raw.startswith(JWK_JCS_PUB):
        raise DidUnsupported(did=did, reason="its codec is not jwk_jcs-pub")
    try:
        jwk = json.loads(raw[len(JWK_JCS_PUB) :])
    except ValueError as error:
        raise DidUnsupported(did=did, reason="its key is no JSON") from error
    key = key_of_jwk(jwk)
    if key is None:
        raise DidUnsupported(did=did, reason="its key is not on P-256 or secp256k1")
    return key


def key_of_jwk(jwk: Any) -> PublicKey | None:
    """The key in a JSON Web Key; None unless it is a point of a curve known here."""
    if not isinstance(jwk, dict) or jwk.get("kty") != "EC" or jwk.get("crv") not in CURVES:
        return None
    x, y = (decode_base64url(str(jwk.get(name, ""))) for name in ("x", "y"))
    if not x or not y:
        return None
    key = PublicKey(jwk["crv"], int.from_bytes(x), int.from_bytes(y))
    return key if _curve_key(key) else None


def is_signed_by_key(key: PublicKey, message: bytes, signature: bytes) -> bool:
    """Whether 64 bytes r | s are the key's ECDSA signature over SHA-256 of the message."""
    public_key = _curve_key(key)
    if public_key is None or len(signature) != 64:
        return False
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    try:
        public_key.verify(encode_dss_signature(r, s), message, ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def decode_base58(text: str) -> bytes | None:
    """Bytes of base58btc text; None for characters outside its alphabet."""
    number = 0
    for character in text:
        digit = BASE58_ALPHABET.find(character)
        if digit < 0:
            return None
        number = number * 58 + digit
    zeros = len(text) - len(text.lstrip("1"))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8)


def decode_base64url(text: str) -> bytes | None:
    """Bytes of unpadded base64url text (RFC 7515); None if it is not such text."""
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (Base64Error, ValueError):
        return None


def _curve_key(key: PublicKey) -> ec.EllipticCurvePublicKey | None:
    try:
        return ec.EllipticCurvePublicNumbers(key.x, key.y, CURVES[key.curve][0]()).public_key()
    except ValueError:
        return None
