"""Trees of RFC 9162: the fast code equals the reference, and damaged proofs are refused."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import ProofInvalid
from protocol.merkle import (
    EMPTY_ROOT,
    consistency_path,
    inclusion_path,
    inclusion_paths,
    leaf_hash,
    root_from_inclusion,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from protocol.merkle_reference import (
    consistency_path_reference,
    inclusion_path_reference,
    root_of_reference,
)
from protocol.types import Leaf, from_hex

leaf_lists = st.integers(1, 200).map(lambda n: [leaf_hash(i.to_bytes(4)) for i in range(n)])


@st.composite
def trees_with_index(draw: Any) -> tuple[list[bytes], int]:
    leaves = draw(leaf_lists)
    return leaves, draw(st.integers(0, len(leaves) - 1))


@given(leaf_lists)
def test_roots_equal_the_reference(leaves: list[bytes]) -> None:
    assert root_of(leaves) == root_of_reference(leaves)


@given(trees_with_index())
def test_inclusion_paths_equal_the_reference_and_verify(tree: tuple[list[bytes], int]) -> None:
    leaves, index = tree
    path = inclusion_path(leaves, index)
    assert path == inclusion_path_reference(leaves, index)
    assert inclusion_paths(leaves)[index] == path
    assert verify_inclusion(leaves[index], index, len(leaves), path, root_of(leaves))


@given(trees_with_index())
def test_consistency_paths_equal_the_reference_and_verify(tree: tuple[list[bytes], int]) -> None:
    leaves, index = tree
    old_size = index + 1
    path = consistency_path(leaves, old_size)
    assert path == consistency_path_reference(leaves, old_size)
    old_root, root = root_of(leaves[:old_size]), root_of(leaves)
    assert verify_consistency(old_size, len(leaves), old_root, root, path)


@given(trees_with_index(), st.integers(0, 300), st.integers(0, 300))
def test_a_path_proves_no_other_place(tree: tuple[list[bytes], int], index: int, size: int) -> None:
    leaves, place = tree
    if (index, size) == (place, len(leaves)):
        return
    path, root = inclusion_path(leaves, place), root_of(leaves)
    if verify_inclusion(leaves[place], index, size, path, root):
        # Places whose path has the same turns cannot be told apart without the stored size.
        assert size != len(leaves)


@given(trees_with_index(), st.data())
def test_a_damaged_path_proves_nothing(tree: tuple[list[bytes], int], data: Any) -> None:
    leaves, index = tree
    path = [bytes(node) for node in inclusion_path(leaves, index)]
    root = root_of(leaves)
    if path:
        place = data.draw(st.integers(0, len(path) - 1))
        damaged = [*path]
        damaged[place] = bytes([path[place][0] ^ 1]) + path[place][1:]
        assert not verify_inclusion(leaves[index], index, len(leaves), damaged, root)
        assert not verify_inclusion(leaves[index], index, len(leaves), path[1:], root)
    assert not verify_inclusion(leaves[index], index, len(leaves), [*path, bytes(32)], root)
    assert not verify_inclusion(leaves[index], index, len(leaves), [*path, b""], root)


def test_an_inner_node_proves_nothing_against_the_stored_size() -> None:
    leaves = [leaf_hash(bytes([i])) for i in range(4)]
    inner = root_of(leaves[:2])
    path = inclusion_path(leaves, 0)
    assert verify_inclusion(inner, 0, 2, path[1:], root_of(leaves))
    assert not verify_inclusion(inner, 0, 4, path[1:], root_of(leaves))


def test_a_path_longer_than_the_tree_is_high_proves_nothing_even_if_it_leads_to_the_root() -> None:
    leaf, other = leaf_hash(b"leaf"), leaf_hash(b"other")
    root = root_of([other, leaf])
    assert verify_inclusion(leaf, 1, 2, [other], root)
    assert not verify_inclusion(leaf, 0, 1, [other], root)
    with pytest.raises(ProofInvalid, match="too long"):
        root_from_inclusion(leaf, 0, 1, [other])
    with pytest.raises(ProofInvalid, match="too short"):
        root_from_inclusion(leaf, 0, 2, [])


def test_trees_are_the_golden_ones(vectors: Any) -> None:
    for name, case in vectors("merkle").items():
        if name == "padded-sizes":
            for each in case["roots"]:
                leaves = [leaf_hash(i.to_bytes(4)) for i in range(each["size"])]
                assert root_of(leaves) == from_hex(each["root"])
            continue
        leaves = [Leaf(from_hex(leaf)) for leaf in case["leaves"]]
        assert root_of(leaves) == root_of_reference(leaves) == from_hex(case["root"])
        for index, path in enumerate(case["paths"]):
            nodes = [from_hex(node) for node in path]
            assert root_from_inclusion(leaves[index], index, len(leaves), nodes) == root_of(leaves)


def test_published_vectors_are_accepted_and_refused_as_published(samples: Path) -> None:
    files = sorted((samples / "rfc6962" / "testdata").rglob("*.json"))
    assert len(files) == 160
    for file in files:
        vector = json.loads(file.read_text())
        assert is_accepted(vector) != vector["wantErr"], file


def is_accepted(vector: dict[str, Any]) -> bool:
    path = [b64decode(node) for node in vector["proof"] or []]
    if "leafIdx" in vector:
        leaf, root = b64decode(vector["leafHash"] or ""), b64decode(vector["root"] or "")
        return verify_inclusion(leaf, vector["leafIdx"], vector["treeSize"], path, root)
    old_root, root = b64decode(vector["root1"] or ""), b64decode(vector["root2"] or "")
    return verify_consistency(vector["size1"], vector["size2"], old_root, root, path)


def test_the_empty_tree_has_a_root_and_no_paths() -> None:
    assert root_of([]) == root_of_reference([]) == EMPTY_ROOT
    with pytest.raises(ProofInvalid):
        inclusion_path([], 0)
    with pytest.raises(ProofInvalid):
        consistency_path([bytes(32)], 0)
    with pytest.raises(ProofInvalid):
        consistency_path([bytes(32)], 2)
