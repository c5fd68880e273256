"""Reading a proof bundle without trusting who wrote it: section by section, offline.

`ok` means computed here and found right; `failed` computed and found wrong; `not checked` that
nothing in the file lets a reader compute it, or that it is absent. What is merely the word of
the node that wrote the file says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from protocol.consent import status_at
from protocol.did_key import PublicKey
from protocol.entries import leaf_of
from protocol.errors import ProtocolError
from protocol.merkle import verify_inclusion
from protocol.proof_bundle import (
    read_agreement,
    read_as_of,
    read_consent_facts,
    read_inclusion,
)
from protocol.record import Record, check_record
from protocol.record import from_json as record_from_json
from protocol.schemas import validate
from protocol.signing import agreement_id_of
from protocol.types import to_hex

NODE_WORD = "rests on the word of the node that wrote this file"


class Result(StrEnum):
    """The outcome of one section."""

    OK = "ok"
    FAILED = "failed"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Section:
    """One question to the bundle, its outcome and the reason in words."""

    name: str
    result: Result
    detail: str


def verify_bundle(
    bundle: Any, resolved_keys: Mapping[str, PublicKey] | None = None
) -> list[Section]:
    """Check everything that can be checked offline; one section a question, in reading order.

    Raises nothing: a bundle that cannot be read gives one failed section, `format`.
    """
    try:
        validate("proof-bundle", bundle)
        record = record_from_json(bundle["record"])
        read_agreement(bundle)
    except ProtocolError as error:
        return [Section("format", Result.FAILED, str(error))]
    sections = [Section("format", Result.OK, "ptx-proof-bundle version 1")]
    sections.extend(_record_sections(record, resolved_keys))
    sections.extend(_ask(name, check, bundle, record) for name, check in CHECKS.items())
    sections.extend(_chain_sections(bundle))
    return sections


def is_refuted(sections: list[Section]) -> bool:
    """Whether any section failed."""
    return any(section.result is Result.FAILED for section in sections)


def _record_sections(
    record: Record, resolved_keys: Mapping[str, PublicKey] | None
) -> list[Section]:
    """Document, commitment, signature and assurance: they stand or fall together."""
    try:
        found = check_record(record, resolved_keys)
    except ProtocolError as error:
        return [Section("record", Result.FAILED, str(error))]
    digest = f"digest {to_hex(found.digest)}, and the entry's commitment opens to it"
    sections = [Section("document", Result.OK, digest)]
    if record.grant_signature is None:
        attested = "none: that the learner consented is the issuer's word"
        sections.append(Section("grant signature", Result.NOT_CHECKED, attested))
    else:
        signer = f"by holder {to_hex(record.entry.holder)}"
        sections.append(Section("grant signature", Result.OK, signer))
    if record.document.guardian is not None:
        guardian = f"by guardian {to_hex(record.document.guardian)}"
        sections.append(Section("guardian signature", Result.OK, guardian))
    if found.unchecked:
        open_points = f"proven {found.assurance}; look up {' and '.join(found.unchecked)}"
        sections.append(Section("assurance", Result.NOT_CHECKED, open_points))
    else:
        sections.append(Section("assurance", Result.OK, str(found.assurance)))
    return sections


def _ask(
    name: str, check: Callable[[Any, Record], Section], bundle: Any, record: Record
) -> Section:
    """The section, failed where a value in the file breaks a rule on the way."""
    try:
        return check(bundle, record)
    except ProtocolError as error:
        return Section(name, Result.FAILED, str(error))


def _check_leaf(bundle: Any, record: Record) -> Section:
    same_place = bundle["chainId"] == record.chain_id and _is(bundle["registry"], record.registry)
    if not same_place:
        return Section("leaf", Result.FAILED, "the record is of another chain or registry")
    leaf = leaf_of(record.entry)
    if not _is(bundle["leaf"], leaf):
        return Section("leaf", Result.FAILED, f"the entry's leaf is {to_hex(leaf)}")
    return Section("leaf", Result.OK, to_hex(leaf))


def _check_inclusion(bundle: Any, record: Record) -> Section:
    place = read_inclusion(bundle)
    if place.issuer != record.entry.issuer:
        return Section("inclusion", Result.FAILED, "the batch is not the consent's issuer's")
    leaf = leaf_of(record.entry)
    if not verify_inclusion(leaf, place.index, place.size, place.path, place.root):
        return Section("inclusion", Result.FAILED, "the path does not lead to the root")
    detail = f"leaf {place.index} of {place.size} under root {to_hex(place.root)}"
    return Section("inclusion", Result.OK, detail)


def _check_anchor(bundle: Any, _record: Record) -> Section:
    place, as_of = read_inclusion(bundle), read_as_of(bundle)
    late = place.anchored_at > as_of.block_time or place.block_number > as_of.block_number
    if late:
        return Section("anchor", Result.FAILED, "anchored after the block the file rests on")
    detail = f"anchored at {place.anchored_at} in block {place.block_number}: {NODE_WORD}"
    return Section("anchor", Result.NOT_CHECKED, detail)


def _check_endings(bundle: Any, _record: Record) -> Section:
    as_of = read_as_of(bundle)
    times = {name: at for name, at in bundle["endings"].items() if at is not None}
    if any(at > as_of.block_time for at in times.values()):
        return Section("endings", Result.FAILED, "ended after the block the file rests on")
    told = ", ".join(f"{name} {at}" for name, at in times.items()) or "none"
    detail = f"{told} up to block {as_of.block_number}: {NODE_WORD}"
    return Section("endings", Result.NOT_CHECKED, detail)


def _check_agreement(bundle: Any, record: Record) -> Section:
    evidence = read_agreement(bundle)
    if evidence.agreement_id != record.entry.agreement_id:
        return Section("agreement", Result.FAILED, "it is not the consent's agreement")
    terms = evidence.terms
    if terms is None:
        return Section("agreement", Result.NOT_CHECKED, "the terms are not in the file")
    if agreement_id_of(terms, bundle["chainId"], evidence.registry) != evidence.agreement_id:
        return Section("agreement", Result.FAILED, "the terms have another id")
    stated = evidence.facts
    if (stated.parties, stated.valid_from, stated.valid_until) != (
        terms.parties,
        terms.valid_from,
        terms.valid_until,
    ):
        return Section("agreement", Result.FAILED, "parties or validity are not the terms'")
    return Section(
        "agreement", Result.OK, f"the terms have the id {to_hex(record.entry.agreement_id)}"
    )


def _check_status(bundle: Any, record: Record) -> Section:
    as_of, facts = read_as_of(bundle), read_agreement(bundle).facts
    times = [time for time, _ in facts.history]
    if times != sorted(times):
        return Section("status", Result.FAILED, "the agreement's history is out of order")
    status = status_at(record.entry, read_consent_facts(bundle), facts, as_of.block_time)
    detail = f"{status.state} as of block {as_of.block_number} at {as_of.block_time}"
    return Section("status", Result.NOT_CHECKED, f"{detail}: {NODE_WORD}")


CHECKS: Mapping[str, Callable[[Any, Record], Section]] = {
    "leaf": _check_leaf,
    "inclusion": _check_inclusion,
    "agreement": _check_agreement,
    "anchor": _check_anchor,
    "endings": _check_endings,
    "status": _check_status,
}


def _chain_sections(bundle: Any) -> list[Section]:
    """The proofs that would replace the node's word; this reader does not compute them."""
    named = (("stateProof", "state proof"), ("blockHeader", "block header"), ("seals", "seals"))
    return [
        Section(
            name,
            Result.NOT_CHECKED,
            "present; compare it with the chain's validators" if key in bundle else "absent",
        )
        for key, name in named
    ]


def _is(text: str, value: bytes) -> bool:
    return text.lower() == to_hex(value)
