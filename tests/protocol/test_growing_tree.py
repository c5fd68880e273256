"""A tree that grows is the tree over all its leaves, at every size."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import ProofInvalid
from protocol.growing_tree import GrowingTree, ends_of_subtrees
from protocol.merkle import EMPTY_ROOT
from protocol.merkle_reference import root_of_reference

leaf_lists = st.lists(st.binary(min_size=32, max_size=32), max_size=140)


@given(leaf_lists)
def test_its_root_is_the_reference_after_each_leaf(leaves: list[bytes]) -> None:
    tree = GrowingTree()
    assert tree.root == EMPTY_ROOT
    for size, leaf in enumerate(leaves, 1):
        tree.append(leaf)
        assert tree.root == root_of_reference(leaves[:size])


@given(leaf_lists, st.data())
def test_any_earlier_size_is_found_again_and_grows_on(
    leaves: list[bytes], data: st.DataObject
) -> None:
    tree = GrowingTree()
    kept = [tree.append(leaf) for leaf in leaves]
    size = data.draw(st.integers(0, len(leaves)))
    again = GrowingTree(size, [kept[end] for end in ends_of_subtrees(size)])
    assert again.root == root_of_reference(leaves[:size])
    assert [again.append(leaf) for leaf in leaves[size:]] == kept[size:]
    assert again.root == tree.root


def test_where_subtrees_end() -> None:
    assert [ends_of_subtrees(size) for size in (0, 1, 2, 7, 8)] == [
        *([], [0], [1]),
        *([3, 5, 6], [7]),
    ]
    assert len(ends_of_subtrees(2**40 + 1)) == 2


@pytest.mark.parametrize(("size", "count"), [(0, 1), (1, 0), (3, 1), (4, 2)])
def test_a_tree_of_missing_parts_is_none(size: int, count: int) -> None:
    with pytest.raises(ProofInvalid, match=f"{count} subtrees make no tree of {size} leaves"):
        GrowingTree(size, [bytes(32)] * count)
