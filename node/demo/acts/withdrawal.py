"""Act 6: a withdrawal by the one-time key, relayed: pending at once, withdrawn by the chain."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from web3 import Web3

from node.client import NodeRefused
from node.demo.story import DemoBroken, Story, gate_answer, require
from protocol.entries import encode_entry, leaf_of
from protocol.signatures import sign_digest
from protocol.signing import withdrawal_digest
from protocol.types import to_hex


def withdraw(story: Story) -> None:
    """A signature by the one-time key, relayed: pending at once, then withdrawn by the chain."""
    stage, narrator = story.stage, story.narrator
    entry = story.records[0].entry
    leaf = leaf_of(entry)
    registry = stage.deployment.address_bytes("ConsentRegistry")
    digest = withdrawal_digest(leaf, stage.deployment.chain_id, registry)
    signature = sign_digest(story.learner.key(0), digest)
    body = {"entry": to_hex(encode_entry(entry)), "signature": to_hex(signature)}
    started = time.monotonic()
    accepted = stage.operator.post("/v1/withdrawals", body)
    gate = gate_answer(story)
    narrator.fact("accepted", f"{accepted['state']}; the gate answers {gate['state']}")
    require(gate["state"] in ("withdrawal-pending", "withdrawn"), "the gate closes at once")
    answer = stage.operator.wait_for(
        lambda: stage.operator.get(f"/v1/withdrawals/{to_hex(leaf)}"),
        lambda found: found["state"] == "withdrawn",
        "the withdrawal on chain",
    )
    narrator.mined("withdraw", answer["transactionHash"], started)
    gate = gate_answer(story)
    since = datetime.fromtimestamp(gate["endedAt"], UTC)
    narrator.fact("gate", f"{gate['state']} since {since:%H:%M:%S} UTC, by the {gate['endedBy']}")
    require(gate["state"] == "withdrawn", "every answer is withdrawn")
    contract = stage.deployment.contract(stage.web3, "ConsentRegistry")
    holder = Web3.to_checksum_address(entry.holder)
    ended_at = contract.functions.revocations(holder, leaf).call()
    require(ended_at == gate["endedAt"], "the contract has the same time")
    narrator.fact("contract", f"revocations of the holder = {ended_at}")
    try:
        uses = {"agreementId": to_hex(story.agreement_id), "consents": [to_hex(leaf)]}
        story.parties["consumer"].client.post("/v1/usages", uses)
    except NodeRefused as refusal:
        narrator.fact("a further use", f"refused: {refusal.problem['detail']}")
    else:
        raise DemoBroken("a use after the withdrawal was recorded")
