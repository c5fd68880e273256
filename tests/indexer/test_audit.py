"""What the contracts contradict is never served: the index halts before it is written."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from structlog.testing import capture_logs
from web3 import Web3

from indexer import audit, tables
from indexer.audit import Auditor, BooksDiffer
from indexer.books import Comparison, check_books, compare
from indexer.chain import Chain, ChainRefused
from indexer.cursor import BlockRef, read_cursor
from indexer.decode import PlacedEvent
from indexer.projections import Projector
from indexer.projections import postings as projection
from indexer.queries.books import balances, list_postings
from indexer.queries.freshness import read_freshness
from indexer.rederive import derive_postings, differences
from indexer.rows import Rows
from indexer.rpc import Endpoint
from indexer.verify import rebuild
from node.api.context import judge_fresh
from node.config import Settings
from node.db import INDEXER_ROLE, role_engine
from node.governance import execute_through_timelock
from node.wallet import Wallet
from protocol.events import LeavesAnchored
from protocol.postings import Posting, holding_of
from protocol.types import AmountMinor, ContractAddress
from tests.indexer.test_reorganisations import anchor, at_head, digest, fresh_digest
from tests.own_chain import OwnChain, OwnDatabase
from tests.stage import wait_until

AMOUNT = 1_000


def issue(chain: OwnChain) -> None:
    """Tokens for the operator's account, some of which it sends to the settlement contract."""
    token, to = chain.contract("UsageToken").functions, chain.operator_account.address
    act = token.issue(to, AMOUNT, secrets.token_bytes(32))
    execute_through_timelock(chain.governance, chain.deployment, act)
    send(chain)


def send(chain: OwnChain) -> None:
    token = chain.contract("UsageToken").functions
    settlement = Web3.to_checksum_address(chain.deployment.address_bytes("UsageSettlement"))
    Wallet(chain.web3, chain.operator_account).call(token.transfer(settlement, 1))


def book_wrongly(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug: every posting is one base unit too large."""
    right = projection.postings_of

    def wrong(*arguments: Any) -> tuple[Posting, ...]:
        return tuple(
            Posting(each.source, each.target, AmountMinor(each.amount_minor + 1))
            for each in right(*arguments)
        )

    monkeypatch.setattr(projection, "postings_of", wrong)


def cursor_of(database: OwnDatabase) -> int:
    with database.owner.connect() as connection:
        cursor = read_cursor(connection)
    assert cursor is not None
    return cursor.at.block_number


def test_a_wrong_posting_halts_before_it_is_written_and_is_put_right(
    own_chain: OwnChain, own_database: OwnDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    indexer = own_database.indexer()
    before = at_head(indexer, own_database)
    cursor = cursor_of(own_database)
    book_wrongly(monkeypatch)
    issue(own_chain)
    for _ in range(2):
        with pytest.raises(BooksDiffer, match=r"in the books, .* on chain .*books check"):
            indexer.step()
    assert (digest(own_database), cursor_of(own_database)) == (before, cursor)
    monkeypatch.undo()
    assert at_head(indexer, own_database) == fresh_digest(own_chain)


def test_a_halt_raises_the_alarm_and_a_later_head_ends_it(
    own_chain: OwnChain, own_database: OwnDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_head(own_database.indexer(), own_database)
    issue(own_chain)
    book_wrongly(monkeypatch)
    stop = threading.Event()
    follow = own_database.indexer().follow
    with capture_logs() as logs:
        thread = threading.Thread(target=follow, args=(stop, 0.02, lambda blocks: None))
        thread.start()
        halted = "SELECT reason FROM indexing.halt"
        wait_until(lambda: own_database.sql(halted), "a halt")
        stop.set()
        thread.join(10)
    assert [log["event"] for log in logs if log["log_level"] == "critical"] == ["halted"]
    assert "base units in the books" in own_database.sql(halted)[0].reason
    monkeypatch.undo()
    assert at_head(own_database.indexer(), own_database) == fresh_digest(own_chain)
    own_database.indexer().step()
    assert own_database.sql(halted) == []


def test_an_indexer_that_stands_still_goes_on_after_a_rebuild(
    own_chain: OwnChain, own_database: OwnDatabase
) -> None:
    issue(own_chain)
    own_database.indexer().catch_up()
    own_database.sql("UPDATE ledger.postings SET amount_minor = amount_minor + 1")
    issue(own_chain)
    stop, indexer = threading.Event(), own_database.indexer()
    thread = threading.Thread(target=indexer.follow, args=(stop, 0.02, lambda blocks: None))
    thread.start()
    try:
        halted = "SELECT reason FROM indexing.halt"
        wait_until(lambda: own_database.sql(halted), "a halt")
        with own_database.owner.connect() as connection:
            found = read_freshness(connection)
        assert "base units in the books" in (found.halt or "")
        assert judge_fresh(Settings(), found) is None, "no answer rests on it from now on"
        rebuild(own_database.owner, own_chain.source(), lambda blocks: None)
        issue(own_chain)
        expected = fresh_digest(own_chain)
        wait_until(lambda: digest(own_database) == expected, "the blocks after the halt")
    finally:
        stop.set()
        thread.join(10)


def test_leaves_that_are_not_in_the_index_halt_it(
    own_chain: OwnChain, own_database: OwnDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    indexer = own_database.indexer()
    at_head(indexer, own_database)
    project_event = Projector.project_event

    def forget_leaves(projector: Projector, rows: Rows, placed: PlacedEvent) -> None:
        if not isinstance(placed.event, LeavesAnchored):
            project_event(projector, rows, placed)

    monkeypatch.setattr(Projector, "project_event", forget_leaves)
    anchor(own_database, 1)
    issue(own_chain)
    with pytest.raises(BooksDiffer, match=r"the index has \d+ leaves, ConsentRegistry \d+"):
        indexer.step()


def test_a_roll_back_is_not_held_up_by_books_that_differ(
    own_chain: OwnChain, own_database: OwnDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    indexer = own_database.indexer()
    before = at_head(indexer, own_database)
    with own_chain.taken_back():
        issue(own_chain)
        assert at_head(indexer, own_database) != before
        send(own_chain)
        book_wrongly(monkeypatch)
        with pytest.raises(BooksDiffer):
            indexer.step()
    assert at_head(indexer, own_database) == before
    assert digest(own_database) == before


def test_a_block_replaced_between_reading_and_asking_is_no_alarm(
    own_chain: OwnChain, own_database: OwnDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same height holds another balance by then: only the hash tells the blocks apart."""
    issue(own_chain)
    indexer = own_database.indexer()
    at_head(indexer, own_database)
    height = own_chain.web3.eth.block_number
    snapshot = own_chain.rpc("evm_snapshot")
    send(own_chain)
    require_equal = Auditor.require_equal

    def replaced_meanwhile(auditor: Auditor, *arguments: Any) -> None:
        monkeypatch.undo()
        own_chain.rpc("evm_revert", snapshot)
        own_chain.mine(1)
        assert own_chain.web3.eth.block_number == height + 1
        require_equal(auditor, *arguments)

    monkeypatch.setattr(Auditor, "require_equal", replaced_meanwhile)
    with pytest.raises(ChainRefused):
        indexer.step()
    assert at_head(indexer, own_database) == fresh_digest(own_chain)


def test_touched_accounts_are_asked_for_in_one_request(
    own_chain: OwnChain, own_database: OwnDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    issue(own_chain)
    indexer = own_database.indexer()
    at_head(indexer, own_database)
    ask_all, asked = Endpoint.ask_all, []

    def count(endpoint: Endpoint, calls: Sequence[Any], *rest: Any, **named: Any) -> Any:
        asked.append([method for method, _ in calls])
        return ask_all(endpoint, calls, *rest, **named)

    monkeypatch.setattr(Endpoint, "ask_all", count)
    own_chain.mine(1)
    at_head(indexer, own_database)
    assert not any("eth_call" in methods for methods in asked)
    send(own_chain)
    at_head(indexer, own_database)
    [calls] = [methods for methods in asked if "eth_call" in methods]
    assert set(calls) == {"eth_call"}
    # sender and transit were touched; issued, treasury, commission and the log are always asked
    assert len(calls) == 6


def test_a_back_fill_is_compared_on_its_way_where_the_node_has_the_state(
    own_chain: OwnChain, own_database: OwnDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.ranges.RANGE_BLOCKS_MAX", 4)
    monkeypatch.setattr(audit, "BACK_FILL_BLOCKS", 4)
    issue(own_chain)
    own_chain.mine(12)
    head = own_chain.web3.eth.get_block("latest")
    call_all, refused = Chain.call_all, []

    def forgetful(chain: Chain, calls: Sequence[Any], block: Any) -> list[bytes]:
        if isinstance(block, bytes) and block != bytes(head["hash"]):
            refused.append(block)
            raise ChainRefused("missing trie node: state is not available")
        return call_all(chain, calls, block)

    with monkeypatch.context() as patch, capture_logs() as logs:
        patch.setattr(Chain, "call_all", forgetful)
        indexer = own_database.indexer()
        indexer.catch_up()
    assert len(refused) > 1
    warned = [log for log in logs if log["event"] == "books_not_compared"]
    assert len(warned) == len(refused)
    assert digest(own_database) == fresh_digest(own_chain)
    book_wrongly(monkeypatch)
    own_database.sql("TRUNCATE indexing.cursor, indexing.recent_blocks")
    own_database.sql(f"TRUNCATE {', '.join(table.fullname for table in tables.LEDGER_TABLES)}")
    with pytest.raises(BooksDiffer):
        own_database.indexer().catch_up()
    assert cursor_of(own_database) < head["number"] - 4


def test_a_restarted_indexer_finds_books_that_were_changed_under_it(
    own_chain: OwnChain, own_database: OwnDatabase
) -> None:
    issue(own_chain)
    issue(own_chain)
    own_database.indexer().catch_up()
    own_database.sql("UPDATE ledger.postings SET amount_minor = amount_minor + 5")
    indexer = own_database.indexer()
    anchor(own_database, 1)
    with pytest.raises(BooksDiffer):
        indexer.step()


def test_an_answer_that_is_wrong_once_is_no_alarm(
    own_chain: OwnChain, own_database: OwnDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node that is making the next block may answer with its state."""
    issue(own_chain)
    asked: list[BlockRef] = []

    def wrong_once(
        chain: Any, addresses: Any, booked: Any, accounts: Any, leaves: int, last: BlockRef
    ) -> Comparison:
        asked.append(last)
        return compare(chain, addresses, booked, accounts, leaves + (len(asked) == 1), last)

    monkeypatch.setattr("indexer.audit.compare", wrong_once)
    at_head(own_database.indexer(), own_database)
    assert asked[0] == asked[1]


def test_the_indexers_role_cannot_change_a_fact(
    own_chain: OwnChain, own_database: OwnDatabase
) -> None:
    engine = role_engine(own_database.url, INDEXER_ROLE)
    for table in tables.LEDGER_TABLES:
        column = table.columns[0].name
        with engine.connect() as connection, pytest.raises(ProgrammingError, match="denied"):
            connection.execute(text(f"UPDATE {table.fullname} SET {column} = {column}"))
    engine.dispose()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (
            "UPDATE ledger.postings SET amount_minor = amount_minor + 1 WHERE {one}",
            ": amount is ",
        ),
        (
            "UPDATE ledger.postings SET booking_month = booking_month + 1 WHERE {one}",
            ": booking_month is ",
        ),
        (
            "UPDATE ledger.postings SET category = 3 WHERE {one}",
            ": category is 3 in the table, empty on chain",
        ),
        ("DELETE FROM ledger.postings WHERE {one}", ": not in the table: "),
        (
            "INSERT INTO ledger.postings SELECT block_number, log_index, 7, target, source,"
            " amount_minor, period, booking_month FROM ledger.postings WHERE {one}",
            ": not on chain: ",
        ),
    ],
    ids=["amount", "month", "category", "missing", "surplus"],
)
def test_every_damage_to_a_posting_is_found(
    own_chain: OwnChain, own_database: OwnDatabase, damage: str, said: str
) -> None:
    issue(own_chain)
    at_head(own_database.indexer(), own_database)
    assert found_in(own_database) == []
    one = "(block_number, log_index) = (SELECT max(block_number), 0 FROM ledger.postings)"
    own_database.sql(damage.format(one=one))
    [found] = found_in(own_database)
    assert said in found


def found_in(database: OwnDatabase) -> list[str]:
    """What differs between the postings of the table and those of the chain."""
    source = database.chain.source()
    with database.owner.connect() as connection:
        cursor = read_cursor(connection)
        assert cursor is not None
        chain = derive_postings(source.chain, source.addresses, source.first_block, cursor.at)
        compared = list(differences(list_postings(connection), chain))
    assert compared
    return [str(each) for each in compared if each is not None]


def test_all_accounts_are_compared_by_the_block_that_the_index_has(
    own_chain: OwnChain, own_database: OwnDatabase
) -> None:
    """The chain goes on meanwhile: what is compared is the cursor's block, not the newest."""
    issue(own_chain)
    at_head(own_database.indexer(), own_database)
    send(own_chain)
    source = own_chain.source()
    with own_database.owner.connect() as connection:
        comparison = check_books(connection, source.chain, source.addresses)
        booked = balances(connection)
    assert comparison is not None
    assert comparison.agrees
    account = holding_of(
        bytes.fromhex(own_chain.operator_account.address[2:]),
        ContractAddress(source.addresses["UsageSettlement"]),
        ContractAddress(source.addresses["CommonsTreasury"]),
    )
    assert booked[account] == AMOUNT - 1
