"""A learner's session over one-time keys, as a browser opens it."""

from __future__ import annotations

from typing import Any

import httpx

from node.client import NodeClient
from protocol.holder_keys import address_of, session_digest
from protocol.signatures import sign_digest
from protocol.types import to_hex
from tests.stage import World


def session_of(world: World, *keys: bytes) -> Any:
    """A client whose session has proven the keys."""
    begun = httpx.post(f"{world.node.url}/v1/me/session").json()
    client = NodeClient(world.node.url, begun["token"])
    digest = session_digest(world.chain_id, bytes.fromhex(begun["nonce"][2:]))
    holders = [
        {"holder": to_hex(address_of(key)), "signature": to_hex(sign_digest(key, digest))}
        for key in keys
    ]
    if holders:
        client.post("/v1/me/holders", {"holders": holders})
    return client
