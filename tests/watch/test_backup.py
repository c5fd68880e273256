"""What was accepted before a backup is there after a restore, and on the chain exactly once."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import insert, text

from node import tables
from node.backup.making import BackupRefused, key_places, make_backup
from node.backup.manifest import DATABASE_PART, MANIFEST_FILE, BackupBroken
from node.backup.restoring import ON_CHAIN, PARKED, RestoreRefused, restore_backup
from node.backup.sealed_keys import KeysNotOpened, open_keys, put_keys, seal_keys
from node.config import Settings
from node.db import owner_engine
from node.erasure_journal import (
    Erased,
    ErasedRecord,
    ErasedSubject,
    ErasureJournalBroken,
    note_erasures,
    noted_erasures,
)
from node.sealing import seal
from node.secret_files import load_master_key
from protocol.types import Leaf, OrganisationId, to_hex
from tests.own_chain import OwnChain, OwnDatabase, run_until_idle
from tests.stage import World, wait_until

PASSPHRASE = "correct horse battery staple"


def silent(line: str) -> None:
    """What a restore says is for people."""


@dataclass(slots=True)
class Place:
    """A node's settings on a database, and where its backup lies."""

    settings: Settings
    folder: Path

    def at(self, url: str) -> Settings:
        return self.settings.model_copy(update={"database_url": url})


@pytest.fixture
def place(own_database: OwnDatabase, tmp_path: Path) -> Place:
    """A state directory of the test's own, for the chain that the tests share."""
    state = own_database.chain.settings.model_copy(
        update={
            "state_dir": tmp_path / "state",
            "database_url": own_database.url,
            "finality_blocks": 3,
        }
    )
    return Place(state, tmp_path / "backup")


def times_on_chain(chain: OwnChain, leaf: bytes) -> int:
    events = chain.events("ConsentRegistry", "LeavesAnchored")
    return sum(list(event["args"]["leaves"]).count(leaf) for event in events)


def store_record(database: OwnDatabase, leaf: bytes, master_key: bytes) -> None:
    sealed = seal(b"what nobody else may read", leaf, master_key)
    with database.owner.begin() as connection:
        connection.execute(
            insert(tables.consents).values(
                organisation_id=database.chain.operator,
                leaf=leaf,
                agreement_id=bytes(32),
                issuer=database.chain.operator,
                holder=bytes(20),
                valid_from=0,
                valid_until=1,
                commitment=bytes(33),
                assurance="signed",
                sealed_record=sealed.ciphertext,
                wrapped_key=sealed.wrapped_key,
            )
        )


@pytest.mark.parametrize("with_index", [False, True], ids=["without index", "with index"])
@pytest.mark.parametrize("is_sent_after", [False, True], ids=["unsent", "sent after"])
def test_what_was_accepted_is_on_chain_exactly_once_after_a_restore(
    own_database: OwnDatabase,
    place: Place,
    new_database: Callable[[], str],
    with_index: bool,
    is_sent_after: bool,
) -> None:
    chain, sender = own_database.chain, own_database.sender()
    done = [own_database.promise_anchor() for _ in range(3)]
    run_until_idle(sender)
    waiting = [own_database.promise_anchor() for _ in range(2)]
    secret, ended = secrets.token_bytes(32), Leaf(secrets.token_bytes(32))
    own_database.promise_withdrawal(ended, secret)
    if with_index:
        own_database.indexer().catch_up()
    manifest = make_backup(place.settings, place.folder, with_index)
    assert manifest.last_outbox_id == 6
    assert {path.stat().st_mode & 0o077 for path in place.folder.glob("*.dump")} == {0}
    late = []
    if is_sent_after:
        late.append(own_database.promise_anchor())
        run_until_idle(sender)
        assert [times_on_chain(chain, leaf) for leaf in (*waiting, *late)] == [1, 1, 1]
    # The database is lost here: nothing of it is asked any more.
    restored = OwnDatabase(chain, url := new_database(), owner_engine(url))
    restore_backup(place.at(url), place.folder, silent)
    again = restored.sender()
    run_until_idle(again)
    readable = "has_table_privilege('ptx_api', 'ledger.leaves', 'SELECT')"
    assert restored.sql(f"SELECT {readable} AS granted")[0].granted
    for leaf in (*done, *waiting, *late):
        assert times_on_chain(chain, leaf) == 1
    endings = chain.events("ConsentRegistry", "ConsentEnded")
    assert [bytes(event["args"]["leaf"]) for event in endings].count(ended) == 1
    assert len(restored.states()) == 6
    assert set(restored.states()) <= {"mined", "final"}
    # And it goes on from there.
    after = restored.promise_anchor()
    run_until_idle(again)
    assert times_on_chain(chain, after) == 1
    highest = restored.sql("SELECT max(nonce) AS nonce FROM node.transactions")[0].nonce
    assert chain.nonce() == highest + 1
    restored.owner.dispose()


def test_a_restore_that_is_broken_off_sends_nothing_and_goes_on(
    own_database: OwnDatabase, place: Place, new_database: Callable[[], str]
) -> None:
    leaf = own_database.promise_anchor()
    make_backup(place.settings, place.folder, with_index=False)
    run_until_idle(own_database.sender())
    restored = OwnDatabase(own_database.chain, url := new_database(), owner_engine(url))

    class Killed(BaseException):
        """As if the power went."""

    def kill(blocks: int) -> None:
        raise Killed

    with pytest.raises(Killed):
        restore_backup(place.at(url), place.folder, silent, kill)
    run_until_idle(restored.sender())
    assert restored.states() == ["waiting"]
    assert restored.sql(f"SELECT count(*) AS parked FROM node.outbox WHERE {PARKED}")[0].parked == 1
    restore_backup(place.at(url), place.folder, silent)
    run_until_idle(restored.sender())
    assert restored.states() == ["final"]
    assert times_on_chain(own_database.chain, leaf) == 1
    restored.owner.dispose()


def test_a_change_of_an_agreement_is_not_made_again_if_the_chain_has_it(world: World) -> None:
    """What the party did before it promised this one counts for nothing: it may be taken back."""
    agreement, client = world.conclude(), world.provider.client
    path = f"/v1/agreements/{to_hex(agreement)}"
    reached = {"suspend": "suspended", "resume": "active", "terminate": "terminated"}
    for change, status in reached.items():
        client.post(f"{path}/{change}", None if change == "resume" else {})
        wait_until(lambda status=status: client.get(path)["status"] == status, status)
    promise = text(
        "INSERT INTO node.outbox (organisation_id, kind, subject, order_key, payload, not_before,"
        " created_at) VALUES (:own, :kind, :id, :id, CAST(:payload AS jsonb), 'infinity',"
        " now() + CAST(:after AS interval)) RETURNING outbox_id"
    )
    payloads = {
        "own": json.dumps({"organisation": to_hex(world.provider.id)}),
        "other": json.dumps({"organisation": to_hex(world.consumer.id)}),
    }
    with world.node.engine.connect() as connection:
        parked = {}
        for kind in reached:
            for by, after in (("own", "-1 hour"), ("own", "1 hour"), ("other", "-1 hour")):
                values = {"own": world.provider.id, "kind": kind, "id": agreement, "after": after}
                added = connection.execute(promise, {**values, "payload": payloads[by]})
                parked[kind, by, after] = added.scalar_one()
        connection.execute(ON_CHAIN)
        rows = connection.execute(text("SELECT outbox_id, state FROM node.outbox"))
        states = {row.outbox_id: row.state for row in rows}
        connection.rollback()
    done = {place for place, outbox_id in parked.items() if states[outbox_id] == "final"}
    once = {(kind, "own", "-1 hour") for kind in ("suspend", "resume")}
    assert done == once | {place for place in parked if place[0] == "terminate"}


def test_an_erased_record_does_not_come_back(
    own_database: OwnDatabase, place: Place, new_database: Callable[[], str]
) -> None:
    master_key = load_master_key(place.settings.keys_dir)
    erased, kept = secrets.token_bytes(32), secrets.token_bytes(32)
    for leaf in (erased, kept):
        store_record(own_database, leaf, master_key)
    make_backup(place.settings, place.folder, with_index=False)
    issuer = OrganisationId(own_database.chain.operator)
    noted = [ErasedRecord(issuer, issuer, Leaf(erased))]
    note_erasures(place.settings.erasure_journal, noted, 1_790_000_000)
    restored = OwnDatabase(own_database.chain, url := new_database(), owner_engine(url))
    restore_backup(place.at(url), place.folder, silent)
    rows = restored.sql("SELECT leaf, wrapped_key, sealed_record FROM node.consents")
    found = {row.leaf: (row.wrapped_key, row.sealed_record) for row in rows}
    assert found[erased] == (None, b"")
    assert found[kept][0] is not None
    restored.owner.dispose()


def test_a_restore_refuses_what_would_do_harm(
    own_database: OwnDatabase, place: Place, new_database: Callable[[], str]
) -> None:
    own_database.promise_anchor()
    make_backup(place.settings, place.folder, with_index=False)
    with pytest.raises(RestoreRefused, match=r"has rows in node\.api_keys"):
        restore_backup(place.settings, place.folder, silent)
    with pytest.raises(BackupRefused, match="is not empty"):
        make_backup(place.settings, place.folder, with_index=False)
    empty = place.at(new_database())
    manifest, dump = place.folder / MANIFEST_FILE, place.folder / DATABASE_PART
    written, dumped = manifest.read_text(), dump.read_bytes()
    manifest.write_text(written.replace('"chain_id": 7838', '"chain_id": 7839'))
    with pytest.raises(RestoreRefused, match=r"is chain 7838 .* backup is of chain 7839"):
        restore_backup(empty, place.folder, silent)
    manifest.write_text(written)
    dump.write_bytes(dumped[:-1] + bytes([dumped[-1] ^ 1]))
    with pytest.raises(BackupBroken, match="SHA-256"):
        restore_backup(empty, place.folder, silent)
    dump.unlink()
    with pytest.raises(BackupBroken, match="is missing"):
        restore_backup(empty, place.folder, silent)
    manifest.unlink()
    with pytest.raises(BackupBroken, match="this is no backup"):
        restore_backup(empty, place.folder, silent)


def test_the_keys_are_in_a_file_of_their_own_that_a_passphrase_opens(
    own_database: OwnDatabase, place: Place, tmp_path: Path
) -> None:
    master_key = load_master_key(place.settings.keys_dir)
    leaf = secrets.token_bytes(32)
    store_record(own_database, leaf, master_key)
    make_backup(place.settings, place.folder, with_index=False)
    sealed = tmp_path / "elsewhere" / "keys"
    assert seal_keys(key_places(place.settings), PASSPHRASE, sealed) == 1
    assert sealed.stat().st_mode & 0o777 == 0o600
    for path in (*place.folder.iterdir(), sealed):
        content = path.read_bytes()
        assert master_key not in content
        assert master_key.hex().encode() not in content
    with pytest.raises(KeysNotOpened, match="another passphrase"):
        open_keys(sealed, PASSPHRASE + "!")
    with pytest.raises(KeysNotOpened, match="4 characters"):
        seal_keys(key_places(place.settings), "four", tmp_path / "weak")
    opened = open_keys(sealed, PASSPHRASE)
    there = {name: tmp_path / "restored" / name for name in opened}
    put_keys(opened, there)
    assert load_master_key(tmp_path / "restored") == master_key
    there["master-key"].write_text("another")
    with pytest.raises(KeysNotOpened, match="is another key"):
        put_keys(opened, there)


def test_a_death_while_an_erasure_is_noted_loses_no_other(tmp_path: Path) -> None:
    journal = tmp_path / "state" / "erasures"
    assert noted_erasures(journal) == []
    by, issuer = OrganisationId(bytes(20)), OrganisationId(secrets.token_bytes(20))
    first: Erased = ErasedRecord(by, issuer, Leaf(secrets.token_bytes(32)))
    second: Erased = ErasedSubject(by, secrets.token_bytes(32))
    note_erasures(journal, [first], 1)
    whole = journal.read_bytes()
    for cut in range(1, len(whole)):
        journal.write_bytes(whole + whole[:cut])
        assert noted_erasures(journal) == [first]
        note_erasures(journal, [second, first], 2)
        assert noted_erasures(journal) == [first, second]
    journal.write_bytes(b"nothing\n" + whole)
    with pytest.raises(ErasureJournalBroken, match="line 1"):
        noted_erasures(journal)
