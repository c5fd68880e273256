"""Settlements that nothing explains are in quarantine, and whoever checks the index knows it."""

from __future__ import annotations

import pytest

from indexer.block_checks import BlockChecker
from indexer.cursor import BlockRef, read_cursor
from indexer.queries.books import list_postings
from indexer.rederive import derive_postings, differences
from protocol.types import AgreementId
from tests.indexer.conftest import Bench
from tests.indexer.event_logs import EncodedLog, abi_of, encode_event, encode_values
from tests.indexer.histories import mine_all, tell
from tests.indexer.test_faults import settle
from tests.protocol.ledger_story import AGREEMENT, EMPLOYER, REFERENCE, Story

AMOUNT = (1, 0)


def settled(agreement_id: AgreementId, *amounts: tuple[int, int]) -> EncodedLog:
    event = abi_of("UsageSettlement", "UsageSettled")
    values = [agreement_id, EMPLOYER, 1, 0, 5, REFERENCE, amounts]
    return encode_values("UsageSettlement", event, values)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_another_number_of_amounts_than_lines_is_no_fault_of_the_index(
    bench: Bench, count: int
) -> None:
    """The books are derived again without it, and its block is what the index has of it."""
    transactions = tell(17, 60)
    mine_all(bench.chain, transactions[:40], 17)
    poisoned = bench.chain.mine([settled(AGREEMENT, *[AMOUNT] * count)])
    mine_all(bench.chain, transactions[40:], 18)
    settle(bench)
    source = bench.index.source
    with bench.index.connect() as connection:
        cursor = read_cursor(connection)
        assert cursor is not None
        derived = derive_postings(source.chain, source.addresses, 1, cursor.at)
        compared = list(differences(list_postings(connection), derived))
        checker = BlockChecker(connection, source.chain, source.addresses, cursor.at)
        faults = list(checker.check(range(1, cursor.at.block_number + 1), lambda blocks: None))
    assert len(compared) > 10
    assert set(compared) == {None}
    assert faults == []
    assert poisoned.number < cursor.at.block_number


def test_a_settlement_whose_proposal_nothing_explains_moves_nothing(bench: Bench) -> None:
    """Nobody can say what its lines are, so neither can who derives the books again."""
    told = Story().begin()
    proposal = next(e for e, _ in told.events if type(e).__name__ == "AgreementProposed")
    whole = encode_event(proposal)
    damaged = EncodedLog(whole.contract, whole.topics, whole.data[:-2])
    chain, source = bench.chain, bench.index.source
    chain.mine([damaged], [settled(AGREEMENT, AMOUNT, AMOUNT)])
    header = source.chain.header(chain.head.number)
    last = BlockRef(header.block_number, header.block_hash, header.block_time)
    assert list(derive_postings(source.chain, source.addresses, 1, last)) == []
