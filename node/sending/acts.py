"""Acts of the outbox as contract calls: which rows go together, and what they call."""

from __future__ import annotations

import random
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from web3 import Web3
from web3.contract.contract import Contract, ContractFunction

from node.contracts import Deployment
from node.sending.chain import Request
from protocol import contracts as artifacts
from protocol.padding import padded_size

BATCH_SIZE_MAX = 1_000
ISSUERS_MAX = 20
WITHDRAWALS_PER_CALL_MAX = 200

_shuffler = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Act:
    """One row of the outbox. What has the same `order_key` (a leaf, an agreement) is carried out
    one after the other; `attempts` counts how often it was tried; `expires_at` in Unix seconds;
    `failure` says why it waits."""

    outbox_id: int
    organisation_id: bytes | None
    kind: str
    subject: bytes
    order_key: bytes
    attempts: int
    age_seconds: float
    expires_at: int | None = None
    failure: Mapping[str, Any] | None = None


def choose_next(
    waiting: Sequence[Act],
    held: Collection[bytes],
    batch_seconds: float,
    others_may: bool = True,
    withdrawals_may: bool = True,
) -> list[Act]:
    """The acts to send next, oldest first; those of one transaction together.

    Nothing overtakes an older act with its key, nor what holds its key. Consents of one issuer
    wait for company for `batch_seconds`, unless enough are there or one of them is already
    withdrawn; several issuers whose time has come share a transaction, as long as none of them was
    tried in vain. Withdrawals, or all others, may have to stay for now.
    """
    free, followed = _first_of_each_key(waiting, held)
    by_issuer: dict[bytes, list[Act]] = {}
    for act in free:
        if act.kind == "anchor":
            assert act.organisation_id is not None, act.outbox_id
            by_issuer.setdefault(act.organisation_id, []).append(act)
    batches = {
        issuer: acts[: _size_max(acts, BATCH_SIZE_MAX)] for issuer, acts in by_issuer.items()
    }
    for act in free:
        if not (withdrawals_may if act.kind == "withdraw" else others_may):
            continue
        if act.kind == "anchor":
            assert act.organisation_id is not None, act.outbox_id
            if _is_ready(batches[act.organisation_id], followed, batch_seconds):
                return _with_other_issuers(act.organisation_id, batches, followed, batch_seconds)
        elif act.kind == "withdraw":
            withdrawals = [other for other in free if other.kind == "withdraw"]
            return withdrawals[: _size_max(withdrawals, WITHDRAWALS_PER_CALL_MAX)]
        else:
            return [act]
    return []


def _first_of_each_key(
    waiting: Sequence[Act], held: Collection[bytes]
) -> tuple[list[Act], set[bytes]]:
    """The acts that nothing older holds back, and the keys that others wait for."""
    free: list[Act] = []
    seen, followed = set(held), set()
    for act in waiting:
        if act.order_key in seen:
            followed.add(act.order_key)
        else:
            free.append(act)
        seen.add(act.order_key)
    return free, followed


def _size_max(acts: Sequence[Act], most: int) -> int:
    """Half as many after each attempt in vain, down to one."""
    return max(1, most >> max((act.attempts for act in acts[:most]), default=0))


def _is_ready(batch: Sequence[Act], followed: Collection[bytes], batch_seconds: float) -> bool:
    return (
        len(batch) >= BATCH_SIZE_MAX
        or batch[0].age_seconds >= batch_seconds
        or any(act.order_key in followed for act in batch)
    )


def _with_other_issuers(
    first: bytes,
    batches: Mapping[bytes, Sequence[Act]],
    followed: Collection[bytes],
    batch_seconds: float,
) -> list[Act]:
    chosen = list(batches[first])
    if any(act.attempts for act in chosen):
        return chosen
    issuers = 1
    for issuer, batch in batches.items():
        fits = issuers < ISSUERS_MAX and len(chosen) + len(batch) <= BATCH_SIZE_MAX
        is_fresh = not any(act.attempts for act in batch)
        if issuer != first and fits and is_fresh and _is_ready(batch, followed, batch_seconds):
            chosen += batch
            issuers += 1
    return chosen


def request_of(acts: Sequence[Act], payloads: Mapping[int, Any], deployment: Deployment) -> Request:
    """What the transaction of acts that `choose_next` put together calls."""
    contract = _CONTRACT_OF[acts[0].kind]
    calls = [function._encode_transaction_data() for function in _calls(acts, payloads)]
    if len(calls) > 1:
        functions = _contract(contract).functions
        calls = [functions.multicall(calls)._encode_transaction_data()]
    return Request(deployment.address_bytes(contract), bytes.fromhex(calls[0][2:]))


@cache
def _contract(name: str) -> type[Contract]:
    """To encode calls of it: at no address."""
    return Web3().eth.contract(abi=artifacts.abi(name))


def _calls(acts: Sequence[Act], payloads: Mapping[int, Any]) -> list[ContractFunction]:
    first = acts[0]
    payload = payloads[first.outbox_id]
    functions = _contract(_CONTRACT_OF[first.kind]).functions
    match first.kind:
        case "propose":
            return [
                functions.propose(_address(payload["organisation"]), terms_tuple(payload["terms"]))
            ]
        case "sign":
            organisation, signer = _address(payload["organisation"]), _address(payload["signer"])
            return [
                functions.sign(payload["termsHash"], organisation, signer, payload["signature"])
            ]
        case "suspend" | "terminate":
            end = functions.suspend if first.kind == "suspend" else functions.terminate
            return [end(first.subject, _address(payload["organisation"]), payload["reasonHash"])]
        case "resume":
            return [functions.resume(first.subject, _address(payload["organisation"]))]
        case "anchor":
            leaves: dict[bytes, list[bytes]] = {}
            for act in acts:
                assert act.organisation_id is not None, act.outbox_id
                leaves.setdefault(act.organisation_id, []).append(act.subject)
            return [
                functions.anchor(Web3.to_checksum_address(issuer), pad_leaves(own))
                for issuer, own in leaves.items()
            ]
        case "withdraw":
            withdrawals = [_withdrawal(act, payloads[act.outbox_id]) for act in acts]
            if len(withdrawals) == 1:
                return [functions.withdrawBySignature(withdrawals[0])]
            return [functions.withdrawManyBySignature(withdrawals)]
        case "settle":
            voucher = payload["voucher"]
            return [
                functions.settle(
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
            ]
        case "describe":
            return [
                functions.describe(
                    _address(payload["organisation"]),
                    payload["serviceAddress"],
                    payload["didDocumentHash"],
                )
            ]
    raise AssertionError(f"unknown kind {first.kind!r} in outbox row {first.outbox_id}")


_CONTRACT_OF = {
    "propose": "AgreementRegistry",
    "sign": "AgreementRegistry",
    "suspend": "AgreementRegistry",
    "resume": "AgreementRegistry",
    "terminate": "AgreementRegistry",
    "anchor": "ConsentRegistry",
    "withdraw": "ConsentRegistry",
    "settle": "UsageSettlement",
    "describe": "ParticipantRegistry",
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


def _withdrawal(act: Act, payload: Mapping[str, Any]) -> tuple[Any, ...]:
    signature = bytes.fromhex(payload["signature"][2:])
    holder = _address(payload["holder"])
    return holder, act.subject, signature[:32], signature[32:64], signature[64]


def _address(text: str) -> str:
    return Web3.to_checksum_address(text)
