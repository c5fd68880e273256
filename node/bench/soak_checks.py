"""What must be true after a soak: everything promised is there, once, and nothing contradicts."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Engine, text
from web3 import Web3

from indexer.books import check_books
from indexer.verify import rebuild
from node.bench.soak_load import EVENTS_FROM, Promises, name_of, wait_until
from node.bootstrap import load_node, make_source
from node.client import NodeClient
from node.config import Settings
from node.db import owner_engine
from node.keys import OPERATOR_KEY, load_or_create_account
from node.wallet import connect_chain

DRAIN_SECONDS = 600.0
HOOKS_SECONDS = 600.0

_ONCE = text(
    "SELECT count(*) FROM (SELECT l.leaf FROM ledger.leaves AS l"
    " WHERE l.leaf = ANY (CAST(:leaves AS bytea[])) GROUP BY l.leaf HAVING count(*) = 1) AS once"
)
_WITHDRAWN = text(
    "SELECT count(DISTINCT e.leaf) FROM ledger.endings AS e"
    " JOIN node.consents AS c ON c.leaf = e.leaf AND c.holder = e.who"
    " WHERE e.leaf = ANY (CAST(:leaves AS bytea[]))"
)
_NONCES = text(
    "SELECT count(DISTINCT nonce) AS used, min(nonce) AS first, max(nonce) AS last"
    " FROM node.transactions WHERE sender = :sender"
)


def check_promises(
    settings: Settings, reader: NodeClient, promises: Promises, say: Callable[[str], None]
) -> None:
    """On a running node without load. Raises AssertionError with the first thing that is wrong."""
    engine = owner_engine(str(settings.database_url))
    _drain(engine, settings)
    with engine.connect() as connection:
        leaves = {"leaves": [bytes.fromhex(leaf[2:]) for leaf in promises.granted]}
        once = connection.execute(_ONCE, leaves).scalar_one()
        assert once == len(promises.granted), f"{once} of {len(promises.granted)} are there once"
        say(f"on the chain exactly once: {once:,} of {len(promises.granted):,} granted")
        leaves = {"leaves": [bytes.fromhex(leaf[2:]) for leaf in promises.withdrawn]}
        ended = connection.execute(_WITHDRAWN, leaves).scalar_one()
        assert ended == len(promises.withdrawn), f"{ended} of {len(promises.withdrawn)} withdrawn"
        say(f"withdrawn: {ended:,} of {len(promises.withdrawn):,}")
        uses = connection.execute(text("SELECT count(*) FROM node.uses")).scalar_one()
        assert uses >= promises.uses, f"{uses} of {promises.uses} uses are there"
        say(f"uses: {uses:,}, of which {promises.uses:,} were answered")
    _check_nonces(engine, settings, say)
    node = load_node(settings)
    source = make_source(node)
    with engine.connect() as connection:
        compared = check_books(connection, source.chain, source.addresses)
    assert compared is not None
    assert compared.agrees, compared
    assert sum(account.books_minor for account in compared.accounts) == 0, compared
    say(f"books balanced and as the contracts have them: {len(compared.accounts)} accounts")
    _check_feed(reader, promises, say)
    before, after = rebuild(engine, source, lambda blocks: None)
    assert before == after, (before, after)
    say(f"digest of the index and of the chain read again: {after[:16]}…")
    engine.dispose()


def _drain(engine: Engine, settings: Settings) -> None:
    """Until nothing waits to be sent, and the index has all of it."""
    web3 = connect_chain(settings)
    waiting = text("SELECT count(*) FROM node.outbox WHERE state IN ('waiting', 'sent')")
    reached = text("SELECT block_number FROM indexing.cursor")

    def is_drained() -> bool:
        with engine.connect() as connection:
            is_idle = connection.execute(waiting).scalar_one() == 0
            block = connection.execute(reached).scalar_one()
        return bool(is_idle and block >= web3.eth.block_number)

    wait_until(is_drained, "the end of what waits for the chain", DRAIN_SECONDS)
    in_vain = text("SELECT count(*) FROM node.outbox WHERE state IN ('failed', 'expired')")
    with engine.connect() as connection:
        assert connection.execute(in_vain).scalar_one() == 0, "acts were carried out in vain"


def _check_nonces(engine: Engine, settings: Settings, say: Callable[[str], None]) -> None:
    account = load_or_create_account(settings.keys_dir, OPERATOR_KEY)
    sender = bytes.fromhex(account.address[2:])
    on_chain = connect_chain(settings).eth.get_transaction_count(
        Web3.to_checksum_address(account.address)
    )
    with engine.connect() as connection:
        used, first, last = connection.execute(_NONCES, {"sender": sender}).one()
    assert used == last - first + 1, f"{used} of the nonces {first} to {last} are used"
    assert on_chain == last + 1, f"the chain is at nonce {on_chain}, the last used is {last}"
    say(f"no gap among the nonces {first:,} to {last:,}")


def _check_feed(reader: NodeClient, promises: Promises, say: Callable[[str], None]) -> None:
    """Who followed the feed page by page, and the webhook, were told all that it tells now."""
    names: set[str] = set()
    position = EVENTS_FROM
    while True:
        page = reader.get("/v1/events", after=position, limit=1_000)
        names.update(name_of(each) for each in page["items"])
        if not page["items"]:
            break
        position = page["next"]
    page = reader.get("/v1/events", after=promises.position, limit=1_000)
    while page["items"]:  # what came after the reader had stopped
        promises.note("told", *(name_of(each) for each in page["items"]))
        promises.note("position", page["next"])
        page = reader.get("/v1/events", after=promises.position, limit=1_000)
    assert names <= promises.told, f"{len(names - promises.told)} events were not told"
    wait_until(lambda: names <= promises.hooked, "the last webhook", HOOKS_SECONDS)
    say(f"events told page by page and by webhook: all {len(names):,}")
