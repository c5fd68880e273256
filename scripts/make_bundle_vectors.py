"""Writes tests/vectors/proof_bundles/*.json: whole proof files, and each kind of damage.

`protocol.bundle_verification` says what each section of each file is; the pages' own verifier must
say the same. Everything is derived from labels, so a second run writes the same.
"""

from __future__ import annotations

import json
import sys
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from protocol.agreement import AgreementFacts, AgreementState, Terms
from protocol.assurance import Assurance
from protocol.bundle_verification import verify_bundle
from protocol.commitments import blinding_from_bytes, commit
from protocol.consent import Endings
from protocol.entries import Entry, leaf_of
from protocol.hashing import sha256
from protocol.holder_keys import address_of
from protocol.identifiers import organisation_id
from protocol.merkle import inclusion_path, leaf_hash, root_of
from protocol.proof_bundle import AgreementEvidence, AsOf, Inclusion, build_bundle
from protocol.record import Document, Record, document_digest
from protocol.record import from_json as record_from_json
from protocol.signing import agreement_id_of, consent_grant_digest, sign_digest
from protocol.types import (
    AccountAddress,
    AgreementId,
    ContractAddress,
    Hash32,
    UnixSeconds,
    to_hex,
)

DIRECTORY = Path(__file__).resolve().parent.parent / "tests" / "vectors" / "proof_bundles"
CHAIN_ID = 6175
SCHOOL, EMPLOYER = "did:web:school.example", "did:web:employer.example"
SECRET, GUARDIAN, STRANGER = (
    sha256(b"ptx vector key " + name) for name in (b"bundle", b"guardian", b"stranger")
)
REGISTRY = ContractAddress(sha256(b"ptx vector registry")[:20])
AGREEMENTS = ContractAddress(sha256(b"ptx vector agreements")[:20])
ZERO = Hash32(bytes(32))
TERMS = Terms(
    parties=tuple(sorted(organisation_id(did) for did in (SCHOOL, EMPLOYER))),
    valid_from=UnixSeconds(1_790_000_000),
    valid_until=UnixSeconds(1_900_000_000),
    policy_hash=ZERO,
    document_hash=ZERO,
    rulebook=ZERO,
    parent=AgreementId(ZERO),
    salt=ZERO,
    lines=(),
)
AS_OF = AsOf(77, Hash32(sha256(b"ptx vector block")), UnixSeconds(1_800_001_000))
BATCH, PLACE = 7, 4
NOT_ENDED = Endings()

REMOVED = object()
Change = tuple[list[str | int], Any]
"""Where in a bundle, and what stands there; or nothing does."""
OTHER_HASH = "0x" + "ab" * 32
DAMAGES: dict[str, Change] = {
    "another format": (["format"], "ptx"),
    "no record": (["record"], None),
    "an entry of another type": (["record", "entry"], "0x02" + "00" * 122),
    "another document": (["record", "document", "notice", "language"], "en"),
    "another blinding": (["record", "blinding"], "0x" + "01" * 32),
    "a blinding that is none": (["record", "blinding"], "0x" + "00" * 32),
    "another grant": (["record", "grantSignature"], "0x" + "11" * 64 + "1b"),
    "a grant that is too short": (["record", "grantSignature"], "0x" + "11" * 64),
    "another assurance": (["record", "document", "assurance"], "attested"),
    "another leaf": (["leaf"], OTHER_HASH),
    "another ledger": (["chainId"], 1),
    "another root": (["inclusion", "root"], OTHER_HASH),
    "another sibling": (["inclusion", "path", 0], OTHER_HASH),
    "another place": (["inclusion", "index"], 5),
    "a place outside": (["inclusion", "index"], BATCH),
    "another size": (["inclusion", "size"], 4),
    "a path that is too long": (["inclusion", "path"], [OTHER_HASH] * 8),
    "a path that is too short": (["inclusion", "path"], []),
    "another's batch": (["inclusion", "issuer"], "0x" + "22" * 20),
    "an anchor in the future": (["inclusion", "anchoredAt"], AS_OF.block_time + 1),
    "an anchor in a later block": (["inclusion", "blockNumber"], AS_OF.block_number + 1),
    "an ending in the future": (["endings", "revokedAt"], AS_OF.block_time + 1),
    "another agreement": (["agreement", "agreementId"], OTHER_HASH),
    "other terms": (["agreement", "terms", "salt"], OTHER_HASH),
    "another registry of agreements": (["agreement", "registry"], "0x" + "33" * 20),
    "another validity": (["agreement", "validUntil"], "1900000001"),
    "other parties": (["agreement", "parties", 0], "0x" + "44" * 20),
    "a history out of order": (["agreement", "history", 0, "time"], 1_799_000_000),
}


def whole(
    assurance: Assurance,
    *,
    with_terms: bool,
    endings: Endings = NOT_ENDED,
    guardian: bytes | None = None,
) -> Any:
    """A bundle that nothing is wrong with; `guardian` is the key of who signs along."""
    agreement = agreement_id_of(TERMS, CHAIN_ID, AGREEMENTS)
    record = _record(assurance, agreement, guardian)
    leaves = [leaf_hash(bytes([number])) for number in range(BATCH)]
    leaves[PLACE] = leaf_of(record.entry)
    inclusion = Inclusion(
        issuer=record.entry.issuer,
        root=root_of(leaves),
        size=BATCH,
        index=PLACE,
        path=inclusion_path(leaves, PLACE),
        first_index=64,
        anchored_at=UnixSeconds(1_800_000_100),
        block_number=70,
        transaction_hash=Hash32(sha256(b"ptx vector transaction")),
    )
    history = (
        (UnixSeconds(1_798_000_000), AgreementState.PROPOSED),
        (UnixSeconds(1_798_000_500), AgreementState.ACTIVE),
    )
    facts = AgreementFacts(TERMS.parties, TERMS.valid_from, TERMS.valid_until, history)
    evidence = AgreementEvidence(agreement, AGREEMENTS, facts, TERMS if with_terms else None)
    return build_bundle(record, inclusion, endings, AS_OF, evidence)


def damages_of_guarded(bundle: Any) -> dict[str, list[Change]]:
    """What may be done to two signatures that stand together."""
    record = record_from_json(bundle["record"])
    digest = consent_grant_digest(record.entry, CHAIN_ID, REGISTRY)
    guardian: list[str | int] = ["record", "document", "guardian"]
    along: list[str | int] = ["record", "guardianSignature"]
    grant: list[str | int] = ["record", "grantSignature"]
    by_holder, by_guardian = bundle["record"]["grantSignature"], bundle["record"][along[1]]
    by_stranger = to_hex(sign_digest(STRANGER, digest))
    return {
        "a guardian's signature by another key": [(along, by_stranger)],
        "a guardian's signature that is none": [(along, "0x" + "11" * 64 + "1b")],
        "a guardian's signature with v from zero": [(along, _from_zero(by_guardian))],
        "a grant with v from zero": [(grant, _from_zero(by_holder))],
        "a guardian's signature that is too short": [(along, by_guardian[:-2])],
        "the holder's signature in both places": [(along, by_holder)],
        "the guardian's signature in both places": [(grant, by_guardian)],
        "the signatures swapped": [(grant, by_guardian), (along, by_holder)],
        "the guardian's signature removed": [(along, REMOVED)],
        "the holder's signature removed": [(grant, REMOVED)],
        "the guardian's name removed": [(guardian, REMOVED)],
        "the guardian removed": [(guardian, REMOVED), (along, REMOVED)],
        "another guardian, who signed": [
            (guardian, to_hex(address_of(STRANGER))),
            (along, by_stranger),
        ],
        "the guardian in capitals": [(guardian, "0x" + to_hex(address_of(GUARDIAN))[2:].upper())],
    }


def _from_zero(signature: str) -> str:
    """The same with the v that some wallets give, which no record has."""
    return f"{signature[:-2]}{int(signature[-2:], 16) - 27:02x}"


def _record(assurance: Assurance, agreement: AgreementId, guardian: bytes | None) -> Record:
    document = Document(
        receipt={
            "record": {"schemaVersion": "0.2.0", "recordId": "r-1", "piiPrincipalId": "learner"},
            "piiProcessing": {
                "privacyNotice": "https://school.example/notices/4",
                "language": "fr",
                "purposes": [{"purpose": "Partager le diplôme", "lawfulBasis": "consent"}],
            },
            "event": [
                {
                    "eventTime": "2026-09-01T08:30:00.000Z",
                    "validityDuration": "0",
                    "eventType": "explicit",
                    "eventState": "consent given",
                }
            ],
            "partyIdentification": [
                {"partyId": f"https://catalogue.example/{kind}", "partyType": kind}
                for kind in ("provider", "consumer")
            ],
        },
        notice={"reference": "https://school.example/notices/4", "language": "fr"},
        recipients=(EMPLOYER,),
        assurance=assurance,
        guardian=None if guardian is None else AccountAddress(address_of(guardian)),
    )
    blinding = blinding_from_bytes(sha256(b"ptx vector blinding"))
    entry = Entry(
        agreement_id=agreement,
        issuer=organisation_id(SCHOOL),
        holder=address_of(SECRET),
        valid_from=UnixSeconds(1_800_000_000),
        valid_until=UnixSeconds(1_830_000_000),
        commitment=commit(document_digest(document), blinding),
    )
    record = Record(CHAIN_ID, REGISTRY, document, blinding, entry)
    if assurance is Assurance.ATTESTED:
        return record
    digest = consent_grant_digest(entry, CHAIN_ID, REGISTRY)
    return replace(
        record,
        grant_signature=sign_digest(SECRET, digest),
        guardian_signature=None if guardian is None else sign_digest(guardian, digest),
    )


def build_vectors() -> dict[str, str]:
    """All files by their path below tests/vectors, with their text."""
    signed = whole(Assurance.SIGNED, with_terms=True)
    guarded = whole(Assurance.SIGNED, with_terms=True, guardian=GUARDIAN)
    ended = Endings(withdrawn_at=UnixSeconds(1_800_000_500))
    bundles = {
        "signed": signed,
        "attested": whole(Assurance.ATTESTED, with_terms=False),
        "ended": whole(Assurance.SIGNED, with_terms=True, endings=ended),
        "guarded": guarded,
        "guarded_by_holder": whole(Assurance.SIGNED, with_terms=True, guardian=SECRET),
    }
    files: dict[str, Any] = {
        name: {"bundle": bundle, "sections": _said(bundle)} for name, bundle in bundles.items()
    }
    damages = {name: [change] for name, change in DAMAGES.items()}
    damages["a guardian's signature, and none named"] = [
        (["record", "guardianSignature"], guarded["record"]["guardianSignature"])
    ]
    files["damaged"] = _damaged_file("signed", signed, damages)
    files["damaged_guarded"] = _damaged_file("guarded", guarded, damages_of_guarded(guarded))
    return {
        f"proof_bundles/{name}.json": json.dumps(value, indent=2, ensure_ascii=False) + "\n"
        for name, value in files.items()
    }


def _damaged_file(of: str, bundle: Any, damages: dict[str, list[Change]]) -> dict[str, Any]:
    """A change without a value takes away what stands at its path."""
    cases = [
        {
            "damage": name,
            "changes": [
                {"path": path} if value is REMOVED else {"path": path, "value": value}
                for path, value in changes
            ],
            "sections": _said(_damaged(bundle, changes)),
        }
        for name, changes in damages.items()
    ]
    return {"of": of, "cases": cases}


def _damaged(bundle: Any, changes: list[Change]) -> Any:
    damaged = deepcopy(bundle)
    for path, value in changes:
        *way, last = path
        place = damaged
        for step in way:
            place = place[step]
        if value is REMOVED:
            del place[last]
        else:
            place[last] = value
    return damaged


def _said(bundle: Any) -> dict[str, str]:
    return {
        section.name.replace(" ", "-"): section.result.replace(" ", "-")
        for section in verify_bundle(bundle)
    }


def main() -> int:
    """Write the files."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    for name, text in build_vectors().items():
        (DIRECTORY.parent / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
