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
    MetaData,
    Numeric,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

from protocol import events

metadata = MetaData()

Amount = Numeric(78, 0)
Unsigned64 = Numeric(20, 0)

EVENT_TABLES: dict[type[events.Event], Table] = {}
"""From an event's class to the table that holds it."""


def _bytes(name: str, **options: Any) -> Column[Any]:
    return Column(name, LargeBinary, nullable=False, **options)


def _number(name: str, **options: Any) -> Column[Any]:
    return Column(name, BigInteger, nullable=False, **options)


def _small(name: str, **options: Any) -> Column[Any]:
    return Column(name, SmallInteger, nullable=False, **options)


def _text(name: str) -> Column[Any]:
    return Column(name, Text, nullable=False)


def _amount(name: str) -> Column[Any]:
    return Column(name, Amount, nullable=False)


def _units(name: str) -> Column[Any]:
    return Column(name, Unsigned64, nullable=False)


def _table(name: str, *columns: Column[Any] | Index) -> Table:
    """Rows at a place on the chain; the place is the key unless the columns add to it."""
    return Table(
        name,
        metadata,
        Column("block_number", BigInteger, primary_key=True, autoincrement=False),
        Column("log_index", Integer, primary_key=True, autoincrement=False),
        *columns,
        schema="ledger",
    )


def _event(kind: type[events.Event], name: str, *columns: Column[Any] | Index) -> Table:
    """The table of one kind of event."""
    table = EVENT_TABLES[kind] = _table(name, *columns)
    return table


blocks = Table(
    "blocks",
    metadata,
    Column("block_number", BigInteger, primary_key=True, autoincrement=False),
    _bytes("block_hash"),
    _number("block_time", index=True),
    schema="ledger",
)
"""The blocks in which there is an event."""

transactions = _table("transactions", _bytes("transaction_hash"))
"""The transactions in which there is an event, each at the place of its first one."""

quarantined = _table("quarantined", _text("contract"), _text("topics"), _text("data"))
"""Logs of our contracts that no interface of theirs explains, as they came."""

admissions = _event(
    events.ParticipantAdmitted,
    "admissions",
    _bytes("organisation", index=True),
    _text("did"),
    _small("roles"),
    _small("college"),
)
classifications = _event(
    events.ParticipantClassified,
    "classifications",
    _bytes("organisation", index=True),
    _small("roles"),
    _small("college"),
)
descriptions = _event(
    events.ParticipantDescribed,
    "descriptions",
    _bytes("organisation", index=True),
    _text("service_address"),
    _bytes("did_document_hash"),
)
suspensions = _event(events.ParticipantSuspended, "suspensions", _bytes("organisation", index=True))
reinstatements = _event(
    events.ParticipantReinstated, "reinstatements", _bytes("organisation", index=True)
)
accounts = _event(
    events.AccountBound,
    "accounts",
    _bytes("organisation", index=True),
    _bytes("account", unique=True),
    _small("scopes"),
    _number("expires_at"),
)
retirements = _event(
    events.AccountRetired, "retirements", _bytes("organisation"), _bytes("account", unique=True)
)
delegations = _event(
    events.OperatorDelegated,
    "delegations",
    _bytes("organisation", index=True),
    _bytes("operator", index=True),
    _small("scopes"),
    _number("expires_at"),
)
recoveries = _event(
    events.RecoveryAnnounced,
    "recoveries",
    _bytes("organisation", index=True),
    _bytes("account"),
    _number("executable_at"),
)
recovery_cancellations = _event(
    events.RecoveryCancelled,
    "recovery_cancellations",
    _bytes("organisation", index=True),
    _bytes("account"),
)
guardians = _event(events.GuardianAppointed, "guardians", _bytes("guardian"))
stops = _event(events.Stopped, "stops", _number("until"))
stop_ends = _event(events.StopEnded, "stop_ends")
authorities = _event(events.AuthorityUpdated, "authorities", _bytes("authority"))

agreements = _event(
    events.AgreementProposed,
    "agreements",
    _bytes("agreement_id", unique=True),
    _bytes("parent"),
    Column("terms", JSONB, nullable=False),
)
agreement_parties = _table(
    "agreement_parties",
    _small("party_index", primary_key=True, autoincrement=False),
    _bytes("agreement_id"),
    _bytes("organisation"),
    Index("ix_ledger_agreement_parties_organisation", "organisation", "agreement_id"),
)
agreement_signatures = _event(
    events.AgreementSigned,
    "agreement_signatures",
    _bytes("agreement_id", index=True),
    _bytes("organisation"),
    _bytes("signer"),
)
agreement_activations = _event(
    events.AgreementActivated, "agreement_activations", _bytes("agreement_id", index=True)
)
agreement_suspensions = _event(
    events.AgreementSuspended,
    "agreement_suspensions",
    _bytes("agreement_id", index=True),
    _bytes("organisation"),
    _bytes("reason_hash"),
)
agreement_resumptions = _event(
    events.AgreementResumed,
    "agreement_resumptions",
    _bytes("agreement_id", index=True),
    _bytes("organisation"),
)
agreement_terminations = _event(
    events.AgreementTerminated,
    "agreement_terminations",
    _bytes("agreement_id", index=True),
    _bytes("organisation"),
    _bytes("reason_hash"),
)

batches = _event(
    events.LeavesAnchored,
    "batches",
    _bytes("issuer"),
    _bytes("root"),
    _number("first_index", unique=True),
    Column("size", Integer, nullable=False),
)
leaves = Table(
    "leaves",
    metadata,
    Column("leaf_index", BigInteger, primary_key=True, autoincrement=False),
    _number("block_number"),
    _bytes("leaf"),
    Index(
        "ix_ledger_leaves_block",
        "block_number",
        postgresql_using="brin",
        postgresql_with={"autosummarize": "on"},
    ),  # for roll-backs: blocks only ever grow, so a few pages say where they are
    Index("ix_ledger_leaves_leaf", "leaf", postgresql_include=["block_number", "leaf_index"]),
    schema="ledger",
)
endings = _event(
    events.ConsentEnded,
    "endings",
    _bytes("who"),
    _bytes("leaf"),
    Index("ix_ledger_endings_leaf_who", "leaf", "who", unique=True),
)
refused_withdrawals = _event(
    events.WithdrawalRefused, "refused_withdrawals", _bytes("holder"), _bytes("leaf")
)

rates = _event(
    events.RateSet,
    "rates",
    Column("category", Integer, nullable=False, index=True),
    _number("from_period"),
    Column("rate_bps", Integer, nullable=False),
)
transfers = _event(
    events.Transfer, "transfers", _bytes("sender"), _bytes("receiver"), _amount("amount_minor")
)
allowances = _event(
    events.Approval, "allowances", _bytes("owner"), _bytes("spender"), _amount("amount_minor")
)
issues = _event(
    events.Issued, "issues", _bytes("receiver"), _amount("amount_minor"), _bytes("reference")
)
redemptions = _event(
    events.Redeemed, "redemptions", _bytes("sender"), _amount("amount_minor"), _bytes("reference")
)
deposits = _event(
    events.Deposited,
    "deposits",
    _bytes("agreement_id", index=True),
    _bytes("consumer"),
    _bytes("sender"),
    _amount("amount_minor"),
)
leavings = _event(
    events.LeavingRequested,
    "leavings",
    _bytes("agreement_id", index=True),
    _bytes("consumer"),
    _amount("amount_minor"),
    _number("executable_at"),
)
withdrawn_deposits = _event(
    events.Left,
    "withdrawn_deposits",
    _bytes("agreement_id", index=True),
    _bytes("consumer"),
    _bytes("receiver"),
    _amount("amount_minor"),
)
settlements = _event(
    events.UsageSettled,
    "settlements",
    _bytes("agreement_id", index=True),
    _bytes("consumer", index=True),
    _number("period", index=True),
    _units("from_units"),
    _units("to_units"),
    _bytes("usage_root"),
    Column("amounts", JSONB, nullable=False),
)
settlement_lines = _table(
    "settlement_lines",
    _small("line_index", primary_key=True, autoincrement=False),
    _bytes("payee", index=True),
    Column("category", Integer, nullable=False),
    _units("unit_price_minor"),
    _amount("gross_minor"),
    _amount("commission_minor"),
)
skipped_vouchers = _event(
    events.VoucherSkipped,
    "skipped_vouchers",
    _bytes("agreement_id"),
    _bytes("consumer"),
    _number("period"),
    _units("up_to_units"),
    _units("settled_units"),
)
claims = _event(
    events.BalanceClaimed,
    "claims",
    _bytes("organisation", index=True),
    _bytes("receiver"),
    _amount("amount_minor"),
)
commission_payouts = _event(events.CommissionPaidOut, "commission_payouts", _amount("amount_minor"))
grants = _event(
    events.Granted, "grants", _bytes("receiver"), _amount("amount_minor"), _bytes("purpose_hash")
)

scheduled_calls = _event(
    events.CallScheduled,
    "scheduled_calls",
    _bytes("operation", index=True),
    _amount("call_index"),
    _bytes("target"),
    _amount("value"),
    _bytes("data"),
    _bytes("predecessor"),
    _amount("delay_seconds"),
)
executed_calls = _event(
    events.CallExecuted,
    "executed_calls",
    _bytes("operation", index=True),
    _amount("call_index"),
    _bytes("target"),
    _amount("value"),
    _bytes("data"),
)
call_salts = _event(events.CallSalt, "call_salts", _bytes("operation"), _bytes("salt"))
cancellations = _event(events.Cancelled, "cancellations", _bytes("operation", index=True))
delay_changes = _event(
    events.MinDelayChange, "delay_changes", _amount("old_seconds"), _amount("new_seconds")
)
role_grants = _event(
    events.RoleGranted, "role_grants", _bytes("role"), _bytes("account"), _bytes("sender")
)
role_revocations = _event(
    events.RoleRevoked, "role_revocations", _bytes("role"), _bytes("account"), _bytes("sender")
)
role_admins = _event(
    events.RoleAdminChanged,
    "role_admins",
    _bytes("role"),
    _bytes("previous_admin_role"),
    _bytes("new_admin_role"),
)

postings = _table(
    "postings",
    _small("posting_index", primary_key=True, autoincrement=False),
    Column("source", Text, nullable=False, index=True),
    Column("target", Text, nullable=False, index=True),
    _amount("amount_minor"),
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
    _number("chain_id"),
    _bytes("genesis_hash"),
    _number("block_number"),
    _bytes("block_hash"),
    _number("block_time"),
)
proven = _single("proven", _number("block_number"), _bytes("block_hash"))
"""The last block up to which every one was compared with its own header and receipts."""
recent_blocks = Table(
    "recent_blocks",
    metadata,
    Column("block_number", BigInteger, primary_key=True, autoincrement=False),
    _bytes("block_hash"),
    _number("block_time"),
    schema="indexing",
)
heartbeat = _single("heartbeat", Column("head_read_at", DateTime(timezone=True), nullable=False))
halt = _single(
    "halt", Column("halted_at", DateTime(timezone=True), nullable=False), _text("reason")
)
"""Why the indexer stopped of itself, if it did: nothing moves until somebody has looked."""
roll_backs = Table(
    "roll_backs",
    metadata,
    _number("generation", primary_key=True, autoincrement=False),
    _number("ancestor_block"),
    schema="indexing",
)
"""How often blocks were taken back, and down to which block each time."""
removed_events = Table(
    "removed_events",
    metadata,
    _number("generation", primary_key=True),
    _number("block_number", primary_key=True),
    Column("log_index", Integer, primary_key=True),
    _text("name"),
    _bytes("block_hash"),
    _number("block_time"),
    _bytes("transaction_hash"),
    Column("arguments", JSONB, nullable=False),
    schema="indexing",
)
"""The events that each roll-back took back."""
FEED_TABLES = (roll_backs, removed_events)
"""What the chain does not tell again: a rebuild keeps them, so that readers' positions hold."""
