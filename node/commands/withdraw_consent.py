"""Promises to bring a learner's withdrawal to the chain, for a consent of any operator.

Only for an entry that hashes to a leaf that is anchored or waits here to be, signed by its holder:
so nobody can make the relay fill the chain. Asking twice changes nothing, unless what was promised
was in vain: then it is promised anew. Nor does asking for what the chain has already, in a block
that stays.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer.queries.consents import endings_of, is_anchored
from indexer.queries.freshness import read_freshness
from node import tables
from node.commands.gate import waits_to_be_anchored
from node.contracts import Deployment
from node.db import query
from node.outbox import IN_VAIN, Promise, enqueue, lock_promise
from node.problems import Problem, refused
from protocol.entries import Entry, leaf_of
from protocol.errors import WithdrawalSignatureInvalid
from protocol.signatures import is_signed_by
from protocol.signing import withdrawal_digest
from protocol.slip import Slip
from protocol.types import Leaf, to_hex

_RELAY_STATE = text("SELECT state FROM node.relay_state(:leaf)")


async def withdraw_consent(
    connection: AsyncConnection,
    deployment: Deployment,
    entry: Entry,
    signature: bytes,
    finality_blocks: int,
) -> Leaf:
    """The leaf. Raises a problem for a foreign signature or an unknown leaf."""
    leaf = leaf_of(entry)
    registry = deployment.address_bytes("ConsentRegistry")
    digest = withdrawal_digest(leaf, deployment.chain_id, registry)
    if not is_signed_by(entry.holder, digest, signature):
        raise refused(WithdrawalSignatureInvalid(holder=entry.holder, leaf=leaf), "signature")
    anchored = await query(connection, is_anchored, leaf)
    if not anchored and not await waits_to_be_anchored(connection, leaf):
        remedy = "Check the entry; a consent that was never anchored needs no withdrawal."
        detail = f"No consent has the leaf {to_hex(leaf)}, neither on chain nor waiting here."
        raise Problem.of("consent-not-found", detail, remedy).about("entry")
    accepted = await connection.execute(
        insert(tables.withdrawals)
        .values(leaf=leaf, holder=entry.holder, signature=signature)
        .on_conflict_do_nothing()
        .returning(tables.withdrawals.c.leaf)
    )
    is_due = accepted.first() is not None or await _was_in_vain(connection, leaf)
    if is_due and not await _is_ended_for_good(connection, leaf, entry.holder, finality_blocks):
        payload = {"holder": to_hex(entry.holder), "signature": to_hex(signature)}
        await enqueue(connection, "withdraw", [Promise(leaf, payload)], None)
    return leaf


async def _was_in_vain(connection: AsyncConnection, leaf: Leaf) -> bool:
    """Whether the newest act that was to withdraw the leaf will never be carried out. Of several
    who ask at the same time the first promises it anew, and the others find that promise."""
    await lock_promise(connection, "withdraw", leaf)
    state = await connection.scalar(_RELAY_STATE, {"leaf": leaf})
    return state in IN_VAIN


async def _is_ended_for_good(
    connection: AsyncConnection, leaf: Leaf, holder: bytes, finality_blocks: int
) -> bool:
    """Whether the holder ended the leaf in a final block: an ending that may be taken back is
    promised all the same, since then it is this node that brings it to the chain again."""
    endings = await query(connection, endings_of, leaf, [holder])
    if not endings:
        return False
    head = (await query(connection, read_freshness)).block
    return endings[0].block_number <= head.block_number - finality_blocks


def check_slip(slip: Slip, deployment: Deployment) -> None:
    """Raises a problem unless the slip is for this ledger."""
    registry = deployment.address_bytes("ConsentRegistry")
    if slip.chain_id != deployment.chain_id or slip.registry != registry:
        detail = (
            f"The slip is for registry {to_hex(slip.registry)} on chain {slip.chain_id}; this node "
            f"serves {to_hex(registry)} on chain {deployment.chain_id}."
        )
        remedy = "Hand the slip to an operator of that chain."
        raise Problem.of("slip-of-another-ledger", detail, remedy).about("slip")
