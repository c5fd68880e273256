"""Tables of the index.

`ledger` holds what the chain says, append-only, each row keyed by where it stands on the chain:
current state is "the latest row", a past state "the latest row before", and a reorganisation
deletes from a block on. Each event has one table, whose columns after (block number, log index) are
the event's fields in their order; what else follows from an event has tables of its own.
`indexing` holds how far the indexer got, which is no fact of the chain.
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
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

from indexer.tables.base import (
    EVENT_TABLES,
    amount,
    event_table,
    fact_table,
    metadata,
    number,
    octets,
    small,
    text,
    units,
)
from indexer.tables.timelock import (
    call_salts,
    cancellations,
    delay_changes,
    executed_calls,
    role_admins,
    role_grants,
    role_revocations,
    scheduled_calls,
)
from protocol import events

__all__ = [
    "EVENT_TABLES",
    "call_salts",
    "cancellations",
    "delay_changes",
    "executed_calls",
    "metadata",
    "role_admins",
    "role_grants",
    "role_revocations",
    "scheduled_calls",
]

blocks = Table(
    "blocks",
    metadata,
    Column("block_number", BigInteger, primary_key=True, autoincrement=False),
    octets("block_hash"),
    number("block_time", index=True),
    schema="ledger",
)
"""The blocks in which there is an event."""

transactions = fact_table("transactions", octets("transaction_hash"))
"""The transactions in which there is an event, each at the place of its first one."""

quarantined = fact_table("quarantined", text("contract"), text("topics"), text("data"))
"""Logs of our contracts that no interface of theirs explains, as they came."""

admissions = event_table(
    events.ParticipantAdmitted,
    "admissions",
    octets("organisation", index=True),
    text("did"),
    small("roles"),
    small("college"),
)
classifications = event_table(
    events.ParticipantClassified,
    "classifications",
    octets("organisation", index=True),
    small("roles"),
    small("college"),
)
descriptions = event_table(
    events.ParticipantDescribed,
    "descriptions",
    octets("organisation", index=True),
    text("service_address"),
    octets("did_document_hash"),
)
suspensions = event_table(
    events.ParticipantSuspended, "suspensions", octets("organisation", index=True)
)
reinstatements = event_table(
    events.ParticipantReinstated, "reinstatements", octets("organisation", index=True)
)
accounts = event_table(
    events.AccountBound,
    "accounts",
    octets("organisation", index=True),
    octets("account", unique=True),
    small("scopes"),
    number("expires_at"),
)
retirements = event_table(
    events.AccountRetired, "retirements", octets("organisation"), octets("account", unique=True)
)
delegations = event_table(
    events.OperatorDelegated,
    "delegations",
    octets("organisation", index=True),
    octets("operator", index=True),
    small("scopes"),
    number("expires_at"),
)
recoveries = event_table(
    events.RecoveryAnnounced,
    "recoveries",
    octets("organisation", index=True),
    octets("account"),
    number("executable_at"),
)
recovery_cancellations = event_table(
    events.RecoveryCancelled,
    "recovery_cancellations",
    octets("organisation", index=True),
    octets("account"),
)
guardians = event_table(events.GuardianAppointed, "guardians", octets("guardian"))
stops = event_table(events.Stopped, "stops", number("until"))
stop_ends = event_table(events.StopEnded, "stop_ends")
authorities = event_table(events.AuthorityUpdated, "authorities", octets("authority"))

agreements = event_table(
    events.AgreementProposed,
    "agreements",
    octets("agreement_id", unique=True),
    octets("parent"),
    Column("terms", JSONB, nullable=False),
)
agreement_parties = fact_table(
    "agreement_parties",
    small("party_index", primary_key=True, autoincrement=False),
    octets("agreement_id"),
    octets("organisation"),
    Index("ix_ledger_agreement_parties_organisation", "organisation", "agreement_id"),
)
agreement_signatures = event_table(
    events.AgreementSigned,
    "agreement_signatures",
    octets("agreement_id", index=True),
    octets("organisation"),
    octets("signer"),
)
agreement_activations = event_table(
    events.AgreementActivated, "agreement_activations", octets("agreement_id", index=True)
)
agreement_suspensions = event_table(
    events.AgreementSuspended,
    "agreement_suspensions",
    octets("agreement_id", index=True),
    octets("organisation"),
    octets("reason_hash"),
)
agreement_resumptions = event_table(
    events.AgreementResumed,
    "agreement_resumptions",
    octets("agreement_id", index=True),
    octets("organisation"),
)
agreement_terminations = event_table(
    events.AgreementTerminated,
    "agreement_terminations",
    octets("agreement_id", index=True),
    octets("organisation"),
    octets("reason_hash"),
)

batches = event_table(
    events.LeavesAnchored,
    "batches",
    octets("issuer"),
    octets("root"),
    number("first_index", unique=True),
    Column("size", Integer, nullable=False),
)
leaves = Table(
    "leaves",
    metadata,
    Column("leaf_index", BigInteger, primary_key=True, autoincrement=False),
    number("block_number"),
    octets("leaf"),
    Index(
        "ix_ledger_leaves_block",
        "block_number",
        postgresql_using="brin",
        postgresql_with={"autosummarize": "on"},
    ),  # for roll-backs: blocks only ever grow, so a few pages say where they are
    Index("ix_ledger_leaves_leaf", "leaf", postgresql_include=["block_number", "leaf_index"]),
    schema="ledger",
)
endings = event_table(
    events.ConsentEnded,
    "endings",
    octets("who"),
    octets("leaf"),
    Index("ix_ledger_endings_leaf_who", "leaf", "who", unique=True),
)
refused_withdrawals = event_table(
    events.WithdrawalRefused, "refused_withdrawals", octets("holder"), octets("leaf")
)

rates = event_table(
    events.RateSet,
    "rates",
    Column("category", Integer, nullable=False, index=True),
    number("from_period"),
    Column("rate_bps", Integer, nullable=False),
)
transfers = event_table(
    events.Transfer, "transfers", octets("sender"), octets("receiver"), amount("amount_minor")
)
allowances = event_table(
    events.Approval, "allowances", octets("owner"), octets("spender"), amount("amount_minor")
)
issues = event_table(
    events.Issued, "issues", octets("receiver"), amount("amount_minor"), octets("reference")
)
redemptions = event_table(
    events.Redeemed, "redemptions", octets("sender"), amount("amount_minor"), octets("reference")
)
deposits = event_table(
    events.Deposited,
    "deposits",
    octets("agreement_id", index=True),
    octets("consumer"),
    octets("sender"),
    amount("amount_minor"),
)
leavings = event_table(
    events.LeavingRequested,
    "leavings",
    octets("agreement_id", index=True),
    octets("consumer"),
    amount("amount_minor"),
    number("executable_at"),
)
withdrawn_deposits = event_table(
    events.Left,
    "withdrawn_deposits",
    octets("agreement_id", index=True),
    octets("consumer"),
    octets("receiver"),
    amount("amount_minor"),
)
settlements = event_table(
    events.UsageSettled,
    "settlements",
    octets("agreement_id", index=True),
    octets("consumer", index=True),
    number("period", index=True),
    units("from_units"),
    units("to_units"),
    octets("usage_root"),
    Column("amounts", JSONB, nullable=False),
)
settlement_lines = fact_table(
    "settlement_lines",
    small("line_index", primary_key=True, autoincrement=False),
    octets("payee", index=True),
    Column("category", Integer, nullable=False),
    units("unit_price_minor"),
    amount("gross_minor"),
    amount("commission_minor"),
)
skipped_vouchers = event_table(
    events.VoucherSkipped,
    "skipped_vouchers",
    octets("agreement_id"),
    octets("consumer"),
    number("period"),
    units("up_to_units"),
    units("settled_units"),
)
claims = event_table(
    events.BalanceClaimed,
    "claims",
    octets("organisation", index=True),
    octets("receiver"),
    amount("amount_minor"),
)
commission_payouts = event_table(
    events.CommissionPaidOut, "commission_payouts", amount("amount_minor")
)
grants = event_table(
    events.Granted, "grants", octets("receiver"), amount("amount_minor"), octets("purpose_hash")
)

postings = fact_table(
    "postings",
    small("posting_index", primary_key=True, autoincrement=False),
    Column("source", Text, nullable=False, index=True),
    Column("target", Text, nullable=False, index=True),
    amount("amount_minor"),
    Column("period", BigInteger),
    Column("booking_month", Integer, nullable=False, index=True),
    Column("agreement_id", LargeBinary),
    Column("category", Integer),
)

LEDGER_TABLES: tuple[Table, ...] = tuple(
    table for table in metadata.sorted_tables if table.schema == "ledger"
)


def _single(name: str, *columns: Column[Any]) -> Table:
    """One row about the index."""
    only: Column[Any] = Column("only", Boolean, primary_key=True, default=True)
    return Table(name, metadata, only, *columns, schema="indexing")


cursor = _single(
    "cursor",
    number("chain_id"),
    octets("genesis_hash"),
    number("block_number"),
    octets("block_hash"),
    number("block_time"),
)
proven = _single("proven", number("block_number"), octets("block_hash"))
"""The last block up to which every one was compared with its own header and receipts."""
recent_blocks = Table(
    "recent_blocks",
    metadata,
    Column("block_number", BigInteger, primary_key=True, autoincrement=False),
    octets("block_hash"),
    number("block_time"),
    schema="indexing",
)
heartbeat = _single("heartbeat", Column("head_read_at", DateTime(timezone=True), nullable=False))
halt = _single("halt", Column("halted_at", DateTime(timezone=True), nullable=False), text("reason"))
"""Why the indexer stopped of itself, if it did: nothing moves until somebody has looked."""
roll_backs = Table(
    "roll_backs",
    metadata,
    number("generation", primary_key=True, autoincrement=False),
    number("ancestor_block"),
    schema="indexing",
)
"""How often blocks were taken back, and down to which block each time."""
removed_events = Table(
    "removed_events",
    metadata,
    number("generation", primary_key=True),
    number("block_number", primary_key=True),
    Column("log_index", Integer, primary_key=True),
    text("name"),
    octets("block_hash"),
    number("block_time"),
    octets("transaction_hash"),
    Column("arguments", JSONB, nullable=False),
    schema="indexing",
)
"""The events that each roll-back took back."""
FEED_TABLES = (roll_backs, removed_events)
"""What the chain does not tell again: a rebuild keeps them, so that readers' positions hold."""
