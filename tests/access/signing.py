"""Messages of EIP-4361 as a wallet makes them, and the sessions that they open."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount

from node.client import NodeClient
from tests.stage import Json, World

HTTP = httpx.Client(timeout=30)
"""For all, since each client of its own reads the certificates of this machine anew."""


def ask_nonce(world: World) -> Json:
    answer = HTTP.post(f"{world.node.url}/v1/sign-in/ethereum/nonce")
    assert answer.status_code == 201, answer.text
    asked: Json = answer.json()
    return asked


def at(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def message_of(asked: Json, address: str, issued_at: float) -> str:
    """What a wallet shows and signs for the values that came with a nonce."""
    return (
        f"{asked['domain']} wants you to sign in with your Ethereum account:\n"
        f"{address}\n\n"
        f"{asked['statement']}\n\n"
        f"URI: {asked['uri']}\n"
        f"Version: {asked['version']}\n"
        f"Chain ID: {asked['chainId']}\n"
        f"Nonce: {asked['nonce']}\n"
        f"Issued At: {at(issued_at)}"
    )


def personal_sign(account: LocalAccount, message: str) -> bytes:
    """By eth-account, which knows nothing of this project."""
    return bytes(account.sign_message(encode_defunct(text=message)).signature)


def send_message(
    world: World, message: str, signature: bytes, headers: Any = None, **more: Any
) -> httpx.Response:
    body = {"message": message, "signature": "0x" + signature.hex(), **more}
    url = f"{world.node.url}/v1/sign-in/ethereum"
    return HTTP.post(url, json=body, headers=headers)


def sign_in(world: World, account: LocalAccount, **more: Any) -> httpx.Response:
    """A whole sign-in of an account that does all right."""
    message = message_of(ask_nonce(world), account.address, datetime.now(UTC).timestamp())
    return send_message(world, message, personal_sign(account, message), **more)


def session_of(world: World, account: LocalAccount, **more: Any) -> tuple[Json, NodeClient]:
    """The session's answer, and a client that uses it."""
    answer = sign_in(world, account, **more)
    assert answer.status_code == 201, answer.text
    opened: Json = answer.json()
    return opened, NodeClient(world.node.url, opened["token"])


def new_account() -> LocalAccount:
    account: LocalAccount = Account.create()
    return account
