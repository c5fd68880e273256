"""A peer on the same chain in the same run: the Ethereum Attestation Service.

Its contracts come from npm as their makers compiled them, pinned by hash. An attestation carries
what a leaf carries, 32 bytes; revoking it is what ending a consent is here.
"""

from __future__ import annotations

import json
import secrets
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from eth_account import Account
from web3 import Web3
from web3.contract import Contract

from node.bench.acts import EAS, gas_figure
from node.bench.archives import fetch_archive
from node.bench.figures import Figure
from node.wallet import Receipt, Wallet

PACKAGE = "@ethereum-attestation-service/eas-contracts@1.9.0"
PACKAGE_SHA512 = (
    "L60y1fgKlY3a45xxnPlgRbiGQY8RF/lF+AzF1iVoR7/aEzitS0Nuyyjq8+IXs1sSSU0dl2+yGSmELxVeB6FelA=="
)
DOMAIN_VERSION = "1.4.0"
NOBODY = "0x" + "00" * 20
BATCH, MANY = 50, 100
DEADLINE = 2**40
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


def measure_eas(web3: Web3) -> Iterator[Figure]:
    """What the acts here cost with the attestation service."""
    service = AttestationService(Wallet(web3, Account.create()))
    revoked = service.revoke()
    signed = service.revoke_by_signature(MANY)
    for name, gas in {
        "anchor 1": service.attest(1),
        "anchor 8": service.attest(8),
        f"anchor {MANY}, each": service.attest(MANY) / MANY,
        f"anchor {BATCH} padded to 64, each of {BATCH}": service.attest(BATCH) / BATCH,
        "isActive of 8": service.read(),
        "isActive of 10000": service.read(),
        "withdraw": revoked,
        "withdraw by signature": service.revoke_by_signature(1),
        f"withdraw {MANY} by signature, each": signed / MANY,
        "revoke by the issuer": revoked,
    }.items():
        yield gas_figure(EAS, name, gas)


class AttestationService:
    """The service, deployed anew by a wallet, with a schema of one leaf."""

    def __init__(self, wallet: Wallet) -> None:
        self._wallet = wallet
        with tempfile.TemporaryDirectory() as folder:
            command = ["npm", "pack", PACKAGE, "--silent", "--pack-destination"]
            package = fetch_archive(command, Path(folder), PACKAGE_SHA512)
            schemas = self._deploy(read_artifact(package, "SchemaRegistry"))
            self._service = self._deploy(read_artifact(package, "EAS"), schemas.address)
        receipt = wallet.call(schemas.functions.register("bytes32 leaf", NOBODY, True))
        [registered] = self._logs(schemas.events.Registered(), receipt.block_number)
        self._schema: bytes = registered["uid"]
        # The first of each kind ever writes slots that no other does.
        self.attest(1)
        self.revoke_by_signature(1)

    def attest(self, count: int) -> int:
        """Gas of attesting some leaves in one transaction."""
        return self._attest(count).gas_used

    def read(self) -> int:
        """Gas of reading an attestation with its times, sent as a transaction."""
        [uid] = self._new_attestations(1)
        return self._wallet.call(self._service.functions.getAttestation(uid)).gas_used

    def revoke(self) -> int:
        """Gas of revoking by the attester's own transaction."""
        [uid] = self._new_attestations(1)
        request = (self._schema, (uid, 0))
        return self._wallet.call(self._service.functions.revoke(request)).gas_used

    def revoke_by_signature(self, count: int) -> int:
        """Gas of revocations that the attester signed and somebody else sends together."""
        functions, attester = self._service.functions, self._wallet.address
        nonce: int = functions.getNonce(attester).call()
        uids = self._new_attestations(count)
        signatures = [self._sign(uid, nonce + place) for place, uid in enumerate(uids)]
        data = [(uid, 0) for uid in uids]
        one = (self._schema, data[0], signatures[0], attester, DEADLINE)
        many = [(self._schema, data, signatures, attester, DEADLINE)]
        relay = Wallet(self._wallet.web3, Account.create())
        call = (
            functions.revokeByDelegation(one)
            if count == 1
            else functions.multiRevokeByDelegation(many)
        )
        return relay.call(call).gas_used

    def _sign(self, uid: bytes, nonce: int) -> tuple[int, bytes, bytes]:
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
                "nonce": nonce,
                "deadline": DEADLINE,
            },
        )
        return signed.v, signed.r.to_bytes(32, "big"), signed.s.to_bytes(32, "big")

    def _attest(self, count: int) -> Receipt:
        data = [(NOBODY, 0, True, bytes(32), secrets.token_bytes(32), 0) for _ in range(count)]
        functions = self._service.functions
        one = functions.attest((self._schema, data[0]))
        many = functions.multiAttest([(self._schema, data)])
        return self._wallet.call(one if count == 1 else many)

    def _new_attestations(self, count: int) -> list[bytes]:
        receipt = self._attest(count)
        logs = self._logs(self._service.events.Attested(), receipt.block_number)
        return [bytes(log["uid"]) for log in logs]

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


def read_artifact(archive: Path, name: str) -> dict[str, Any]:
    """ABI and bytecode of one of its contracts."""
    with tarfile.open(archive) as files:
        member = files.extractfile(f"package/artifacts/contracts/{name}.sol/{name}.json")
        assert member is not None, name
        artifact: dict[str, Any] = json.load(member)
    return artifact
