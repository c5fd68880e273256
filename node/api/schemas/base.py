"""What all shapes share: camelCase names, no unknown fields, bytes as 0x-hex."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic.alias_generators import to_camel

from indexer.queries.freshness import Freshness

MAX_SAFE_TIME = 2**53 - 1


class Shape(BaseModel):
    """A JSON object."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True
    )

    def to_json(self) -> dict[str, Any]:
        """As it goes over the wire."""
        return self.model_dump(mode="json", by_alias=True)


def _hex_of(length: int | None, name: str) -> Any:
    """A type of `length` bytes, 0x-hex on the wire."""

    def parse(value: Any) -> Any:
        if isinstance(value, bytes):
            return value
        if not isinstance(value, str) or not value.startswith("0x"):
            raise ValueError(f"{name} must be text that begins with 0x")
        try:
            parsed = bytes.fromhex(value[2:])
        except ValueError:
            raise ValueError(f"{name} must be hexadecimal digits after 0x") from None
        if length is not None and len(parsed) != length:
            raise ValueError(f"{name} must be {length} bytes, not {len(parsed)}")
        return parsed

    digits = "*" if length is None else f"{{{2 * length}}}"
    schema = {"type": "string", "pattern": f"^0x[0-9a-fA-F]{digits}$"}
    return Annotated[
        bytes,
        BeforeValidator(parse),
        PlainSerializer(lambda value: "0x" + value.hex(), return_type=str),
        WithJsonSchema(schema),
    ]


Address = _hex_of(20, "an address")
Hash = _hex_of(32, "a hash")
Signature = _hex_of(65, "a signature")
EntryBytes = _hex_of(123, "an entry")
SlipBytes = _hex_of(220, "a slip")
HexBytes = _hex_of(None, "a value")

UnixTime = Annotated[int, Field(ge=0, le=MAX_SAFE_TIME)]
Uint64 = Annotated[int, Field(ge=0, le=2**64 - 1)]
PeriodLabel = Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$", examples=["2026-11"])]


class AsOf(Shape):
    """What an answer rests on."""

    block_number: int
    block_hash: Hash
    block_time: int
    age_seconds: float

    @classmethod
    def of(cls, freshness: Freshness) -> AsOf:
        """From the index's own account."""
        block = freshness.block
        return cls(
            block_number=block.block_number,
            block_hash=block.block_hash,
            block_time=block.block_time,
            age_seconds=round(freshness.age_seconds, 3),
        )
