"""Act 5: deposit, uses behind the gate, a cumulative voucher, the split at the rate in force."""

from __future__ import annotations

import secrets
import time

from web3 import Web3

from node.demo.cast import Organisation
from node.demo.story import Story, money_on_chain, require, wait_for_block
from node.governance import execute_through_timelock
from protocol.eip712 import digest_of_typed_data
from protocol.entries import leaf_of
from protocol.types import to_hex


def settle_use(story: Story) -> None:
    """Deposit, uses behind the gate, a cumulative voucher, the split at the rate in force."""
    stage, narrator = story.stage, story.narrator
    consumer, provider = story.parties["consumer"], story.parties["provider"]
    _deposit(story, consumer)
    leaf = to_hex(leaf_of(story.records[0].entry))
    uses = {
        "agreementId": to_hex(story.agreement_id),
        "consents": [leaf] * story.completion.use.times,
    }
    recorded = consumer.client.post("/v1/usages", uses, secrets.token_hex(16))
    voucher = recorded["voucher"]
    narrator.fact("uses", f"{voucher['units']} in {voucher['period']}", in_document=False)
    narrator.fact("usage root", voucher["usageRoot"])
    digest = digest_of_typed_data(recorded["typedData"])
    story.voucher = {
        "voucher": voucher,
        "signer": to_hex(consumer.account),
        "signature": to_hex(consumer.sign(digest)),
    }
    consumer.client.post("/v1/vouchers", story.voucher, secrets.token_hex(16))
    settlement = stage.deployment.contract(stage.web3, "UsageSettlement")
    before = money_on_chain(story)
    started = time.monotonic()
    queued = provider.client.post("/v1/settlements", story.voucher, secrets.token_hex(16))
    answer = provider.client.wait_for(
        lambda: provider.client.get(f"/v1/settlements/{queued['settlementId']}"),
        lambda found: found["state"] in ("mined", "final", "failed"),
        "the settlement",
    )
    require(answer["state"] != "failed", f"the settlement is carried out: {answer['failure']}")
    narrator.mined("settle", answer["transactionHash"], started)
    gross = sum(line["grossMinor"] for line in queued["lines"])
    net = sum(line["netMinor"] for line in queued["lines"])
    commission = sum(line["commissionMinor"] for line in queued["lines"])
    for line in queued["lines"]:
        narrator.fact(
            f"category {line['category']}",
            f"gross {line['grossMinor']} = net {line['netMinor']} "
            f"+ commission {line['commissionMinor']} (base units)",
        )
    after = money_on_chain(story)
    for name, moved in (
        ("deposit", -gross),
        ("provider's balance", net),
        ("commission", commission),
    ):
        narrator.fact(name, f"{before[name]} → {after[name]}")
        require(after[name] - before[name] == moved, f"{name} moves by {moved}")
    paid = consumer.wallet.call(settlement.functions.payOutCommission())
    narrator.sent("commission to treasury", paid)
    treasury = money_on_chain(story)["treasury"]
    narrator.fact("treasury", f"{after['treasury']} → {treasury}")
    require(treasury - after["treasury"] == after["commission"], "the treasury gets the commission")


def _deposit(story: Story, consumer: Organisation) -> None:
    stage, narrator = story.stage, story.narrator
    amount = story.completion.use.deposit_minor
    token = stage.deployment.contract(stage.web3, "UsageToken")
    settlement = stage.deployment.contract(stage.web3, "UsageSettlement")
    issue = token.functions.issue(consumer.wallet.address, amount, secrets.token_bytes(32))
    _, executed = execute_through_timelock(stage.governance, stage.deployment, issue)
    narrator.sent("issue tokens", executed)
    approve = token.functions.approve(settlement.address, amount)
    narrator.sent("approve", consumer.wallet.call(approve))
    organisation = Web3.to_checksum_address(consumer.id)
    deposit = settlement.functions.deposit(story.agreement_id, organisation, amount)
    receipt = consumer.wallet.call(deposit)
    narrator.sent("deposit", receipt)
    wait_for_block(story, receipt.block_number)
    narrator.fact("deposit", f"{amount} base units", in_document=False)
