"""Sign-In with Ethereum: every rule of EIP-4361 and of the node, broken one at a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx
import pytest
from eth_account.signers.local import LocalAccount
from sqlalchemy import text

from node.preparation import prove_possession
from protocol.commitments import CURVE_ORDER
from protocol.hashing import keccak256
from protocol.signatures import sign_digest
from protocol.types import Hash32, Scope, to_hex
from tests.access.signing import (
    ask_nonce,
    at,
    message_of,
    new_account,
    personal_sign,
    send_message,
    session_of,
    sign_in,
)
from tests.at_once import WAITING
from tests.refusals import assert_problem, send
from tests.stage import Json, World, wait_until

OTHER = new_account()


@dataclass(slots=True)
class Attempt:
    """A sign-in that is right; a mutation changes one thing before or after it is signed."""

    asked: Json
    account: LocalAccount
    text: str = field(init=False)

    def __post_init__(self) -> None:
        self.text = message_of(self.asked, self.account.address, time.time())

    def swap(self, old: str, new: str) -> str:
        assert self.text.count(old) == 1, f"{old!r} is not there once"
        return self.text.replace(old, new)

    def line(self, label: str, value: str) -> str:
        """Another value for a field."""
        [old] = [line for line in self.text.split("\n") if line.startswith(f"{label}: ")]
        return self.swap(old, f"{label}: {value}")

    def without(self, label: str) -> str:
        return "\n".join(line for line in self.text.split("\n") if not line.startswith(label))

    def swapped(self, first: str, second: str) -> str:
        lines = self.text.split("\n")
        places = [
            next(index for index, line in enumerate(lines) if line.startswith(label))
            for label in (first, second)
        ]
        lines[places[0]], lines[places[1]] = lines[places[1]], lines[places[0]]
        return "\n".join(lines)


def wrong_case(text: str) -> str:
    changed = text.upper() if text.upper() != text else text.lower()
    assert changed != text
    return changed


Change = Callable[[Attempt], str]
MESSAGES: dict[str, Change] = {
    "another domain": lambda a: a.swap(f"{a.asked['domain']} wants", "evil.example wants"),
    "a domain that begins alike": lambda a: a.swap(" wants you", ".evil.example wants you"),
    "a domain without the port": lambda a: a.swap(
        f"{a.asked['domain']} wants", a.asked["domain"].partition(":")[0] + " wants"
    ),
    "a domain with a user": lambda a: "user@" + a.text,
    "another scheme": lambda a: "https://" + a.text,
    "a scheme that is none": lambda a: "1http://" + a.text,
    "other words": lambda a: a.swap("your Ethereum account", "your ethereum account"),
    "an address in lower case": lambda a: a.swap(a.account.address, a.account.address.lower()),
    "an address in upper case": lambda a: a.swap(
        a.account.address, "0x" + a.account.address[2:].upper()
    ),
    "another address": lambda a: a.swap(a.account.address, OTHER.address),
    "an address without 0x": lambda a: a.swap(a.account.address, a.account.address[2:]),
    "another statement": lambda a: a.swap("costs nothing", "costs a lot"),
    "no statement": lambda a: a.swap(a.asked["statement"] + "\n\n", "\n"),
    "a statement of two lines": lambda a: a.swap(". It", ".\nIt"),
    "a statement of other letters": lambda a: a.swap("Sign in to", "Sign in tö"),
    "another URI": lambda a: a.line("URI", "https://evil.example"),
    "a URI below": lambda a: a.line("URI", a.asked["uri"] + "/login"),
    "a URI with another scheme": lambda a: a.line("URI", a.asked["uri"].replace("http", "https")),
    "a URI that is none": lambda a: a.line("URI", "login"),
    "two spaces before the URI": lambda a: a.swap("URI: ", "URI:  "),
    "another version": lambda a: a.line("Version", "2"),
    "no version": lambda a: a.without("Version"),
    "another chain": lambda a: a.line("Chain ID", "1"),
    "a chain with a zero before": lambda a: a.line("Chain ID", f"0{a.asked['chainId']}"),
    "a chain in hexadecimal": lambda a: a.line("Chain ID", hex(a.asked["chainId"])),
    "a chain that is too long": lambda a: a.line("Chain ID", "9" * 400),
    "an unknown nonce": lambda a: a.line("Nonce", "ab" * 32),
    "a nonce that is too short": lambda a: a.line("Nonce", a.asked["nonce"][:7]),
    "a nonce cut": lambda a: a.line("Nonce", a.asked["nonce"][:-2]),
    "a nonce of other letters": lambda a: a.line("Nonce", a.asked["nonce"][:-1] + "-"),
    "a nonce in the other case": lambda a: a.line("Nonce", wrong_case(a.asked["nonce"])),
    "no nonce": lambda a: a.without("Nonce"),
    "issued in the future": lambda a: a.line("Issued At", at(time.time() + 600)),
    "issued long ago": lambda a: a.line("Issued At", at(time.time() - 600)),
    "issued at no time": lambda a: a.line("Issued At", "now"),
    "issued without a zone": lambda a: a.line("Issued At", at(time.time())[:-1]),
    "issued on no day": lambda a: a.line("Issued At", "2026-02-30T10:00:00Z"),
    "not issued": lambda a: a.without("Issued At"),
    "over": lambda a: a.text + f"\nExpiration Time: {at(time.time() - 1)}",
    "over at no time": lambda a: a.text + "\nExpiration Time: tomorrow",
    "not yet": lambda a: a.text + f"\nNot Before: {at(time.time() + 600)}",
    "from no time on": lambda a: a.text + "\nNot Before: 0",
    "times in the other order": lambda a: (
        a.text + f"\nNot Before: {at(time.time() - 9)}\nExpiration Time: {at(time.time() + 99)}"
    ),
    "a request id of other letters": lambda a: a.text + "\nRequest ID: a b",
    "resources": lambda a: a.text + "\nResources:\n- https://example.com/all",
    "resources without one": lambda a: a.text + "\nResources:",
    "resources that are no URI": lambda a: a.text + "\nResources:\n- all",
    "an unknown field": lambda a: a.text + "\nRole: admin",
    "a field twice": lambda a: a.text + "\n" + a.text.split("\n")[-1],
    "fields in the other order": lambda a: a.swapped("Chain ID", "Nonce"),
    "a line more at the end": lambda a: a.text + "\n",
    "a line more before": lambda a: "\n" + a.text,
    "a space before": lambda a: " " + a.text,
    "a byte order mark": lambda a: "\ufeff" + a.text,
    "line ends of another system": lambda a: a.text.replace("\n", "\r\n"),
    "no empty line after the address": lambda a: a.swap("\n\nSign in", "\nSign in"),
    "an empty line too many": lambda a: a.swap("\n\nURI", "\n\n\nURI"),
    "nothing": lambda a: "",
}
"""Each is signed as it stands, so that nothing but the change itself can be the reason."""


def high_s(signature: bytes) -> bytes:
    s = CURVE_ORDER - int.from_bytes(signature[32:64])
    return signature[:32] + s.to_bytes(32) + bytes([55 - signature[64]])


SIGNATURES: dict[str, Callable[[Attempt, bytes], bytes]] = {
    "of another account": lambda a, s: personal_sign(OTHER, a.text),
    "over another message": lambda a, s: personal_sign(a.account, a.text + " "),
    "over the message unwrapped": lambda a, s: sign_digest(
        bytes(a.account.key), Hash32(keccak256(a.text.encode()))
    ),
    "with a bit changed": lambda a, s: bytes([s[0] ^ 1]) + s[1:],
    "with s in the upper half": lambda a, s: high_s(s),
    "with the other v": lambda a, s: s[:64] + bytes([55 - s[64]]),
    "with v of 0 or 1": lambda a, s: s[:64] + bytes([s[64] - 27]),
    "with r of zero": lambda a, s: bytes(32) + s[32:],
    "with s of zero": lambda a, s: s[:32] + bytes(32) + s[64:],
    "cut": lambda a, s: s[:64],
    "in the compact form of EIP-2098": lambda a, s: (
        s[:32] + (int.from_bytes(s[32:64]) | (s[64] - 27) << 255).to_bytes(32)
    ),
    "of a contract wallet": lambda a, s: s + bytes(31) + b"\x01",
    "of nothing": lambda a, s: b"",
}


@pytest.fixture(scope="module")
def account(world: World) -> LocalAccount:
    """It manages the provider on chain."""
    return world.provider.wallet.account


def sessions(world: World) -> int:
    [row] = world.node.sql("SELECT count(*) AS count FROM node.person_sessions")
    return int(row.count)


def assert_refused(answer: httpx.Response) -> None:
    kinds = {"sign-in-refused", "sign-in-message-malformed", "sign-in-message-refused"}
    problem = answer.json()
    assert problem["status"] == answer.status_code in (401, 422), answer.text
    assert problem["type"].removeprefix("/problems/") in kinds, problem
    assert problem["remedy"]


def test_there_are_enough_mutations() -> None:
    assert len(MESSAGES) + len(SIGNATURES) > 60


@pytest.mark.parametrize("change", MESSAGES.values(), ids=MESSAGES)
def test_a_message_with_one_thing_changed_is_refused(
    world: World, account: LocalAccount, change: Change
) -> None:
    attempt = Attempt(ask_nonce(world), account)
    changed = change(attempt)
    assert changed != attempt.text
    before = sessions(world)
    assert_refused(send_message(world, changed, personal_sign(account, changed)))
    assert sessions(world) == before
    right = Attempt(ask_nonce(world), account).text
    assert send_message(world, right, personal_sign(account, right)).status_code == 201
    assert sessions(world) == before + 1


@pytest.mark.parametrize("change", SIGNATURES.values(), ids=SIGNATURES)
def test_a_signature_with_one_thing_changed_is_refused(
    world: World, account: LocalAccount, change: Callable[[Attempt, bytes], bytes]
) -> None:
    attempt = Attempt(ask_nonce(world), account)
    signature = personal_sign(account, attempt.text)
    changed = change(attempt, signature)
    assert changed != signature
    before = sessions(world)
    assert_refused(send_message(world, attempt.text, changed))
    again = send_message(world, attempt.text, signature)
    assert_problem(again, 401, "sign-in-refused", "message")
    assert "is not open" in again.json()["detail"], "the attempt used the nonce up"
    assert sessions(world) == before
    right = Attempt(ask_nonce(world), account).text
    assert send_message(world, right, personal_sign(account, right)).status_code == 201


OPTIONAL = {
    "a scheme": lambda a: "http://" + a.text,
    "an end to come": lambda a: a.text + f"\nExpiration Time: {at(time.time() + 60)}",
    "a beginning that is past": lambda a: a.text + f"\nNot Before: {at(time.time() - 60)}",
    "a request id": lambda a: a.text + "\nRequest ID: abc-123",
    "parts of a second": lambda a: a.text.removesuffix("Z") + ".123456789Z",
    "a wallet's clock a little ahead": lambda a: a.line("Issued At", at(time.time() + 10)),
}


@pytest.mark.parametrize("change", OPTIONAL.values(), ids=OPTIONAL)
def test_what_the_standard_leaves_to_the_wallet_is_accepted(
    world: World, account: LocalAccount, change: Change
) -> None:
    changed = change(Attempt(ask_nonce(world), account))
    answer = send_message(world, changed, personal_sign(account, changed))
    assert answer.status_code == 201, answer.text


def test_the_domain_is_the_nodes_own_and_never_that_of_the_request(
    world: World, account: LocalAccount
) -> None:
    asked = httpx.post(
        f"{world.node.url}/v1/sign-in/ethereum/nonce", headers={"Host": "evil.example"}
    ).json()
    assert asked["domain"] == world.node.url.removeprefix("http://")
    changed = Attempt(asked, account).swap(f"{asked['domain']} wants", "evil.example wants")
    signature = personal_sign(account, changed)
    answer = send_message(world, changed, signature, headers={"Host": "evil.example"})
    problem = assert_problem(answer, 422, "sign-in-message-refused", None)
    assert problem["values"]["field"] == "domain"


def test_a_message_serves_once(world: World, account: LocalAccount) -> None:
    message = Attempt(ask_nonce(world), account).text
    signature = personal_sign(account, message)
    assert send_message(world, message, signature).status_code == 201
    assert_problem(send_message(world, message, signature), 401, "sign-in-refused", "message")


def test_a_nonce_that_opened_another_session_opens_no_second(
    world: World, account: LocalAccount
) -> None:
    asked = ask_nonce(world)
    first = message_of(asked, account.address, time.time())
    assert send_message(world, first, personal_sign(account, first)).status_code == 201
    consumer = world.consumer.wallet.account
    second = message_of(asked, consumer.address, time.time())
    answer = send_message(world, second, personal_sign(consumer, second))
    assert_problem(answer, 401, "sign-in-refused", "message")


def test_a_nonce_ends(world: World, account: LocalAccount) -> None:
    message = Attempt(ask_nonce(world), account).text
    world.node.sql("UPDATE node.challenges SET expires_at = now() - interval '1 second'")
    answer = send_message(world, message, personal_sign(account, message))
    assert_problem(answer, 401, "sign-in-refused", "message")


def test_a_challenge_of_a_passkey_is_no_nonce(world: World, account: LocalAccount) -> None:
    asked = ask_nonce(world)
    world.node.sql(
        "UPDATE node.challenges SET purpose = 'passkey' WHERE challenge = :nonce",
        nonce=bytes.fromhex(asked["nonce"]),
    )
    message = message_of(asked, account.address, time.time())
    answer = send_message(world, message, personal_sign(account, message))
    assert_problem(answer, 401, "sign-in-refused", "message")


def test_of_two_who_use_a_nonce_at_the_same_time_one_gets_a_session(
    world: World, account: LocalAccount
) -> None:
    message = Attempt(ask_nonce(world), account).text
    signature = personal_sign(account, message)
    before = sessions(world)
    with ThreadPoolExecutor(4) as pool:
        with world.node.engine.begin() as holding:
            holding.execute(text("LOCK TABLE node.challenges IN SHARE MODE"))
            sent = [pool.submit(send_message, world, message, signature) for _ in range(4)]
            wait_until(lambda: world.node.sql(WAITING)[0].waiting == 4, "all four")
        statuses = sorted(each.result().status_code for each in sent)
    assert statuses == [201, 401, 401, 401]
    assert sessions(world) == before + 1


def test_an_account_that_manages_the_organisation_is_its_admin(
    world: World, account: LocalAccount
) -> None:
    opened, client = session_of(world, account)
    assert opened["token"].startswith("ptxs_")
    assert opened["organisationId"] == to_hex(world.provider.id)
    assert opened["address"] == account.address.lower()
    assert opened["personId"] is None
    assert opened["idleSeconds"] == 1_800
    assert abs(opened["expiresAt"] - time.time() - 12 * 3_600) < 60
    me = client.get("/v1/session")
    assert (me["kind"], me["role"], me["areas"]) == ("person", "admin", None)
    assert client.get("/v1/api-keys")["items"]


def test_an_account_of_nobody_does_not_sign_in(world: World) -> None:
    answer = sign_in(world, new_account())
    problem = assert_problem(answer, 401, "sign-in-refused", None)
    assert "invite" in problem["remedy"]


def test_an_account_without_the_scope_does_not_sign_in(world: World) -> None:
    account = new_account()
    bind(world, account, Scope.AGREE | Scope.ANCHOR | Scope.VOUCHER | Scope.CLAIM)
    answer = sign_in(world, account)
    assert_problem(answer, 401, "sign-in-refused", None)


def bind(world: World, account: LocalAccount, scopes: Scope) -> None:
    """Gives the consumer an account on chain, and waits for the index."""
    registry = world.contract("ParticipantRegistry")
    proof = prove_possession(account, world.consumer.id, world.story.stage.deployment)
    act = registry.functions.bindAccount(
        world.web3.to_checksum_address(world.consumer.id),
        account.address,
        int(scopes),
        2**40 - 1,
        proof,
    )
    receipt = world.consumer.wallet.call(act)
    world.wait_for_block(receipt.block_number)


def test_a_session_ends_with_the_accounts_power_on_chain(world: World) -> None:
    account = new_account()
    bind(world, account, Scope.MANAGE)
    _, client = session_of(world, account)
    assert client.get("/v1/session")["role"] == "admin"
    registry = world.contract("ParticipantRegistry")
    act = registry.functions.retireAccount(account.address)
    receipt = world.consumer.wallet.call(act)
    world.wait_for_block(receipt.block_number)
    assert_problem(send(client, "GET", "/v1/session"), 401, "session-ended", None)
    assert_problem(sign_in(world, account), 401, "sign-in-refused", None)
