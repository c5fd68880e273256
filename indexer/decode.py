"""Logs to the protocol's events, by the contracts' own ABIs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from eth_hash.auto import keccak

from indexer.abi import data_reader, word_reader
from indexer.chain import Log
from indexer.cursor import BlockRef
from protocol import contracts, events
from protocol.agreement import PriceLine, Terms
from protocol.commission import LineAmount
from protocol.events import Origin
from protocol.types import Hash32, OrganisationId, UnixSeconds

CONTRACT_EVENTS: Mapping[str, tuple[str, ...]] = {
    "ParticipantRegistry": (
        "ParticipantAdmitted",
        "ParticipantClassified",
        "ParticipantDescribed",
        "ParticipantSuspended",
        "ParticipantReinstated",
        "AccountBound",
        "AccountRetired",
        "OperatorDelegated",
        "RecoveryAnnounced",
        "RecoveryCancelled",
        "GuardianAppointed",
        "Stopped",
        "StopEnded",
        "AuthorityUpdated",
    ),
    "AgreementRegistry": (
        "AgreementProposed",
        "AgreementSigned",
        "AgreementActivated",
        "AgreementSuspended",
        "AgreementResumed",
        "AgreementTerminated",
    ),
    "ConsentRegistry": (
        "LeavesAnchored",
        "ConsentEnded",
        "WithdrawalRefused",
        "AuthorityUpdated",
    ),
    "CommissionPolicy": ("RateSet", "AuthorityUpdated"),
    "UsageToken": ("Transfer", "Approval", "Issued", "Redeemed", "AuthorityUpdated"),
    "UsageSettlement": (
        "Deposited",
        "LeavingRequested",
        "Left",
        "UsageSettled",
        "VoucherSkipped",
        "BalanceClaimed",
        "CommissionPaidOut",
    ),
    "CommonsTreasury": ("Granted", "AuthorityUpdated"),
    "TimelockController": (
        "CallScheduled",
        "CallExecuted",
        "CallSalt",
        "Cancelled",
        "MinDelayChange",
        "RoleGranted",
        "RoleRevoked",
        "RoleAdminChanged",
    ),
}
"""Every event that a contract of ours emits, and those of the timelock by which all of them are
governed. `EIP712DomainChanged`, which the ABIs name, none of them ever emits."""


class UndecodableLog(Exception):
    """A log of one of our contracts that its interface does not explain."""


class PlacedEvent(NamedTuple):
    """An event, the contract that reported it, and where it stands on the chain."""

    event: events.Event
    contract: str
    block: BlockRef
    log_index: int
    transaction_hash: str

    @property
    def origin(self) -> Origin:
        """Its place as the rules have it."""
        return Origin(
            block_number=self.block.block_number,
            block_hash=Hash32(self.block.block_hash),
            block_time=UnixSeconds(self.block.block_time),
            transaction_hash=Hash32(bytes.fromhex(self.transaction_hash[2:])),
            log_index=self.log_index,
        )


@dataclass(frozen=True, slots=True)
class Form:
    """How an event is read: its topics, then its data; `order` has each field's place in both."""

    build: type[events.Event]
    topic_kinds: tuple[str, ...]
    data_kinds: tuple[str, ...]
    topics: tuple[Callable[[str], Any], ...]
    data: Callable[[str], Sequence[Any]]
    order: tuple[int, ...]
    conversions: tuple[tuple[int, Callable[[Any], Any]], ...]


class Decoder:
    """Knows the events of our contracts at their addresses."""

    def __init__(self, addresses: Mapping[str, bytes]) -> None:
        self._contracts = {
            "0x" + addresses[name].hex(): name for name in CONTRACT_EVENTS if name in addresses
        }
        self.forms: dict[tuple[str, str], Form] = {
            (contract, topic): form
            for contract, names in CONTRACT_EVENTS.items()
            for topic, form in _forms(contract, names)
        }

    def contract_of(self, log: Log) -> str | None:
        """The name of the contract that emitted a log; None if it is none of ours."""
        return self._contracts.get(log.address) or self._contracts.get(log.address.lower())

    def decode(self, log: Log, block: BlockRef) -> PlacedEvent | None:
        """The event in a log; None if another contract emitted it. Raises UndecodableLog."""
        contract = self.contract_of(log)
        if contract is None:
            return None
        topics = log.topics
        form = self.forms.get((contract, topics[0])) if topics else None
        if form is None:
            raise UndecodableLog(f"{contract} has no event with topic {topics[:1]}")
        try:
            if len(topics) != len(form.topics) + 1:
                raise ValueError(f"{len(topics)} topics")
            values = [read(topic[2:]) for read, topic in zip(form.topics, topics[1:], strict=True)]
            values += form.data(log.data[2:])
            for index, convert in form.conversions:
                values[index] = convert(values[index])
            event = form.build(*[values[index] for index in form.order])
        except Exception as error:
            raise UndecodableLog(f"no {form.build.__name__} of {contract}: {error}") from error
        return PlacedEvent(event, contract, block, int(log.log_index, 16), log.transaction_hash)


def _forms(contract: str, names: tuple[str, ...]) -> list[tuple[str, Form]]:
    found = []
    for item in contracts.abi(contract):
        if item["type"] == "event" and item["name"] in names:
            kinds = [contracts.canonical_type(argument) for argument in item["inputs"]]
            signature = f"{item['name']}({','.join(kinds)})"
            indexed = [bool(argument["indexed"]) for argument in item["inputs"]]
            build = events.EVENT_TYPES[item["name"]]
            found.append(("0x" + keccak(signature.encode()).hex(), _form(build, kinds, indexed)))
    if len(found) != len(names):
        raise AssertionError(f"{contract} does not report all of {names}: compile the contracts")
    return found


def _form(build: type[events.Event], kinds: list[str], indexed: list[bool]) -> Form:
    in_topics = [place for place, is_indexed in enumerate(indexed) if is_indexed]
    in_data = [place for place, is_indexed in enumerate(indexed) if not is_indexed]
    readers = [word_reader(kinds[place]) for place in in_topics]
    assert None not in readers, f"{build.__name__} has an indexed field that is no word"
    stored = [*in_topics, *in_data]
    return Form(
        build=build,
        topic_kinds=tuple(kinds[place] for place in in_topics),
        data_kinds=tuple(kinds[place] for place in in_data),
        topics=tuple(reader for reader in readers if reader is not None),
        data=data_reader([kinds[place] for place in in_data]),
        order=tuple(stored.index(place) for place in range(len(kinds))),
        conversions=tuple(
            (index, convert)
            for index, place in enumerate(stored)
            if (convert := _conversion(kinds[place])) is not None
        ),
    )


def _conversion(kind: str) -> Callable[[Any], Any] | None:
    """What makes the protocol's value of an ABI value: structs named, texts as text."""
    if kind == "string":
        return _text
    if kind == "(uint128,uint128)[]":
        return lambda amounts: tuple(LineAmount(*amount) for amount in amounts)
    if kind.startswith("(address[],"):
        return _terms
    return None


def _text(value: bytes) -> str:
    """A participant may put any bytes into a text; what is left is what a database can keep."""
    return value.decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")


def _terms(value: tuple[Any, ...]) -> Terms:
    parties = tuple(_organisation(party) for party in value[0])
    lines = tuple(PriceLine(_organisation(payee), *rest) for payee, *rest in value[-1])
    fields: tuple[Any, ...] = (parties, *value[1:-1], lines)
    return Terms(*fields)


def _organisation(address: str) -> OrganisationId:
    return OrganisationId(bytes.fromhex(address[2:]))
