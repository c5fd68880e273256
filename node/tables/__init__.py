"""Tables of the node: what it holds for organisations, what it has promised, what it has sent.

Rows with an `organisation_id` belong to that organisation and are held by row-level security;
`withdrawals`, `challenges` and `transactions` belong to none.
"""

from __future__ import annotations

from node.tables.access import (
    api_keys,
    challenges,
    did_documents,
    idempotency,
    organisations,
    passkeys,
    people,
    person_sessions,
    used_tokens,
)
from node.tables.agreements import (
    agreement_documents,
    offers,
    uses,
    vouchers,
)
from node.tables.base import metadata
from node.tables.consents import (
    consent_requests,
    consents,
    deliveries,
    erased_records,
    rights_requests,
    withdrawals,
)
from node.tables.sending import (
    attempts,
    outbox,
    sender_terms,
    transactions,
)
from node.tables.telling import (
    process_metrics,
    webhooks,
)

__all__ = [
    "OWNED_BY_ORGANISATIONS",
    "agreement_documents",
    "api_keys",
    "attempts",
    "challenges",
    "consent_requests",
    "consents",
    "deliveries",
    "did_documents",
    "erased_records",
    "idempotency",
    "metadata",
    "offers",
    "organisations",
    "outbox",
    "passkeys",
    "people",
    "person_sessions",
    "process_metrics",
    "rights_requests",
    "sender_terms",
    "transactions",
    "used_tokens",
    "uses",
    "vouchers",
    "webhooks",
    "withdrawals",
]

OWNED_BY_ORGANISATIONS = (
    agreement_documents,
    api_keys,
    consent_requests,
    consents,
    deliveries,
    did_documents,
    erased_records,
    idempotency,
    offers,
    organisations,
    outbox,
    passkeys,
    people,
    person_sessions,
    rights_requests,
    uses,
    vouchers,
    webhooks,
)
