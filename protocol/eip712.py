"""Typed data and its digest (EIP-712).

A wallet shows typed data field by field and signs its digest:

    digest      = keccak256(0x19 01 | hashStruct(domain) | hashStruct(message))
    hashStruct  = keccak256(typeHash | each member in 32 bytes)
    typeHash    = keccak256("Mail(Person from,...)Person(...)")

Atomic members are left- or right-padded, `string` and `bytes` are hashed, an array is the hash of
its members' encodings, a struct is its hashStruct. Typed data is the JSON object that
`eth_signTypedData_v4` takes, so one builder serves the wallet and the digest alike.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from protocol.errors import HexInvalid, TypedDataInvalid
from protocol.hashing import keccak256
from protocol.types import Hash32, from_hex, to_checksum_address

Member = tuple[str, str]
"""Name and type of a struct's member."""
StructTypes = tuple[tuple[str, tuple[Member, ...]], ...]
"""Struct types by name; the first is the primary type."""


@dataclass(frozen=True, slots=True)
class Domain:
    """Where a signature counts: a name, a version, a chain and, for contracts, their address."""

    name: str
    version: str
    chain_id: int
    verifying_contract: bytes | None = None


def typed_data(domain: Domain, types: StructTypes, message: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON object that eth_signTypedData_v4 takes for this message."""
    domain_members, domain_values = _domain_parts(domain)
    listed = (("EIP712Domain", domain_members), *types)
    return {
        "types": {
            name: [{"name": member, "type": kind} for member, kind in members]
            for name, members in listed
        },
        "primaryType": types[0][0],
        "domain": domain_values,
        "message": dict(message),
    }


def digest_of_typed_data(data: Mapping[str, Any]) -> Hash32:
    """The digest that is signed for typed data, 32 bytes.

    Integers may be decimal text, bytes 0x-hexadecimal text. Raises TypedDataInvalid where the
    message or the domain does not fit its types.
    """
    return keccak256(preimage_of_typed_data(data))


def preimage_of_typed_data(data: Mapping[str, Any]) -> bytes:
    """The 66 bytes whose hash is the digest, for a signer that hashes by itself. Raises
    TypedDataInvalid."""
    types = types_of_typed_data(data)
    separator = hash_struct(types, "EIP712Domain", data["domain"])
    return b"\x19\x01" + separator + hash_struct(types, data["primaryType"], data["message"])


def digest_in_domain(
    separator: Hash32, types: StructTypes, message: Mapping[str, Any], name: str = ""
) -> Hash32:
    """The digest of a message, by default of the primary type, whose members are values or text.
    Raises TypedDataInvalid."""
    return keccak256(b"\x19\x01" + separator + hash_struct(types, name or types[0][0], message))


def types_of_typed_data(data: Mapping[str, Any]) -> StructTypes:
    """The struct types of typed data."""
    return tuple(
        (name, tuple((member["name"], member["type"]) for member in members))
        for name, members in data["types"].items()
    )


@lru_cache(maxsize=64)
def domain_separator(domain: Domain) -> Hash32:
    """The hash of the domain, 32 bytes."""
    members, values = _domain_parts(domain)
    return hash_struct((("EIP712Domain", members),), "EIP712Domain", values)


@cache
def encode_type(types: StructTypes, name: str) -> str:
    """A type and, in alphabetical order, all it refers to: `Mail(...)Person(...)`."""
    members = dict(types)
    found: set[str] = set()
    waiting = [name]
    while waiting:
        current = waiting.pop()
        found.add(current)
        named = {kind.partition("[")[0] for _, kind in members[current]}
        waiting.extend((named & members.keys()) - found)
    ordered = [name, *sorted(found - {name})]
    return "".join(
        f"{struct}({','.join(f'{kind} {member}' for member, kind in members[struct])})"
        for struct in ordered
    )


@cache
def type_hash(types: StructTypes, name: str) -> Hash32:
    """keccak256 of the encoded type, 32 bytes."""
    return keccak256(encode_type(types, name).encode())


def hash_struct(types: StructTypes, name: str, value: Mapping[str, Any]) -> Hash32:
    """The hash of a struct's values, 32 bytes. Raises TypedDataInvalid."""
    members = dict(types)[name]
    if set(value) != {member for member, _ in members}:
        raise TypedDataInvalid(where=name, reason=f"the members are {sorted(value)}")
    encoded = [_encode(types, kind, value[member], f"{name}.{member}") for member, kind in members]
    return keccak256(type_hash(types, name) + b"".join(encoded))


def _encode(types: StructTypes, kind: str, value: Any, where: str) -> bytes:
    """One member in 32 bytes."""
    if array := re.fullmatch(r"(.+)\[([0-9]*)\]", kind):
        return _encode_array(types, array[1], array[2], value, where)
    if kind in dict(types):
        return hash_struct(types, kind, value)
    if kind == "string":
        return keccak256(str(value).encode())
    if kind == "bool" or kind.startswith("uint"):
        return _encode_uint(int(kind[4:] or 256) if kind != "bool" else 1, value, where)
    return _encode_bytes(kind, value, where)


def _encode_bytes(kind: str, value: bytes | str, where: str) -> bytes:
    raw = _bytes_of(value, where)
    if kind == "bytes":
        return keccak256(raw)
    if kind == "address" and len(raw) == 20:
        return raw.rjust(32, b"\x00")
    if kind.startswith("bytes") and len(raw) == int(kind[5:]):
        return raw.ljust(32, b"\x00")
    raise TypedDataInvalid(where=where, reason=f"{len(raw)} bytes are no {kind}")


def _encode_array(
    types: StructTypes, kind: str, length: str, value: Sequence[Any], where: str
) -> Hash32:
    if length and len(value) != int(length):
        raise TypedDataInvalid(where=where, reason=f"{len(value)} items, not {length}")
    items = (_encode(types, kind, item, f"{where}[{i}]") for i, item in enumerate(value))
    return keccak256(b"".join(items))


def _encode_uint(bits: int, value: int | str, where: str) -> bytes:
    number = int(value)
    if not 0 <= number < 1 << bits:
        raise TypedDataInvalid(where=where, reason=f"{number} is no uint{bits}")
    return number.to_bytes(32)


def _bytes_of(value: bytes | str, where: str) -> bytes:
    if isinstance(value, bytes):
        return value
    try:
        return from_hex(value)
    except HexInvalid as error:
        raise TypedDataInvalid(where=where, reason=f"{value!r} is not 0x-hexadecimal") from error


def _domain_parts(domain: Domain) -> tuple[tuple[Member, ...], dict[str, Any]]:
    members: list[Member] = [("name", "string"), ("version", "string"), ("chainId", "uint256")]
    values: dict[str, Any] = {
        "name": domain.name,
        "version": domain.version,
        "chainId": domain.chain_id,
    }
    if domain.verifying_contract is not None:
        members.append(("verifyingContract", "address"))
        values["verifyingContract"] = to_checksum_address(domain.verifying_contract)
    return tuple(members), values
