"""Shapes of consents."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import FailFast, Field, model_validator

from indexer.queries.history import Fact
from node.api.rule_schemas import RecordObject
from node.api.schemas.base import Address, AsOf, EntryBytes, Hash, ProvenBy, Shape
from node.commands.erase_consent import Erasure
from node.commands.gate import GateAnswer

BATCH_SIZE_MAX = 10_000
STATUS_BATCH_MAX = 1_000


class GrantConsents(Shape):
    """Records as `protocol/schemas/record.json` describes them, of any agreements of the caller."""

    # The rule itself judges the number, so that its own words say what is allowed; so there may be
    # a million that are no record, and one of them is told.
    records: Annotated[
        list[RecordObject],
        Field(json_schema_extra={"minItems": 1, "maxItems": BATCH_SIZE_MAX}),
        FailFast(),
    ]


class QueuedConsent(Shape):
    """A consent that waits to be anchored."""

    leaf: Hash
    state: str


class QueuedConsents(Shape):
    """In the order of the request."""

    consents: list[QueuedConsent]


class StatusQuestion(Shape):
    """A leaf that the caller's organisation knows, or a full entry of anybody's."""

    leaf: Hash | None = None
    entry: EntryBytes | None = None

    @model_validator(mode="after")
    def exactly_one(self) -> StatusQuestion:
        """Either is enough, both may differ."""
        if (self.leaf is None) == (self.entry is None):
            raise ValueError("send either leaf or entry")
        return self


class StatusQuestions(Shape):
    """Up to 1,000 at once."""

    consents: Annotated[list[StatusQuestion], Field(min_length=1, max_length=STATUS_BATCH_MAX)]


class Ending(Shape):
    """Who ended it, and when."""

    ended_by: str
    ended_at: int


class ConsentAnswer(Shape):
    """Where a consent stands. `active` is what a gate asks for; `state` says why not.

    States: queued, active, not-yet-valid, expired, withdrawal-pending, withdrawn, revoked,
    invalidated, agreement-not-active, not-anchored.
    """

    leaf: Hash
    state: str
    active: bool
    ended_at: int | None
    ended_by: str | None
    endings: list[Ending]
    agreement_status: str | None
    assurance: str | None

    @classmethod
    def of(cls, leaf: bytes, answer: GateAnswer, assurance: str | None) -> ConsentAnswer:
        """From the gate."""
        status = answer.status
        return cls(
            leaf=leaf,
            state=answer.state,
            active=answer.is_active,
            ended_at=status.ended_at,
            ended_by=status.ended_by,
            endings=[
                Ending(ended_by=ending.ended_by, ended_at=ending.ended_at)
                for ending in status.endings
            ],
            agreement_status=status.agreement_status,
            assurance=assurance,
        )


class ConsentAnswers(Shape):
    """In the order of the questions."""

    as_of: AsOf
    consents: list[ConsentAnswer]


class HistoryFact(Shape):
    """An event that a status follows from, whose doing it was, and where it is on the chain."""

    event: str
    by: Address | None
    happened_at: int
    block_number: int
    log_index: int
    transaction_hash: Hash

    @classmethod
    def of(cls, fact: Fact) -> HistoryFact:
        """From the index."""
        return cls(
            event=fact.event,
            by=fact.by,
            happened_at=fact.happened_at,
            block_number=fact.block_number,
            log_index=fact.log_index,
            transaction_hash=fact.transaction_hash,
        )


class Delivery(Shape):
    """A record, or the order to erase it (`kind`), on its way to the node of a recipient that is
    not hosted here. States: waiting, delivered, refused; cancelled, if it was erased before it was
    sent. `confirmation` is what the recipient's node signed."""

    recipient: Address
    kind: str
    state: str
    attempts: int
    last_failure: str | None
    confirmation: str | None


class ErasureState(Shape):
    """`erasing: N unconfirmed` until the nodes of all recipients have signed, then `erased`."""

    state: str
    unconfirmed: int
    ordered_at: int

    @classmethod
    def of(cls, erasure: Erasure) -> ErasureState:
        """From the tables."""
        ordered_at = int(erasure.ordered_at.timestamp())
        return cls(state=erasure.state, unconfirmed=erasure.unconfirmed, ordered_at=ordered_at)


class OrderedErasure(Shape):
    """The record is erased here, and its erasure on its way to whoever may hold it."""

    leaf: Hash
    erasure: ErasureState


class Consent(Shape):
    """One consent of the caller's organisation, with its record; `failure` says why the contract
    refused to anchor it, if it did. The issuer alone sees `deliveries` and `erasure`.

    With `at`, `status` is where it stood then. `history` is how that is known: every fact until
    then that the status follows from.
    """

    as_of: AsOf
    at: int | None
    proven_by: ProvenBy
    status: ConsentAnswer
    history: list[HistoryFact]
    agreement_id: Hash
    issuer: Address
    holder: Address
    valid_from: int
    valid_until: int
    record: RecordObject | None
    anchoring: dict[str, Any] | None
    failure: dict[str, Any] | None = None
    deliveries: list[Delivery]
    erasure: ErasureState | None = None
