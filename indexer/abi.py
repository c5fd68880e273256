"""Reads ABI-encoded values from hexadecimal text.

The forms that the busiest events have, words and arrays of `bytes32`, are read by hand, ten times
as fast as a general decoder reads them; everything else by `eth_abi`. Both refuse what the ABI
forbids.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from eth_abi.abi import decode as general_decode

WORD_DIGITS = 64
ADDRESS_PADDING = "0" * 24

Reader = Callable[[str], Any]
"""From one word, 64 hexadecimal digits, to its value."""


class Malformed(ValueError):
    """Data that no contract of ours would emit."""


def word_reader(kind: str) -> Reader | None:
    """What reads a value that fills one word: addresses and hashes as bytes, numbers as int; None
    for other types."""
    if kind == "address":
        return _read_address
    if kind == "bytes32":
        return _read_bytes32
    if sized := re.fullmatch(r"uint(\d+)", kind):
        return _number_reader(int(sized[1]))
    return None


def data_reader(kinds: Sequence[str]) -> Callable[[str], Sequence[Any]]:
    """What reads the values of these types from a log's data, without its 0x."""
    readers = [word_reader(kind) for kind in kinds]
    words = [reader for reader in readers if reader is not None]
    if len(words) == len(kinds):
        return lambda data: _read_words(data, words)
    if all(reader or kind == "bytes32[]" for kind, reader in zip(kinds, readers, strict=True)):
        return lambda data: _read_words_and_arrays(data, readers)
    plain = ["bytes" if kind == "string" else kind for kind in kinds]
    return lambda data: _read_generally(data, plain)


def _read_words(data: str, readers: Sequence[Reader]) -> list[Any]:
    if len(data) != len(readers) * WORD_DIGITS:
        raise Malformed(f"{len(data) // 2} bytes of data, not {len(readers) * 32}")
    return [
        read(data[index * WORD_DIGITS : (index + 1) * WORD_DIGITS])
        for index, read in enumerate(readers)
    ]


def _read_words_and_arrays(data: str, readers: Sequence[Reader | None]) -> list[Any]:
    """Arrays of bytes32 where there is no reader: an offset in the word's place."""
    values = []
    for index, read in enumerate(readers):
        word = _word_at(data, index * WORD_DIGITS)
        values.append(read(word) if read else _read_array(data, 2 * int(word, 16)))
    return values


def _read_array(data: str, position: int) -> tuple[bytes, ...]:
    length = int(_word_at(data, position), 16)
    first = position + WORD_DIGITS
    if first + length * WORD_DIGITS > len(data):
        raise Malformed(f"an array of {length} values in {len(data) // 2} bytes of data")
    content = bytes.fromhex(data[first : first + length * WORD_DIGITS])
    return tuple([content[start : start + 32] for start in range(0, len(content), 32)])


def _word_at(data: str, position: int) -> str:
    word = data[position : position + WORD_DIGITS]
    if len(word) != WORD_DIGITS:
        raise Malformed(f"{len(data) // 2} bytes of data end before byte {position // 2 + 32}")
    return word


def _read_generally(data: str, kinds: Sequence[str]) -> Sequence[Any]:
    values: Sequence[Any] = general_decode(kinds, bytes.fromhex(data))
    return [
        bytes.fromhex(value[2:]) if kind == "address" else value
        for kind, value in zip(kinds, values, strict=True)
    ]


def _read_bytes32(word: str) -> bytes:
    value = bytes.fromhex(word)
    if len(word) != WORD_DIGITS or len(value) != 32:
        raise Malformed(f"not 32 bytes: 0x{word}")
    return value


def _read_address(word: str) -> bytes:
    value = bytes.fromhex(word[24:])
    if len(word) != WORD_DIGITS or word[:24] != ADDRESS_PADDING or len(value) != 20:
        raise Malformed(f"no address: 0x{word}")
    return value


def _number_reader(bits: int) -> Reader:
    def read(word: str) -> int:
        content = bytes.fromhex(word)  # int() would take signs and underscores, too
        value = int.from_bytes(content)
        if len(word) != WORD_DIGITS or len(content) != 32 or value >> bits:
            raise Malformed(f"no number of {bits} bits: 0x{word}")
        return value

    return read
