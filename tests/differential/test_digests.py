"""Ids, digests and signatures: the contracts compute and accept what the rules compute."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.agreement import PriceLine, Terms
from protocol.errors import PossessionNotProven, WithdrawalSignatureInvalid
from protocol.holder_keys import address_of as holder_address_of
from protocol.identifiers import organisation_id
from protocol.signing import (
    Voucher,
    acceptance_digest,
    address_of,
    agreement_id_of,
    sign_digest,
    terms_hash,
    voucher_digest,
    withdrawal_digest,
)
from protocol.types import (
    AgreementId,
    AmountMinor,
    Category,
    Hash32,
    Leaf,
    OrganisationId,
    Period,
    Units,
    UnixSeconds,
)
from tests.differential.chain import (
    ACCOUNTS,
    CHAIN_ID,
    GOVERNANCE,
    NEVER,
    ORGANISATIONS,
    SECRETS,
    Chain,
    terms_tuple,
)

hashes = st.binary(min_size=32, max_size=32)
organisations = st.binary(min_size=20, max_size=20).map(OrganisationId)
uint64 = st.integers(0, 2**64 - 1)
lines = st.builds(
    PriceLine,
    organisations,
    st.integers(0, 2**16 - 1).map(Category),
    uint64.map(AmountMinor),
    uint64.map(Units),
)
terms = st.builds(
    Terms,
    st.lists(organisations, max_size=5).map(tuple),
    uint64.map(UnixSeconds),
    uint64.map(UnixSeconds),
    hashes.map(Hash32),
    hashes.map(Hash32),
    hashes.map(Hash32),
    hashes.map(AgreementId),
    hashes.map(Hash32),
    st.lists(lines, max_size=4).map(tuple),
)
vouchers = st.builds(
    Voucher,
    hashes.map(AgreementId),
    organisations,
    st.integers(0, 2**32 - 1).map(Period),
    uint64.map(Units),
    hashes.map(Hash32),
)
secrets = st.integers(1, 2**250).map(lambda n: n.to_bytes(32))


@settings(max_examples=100)
@given(terms=terms)
def test_agreement_ids_agree(chain: Chain, terms: Terms) -> None:
    expected = agreement_id_of(terms, CHAIN_ID, chain.address["AgreementRegistry"])
    told = chain.call(GOVERNANCE, "AgreementRegistry", "agreementIdOf", terms_tuple(terms))
    assert told == expected


@settings(max_examples=100)
@given(terms=terms, organisation=organisations)
def test_acceptances_agree(chain: Chain, terms: Terms, organisation: OrganisationId) -> None:
    registry = chain.address["AgreementRegistry"]
    expected = acceptance_digest(organisation, terms, CHAIN_ID, registry)
    fields = (terms_hash(terms), organisation)
    assert chain.call(GOVERNANCE, "AgreementRegistry", "acceptanceDigest", *fields) == expected


@settings(max_examples=100)
@given(voucher=vouchers)
def test_voucher_digests_agree(chain: Chain, voucher: Voucher) -> None:
    expected = voucher_digest(voucher, CHAIN_ID, chain.address["UsageSettlement"])
    fields = (
        voucher.agreement_id,
        voucher.consumer,
        voucher.period,
        voucher.units,
        voucher.usage_root,
    )
    assert chain.call(GOVERNANCE, "UsageSettlement", "voucherDigest", fields) == expected


@settings(max_examples=50)
@given(did=st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_ids_of_organisations_agree(chain: Chain, did: str) -> None:
    told = chain.call(GOVERNANCE, "ParticipantRegistry", "organisationId", did)
    assert told == organisation_id(did)


@settings(max_examples=50)
@given(secret=secrets, leaf=hashes.map(Leaf))
def test_a_withdrawal_signed_by_the_rules_is_accepted(
    chain: Chain, secret: bytes, leaf: Leaf
) -> None:
    holder = holder_address_of(secret)
    digest = withdrawal_digest(leaf, CHAIN_ID, chain.address["ConsentRegistry"])
    signature = sign_digest(secret, digest)
    r, s, v = signature[:32], signature[32:64], signature[64]
    with chain.rolled_back():
        for wrong in ((holder, leaf, r, s, 55 - v), (bytes(20), leaf, r, s, v)):
            with pytest.raises(WithdrawalSignatureInvalid):
                chain.call(GOVERNANCE, "ConsentRegistry", "withdrawBySignature", wrong)
        chain.call(GOVERNANCE, "ConsentRegistry", "withdrawBySignature", (holder, leaf, r, s, v))
        ended_at = chain.call(GOVERNANCE, "ConsentRegistry", "revocations", holder, leaf)
        assert ended_at == chain.time == chain.ledger().endings[(holder, leaf)]


@settings(max_examples=50)
@given(secret=secrets)
def test_an_account_bound_by_the_rules_is_accepted(chain: Chain, secret: bytes) -> None:
    organisation, other = ORGANISATIONS[:2]
    account, caller = address_of(secret), ACCOUNTS[organisation]
    with chain.rolled_back():
        with pytest.raises(PossessionNotProven):
            chain.call(
                caller,
                "ParticipantRegistry",
                "bindAccount",
                organisation,
                account,
                1,
                NEVER,
                chain.binding(other, secret),
            )
        chain.call(
            caller,
            "ParticipantRegistry",
            "bindAccount",
            organisation,
            account,
            1,
            NEVER,
            chain.binding(organisation, secret),
        )
        assert chain.ledger().accounts[account].organisation == organisation


def test_secrets_of_the_example_accounts_are_theirs() -> None:
    assert all(address_of(SECRETS[org]) == ACCOUNTS[org] for org in ORGANISATIONS)
