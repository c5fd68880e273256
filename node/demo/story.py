"""What the acts of the demo share, and the check that the line went as it must."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from web3 import Web3

from node.demo.cast import Learner, Organisation, Stage
from node.demo.documents import DemoDocuments
from node.demo.narration import Narrator
from node.intake.completion import Completion
from protocol.entries import encode_entry
from protocol.record import Record
from protocol.types import AgreementId, to_hex


class DemoBroken(Exception):
    """The line did not go as it must; the message says where."""


@dataclass(slots=True)
class Story:
    """The line as it unfolds; each step leaves what the next one needs."""

    stage: Stage
    documents: DemoDocuments
    completion: Completion
    narrator: Narrator
    parties: dict[str, Organisation]
    learner: Learner
    agreement_id: AgreementId = field(default_factory=lambda: AgreementId(b""))
    records: list[Record] = field(default_factory=list)
    voucher: dict[str, Any] = field(default_factory=dict)


def require(condition: bool, what: str) -> None:
    """Raises DemoBroken unless the line went as it must."""
    if not condition:
        raise DemoBroken(f"the demo expected that {what}")


def gate_answer(story: Story) -> dict[str, Any]:
    """What the consumer's gate answers for the first consent."""
    entry = to_hex(encode_entry(story.records[0].entry))
    consumer = story.parties["consumer"].client
    answer: dict[str, Any] = consumer.post("/v1/consents/status", {"consents": [{"entry": entry}]})
    found: dict[str, Any] = answer["consents"][0]
    return found


def money_on_chain(story: Story) -> dict[str, int]:
    """Balances as the contracts have them, in base units."""
    stage = story.stage
    settlement = stage.deployment.contract(stage.web3, "UsageSettlement").functions
    token = stage.deployment.contract(stage.web3, "UsageToken").functions
    consumer = Web3.to_checksum_address(story.parties["consumer"].id)
    provider = Web3.to_checksum_address(story.parties["provider"].id)
    return {
        "deposit": settlement.depositOf(story.agreement_id, consumer).call(),
        "provider's balance": settlement.balanceOf(provider).call(),
        "commission": settlement.commissionOwed().call(),
        "treasury": token.balanceOf(stage.deployment.address_of("CommonsTreasury")).call(),
    }


def wait_for_block(story: Story, block_number: int) -> None:
    """Waits until the node's answers rest on a block that a wallet's transaction is in."""
    node = story.stage.operator
    node.wait_for(
        lambda: node.get("/v1/rates")["asOf"]["blockNumber"],
        lambda reached: bool(reached >= block_number),
        f"block {block_number} in the index",
    )
