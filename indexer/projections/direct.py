"""The short way for events that are one row of words: from a log's text to the row's text.

Most of what a busy chain reports is such events. They need no value of Python's, only a check that
each word is what its type allows; a property test holds this way to the long one, through the
protocol's event.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from indexer.abi import ADDRESS_PADDING, WORD_DIGITS, Malformed
from indexer.chain import Log
from indexer.decode import Form

TextReader = Callable[[str], str]
"""From one word, 64 hexadecimal digits, to what COPY reads."""


class DirectRow:
    """How one kind of event becomes the text of its row."""

    def __init__(
        self, topics: Sequence[TextReader], data: Sequence[TextReader], order: Sequence[int]
    ) -> None:
        self._topics = topics
        self._data = data
        self._order = None if list(order) == sorted(order) else order
        self._data_digits = 2 + len(data) * WORD_DIGITS

    def line(self, log: Log, place: str) -> str:
        """The row, after its place on the chain. Raises Malformed, ValueError."""
        topics, data = log.topics, log.data
        if len(topics) != len(self._topics) + 1 or len(data) != self._data_digits:
            raise Malformed(f"{len(topics)} topics and {len(data) // 2 - 1} bytes of data")
        values = [read(word[2:]) for read, word in zip(self._topics, topics[1:], strict=True)]
        for index, read in enumerate(self._data):
            start = 2 + index * WORD_DIGITS
            values.append(read(data[start : start + WORD_DIGITS]))
        if self._order is not None:
            values = [values[index] for index in self._order]
        return "\t".join([place, *values])


def direct_row(form: Form) -> DirectRow | None:
    """The short way of an event's form; None if one of its fields is no word."""
    topics = [_text_reader(kind) for kind in form.topic_kinds]
    data = [_text_reader(kind) for kind in form.data_kinds]
    if None in topics or None in data:
        return None
    return DirectRow([r for r in topics if r], [r for r in data if r], form.order)


def _text_reader(kind: str) -> TextReader | None:
    """What reads a word of this type as text; None if the type is no word."""
    if kind == "address":
        return _address
    if kind == "bytes32":
        return _bytes32
    if kind.startswith("uint") and kind[4:].isdigit():
        return _number(int(kind[4:]))
    return None


def _address(word: str) -> str:
    if word[:24] != ADDRESS_PADDING or len(bytes.fromhex(word)) != 32:
        raise Malformed(f"no address: 0x{word}")
    return "\\\\x" + word[24:]


def _bytes32(word: str) -> str:
    if len(word) != WORD_DIGITS or len(bytes.fromhex(word)) != 32:
        raise Malformed(f"not 32 bytes: 0x{word}")
    return "\\\\x" + word


def _number(bits: int) -> TextReader:
    def read(word: str) -> str:
        content = bytes.fromhex(word)  # int() would take signs and underscores, too
        value = int.from_bytes(content)
        if len(word) != WORD_DIGITS or len(content) != 32 or value >> bits:
            raise Malformed(f"no number of {bits} bits: 0x{word}")
        return str(value)

    return read
