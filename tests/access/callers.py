"""Callers of every kind, made through the interface as an organisation makes them."""

from __future__ import annotations

import secrets
import time
from typing import Any

from node.client import NodeClient
from tests.stage import Json, World

ROLES = ("admin", "operator", "auditor")
AREAS = ("agreements", "consents", "usage", "events", "webhooks", "access", "hosting")
OVERLAP_SECONDS = 3_600


def make_key(maker: NodeClient, role: str, **changes: Any) -> Json:
    """A new key as the node answered it."""
    body = {"label": f"a test's {role}", "role": role, **changes}
    answer: Json = maker.post("/v1/api-keys", body)
    return answer


def client_of(maker: NodeClient, role: str, **changes: Any) -> NodeClient:
    """A client with a new key."""
    return NodeClient(maker.url, make_key(maker, role, **changes)["apiKey"])


def invalid_clients(world: World, maker: NodeClient) -> dict[str, NodeClient]:
    """Clients whose keys were good once, and one that never was."""
    soon = int(time.time()) + 86_400
    keys = {
        "expired": make_key(maker, "admin", expiresAt=soon),
        "revoked": make_key(maker, "admin"),
        "rotated past its overlap": make_key(maker, "admin"),
    }
    world.node.sql(
        "UPDATE node.api_keys SET expires_at = now() - interval '1 second'"
        " WHERE substr(key_hash, 1, 16) = :id",
        id=bytes.fromhex(keys["expired"]["keyId"][2:]),
    )
    maker.delete(f"/v1/api-keys/{keys['revoked']['keyId']}")
    rotated = keys["rotated past its overlap"]["keyId"]
    maker.post(f"/v1/api-keys/{rotated}/rotate", {"overlapSeconds": OVERLAP_SECONDS})
    world.node.sql(
        "UPDATE node.api_keys SET retires_at = now() - interval '1 second'"
        " WHERE substr(key_hash, 1, 16) = :id",
        id=bytes.fromhex(rotated[2:]),
    )
    clients = {name: NodeClient(world.node.url, made["apiKey"]) for name, made in keys.items()}
    return {
        **clients,
        "none": NodeClient(world.node.url),
        "invented key": NodeClient(world.node.url, "ptx_" + secrets.token_urlsafe(32)),
        "invented session": NodeClient(world.node.url, "ptxs_" + secrets.token_urlsafe(32)),
        "nonsense": NodeClient(world.node.url, "nonsense"),
    }
