"""A deposit is taken back on the organisation's pages: asked for by the wallet, and paid once the
notice is over."""

from __future__ import annotations

from typing import Any

import pytest
from eth_account import Account
from web3 import Web3
from web3.exceptions import ContractCustomError

from node.api.wording import wording_of
from protocol.types import AgreementId, to_hex
from tests.organisation.test_money_pages import asked_of_script, consumer, fault_beside, send
from tests.organisation.visits import visit
from tests.refusals import nothing_written
from tests.stage import World

NOTICE_SECONDS = 30 * 86_400


@pytest.fixture(scope="module")
def deposited(world: World) -> AgreementId:
    agreement = world.conclude()
    world.deposit(agreement, 1_000_000)
    return agreement


def path_of(agreement: AgreementId) -> str:
    return f"/money/leaving/{to_hex(agreement)}"


def called_at(world: World, call: dict[str, Any], time: int) -> Any:
    """What the chain answers to a call in a block of this time, which leaves nothing behind."""
    return world.web3.provider.make_request("eth_call", [call, "latest", {}, {"time": hex(time)}])


def test_a_deposit_is_asked_for_and_paid_after_the_notice(
    world: World, deposited: AgreementId
) -> None:
    payer, path = consumer(world), path_of(deposited)
    assert f'href="/organisation{path}"' in payer.page("/money")
    assert "calls the request off" in payer.page(path)
    for amount in ("", "much", "0"):
        answer = payer.post(path, amount=amount)
        assert answer.status_code == 422, amount
        fault_beside(answer.text, "amount", filled=amount)
    much = payer.post(path, amount="99999")
    assert much.status_code == 422
    wrong = fault_beside(much.text, "amount", filled="99999")
    assert wrong == "€99,999.00 is more than the €1.00 that there is."
    asked = payer.post(path, amount="0,75")
    assert "UsageSettlement.requestLeaving" in asked.text
    send(world, world.consumer.wallet, asked.text)
    settlement = world.contract("UsageSettlement")
    amount, due = settlement.functions.leavingOf(
        deposited, Web3.to_checksum_address(world.consumer.id)
    ).call()
    assert amount == 750_000
    page = payer.page(path)
    for words in ("€0.75", "Paid from", "the notice begins again"):
        assert words in page, words
    account = to_hex(world.consumer.account)
    early = payer.post(f"{path}/pay", to=account)
    assert early.status_code == 422
    assert "The notice is not over" in early.text
    assert wording_of("en").time(due) in early.text
    with world.node.held("indexer"):
        late = "UPDATE ledger.leavings SET executable_at = executable_at - :notice"
        world.node.sql(late, notice=NOTICE_SECONDS + 60)
        try:
            assert "can be paid now" in payer.page(path)
            stranger = payer.post(f"{path}/pay", to=Account.create().address)
            paid = payer.post(f"{path}/pay", to=account)
        finally:
            world.node.sql(late, notice=-NOTICE_SECONDS - 60)
    assert stranger.status_code == 422
    assert 'id="wrong-to"' in stranger.text
    assert f'action="/organisation{path}/pay"' in stranger.text, "the form is there again"
    other = payer.get(f"{path}/pay", lang="fr")
    assert other.headers["location"] == f"/organisation{path}?lang=fr"
    assert account in paid.text
    [call] = asked_of_script(paid.text)["calls"]
    sent = {
        "from": world.consumer.wallet.address,
        "to": Web3.to_checksum_address(call["to"]),
        "data": call["data"],
    }
    with pytest.raises(ContractCustomError) as told:
        world.web3.eth.call(sent)
    assert f"{due:064x}" in str(told.value), "the contract understands it, and waits for the notice"
    assert "error" not in called_at(world, sent, due), "and pays once that is over"
    world.deposit(deposited, 1)
    assert "Paid from" not in payer.page(path), "a deposit calls the request off"


def test_nothing_is_promised_of_an_agreement_that_is_none(world: World) -> None:
    payer, path = consumer(world), f"/money/leaving/0x{'12' * 32}"
    for unknown in (payer.get(path), payer.post(path, amount="1")):
        assert unknown.status_code == 404
        assert "There is no such agreement" in unknown.text


def test_nobody_else_takes_a_deposit_back(world: World, deposited: AgreementId) -> None:
    auditor, payer = visit(world, "auditor", of=world.consumer.client), consumer(world)
    path = path_of(deposited)
    assert "/money/leaving/" not in auditor.page("/money")
    with nothing_written(world):
        assert auditor.get(path).status_code == 403
        assert auditor.post(path, amount="1").status_code == 403
        assert auditor.post(f"{path}/pay", to="0x").status_code == 403
        assert payer.post(path, headers={}, amount="1").status_code == 403
