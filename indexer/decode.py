"""Logs to events: from topics and data on the wire to the dataclasses of `protocol.events`.

The ABI gives types and order, the dataclass gives the names; both come from the same interface.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import decode as abi_decode
from eth_hash.auto import keccak

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
    ),
    "AgreementRegistry": (
        "AgreementProposed",
        "AgreementSigned",
        "AgreementActivated",
        "AgreementSuspended",
        "AgreementResumed",
        "AgreementTerminated",
    ),
    "ConsentRegistry": ("LeavesAnchored", "ConsentEnded", "WithdrawalRefused"),
    "CommissionPolicy": ("RateSet",),
    "UsageToken": ("Transfer", "Issued", "Redeemed"),
    "UsageSettlement": (
        "Deposited",
        "LeavingRequested",
        "Left",
        "UsageSettled",
        "VoucherSkipped",
        "BalanceClaimed",
        "CommissionPaidOut",
    ),
    "CommonsTreasury": ("Granted",),
}


class UndecodableLog(Exception):
    """A log of one of our contracts does not have the form that its interface gives it."""


@dataclass(frozen=True, slots=True)
class PlacedEvent:
    """An event, the contract that reported it, and where it stands on the chain."""

    event: Any
    contract: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class _EventType:
    build: type[Any]
    indexed: tuple[bool, ...]
    types: tuple[str, ...]


class Decoder:
    """Knows the events of our contracts at their addresses; other events of theirs are None."""

    def __init__(self, addresses: Mapping[str, bytes]) -> None:
        self._contracts = {
            "0x" + addresses[name].hex(): name for name in CONTRACT_EVENTS if name in addresses
        }
        self._types = {
            (contract, topic): event_type
            for contract, names in CONTRACT_EVENTS.items()
            for topic, event_type in _event_types(contract, names)
        }

    def decode(self, log: Log, block: BlockRef) -> PlacedEvent | None:
        """The event in a log; None for an event that the ledger does not follow.

        Raises UndecodableLog.
        """
        contract = self._contracts.get(log.address.lower())
        if contract is None or not log.topics:
            return None
        event_type = self._types.get((contract, log.topics[0]))
        if event_type is None:
            return None
        origin = Origin(
            block_number=block.block_number,
            block_hash=Hash32(block.block_hash),
            block_time=UnixSeconds(block.block_time),
            transaction_hash=Hash32(bytes.fromhex(log.transaction_hash[2:])),
            log_index=int(log.log_index, 16),
        )
        try:
            return PlacedEvent(_build(event_type, log), contract, origin)
        except Exception as error:
            raise UndecodableLog(
                f"log {origin.log_index} of block {origin.block_number} by {contract} is no "
                f"{event_type.build.__name__}: {error}"
            ) from error


def _event_types(contract: str, names: tuple[str, ...]) -> list[tuple[str, _EventType]]:
    found = []
    for item in contracts.abi(contract):
        if item["type"] == "event" and item["name"] in names:
            types = tuple(_canonical_type(argument) for argument in item["inputs"])
            signature = f"{item['name']}({','.join(types)})"
            indexed = tuple(argument["indexed"] for argument in item["inputs"])
            build = getattr(events, item["name"])
            found.append(
                ("0x" + keccak(signature.encode()).hex(), _EventType(build, indexed, types))
            )
    if len(found) != len(names):
        raise AssertionError(f"{contract} does not report all of {names}: compile the contracts")
    return found


def _canonical_type(argument: Mapping[str, Any]) -> str:
    """An ABI type as its signature has it: structs as tuples."""
    kind = str(argument["type"])
    if not kind.startswith("tuple"):
        return kind
    inner = ",".join(_canonical_type(component) for component in argument["components"])
    return f"({inner}){kind.removeprefix('tuple')}"


def _build(event_type: _EventType, log: Log) -> Any:
    topics = iter(log.topics[1:])
    in_data = [
        "bytes" if kind == "string" else kind
        for kind, indexed in zip(event_type.types, event_type.indexed, strict=True)
        if not indexed
    ]
    data = iter(abi_decode(in_data, bytes.fromhex(log.data[2:])))
    values = [
        abi_decode([kind], bytes.fromhex(next(topics)[2:]))[0] if indexed else next(data)
        for kind, indexed in zip(event_type.types, event_type.indexed, strict=True)
    ]
    return event_type.build(
        *(_value(kind, value) for kind, value in zip(event_type.types, values, strict=True))
    )


def _value(kind: str, value: Any) -> Any:
    """ABI values as the protocol has them: addresses as bytes, structs named. Texts come as bytes,
    since a participant may put any into them, and are made text that a database can keep."""
    match kind:
        case "address":
            return bytes.fromhex(value[2:])
        case "string":
            return value.decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
        case "(uint128,uint128)[]":
            return tuple(LineAmount(*amount) for amount in value)
        case _ if kind.startswith("(address[],"):
            return _terms(value)
        case _ if kind.endswith("[]"):
            return tuple(value)
    return value


def _terms(value: tuple[Any, ...]) -> Terms:
    parties = tuple(_organisation(party) for party in value[0])
    lines = tuple(PriceLine(_organisation(payee), *rest) for payee, *rest in value[-1])
    fields: tuple[Any, ...] = (parties, *value[1:-1], lines)
    return Terms(*fields)


def _organisation(address: str) -> OrganisationId:
    return OrganisationId(bytes.fromhex(address[2:]))
