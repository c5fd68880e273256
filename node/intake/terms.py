"""A contract document becomes the terms of an agreement."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from node.intake.completion import AgreementCompletion
from protocol.agreement import PriceLine, Terms
from protocol.prometheus_x import ContractReading
from protocol.types import (
    ZERO_HASH,
    AgreementId,
    AmountMinor,
    Category,
    Hash32,
    OrganisationId,
    Units,
    UnixSeconds,
)

DAY_SECONDS = 86_400


def terms_of_contract(
    contract: ContractReading,
    parties_by_role: Mapping[str, OrganisationId],
    completion: AgreementCompletion,
    valid_from: int,
) -> Terms:
    """Terms over the document's own hashes; dates and prices come from the completion."""
    return Terms(
        parties=tuple(sorted(parties_by_role.values())),
        valid_from=UnixSeconds(valid_from),
        valid_until=UnixSeconds(valid_from + completion.validity_days * DAY_SECONDS),
        policy_hash=contract.policy_hash,
        document_hash=contract.document_hash,
        rulebook=Hash32(ZERO_HASH),
        parent=AgreementId(ZERO_HASH),
        salt=Hash32(secrets.token_bytes(32)),
        lines=tuple(
            PriceLine(
                payee=parties_by_role[line.payee],
                category=Category(line.category),
                unit_price=AmountMinor(line.unit_price_minor),
                free_units=Units(line.free_units),
            )
            for line in completion.lines
        ),
    )
