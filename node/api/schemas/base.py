"""What all shapes share: camelCase names, no unknown fields, bytes as 0x-hex."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from indexer.cursor import BlockRef
from indexer.queries.freshness import Freshness
from protocol.errors import PeriodInvalid
from protocol.periods import parse_period
from protocol.types import to_hex

MAX_SAFE_TIME = 2**53 - 1
ESCAPED_NUL = re.compile(r"(?<!\\)(\\\\)*\\u0000")
DECIMAL = re.compile(r"0|[1-9][0-9]{0,19}")
HEX_DIGITS = re.compile(r"[0-9a-fA-F]*")


def wrong_value(detail: str, remedy: str) -> ValueError:
    """What a validator raises to say both; problem documents show them as they are."""
    return PydanticCustomError("wrong_value", "{detail}", {"detail": detail, "remedy": remedy})


class Shape(BaseModel):
    """A JSON object."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True, strict=True
    )

    def to_json(self) -> dict[str, Any]:
        """As it goes over the wire."""
        return self.model_dump(mode="json", by_alias=True)


@dataclass(frozen=True, slots=True)
class HexOf:
    """Marks bytes that are 0x-hex on the wire; `length` in bytes, None for any."""

    length: int | None
    name: str

    @property
    def form(self) -> str:
        """What such a value looks like, in words."""
        if self.length is None:
            return "0x and two hexadecimal digits for each byte"
        return f"{self.length} bytes as 0x and {2 * self.length} hexadecimal digits"

    def parse(self, value: Any) -> bytes:
        """From text (or bytes inside the node); raises ValueError with what is wrong."""
        if isinstance(value, bytes):
            return value
        if not isinstance(value, str):
            raise self._wrong("this is no text")
        if not value.startswith("0x"):
            raise self._wrong("this does not begin with 0x")
        digits = value[2:]
        if not HEX_DIGITS.fullmatch(digits):
            raise self._wrong("this has other characters after 0x")
        if len(digits) % 2 or (self.length is not None and len(digits) != 2 * self.length):
            raise self._wrong(f"this has {len(digits)} digits")
        return bytes.fromhex(digits)

    def _wrong(self, seen: str) -> ValueError:
        name = f"{self.name[:1].upper()}{self.name[1:]}"
        detail = f"{name} is {self.form}; {seen}."
        return wrong_value(detail, f"Send {self.form}.")

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


def read_decimal(value: Any) -> Any:
    """A whole number written as text, for readers whose numbers end at 2^53."""
    return int(value) if isinstance(value, str) and DECIMAL.fullmatch(value) else value


UnixTime = Annotated[int, Field(ge=0, le=MAX_SAFE_TIME), BeforeValidator(read_decimal)]
Uint64 = Annotated[
    int,
    Field(ge=0, le=2**64 - 1),
    BeforeValidator(read_decimal),
    # The framework would write the maximum as a float, which is one more.
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "format": "uint64", "minimum": 0},
                {"type": "string", "pattern": "^(0|[1-9][0-9]{0,19})$"},
            ]
        }
    ),
]


def require_storable(value: Any) -> Any:
    """Raises ValueError for what JSON takes and PostgreSQL does not: NUL, half a surrogate pair,
    numbers that are none."""
    try:
        written = json.dumps(value, ensure_ascii=False, allow_nan=False)
        written.encode()
    except UnicodeEncodeError:
        raise wrong_value("The text has half a surrogate pair.", "Send whole characters.") from None
    except ValueError:
        raise wrong_value("A number is not finite.", "Send finite numbers.") from None
    if ESCAPED_NUL.search(written):
        raise wrong_value("The text has the character U+0000.", "Leave the character out.")
    return value


def require_month(label: str) -> str:
    """Raises ValueError for a month that is none."""
    try:
        parse_period(label)
    except PeriodInvalid as error:
        detail = str(error).removesuffix(f" {error.remedy}")
        raise wrong_value(detail, "Write the month as YYYY-MM, such as 2026-11.") from error
    return label


StoredText = Annotated[str, AfterValidator(require_storable)]
StoredJson = Annotated[dict[str, Any], AfterValidator(require_storable)]
PeriodLabel = Annotated[
    str,
    AfterValidator(require_month),
    WithJsonSchema(
        {"type": "string", "pattern": r"^\d{4}-(0[1-9]|1[0-2])$", "examples": ["2026-11"]}
    ),
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


class Block(Shape):
    """A block of the chain; whoever has a node of it can ask the contracts as of its hash."""

    block_number: int
    block_hash: Hash
    block_time: int

    @classmethod
    def of(cls, block: BlockRef) -> Block:
        """From the index."""
        return cls(
            block_number=block.block_number,
            block_hash=block.block_hash,
            block_time=block.block_time,
        )


ProvenBy = Annotated[
    Block | None,
    Field(
        description="The last block at or before the time asked for, by default now, that the "
        "index knows: the contracts say the same as of its hash. Null before the first block."
    ),
]
