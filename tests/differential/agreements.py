"""Proposing and signing agreements on the chain of the differential tests."""

from __future__ import annotations

from protocol.agreement import PriceLine, Terms
from protocol.signing import acceptance_digest, agreement_id_of, sign_digest, terms_hash
from protocol.types import (
    AgreementId,
    AmountMinor,
    Category,
    Hash32,
    OrganisationId,
    Units,
    UnixSeconds,
)
from tests.differential.chain import (
    ACCOUNTS,
    BEGIN,
    CHAIN_ID,
    ORGANISATIONS,
    SECRETS,
    Chain,
    terms_tuple,
)

SCHOOL, EMPLOYER, OUTSIDER = ORGANISATIONS
VALID_FROM, VALID_UNTIL = UnixSeconds(BEGIN + 100), UnixSeconds(BEGIN + 10_000_000)
LINES = (
    PriceLine(SCHOOL, Category(1), AmountMinor(333), Units(10)),
    PriceLine(SCHOOL, Category(2), AmountMinor(7), Units(0)),
)


def terms_between(
    *parties: OrganisationId, lines: tuple[PriceLine, ...] = LINES, salt: int = 0
) -> Terms:
    """Terms of these parties."""
    return Terms(
        parties=tuple(sorted(parties)),
        valid_from=VALID_FROM,
        valid_until=VALID_UNTIL,
        policy_hash=Hash32(bytes(32)),
        document_hash=Hash32(bytes(32)),
        rulebook=Hash32(bytes(32)),
        parent=AgreementId(bytes(32)),
        salt=Hash32(salt.to_bytes(32)),
        lines=lines,
    )


def id_of(chain: Chain, terms: Terms) -> AgreementId:
    """The agreement's id on this chain."""
    return agreement_id_of(terms, CHAIN_ID, chain.address["AgreementRegistry"])


def propose(chain: Chain, terms: Terms, proposer: OrganisationId) -> AgreementId:
    """Propose by the proposer's account."""
    told: AgreementId = chain.call(
        ACCOUNTS[proposer], "AgreementRegistry", "propose", proposer, terms_tuple(terms)
    )
    return told


def sign(chain: Chain, terms: Terms, party: OrganisationId) -> None:
    """Sign by the party's account."""
    digest = acceptance_digest(party, terms, CHAIN_ID, chain.address["AgreementRegistry"])
    signature = sign_digest(SECRETS[party], digest)
    signer = ACCOUNTS[party]
    chain.call(signer, "AgreementRegistry", "sign", terms_hash(terms), party, signer, signature)


def act(chain: Chain, name: str, agreement_id: AgreementId, party: OrganisationId) -> None:
    """Suspend, resume or terminate for a party."""
    reason = [] if name == "resume" else [bytes(32)]
    chain.call(ACCOUNTS[party], "AgreementRegistry", name, agreement_id, party, *reason)


def activate(chain: Chain, terms: Terms) -> AgreementId:
    """Propose and sign by all parties."""
    agreement_id = propose(chain, terms, terms.parties[0])
    for party in terms.parties:
        sign(chain, terms, party)
    return agreement_id
