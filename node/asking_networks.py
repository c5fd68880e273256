"""The network that a request without a key came from: by a keyed hash, as long as the request
waits, so that one stranger fills no more than a share of what an organisation has to answer.

    key  = HMAC-SHA256(master key, "ptx-ledger/asking-network/v1" ‖ organisation(20))
    hash = HMAC-SHA256(key, network), its first 16 bytes

So the database alone tells no address, and not that two organisations were asked from the same.
"""

from __future__ import annotations

import hmac
from ipaddress import ip_network

LABEL = b"ptx-ledger/asking-network/v1"
HASH_BYTES = 16
BITS = {4: 24, 6: 48}
"""What a stranger has of them easily: more addresses than one, and fewer networks."""


def asking_network_hash(network: str, organisation_id: bytes, master_key: bytes) -> bytes:
    """Of an address or network as `network_of` writes it, or of what is none."""
    key = hmac.digest(master_key, LABEL + organisation_id, "sha256")
    return hmac.digest(key, neighbourhood_of(network).encode(), "sha256")[:HASH_BYTES]


def neighbourhood_of(network: str) -> str:
    """The /24 or, of IPv6, the /48 around it; what is no network stands for itself."""
    try:
        parsed = ip_network(network)
    except ValueError:
        return network
    return str(parsed.supernet(new_prefix=min(BITS[parsed.version], parsed.prefixlen)))
