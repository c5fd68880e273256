"""The short way for events that are one row of words: from the text of many logs to the text of
their rows, a column at a time.

Most of what a busy chain reports is such events. They need no value of Python's, only a check that
each word is what its type allows; a property test holds this way to the long one, through the
protocol's event.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from indexer.abi import ADDRESS_PADDING, WORD_DIGITS, Malformed
from indexer.chain import Log
from indexer.decode import Form

Column = Callable[[Sequence[str]], list[str]]
"""From words of 64 hexadecimal digits to what COPY reads. Raises Malformed, ValueError."""


class DirectRows:
    """How events of one kind become the text of their rows."""

    def __init__(
        self, topics: Sequence[Column], data: Sequence[Column], order: Sequence[int]
    ) -> None:
        self._topics = topics
        self._data = data
        self._order = order

    def lines(self, logs: Sequence[Log], places: Sequence[str]) -> list[str]:
        """The rows of logs at these places on the chain.

        Raises Malformed or ValueError if one of the logs is not of the form.
        """
        if {len(log.topics) for log in logs} != {len(self._topics) + 1}:
            raise Malformed("another number of topics")
        if {len(log.data) for log in logs} != {2 + len(self._data) * WORD_DIGITS}:
            raise Malformed("another length of data")
        columns = [
            column([log.topics[index][2:] for log in logs])
            for index, column in enumerate(self._topics, start=1)
        ]
        for index, column in enumerate(self._data):
            start, end = 2 + index * WORD_DIGITS, 2 + (index + 1) * WORD_DIGITS
            columns.append(column([log.data[start:end] for log in logs]))
        ordered = [columns[index] for index in self._order]
        return list(map("\t".join, zip(places, *ordered, strict=True)))


def direct_rows(form: Form) -> DirectRows | None:
    """The short way of an event's form; None if one of its fields is no word."""
    columns = [_column(kind) for kind in (*form.topic_kinds, *form.data_kinds)]
    words = [column for column in columns if column is not None]
    if len(words) < len(columns):
        return None
    split = len(form.topic_kinds)
    return DirectRows(words[:split], words[split:], form.order)


def _column(kind: str) -> Column | None:
    """What reads words of this type; None if the type is no word."""
    if kind == "address":
        return _addresses
    if kind == "bytes32":
        return _hashes
    if kind.startswith("uint") and kind[4:].isdigit():
        return _numbers(int(kind[4:]))
    return None


def _addresses(words: Sequence[str]) -> list[str]:
    _require_words(words)
    if {word[:24] for word in words} != {ADDRESS_PADDING}:
        raise Malformed("no address")
    return ["\\\\x" + word[24:] for word in words]


def _hashes(words: Sequence[str]) -> list[str]:
    _require_words(words)
    return ["\\\\x" + word for word in words]


def _numbers(bits: int) -> Column:
    def read(words: Sequence[str]) -> list[str]:
        _require_words(words)
        values = [int(word, 16) for word in words]
        if max(values) >> bits:
            raise Malformed(f"no number of {bits} bits")
        return [str(value) for value in values]

    return read


def _require_words(words: Sequence[str]) -> None:
    """Each has 64 digits, and all of them are hexadecimal: `fromhex` leaves out spaces, which shows
    in the length."""
    if {len(word) for word in words} != {WORD_DIGITS}:
        raise Malformed("no words")
    if 2 * len(bytes.fromhex("".join(words))) != len(words) * WORD_DIGITS:
        raise Malformed("no words")
