"""Tables of the node: what it holds for organisations, what it has promised, what it has sent.

Rows with an `organisation_id` belong to that organisation and are held by row-level security;
`withdrawals` and `transactions` belong to none.
"""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
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
    Column("label", Text, nullable=False),
    Column("expires_at", DateTime(timezone=True)),
    _created_at(),
)
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
    consents,
    idempotency,
    organisations,
    outbox,
    uses,
    vouchers,
    webhooks,
)
