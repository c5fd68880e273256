"""The node cannot do it now."""

from __future__ import annotations

from node.problem_kinds.kind import Kind

_SAME_KEY = "Send the same request again, with the same Idempotency-Key"

UNAVAILABLE = (
    Kind(
        500,
        "unexpected",
        "The node failed",
        "Something went wrong here; nothing was written.",
        f"{_SAME_KEY}; tell the operator.",
    ),
    Kind(
        503,
        "database-unavailable",
        "The database does not answer",
        "The node's database is away; nothing was written.",
        f"{_SAME_KEY}.",
        {"Retry-After": "2"},
    ),
    Kind(
        503,
        "index-stale",
        "The index is too old to answer",
        "The indexer has not seen the head of the chain for longer than the node allows.",
        "Treat the consent as not active and ask again; the operator checks the indexer's log.",
        {"Retry-After": "5"},
    ),
    Kind(
        503,
        "operator-key-not-published",
        "The node cannot sign",
        "The chain does not name a DID document with a key of this node for its operator.",
        "The operator publishes it: `ptx-ledger did publish`.",
        {"Retry-After": "30"},
    ),
    Kind(
        503,
        "outbox-full",
        "Too many acts wait for the chain",
        "The chain stands still or is slow, and the node promises no more than it can keep.",
        f"{_SAME_KEY}; what was accepted is kept and goes out by itself.",
        {"Retry-After": "30"},
    ),
    Kind(
        503,
        "signer-unreachable",
        "The node's signer does not sign",
        "The operator's key is in a signer of its own, which gave no signature.",
        f"{_SAME_KEY}; the operator checks the signer.",
        {"Retry-After": "30"},
    ),
    Kind(
        503,
        "streams-exhausted",
        "Too many streams are open",
        "The node serves a limited number of event streams at a time.",
        "Try again later, or read pages with `Accept: application/json`.",
        {"Retry-After": "30"},
    ),
    Kind(
        503,
        "page-not-built",
        "The page is not built",
        "The node was installed without the files of its pages.",
        "Run `npm run build:web` where the node is installed.",
    ),
)
