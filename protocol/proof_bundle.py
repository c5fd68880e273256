"""The proof bundle: one JSON file about one consent, for a verifier who is offline.

    {format "ptx-proof-bundle", version 1, chainId, registry, record, leaf,
     inclusion {issuer, root, size, index, path, firstIndex, anchoredAt, blockNumber,
                transactionHash},
     endings {withdrawnAt, revokedAt, invalidatedAt},        null: not ended by them
     asOf {blockNumber, blockHash, blockTime},
     agreement {agreementId, registry, parties, validFrom, validUntil, history, terms?},
     stateProof?, blockHeader?, seals?}

`build_bundle` writes it, `verify_bundle` reads it section by section. The record proves the
document, the entry, the leaf and the learner's signature; the path proves that the leaf stands
under the root. That the root was anchored, who ended the leaf and where the agreement stands is
the word of the node that wrote the file, unless state proofs, block header and validators' seals
are there and checked: sections that are absent, or that nobody checked, read "not checked".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from protocol.agreement import AgreementFacts, AgreementState, Terms
from protocol.consent import ConsentFacts, Endings
from protocol.entries import leaf_of
from protocol.record import Record
from protocol.record import to_json as record_to_json
from protocol.schemas import validate
from protocol.terms_json import terms_from_json, terms_to_json
from protocol.types import (
    AgreementId,
    ContractAddress,
    Hash32,
    OrganisationId,
    Root,
    UnixSeconds,
    from_hex,
    to_hex,
)

BUNDLE_FORMAT = "ptx-proof-bundle"
BUNDLE_VERSION = 1


@dataclass(frozen=True, slots=True)
class Inclusion:
    """Where the leaf stands: batch, place, path to the root, and the batch's anchor."""

    issuer: OrganisationId
    root: Root
    size: int
    index: int
    path: tuple[Hash32, ...]
    first_index: int
    anchored_at: UnixSeconds
    block_number: int
    transaction_hash: Hash32


@dataclass(frozen=True, slots=True)
class AsOf:
    """The block that the bundle rests on."""

    block_number: int
    block_hash: Hash32
    block_time: UnixSeconds


@dataclass(frozen=True, slots=True)
class AgreementEvidence:
    """What the bundle says of the agreement; with the terms, its id can be checked."""

    agreement_id: AgreementId
    registry: ContractAddress
    facts: AgreementFacts
    terms: Terms | None = None


@dataclass(frozen=True, slots=True)
class ChainProofs:
    """What makes the node's word unnecessary, each where it exists.

    `state_proof`: answers of eth_getProof; `block_header`: its RLP; `seals`: validators'
    addresses and their signatures.
    """

    state_proof: Sequence[dict[str, Any]] | None = None
    block_header: bytes | None = None
    seals: tuple[Sequence[bytes], Sequence[bytes]] | None = None


def build_bundle(
    record: Record,
    inclusion: Inclusion,
    endings: Endings,
    as_of: AsOf,
    agreement: AgreementEvidence,
    *,
    proofs: ChainProofs = ChainProofs(),
) -> dict[str, Any]:
    """The bundle as a JSON value that fits the schema. Raises SchemaInvalid, EntryInvalid."""
    bundle = {
        "format": BUNDLE_FORMAT,
        "version": BUNDLE_VERSION,
        "chainId": record.chain_id,
        "registry": to_hex(record.registry),
        "record": record_to_json(record),
        "leaf": to_hex(leaf_of(record.entry)),
        "inclusion": _inclusion_value(inclusion),
        "endings": {
            "withdrawnAt": endings.withdrawn_at,
            "revokedAt": endings.revoked_at,
            "invalidatedAt": endings.invalidated_at,
        },
        "asOf": {
            "blockNumber": as_of.block_number,
            "blockHash": to_hex(as_of.block_hash),
            "blockTime": as_of.block_time,
        },
        "agreement": _agreement_value(agreement),
        **_proofs_value(proofs),
    }
    validate("proof-bundle", bundle)
    return bundle


def read_inclusion(bundle: dict[str, Any]) -> Inclusion:
    """The inclusion in a bundle that fits the schema."""
    value = bundle["inclusion"]
    return Inclusion(
        issuer=OrganisationId(from_hex(value["issuer"])),
        root=Root(from_hex(value["root"])),
        size=int(value["size"]),
        index=int(value["index"]),
        path=tuple(Hash32(from_hex(node)) for node in value["path"]),
        first_index=int(value["firstIndex"]),
        anchored_at=UnixSeconds(int(value["anchoredAt"])),
        block_number=int(value["blockNumber"]),
        transaction_hash=Hash32(from_hex(value["transactionHash"])),
    )


def read_as_of(bundle: dict[str, Any]) -> AsOf:
    """The block that a bundle rests on; the bundle fits the schema."""
    value = bundle["asOf"]
    return AsOf(
        block_number=int(value["blockNumber"]),
        block_hash=Hash32(from_hex(value["blockHash"])),
        block_time=UnixSeconds(int(value["blockTime"])),
    )


def read_consent_facts(bundle: dict[str, Any]) -> ConsentFacts:
    """What a bundle that fits the schema says of the anchor and the endings."""
    value = bundle["endings"]
    return ConsentFacts(
        anchored_at=read_inclusion(bundle).anchored_at,
        endings=Endings(value["withdrawnAt"], value["revokedAt"], value["invalidatedAt"]),
    )


def read_agreement(bundle: dict[str, Any]) -> AgreementEvidence:
    """What a bundle that fits the schema says of the agreement."""
    value = bundle["agreement"]
    history = tuple(
        (UnixSeconds(int(step["time"])), AgreementState[step["state"].upper()])
        for step in value["history"]
    )
    facts = AgreementFacts(
        parties=tuple(OrganisationId(from_hex(party)) for party in value["parties"]),
        valid_from=UnixSeconds(int(value["validFrom"])),
        valid_until=UnixSeconds(int(value["validUntil"])),
        history=history,
    )
    return AgreementEvidence(
        agreement_id=AgreementId(from_hex(value["agreementId"])),
        registry=ContractAddress(from_hex(value["registry"])),
        facts=facts,
        terms=terms_from_json(value["terms"]) if "terms" in value else None,
    )


def _inclusion_value(inclusion: Inclusion) -> dict[str, Any]:
    return {
        "issuer": to_hex(inclusion.issuer),
        "root": to_hex(inclusion.root),
        "size": inclusion.size,
        "index": inclusion.index,
        "path": [to_hex(node) for node in inclusion.path],
        "firstIndex": inclusion.first_index,
        "anchoredAt": inclusion.anchored_at,
        "blockNumber": inclusion.block_number,
        "transactionHash": to_hex(inclusion.transaction_hash),
    }


def _agreement_value(agreement: AgreementEvidence) -> dict[str, Any]:
    facts = agreement.facts
    value: dict[str, Any] = {
        "agreementId": to_hex(agreement.agreement_id),
        "registry": to_hex(agreement.registry),
        "parties": [to_hex(party) for party in facts.parties],
        "validFrom": str(facts.valid_from),
        "validUntil": str(facts.valid_until),
        "history": [{"time": time, "state": state.name.lower()} for time, state in facts.history],
    }
    if agreement.terms is not None:
        value["terms"] = terms_to_json(agreement.terms)
    return value


def _proofs_value(proofs: ChainProofs) -> dict[str, Any]:
    value: dict[str, Any] = {}
    if proofs.state_proof is not None:
        value["stateProof"] = {"accounts": list(proofs.state_proof)}
    if proofs.block_header is not None:
        value["blockHeader"] = to_hex(proofs.block_header)
    if proofs.seals is not None:
        validators, signatures = proofs.seals
        value["seals"] = {
            "validators": [to_hex(validator) for validator in validators],
            "signatures": [to_hex(signature) for signature in signatures],
        }
    return value
