"""What people and organisations sign: the ledger's EIP-712 messages.

Each message exists twice: `typed_data_...` gives the JSON object for a wallet's
eth_signTypedData_v4, `..._digest` the 32 bytes that are signed, which are the digest of that
object. The domain is {name "PTX <Contract>", version "1", chainId, verifyingContract}. Whole
numbers of more than 32 bits are decimal text, because JSON numbers are exact up to 2**53 only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from protocol.agreement import Terms
from protocol.eip712 import (
    Domain,
    StructTypes,
    digest_in_domain,
    digest_of_typed_data,
    domain_separator,
    hash_struct,
    typed_data,
)
from protocol.entries import Entry
from protocol.signatures import address_of, recover_signer, sign_digest
from protocol.terms_json import terms_to_json
from protocol.types import (
    AccountAddress,
    AgreementId,
    Hash32,
    HolderAddress,
    Leaf,
    OrganisationId,
    Period,
    Units,
    to_checksum_address,
    to_hex,
)

__all__ = [
    "Domain",
    "Voucher",
    "acceptance_digest",
    "account_binding_digest",
    "address_of",
    "agreement_id_of",
    "consent_grant_digest",
    "holder_binding_digest",
    "recover_signer",
    "sign_digest",
    "terms_hash",
    "typed_data_acceptance",
    "typed_data_account_binding",
    "typed_data_consent_grant",
    "typed_data_holder_binding",
    "typed_data_terms",
    "typed_data_voucher",
    "typed_data_withdrawal",
    "voucher_digest",
    "withdrawal_digest",
]

DOMAIN_VERSION = "1"

TERMS_TYPES: StructTypes = (
    (
        "Terms",
        (
            ("parties", "address[]"),
            ("validFrom", "uint64"),
            ("validUntil", "uint64"),
            ("policyHash", "bytes32"),
            ("documentHash", "bytes32"),
            ("rulebook", "bytes32"),
            ("parent", "bytes32"),
            ("salt", "bytes32"),
            ("lines", "PriceLine[]"),
        ),
    ),
    (
        "PriceLine",
        (
            ("payee", "address"),
            ("category", "uint16"),
            ("unitPrice", "uint64"),
            ("freeUnits", "uint64"),
        ),
    ),
)
ACCEPTANCE_TYPES: StructTypes = (
    ("Acceptance", (("organisation", "address"), ("terms", "Terms"))),
    *TERMS_TYPES,
)
VOUCHER_TYPES: StructTypes = (
    (
        "Voucher",
        (
            ("agreementId", "bytes32"),
            ("consumer", "address"),
            ("period", "uint32"),
            ("units", "uint64"),
            ("usageRoot", "bytes32"),
        ),
    ),
)
CONSENT_GRANT_TYPES: StructTypes = (
    (
        "ConsentGrant",
        (
            ("entryType", "uint8"),
            ("version", "uint8"),
            ("agreementId", "bytes32"),
            ("issuer", "address"),
            ("holder", "address"),
            ("validFrom", "uint64"),
            ("validUntil", "uint64"),
            ("commitment", "bytes"),
        ),
    ),
)
WITHDRAWAL_TYPES: StructTypes = (("ConsentWithdrawal", (("leaf", "bytes32"),)),)
ACCOUNT_BINDING_TYPES: StructTypes = (
    ("AccountBinding", (("organisation", "address"), ("account", "address"))),
)
HOLDER_BINDING_TYPES: StructTypes = (
    ("HolderBinding", (("agreementId", "bytes32"), ("holder", "address"))),
)


@dataclass(frozen=True, slots=True)
class Voucher:
    """A consumer's word on its use.

    `units` are cumulative within the period; `usage_root` is the root of the RFC 9162 tree over
    exactly that many use leaves.
    """

    agreement_id: AgreementId
    consumer: OrganisationId
    period: Period
    units: Units
    usage_root: Hash32


def typed_data_terms(terms: Terms, chain_id: int, agreement_registry: bytes) -> dict[str, Any]:
    """The terms of an agreement as typed data; nobody signs them but within an acceptance."""
    domain = _domain("AgreementRegistry", chain_id, agreement_registry)
    return typed_data(domain, TERMS_TYPES, terms_to_json(terms))


def terms_hash(terms: Terms) -> Hash32:
    """The EIP-712 hashStruct of an agreement's terms, 32 bytes."""
    return hash_struct(TERMS_TYPES, "Terms", terms_to_json(terms))


def agreement_id_of(terms: Terms, chain_id: int, agreement_registry: bytes) -> AgreementId:
    """The id of the agreement with these terms: their EIP-712 digest, 32 bytes."""
    data = typed_data_terms(terms, chain_id, agreement_registry)
    return AgreementId(digest_of_typed_data(data))


def typed_data_acceptance(
    organisation: OrganisationId, terms: Terms, chain_id: int, agreement_registry: bytes
) -> dict[str, Any]:
    """A party's acceptance of an agreement's terms, for its account with the scope agree.

    It names the party, so that a signature given for one never counts for another.
    """
    message = {
        "organisation": to_checksum_address(organisation),
        "terms": terms_to_json(terms),
    }
    domain = _domain("AgreementRegistry", chain_id, agreement_registry)
    return typed_data(domain, ACCEPTANCE_TYPES, message)


def acceptance_digest(
    organisation: OrganisationId, terms: Terms, chain_id: int, agreement_registry: bytes
) -> Hash32:
    """What a party's account signs to accept the terms, 32 bytes."""
    return digest_of_typed_data(
        typed_data_acceptance(organisation, terms, chain_id, agreement_registry)
    )


def typed_data_voucher(voucher: Voucher, chain_id: int, settlement: bytes) -> dict[str, Any]:
    """A voucher, for an account of the consumer with the scope voucher."""
    message = {
        "agreementId": to_hex(voucher.agreement_id),
        "consumer": to_checksum_address(voucher.consumer),
        "period": voucher.period,
        "units": str(voucher.units),
        "usageRoot": to_hex(voucher.usage_root),
    }
    domain = _domain("UsageSettlement", chain_id, settlement)
    return typed_data(domain, VOUCHER_TYPES, message)


def voucher_digest(voucher: Voucher, chain_id: int, settlement: bytes) -> Hash32:
    """What the consumer's account signs, 32 bytes."""
    return digest_of_typed_data(typed_data_voucher(voucher, chain_id, settlement))


def typed_data_consent_grant(entry: Entry, chain_id: int, registry: bytes) -> dict[str, Any]:
    """A consent's entry, for the holder's key, at the time of granting."""
    message = {
        "entryType": entry.entry_type,
        "version": entry.version,
        "agreementId": to_hex(entry.agreement_id),
        "issuer": to_checksum_address(entry.issuer),
        "holder": to_checksum_address(entry.holder),
        "validFrom": str(entry.valid_from),
        "validUntil": str(entry.valid_until),
        "commitment": to_hex(entry.commitment),
    }
    domain = _domain("ConsentRegistry", chain_id, registry)
    return typed_data(domain, CONSENT_GRANT_TYPES, message)


def consent_grant_digest(entry: Entry, chain_id: int, registry: bytes) -> Hash32:
    """What the holder's key signs to grant, 32 bytes: the digest of the typed data, hashed from
    the values themselves, since it is asked for with each record."""
    message = {
        "entryType": entry.entry_type,
        "version": entry.version,
        "agreementId": entry.agreement_id,
        "issuer": entry.issuer,
        "holder": entry.holder,
        "validFrom": entry.valid_from,
        "validUntil": entry.valid_until,
        "commitment": entry.commitment,
    }
    separator = domain_separator(_domain("ConsentRegistry", chain_id, registry))
    return digest_in_domain(separator, CONSENT_GRANT_TYPES, message)


def typed_data_withdrawal(leaf: Leaf, chain_id: int, registry: bytes) -> dict[str, Any]:
    """The withdrawal of a consent, for the holder's key."""
    domain = _domain("ConsentRegistry", chain_id, registry)
    return typed_data(domain, WITHDRAWAL_TYPES, {"leaf": to_hex(leaf)})


def withdrawal_digest(leaf: Leaf, chain_id: int, registry: bytes) -> Hash32:
    """What the holder's key signs to withdraw, 32 bytes."""
    separator = domain_separator(_domain("ConsentRegistry", chain_id, registry))
    return digest_in_domain(separator, WITHDRAWAL_TYPES, {"leaf": leaf})


def typed_data_account_binding(
    organisation: OrganisationId, account: AccountAddress, chain_id: int, participants: bytes
) -> dict[str, Any]:
    """An account's word that it belongs to an organisation, for the account's own wallet."""
    message = {
        "organisation": to_checksum_address(organisation),
        "account": to_checksum_address(account),
    }
    domain = _domain("ParticipantRegistry", chain_id, participants)
    return typed_data(domain, ACCOUNT_BINDING_TYPES, message)


def account_binding_digest(
    organisation: OrganisationId, account: AccountAddress, chain_id: int, participants: bytes
) -> Hash32:
    """What an account signs to be bound to an organisation, 32 bytes."""
    data = typed_data_account_binding(organisation, account, chain_id, participants)
    return digest_of_typed_data(data)


def typed_data_holder_binding(
    agreement_id: AgreementId, holder: HolderAddress, chain_id: int, registry: bytes
) -> dict[str, Any]:
    """An identified learner's word that a holder key is theirs, for their DID's key."""
    message = {"agreementId": to_hex(agreement_id), "holder": to_checksum_address(holder)}
    domain = _domain("ConsentRegistry", chain_id, registry)
    return typed_data(domain, HOLDER_BINDING_TYPES, message)


def holder_binding_digest(
    agreement_id: AgreementId, holder: HolderAddress, chain_id: int, registry: bytes
) -> Hash32:
    """The 32 bytes that an identified learner's DID key signs as its message."""
    data = typed_data_holder_binding(agreement_id, holder, chain_id, registry)
    return digest_of_typed_data(data)


def _domain(contract: str, chain_id: int, verifying_contract: bytes) -> Domain:
    return Domain(f"PTX {contract}", DOMAIN_VERSION, chain_id, verifying_contract)
