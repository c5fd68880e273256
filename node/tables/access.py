"""Who may call: organisations hosted here, their keys and people, what they proved, and what was
answered to them."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB

from node.tables.base import created_at, metadata

organisations = Table(
    "organisations",
    metadata,
    Column("organisation_id", LargeBinary, primary_key=True),
    Column("did", Text, nullable=False),
    Column("name", Text, nullable=False),
    created_at(),
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
    created_at(),
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
    created_at(),
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
    created_at(),
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

did_documents = Table(
    "did_documents",
    metadata,
    Column("organisation_id", LargeBinary, primary_key=True),
    Column("document_hash", LargeBinary, primary_key=True),
    Column("document", Text, nullable=False),
    created_at(),
)
"""In canonical form; the chain says which one counts."""

used_tokens = Table(
    "used_tokens",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Index("ix_node_used_tokens_expires_at", "expires_at"),
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
    created_at(),
    Index("ix_node_idempotency_created_at", "created_at"),
)
