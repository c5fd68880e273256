"""Acts 3 and 4: the receipt becomes anchored consents; three answers agree that one is active."""

from __future__ import annotations

import json
import secrets
import time

from node.demo.story import Story, gate_answer, require
from node.intake.records import signed_record
from node.intake.terms import DAY_SECONDS
from node.secret_files import write_private
from protocol.bundle_verification import Result, verify_bundle
from protocol.entries import encode_entry, leaf_of
from protocol.record import to_json
from protocol.types import ContractAddress, to_hex


def anchor_consents(story: Story) -> None:
    """The learner's one-time keys sign; the node pads the batch and anchors it."""
    stage, narrator, receipt = story.stage, story.narrator, story.documents.receipt
    completion = story.completion.consent
    issuer = story.parties[completion.issuer]
    recipients = [story.parties[role].did for role in completion.recipients]
    now = int(time.time())
    narrator.fact("receipt", f"{receipt.group_id}, {len(receipt.purposes)} purpose(s)")
    narrator.fact("validity", f"{completion.validity_days} days", in_document=False)
    registry = ContractAddress(stage.deployment.address_bytes("ConsentRegistry"))
    for index, purpose in enumerate(receipt.purposes):
        record = signed_record(
            purpose,
            recipients,
            receipt.group_id,
            story.agreement_id,
            issuer.id,
            story.learner.key(index),
            now,
            now + completion.validity_days * DAY_SECONDS,
            stage.deployment.chain_id,
            registry,
        )
        story.records.append(record)
        narrator.fact("purpose", purpose.purpose)
        narrator.fact("holder", f"{to_hex(record.entry.holder)}, one-time key", False)
        narrator.fact("commitment", to_hex(record.entry.commitment))
        narrator.fact("leaf", to_hex(leaf_of(record.entry)))
    started = time.monotonic()
    body = {"records": [to_json(record) for record in story.records]}
    issuer.client.post("/v1/consents", body, secrets.token_hex(16))
    first = to_hex(leaf_of(story.records[0].entry))
    answer = issuer.client.wait_for(
        lambda: issuer.client.get(f"/v1/consents/{first}"),
        lambda found: found["anchoring"] is not None,
        "the consent's anchor",
    )
    anchoring = answer["anchoring"]
    narrator.mined("anchor", anchoring["transactionHash"], started)
    narrator.fact("batch", f"{len(story.records)} consent(s) padded to {anchoring['size']} leaves")
    require(anchoring["size"] == 8, "a small batch is padded to 8")


def prove_consent(story: Story) -> None:
    """Three answers that must agree: the API's, the offline verifier's, the contract's."""
    stage, narrator = story.stage, story.narrator
    consumer = story.parties["consumer"].client
    entry = story.records[0].entry
    leaf = to_hex(leaf_of(entry))
    status = gate_answer(story)
    narrator.fact("API says", f"{status['state']}, assurance {status['assurance']}")
    require(status["state"] == "active", "the API answers active")
    bundle = consumer.get(f"/v1/proofs/{leaf}")
    path = stage.settings.state_dir / "demo" / f"{leaf[2:18]}.proof.json"
    write_private(path, json.dumps(bundle, indent=2) + "\n")
    sections = verify_bundle(bundle)
    require(all(s.result is not Result.FAILED for s in sections), "the proof file verifies")
    for result in Result:
        names = [section.name for section in sections if section.result is result]
        if names:
            narrator.fact(f"proof: {result}", ", ".join(names))
    narrator.fact("proof file", f"{path}  (ptx-ledger proof verify FILE)")
    inclusion = bundle["inclusion"]
    registry = stage.deployment.contract(stage.web3, "ConsentRegistry")
    proof = (inclusion["root"], inclusion["index"], inclusion["path"])
    on_chain = registry.functions.isActive(encode_entry(entry), proof).call()
    narrator.fact("contract says", f"isActive = {on_chain}")
    require(on_chain, "the contract agrees")
