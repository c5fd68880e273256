"""Shapes of agreements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from indexer.queries.agreements import AgreementRow
from indexer.queries.history import Fact
from node.api.schemas.base import (
    Address,
    AsOf,
    Hash,
    ProvenBy,
    Shape,
    Signature,
    StoredJson,
    Uint64,
    UnixTime,
)
from node.api.schemas.consents import HistoryFact
from node.commands.sign_agreement import PromisedSignature
from protocol.agreement import AgreementStatus, PriceLine, Terms
from protocol.types import (
    AgreementId,
    AmountMinor,
    Category,
    Hash32,
    OrganisationId,
    Units,
    UnixSeconds,
)

ZERO_HASH = bytes(32)


class PriceLineShape(Shape):
    """`unitPrice` in base units of the token; `freeUnits` in each period cost nothing."""

    payee: Address
    category: Annotated[int, Field(ge=0, le=2**16 - 1)]
    unit_price: Uint64
    free_units: Uint64 = 0


class TermsShape(Shape):
    """What the parties sign; `parties` are organisation ids, strictly ascending."""

    parties: Annotated[list[Address], Field(min_length=2, max_length=32)]
    valid_from: UnixTime
    valid_until: UnixTime
    policy_hash: Hash
    document_hash: Hash
    rulebook: Hash = ZERO_HASH
    parent: Hash = ZERO_HASH
    salt: Hash
    lines: Annotated[list[PriceLineShape], Field(max_length=32)]

    def to_terms(self) -> Terms:
        """As the protocol has them."""
        return Terms(
            parties=tuple(OrganisationId(party) for party in self.parties),
            valid_from=UnixSeconds(self.valid_from),
            valid_until=UnixSeconds(self.valid_until),
            policy_hash=Hash32(self.policy_hash),
            document_hash=Hash32(self.document_hash),
            rulebook=Hash32(self.rulebook),
            parent=AgreementId(self.parent),
            salt=Hash32(self.salt),
            lines=tuple(
                PriceLine(
                    payee=OrganisationId(line.payee),
                    category=Category(line.category),
                    unit_price=AmountMinor(line.unit_price),
                    free_units=Units(line.free_units),
                )
                for line in self.lines
            ),
        )

    @classmethod
    def of(cls, terms: Terms) -> TermsShape:
        """From the protocol's."""
        return cls(
            parties=list(terms.parties),
            valid_from=terms.valid_from,
            valid_until=terms.valid_until,
            policy_hash=terms.policy_hash,
            document_hash=terms.document_hash,
            rulebook=terms.rulebook,
            parent=terms.parent,
            salt=terms.salt,
            lines=[
                PriceLineShape(
                    payee=line.payee,
                    category=line.category,
                    unit_price=line.unit_price,
                    free_units=line.free_units,
                )
                for line in terms.lines
            ],
        )


class ProposeAgreement(Shape):
    """`document` is the contract document as received; its hashes must be those of the terms.
    It stays with this node."""

    terms: TermsShape
    document: StoredJson | None = None


class ProposedAgreement(Shape):
    """`typedData` is the acceptance that the proposer's wallet signs (eth_signTypedData_v4);
    `GET .../acceptance` gives that of any party."""

    agreement_id: Hash
    state: str
    typed_data: dict[str, Any]


class Acceptance(Shape):
    """What a party's wallet signs (eth_signTypedData_v4) to accept the terms."""

    agreement_id: Hash
    organisation: Address
    typed_data: dict[str, Any]


class SignAgreement(Shape):
    """A party's signature over its acceptance; `signer` is an account of the organisation with the
    scope agree."""

    organisation: Address
    signer: Address
    signature: Signature


class QueuedSignature(Shape):
    """The signature waits to be brought to the chain."""

    agreement_id: Hash
    organisation: Address
    state: str


class Reason(Shape):
    """Why, for whoever has the reason's document: its SHA-256; zero if there is none."""

    reason_hash: Hash = ZERO_HASH


class QueuedChange(Shape):
    """The change waits to be brought to the chain: suspend, resume or terminate."""

    agreement_id: Hash
    organisation: Address
    change: str
    state: str


class KeepDocument(Shape):
    """The contract document as received."""

    document: StoredJson


class KeptDocument(Shape):
    """The node keeps the document for the caller's organisation; it has this hash."""

    agreement_id: Hash
    document_hash: Hash


class AgreementSignature(Shape):
    """A signature on the chain."""

    organisation: Address
    signer: Address
    signed_at: int


class PromisedSignatureShape(Shape):
    """A signature that the caller's organisation sent to this node and that is not on chain:
    `queued`, or `refused` for the reason in `failure`, by the contract or by time."""

    organisation: Address
    signer: Address
    state: str
    failure: dict[str, Any] | None

    @classmethod
    def of(cls, promised: PromisedSignature) -> PromisedSignatureShape:
        """From the outbox."""
        return cls(
            organisation=promised.organisation,
            signer=promised.signer,
            state="refused" if promised.is_refused else "queued",
            failure=promised.failure,
        )


class StateChange(Shape):
    """A state and since when."""

    at: int
    state: str


class Agreement(Shape):
    """An agreement as the chain has it; `status` is what the block's time makes of it.

    With `at`, all is as it was known then, and nothing is promised. `facts` is how it is known:
    every event that `history` and `status` follow from.
    """

    as_of: AsOf
    at: int | None
    proven_by: ProvenBy
    agreement_id: Hash
    status: str
    terms: TermsShape
    signatures: list[AgreementSignature]
    promised_signatures: list[PromisedSignatureShape]
    history: list[StateChange]
    facts: list[HistoryFact]

    @classmethod
    def of(
        cls,
        row: AgreementRow,
        status: AgreementStatus,
        facts: Sequence[Fact],
        past: Mapping[str, Any],
    ) -> Agreement:
        """From the index; `past` has the time that is asked for, and what the answer rests on."""
        at = past["at"]
        return cls(
            **past,
            agreement_id=row.agreement_id,
            status=status.value,
            terms=TermsShape.of(row.terms),
            signatures=[
                AgreementSignature(
                    organisation=signed.organisation,
                    signer=signed.signer,
                    signed_at=signed.signed_at,
                )
                for signed in row.signatures
            ],
            promised_signatures=[],
            history=[
                StateChange(at=at, state=state.name.lower()) for at, state in row.facts.history
            ],
            facts=[HistoryFact.of(fact) for fact in facts if at is None or fact.happened_at <= at],
        )

    def with_promises(self, promised: Sequence[PromisedSignature]) -> Agreement:
        """The same, with what this node has promised beyond the chain."""
        on_chain = {signed.organisation for signed in self.signatures}
        beyond = [each for each in promised if each.organisation not in on_chain]
        shapes = [PromisedSignatureShape.of(each) for each in beyond]
        return self.model_copy(update={"promised_signatures": shapes})


class AgreementNotYetProposed(Shape):
    """An agreement that the chain has now, but did not have at the time that is asked for."""

    as_of: AsOf
    at: int
    proven_by: ProvenBy
    agreement_id: Hash
    status: Literal["unknown"]


class PendingAgreement(Shape):
    """A proposal that this node has promised and the chain does not have yet, or has refused."""

    agreement_id: Hash
    status: str
    failure: dict[str, Any] | None
    promised_signatures: list[PromisedSignatureShape]
