"""Why an act waits or has failed, as the outbox keeps it and the API shows it."""

from __future__ import annotations

from typing import Any

from eth_hash.auto import keccak

from node.refusals import Refusal, refusal_of
from node.sending.chain import Mined
from protocol.errors import WithdrawalSignatureInvalid
from protocol.types import HolderAddress, Leaf

Failure = dict[str, Any]
"""Name, detail, remedy and values of why an act has failed or waits."""

WITHDRAWAL_REFUSED = "0x" + keccak(b"WithdrawalRefused(address,bytes32)").hex()
WORDS_MAX = 300

MINED_IN_VAIN: Failure = {
    "name": "MinedInVain",
    "detail": "Its transaction is in a block, did nothing there, and no contract says why.",
    "remedy": "It is tried anew by itself, once nothing can take that block back.",
    "values": {},
}

EXPIRED: Failure = {
    "name": "ActExpired",
    "detail": "It could not be sent as long as it was valid.",
    "remedy": "Ask anew with a later end.",
    "values": {},
}


NEVER_VALID: Failure = {
    "name": "TransactionInvalid",
    "detail": "A block of this chain has no room for its transaction, however often it is tried.",
    "remedy": "Ask anew for less at once; if it happens again, report it as a fault.",
    "values": {},
}


def failure_of(reason: Refusal) -> Failure:
    """A contract's refusal."""
    return {
        "name": reason.name,
        "detail": reason.sentence,
        "remedy": reason.remedy,
        "values": {name: _json_value(value) for name, value in reason.values.items()},
    }


def node_says(said: str) -> Failure:
    """An answer of the chain's node that is no contract's."""
    return {
        "name": "NodeRefused",
        "detail": f"The chain's node refuses it: {said}"[:WORDS_MAX],
        "remedy": "It is tried again by itself; look at the node where this stays.",
        "values": {},
    }


def malformed(error: Exception) -> Failure:
    """A payload that no call can be made of."""
    return {
        "name": "ActMalformed",
        "detail": f"No call can be made of it: {error!r}"[:WORDS_MAX],
        "remedy": "Ask anew; if it happens again, report it as a fault.",
        "values": {},
    }


def refused_withdrawals(mined: Mined) -> dict[bytes, Failure]:
    """Leaf → why, of the withdrawals in a batch that the registry passed over."""
    refused: dict[bytes, Failure] = {}
    for log in mined.logs:
        if log.topics[0] == WITHDRAWAL_REFUSED:
            holder = HolderAddress(bytes.fromhex(log.topics[1][-40:]))
            leaf = Leaf(bytes.fromhex(log.topics[2][2:]))
            error = WithdrawalSignatureInvalid(holder=holder, leaf=leaf)
            refused[leaf] = failure_of(refusal_of(error))
    return refused


def _json_value(value: Any) -> Any:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    return str(value) if isinstance(value, int) and abs(value) > 2**53 else value
