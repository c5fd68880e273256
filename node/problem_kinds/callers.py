"""Who calls is not known, may not do this, or calls too often."""

from __future__ import annotations

from node.problem_kinds.kind import Kind

CALLERS = (
    Kind(
        401,
        "key-invalid",
        "No valid API key",
        "The request carries no API key, or one that is unknown, expired or revoked.",
        "Send `Authorization: Bearer ptx_…`; the node's operator hands out keys.",
        {"WWW-Authenticate": "Bearer"},
    ),
    Kind(
        401,
        "session-refused",
        "No valid learner session",
        "The session is unknown or has ended, or a key did not sign its nonce.",
        "Begin one with POST /v1/me/session and let each key sign its nonce.",
        {"WWW-Authenticate": "Bearer"},
    ),
    Kind(
        401,
        "session-ended",
        "The session has ended",
        "The session is unknown or over, was ended, or its person was removed.",
        "Sign in again: POST /v1/sign-in/ethereum/nonce or /v1/sign-in/passkey/challenge.",
        {"WWW-Authenticate": "Bearer"},
    ),
    Kind(
        401,
        "sign-in-refused",
        "The sign-in is refused",
        "What was sent does not prove an account or a passkey that the node knows.",
        "Ask for a new nonce or challenge, and answer it with the right account or passkey.",
        {"WWW-Authenticate": "Bearer"},
    ),
    Kind(
        401,
        "invitation-refused",
        "The invitation is not open",
        "The invitation is unknown, too old, or somebody has joined with it.",
        "Ask an admin of the organisation for another: POST /v1/people.",
        {"WWW-Authenticate": "Bearer"},
    ),
    Kind(
        401,
        "token-refused",
        "The signed token is refused",
        "The JWT is malformed, for another node, too old, used before, or not signed by a key "
        "of the DID document whose hash the organisation has on chain.",
        "Sign a new one for each request; `ptx-ledger did show` names the keys that count.",
        {"WWW-Authenticate": "Bearer"},
    ),
    Kind(
        403,
        "role-missing",
        "The caller may not do that",
        "The caller is known, but its role and areas do not give the right.",
        "Use a key or person with that right; an admin of the organisation gives them.",
    ),
    Kind(
        403,
        "grant-too-wide",
        "More than the caller has",
        "Nobody gives a key or person more rights, or a longer life, than they have.",
        "Ask for less, or let somebody do it who has these rights.",
    ),
    Kind(
        403,
        "cross-site",
        "Not asked by a page of this node",
        "A page that writes takes what its own forms send, and nothing that another site's page "
        "makes a browser send.",
        "Open the page at this node's address and send its form from there.",
    ),
    Kind(
        403,
        "not-the-operator",
        "Only the node's operator may do that",
        "The key belongs to an organisation that the node hosts.",
        "Ask the operator of this node.",
    ),
    Kind(
        429,
        "too-many-requests",
        "Too many requests",
        "The key, or the address where no key is known, has used up what a caller may ask.",
        "Wait as long as the header Retry-After says; ask for many things in one request.",
        {"Retry-After": "1"},
    ),
    Kind(
        429,
        "too-many-streams",
        "The organisation has too many streams open",
        "An organisation may hold a limited number of event streams open at a time.",
        "Close one that nobody reads, or read pages with `Accept: application/json`.",
        {"Retry-After": "30"},
    ),
    Kind(
        429,
        "too-many-sessions",
        "Too many learner sessions",
        "An address, and the node, hold a limited number of learners' sessions at a time.",
        "Use a session that is open; each ends half an hour after it began, which makes room.",
        {"Retry-After": "60"},
    ),
    Kind(
        429,
        "too-many-exports",
        "Too many exports are being made",
        "A network, and the node, may have a limited number of learners' exports made at a time.",
        "Wait until one is done and ask again.",
        {"Retry-After": "10"},
    ),
    Kind(
        429,
        "too-many-rights-requests",
        "The organisation has too many requests to answer",
        "Requests without a key are taken as long as not too many are unanswered, in all or from "
        "one network.",
        "Write to the organisation directly; who still has a key or a slip asks on the own page.",
        {"Retry-After": "3600"},
    ),
)
