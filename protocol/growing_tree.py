"""A tree that grows leaf by leaf: its root after each of them, from a few nodes (RFC 9162).

With each leaf goes the root of the largest complete subtree that ends at it. A tree of n leaves is
made of one complete subtree for each binary digit 1 of n, which end at known places: so the tree of
any size up to now is found again from what stands at those places, a node for each digit.
transparency-dev/merkle calls that a compact range.
"""

from __future__ import annotations

from collections.abc import Sequence

from protocol.errors import ProofInvalid
from protocol.merkle import EMPTY_ROOT, node_hash
from protocol.types import Hash32, Root


def ends_of_subtrees(size: int) -> list[int]:
    """Places, counted from 0, of the last leaves of a tree's complete subtrees, the largest
    subtree first."""
    ends, covered = [], 0
    for level in reversed(range(size.bit_length())):
        if size >> level & 1:
            covered += 1 << level
            ends.append(covered - 1)
    return ends


class GrowingTree:
    """A tree of `size` leaves, by the roots of its complete subtrees, the largest first.

    Raises ProofInvalid where these are not as many as such a tree has.
    """

    def __init__(self, size: int = 0, subtrees: Sequence[bytes] = ()) -> None:
        if len(subtrees) != size.bit_count():
            reason = f"{len(subtrees)} subtrees make no tree of {size} leaves"
            raise ProofInvalid(reason=reason)
        self._size = size
        self._subtrees = [Hash32(each) for each in subtrees]

    def append(self, leaf: bytes) -> Hash32:
        """Takes the next leaf; what goes with it is the root of the largest complete subtree that
        ends at it."""
        node, left = Hash32(leaf), self._size
        while left & 1:
            node = node_hash(self._subtrees.pop(), node)
            left >>= 1
        self._subtrees.append(node)
        self._size += 1
        return node

    @property
    def root(self) -> Root:
        """Over all leaves; EMPTY_ROOT if there is none."""
        if not self._subtrees:
            return EMPTY_ROOT
        *larger, node = self._subtrees
        for each in reversed(larger):
            node = node_hash(each, node)
        return Root(node)
