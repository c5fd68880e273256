"""Delivers records, and orders to erase them, to the nodes of recipients: at least once.

That a record may have left is committed before it leaves, so that whoever orders an erasure knows
where it may be; a delivery is done only when the recipient's confirmation is verified
and committed. A kill in between repeats the attempt, which the receiver answers as the first time.
Where the recipient's node answers is asked of the chain at each attempt.

A recipient that is away is left alone for a while. What a recipient refuses as a request is sent
again in halves, down to single items, so that none keeps back another.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from indexer.queries.participants import ParticipantRow, find_participant
from node.bootstrap import Node
from node.commands.authority import may_confirm
from node.contracts import Deployment
from node.db import query
from node.delivery_bodies import Item, as_json, body_of, cut, is_about_items
from node.delivery_queue import FAILURE_LENGTH_MAX, Claimed, DeliveryQueue, Outcome
from node.did_documents import DidDocuments, DidDocumentUnknown, service_url
from node.did_keys import DidKeys
from node.operator_identity import NoSigningKey, OperatorIdentity
from node.outgoing import (
    NoAnswer,
    TargetRefused,
    call,
    open_client,
    pause_seconds,
    resolve_target,
)
from node.sealing import SealedRecord, SealError, unseal
from node.secret_files import load_master_key
from protocol.did_document import Jwk
from protocol.errors import TokenInvalid
from protocol.record_delivery import Confirmed, body_claim, confirmation_facts
from protocol.tokens import (
    CONFIRMATION_TYPE,
    Token,
    check_signature,
    check_statement,
    read_token,
)
from protocol.types import ContractAddress, Leaf, OrganisationId, to_hex

RECIPIENTS_AT_ONCE = 8
LOOK_AGAIN_SECONDS = 0.5
ANSWER_BYTES_MAX = 1024 * 1024
REFUSALS_BELIEVED = 6
"""For the receiver's index may be behind: half a minute and six answers tell."""
ROUTES = {"record": "/v1/records", "erasure": "/v1/records/erasures"}
EXPECTED = {"record": Confirmed.STORED, "erasure": Confirmed.ERASED}

_RECORDS = text(
    "SELECT asked.place, found.* FROM"
    " unnest(CAST(:owners AS bytea[]), CAST(:leaves AS bytea[]))"
    " WITH ORDINALITY AS asked (owner, leaf, place)"
    " CROSS JOIN LATERAL node.record_to_deliver(asked.owner, asked.leaf) AS found"
)

logger = structlog.get_logger("records")


class DeliveryFailed(Exception):
    """Nothing of a batch is known to have arrived; the text says why. `words` are the receiver's
    own: for the issuer to read and for no log, since they may repeat what was sent."""

    def __init__(self, reason: str, words: str = "") -> None:
        super().__init__(reason)
        self.words = words

    @property
    def told(self) -> str:
        """What the issuer reads."""
        return f"{self}: {self.words}" if self.words else str(self)


class BatchRefused(DeliveryFailed):
    """The receiver may take some of a batch, but not all of it in one request."""


class _Rest(NamedTuple):
    """A recipient that did not answer so many times in a row, and when it is asked again."""

    failures: int
    until: float


class _Result(msgspec.Struct):
    outcome: str
    reason: str | None = None
    confirmation: str | None = None


class _Results(msgspec.Struct):
    results: list[_Result]


class RecordDelivery:
    """Everything that waits in one node's database."""

    def __init__(
        self,
        database: AsyncEngine,
        deployment: Deployment,
        master_key: bytes,
        identity: OperatorIdentity,
        documents: DidDocuments,
        private_addresses: bool,
    ) -> None:
        self._database = database
        self._deployment = deployment
        self._master_key = master_key
        self._identity = identity
        self._documents = documents
        self._private_addresses = private_addresses
        self._queue = DeliveryQueue(database)
        self._http = open_client()
        self._resting: dict[tuple[bytes, str], _Rest] = {}

    async def run(self) -> None:
        """Until cancelled. Each recipient is waited for by itself."""
        going: dict[tuple[bytes, str], asyncio.Task[None]] = {}
        try:
            while True:
                for key in [key for key, task in going.items() if task.done()]:
                    _report(going.pop(key))
                for key in await self._due():
                    if self._is_resting(key) or key in going:
                        continue
                    if len(going) < RECIPIENTS_AT_ONCE:
                        going[key] = asyncio.create_task(self._deliver_all(*key))
                await asyncio.sleep(LOOK_AGAIN_SECONDS)
        finally:
            for task in going.values():
                task.cancel()
            await asyncio.gather(*going.values(), return_exceptions=True)
            await self._http.aclose()
            await self._documents.close()

    async def _due(self) -> list[tuple[bytes, str]]:
        try:
            return await self._queue.due()
        except SQLAlchemyError as error:
            logger.warning("database_not_reachable", reason=str(error)[:300])
            return []

    def _is_resting(self, key: tuple[bytes, str]) -> bool:
        rest = self._resting.get(key)
        return rest is not None and time.monotonic() < rest.until

    async def _deliver_all(self, recipient: bytes, kind: str) -> None:
        """Batch after batch, until nothing is due or one fails."""
        try:
            while await self.deliver_batch(recipient, kind):
                pass
        except SQLAlchemyError as error:
            logger.warning("database_not_reachable", reason=str(error)[:300])

    async def deliver_batch(self, recipient: bytes, kind: str) -> bool:
        """What is claimed at once; False if nothing was due, or the recipient is away."""
        claimed = await self._queue.claim(recipient, kind)
        if not claimed:
            return False
        key = recipient, kind
        try:
            address = await self._address_of(OrganisationId(recipient))
            leaving = await self._queue.mark_sent(recipient, kind, claimed)
            for part in cut(await self._items(kind, leaving)):
                await self._deliver(OrganisationId(recipient), address, kind, part)
        except (
            *(DeliveryFailed, DidDocumentUnknown, NoSigningKey, NoAnswer),
            *(TargetRefused, TokenInvalid),
        ) as error:
            reason = str(error)
            logger.warning(
                "not_delivered", recipient=recipient.hex(), kind=kind, reason=reason[:300]
            )
            # A receiver's words may quote any record of the batch: kept with another, they would be
            # told to another issuer, and outlive the erasure of what they quote.
            is_alone = len(claimed) == 1
            told = error.told if is_alone and isinstance(error, DeliveryFailed) else reason
            failed = [(each, Outcome.failed(each, told)) for each in claimed]
            await self._queue.write_outcomes(recipient, kind, failed)
            failures = self._resting[key].failures + 1 if key in self._resting else 0
            self._resting[key] = _Rest(failures, time.monotonic() + pause_seconds(failures))
            return False
        self._resting.pop(key, None)
        return True

    async def _deliver(
        self, recipient: OrganisationId, address: str, kind: str, items: Sequence[Item]
    ) -> None:
        """In one request, or in as many as it takes to find the items that are refused."""
        sent, values = zip(*items, strict=True)
        try:
            results = await self._send(recipient, address, kind, values)
        except BatchRefused as error:
            half = len(items) // 2
            if half:
                await self._deliver(recipient, address, kind, items[:half])
                await self._deliver(recipient, address, kind, items[half:])
                return
            # Not for good: it may be a proxy that says so, and not the receiver.
            results = [_Result("later", error.told)]
        await self._judge(recipient, kind, sent, results)

    async def _items(self, kind: str, claimed: Sequence[Claimed]) -> list[Item]:
        """What the body says of each; a record that was erased meanwhile is left out."""
        if kind == "erasure":
            return [
                (each, as_json({"leaf": to_hex(each.leaf), "issuer": to_hex(each.organisation_id)}))
                for each in claimed
            ]
        values = {
            "owners": [each.organisation_id for each in claimed],
            "leaves": [each.leaf for each in claimed],
        }
        async with self._database.connect() as connection:
            rows = (await connection.execute(_RECORDS, values)).all()
        items = []
        for row in rows:
            each = claimed[row.place - 1]
            sealed = SealedRecord(row.sealed_record, row.wrapped_key)
            try:
                opened = unseal(sealed, each.leaf, self._master_key)
            except SealError as error:  # it holds up itself and no other
                logger.error("record_does_not_open", reason=str(error))
                continue
            items.append((each, as_json(json.loads(opened))))
        return items

    async def _address_of(self, recipient: OrganisationId) -> str:
        """Where to send, by the chain; judged, with a key to sign with, before anything counts as
        sent. Raises DeliveryFailed, NoSigningKey, TargetRefused."""
        organisation = await self._participant(recipient)
        if not organisation.service_address:
            raise DeliveryFailed(
                f"{organisation.did} names no service address on chain: its account with the scope "
                "manage calls ParticipantRegistry.describe."
            )
        await self._identity.signing_key()
        await resolve_target(organisation.service_address, self._private_addresses)
        return organisation.service_address

    async def _send(
        self,
        recipient: OrganisationId,
        address: str,
        kind: str,
        values: Sequence[bytes],
    ) -> list[_Result]:
        """Raises BatchRefused, DeliveryFailed and what else keeps a request from its answer."""
        body = body_of(recipient, kind, values)
        token = await self._identity.sign_delivery(address.rstrip("/"), body_claim(body))
        answer = await call(
            *(self._http, "POST", service_url(address, ROUTES[kind]), self._private_addresses),
            ANSWER_BYTES_MAX,
            body,
            {"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
        )
        if answer.status != 200:
            kind_of_failure = BatchRefused if is_about_items(answer.status) else DeliveryFailed
            raise kind_of_failure(f"The receiver answered {answer.status}", _detail(answer.body))
        try:
            results = msgspec.json.decode(answer.body, type=_Results).results
        except msgspec.DecodeError as error:
            raise DeliveryFailed(f"The receiver's answer is no list of results: {error}") from error
        if len(results) != len(values):
            raise DeliveryFailed(f"The receiver answered {len(results)} of {len(values)} items.")
        return results

    async def _participant(self, organisation: OrganisationId) -> ParticipantRow:
        async with self._database.connect() as connection:
            found = await query(connection, find_participant, organisation)
        if found is None:
            raise DeliveryFailed(f"{to_hex(organisation)} is not admitted on this chain.")
        return found

    async def _judge(
        self,
        recipient: OrganisationId,
        kind: str,
        sent: Sequence[Claimed],
        results: Sequence[_Result],
    ) -> None:
        """Verifies each confirmation and writes all outcomes in one transaction."""
        organisation = await self._participant(recipient)
        outcomes = []
        signers: dict[str, tuple[ParticipantRow, Jwk] | DidDocumentUnknown] = {}
        for claimed, result in zip(sent, results, strict=True):
            if result.outcome == EXPECTED[kind]:
                try:
                    token = read_token(result.confirmation or "", CONFIRMATION_TYPE)
                    signer, key = await self._signer_of(token, signers)
                    self._verify(organisation, kind, claimed, token, signer, key)
                    outcome = Outcome("delivered", result.confirmation)
                except (DeliveryFailed, DidDocumentUnknown, TokenInvalid) as error:
                    outcome = Outcome.failed(claimed, str(error))  # of this one, not of the others
            else:
                reason = result.reason or f"The receiver answered {result.outcome}."
                is_refused = kind == "record" and result.outcome == "refused"
                is_final = is_refused and claimed.attempts >= REFUSALS_BELIEVED
                outcome = Outcome.failed(claimed, reason, is_final)
            outcomes.append((claimed, outcome))
        await self._queue.write_outcomes(recipient, kind, outcomes)

    async def _signer_of(
        self, token: Token, signers: dict[str, tuple[ParticipantRow, Jwk] | DidDocumentUnknown]
    ) -> tuple[ParticipantRow, Jwk]:
        """Looked for once, found or not: as a rule one has signed for all of a batch."""
        if token.kid not in signers:
            try:
                found = await self._documents.find_signer(token, "assertionMethod")
                signers[token.kid] = found
            except DidDocumentUnknown as error:
                signers[token.kid] = error
        known = signers[token.kid]
        if isinstance(known, DidDocumentUnknown):
            raise known
        return known

    def _verify(
        self,
        recipient: ParticipantRow,
        kind: str,
        claimed: Claimed,
        token: Token,
        signer: ParticipantRow,
        key: Jwk,
    ) -> None:
        """Raises TokenInvalid or DeliveryFailed unless somebody who may speak for the recipient has
        signed just this to this node."""
        check_signature(token, key)
        now = time.time()
        if not may_confirm(signer, recipient, int(now)):
            raise DeliveryFailed(f"{signer.did} may not confirm for {recipient.did}.")
        facts = confirmation_facts(
            EXPECTED[kind],
            Leaf(claimed.leaf),
            recipient.organisation,
            self._deployment.chain_id,
            ContractAddress(self._deployment.address_bytes("ConsentRegistry")),
        )
        check_statement(token, self._identity.did, facts, now)


def make_record_delivery(node: Node, database: AsyncEngine) -> RecordDelivery:
    """From a node's settings."""
    settings = node.settings
    return RecordDelivery(
        database,
        node.deployment,
        load_master_key(settings.keys_dir),
        OperatorIdentity(settings.operator_did, DidKeys(settings.keys_dir), database),
        DidDocuments(database, settings.webhook_private_addresses),
        settings.webhook_private_addresses,
    )


def _report(done: asyncio.Task[None]) -> None:
    """An error that nobody foresaw; what waits is tried again when it is due."""
    error = None if done.cancelled() else done.exception()
    if error is not None:
        logger.error("delivery_broke_off", exc_info=error)


def _detail(body: bytes) -> str:
    """What a problem document says, cut to what is worth keeping."""
    try:
        detail = json.loads(body).get("detail", "")
    except (ValueError, AttributeError, RecursionError):
        detail = ""
    return str(detail)[:FAILURE_LENGTH_MAX] or "no problem document"
