"""The nearest peer on the same chain in the same run: the Ethereum Attestation Service.

Its contracts come from npm as their makers compiled them, pinned by hash. An attestation carries
what a leaf carries, 32 bytes; revoking it is what withdrawing is here.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from eth_account import Account
from web3 import Web3
from web3.contract import Contract

from node.bench.figures import Figure, measured
from node.bench.gas import anchor_gas, sign_withdrawal
from node.demo.story import Story
from node.wallet import Wallet
from protocol.padding import padded_size

SECTION = "peers"
PACKAGE = "@ethereum-attestation-service/eas-contracts@1.9.0"
PACKAGE_SHA512 = (
    "L60y1fgKlY3a45xxnPlgRbiGQY8RF/lF+AzF1iVoR7/aEzitS0Nuyyjq8+IXs1sSSU0dl2+yGSmELxVeB6FelA=="
)
DOMAIN_VERSION = "1.4.0"
NOBODY = "0x" + "00" * 20
BATCH = 50
REVOKE = {
    "Revoke": [
        {"name": "revoker", "type": "address"},
        {"name": "schema", "type": "bytes32"},
        {"name": "uid", "type": "bytes32"},
        {"name": "value", "type": "uint256"},
        {"name": "nonce", "type": "uint256"},
        {"name": "deadline", "type": "uint64"},
    ]
}


class PackageChanged(Exception):
    """What the registry gave is not what was pinned."""


def measure_peers(story: Story) -> Iterator[Figure]:
    """Pairs of figures: an act here, and the same with the attestation service."""
    issuer = story.parties[story.completion.consent.issuer]
    registry = story.stage.deployment.contract(story.stage.web3, "ConsentRegistry")
    organisation = Web3.to_checksum_address(issuer.id)
    theirs = AttestationService(Wallet(story.stage.web3, Account.create()))

    def pair(act: str, ours: float, peer: str, their_gas: float) -> Iterator[Figure]:
        yield measured(SECTION, f"{act}: here", ours, "gas")
        yield measured(SECTION, f"{act}: {peer}", their_gas, "gas")

    one = anchor_gas(issuer.wallet, registry, organisation, 1)
    yield from pair("grant one", one, "EAS attest", theirs.attest(1))
    padded = anchor_gas(issuer.wallet, registry, organisation, padded_size(BATCH))
    many = theirs.attest(BATCH)
    yield from pair(f"grant {BATCH}, each", padded / BATCH, "EAS multiAttest", many / BATCH)
    own = issuer.wallet.call(registry.functions.withdraw(secrets.token_bytes(32))).gas_used
    yield from pair("withdraw", own, "EAS revoke", theirs.revoke())
    relayed = issuer.wallet.call(registry.functions.withdrawBySignature(sign_withdrawal(story)))
    peer = "EAS revokeByDelegation"
    yield from pair("withdraw by signature", relayed.gas_used, peer, theirs.revoke_by_signature())


class AttestationService:
    """The service, deployed anew by a wallet, with a schema of one leaf."""

    def __init__(self, wallet: Wallet) -> None:
        self._wallet = wallet
        with tempfile.TemporaryDirectory() as folder:
            package = fetch_package(Path(folder))
            schemas = self._deploy(read_artifact(package, "SchemaRegistry"))
            self._service = self._deploy(read_artifact(package, "EAS"), schemas.address)
        receipt = wallet.call(schemas.functions.register("bytes32 leaf", NOBODY, True))
        [registered] = self._logs(schemas.events.Registered(), receipt.block_number)
        self._schema: bytes = registered["uid"]
        self.attest(1)  # the first ever writes slots that no other does

    def attest(self, count: int) -> int:
        """Gas of attesting some leaves in one transaction."""
        data = [(NOBODY, 0, True, bytes(32), secrets.token_bytes(32), 0) for _ in range(count)]
        functions = self._service.functions
        one = functions.attest((self._schema, data[0]))
        many = functions.multiAttest([(self._schema, data)])
        return self._wallet.call(one if count == 1 else many).gas_used

    def revoke(self) -> int:
        """Gas of revoking by the attester's own transaction."""
        request = (self._schema, (self._new_attestation(), 0))
        return self._wallet.call(self._service.functions.revoke(request)).gas_used

    def revoke_by_signature(self) -> int:
        """Gas of a revocation that the attester signed and somebody else sends."""
        uid, deadline = self._new_attestation(), int(time.time()) + 3_600
        signed = Account.sign_typed_data(
            self._wallet.account.key,
            domain_data={
                "name": "EAS",
                "version": DOMAIN_VERSION,
                "chainId": self._wallet.web3.eth.chain_id,
                "verifyingContract": self._service.address,
            },
            message_types=REVOKE,
            message_data={
                "revoker": self._wallet.address,
                "schema": self._schema,
                "uid": uid,
                "value": 0,
                "nonce": self._service.functions.getNonce(self._wallet.address).call(),
                "deadline": deadline,
            },
        )
        signature = (signed.v, signed.r.to_bytes(32, "big"), signed.s.to_bytes(32, "big"))
        request = (self._schema, (uid, 0), signature, self._wallet.address, deadline)
        relay = Wallet(self._wallet.web3, Account.create())
        return relay.call(self._service.functions.revokeByDelegation(request)).gas_used

    def _new_attestation(self) -> bytes:
        data = (NOBODY, 0, True, bytes(32), secrets.token_bytes(32), 0)
        receipt = self._wallet.call(self._service.functions.attest((self._schema, data)))
        uid: bytes = self._logs(self._service.events.Attested(), receipt.block_number)[0]["uid"]
        return uid

    def _deploy(self, artifact: dict[str, Any], *arguments: str) -> Contract:
        web3 = self._wallet.web3
        contract = web3.eth.contract(abi=artifact["abi"], bytecode=artifact["bytecode"])
        data = contract.constructor(*arguments).data_in_transaction
        address = self._wallet.send({"data": data}).contract_address
        assert address is not None
        return web3.eth.contract(address=address, abi=artifact["abi"])

    def _logs(self, event: Any, block_number: int) -> list[dict[str, Any]]:
        found = event.get_logs(from_block=block_number, to_block=block_number)
        return [dict(log["args"]) for log in found]


def fetch_package(folder: Path) -> Path:
    """The package's archive from npm's registry; raises PackageChanged."""
    command = ["npm", "pack", PACKAGE, "--silent", "--pack-destination", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    [archive] = folder.glob("*.tgz")
    found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if found != PACKAGE_SHA512:
        raise PackageChanged(f"{PACKAGE} has the SHA-512 {found}, not {PACKAGE_SHA512}.")
    return archive


def read_artifact(archive: Path, name: str) -> dict[str, Any]:
    """ABI and bytecode of one of its contracts."""
    with tarfile.open(archive) as files:
        member = files.extractfile(f"package/artifacts/contracts/{name}.sol/{name}.json")
        assert member is not None, name
        artifact: dict[str, Any] = json.load(member)
    return artifact
