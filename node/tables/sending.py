"""What was promised to the chain, and what was signed for it."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB

from node.tables.base import created_at, metadata

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
    created_at(),
    Index("ix_node_outbox_subject", "subject"),
    Index("ix_node_outbox_transaction", "transaction_id"),
    Index(
        "ix_node_outbox_failed",
        "organisation_id",
        "outbox_id",
        postgresql_where="state = 'failed'",
    ),
    Index(
        "ix_node_outbox_waiting",
        "outbox_id",
        postgresql_where="state IN ('waiting', 'sent')",
    ),
    Index(
        "ix_node_outbox_keys",
        "order_key",
        "outbox_id",
        postgresql_where="state IN ('waiting', 'sent')",
    ),
    Index(
        "ix_node_outbox_withdrawals",
        "outbox_id",
        postgresql_where="kind = 'withdraw' AND state IN ('waiting', 'sent')",
    ),
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
    created_at(),
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
    created_at(),
)
"""Bytes that were signed for a nonce: any of them may come into a block."""
