"""What organisations keep of what they are offered, of agreements, and of the use under them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    LargeBinary,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

from node.tables.base import Unsigned64, created_at, metadata

agreement_documents = Table(
    "agreement_documents",
    metadata,
    Column("organisation_id", LargeBinary, primary_key=True),
    Column("agreement_id", LargeBinary, primary_key=True),
    Column("terms", JSONB, nullable=False),
    Column("document", JSONB),
    created_at(),
)

offers = Table(
    "offers",
    metadata,
    Column("organisation_id", LargeBinary, primary_key=True),
    Column("offer_hash", LargeBinary, primary_key=True),
    Column("name", Text, nullable=False),
    Column("entry", JSONB, nullable=False),
    created_at(),
)
"""An organisation's catalogue; the hash is that of the entry's id, which may be any text."""

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
    Column("subtree", LargeBinary, nullable=False),
    Index("ix_node_uses_leaf", "consent_leaf"),
)
"""`subtree` is the root of the largest complete subtree that ends at this use: the root over any
number of uses is made from a few rows (`protocol.growing_tree`)."""

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
    created_at(),
    Index("ix_node_vouchers_agreement", "organisation_id", "agreement_id"),
    Index("ix_node_vouchers_newest", "organisation_id", "created_at", "digest"),
)
