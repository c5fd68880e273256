"""What all errors have in common: a sentence with its values, and the remedy.

The docstring of an error is its sentence; braces take the values. Bytes are shown as
0x-hexadecimal text, and what is a number on chain alone by its word (`in_words`).
`solidity_name` is the custom error of the contract that means the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from inspect import cleandoc
from typing import Any, ClassVar


class ProtocolError(Exception):
    """A rule of the ledger is broken."""

    contract: ClassVar[str | None] = None
    solidity_name: ClassVar[str | None] = None
    sentence: ClassVar[str] = "A rule of the ledger is broken."
    remedy: ClassVar[str] = "Read the rule in the module that raised this."
    in_words: ClassVar[Mapping[str, Callable[[int], str]]] = {}

    def __init_subclass__(cls, solidity: str | None = None, **kwargs: Any) -> None:
        """Take the sentence from the docstring and the Solidity name from the contract."""
        super().__init_subclass__(**kwargs)
        cls.sentence = " ".join(cleandoc(cls.__doc__ or cls.__name__).split())
        if cls.contract is not None and "contract" not in cls.__dict__:
            cls.solidity_name = f"{cls.contract}_{solidity or cls.__name__}"

    def __post_init__(self) -> None:
        """Keep the values as arguments, too, so that errors survive pickling."""
        self.args = tuple(self.values().values())

    def values(self) -> dict[str, Any]:
        """The error's values by name, as given."""
        if not is_dataclass(self):
            return {}
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def __str__(self) -> str:
        """The sentence with its values, then the remedy."""
        shown = {name: self._say(name, value) for name, value in self.values().items()}
        return f"{self.sentence.format(**shown)} {self.remedy}"

    def _say(self, name: str, value: Any) -> Any:
        word_of = self.in_words.get(name)
        return _show(value) if word_of is None else word_of(value)


class ContractError(ProtocolError):
    """A contract refuses this."""


def _show(value: Any) -> Any:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    return value
