"""Consents: the same roots, the same proofs, and `isActive` is the rules' status."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol import ledger
from protocol.consent import status_at
from protocol.entries import Entry, encode_entry, leaf_of
from protocol.errors import AlreadyAnchored, BatchSizeInvalid, EntryLengthInvalid
from protocol.merkle import inclusion_path, leaf_hash, root_of
from protocol.types import HolderAddress, Leaf, OrganisationId, Root, UnixSeconds
from tests.differential.agreements import (
    EMPLOYER,
    OUTSIDER,
    SCHOOL,
    VALID_FROM,
    VALID_UNTIL,
    act,
    activate,
    terms_between,
)
from tests.differential.chain import ACCOUNTS, BEGIN, GOVERNANCE, Chain

HOLDER = HolderAddress(b"\x77" * 20)
CONSENT_FROM, CONSENT_UNTIL = UnixSeconds(VALID_FROM + 50), UnixSeconds(VALID_FROM + 500)
STEPS = ("anchor", "copy", "withdraw", "revoke", "invalidate", "foreign", "suspend", "resume")
scripts = st.lists(
    st.tuples(st.sampled_from((*STEPS, "terminate")), st.integers(0, 120)), max_size=7
).flatmap(lambda steps: st.sampled_from([steps, [("anchor", 0), *steps]]))


def anchor(chain: Chain, issuer: OrganisationId, leaves: list[Leaf]) -> Root:
    root: Root = chain.call(ACCOUNTS[issuer], "ConsentRegistry", "anchor", issuer, leaves)
    return root


@settings(max_examples=60)
@given(size=st.integers(1, 70), salt=st.binary(min_size=4, max_size=4))
def test_roots_agree(chain: Chain, size: int, salt: bytes) -> None:
    leaves = [leaf_hash(salt + index.to_bytes(4)) for index in range(size)]
    with chain.rolled_back():
        root = anchor(chain, SCHOOL, leaves)
        assert root == root_of(leaves)
        state = chain.ledger()
        assert state.anchors[(SCHOOL, root)].size == size
        assert chain.call(GOVERNANCE, "ConsentRegistry", "logSize") == state.log_size
        with pytest.raises(AlreadyAnchored):
            anchor(chain, SCHOOL, leaves)
        anchor(chain, EMPLOYER, leaves)
        assert chain.ledger().log_size == 2 * size


def test_batches_of_no_leaf_are_refused(chain: Chain) -> None:
    with pytest.raises(BatchSizeInvalid):
        anchor(chain, SCHOOL, [])


def entry_under(agreement_id: Any, issuer: OrganisationId = SCHOOL) -> Entry:
    commitment = b"\x02" + bytes(32)
    return Entry(agreement_id, issuer, HOLDER, CONSENT_FROM, CONSENT_UNTIL, commitment)


def is_active(chain: Chain, entry: Entry, proof: tuple[Any, ...]) -> bool:
    told: bool = chain.call(GOVERNANCE, "ConsentRegistry", "isActive", encode_entry(entry), proof)
    return told


@settings(max_examples=150)
@given(
    script=scripts,
    others=st.integers(0, 8),
    place=st.integers(0, 8),
    issuer=st.sampled_from([SCHOOL, SCHOOL, SCHOOL, OUTSIDER]),
    probe=st.sampled_from([CONSENT_FROM, CONSENT_UNTIL - 1, CONSENT_UNTIL, VALID_UNTIL]),
)
def test_is_active_is_the_status_of_the_rules(
    chain: Chain,
    *,
    script: list[tuple[str, int]],
    others: int,
    place: int,
    issuer: OrganisationId,
    probe: int,
) -> None:
    with chain.rolled_back():
        chain.at(BEGIN)
        agreement_id = activate(chain, terms_between(SCHOOL, EMPLOYER))
        entry = entry_under(agreement_id, issuer)
        leaves = [leaf_hash(bytes([n])) for n in range(others)]
        index = min(place, others)
        leaves.insert(index, leaf_of(entry))
        proof = (root_of(leaves), index, list(inclusion_path(leaves, index)))
        time = int(VALID_FROM)
        for step, pause in script:
            time += pause
            chain.at(time)
            perform(chain, step, entry, leaves)
            check_status(chain, entry, proof, time)
        check_status(chain, entry, proof, max(time, probe))


def perform(chain: Chain, step: str, entry: Entry, leaves: list[Leaf]) -> None:
    """One step of a script; what the contract refuses changes nothing."""
    leaf, issuer = leaf_of(entry), entry.issuer
    try:
        match step:
            case "anchor":
                anchor(chain, issuer, leaves)
            case "copy":
                anchor(chain, EMPLOYER, leaves)
            case "withdraw":
                chain.call(HOLDER, "ConsentRegistry", "withdraw", leaf)
            case "revoke":
                chain.call(ACCOUNTS[issuer], "ConsentRegistry", "revoke", issuer, leaf)
            case "invalidate":
                chain.call(GOVERNANCE, "ConsentRegistry", "invalidate", leaf)
            case "foreign":
                chain.call(ACCOUNTS[EMPLOYER], "ConsentRegistry", "withdraw", leaf)
            case _:
                act(chain, step, entry.agreement_id, SCHOOL)
    except Exception as error:
        if not hasattr(error, "solidity_name"):
            raise


def check_status(chain: Chain, entry: Entry, proof: tuple[Any, ...], time: int) -> None:
    """The contract's answer, and that of the rules on the fold of the contract's events."""
    chain.at(time)
    state = chain.ledger()
    facts = ledger.consent_facts(state, entry)
    agreement = ledger.agreement_facts(state, entry.agreement_id)
    status = status_at(entry, facts, agreement, UnixSeconds(time))
    assert is_active(chain, entry, proof) == status.is_active


@settings(max_examples=60)
@given(data=st.data(), size=st.integers(2, 12))
def test_only_true_proofs_are_active(chain: Chain, data: Any, size: int) -> None:
    with chain.rolled_back():
        chain.at(CONSENT_FROM)
        entry = entry_under(activate(chain, terms_between(SCHOOL, EMPLOYER)))
        leaves = [leaf_hash(bytes([n])) for n in range(size - 1)]
        index = data.draw(st.integers(0, size - 1))
        leaves.insert(index, leaf_of(entry))
        root = anchor(chain, SCHOOL, leaves)
        path = list(inclusion_path(leaves, index))
        assert is_active(chain, entry, (root, index, path))
        other = data.draw(st.integers(0, size + 2).filter(lambda n: n != index))
        assert not is_active(chain, entry, (root, other, path))
        assert not is_active(chain, entry, (root, index, path[1:]))
        assert not is_active(chain, entry, (root, index, [*path, bytes(32)]))
        assert not is_active(chain, entry, (bytes(32), index, path))


def test_an_entry_of_another_length_is_refused(chain: Chain) -> None:
    with pytest.raises(EntryLengthInvalid):
        chain.call(GOVERNANCE, "ConsentRegistry", "isActive", bytes(122), (bytes(32), 0, []))
