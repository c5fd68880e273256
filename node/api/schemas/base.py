"""What all shapes share: camelCase names, no unknown fields, bytes as 0x-hex."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, core_schema

from indexer.queries.freshness import Freshness
from protocol.errors import PeriodInvalid
from protocol.periods import parse_period
from protocol.types import to_hex

MAX_SAFE_TIME = 2**53 - 1
ESCAPED_NUL = re.compile(r"(?<!\\)(\\\\)*\\u0000")


class Shape(BaseModel):
    """A JSON object."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True
    )

    def to_json(self) -> dict[str, Any]:
        """As it goes over the wire."""
        return self.model_dump(mode="json", by_alias=True)


@dataclass(frozen=True, slots=True)
class HexOf:
    """Marks bytes that are 0x-hex on the wire; `length` in bytes, None for any."""

    length: int | None
    name: str

    def parse(self, value: Any) -> bytes:
        """From text (or bytes inside the node); raises ValueError with what is wrong."""
        if isinstance(value, bytes):
            return value
        if not isinstance(value, str) or not value.startswith("0x"):
            raise ValueError(f"{self.name} must be text that begins with 0x")
        try:
            parsed = bytes.fromhex(value[2:])
        except ValueError:
            raise ValueError(f"{self.name} must be hexadecimal digits after 0x") from None
        if self.length is not None and len(parsed) != self.length:
            raise ValueError(f"{self.name} must be {self.length} bytes, not {len(parsed)}")
        return parsed

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.parse,
            serialization=core_schema.plain_serializer_function_ser_schema(
                to_hex, return_schema=core_schema.str_schema()
            ),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        digits = "*" if self.length is None else f"{{{2 * self.length}}}"
        return {"type": "string", "pattern": f"^0x[0-9a-fA-F]{digits}$"}


Address = Annotated[bytes, HexOf(20, "an address")]
Hash = Annotated[bytes, HexOf(32, "a hash")]
Signature = Annotated[bytes, HexOf(65, "a signature")]
EntryBytes = Annotated[bytes, HexOf(123, "an entry")]
SlipBytes = Annotated[bytes, HexOf(220, "a slip")]
HexBytes = Annotated[bytes, HexOf(None, "a value")]

UnixTime = Annotated[int, Field(ge=0, le=MAX_SAFE_TIME)]
Uint64 = Annotated[int, Field(ge=0, le=2**64 - 1)]


def require_storable(value: Any) -> Any:
    """Raises ValueError for what JSON takes and PostgreSQL does not: NUL, half a surrogate pair,
    numbers that are none."""
    written = json.dumps(value, ensure_ascii=False, allow_nan=False)
    written.encode()
    if ESCAPED_NUL.search(written):
        raise ValueError("text must not contain the character U+0000")
    return value


def require_month(label: str) -> str:
    """Raises ValueError for a month that is none."""
    try:
        parse_period(label)
    except PeriodInvalid as error:
        raise ValueError(str(error)) from error
    return label


StoredText = Annotated[str, AfterValidator(require_storable)]
StoredJson = Annotated[dict[str, Any], AfterValidator(require_storable)]
PeriodLabel = Annotated[
    str,
    Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$", examples=["2026-11"]),
    AfterValidator(require_month),
]


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
