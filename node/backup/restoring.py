"""Puts a backup back: all of it or nothing, on the ledger that it was taken from, and no act again
that the chain has already.

Whatever was sent after the backup is on the chain and not in it. So every act that waits in it is
parked in the very transaction that brings it back; once the index has read the chain, and the pool
holds nothing of the node's any more, each is either carried out already, or free to be sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from eth_utils.address import to_checksum_address
from sqlalchemy import Connection, Engine, text
from web3 import Web3

from indexer.chain import Chain
from node import tables
from node.backup.manifest import (
    DATABASE_PART,
    DEPLOYMENT_PART,
    Manifest,
    read_manifest,
)
from node.backup.postgres_tools import load
from node.bootstrap import load_node, make_indexer
from node.config import Settings
from node.contracts import load_deployment, save_deployment
from node.db import API_ROLE, INDEXER_ROLE, SENDER_ROLE, WEBHOOKS_ROLE, owner_engine
from node.erasure_journal import Erased, ErasedSubject, noted_erasures
from node.migrate import migrate
from node.wallet import connect_chain

POOL_SECONDS_MAX = 120.0
POOL_POLL_SECONDS = 0.2

PARK = "UPDATE node.outbox SET not_before = 'infinity' WHERE state IN ('waiting', 'sent');"
PARKED = "state IN ('waiting', 'sent') AND not_before = 'infinity'"
SINCE_PROMISED = (
    "AS c JOIN ledger.blocks AS b ON b.block_number = c.block_number"
    "  WHERE c.agreement_id = o.subject"
    "  AND c.organisation = decode(substr(o.payload ->> 'organisation', 3), 'hex')"
    "  AND b.block_time >= floor(extract(epoch FROM o.created_at)))"
)
"""By the party itself: what it did before it may have been taken back meanwhile."""
ON_CHAIN = text(
    "UPDATE node.outbox AS o SET state = 'final', transaction_id = NULL, not_before = NULL,"
    f" failure = NULL WHERE {PARKED} AND CASE o.kind"
    " WHEN 'anchor' THEN EXISTS (SELECT FROM ledger.leaves AS l JOIN ledger.batches AS b"
    "  ON b.first_index <= l.leaf_index AND l.leaf_index < b.first_index + b.size"
    "  AND b.block_number = l.block_number"
    "  WHERE l.leaf = o.subject AND b.issuer = o.organisation_id)"
    " WHEN 'withdraw' THEN EXISTS (SELECT FROM ledger.endings AS e WHERE e.leaf = o.subject"
    "  AND e.who = decode(substr(o.payload ->> 'holder', 3), 'hex'))"
    " WHEN 'propose' THEN EXISTS (SELECT FROM ledger.agreements AS a"
    "  WHERE a.agreement_id = o.subject)"
    " WHEN 'sign' THEN EXISTS (SELECT FROM ledger.agreement_signatures AS s"
    "  WHERE s.agreement_id = o.subject"
    "  AND s.organisation = decode(substr(o.payload ->> 'organisation', 3), 'hex'))"
    f" WHEN 'suspend' THEN EXISTS (SELECT FROM ledger.agreement_suspensions {SINCE_PROMISED}"
    f" WHEN 'resume' THEN EXISTS (SELECT FROM ledger.agreement_resumptions {SINCE_PROMISED}"
    " WHEN 'terminate' THEN EXISTS (SELECT FROM ledger.agreement_terminations AS t"
    "  WHERE t.agreement_id = o.subject)"
    " WHEN 'settle' THEN EXISTS (SELECT FROM ledger.settlements AS s"
    "  WHERE s.agreement_id = decode(substr(o.payload #>> '{voucher,agreementId}', 3), 'hex')"
    "  AND s.consumer = decode(substr(o.payload #>> '{voucher,consumer}', 3), 'hex')"
    "  AND s.period = (o.payload #>> '{voucher,period}')::bigint"
    "  AND s.to_units >= (o.payload ->> 'upTo')::numeric)"
    " WHEN 'describe' THEN (SELECT d.service_address = o.payload ->> 'serviceAddress'"
    "  AND d.did_document_hash = decode(substr(o.payload ->> 'didDocumentHash', 3), 'hex')"
    "  FROM ledger.descriptions AS d"
    "  WHERE d.organisation = decode(substr(o.payload ->> 'organisation', 3), 'hex')"
    "  ORDER BY d.block_number DESC, d.log_index DESC LIMIT 1) END"
)
"""An act whose effect is there is done, by whichever transaction: its own may have been replaced
after the backup, by one that the backup does not know."""
FREE = text(f"UPDATE node.outbox SET not_before = NULL WHERE {PARKED}")


READ_INDEX = text(
    f"GRANT USAGE ON SCHEMA ledger, indexing TO {API_ROLE}, {WEBHOOKS_ROLE};"
    f" GRANT SELECT ON ALL TABLES IN SCHEMA ledger, indexing TO {API_ROLE}, {WEBHOOKS_ROLE}"
)
"""The migration that grants it ran on the database that was lost: here the index is younger."""


class RestoreRefused(Exception):
    """Restoring here would harm what is there, or belongs to another ledger."""


class PoolNotEmpty(RestoreRefused):
    """The chain still holds transactions of this node that are in no block."""


def restore_backup(
    settings: Settings,
    folder: Path,
    say: Callable[[str], None],
    on_blocks: Callable[[int], None] = lambda blocks: None,
) -> Manifest:
    """Restores into an empty database; a run that was broken off after the load goes on.

    Raises RestoreRefused, BackupBroken, ToolFailed; until the last step nothing is sent.
    """
    assert settings.database_url is not None
    manifest = read_manifest(folder)
    require_same_ledger(settings, manifest)
    engine = owner_engine(settings.database_url)
    try:
        if _is_parked(engine):
            say("going on with a restore that was broken off")
        else:
            _require_empty(engine)
            erased = noted_erasures(settings.erasure_journal)
            _load(settings.database_url, folder / DATABASE_PART, erased, manifest.has_index)
            say(f"loaded {manifest.rows['consents']} records, {len(erased)} erasures applied again")
        if not settings.deployment_file.exists():
            save_deployment(settings.deployment_file, load_deployment(folder / DEPLOYMENT_PART))
        migrate(engine)
        with engine.begin() as connection:
            connection.execute(READ_INDEX)
        node = load_node(settings)
        wait_for_empty_pool(settings, _senders(engine))
        make_indexer(node).catch_up(on_blocks)
        done, free = release_acts(engine)
        say(f"{done} acts are on the chain already, {free} are still to be sent")
    finally:
        engine.dispose()
    return manifest


def require_same_ledger(settings: Settings, manifest: Manifest) -> None:
    """Raises RestoreRefused unless the chain is that of the backup, and no other deployment is
    recorded here."""
    assert settings.chain_url is not None
    chain = Chain(settings.chain_url)
    found = chain.chain_id(), "0x" + chain.genesis_hash().hex()
    if found != (manifest.chain_id, manifest.genesis_hash):
        raise RestoreRefused(
            f"{chain.name} is chain {found[0]} from {found[1]}, the backup is of chain "
            f"{manifest.chain_id} from {manifest.genesis_hash}: correct CHAIN_URL."
        )
    if settings.deployment_file.exists():
        here = load_deployment(settings.deployment_file)
        if (here.chain_id, here.genesis_hash) != (manifest.chain_id, manifest.genesis_hash):
            raise RestoreRefused(
                f"{settings.deployment_file} records another ledger than the backup's: "
                "move it away."
            )


def wait_for_empty_pool(settings: Settings, senders: Sequence[bytes]) -> None:
    """Until every transaction that the node ever offered is in a block or gone. Raises
    PoolNotEmpty."""
    web3 = connect_chain(settings)
    deadline = time.monotonic() + POOL_SECONDS_MAX
    while waiting := [sender for sender in senders if _offered(web3, sender)]:
        if time.monotonic() > deadline:
            raise PoolNotEmpty(
                f"Transactions of {', '.join('0x' + each.hex() for each in waiting)} wait in the "
                "chain's pool: let them come into a block, or empty the pool, and run the restore "
                "again. Until then no node may run on this database."
            )
        time.sleep(POOL_POLL_SECONDS)


def release_acts(engine: Engine) -> tuple[int, int]:
    """Ends the acts whose effect is on the chain, frees the others; how many of each."""
    with engine.begin() as connection:
        return connection.execute(ON_CHAIN).rowcount, connection.execute(FREE).rowcount


def _offered(web3: Web3, sender: bytes) -> bool:
    address = to_checksum_address(sender)
    pending = web3.eth.get_transaction_count(address, "pending")
    return pending > web3.eth.get_transaction_count(address, "latest")


def _senders(engine: Engine) -> list[bytes]:
    with engine.connect() as connection:
        return list(connection.scalars(text("SELECT sender FROM node.sender_terms")))


def _is_parked(engine: Engine) -> bool:
    with engine.connect() as connection:
        if not _has_table(connection, "outbox"):
            return False
        statement = text(f"SELECT EXISTS (SELECT FROM node.outbox WHERE {PARKED})")
        return bool(connection.execute(statement).scalar_one())


def _require_empty(engine: Engine) -> None:
    with engine.connect() as connection:
        for table in tables.metadata.sorted_tables:
            if not _has_table(connection, table.name):
                continue
            statement = text(f"SELECT EXISTS (SELECT FROM {table.fullname})")
            if connection.execute(statement).scalar_one():
                raise RestoreRefused(
                    f"The database has rows in {table.fullname}: name an empty database, or an "
                    "empty PTX_STATE_DIR. Nothing was changed."
                )


def _has_table(connection: Connection, name: str) -> bool:
    statement = text("SELECT to_regclass(:name) IS NOT NULL")
    return bool(connection.execute(statement, {"name": f"node.{name}"}).scalar_one())


def _load(database_url: str, dump: Path, erased: Sequence[Erased], has_index: bool) -> None:
    with _scripts(erased, has_index) as (before, after):
        load(database_url, dump, before, after)


@contextmanager
def _scripts(erased: Sequence[Erased], has_index: bool) -> Iterator[tuple[Path, Path]]:
    """What runs before the dump and after it, in its transaction."""
    schemas = ("node", "ledger", "indexing") if has_index else ("node",)
    with TemporaryDirectory(prefix="ptx-restore-") as folder:
        before, after = Path(folder, "before.sql"), Path(folder, "after.sql")
        lines = [
            f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN"
            f" CREATE ROLE {role} NOLOGIN; END IF; END $$;"
            for role in (API_ROLE, SENDER_ROLE, INDEXER_ROLE, WEBHOOKS_ROLE)
        ]
        lines += [f"DROP SCHEMA IF EXISTS {schema} CASCADE;" for schema in schemas]
        before.write_text("\n".join(lines) + "\n")
        after.write_text("\n".join((PARK, *_erase_again(erased))) + "\n")
        yield before, after


def _erase_again(erased: Sequence[Erased]) -> Iterator[str]:
    for each in erased:
        yield f"SELECT set_config('ptx.organisation', '{each.by.hex()}', true);"
        if isinstance(each, ErasedSubject):
            yield (
                rf"DELETE FROM node.consent_requests WHERE organisation_id = '\x{each.by.hex()}'"
                rf" AND subject_hash = '\x{each.subject_hash.hex()}';"
            )
            continue
        yield rf"SELECT node.erase_record('\x{each.leaf.hex()}', '\x{each.issuer.hex()}');"
        if each.by == each.issuer:
            yield rf"SELECT node.order_erasures('\x{each.leaf.hex()}');"
