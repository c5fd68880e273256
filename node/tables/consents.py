"""Consents: the records, what was asked and withdrawn, where records went, and what persons ask
for."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    func,
)

from node.tables.base import Unsigned64, created_at, metadata

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
    created_at(),
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

withdrawals = Table(
    "withdrawals",
    metadata,
    Column("leaf", LargeBinary, primary_key=True),
    Column("holder", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("accepted_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
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
    created_at(),
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
    Column("asked_from", LargeBinary),
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
    Index(
        "ix_node_rights_requests_unproven",
        *("organisation_id", "asked_from"),
        postgresql_where="state = 'received' AND token_hash IS NOT NULL",
    ),
)
"""Objections, erasures and other rights: one row a leaf, or one without for who has lost key and
slip."""

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
    created_at(),
    Index(
        "ix_node_deliveries_waiting",
        *("recipient", "kind", "next_attempt_at"),
        postgresql_where="state = 'waiting'",
    ),
    Index(
        "ix_node_deliveries_unconfirmed",
        *("kind", "state", "created_at"),
        postgresql_where="state IN ('waiting', 'refused')",
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
