"""Every error that the node and the index raise says in its class what it means."""

from __future__ import annotations

import ast

import pytest

from protocol.errors import SOLIDITY_ERRORS, ContractError, OffChainError, ProtocolError
from tests.project_files import files, name_of


def subclasses(base: type[ProtocolError]) -> set[type[ProtocolError]]:
    found = set(base.__subclasses__())
    return found | {deeper for each in found for deeper in subclasses(each)}


def test_every_rule_of_the_contracts_has_its_class_and_every_class_its_rule() -> None:
    concrete = {each for each in subclasses(ContractError) if "__dataclass_fields__" in vars(each)}
    assert concrete == set(SOLIDITY_ERRORS.values())


def test_an_error_is_of_the_chain_or_of_the_house() -> None:
    both = subclasses(ContractError) & subclasses(OffChainError)
    assert both == set()
    assert subclasses(ProtocolError) >= subclasses(ContractError) | subclasses(OffChainError)


@pytest.mark.parametrize("package", ["protocol", "indexer", "node"])
def test_nothing_is_swallowed(package: str) -> None:
    """No bare `except`, and no handler that only passes."""
    silent = []
    for path in files(".py", under=f"{package}/"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ExceptHandler):
                passes = all(isinstance(line, ast.Pass) for line in node.body)
                if node.type is None or passes:
                    silent.append(f"{name_of(path)}:{node.lineno}")
    assert silent == []
