"""The pages of organisations say in words what the API says of them, and lead to its events."""

from __future__ import annotations

import html
import re
import secrets
import time

import httpx
import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from web3 import Web3

from node.governance import execute_through_timelock
from node.preparation import prove_possession
from node.wallet import Wallet
from protocol.identifiers import organisation_id
from protocol.types import OrganisationId, Role, to_hex
from tests.node.test_public_pages import NOBODY, OPERATOR, read
from tests.stage import Json, World

MONTH_SECONDS = 30 * 86_400


def words_of(world: World, path: str, language: str = "en") -> str:
    """What is read on a page."""
    answer = read(world, path, language)
    assert answer.status_code == 200
    main = answer.text.partition("<main")[2].partition("</main>")[0]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", main)).split())


def links_of(world: World, path: str) -> list[str]:
    """The addresses to which it leads."""
    return [
        html.unescape(each) for each in re.findall('href="([^"]+)"', read(world, path, "en").text)
    ]


def api(world: World, path: str) -> Json:
    answer: Json = httpx.get(f"{world.node.url}/v1{path}").json()
    return answer


@pytest.fixture(scope="module")
def lost(world: World) -> str:
    """The id of an organisation that no node hosts, has retired its only account, is to get
    another, and is suspended."""
    did = f"did:web:{secrets.token_hex(6)}.example"
    own = organisation_id(did)
    stage, registry = world.story.stage, world.contract("ParticipantRegistry").functions
    former, coming = Account.create(), Account.create()
    proof = prove_possession(former, own, stage.deployment)
    govern(world, registry.admit(did, int(Role.CONSUMER), 2, former.address, proof))
    wallet = Wallet(world.web3, former)
    in_a_month = int(time.time()) + MONTH_SECONDS
    operator = Web3.to_checksum_address(stage.operator_id)
    wallet.call(registry.delegate(Web3.to_checksum_address(own), operator, 4, in_a_month))
    wallet.call(registry.retireAccount(former.address))
    announce_recovery(world, own, coming)
    govern(world, registry.suspend(Web3.to_checksum_address(own)))
    world.wait_for_block(world.web3.eth.block_number)
    return to_hex(own)


def announce_recovery(world: World, organisation: OrganisationId, account: LocalAccount) -> None:
    proof = prove_possession(account, organisation, world.story.stage.deployment)
    registry = world.contract("ParticipantRegistry").functions
    owner = Web3.to_checksum_address(organisation)
    govern(world, registry.announceRecovery(owner, account.address, proof))


def govern(world: World, act: object) -> None:
    stage = world.story.stage
    execute_through_timelock(stage.governance, stage.deployment, act)


def test_what_the_api_says_of_an_organisation_is_said_to_people(world: World) -> None:
    path = f"/participants/{to_hex(world.provider.id)}"
    told = api(world, path)
    said = words_of(world, path)
    assert told["did"] in said
    assert f"Name {told['name']} As this node's operator wrote it" in said
    assert "Roles provider" in said
    assert "College of voters 1" in said
    assert "State active" in said
    every = "manage accounts, sign agreements, anchor consents, sign vouchers, move money"
    assert f"{told['accounts'][0]['account']} {every} no end in force" in said
    operator = world.node.settings.operator_did
    assert f"{operator} sign agreements, anchor consents no end in force" in said
    assert f"/participants/{OPERATOR}" in links_of(world, path)
    assert f"/v1{path}" in links_of(world, path)
    assert "said to have lost" not in said


def test_an_organisation_in_trouble_says_so_in_both_languages(world: World, lost: str) -> None:
    path = f"/participants/{lost}"
    told = api(world, path)
    said, dit = words_of(world, path), words_of(world, path, "fr")
    assert "The association has suspended this organisation" in said
    assert f"the account {told['recovery']['account']} can be given every scope" in said
    assert f"le compte {told['recovery']['account']} pourra recevoir" in dit
    assert "Retired" in said
    assert "Retiré du service" in dit
    assert f"{world.node.settings.operator_did} anchor consents" in said
    assert "none on the ledger" in said
    assert "Name" not in said, "no node hosts it"
    assert "État suspendue" in dit
    assert "Rôles consommateur" in dit


def test_the_list_has_everybody_and_the_operators_list_those_that_it_serves(
    world: World, lost: str
) -> None:
    everybody = api(world, "/participants?limit=100")["items"]
    listed = links_of(world, "/participants")
    assert {f"/participants/{each['organisationId']}" for each in everybody} <= {*listed}
    said = words_of(world, "/participants")
    for each in everybody:
        assert each["did"] in said
        assert each["name"] is None or each["name"] in said
    served = {
        each["organisationId"]
        for each in everybody
        if any(
            given["operator"] == OPERATOR and given["expiresAt"] > time.time()
            for given in each["delegations"]
        )
    }
    assert {lost, to_hex(world.provider.id)} <= served
    ids = {each["organisationId"] for each in everybody}
    found = links_of(world, f"/participants?operator={OPERATOR}")
    assert {each for each in ids - {OPERATOR} if f"/participants/{each}" in found} == served
    assert "No organisation is here." in words_of(world, f"/participants?operator={lost}")
    last = max(ids)
    assert "No organisation is here." in words_of(world, f"/participants?after={last}")
    assert f"/participants?operator={OPERATOR}" in links_of(world, f"/participants/{OPERATOR}")
    assert f"/participants?operator={lost}" not in links_of(world, f"/participants/{lost}")


def test_an_organisation_leads_to_the_events_that_say_so_and_to_no_others(
    world: World, lost: str
) -> None:
    [address] = [
        each for each in links_of(world, f"/participants/{lost}") if "kind=participants" in each
    ]
    said = words_of(world, address)
    for name in (
        *("ParticipantAdmitted", "AccountBound", "OperatorDelegated", "AccountRetired"),
        *("RecoveryAnnounced", "ParticipantSuspended"),
    ):
        assert len(re.findall(rf"{name} ·", said)) == 1, name
    shown = read(world, address, "en").text
    assert to_hex(world.provider.id) not in shown
    assert world.provider.did not in shown
    assert "Roles roles consumer" in said
    assert "Scopes scopes anchor consents" in said
    assert f"/participants/{OPERATOR}" in links_of(world, address)
    received = links_of(world, f"/governance/events?kind=delegations&organisation={OPERATOR}")
    assert f"/participants/{to_hex(world.provider.id)}" in received


def test_an_address_without_an_organisation_leads_back_to_the_list(world: World) -> None:
    answer = read(world, f"/participants/{NOBODY}", "en")
    assert answer.status_code == 404
    assert "Governance admits organisations; see /participants." in answer.text
    program = read(world, f"/participants/{NOBODY}", "en", Accept="application/json")
    assert program.json()["type"] == "/problems/participant-not-found"
