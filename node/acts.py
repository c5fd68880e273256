"""Acts of the outbox as contract calls: which rows go together, and what they call."""

from __future__ import annotations

import random
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from web3 import Web3
from web3.contract.contract import ContractFunction

from node.contracts import Deployment
from protocol.padding import padded_size

BATCH_SIZE_MAX = 1_000
WITHDRAWALS_PER_CALL_MAX = 200

_shuffler = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Act:
    """One row of the outbox."""

    outbox_id: int
    organisation_id: bytes | None
    kind: str
    subject: bytes
    payload: dict[str, Any]
    age_seconds: float


def choose_next(waiting: Sequence[Act], batch_seconds: float) -> list[Act]:
    """The acts to send next, oldest first; those of one transaction together.

    Consents of one issuer wait for company for `batch_seconds`, unless enough are there or one of
    them is already withdrawn; a withdrawal goes after the consent that it ends.
    """
    waiting_leaves = {act.subject for act in waiting if act.kind == "anchor"}
    withdrawn = {act.subject for act in waiting if act.kind == "withdraw"}
    for act in waiting:
        if act.kind == "anchor":
            batch = [
                other
                for other in waiting
                if other.kind == "anchor" and other.organisation_id == act.organisation_id
            ][:BATCH_SIZE_MAX]
            full = len(batch) == BATCH_SIZE_MAX
            urgent = any(other.subject in withdrawn for other in batch)
            if full or urgent or act.age_seconds >= batch_seconds:
                return batch
        elif act.kind == "withdraw":
            if act.subject not in waiting_leaves:
                return [
                    other
                    for other in waiting
                    if other.kind == "withdraw" and other.subject not in waiting_leaves
                ][:WITHDRAWALS_PER_CALL_MAX]
        else:
            return [act]
    return []


def call_of(acts: Sequence[Act], web3: Web3, deployment: Deployment) -> ContractFunction:
    """The contract call that carries out acts which `choose_next` put together."""
    first = acts[0]
    payload = first.payload
    functions = deployment.contract(web3, _CONTRACT_OF[first.kind]).functions
    match first.kind:
        case "propose":
            return functions.propose(
                _address(payload["organisation"]), terms_tuple(payload["terms"])
            )
        case "sign":
            organisation, signer = _address(payload["organisation"]), _address(payload["signer"])
            return functions.sign(payload["termsHash"], organisation, signer, payload["signature"])
        case "anchor":
            assert first.organisation_id is not None
            issuer = Web3.to_checksum_address(first.organisation_id)
            return functions.anchor(issuer, pad_leaves([act.subject for act in acts]))
        case "withdraw":
            withdrawals = [_withdrawal(act) for act in acts]
            if len(withdrawals) == 1:
                return functions.withdrawBySignature(withdrawals[0])
            return functions.withdrawManyBySignature(withdrawals)
        case "settle":
            voucher = payload["voucher"]
            return functions.settle(
                terms_tuple(payload["terms"]),
                (
                    voucher["agreementId"],
                    _address(voucher["consumer"]),
                    int(voucher["period"]),
                    int(voucher["units"]),
                    voucher["usageRoot"],
                ),
                int(payload["upTo"]),
                _address(payload["signer"]),
                payload["signature"],
            )
    raise AssertionError(f"unknown kind {first.kind!r} in outbox row {first.outbox_id}")


_CONTRACT_OF = {
    "propose": "AgreementRegistry",
    "sign": "AgreementRegistry",
    "anchor": "ConsentRegistry",
    "withdraw": "ConsentRegistry",
    "settle": "UsageSettlement",
}


def pad_leaves(leaves: list[bytes]) -> list[bytes]:
    """Random leaves up to the next padded size, in random order, so that neither number nor place
    tells which leaves are consents."""
    padded = leaves + [
        secrets.token_bytes(32) for _ in range(padded_size(len(leaves)) - len(leaves))
    ]
    _shuffler.shuffle(padded)
    return padded


def terms_tuple(terms: dict[str, Any]) -> tuple[Any, ...]:
    """Terms from their JSON form to what web3 encodes."""
    return (
        [_address(party) for party in terms["parties"]],
        int(terms["validFrom"]),
        int(terms["validUntil"]),
        terms["policyHash"],
        terms["documentHash"],
        terms["rulebook"],
        terms["parent"],
        terms["salt"],
        [
            (
                _address(line["payee"]),
                int(line["category"]),
                int(line["unitPrice"]),
                int(line["freeUnits"]),
            )
            for line in terms["lines"]
        ],
    )


def _withdrawal(act: Act) -> tuple[Any, ...]:
    signature = bytes.fromhex(act.payload["signature"][2:])
    holder = _address(act.payload["holder"])
    return holder, act.subject, signature[:32], signature[32:64], signature[64]


def _address(text: str) -> str:
    return Web3.to_checksum_address(text)
