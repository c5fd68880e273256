"""The contracts in an EVM inside the test process, spoken to in the rules' own types.

Bytes stand for addresses and hashes on both sides; a revert becomes the error of `protocol`, a
log the event of `protocol`. Governance is one account, so that a test acts in one call.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import rlp
from eth_abi.abi import decode, encode
from pyrevm import EVM, BlockEnv, CfgEnv, Env

from indexer.decode import CONTRACT_EVENTS
from protocol import contracts
from protocol.agreement import PriceLine, Terms
from protocol.commission import LineAmount
from protocol.events import EVENT_TYPES, Event, Origin
from protocol.hashing import keccak256, sha256
from protocol.identifiers import organisation_id
from protocol.ledger import close, fold, new_ledger
from protocol.ledger_state import Deployment, LedgerState
from protocol.signing import account_binding_digest, address_of, sign_digest
from protocol.types import AccountAddress, ContractAddress, OrganisationId, UnixSeconds, to_hex

CHAIN_ID = 6175
BEGIN = UnixSeconds(1_790_000_000)
GOVERNANCE = b"\x11" * 20
DEPLOYER = b"\x12" * 20
CATEGORIES = {1: 250, 2: 999, 3: 0}
DIDS = ("did:web:school.example", "did:web:employer.example", "did:web:operator.example")
ORGANISATIONS = tuple(organisation_id(did) for did in DIDS)
SECRETS = {org: sha256(b"account of " + org) for org in ORGANISATIONS}
ACCOUNTS = {org: address_of(secret) for org, secret in SECRETS.items()}
NEVER = 2**40 - 1


class Chain:
    """All contracts, three organisations with one account each, rates for three categories."""

    def __init__(self) -> None:
        block = BlockEnv(number=1, timestamp=BEGIN)
        self.evm = EVM(env=Env(cfg=CfgEnv(chain_id=CHAIN_ID), block=block), spec_id="MERGE")
        self.address: dict[str, ContractAddress] = {}
        self.told: list[tuple[Event, Origin]] = []
        self.transactions = 0
        self.time = BEGIN
        self._deploy_all()
        self._admit_all()

    def at(self, time: int) -> None:
        """The time of the blocks from now on."""
        self.time = UnixSeconds(time)
        self.evm.set_block_env(BlockEnv(number=self.transactions + 2, timestamp=time))

    def call(self, caller: bytes, contract: str, function: str, *arguments: Any) -> Any:
        """Send or call as `caller`; the result, or the error of `protocol` that it reverts with."""
        entry = function_of(contract, function)
        kinds = [type_of(item) for item in entry["inputs"]]
        data = selector(f"{function}({','.join(kinds)})") + encode(kinds, arguments)
        try:
            output = self.evm.message_call(to_hex(caller), to_hex(self.address[contract]), data)
        except RuntimeError as error:
            raise revert_of(str(error)) from error
        self._tell()
        values = decode([type_of(item) for item in entry["outputs"]], output)
        return raw(values[0] if len(values) == 1 else values)

    @contextmanager
    def rolled_back(self) -> Iterator[Chain]:
        """What happens inside leaves no trace."""
        kept = (dict(self.address), list(self.told), self.transactions, self.time)
        checkpoint = self.evm.snapshot()
        try:
            yield self
        finally:
            self.evm.revert(checkpoint)
            self.address, self.told, self.transactions, time = kept
            self.at(time)

    def ledger(self) -> LedgerState:
        """The fold of everything that the contracts have told so far."""
        deployment = Deployment(
            chain_id=CHAIN_ID,
            agreement_registry=self.address["AgreementRegistry"],
            consent_registry=self.address["ConsentRegistry"],
            usage_settlement=self.address["UsageSettlement"],
            commons_treasury=self.address["CommonsTreasury"],
        )
        return close(fold(new_ledger(deployment), self.told))

    def deploy(self, contract: str, *arguments: Any) -> ContractAddress:
        """Deploy a contract and remember its address."""
        constructor = next(e for e in contracts.abi(contract) if e["type"] == "constructor")
        kinds = [type_of(item) for item in constructor["inputs"]]
        code = contracts.bytecode(contract) + encode(kinds, arguments)
        deployed = self.evm.deploy(to_hex(DEPLOYER), code)
        self.address[contract] = ContractAddress(bytes.fromhex(deployed[2:]))
        self._tell()
        return self.address[contract]

    def _deploy_all(self) -> None:
        manager = self.deploy("AccessManager", GOVERNANCE)
        registry = self.deploy("ParticipantRegistry", manager)
        policy = self.deploy("CommissionPolicy", manager, list(CATEGORIES.items()))
        agreements = self.deploy("AgreementRegistry", registry, policy)
        self.deploy("ConsentRegistry", manager, registry, agreements)
        settlement, treasury = created_address(DEPLOYER, 6), created_address(DEPLOYER, 7)
        token = self.deploy("UsageToken", manager, registry, settlement, treasury)
        self.deploy("UsageSettlement", registry, agreements, policy, token, treasury)
        self.deploy("CommonsTreasury", manager, token)
        assert self.address["UsageSettlement"] == settlement
        assert self.address["CommonsTreasury"] == treasury

    def _admit_all(self) -> None:
        for did, org in zip(DIDS, ORGANISATIONS, strict=True):
            signature = self.binding(org, SECRETS[org])
            self.call(
                GOVERNANCE, "ParticipantRegistry", "admit", did, 3, 1, ACCOUNTS[org], signature
            )

    def binding(self, organisation: OrganisationId, secret: bytes) -> bytes:
        """An account's signature that it belongs to an organisation."""
        account = AccountAddress(address_of(secret))
        registry = self.address["ParticipantRegistry"]
        digest = account_binding_digest(organisation, account, CHAIN_ID, registry)
        return sign_digest(secret, digest)

    def _tell(self) -> None:
        self.transactions += 1
        logs: list[Any] = self.evm.result.logs if self.evm.result else []
        number, digest = self.transactions, sha256(self.transactions.to_bytes(8))
        known = {to_hex(address): name for name, address in self.address.items()}
        for index, log in enumerate(logs):
            event = event_of(known[log.address.lower()], log)
            if event is not None:
                self.told.append((event, Origin(number, digest, self.time, digest, index)))


def created_address(deployer: bytes, nonce: int) -> ContractAddress:
    """The address of the contract that an account creates with a nonce."""
    return ContractAddress(keccak256(rlp.encode([deployer, nonce]))[-20:])


def type_of(item: dict[str, Any]) -> str:
    """An ABI item's type, with the members of tuples written out."""
    kind: str = item["type"]
    if not kind.startswith("tuple"):
        return kind
    members = ",".join(type_of(member) for member in item["components"])
    return f"({members}){kind.removeprefix('tuple')}"


def selector(signature: str) -> bytes:
    """The four bytes that call a function."""
    return keccak256(signature.encode())[:4]


@cache
def function_of(contract: str, function: str) -> dict[str, Any]:
    """The ABI of a function."""
    return next(
        entry
        for entry in contracts.abi(contract)
        if entry["type"] == "function" and entry["name"] == function
    )


@cache
def events_by_topic(contract: str) -> dict[bytes, dict[str, Any]]:
    """The ABI of a contract's events by their first topic."""
    found = {}
    for entry in contracts.abi(contract):
        if entry["type"] == "event":
            signature = f"{entry['name']}({','.join(map(type_of, entry['inputs']))})"
            found[bytes(keccak256(signature.encode()))] = entry
    return found


def event_of(contract: str, log: Any) -> Event | None:
    """The event of `protocol` in a log; None for those of the library contracts."""
    topics, data = log.data
    entry = events_by_topic(contract).get(bytes(topics[0]))
    if entry is None or entry["name"] not in CONTRACT_EVENTS.get(contract, ()):
        return None
    indexed = [item for item in entry["inputs"] if item["indexed"]]
    plain = [item for item in entry["inputs"] if not item["indexed"]]
    values = {
        item["name"]: decode([item["type"]], bytes(topic))[0]
        for item, topic in zip(indexed, topics[1:], strict=True)
    }
    decoded = decode([type_of(item) for item in plain], bytes(data))
    values.update(zip((item["name"] for item in plain), decoded, strict=True))
    arguments = [event_value(item["name"], values[item["name"]]) for item in entry["inputs"]]
    event: Event = EVENT_TYPES[entry["name"]](*arguments)
    return event


def event_value(name: str, value: Any) -> Any:
    """A decoded value in the rules' own type."""
    if name == "terms":
        return terms_of(raw(value))
    if name == "amounts":
        return tuple(LineAmount(*amount) for amount in value)
    return raw(value)


def terms_of(value: Any) -> Terms:
    """Terms from their ABI tuple."""
    fields = [*value[:-1], tuple(PriceLine(*line) for line in value[-1])]
    return Terms(*fields)


def terms_tuple(terms: Terms) -> tuple[Any, ...]:
    """Terms as their ABI tuple."""
    lines = [(x.payee, x.category, x.unit_price, x.free_units) for x in terms.lines]
    return (
        list(terms.parties),
        terms.valid_from,
        terms.valid_until,
        terms.policy_hash,
        terms.document_hash,
        terms.rulebook,
        terms.parent,
        terms.salt,
        lines,
    )


def raw(value: Any) -> Any:
    """Addresses as bytes, lists as tuples."""
    if isinstance(value, str) and re.fullmatch("0x[0-9a-f]{40}", value):
        return bytes.fromhex(value[2:])
    if isinstance(value, list | tuple):
        return tuple(raw(each) for each in value)
    return value


def revert_of(message: str) -> Exception:
    """The error that the EVM's message tells."""
    output = re.search(r"output: (0x[0-9a-f]*)", message)
    known = contracts.error_of_revert(output[1]) if output else None
    return known or AssertionError(message)
