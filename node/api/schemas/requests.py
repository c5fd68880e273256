"""Shapes of a consent request as the learner sees it, who holds its link."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from node.api.rule_schemas import DocumentObject, RecordObject
from node.api.schemas.base import Address, Hash, Shape
from node.api.schemas.consent_requests import AssuranceName, StateName
from node.api.schemas.consents import QueuedConsent
from protocol.consent_request import PURPOSES_MAX


class AskingOrganisation(Shape):
    """Who asks: its DID as the chain has it, and its name as the node's operator wrote it."""

    organisation_id: Address
    did: str
    name: str
    admitted: bool = Field(description="On the chain, and not suspended.")


class AskedPurpose(Shape):
    """A purpose, and the document to commit to: exactly these fields, with the assurance that the
    answer proves. `digests` are its SHA-256 (RFC 8785) at each assurance that is enough."""

    purpose: str
    document: DocumentObject
    digests: dict[AssuranceName, Hash]


class RequestSeen(Shape):
    """All that a browser needs to compose the records itself: an entry of this agreement, issuer
    and validity for each purpose chosen, each with a one-time key of its own. The purposes are
    shown while the request is open."""

    state: StateName
    asking: AskingOrganisation
    expires_at: int
    agreement_id: Hash
    valid_from: int
    valid_until: int
    minimum_assurance: AssuranceName = Field(
        description="The least that the answer must prove; a learner's is `signed` at least."
    )
    guardian_signs: bool = Field(
        description="Each document must name a guardian, who signs each record along."
    )
    chain_id: int
    registry: Address
    operator_did: str
    group_id: str
    notice: dict[str, Any]
    recipients: list[str]
    recipient_names: list[str | None] = Field(
        description="In the same order; null for an organisation that this node does not host."
    )
    purposes: list[AskedPurpose]


class GrantRequest(Shape):
    """A record for each purpose chosen, as `protocol/schemas/record.json` describes it; the other
    purposes are refused by that."""

    records: Annotated[
        list[RecordObject],
        Field(json_schema_extra={"minItems": 1, "maxItems": PURPOSES_MAX}),
    ]


class GrantedRequest(Shape):
    """The consents, in the order of the records; `refused` names the purposes that were not
    chosen."""

    consents: list[QueuedConsent]
    refused: list[str]


class RefusedRequest(Shape):
    """Nothing is granted, and the link is used up."""

    state: StateName = "refused"
