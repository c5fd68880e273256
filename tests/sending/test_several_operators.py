"""One withdrawal, handed to three operators at once: each has a key and a database of its own."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from eth_account import Account
from fastapi.testclient import TestClient

from node.api.app import create_app
from node.sending.sender import Sender
from node.signers import KeySigner
from protocol.entries import Entry, encode_entry, leaf_of
from protocol.signatures import address_of, sign_digest
from protocol.signing import withdrawal_digest
from protocol.types import AgreementId, Leaf, UnixSeconds, to_hex
from tests.indexer.test_feed import at_head
from tests.own_chain import OwnChain, OwnDatabase, open_own_database, run_until_idle
from tests.stage import Json

OPERATORS = 3
FINALITY_BLOCKS = 5


@dataclass(slots=True)
class Operator:
    """`api` answers from the database alone that this operator's indexer and sender write."""

    database: OwnDatabase
    sender: Sender
    api: TestClient

    def index(self) -> None:
        """Up to the chain's head, and once more, to find that there is no newer."""
        indexer = self.database.indexer()
        at_head(indexer, self.database)
        indexer.step()

    def withdrawn(self) -> tuple[str, str]:
        """The state of the act, and the reason if it failed."""
        [row] = self.database.sql("SELECT state, failure FROM node.outbox WHERE kind = 'withdraw'")
        return row.state, row.failure


@contextmanager
def open_operator(chain: OwnChain) -> Iterator[Operator]:
    database = open_own_database(chain)
    signer = KeySigner(Account.create(), chain.deployment.chain_id)
    sender = database.sender(signer=signer, finality_blocks=FINALITY_BLOCKS)
    settings = chain.settings.model_copy(update={"database_url": database.url})
    with TestClient(create_app(settings)) as api:
        yield Operator(database, sender, api)
    database.owner.dispose()


@pytest.fixture
def operators(own_chain: OwnChain) -> Iterator[list[Operator]]:
    with ExitStack() as stack:
        yield [stack.enter_context(open_operator(own_chain)) for _ in range(OPERATORS)]


def anchored_entry(database: OwnDatabase, secret: bytes) -> Entry:
    """A consent of the learner with this one-time key, on the chain."""
    now = int(time.time())
    entry = Entry(
        agreement_id=AgreementId(secrets.token_bytes(32)),
        issuer=database.chain.operator,
        holder=address_of(secret),
        valid_from=UnixSeconds(now - 60),
        valid_until=UnixSeconds(now + 3_600),
        commitment=b"\x02" + secrets.token_bytes(32),
    )
    database.promise_anchor(leaf_of(entry))
    run_until_idle(database.sender())
    return entry


def withdrawal_of(chain: OwnChain, entry: Entry, secret: bytes) -> Json:
    registry = chain.deployment.address_bytes("ConsentRegistry")
    digest = withdrawal_digest(leaf_of(entry), chain.deployment.chain_id, registry)
    return {"entry": to_hex(encode_entry(entry)), "signature": to_hex(sign_digest(secret, digest))}


def all_in_one_block(chain: OwnChain, operators: list[Operator]) -> None:
    """Nobody knows of the others' transactions when sending the own."""
    chain.rpc("evm_setAutomine", False)
    try:
        for each in operators:
            each.sender.step()
            assert each.withdrawn() == ("sent", None)
        chain.mine(1)
    finally:
        chain.rpc("evm_setAutomine", True)


def one_after_the_other(_chain: OwnChain, operators: list[Operator]) -> None:
    for each in operators:
        run_until_idle(each.sender)


@pytest.mark.parametrize("send", [all_in_one_block, one_after_the_other])
def test_three_operators_end_a_consent_once_and_all_say_so(
    own_chain: OwnChain,
    own_database: OwnDatabase,
    operators: list[Operator],
    secret: bytes,
    send: Callable[[OwnChain, list[Operator]], Any],
) -> None:
    entry = anchored_entry(own_database, secret)
    leaf, withdrawal = leaf_of(entry), withdrawal_of(own_chain, entry, secret)
    for each in operators:
        each.index()
        taken = each.api.post("/v1/withdrawals", json=withdrawal)
        assert (taken.status_code, taken.json()["state"]) == (202, "withdrawal-pending")
    send(own_chain, operators)
    own_chain.mine(FINALITY_BLOCKS)
    endings = [each for each in own_chain.events("ConsentRegistry", "ConsentEnded")
               if Leaf(each["args"]["leaf"]) == leaf]  # fmt: skip
    assert len(endings) == 1
    for each in operators:
        run_until_idle(each.sender)
        assert each.withdrawn() == ("final", None)
        each.index()
        shown = each.api.get(f"/v1/withdrawals/{to_hex(leaf)}")
        assert shown.status_code == 200, shown.text
        answer = shown.json()
        assert (answer["state"], answer["endedBy"]) == ("withdrawn", "holder")
        assert answer["blockNumber"] == endings[0]["blockNumber"]
        assert answer["transactionHash"] == to_hex(endings[0]["transactionHash"])
