"""Act 2: the contract document becomes terms, both organisations sign, the agreement is active."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from typing import Any

from node.demo.story import Story, require
from node.intake.terms import terms_of_contract
from protocol.eip712 import digest_of_typed_data
from protocol.signing import agreement_id_of
from protocol.terms_json import terms_to_json
from protocol.types import ADDRESS_LENGTH, AgreementId, OrganisationId, from_hex, to_hex


def conclude_agreement(story: Story) -> None:
    """Terms over the contract's hashes; the node proposes, both organisations sign."""
    narrator, contract = story.narrator, story.documents.contract
    narrator.fact("contract", contract.contract_id)
    for signature in contract.signatures:
        narrator.fact("signature in document", f'"{signature.value}": unverified')
    by_role = {role: party.id for role, party in story.parties.items()}
    now = int(time.time())
    terms = terms_of_contract(contract, by_role, story.completion.agreement, now)
    narrator.fact("policy hash", to_hex(terms.policy_hash))
    narrator.fact("valid for", f"{story.completion.agreement.validity_days} days", False)
    for line in story.completion.agreement.lines:
        price = f"{line.unit_price_minor / 1e6:.6f} a use, {line.free_units} free, to {line.payee}"
        narrator.fact(f"price, category {line.category}", price, in_document=False)
    host = story.parties[story.completion.hosted_by_operator].client
    started = time.monotonic()
    body = {
        "terms": terms_to_json(terms),
        "document": story.documents.contract_source,
    }
    proposed = host.post("/v1/agreements", body, secrets.token_hex(16))
    agreement_id = bytes.fromhex(proposed["agreementId"][2:])
    story.agreement_id = AgreementId(agreement_id)
    deployment = story.stage.deployment
    require(
        agreement_id_of(terms, deployment.chain_id, deployment.address_bytes("AgreementRegistry"))
        == agreement_id,
        "the agreement's id is the digest of its terms",
    )
    narrator.fact("agreement", proposed["agreementId"])
    path = f"/v1/agreements/{proposed['agreementId']}"
    host.wait_for(lambda: host.get(path), _is_on_chain, "the proposal on chain")
    for party in story.parties.values():
        acceptance = party.client.get(f"{path}/acceptance")["typedData"]
        require(
            acceptance["message"]["terms"] == body["terms"],
            "a party signs the terms that were proposed",
        )
        signature_body = {
            "organisation": to_hex(party.id),
            "signer": to_hex(party.account),
            "signature": to_hex(party.sign(digest_of_typed_data(acceptance))),
        }
        party.client.post(f"{path}/signatures", signature_body, secrets.token_hex(16))
    answer = host.wait_for(
        lambda: host.get(path),
        lambda found: found["status"] == "active",
        "the agreement's activation",
    )
    for what, transaction_hash in _transactions(story, agreement_id):
        narrator.mined(what, transaction_hash, started)
    narrator.fact("status", f"{answer['status']}, by the last signature")


def _is_on_chain(answer: dict[str, Any]) -> bool:
    return "history" in answer


def _transactions(story: Story, agreement_id: bytes) -> Iterator[tuple[str, str]]:
    """The proposal's and each signature's transaction, in the order of the chain."""
    stage = story.stage
    registry = stage.deployment.contract(stage.web3, "AgreementRegistry")
    names = {party.id: party.role for party in story.parties.values()}
    for event in (registry.events.AgreementProposed(), registry.events.AgreementSigned()):
        for log in event.get_logs(
            from_block=stage.deployment.block_number, argument_filters={"agreementId": agreement_id}
        ):
            signed_by = log["args"].get("organisation")
            what = "propose"
            if signed_by is not None:
                what = f"sign, {names[OrganisationId(from_hex(signed_by, ADDRESS_LENGTH))]}"
            yield what, log["transactionHash"].to_0x_hex()
