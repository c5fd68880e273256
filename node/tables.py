"""Tables of the node: what it holds for organisations, what it has promised, what it has sent.

Rows with an `organisation_id` belong to that organisation and are held by row-level security;
`withdrawals`, `challenges` and `transactions` belong to none.
"""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(schema="node")

Unsigned64 = Numeric(20, 0)


def _created_at() -> Column[object]:
    return Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now())


organisations = Table(
    "organisations",
    metadata,
    Column("organisation_id", LargeBinary, primary_key=True),
    Column("did", Text, nullable=False),
    Column("name", Text, nullable=False),
    _created_at(),
)
api_keys = Table(
    "api_keys",
    metadata,
    Column("key_hash", LargeBinary, primary_key=True),
    Column("organisation_id", LargeBinary, nullable=False, index=True),
    Column("role", Text, nullable=False),
    Column("areas", ARRAY(Text)),
    Column("label", Text, nullable=False),
    Column("expires_at", DateTime(timezone=True)),
    Column("retires_at", DateTime(timezone=True)),
    Column("last_used_on", Date),
    _created_at(),
)
"""`areas` null is all of them. A key retires when another has taken its place."""

people = Table(
    "people",
    metadata,
    Column("person_id", LargeBinary, primary_key=True),
    Column("organisation_id", LargeBinary, nullable=False),
    Column("role", Text, nullable=False),
    Column("areas", ARRAY(Text)),
    Column("sealed_label", LargeBinary, nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("address", LargeBinary, index=True),
    Column("invitation_hash", LargeBinary, unique=True),
    Column("invitation_expires_at", DateTime(timezone=True)),
    Column("joined_at", DateTime(timezone=True)),
    _created_at(),
    UniqueConstraint("organisation_id", "address"),
)
"""Invited until `joined_at`; then known by an address or by passkeys."""

passkeys = Table(
    "passkeys",
    metadata,
    Column("credential_id", LargeBinary, primary_key=True),
    Column("organisation_id", LargeBinary, nullable=False, index=True),
    Column("person_id", LargeBinary, ForeignKey("node.people.person_id"), nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    _created_at(),
    Index("ix_node_passkeys_person_id", "person_id"),
)
person_sessions = Table(
    "person_sessions",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("organisation_id", LargeBinary, nullable=False, index=True),
    Column("person_id", LargeBinary, ForeignKey("node.people.person_id")),
    Column("address", LargeBinary),
    Column("started_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("last_seen_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Index("ix_node_person_sessions_person_id", "person_id"),
)
"""Without a person it is of an account that manages the organisation on chain."""

challenges = Table(
    "challenges",
    metadata,
    Column("challenge", LargeBinary, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("bound_to", LargeBinary),
    Column("expires_at", DateTime(timezone=True), nullable=False, index=True),
)
"""What somebody is to sign who is not known yet; whoever answers it takes it away."""

idempotency = Table(
    "idempotency",
    metadata,
    Column("organisation_id", LargeBinary, primary_key=True),
    Column("principal", LargeBinary, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("request_hash", LargeBinary, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("body", JSONB, nullable=False),
    _created_at(),
    Index("ix_node_idempotency_created_at", "created_at"),
)
agreement_documents = Table(
    "agreement_documents",
    metadata,
    Column("organisation_id", LargeBinary, primary_key=True),
    Column("agreement_id", LargeBinary, primary_key=True),
    Column("terms", JSONB, nullable=False),
    Column("document", JSONB),
    _created_at(),
)
consents = Table(
    "consents",
    metadata,
    Column("organisation_id", LargeBinary, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    Column("agreement_id", LargeBinary, nullable=False),
    Column("issuer", LargeBinary, nullable=False),
    Column("holder", LargeBinary, nullable=False),
    Column("valid_from", Unsigned64, nullable=False),
    Column("valid_until", Unsigned64, nullable=False),
    Column("commitment", LargeBinary, nullable=False),
    Column("assurance", Text, nullable=False),
    Column("sealed_record", LargeBinary, nullable=False),
    Column("wrapped_key", LargeBinary),
    _created_at(),
    # All that a status check reads, so that it never waits for the page with the sealed record.
    PrimaryKeyConstraint(
        *("organisation_id", "leaf"),
        postgresql_include=[
            *("holder", "issuer", "agreement_id", "valid_from", "valid_until", "assurance")
        ],
    ),
    Index("ix_node_consents_leaf", "leaf"),
    Index("ix_node_consents_holder", "holder"),
    Index("ix_node_consents_agreement", "organisation_id", "agreement_id"),
)
uses = Table(
    "uses",
    metadata,
    Column("organisation_id", LargeBinary, primary_key=True),
    Column("agreement_id", LargeBinary, primary_key=True),
    Column("period", BigInteger, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("consent_leaf", LargeBinary, nullable=False),
    Column("used_at", BigInteger, nullable=False),
    Column("random", LargeBinary, nullable=False),
    Index("ix_node_uses_leaf", "consent_leaf"),
)
vouchers = Table(
    "vouchers",
    metadata,
    Column("organisation_id", LargeBinary, primary_key=True),
    Column("digest", LargeBinary, primary_key=True),
    Column("agreement_id", LargeBinary, nullable=False),
    Column("consumer", LargeBinary, nullable=False),
    Column("period", BigInteger, nullable=False),
    Column("units", Unsigned64, nullable=False),
    Column("usage_root", LargeBinary, nullable=False),
    Column("signer", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    _created_at(),
    Index("ix_node_vouchers_agreement", "organisation_id", "agreement_id"),
)
withdrawals = Table(
    "withdrawals",
    metadata,
    Column("leaf", LargeBinary, primary_key=True),
    Column("holder", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("accepted_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
sender_terms = Table(
    "sender_terms",
    metadata,
    Column("sender", LargeBinary, primary_key=True),
    Column("term", BigInteger, nullable=False),
)
"""Which holder of a key is the newest: all others may write no more."""

transactions = Table(
    "transactions",
    metadata,
    Column("transaction_id", BigInteger, Identity(), primary_key=True),
    Column("sender", LargeBinary, nullable=False),
    Column("nonce", BigInteger, nullable=False),
    Column("target", LargeBinary, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("gas", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("is_open", Boolean, nullable=False, server_default="true"),
    Column("signed_at_block", BigInteger, nullable=False),
    Column("block_number", BigInteger),
    Column("block_hash", LargeBinary),
    Column("gas_used", BigInteger),
    Column("mined_at", DateTime(timezone=True)),
    Column("failure", JSONB),
    _created_at(),
    UniqueConstraint("sender", "nonce"),
    Index("ix_node_transactions_open", "sender", "nonce", postgresql_where="is_open"),
)
"""A nonce and what it does; open until nothing can change any more. `hash` is that of the attempt
which is in a block, or of the first."""

attempts = Table(
    "attempts",
    metadata,
    Column("attempt_id", BigInteger, Identity(), primary_key=True),
    Column(
        "transaction_id",
        BigInteger,
        ForeignKey("node.transactions.transaction_id"),
        nullable=False,
        index=True,
    ),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("raw", LargeBinary, nullable=False),
    Column("gas_price_wei", Numeric(78, 0), nullable=False),
    Column("is_filler", Boolean, nullable=False),
    _created_at(),
)
"""Bytes that were signed for a nonce: any of them may come into a block."""

outbox = Table(
    "outbox",
    metadata,
    Column("outbox_id", BigInteger, Identity(), primary_key=True),
    Column("organisation_id", LargeBinary),
    Column("kind", Text, nullable=False),
    Column("subject", LargeBinary, nullable=False),
    Column("order_key", LargeBinary, nullable=False),
    Column("payload", JSONB, nullable=False),
    Column("state", Text, nullable=False, server_default="waiting"),
    Column("transaction_id", BigInteger, ForeignKey("node.transactions.transaction_id")),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("not_before", DateTime(timezone=True)),
    Column("expires_at", BigInteger),
    Column("failure", JSONB),
    _created_at(),
    Index("ix_node_outbox_subject", "subject"),
    Index("ix_node_outbox_transaction", "transaction_id"),
    Index(
        "ix_node_outbox_waiting",
        "outbox_id",
        postgresql_where="state IN ('waiting', 'sent')",
    ),
)
webhooks = Table(
    "webhooks",
    metadata,
    Column("webhook_id", LargeBinary, primary_key=True),
    Column("organisation_id", LargeBinary, nullable=False, index=True),
    Column("url", Text, nullable=False),
    Column("names", ARRAY(Text), nullable=False),
    Column("include_unfinal", Boolean, nullable=False),
    Column("sealed_secret", LargeBinary, nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("position", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("failing_since", DateTime(timezone=True)),
    Column("next_attempt_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("last_failure", Text),
    Column("disabled_reason", Text),
    _created_at(),
)

did_documents = Table(
    "did_documents",
    metadata,
    Column("organisation_id", LargeBinary, primary_key=True),
    Column("document_hash", LargeBinary, primary_key=True),
    Column("document", Text, nullable=False),
    _created_at(),
)
"""In canonical form; the chain says which one counts."""

deliveries = Table(
    "deliveries",
    metadata,
    Column("organisation_id", LargeBinary, primary_key=True),
    Column("leaf", LargeBinary, primary_key=True),
    Column("recipient", LargeBinary, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("state", Text, nullable=False, server_default="waiting"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_attempt_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("sent_at", DateTime(timezone=True)),
    Column("last_failure", Text),
    Column("confirmation", Text),
    Column("confirmed_at", DateTime(timezone=True)),
    _created_at(),
    Index(
        "ix_node_deliveries_waiting",
        *("recipient", "kind", "next_attempt_at"),
        postgresql_where="state = 'waiting'",
    ),
)
"""What goes to a recipient's node on behalf of the issuer: a record, or the order to erase it. From
`sent_at` on the other node may have it."""

erased_records = Table(
    "erased_records",
    metadata,
    Column("organisation_id", LargeBinary, primary_key=True),
    Column("issuer", LargeBinary, primary_key=True),
    Column("leaf", LargeBinary, primary_key=True),
    Column("erased_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
"""All that is left of a record, so that it does not come back."""

used_tokens = Table(
    "used_tokens",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Index("ix_node_used_tokens_expires_at", "expires_at"),
)
consent_requests = Table(
    "consent_requests",
    metadata,
    Column("request_id", LargeBinary, primary_key=True),
    Column("organisation_id", LargeBinary, nullable=False),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("subject_hash", LargeBinary, nullable=False),
    Column("agreement_id", LargeBinary, nullable=False),
    Column("valid_from", BigInteger, nullable=False),
    Column("valid_until", BigInteger, nullable=False),
    Column("minimum_assurance", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("sealed_content", LargeBinary, nullable=False),
    Column("content_key", LargeBinary, nullable=False),
    Column("sealed_link", LargeBinary),
    Column("link_key", LargeBinary),
    Column("state", Text, nullable=False, server_default="sent"),
    Column("answer_hash", LargeBinary),
    Column("sealed_answer", LargeBinary),
    Column("answer_key", LargeBinary),
    _created_at(),
    Index("ix_node_consent_requests_subject", "organisation_id", "subject_hash"),
    Index("ix_node_consent_requests_created", "organisation_id", "created_at", "request_id"),
)
"""What organisations ask of learners. The leaves of an answer are sealed: no column leads from one
consent of a person to another."""

rights_requests = Table(
    "rights_requests",
    metadata,
    Column("rights_request_id", LargeBinary, primary_key=True),
    Column("organisation_id", LargeBinary, nullable=False),
    Column("kind", Text, nullable=False),
    Column("leaf", LargeBinary),
    Column("holder", LargeBinary, index=True),
    Column("token_hash", LargeBinary, unique=True),
    Column("sealed_content", LargeBinary),
    Column("content_key", LargeBinary),
    Column("state", Text, nullable=False, server_default="received"),
    Column("received_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("extended_at", BigInteger),
    Column("answered_at", BigInteger),
    Column("sealed_answer", LargeBinary),
    Column("answer_key", LargeBinary),
    Index("ix_node_rights_requests_due", "organisation_id", "due_at", "rights_request_id"),
    Index(
        "ix_node_rights_requests_open",
        *("organisation_id", "leaf", "kind"),
        unique=True,
        postgresql_where="state = 'received' AND leaf IS NOT NULL",
    ),
)
"""Objections, erasures and other rights: one row a leaf, or one without for who has lost key and
slip."""
process_metrics = Table(
    "process_metrics",
    metadata,
    Column("process", Text, primary_key=True),
    Column("told_at", DateTime(timezone=True), nullable=False),
    Column("exposition", Text, nullable=False),
)
"""What each process counts, as it told last, in Prometheus' text format."""

OWNED_BY_ORGANISATIONS = (
    agreement_documents,
    api_keys,
    consent_requests,
    consents,
    deliveries,
    did_documents,
    erased_records,
    idempotency,
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
