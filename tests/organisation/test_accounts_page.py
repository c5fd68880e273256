"""Accounts and operators on the organisation's page, changed by a managing account's wallet."""

from __future__ import annotations

import re
import secrets

import pytest
from eth_account import Account
from web3 import Web3

from protocol.eip712 import digest_of_typed_data
from protocol.signatures import sign_digest
from protocol.types import Scope, to_hex
from tests.organisation.test_money_pages import asked_of_script, send
from tests.organisation.visits import visit
from tests.refusals import nothing_written
from tests.stage import World

UNTIL_SECONDS = 1_893_456_000
HIDDEN = re.compile(r'type="hidden"[^>]*? name="([\w-]+)"\s+value="([^"]*)"')
GIVEN = {"scope-anchor": "1", "expiresAt": "2030-01-01"}


def delegated(world: World) -> tuple[int, int]:
    """Scopes and end of what the consumer lets the operator do."""
    registry = world.contract("ParticipantRegistry")
    consumer, operator = world.consumer.id, world.story.stage.operator_id
    scopes, expires_at = registry.functions.delegationOf(
        Web3.to_checksum_address(consumer), Web3.to_checksum_address(operator)
    ).call()
    return scopes, expires_at


def test_an_operator_is_let_act_and_stopped_by_the_wallet(world: World) -> None:
    somebody = visit(world, of=world.consumer.client)
    operator = world.node.settings.operator_did
    assert f'value="{operator}"' in somebody.page("/accounts")
    page = somebody.post("/accounts/delegate", operator=operator, **GIVEN)
    assert page.status_code == 200
    assert f"{operator} may then do this for your organisation: anchor consents." in page.text
    send(world, world.consumer.wallet, page.text)
    assert delegated(world) == (int(Scope.ANCHOR), UNTIL_SECONDS)
    shown = somebody.page("/accounts")
    assert "anchor consents" in shown
    assert "1 Jan 2030" in shown
    page = somebody.post("/accounts/end", operator=to_hex(world.story.stage.operator_id))
    assert "may then do nothing more" in page.text
    send(world, world.consumer.wallet, page.text)
    assert delegated(world) == (0, 0)
    assert "No operator may act for your organisation." in somebody.page("/accounts")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"operator": "did:web:nobody.example"}, "There is no such organisation on the ledger"),
        ({"operator": "0x12"}, "Something in the request does not have its form"),
        ({"expiresAt": "2020-01-01"}, "The end is not in the future"),
        ({"expiresAt": "soon"}, "Something in the request does not have its form"),
        ({"scope-anchor": "", "scope-claim": "1"}, "Scopes claim are not among agree, anchor."),
        ({"scope-anchor": ""}, "Choose one at least."),
    ],
)
def test_what_the_ledger_would_refuse_is_said_before(
    world: World, changed: dict[str, str], words: str
) -> None:
    somebody = visit(world, of=world.consumer.client)
    form = {"operator": world.node.settings.operator_did, **GIVEN, **changed}
    answer = somebody.post("/accounts/delegate", **form)
    assert answer.status_code == 422
    assert words in answer.text
    field = next(iter(changed)) if "scope-anchor" not in changed else "scopes"
    assert f'id="wrong-{field}"' in answer.text
    assert f'<a href="#{field}">' in answer.text
    for name in ("operator", "expiresAt"):
        assert f'value="{form[name]}"' in answer.text, "what was typed is not lost"
    assert 'name="scope-agree" value="1">' in re.sub(r"\s+>", ">", answer.text), "not ticked again"
    again = somebody.get("/accounts/delegate")
    assert (again.status_code, again.headers["location"]) == (303, "/organisation/accounts")


def signed_by(key: bytes, page: str) -> dict[str, str]:
    """The form as the new account's wallet fills it in."""
    digest = digest_of_typed_data(asked_of_script(page)["typedData"])
    hidden = dict(HIDDEN.findall(page))
    return {**hidden, "signature": to_hex(sign_digest(key, digest))}


def test_a_further_account_signs_and_is_bound_by_the_managing_wallet(world: World) -> None:
    somebody, new = visit(world, of=world.consumer.client), Account.create()
    account, key = new.address.lower(), bytes(new.key)
    assert 'href="/organisation/accounts/bind"' in somebody.page("/accounts")
    form = {"account": account, "scope-voucher": "1", "scope-claim": "1"}
    assert account not in somebody.page("/accounts/bind")
    page = somebody.post("/accounts/bind", **form, expiresAt="2030-01-01")
    assert page.status_code == 200
    assert asked_of_script(page.text)["signers"] == [account]
    assert "sign vouchers, move money" in page.text
    assert "1 Jan 2030" in page.text
    signed = signed_by(key, page.text)
    stranger = signed_by(secrets.token_bytes(32), page.text)
    for wrong in (stranger["signature"], "0x12", ""):
        refused = somebody.post("/accounts/bind/signed", **{**signed, "signature": wrong})
        assert refused.status_code == 422, wrong
        assert 'id="wrong-signature"' in refused.text
        assert f'value="{wrong}"' in refused.text
    calls = somebody.post("/accounts/bind/signed", **signed)
    assert calls.status_code == 200, calls.text
    assert asked_of_script(calls.text)["senders"] == [to_hex(world.consumer.account)]
    send(world, world.consumer.wallet, calls.text)
    registry = world.contract("ParticipantRegistry")
    bound = registry.functions.accountOf(new.address).call()
    scopes = int(Scope.VOUCHER | Scope.CLAIM)
    assert list(bound)[:3] == [Web3.to_checksum_address(world.consumer.id), scopes, UNTIL_SECONDS]
    assert account in somebody.page("/accounts")
    again = somebody.post("/accounts/bind", **form)
    assert again.status_code == 422
    assert 'id="wrong-account"' in again.text
    assert "for ever" in again.text
    retired = somebody.post("/accounts/retire", account=account)
    send(world, world.consumer.wallet, retired.text)


def test_an_account_without_an_end_is_bound_for_ever(world: World) -> None:
    somebody, new = visit(world, of=world.consumer.client), Account.create()
    form = {"account": new.address, "scope-anchor": "1", "expiresAt": ""}
    page = somebody.post("/accounts/bind", **form)
    calls = somebody.post("/accounts/bind/signed", **signed_by(bytes(new.key), page.text))
    [call] = asked_of_script(calls.text)["calls"]
    registry = world.contract("ParticipantRegistry")
    _, arguments = registry.decode_function_input(call["data"])
    assert arguments["expiresAt"] == 2**40 - 1
    assert arguments["account"] == new.address
    assert len(arguments["signature"]) == 65


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"account": "0x12"}, "account"),
        ({"account": "me"}, "account"),
        ({"scope-anchor": ""}, "scopes"),
        ({"expiresAt": "2020-01-01"}, "expiresAt"),
        ({"expiresAt": "soon"}, "expiresAt"),
    ],
)
def test_a_binding_that_the_ledger_would_refuse_is_shown_again(
    world: World, changed: dict[str, str], field: str
) -> None:
    form = {"account": "0x" + "12" * 20, "scope-anchor": "1", "expiresAt": "2030-01-01", **changed}
    answer = visit(world, language="fr").post("/accounts/bind", **form)
    assert answer.status_code == 422
    assert f'id="wrong-{field}"' in answer.text
    assert f'<a href="#{field}">' in answer.text
    assert f'value="{form["account"]}"' in answer.text
    assert '<span lang="en">' not in answer.text


def test_an_account_is_retired_for_good_after_a_warning(world: World) -> None:
    somebody = visit(world)
    account = to_hex(world.provider.account)
    page = somebody.page("/accounts")
    assert account in page
    assert "This cannot be undone" in page
    prepared = somebody.post("/accounts/retire", account=account)
    assert prepared.status_code == 200
    assert asked_of_script(prepared.text)["senders"] == [account]
    assert "This cannot be undone" in prepared.text
    stranger = Account.from_key(secrets.token_bytes(32)).address
    unknown = somebody.post("/accounts/retire", account=stranger)
    assert unknown.status_code == 422
    assert "There is no such account" in unknown.text


def test_who_may_not_keep_access_changes_nothing(world: World) -> None:
    auditor, operator = visit(world, "auditor"), visit(world, "operator")
    page = auditor.page("/accounts")
    assert "Let an operator act" not in page
    assert "Retire this account" not in page
    assert operator.get("/accounts").status_code == 403
    for path in ("delegate", "end", "retire", "bind", "bind/signed"):
        with nothing_written(world):
            assert auditor.post(f"/accounts/{path}", operator="", account="").status_code == 403
