"""Makes a sender from a node's settings."""

from __future__ import annotations

from node.bootstrap import Node, NodeNotReady, require_database_url
from node.config import Settings
from node.contracts import Deployment
from node.db import SENDER_ROLE, role_engine
from node.keys import OPERATOR_KEY, load_or_create_account
from node.process_metrics import SENDER, Teller, WithdrawalWatch, watch_held_back
from node.sending.chain import RpcChain
from node.sending.clock import SystemClock
from node.sending.sender import Sender, SenderSettings
from node.signers import KeySigner, MessageSigner, RemoteSigner

HEAD_POLL_SECONDS = 0.5


def make_sender(node: Node) -> Sender:
    """Under its own database role, with the operator's key."""
    settings = node.settings
    if settings.chain_url is None:
        raise NodeNotReady("CHAIN_URL is not set: `ptx-ledger run` brings a chain with it.")
    engine = role_engine(require_database_url(settings), SENDER_ROLE)
    teller = Teller(engine, "sender", SENDER, WithdrawalWatch(), watch_held_back)
    return Sender(
        engine=engine,
        chain=RpcChain(settings.chain_url, *settings.spread_urls.split()),
        signer=open_signer(settings, node.deployment),
        deployment=node.deployment,
        settings=SenderSettings(
            batch_seconds=settings.batch_seconds,
            poll_seconds=settings.poll_seconds,
            finality_blocks=settings.finality_blocks,
            head_poll_seconds=HEAD_POLL_SECONDS,
            idempotency_days=settings.idempotency_days,
            window=settings.in_flight_max,
            patience_blocks=settings.rebroadcast_blocks,
            gas_price_max_wei=settings.gas_price_max_wei,
            refusal_finality_blocks=settings.refusal_finality,
        ),
        clock=SystemClock(),
        on_turn=teller.turn,
    )


def open_signer(settings: Settings, deployment: Deployment) -> MessageSigner:
    """The operator's key: in a signer of its own where one is named, else in a key file."""
    if settings.signer_url is None:
        account = load_or_create_account(settings.keys_dir, OPERATOR_KEY)
        return KeySigner(account, deployment.chain_id)
    if settings.signer_address is None:
        raise NodeNotReady("PTX_SIGNER_URL is set: set PTX_SIGNER_ADDRESS to its key's address.")
    address = bytes.fromhex(settings.signer_address.removeprefix("0x"))
    return RemoteSigner(settings.signer_url, address, deployment.chain_id)
