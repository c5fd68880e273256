"""Deposits, vouchers and claims on the organisation's pages, from the signature to the chain."""

from __future__ import annotations

import html
import json
import re
import secrets
from dataclasses import dataclass
from typing import Any

import pytest
from eth_account import Account
from web3 import Web3
from web3.types import RPCEndpoint

from node.api.wording import wording_of
from node.governance import execute_through_timelock
from protocol.booking import amount_text
from protocol.eip712 import digest_of_typed_data
from protocol.signatures import sign_digest
from protocol.types import AgreementId, AmountMinor, to_hex
from tests.organisation.visits import Visit, visit
from tests.refusals import nothing_written
from tests.stage import World, wait_until

PRICE = 50_000 + 12_345
ASKED = re.compile(r'data-asked="([^"]+)"')
HIDDEN = re.compile(r'type="hidden" name="(\w+)" value="([^"]*)"')


@dataclass(frozen=True)
class Bought:
    """An agreement of its own with a deposit of one euro, and two uses, nothing signed."""

    agreement: AgreementId
    month: str

    @property
    def sign(self) -> str:
        return f"/money/sign/{to_hex(self.agreement)}/{self.month}"

    @property
    def deposit(self) -> str:
        return f"/money/deposit/{to_hex(self.agreement)}"


@pytest.fixture(scope="module")
def bought(world: World) -> Bought:
    return buy(world)


def buy(world: World) -> Bought:
    agreement = world.conclude()
    world.deposit(agreement, 1_000_000)
    record = world.grant_active(secrets.token_bytes(32), agreement_id=agreement)
    voucher = world.use(record, 2)
    return Bought(agreement, voucher["voucher"]["period"])


def consumer(world: World) -> Visit:
    return visit(world, "operator", of=world.consumer.client)


def asked_of_script(page: str) -> Any:
    found = ASKED.search(page)
    assert found is not None
    return json.loads(html.unescape(found[1]))


def signed(world: World, page: str) -> dict[str, str]:
    """The form as the consumer's account fills it in."""
    digest = digest_of_typed_data(asked_of_script(page)["typedData"])
    return {
        **dict(HIDDEN.findall(page)),
        "signer": to_hex(world.consumer.account),
        "signature": to_hex(world.consumer.sign(digest)),
    }


def fault_beside(page: str, field: str, filled: str) -> str:
    """What stands beside a field of a form that is shown again, with what was filled in."""
    entry = re.search(rf'<input id="{field}".*?</p>', page, re.S)
    assert entry is not None, page
    assert f'value="{filled}"' in entry[0]
    assert 'aria-invalid="true"' in entry[0]
    assert f'aria-describedby="wrong-{field} ' in entry[0]
    assert f'<a href="#{field}">' in page
    found = re.search(rf'id="wrong-{field}" class="wrong">(.*?)</span>', entry[0], re.S)
    assert found is not None
    return html.unescape(found[1])


def name_in(page: str, bought: Bought) -> str:
    """What the list of agreements calls it."""
    [found] = re.findall(rf'agreements/{to_hex(bought.agreement)}">\s*([^<]+)</a>', page)
    return str(found)


def row_of(page: str, bought: Bought) -> str:
    """The row of the deposits that has the agreement."""
    rows = [row for row in page.split("<tr>") if to_hex(bought.agreement)[:14] in row]
    return rows[0]


def test_a_voucher_is_signed_settled_and_followed_to_the_end(world: World) -> None:
    bought, payer, payee = buy(world), consumer(world), visit(world)
    name = name_in(payer.page("/agreements"), bought)
    link = f'href="/organisation/agreements/{to_hex(bought.agreement)}"'
    for seen in ("/money", bought.deposit, bought.sign, "/usage"):
        page = payer.page(seen)
        assert name in page, seen
        assert link in page, seen
    assert "€0.112345" in row_of(payer.page("/money"), bought), "the second line has a free unit"
    page = payer.page(bought.sign)
    assert to_hex(world.consumer.account) in asked_of_script(page)["signers"]
    kept = payer.post(bought.sign, **signed(world, page))
    assert kept.status_code == 303, kept.text
    path = kept.headers["location"].removeprefix("/organisation")
    for somebody in (payer, payee):
        assert "Not submitted" in somebody.page(path)
        assert path in somebody.page("/money/vouchers")
    for seen in (path, "/money/vouchers"):
        assert name in payer.page(seen), seen
    again = payee.post(f"{path}/settle")
    assert (again.status_code, again.headers["location"]) == (303, kept.headers["location"])
    assert payee.post(f"{path}/settle").status_code == 303, "asked twice it is followed"
    wait_until(lambda: "and effective. Final after" in payer.page(path), "a block")
    world.wait_for_block(world.web3.eth.block_number)
    world.web3.provider.make_request(RPCEndpoint("evm_mine"), [])
    assert 'aria-current="step">In a block' in payer.page(path)
    assert "€0.00" in row_of(payer.page("/money"), bought)
    settled = payee.post(f"{path}/settle")
    assert settled.status_code == 409
    assert "As many units are settled already" in settled.text


def test_a_voucher_that_does_not_bind_is_not_kept(world: World, bought: Bought) -> None:
    payer, payee = consumer(world), visit(world)
    form = signed(world, payer.page(bought.sign))
    stranger = Account.create()
    digest = digest_of_typed_data(asked_of_script(payer.page(bought.sign))["typedData"])
    forged = {
        "signer": stranger.address.lower(),
        "signature": to_hex(sign_digest(bytes(stranger.key), digest)),
    }
    wrong: list[tuple[dict[str, str], int, str]] = [
        (forged, 422, "The signature does not bind the organisation"),
        ({"signature": "0x12"}, 422, "The signature does not bind the organisation"),
        ({"units": "3"}, 422, "The signature does not bind the organisation"),
        ({"units": "two"}, 422, "Something in the request does not have its form"),
        ({"signer": ""}, 422, "Something in the request does not have its form"),
    ]
    for changed, status, words in wrong:
        with nothing_written(world):
            answer = payer.post(bought.sign, **{**form, **changed})
        assert answer.status_code == status, changed
        assert words in answer.text
    shown = payer.post(bought.sign, **{**form, "signature": "0x12"}).text
    assert f'value="{form["signer"]}"' in shown, "what was typed is not lost"
    assert 'value="0x12" aria-invalid="true" aria-describedby="wrong-signature"' in shown
    assert "<details open>" in shown
    with nothing_written(world):
        assert payer.post(bought.sign, headers={}, **form).status_code == 403
        assert payee.post(bought.sign, **form).status_code == 422


def test_what_a_deposit_does_not_cover_is_said(world: World) -> None:
    agreement = world.conclude()
    world.deposit(agreement, PRICE)
    record = world.grant_active(secrets.token_bytes(32), agreement_id=agreement)
    month = world.use(record, 3)["voucher"]["period"]
    bought, payer = Bought(agreement, month), consumer(world)
    missing = 3 * 50_000 + 2 * 12_345 - PRICE
    assert f"€{amount_text(missing)} missing" in row_of(payer.page("/money"), bought)
    answer = payer.post(bought.sign, **signed(world, payer.page(bought.sign)))
    assert answer.status_code == 409
    assert "The deposit does not cover it" in answer.text


def give_tokens(world: World, amount_minor: int) -> None:
    """Fresh ones, to the consumer's account."""
    stage, wallet = world.story.stage, world.consumer.wallet
    token = world.contract("UsageToken")
    issue = token.functions.issue(wallet.address, amount_minor, secrets.token_bytes(32))
    execute_through_timelock(stage.governance, stage.deployment, issue)


def send(world: World, sender: Any, page: str) -> None:
    """Sends the page's transactions as a wallet would."""
    asked = asked_of_script(page)
    assert asked["chainId"] == world.chain_id
    assert sender.address.lower() in asked["senders"]
    for call in asked["calls"]:
        to = Web3.to_checksum_address(call["to"])
        receipt = sender.send({"to": to, "data": call["data"]})
        world.wait_for_block(receipt.block_number)


def test_a_deposit_is_made_by_the_wallet(world: World, bought: Bought) -> None:
    payer = consumer(world)
    assert payer.post(bought.deposit, amount="0").status_code == 422
    assert "The amount is zero" in payer.post(bought.deposit, amount="0,00").text
    for nothing in ("", "much", "1.0000001", "-1", "1e3"):
        answer = payer.post(bought.deposit, amount=nothing)
        assert answer.status_code == 422, nothing
        wrong = fault_beside(answer.text, "amount", filled=nothing)
        assert "is no amount. Write euros in digits" in wrong
    page = payer.post(bought.deposit, amount="0,25")
    assert page.status_code == 200
    assert name_in(payer.page("/agreements"), bought) in page.text
    assert f"<code>{to_hex(bought.agreement)}</code>" in page.text
    assert [each.partition("<")[0] for each in page.text.split("<strong><code>")[1:]] == [
        *("UsageToken.approve", "UsageSettlement.deposit")
    ]
    give_tokens(world, 250_000)
    send(world, world.consumer.wallet, page.text)
    settlement = world.contract("UsageSettlement")
    organisation = Web3.to_checksum_address(world.consumer.id)
    assert settlement.functions.depositOf(bought.agreement, organisation).call() == 1_250_000
    assert "€1.25" in row_of(payer.page("/money"), bought)
    path = f"/money/deposit/0x{'12' * 32}"
    for unknown in (payer.get(path), payer.post(path, amount="1")):
        assert unknown.status_code == 404
        assert "There is no such agreement" in unknown.text


def test_what_was_earned_is_claimed_by_the_wallet(world: World, secret: bytes) -> None:
    payee = visit(world)
    world.settle(world.use(world.grant_active(secret), 1))
    settlement = world.contract("UsageSettlement")
    organisation = Web3.to_checksum_address(world.provider.id)
    claimable = settlement.functions.balanceOf(organisation).call()
    assert claimable > 0
    account = to_hex(world.provider.account)
    form = payee.page("/money/claim")
    assert f'value="{amount_text(claimable)}"' in form
    assert f'<option value="{account}">' in form
    asked = amount_text(AmountMinor(claimable + 1))
    for language, words in (("en", "{} is more than the {} that there is."), ("fr", "{}")):
        reader = visit(world, language=language)
        too_much = reader.post("/money/claim", amount=asked, to=account)
        assert too_much.status_code == 422
        amounts = [AmountMinor(each) for each in (claimable + 1, claimable)]
        wrong = fault_beside(too_much.text, "amount", filled=asked).replace("\xa0", " ")
        own = [wording_of(language).money(each).replace("\xa0", " ") for each in amounts]
        assert words.format(*own) in wrong
        assert f'<option value="{account}" selected>' in too_much.text
    stranger = Account.create().address
    for to in (stranger, "me"):
        refused = payee.post("/money/claim", amount="0.01", to=to)
        assert refused.status_code == 422
        assert 'id="wrong-to"' in refused.text
        assert 'value="0.01"' in refused.text
    page = payee.post("/money/claim", amount=amount_text(claimable), to=account)
    assert page.status_code == 200
    send(world, world.provider.wallet, page.text)
    assert settlement.functions.balanceOf(organisation).call() == 0


def test_an_auditor_sees_money_and_moves_none(world: World, bought: Bought) -> None:
    auditor = visit(world, "auditor", of=world.consumer.client)
    page = auditor.page("/money")
    assert "Deposit more" not in page
    assert "Claim it" not in page
    for path in (bought.sign, bought.deposit, "/money/claim"):
        assert auditor.get(path).status_code == 403
        with nothing_written(world):
            assert auditor.post(path, amount="1").status_code == 403
