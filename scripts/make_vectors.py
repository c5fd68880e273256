"""Writes tests/vectors/<concept>/<case>.json from the rules in `protocol`.

Solidity, Python and the pages read the same files, so all sides agree on every byte. Everything
is derived from labels, so a second run writes the same. With --check, exit 1 if a file differs.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from protocol import (
    commission,
    commitments,
    eip712,
    holder_keys,
    identifiers,
    merkle,
    padding,
    periods,
    signing,
    slip,
)
from protocol import types as t
from protocol.agreement import PriceLine, Terms
from protocol.entries import Entry, encode_entry, leaf_of
from protocol.hashing import sha256
from protocol.types import to_checksum_address, to_hex

DIRECTORY = Path(__file__).resolve().parent.parent / "tests" / "vectors"
CHAIN_ID = 6175
SCHOOL = "did:ebsi:zt4rBLjCWRTxKc6XQj8tPwm"
EMPLOYER = "did:web:employer.example"
OPERATOR = "did:web:operator.example"

Vector = dict[str, Any]


def secret(label: str) -> bytes:
    """A secret key for tests alone, derived from its label."""
    return sha256(f"ptx vector key {label}".encode())


def hash_of(label: str) -> t.Hash32:
    """A hash derived from its label."""
    return sha256(f"ptx vector hash {label}".encode())


def contract(label: str) -> t.ContractAddress:
    """A contract's address derived from its label."""
    return t.ContractAddress(hash_of(f"contract {label}")[:20])


REGISTRY = contract("ConsentRegistry")


def terms_example() -> Terms:
    """Two parties, two price lines, one with free units."""
    parties = sorted(identifiers.organisation_id(did) for did in (SCHOOL, EMPLOYER))
    lines = (
        PriceLine(parties[0], t.Category(1), t.AmountMinor(250_000), t.Units(100)),
        PriceLine(parties[0], t.Category(7), t.AmountMinor(1), t.Units(0)),
    )
    return Terms(
        parties=tuple(parties),
        valid_from=t.UnixSeconds(1_790_000_000),
        valid_until=t.UnixSeconds(1_900_000_000),
        policy_hash=hash_of("policy"),
        document_hash=hash_of("document"),
        rulebook=hash_of("rulebook"),
        parent=t.AgreementId(t.ZERO_HASH),
        salt=hash_of("salt"),
        lines=lines,
    )


def entry_example(label: str = "one") -> Entry:
    """A consent entry whose holder is the key with this label."""
    terms = terms_example()
    commitment = commitments.commit(hash_of(f"digest {label}"), blinding(label))
    return Entry(
        agreement_id=signing.agreement_id_of(terms, CHAIN_ID, contract("AgreementRegistry")),
        issuer=identifiers.organisation_id(SCHOOL),
        holder=holder_keys.address_of(secret(f"holder {label}")),
        valid_from=t.UnixSeconds(1_800_000_000),
        valid_until=t.UnixSeconds(1_831_536_000),
        commitment=commitment,
    )


def blinding(label: str) -> int:
    """A blinding derived from its label."""
    return commitments.blinding_from_bytes(hash_of(f"blinding {label}"))


def signed(data: Vector, key: bytes) -> Vector:
    """A vector of typed data with every step of its digest and a signature."""
    types = eip712.types_of_typed_data(data)
    primary = data["primaryType"]
    digest = eip712.digest_of_typed_data(data)
    return {
        "typedData": data,
        "encodedType": eip712.encode_type(types, primary),
        "typeHash": to_hex(eip712.type_hash(types, primary)),
        "structHash": to_hex(eip712.hash_struct(types, primary, data["message"])),
        "domainSeparator": to_hex(eip712.hash_struct(types, "EIP712Domain", data["domain"])),
        "digest": to_hex(digest),
        "secretKey": to_hex(key),
        "signer": address_text(key),
        "signature": to_hex(signing.sign_digest(key, digest)),
    }


def eip712_vectors() -> dict[str, Vector]:
    """One for each message that somebody signs, and for the terms, whose digest is an id."""
    entry, terms = entry_example(), terms_example()
    consumer = identifiers.organisation_id(EMPLOYER)
    account = t.AccountAddress(signing.address_of(secret("account")))
    voucher = signing.Voucher(
        entry.agreement_id, consumer, t.Period(682), t.Units(12_345), hash_of("usage root")
    )
    holder, key = secret("holder one"), secret("account")
    agreements, settlement = contract("AgreementRegistry"), contract("UsageSettlement")
    participants = contract("ParticipantRegistry")
    built = {
        "terms": (signing.typed_data_terms(terms, CHAIN_ID, agreements), key),
        "acceptance": (signing.typed_data_acceptance(consumer, terms, CHAIN_ID, agreements), key),
        "voucher": (signing.typed_data_voucher(voucher, CHAIN_ID, settlement), key),
        "consent-grant": (signing.typed_data_consent_grant(entry, CHAIN_ID, REGISTRY), holder),
        "consent-withdrawal": (
            signing.typed_data_withdrawal(leaf_of(entry), CHAIN_ID, REGISTRY),
            holder,
        ),
        "account-binding": (
            signing.typed_data_account_binding(consumer, account, CHAIN_ID, participants),
            key,
        ),
        "holder-binding": (
            signing.typed_data_holder_binding(entry.agreement_id, entry.holder, CHAIN_ID, REGISTRY),
            holder,
        ),
        "holder-seed": (holder_keys.holder_seed_message(OPERATOR, CHAIN_ID), secret("wallet")),
        "holder-session": (holder_keys.typed_data_session(CHAIN_ID, hash_of("nonce")), holder),
    }
    return {f"eip712/{name}": signed(data, key) for name, (data, key) in built.items()}


def entry_vectors() -> dict[str, Vector]:
    """Entries and their leaves, with the smallest and largest values."""
    extreme = Entry(
        agreement_id=t.AgreementId(b"\xff" * 32),
        issuer=t.OrganisationId(b"\xff" * 20),
        holder=t.HolderAddress(bytes(20)),
        valid_from=t.UnixSeconds(0),
        valid_until=t.UnixSeconds(2**64 - 1),
        commitment=b"\x03" + hash_of("commitment"),
    )
    cases = {"one": entry_example("one"), "two": entry_example("two"), "extreme": extreme}
    return {f"entries/{name}": entry_vector(entry) for name, entry in cases.items()}


def entry_vector(entry: Entry) -> Vector:
    """One entry, field by field."""
    return {
        "entryType": entry.entry_type,
        "version": entry.version,
        "agreementId": to_hex(entry.agreement_id),
        "issuer": to_checksum_address(entry.issuer),
        "holder": to_checksum_address(entry.holder),
        "validFrom": str(entry.valid_from),
        "validUntil": str(entry.valid_until),
        "commitment": to_hex(entry.commitment),
        "entry": to_hex(encode_entry(entry)),
        "leaf": to_hex(leaf_of(entry)),
    }


def commitment_vectors() -> dict[str, Vector]:
    """Openings of commitments, with digests at and above the curve's order."""
    order = commitments.CURVE_ORDER
    cases = {
        "plain": (hash_of("digest one"), blinding("one")),
        "zero-digest": (t.Hash32(bytes(32)), 1),
        "digest-of-order": (t.Hash32(order.to_bytes(32)), order - 1),
        "largest-digest": (t.Hash32(b"\xff" * 32), blinding("two")),
    }
    return {
        f"commitments/{name}": {
            "secondGenerator": to_hex(commitments.H_COMPRESSED),
            "digest": to_hex(digest),
            "blinding": to_hex(commitments.blinding_to_bytes(number)),
            "commitment": to_hex(commitments.commit(digest, number)),
        }
        for name, (digest, number) in cases.items()
    }


def holder_key_vectors() -> dict[str, Vector]:
    """Keys from a wallet's signature and from a passkey."""
    digest = holder_keys.holder_seed_digest(OPERATOR, CHAIN_ID)
    signature = signing.sign_digest(secret("wallet"), digest)
    operator_id = identifiers.organisation_id(OPERATOR)
    operator_text, minor = to_checksum_address(operator_id), entry_example("one").holder
    common = {"chainId": CHAIN_ID, "operator": OPERATOR, "operatorId": operator_text}
    wallet_seed = holder_keys.seed_from_signature(signature)
    return {
        "holder_keys/wallet": {
            **common,
            "signature": to_hex(signature),
            "seed": to_hex(wallet_seed),
            "keys": derived_keys(wallet_seed),
            "guardianKey": to_hex(holder_keys.derive_guardian_key(wallet_seed, minor)),
        },
        "holder_keys/passkey": {
            **common,
            "salt": to_hex(holder_keys.passkey_salt(CHAIN_ID, operator_id)),
            "seed": to_hex(hash_of("passkey output")),
            "keys": derived_keys(hash_of("passkey output")),
        },
    }


def derived_keys(seed: bytes) -> list[Vector]:
    """The first keys of a seed, and the last one that there is."""
    keys = [(i, holder_keys.derive_holder_key(seed, i)) for i in (0, 1, 2, 19, 2**32 - 1)]
    return [{"index": i, "secretKey": to_hex(k), "address": address_text(k)} for i, k in keys]


def address_text(key: bytes) -> str:
    """The checksummed address of a secret key."""
    return to_checksum_address(signing.address_of(key))


def tree_leaf(index: int) -> t.Leaf:
    """Leaf `index` of the trees below: the RFC 9162 leaf hash of a 4-byte number."""
    return merkle.leaf_hash(index.to_bytes(4))


def merkle_vectors() -> dict[str, Vector]:
    """Small trees with every proof, padded sizes with their roots."""
    vectors: dict[str, Vector] = {f"merkle/tree-{size}": tree_vector(size) for size in range(1, 10)}
    vectors["merkle/padded-sizes"] = {
        "leafRule": "leaf i = SHA-256(0x00 || i as 4 bytes, big-endian)",
        "roots": [
            {"size": size, "root": to_hex(merkle.root_of([tree_leaf(i) for i in range(size)]))}
            for size in padding.PADDED_SIZES
        ],
    }
    return vectors


def tree_vector(size: int) -> Vector:
    """A tree with the path of each leaf and the proof from each smaller tree."""
    leaves = [tree_leaf(i) for i in range(size)]
    return {
        "size": size,
        "leaves": [to_hex(leaf) for leaf in leaves],
        "root": to_hex(merkle.root_of(leaves)),
        "paths": [[to_hex(node) for node in path] for path in merkle.inclusion_paths(leaves)],
        "consistency": [
            {
                "oldSize": old,
                "oldRoot": to_hex(merkle.root_of(leaves[:old])),
                "path": [to_hex(node) for node in merkle.consistency_path(leaves, old)],
            }
            for old in range(1, size + 1)
        ],
    }


def slip_vectors() -> dict[str, Vector]:
    """A withdrawal slip."""
    entry = entry_example()
    digest = signing.withdrawal_digest(leaf_of(entry), CHAIN_ID, REGISTRY)
    signature = signing.sign_digest(secret("holder one"), digest)
    encoded = slip.encode_slip(slip.Slip(CHAIN_ID, REGISTRY, entry, signature))
    return {
        "slips/plain": {
            "chainId": CHAIN_ID,
            "registry": to_checksum_address(REGISTRY),
            "entry": to_hex(encode_entry(entry)),
            "leaf": to_hex(leaf_of(entry)),
            "holder": to_checksum_address(entry.holder),
            "signature": to_hex(signature),
            "slip": to_hex(encoded),
        }
    }


def commission_vectors() -> dict[str, Vector]:
    """Settlements in several steps, with what each brings."""
    payee = identifiers.organisation_id(SCHOOL)
    cases = {
        "plain": ([(250_000, 0, 500)], [0, 10, 25]),
        "free-units": ([(250_000, 100, 500), (7, 0, 333)], [0, 99, 100, 101, 1_000]),
        "rounding": ([(1, 0, 1), (3, 0, 999)], [0, 1, 2, 9_999, 10_000, 10_001]),
        "largest": ([(2**64 - 1, 0, 1_000)], [0, 2**64 - 1]),
        "no-commission": ([(5, 2, 0)], [0, 1, 4]),
    }
    return {
        f"commission/{name}": commission_vector(payee, lines, steps)
        for name, (lines, steps) in cases.items()
    }


def commission_vector(
    payee: t.OrganisationId, priced: list[tuple[int, int, int]], steps: list[int]
) -> Vector:
    """One agreement's lines, settled from step to step."""
    lines = [
        PriceLine(payee, t.Category(number), t.AmountMinor(price), t.Units(free))
        for number, (price, free, _) in enumerate(priced)
    ]
    rates = [t.RateBps(rate) for _, _, rate in priced]
    settlements = []
    for start, end in pairwise(steps):
        amounts = commission.settle(lines, rates, t.Units(start), t.Units(end))
        shown = [
            {"gross": str(a.gross), "commissionRoundedDown": str(a.commission_rounded_down)}
            for a in amounts
        ]
        settlements.append({"fromUnits": str(start), "toUnits": str(end), "amounts": shown})
    return {
        "lines": [
            {"unitPrice": str(price), "freeUnits": str(free), "rateBps": rate}
            for price, free, rate in priced
        ],
        "settlements": settlements,
    }


def period_vectors() -> dict[str, Vector]:
    """Months of use and of booking around their borders."""
    moments = (0, 951_782_400, 1_711_839_599, 1_793_487_599, 1_793_487_600, 4_102_444_800)
    cases = [
        {
            "time": time,
            "period": periods.period_of(t.UnixSeconds(time)),
            "label": periods.period_label(periods.period_of(t.UnixSeconds(time))),
            "startsAt": periods.period_start(periods.period_of(t.UnixSeconds(time))),
            "bookingMonth": periods.period_label(periods.booking_month(t.UnixSeconds(time))),
        }
        for time in moments
    ]
    return {"periods/borders": {"cases": cases}}


def identifier_vectors() -> dict[str, Vector]:
    """Ids of organisations."""
    dids = (SCHOOL, EMPLOYER, OPERATOR, "did:web:école.example")
    cases = [
        {"did": did, "id": to_checksum_address(identifiers.organisation_id(did))} for did in dids
    ]
    return {"identifiers/organisations": {"cases": cases}}


GROUPS: tuple[Callable[[], dict[str, Vector]], ...] = (
    eip712_vectors,
    entry_vectors,
    commitment_vectors,
    holder_key_vectors,
    merkle_vectors,
    slip_vectors,
    commission_vectors,
    period_vectors,
    identifier_vectors,
)


def build_vectors() -> dict[str, str]:
    """All files by their path below the directory, with their text."""
    return {
        f"{name}.json": json.dumps(vector, indent=2, ensure_ascii=False) + "\n"
        for group in GROUPS
        for name, vector in group().items()
    }


def main(arguments: list[str]) -> int:
    """Write the files, or compare them with --check; the number of differing files decides."""
    wrong = 0
    for name, text in build_vectors().items():
        path = DIRECTORY / name
        if "--check" not in arguments:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            wrong += 1
            print(f"differs: {path}")
    return min(wrong, 1)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
