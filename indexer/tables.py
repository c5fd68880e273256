"""Tables of the index.

`ledger` holds what the chain says, append-only, each row keyed by where it stands on the chain:
current state is "the latest row", a past state "the latest row before", and a reorganisation
deletes from a block on. `indexing` holds how far the indexer got, which is no fact of the chain.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()

Amount = Numeric(78, 0)
Unsigned64 = Numeric(20, 0)


def _fact(name: str, *columns: Column[Any] | Index) -> Table:
    """A table of facts, one row for each event of one kind."""
    return Table(
        name,
        metadata,
        Column("block_number", BigInteger, primary_key=True, autoincrement=False),
        Column("log_index", Integer, primary_key=True, autoincrement=False),
        *columns,
        schema="ledger",
    )


events = _fact(
    "events",
    Column("block_hash", LargeBinary, nullable=False),
    Column("block_time", BigInteger, nullable=False),
    Column("transaction_hash", LargeBinary, nullable=False),
    Column("contract", Text, nullable=False),
    Column("name", Text, nullable=False),
)

admissions = _fact(
    "admissions",
    Column("organisation", LargeBinary, nullable=False, index=True),
    Column("did", Text, nullable=False),
    Column("roles", SmallInteger, nullable=False),
    Column("college", SmallInteger, nullable=False),
)
classifications = _fact(
    "classifications",
    Column("organisation", LargeBinary, nullable=False, index=True),
    Column("roles", SmallInteger, nullable=False),
    Column("college", SmallInteger, nullable=False),
)
descriptions = _fact(
    "descriptions",
    Column("organisation", LargeBinary, nullable=False, index=True),
    Column("service_address", Text, nullable=False),
    Column("did_document_hash", LargeBinary, nullable=False),
)
suspensions = _fact(
    "suspensions",
    Column("organisation", LargeBinary, nullable=False, index=True),
    Column("suspended", Boolean, nullable=False),
)
accounts = _fact(
    "accounts",
    Column("account", LargeBinary, nullable=False, unique=True),
    Column("organisation", LargeBinary, nullable=False, index=True),
    Column("scopes", SmallInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)
retirements = _fact(
    "retirements",
    Column("account", LargeBinary, nullable=False, unique=True),
    Column("organisation", LargeBinary, nullable=False),
)
delegations = _fact(
    "delegations",
    Column("organisation", LargeBinary, nullable=False, index=True),
    Column("operator", LargeBinary, nullable=False, index=True),
    Column("scopes", SmallInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)
recoveries = _fact(
    "recoveries",
    Column("organisation", LargeBinary, nullable=False, index=True),
    Column("account", LargeBinary, nullable=False),
    Column("executable_at", BigInteger),  # null: called off
)
stops = _fact(
    "stops",
    Column("until", BigInteger, nullable=False),
)

agreements = _fact(
    "agreements",
    Column("agreement_id", LargeBinary, nullable=False, unique=True),
    Column("parent", LargeBinary, nullable=False),
    Column("valid_from", Unsigned64, nullable=False),
    Column("valid_until", Unsigned64, nullable=False),
    Column("policy_hash", LargeBinary, nullable=False),
    Column("document_hash", LargeBinary, nullable=False),
    Column("rulebook", LargeBinary, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("parties", JSONB, nullable=False),
    Column("lines", JSONB, nullable=False),
)
agreement_parties = Table(
    "agreement_parties",
    metadata,
    Column("block_number", BigInteger, nullable=False),
    Column("agreement_id", LargeBinary, primary_key=True),
    Column("organisation", LargeBinary, primary_key=True, index=True),
    schema="ledger",
)
agreement_signatures = _fact(
    "agreement_signatures",
    Column("agreement_id", LargeBinary, nullable=False, index=True),
    Column("organisation", LargeBinary, nullable=False),
    Column("signer", LargeBinary, nullable=False),
)
agreement_changes = _fact(
    "agreement_changes",
    Column("agreement_id", LargeBinary, nullable=False, index=True),
    Column("change", Text, nullable=False),
    Column("organisation", LargeBinary),
    Column("reason_hash", LargeBinary),
)

batches = _fact(
    "batches",
    Column("issuer", LargeBinary, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("first_index", BigInteger, nullable=False, unique=True),
    Column("size", Integer, nullable=False),
)
leaves = Table(
    "leaves",
    metadata,
    Column("leaf_index", BigInteger, primary_key=True, autoincrement=False),
    Column("block_number", BigInteger, nullable=False),
    Column("leaf", LargeBinary, nullable=False, index=True),
    schema="ledger",
)
endings = _fact(
    "endings",
    Column("who", LargeBinary, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    Index("ix_ledger_endings_leaf_who", "leaf", "who", unique=True),
)
refused_withdrawals = _fact(
    "refused_withdrawals",
    Column("holder", LargeBinary, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
)

rates = _fact(
    "rates",
    Column("category", Integer, nullable=False, index=True),
    Column("from_period", BigInteger, nullable=False),
    Column("rate_bps", Integer, nullable=False),
)
settlements = _fact(
    "settlements",
    Column("agreement_id", LargeBinary, nullable=False, index=True),
    Column("consumer", LargeBinary, nullable=False, index=True),
    Column("period", BigInteger, nullable=False, index=True),
    Column("from_units", Unsigned64, nullable=False),
    Column("to_units", Unsigned64, nullable=False),
    Column("usage_root", LargeBinary, nullable=False),
)
settlement_lines = Table(
    "settlement_lines",
    metadata,
    Column("block_number", BigInteger, primary_key=True, autoincrement=False),
    Column("log_index", Integer, primary_key=True, autoincrement=False),
    Column("line_index", SmallInteger, primary_key=True, autoincrement=False),
    Column("payee", LargeBinary, nullable=False, index=True),
    Column("category", Integer, nullable=False),
    Column("unit_price_minor", Unsigned64, nullable=False),
    Column("gross_minor", Amount, nullable=False),
    Column("commission_minor", Amount, nullable=False),
    schema="ledger",
)
leavings = _fact(
    "leavings",
    Column("agreement_id", LargeBinary, nullable=False, index=True),
    Column("consumer", LargeBinary, nullable=False),
    Column("amount_minor", Amount, nullable=False),
    Column("executable_at", BigInteger, nullable=False),
)
postings = Table(
    "postings",
    metadata,
    Column("block_number", BigInteger, primary_key=True, autoincrement=False),
    Column("log_index", Integer, primary_key=True, autoincrement=False),
    Column("posting_index", SmallInteger, primary_key=True, autoincrement=False),
    Column("source", Text, nullable=False, index=True),
    Column("target", Text, nullable=False, index=True),
    Column("amount_minor", Amount, nullable=False),
    Column("period", BigInteger),
    Column("booking_month", Integer, nullable=False),
    Column("agreement_id", LargeBinary),
    schema="ledger",
)

LEDGER_TABLES: tuple[Table, ...] = tuple(
    table for table in metadata.sorted_tables if table.schema == "ledger"
)

cursor = Table(
    "cursor",
    metadata,
    Column("only", Boolean, primary_key=True, default=True),
    Column("chain_id", BigInteger, nullable=False),
    Column("genesis_hash", LargeBinary, nullable=False),
    Column("block_number", BigInteger, nullable=False),
    Column("block_hash", LargeBinary, nullable=False),
    Column("block_time", BigInteger, nullable=False),
    schema="indexing",
)
recent_blocks = Table(
    "recent_blocks",
    metadata,
    Column("block_number", BigInteger, primary_key=True, autoincrement=False),
    Column("block_hash", LargeBinary, nullable=False),
    Column("block_time", BigInteger, nullable=False),
    schema="indexing",
)
heartbeat = Table(
    "heartbeat",
    metadata,
    Column("only", Boolean, primary_key=True, default=True),
    Column("head_read_at", DateTime(timezone=True), nullable=False),
    schema="indexing",
)
