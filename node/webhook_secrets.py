"""Secrets that webhooks are signed with, as Standard Webhooks writes them; sealed at rest."""

from __future__ import annotations

import base64
import secrets

from node.sealing import SealedRecord, seal, unseal

PREFIX = "whsec_"
SECRET_BYTES = 24


def new_webhook_secret() -> str:
    """`whsec_` and 24 random bytes as base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def seal_webhook_secret(secret: str, webhook_id: bytes, master_key: bytes) -> SealedRecord:
    """Bound to its webhook: moved to another one it does not open."""
    return seal(secret.encode(), webhook_id, master_key)


def unseal_webhook_secret(sealed: SealedRecord, webhook_id: bytes, master_key: bytes) -> str:
    """Raises SealError."""
    return unseal(sealed, webhook_id, master_key).decode()
