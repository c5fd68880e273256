"""Passkeys (WebAuthn level 3): what an authenticator made is checked by `webauthn`, never trusted.

The relying party is the node's public origin; its id is the host of that, so a passkey serves no
other. The user must have been verified, by PIN or biometrics: a stolen device opens nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers import (
    base64url_to_bytes,
    decode_credential_public_key,
    decoded_public_key_to_cryptography,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import WebAuthnException

ALGORITHMS = (
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
)
"""Those that authenticators have; the first is preferred."""


class PasskeyRefused(Exception):
    """What the authenticator made proves nothing here; the message says why."""


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """A public key and the id by which the authenticator finds the private one."""

    credential_id: bytes
    public_key: bytes
    sign_count: int


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """The node as authenticators know it."""

    origin: str

    @property
    def id(self) -> str:
        """The host of the origin."""
        return urlsplit(self.origin).hostname or ""

    def check_registration(self, credential: dict[str, Any], challenge: bytes) -> NewPasskey:
        """Raises PasskeyRefused unless it was made for this origin, this challenge, by a user who
        was verified, and has a key that can verify at all."""
        with _refusing():
            made = verify_registration_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=self.id,
                expected_origin=self.origin,
                require_user_verification=True,
                supported_pub_key_algs=list(ALGORITHMS),
            )
            key = decode_credential_public_key(made.credential_public_key)
            decoded_public_key_to_cryptography(key)
        return NewPasskey(made.credential_id, made.credential_public_key, made.sign_count)

    def check_assertion(
        self, credential: dict[str, Any], challenge: bytes, public_key: bytes, sign_count: int
    ) -> int:
        """The authenticator's counter, which must have grown unless it does not count: one that
        has not is a copy's. Raises PasskeyRefused."""
        with _refusing():
            made = verify_authentication_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=self.id,
                expected_origin=self.origin,
                credential_public_key=public_key,
                credential_current_sign_count=sign_count,
                require_user_verification=True,
            )
        return made.new_sign_count


@contextmanager
def _refusing() -> Iterator[None]:
    """The library reads a stranger's bytes: whatever it stumbles over in them proves nothing."""
    try:
        yield
    except WebAuthnException as error:
        raise PasskeyRefused(f"{error}.") from error
    except Exception as error:
        raise PasskeyRefused("What the authenticator made cannot be read.") from error


def challenge_of(client_data: str) -> bytes:
    """The challenge that the client says it answers; whether it does, only a check tells. Raises
    PasskeyRefused."""
    try:
        challenge = json.loads(base64url_to_bytes(client_data))["challenge"]
        return base64url_to_bytes(challenge)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise PasskeyRefused("The client data is not WebAuthn's.") from error
