"""An authenticator in software: real CBOR, COSE keys and ES256 signatures (WebAuthn level 3)."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import struct
from dataclasses import dataclass, field

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from tests.stage import Json

USER_PRESENT, USER_VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


@dataclass(slots=True)
class Authenticator:
    """One passkey. What it is told by the page may be wrong; it signs it all the same, as no real
    one would."""

    origin: str
    rp_id: str
    flags: int = USER_PRESENT | USER_VERIFIED
    sign_count: int = 0
    step: int = 1
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def register(self, challenge: str, kind: str = "webauthn.create") -> Json:
        """`RegistrationResponseJSON`, without attestation."""
        point = self.key.public_key().public_numbers()
        cose = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32), -3: point.y.to_bytes(32)})
        attested = (
            bytes(16) + struct.pack(">H", len(self.credential_id)) + self.credential_id + cose
        )
        attestation = {
            "fmt": "none",
            "attStmt": {},
            "authData": self._authenticator_data(ATTESTED) + attested,
        }
        return self._credential(
            {
                "clientDataJSON": base64url(self._client_data(kind, challenge)),
                "attestationObject": base64url(cbor2.dumps(attestation)),
            }
        )

    def answer(self, challenge: str, kind: str = "webauthn.get") -> Json:
        """`AuthenticationResponseJSON`; the counter moves by `step`."""
        self.sign_count += self.step
        client_data, data = self._client_data(kind, challenge), self._authenticator_data(0)
        signed = data + hashlib.sha256(client_data).digest()
        return self._credential(
            {
                "clientDataJSON": base64url(client_data),
                "authenticatorData": base64url(data),
                "signature": base64url(self.key.sign(signed, ec.ECDSA(SHA256()))),
            }
        )

    def _authenticator_data(self, more_flags: int) -> bytes:
        party = hashlib.sha256(self.rp_id.encode()).digest()
        return party + bytes([self.flags | more_flags]) + struct.pack(">I", self.sign_count)

    def _client_data(self, kind: str, challenge: str) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(said).encode()

    def _credential(self, response: Json) -> Json:
        name = base64url(self.credential_id)
        return {
            "id": name,
            "rawId": name,
            "type": "public-key",
            "response": response,
            "clientExtensionResults": {},
        }
