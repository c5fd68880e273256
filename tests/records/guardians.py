"""A minor's record, signed by the minor and by a parent or guardian."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from node.intake.records import make_entry
from protocol.holder_keys import address_of
from protocol.record import Record
from protocol.signatures import sign_digest
from protocol.signing import consent_grant_digest
from protocol.types import AccountAddress
from tests.records.two_nodes import TwoNodes


def guarded(nodes: TwoNodes, secret: bytes, guardian: bytes, **changes: Any) -> Record:
    """A minor's record: its document, with these changes, names the guardian; both have signed."""
    alone = nodes.make_record(secret)
    named = replace(alone.document, guardian=AccountAddress(address_of(guardian)), **changes)
    parts = alone.entry
    entry, blinding = make_entry(
        *(named, parts.agreement_id, parts.issuer, parts.holder),
        *(parts.valid_from, parts.valid_until),
    )
    digest = consent_grant_digest(entry, alone.chain_id, alone.registry)
    return replace(
        alone,
        document=named,
        entry=entry,
        blinding=blinding,
        grant_signature=sign_digest(secret, digest),
        guardian_signature=sign_digest(guardian, digest),
    )
