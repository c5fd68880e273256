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
from protocol.signing import agreement_id_of, consent_grant_digest, sign_digest
from protocol.types import AgreementId, ContractAddress, Hash32, UnixSeconds

DIRECTORY = Path(__file__).resolve().parent.parent / "tests" / "vectors" / "proof_bundles"
CHAIN_ID = 6175
SCHOOL, EMPLOYER = "did:web:school.example", "did:web:employer.example"
SECRET = sha256(b"ptx vector key bundle")
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

Damage = tuple[list[str | int], Any]
OTHER_HASH = "0x" + "ab" * 32
DAMAGES: dict[str, Damage] = {
    "another format": (["format"], "ptx"),
    "no record": (["record"], None),
    "an entry of another type": (["record", "entry"], "0x02" + "00" * 122),
    "another document": (["record", "document", "notice", "language"], "en"),
    "another blinding": (["record", "blinding"], "0x" + "01" * 32),
    "a blinding that is none": (["record", "blinding"], "0x" + "00" * 32),
    "another grant": (["record", "grantSignature"], "0x" + "11" * 64 + "1b"),
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


def whole(assurance: Assurance, *, with_terms: bool, endings: Endings = NOT_ENDED) -> Any:
    """A bundle that nothing is wrong with."""
    agreement = agreement_id_of(TERMS, CHAIN_ID, AGREEMENTS)
    record = _record(assurance, agreement)
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


def _record(assurance: Assurance, agreement: AgreementId) -> Record:
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
    return replace(
        record,
        grant_signature=sign_digest(SECRET, consent_grant_digest(entry, CHAIN_ID, REGISTRY)),
    )


def build_vectors() -> dict[str, str]:
    """All files by their path below tests/vectors, with their text."""
    signed = whole(Assurance.SIGNED, with_terms=True)
    ended = Endings(withdrawn_at=UnixSeconds(1_800_000_500))
    good = {
        "signed": signed,
        "attested": whole(Assurance.ATTESTED, with_terms=False),
        "ended": whole(Assurance.SIGNED, with_terms=True, endings=ended),
    }
    damaged = [
        {"damage": name, "path": path, "value": value, "sections": _said(_damaged(signed, *each))}
        for name, each in DAMAGES.items()
        for path, value in [each]
    ]
    files: dict[str, Any] = {
        name: {"bundle": bundle, "sections": _said(bundle)} for name, bundle in good.items()
    }
    files["damaged"] = {"of": "signed", "cases": damaged}
    return {
        f"proof_bundles/{name}.json": json.dumps(value, indent=2, ensure_ascii=False) + "\n"
        for name, value in files.items()
    }


def _damaged(bundle: Any, path: list[str | int], value: Any) -> Any:
    damaged = deepcopy(bundle)
    *way, last = path
    place = damaged
    for step in way:
        place = place[step]
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
