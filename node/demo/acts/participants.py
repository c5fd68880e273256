"""Act 1: governance admits, the node hosts, one organisation delegates to the operator."""

from __future__ import annotations

from web3 import Web3

from node.client import NodeRefused
from node.demo.cast import Organisation, api_key_file, cast_organisation
from node.demo.story import Story, require
from node.governance import execute_through_timelock
from node.preparation import prove_possession
from node.secret_files import write_private
from protocol.types import Role, Scope, to_hex


def register_participants(story: Story) -> None:
    """Governance admits, the operator's node hosts, one organisation delegates to the operator."""
    for remark in story.documents.remarks:
        story.narrator.fact("remark", remark)
    for organisation in story.parties.values():
        _register(story, organisation)
    hosted = story.parties[story.completion.hosted_by_operator]
    _delegate(story, hosted)


def _register(story: Story, organisation: Organisation) -> None:
    stage, narrator = story.stage, story.narrator
    narrator.fact("participant", f"{organisation.entry.name} ({organisation.role})")
    narrator.fact("DID", organisation.did, in_document=organisation.entry.did is not None)
    narrator.fact("id", Web3.to_checksum_address(organisation.id))
    narrator.fact("account", f"{organisation.wallet.address}, every scope", in_document=False)
    registry = stage.deployment.contract(stage.web3, "ParticipantRegistry")
    known = registry.functions.participantOf(Web3.to_checksum_address(organisation.id)).call()
    if known[0] == 0:
        proof = prove_possession(organisation.wallet.account, organisation.id, stage.deployment)
        role = Role.PROVIDER if organisation.role == "provider" else Role.CONSUMER
        act = registry.functions.admit(
            organisation.did, int(role), 1, organisation.wallet.address, proof
        )
        scheduled, executed = execute_through_timelock(stage.governance, stage.deployment, act)
        narrator.sent("schedule admission", scheduled)
        narrator.sent("execute admission", executed)
    else:
        narrator.fact("registered", "in an earlier demo")
    _wait_for_participant(story, organisation)
    _enrol(story, organisation)


def _wait_for_participant(story: Story, organisation: Organisation) -> None:
    node = story.stage.operator

    def read() -> bool:
        try:
            node.get(f"/v1/participants/{to_hex(organisation.id)}")
        except NodeRefused as refusal:
            require(refusal.problem["status"] == 404, "only an unknown participant is refused")
            return False
        return True

    node.wait_for(read, bool, f"the index of {organisation.did}")


def _enrol(story: Story, organisation: Organisation) -> None:
    key_file = api_key_file(story.stage.settings, organisation.id)
    if not key_file.exists():
        body = {"did": organisation.did, "name": organisation.entry.name}
        answer = story.stage.operator.post("/v1/participants", body)
        write_private(key_file, answer["apiKey"] + "\n")
    again = cast_organisation(story.stage, organisation.role, organisation.entry, organisation.did)
    story.parties[organisation.role] = again
    story.narrator.fact("API key", f"{key_file.name}, mode 0600")


def _delegate(story: Story, hosted: Organisation) -> None:
    stage = story.stage
    registry = stage.deployment.contract(stage.web3, "ParticipantRegistry")
    operator = Web3.to_checksum_address(stage.operator_id)
    organisation = Web3.to_checksum_address(hosted.id)
    scopes = Scope.AGREE | Scope.ANCHOR
    story.narrator.fact("hosted by", f"{stage.settings.operator_did} for {hosted.entry.name}")
    given = registry.functions.delegationOf(organisation, operator).call()
    if given[0] == int(scopes):
        story.narrator.fact("delegation", "agree, anchor; given in an earlier demo")
        return
    act = registry.functions.delegate(organisation, operator, int(scopes), 2**40 - 1)
    story.narrator.sent("delegate to operator", hosted.wallet.call(act))
    path = f"/v1/participants/{to_hex(hosted.id)}"
    hosted.client.wait_for(
        lambda: hosted.client.get(path)["delegations"], bool, "the index of the delegation"
    )
