"""The ledger's messages: their types are those of the contracts, their digests count each field."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from protocol.agreement import PriceLine, Terms
from protocol.eip712 import encode_type
from protocol.signing import (
    ACCEPTANCE_TYPES,
    ACCOUNT_BINDING_TYPES,
    CONSENT_GRANT_TYPES,
    HOLDER_BINDING_TYPES,
    TERMS_TYPES,
    VOUCHER_TYPES,
    WITHDRAWAL_TYPES,
    Voucher,
    acceptance_digest,
    agreement_id_of,
    typed_data_acceptance,
    typed_data_terms,
    typed_data_voucher,
    voucher_digest,
)
from protocol.terms_json import terms_from_json, terms_to_json
from protocol.types import (
    AgreementId,
    AmountMinor,
    Category,
    Hash32,
    OrganisationId,
    Period,
    Units,
    UnixSeconds,
    to_hex,
)

CONTRACT = b"\x0c" * 20
TERMS = Terms(
    parties=(OrganisationId(b"\x01" * 20), OrganisationId(b"\x02" * 20)),
    valid_from=UnixSeconds(1),
    valid_until=UnixSeconds(2**64 - 1),
    policy_hash=Hash32(b"\x03" * 32),
    document_hash=Hash32(b"\x04" * 32),
    rulebook=Hash32(bytes(32)),
    parent=AgreementId(bytes(32)),
    salt=Hash32(b"\x05" * 32),
    lines=(PriceLine(OrganisationId(b"\x01" * 20), Category(1), AmountMinor(2**64 - 1), Units(3)),),
)
VOUCHER = Voucher(
    AgreementId(b"\x06" * 32), OrganisationId(b"\x02" * 20), Period(1), Units(2), Hash32(bytes(32))
)


def test_the_types_are_those_that_the_contracts_hash() -> None:
    written = {
        encode_type(TERMS_TYPES, "Terms"),
        encode_type(ACCEPTANCE_TYPES, "Acceptance"),
        encode_type(VOUCHER_TYPES, "Voucher"),
        encode_type(CONSENT_GRANT_TYPES, "ConsentGrant"),
        encode_type(WITHDRAWAL_TYPES, "ConsentWithdrawal"),
        encode_type(ACCOUNT_BINDING_TYPES, "AccountBinding"),
        encode_type(HOLDER_BINDING_TYPES, "HolderBinding"),
    }
    assert written == {
        "Terms(address[] parties,uint64 validFrom,uint64 validUntil,bytes32 policyHash,"
        "bytes32 documentHash,bytes32 rulebook,bytes32 parent,bytes32 salt,PriceLine[] lines)"
        "PriceLine(address payee,uint16 category,uint64 unitPrice,uint64 freeUnits)",
        "Acceptance(address organisation,Terms terms)"
        "PriceLine(address payee,uint16 category,uint64 unitPrice,uint64 freeUnits)"
        "Terms(address[] parties,uint64 validFrom,uint64 validUntil,bytes32 policyHash,"
        "bytes32 documentHash,bytes32 rulebook,bytes32 parent,bytes32 salt,PriceLine[] lines)",
        "Voucher(bytes32 agreementId,address consumer,uint32 period,uint64 units,"
        "bytes32 usageRoot)",
        "ConsentGrant(uint8 entryType,uint8 version,bytes32 agreementId,address issuer,"
        "address holder,uint64 validFrom,uint64 validUntil,bytes commitment)",
        "ConsentWithdrawal(bytes32 leaf)",
        "AccountBinding(address organisation,address account)",
        "HolderBinding(bytes32 agreementId,address holder)",
    }


def test_every_field_of_the_terms_changes_the_id() -> None:
    line = TERMS.lines[0]
    variants = [
        TERMS,
        replace(TERMS, parties=(*TERMS.parties, OrganisationId(b"\x09" * 20))),
        replace(TERMS, valid_from=UnixSeconds(2)),
        replace(TERMS, valid_until=UnixSeconds(2)),
        replace(TERMS, policy_hash=Hash32(bytes(32))),
        replace(TERMS, document_hash=Hash32(bytes(32))),
        replace(TERMS, rulebook=Hash32(b"\x01" * 32)),
        replace(TERMS, parent=AgreementId(b"\x01" * 32)),
        replace(TERMS, salt=Hash32(bytes(32))),
        replace(TERMS, lines=()),
        replace(TERMS, lines=(line, line)),
        replace(TERMS, lines=(replace(line, category=Category(2)),)),
        replace(TERMS, lines=(replace(line, free_units=Units(4)),)),
    ]
    ids = {agreement_id_of(terms, 1, CONTRACT) for terms in variants}
    assert len(ids) == len(variants)
    assert agreement_id_of(TERMS, 2, CONTRACT) not in ids
    assert agreement_id_of(TERMS, 1, bytes(20)) not in ids


def test_an_acceptance_counts_for_its_party_its_terms_and_its_registry_alone() -> None:
    first, second = TERMS.parties
    digests = {
        acceptance_digest(first, TERMS, 1, CONTRACT),
        acceptance_digest(second, TERMS, 1, CONTRACT),
        acceptance_digest(first, replace(TERMS, salt=Hash32(bytes(32))), 1, CONTRACT),
        acceptance_digest(first, TERMS, 2, CONTRACT),
        acceptance_digest(first, TERMS, 1, bytes(20)),
        Hash32(agreement_id_of(TERMS, 1, CONTRACT)),
    }
    assert len(digests) == 6


def test_every_field_of_a_voucher_changes_its_digest() -> None:
    variants = [
        VOUCHER,
        replace(VOUCHER, agreement_id=AgreementId(bytes(32))),
        replace(VOUCHER, consumer=OrganisationId(bytes(20))),
        replace(VOUCHER, period=Period(2)),
        replace(VOUCHER, units=Units(3)),
        replace(VOUCHER, usage_root=Hash32(b"\x01" * 32)),
    ]
    assert len({voucher_digest(voucher, 1, CONTRACT) for voucher in variants}) == len(variants)


def test_typed_data_survives_json_exactly() -> None:
    for data in (
        typed_data_terms(TERMS, 1, CONTRACT),
        typed_data_acceptance(TERMS.parties[0], TERMS, 1, CONTRACT),
        typed_data_voucher(VOUCHER, 1, CONTRACT),
    ):
        assert json.loads(json.dumps(data)) == data
        numbers = [value for value in data["message"].values() if isinstance(value, int)]
        assert all(number < 2**53 for number in numbers)


def test_terms_read_back_from_json() -> None:
    assert terms_from_json(terms_to_json(TERMS)) == TERMS


def test_golden_terms_have_the_golden_id(vectors: Any) -> None:
    case = vectors("eip712")["terms"]
    data = case["typedData"]
    terms = terms_from_json(data["message"])
    contract = bytes.fromhex(data["domain"]["verifyingContract"][2:])
    assert to_hex(agreement_id_of(terms, data["domain"]["chainId"], contract)) == case["digest"]
