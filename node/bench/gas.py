"""Gas of the acts on a real chain: whole transactions, every check included, storage cold."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from web3 import Web3
from web3.contract import Contract

from node.bench.figures import Figure, measured
from node.demo.story import Story
from node.wallet import Wallet
from protocol.merkle import inclusion_path, root_of
from protocol.padding import padded_size
from protocol.signatures import address_of, sign_digest
from protocol.signing import withdrawal_digest
from protocol.types import Leaf

SECTION = "gas"
TARGETS = {1: 64_000, 8: 72_500, 100: 176_000, 1_000: 1_180_000}
REAL_BATCHES = (1, 2, 4, 8, 9, 15, 30)


def measure_gas(story: Story) -> Iterator[Figure]:
    """On the chain of a prepared story, whose log already holds leaves."""
    stage = story.stage
    issuer = story.parties[story.completion.consent.issuer]
    registry = stage.deployment.contract(stage.web3, "ConsentRegistry")
    organisation = Web3.to_checksum_address(issuer.id)
    for size, target in TARGETS.items():
        gas = anchor_gas(issuer.wallet, registry, organisation, size)
        yield measured(SECTION, f"anchor {size}", gas, "gas", f"≤ {target:,}")
        if size > 1:
            each = gas / size
            yield measured(SECTION, f"anchor {size}, each", each, "gas", f"≤ {target / size:,.0f}")
    for real in REAL_BATCHES:
        padded = padded_size(real)
        gas = anchor_gas(issuer.wallet, registry, organisation, padded)
        name = f"real consent in a batch of {real}, padded to {padded}"
        yield measured(SECTION, name, gas / real, "gas")
    yield from _withdrawals(story, issuer.wallet, registry)


def anchor_gas(wallet: Wallet, registry: Contract, organisation: str, size: int) -> int:
    """Gas of anchoring some random leaves."""
    leaves = [secrets.token_bytes(32) for _ in range(size)]
    gas = wallet.call(registry.functions.anchor(organisation, leaves)).gas_used
    path = inclusion_path(leaves, size - 1)
    assert registry.functions.anchorOf(organisation, root_of(leaves)).call()[1] == size
    assert len(path) <= 20
    return gas


def _withdrawals(story: Story, wallet: Wallet, registry: Contract) -> Iterator[Figure]:
    own = wallet.call(registry.functions.withdraw(secrets.token_bytes(32))).gas_used
    yield measured(SECTION, "withdraw, own transaction", own, "gas", "≤ 46,500")
    one = wallet.call(registry.functions.withdrawBySignature(sign_withdrawal(story))).gas_used
    yield measured(SECTION, "withdraw by signature", one, "gas", "≤ 51,500")
    many = [sign_withdrawal(story) for _ in range(100)]
    gas = wallet.call(registry.functions.withdrawManyBySignature(many)).gas_used
    yield measured(SECTION, "100 signatures in one call, each", gas / 100, "gas", "≤ 30,000")


def sign_withdrawal(story: Story) -> tuple[str, bytes, bytes, bytes, int]:
    """A withdrawal of a random leaf by a new holder, as the contract takes it."""
    secret, leaf = secrets.token_bytes(32), Leaf(secrets.token_bytes(32))
    deployment = story.stage.deployment
    registry = deployment.address_bytes("ConsentRegistry")
    signature = sign_digest(secret, withdrawal_digest(leaf, deployment.chain_id, registry))
    holder = Web3.to_checksum_address(address_of(secret))
    return holder, leaf, signature[:32], signature[32:64], signature[64]
