"""What goes from one operator's node to another's: records, and the news of a withdrawal."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import httpx
import psutil
from sqlalchemy import Engine, text
from web3 import Web3
from web3.types import RPCEndpoint

from node.bench.figures import Figure, measured
from node.bench.two_nodes import RECIPIENT, TwoNodes
from node.client import read_api_key
from node.demo.cast import api_key_file
from node.intake.records import signed_record
from node.intake.terms import DAY_SECONDS
from protocol.entries import encode_entry, leaf_of
from protocol.record import Record, to_json
from protocol.signatures import sign_digest
from protocol.signing import withdrawal_digest
from protocol.types import ContractAddress, to_hex

DELIVERIES, WITHDRAWALS = "deliveries", "withdrawals"
RECORDS = 2_000
RECORDS_A_GRANT = 100
DELIVERED_SECONDS_MAX = 300.0
BLOCK_SECONDS = 2
BLOCKS_BEFORE = 10
WITHDRAWALS_A_SECOND = 50
WITHDRAWAL_SECONDS = 20
LOOK_SECONDS = 0.05


def measure_deliveries(nodes: TwoNodes) -> Iterator[Figure]:
    """Records that wait for another node, all granted before the first of them leaves."""
    webhooks = [each.pid for each in nodes.first.processes if each.name == "webhooks"]
    deliverer = psutil.Process(webhooks[0])
    deliverer.suspend()
    try:
        _grant(nodes, [secrets.token_bytes(32) for _ in range(RECORDS)])
    finally:
        deliverer.resume()
    took = _until_delivered(nodes.first_database)
    name = f"records delivered to another node, of {RECORDS:,} that wait"
    yield measured(DELIVERIES, name, RECORDS / took, "a second")


def _until_delivered(database: Engine) -> float:
    started = time.perf_counter()
    statement = text("SELECT count(*) FROM node.deliveries WHERE state <> 'delivered'")
    while True:
        with database.connect() as connection:
            left = connection.execute(statement).scalar_one()
        took = time.perf_counter() - started
        if not left:
            return took
        assert took < DELIVERED_SECONDS_MAX, f"{left} records are not delivered"
        time.sleep(LOOK_SECONDS)


def measure_withdrawals(nodes: TwoNodes) -> Iterator[Figure]:
    """Sent to both nodes in turn, on a chain that makes a block every two seconds: how long until
    both answer that the consent is withdrawn."""
    holders = [secrets.token_bytes(32) for _ in range(WITHDRAWALS_A_SECOND * WITHDRAWAL_SECONDS)]
    records = _grant(nodes, holders)
    _until_delivered(nodes.first_database)
    for client in (nodes.issuer, nodes.recipient):
        last = {"consents": [{"entry": to_hex(encode_entry(records[-1].entry))}]}
        client.wait_for(
            partial(client.post, "/v1/consents/status", last),
            lambda found: found["consents"][0]["state"] == "active",
            "the consents' anchor",
        )
    web3 = nodes.story.stage.web3
    _ask(web3, "evm_setAutomine", False)
    _ask(web3, "evm_setIntervalMining", BLOCK_SECONDS)
    time.sleep(BLOCKS_BEFORE * BLOCK_SECONDS)
    waits = asyncio.run(_withdraw_all(nodes, records, holders))
    _ask(web3, "evm_setIntervalMining", 0)
    _ask(web3, "evm_setAutomine", True)
    in_blocks = sorted(wait / BLOCK_SECONDS for wait in waits)
    name = f"signature to withdrawn at both nodes, {WITHDRAWALS_A_SECOND} a second"
    unit = "block times"
    yield measured(WITHDRAWALS, f"{name}, p50", in_blocks[len(in_blocks) // 2], unit)
    p99 = in_blocks[int(len(in_blocks) * 0.99)]
    yield measured(WITHDRAWALS, f"{name}, p99", p99, unit, "≤ 1.5")
    yield measured(WITHDRAWALS, f"{name}, slowest of {len(in_blocks):,}", in_blocks[-1], unit)


def _ask(web3: Web3, method: str, parameter: int) -> None:
    answer = web3.provider.make_request(RPCEndpoint(method), [parameter])
    assert "error" not in answer, answer


def _grant(nodes: TwoNodes, holders: Sequence[bytes]) -> list[Record]:
    """Consents with the recipient at the other node, one for each one-time key."""
    stage = nodes.story.stage
    registry = ContractAddress(stage.deployment.address_bytes("ConsentRegistry"))
    purpose = nodes.story.documents.receipt.purposes[0]
    valid_from = int(stage.web3.eth.get_block("latest")["timestamp"])
    records = [
        signed_record(
            purpose,
            [RECIPIENT],
            "bench",
            nodes.agreement_id,
            nodes.issuer_id,
            holder,
            valid_from,
            valid_from + 30 * DAY_SECONDS,
            stage.deployment.chain_id,
            registry,
        )
        for holder in holders
    ]
    for start in range(0, len(records), RECORDS_A_GRANT):
        some = [to_json(record) for record in records[start : start + RECORDS_A_GRANT]]
        nodes.issuer.post("/v1/consents", {"records": some})
    return records


@dataclass(slots=True)
class _Watched:
    """A withdrawal on its way: when it was signed, and which nodes have not answered yet."""

    entry: str
    signed_at: float
    missing: set[str]


async def _withdraw_all(
    nodes: TwoNodes, records: Sequence[Record], holders: Sequence[bytes]
) -> list[float]:
    """Seconds from signature to the last node's answer, of each."""
    stage = nodes.story.stage
    key = read_api_key(api_key_file(stage.settings, nodes.issuer_id))
    keys = {nodes.issuer.url: key, nodes.recipient.url: nodes.recipient_key}
    watched: list[_Watched] = []
    waits: list[float] = []
    async with httpx.AsyncClient(timeout=30.0) as http:
        watchers = [
            asyncio.create_task(_watch(http, url, str(keys[url]), watched, waits, len(records)))
            for url in keys
        ]
        sending = []
        started = time.perf_counter()
        for number, (record, holder) in enumerate(zip(records, holders, strict=True)):
            due = started + number / WITHDRAWALS_A_SECOND
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            url = list(keys)[number % 2]
            sending.append(asyncio.create_task(_withdraw(http, url, record, holder, watched, keys)))
        await asyncio.gather(*sending)
        await asyncio.gather(*watchers)
    return waits


async def _withdraw(
    http: httpx.AsyncClient,
    url: str,
    record: Record,
    holder: bytes,
    watched: list[_Watched],
    nodes: dict[str, str | None],
) -> None:
    entry = to_hex(encode_entry(record.entry))
    watched.append(_Watched(entry, time.perf_counter(), set(nodes)))
    digest = withdrawal_digest(leaf_of(record.entry), record.chain_id, record.registry)
    body = {"entry": entry, "signature": to_hex(sign_digest(holder, digest))}
    answer = await http.post(f"{url}/v1/withdrawals", json=body)
    assert answer.status_code == 202, answer.text


async def _watch(
    http: httpx.AsyncClient,
    url: str,
    key: str,
    watched: list[_Watched],
    waits: list[float],
    count: int,
) -> None:
    """Asks one node after all withdrawals that it has not told of yet, until all are told of."""
    while len(waits) < count:
        asked = [each for each in watched if url in each.missing][:1_000]
        if asked:
            body = {"consents": [{"entry": each.entry} for each in asked]}
            headers = {"Authorization": f"Bearer {key}"}
            answer = await http.post(f"{url}/v1/consents/status", json=body, headers=headers)
            now = time.perf_counter()
            for each, found in zip(asked, answer.json()["consents"], strict=True):
                if found["state"] == "withdrawn":
                    each.missing.discard(url)
                    if not each.missing:
                        waits.append(now - each.signed_at)
        await asyncio.sleep(LOOK_SECONDS)
