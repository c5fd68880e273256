"""Trees of leaves: roots, inclusion and consistency (RFC 9162, section 2.1).

A leaf hash is SHA-256(0x00 | data), a node SHA-256(0x01 | left | right). A tree of n leaves
splits at the largest power of two below n; level by level that is the same as pairing
neighbours and promoting an odd last node. `merkle_reference` follows the RFC's recursion word
for word and exists to check this module, which works level by level and is fast.

Leaves are leaf hashes throughout, 32 bytes each.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from protocol.errors import ProofInvalid
from protocol.types import HASH_LENGTH, Hash32, Leaf, Root

EMPTY_ROOT = Root(hashlib.sha256(b"").digest())
"""The root of the tree without leaves."""


def leaf_hash(data: bytes) -> Leaf:
    """The leaf for some data, 32 bytes."""
    return Leaf(hashlib.sha256(b"\x00" + data).digest())


def node_hash(left: bytes, right: bytes) -> Hash32:
    """The node over two nodes or leaves, 32 bytes."""
    return Hash32(hashlib.sha256(b"\x01" + left + right).digest())


def root_of(leaves: Sequence[bytes]) -> Root:
    """The root over the leaves in order, 32 bytes; EMPTY_ROOT if there is none."""
    if not leaves:
        return EMPTY_ROOT
    level: Sequence[bytes] = leaves
    while len(level) > 1:
        level = _next_level(level)
    return Root(level[0])


def inclusion_path(leaves: Sequence[bytes], index: int) -> tuple[Hash32, ...]:
    """The siblings from leaf `index` up to the root. Raises ProofInvalid out of range."""
    if not 0 <= index < len(leaves):
        raise ProofInvalid(reason=f"no leaf {index} among {len(leaves)}")
    path = []
    level: Sequence[bytes] = leaves
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(Hash32(level[sibling]))
        level = _next_level(level)
        index >>= 1
    return tuple(path)


def inclusion_paths(leaves: Sequence[bytes]) -> list[tuple[Hash32, ...]]:
    """The paths of all leaves at once: the same as `inclusion_path` of each."""
    paths: list[list[Hash32]] = [[] for _ in leaves]
    level: Sequence[bytes] = leaves
    height = 0
    while len(level) > 1:
        for index, path in enumerate(paths):
            sibling = (index >> height) ^ 1
            if sibling < len(level):
                path.append(Hash32(level[sibling]))
        level = _next_level(level)
        height += 1
    return [tuple(path) for path in paths]


def root_from_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> Root:
    """The root that the path leads to (RFC 9162, section 2.1.3.2).

    Raises ProofInvalid where index, size and the path's length do not belong together.
    """
    if not 0 <= index < size:
        raise ProofInvalid(reason=f"no leaf {index} in a tree of {size}")
    _check_hashes((leaf, *path))
    node, last = Hash32(leaf), size - 1
    for sibling in path:
        if last == 0:
            raise ProofInvalid(reason=f"the path of {len(path)} hashes is too long")
        if index & 1 or index == last:
            node = node_hash(sibling, node)
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        index, last = index >> 1, last >> 1
    if last != 0:
        raise ProofInvalid(reason=f"the path of {len(path)} hashes is too short")
    return Root(node)


def verify_inclusion(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes
) -> bool:
    """Whether the leaf stands at `index` in the tree of `size` leaves under `root`."""
    try:
        return root_from_inclusion(leaf, index, size, path) == root
    except ProofInvalid:
        return False


def consistency_path(leaves: Sequence[bytes], old_size: int) -> tuple[Hash32, ...]:
    """What proves that the first `old_size` leaves were never changed (section 2.1.4.1).

    Raises ProofInvalid unless 0 < old_size <= number of leaves.
    """
    if not 0 < old_size <= len(leaves):
        raise ProofInvalid(reason=f"no tree of {old_size} within one of {len(leaves)}")
    if old_size == len(leaves):
        return ()
    path = []
    last = old_size - 1
    level: Sequence[bytes] = leaves
    while last & 1:
        level, last = _next_level(level), last >> 1
    if last:
        path.append(Hash32(level[last]))
    while len(level) > 1:
        sibling = last ^ 1
        if sibling < len(level):
            path.append(Hash32(level[sibling]))
        level, last = _next_level(level), last >> 1
    return tuple(path)


def verify_consistency(
    old_size: int, size: int, old_root: bytes, root: bytes, path: Sequence[bytes]
) -> bool:
    """Whether the tree under `root` begins with the tree under `old_root` (section 2.1.4.2).

    Nothing follows from an empty old tree, so it is refused.
    """
    if not 0 < old_size <= size:
        return False
    if old_size == size:
        return not path and old_root == root
    if any(len(node) != HASH_LENGTH for node in path):
        return False
    power_of_two = old_size & (old_size - 1) == 0
    nodes = [old_root, *path] if power_of_two else list(path)
    return bool(path) and _roots_over(nodes, old_size, size) == (old_root, root)


def _roots_over(nodes: list[bytes], old_size: int, size: int) -> tuple[bytes, bytes] | None:
    """Both roots that a consistency path leads to; None where its length is wrong."""
    old_last, last = old_size - 1, size - 1
    while old_last & 1:
        old_last, last = old_last >> 1, last >> 1
    old_node = new_node = nodes[0]
    for sibling in nodes[1:]:
        if last == 0:
            return None
        if old_last & 1 or old_last == last:
            old_node = node_hash(sibling, old_node)
            new_node = node_hash(sibling, new_node)
            while old_last and not old_last & 1:
                old_last, last = old_last >> 1, last >> 1
        else:
            new_node = node_hash(new_node, sibling)
        old_last, last = old_last >> 1, last >> 1
    return (old_node, new_node) if last == 0 else None


def _next_level(level: Sequence[bytes]) -> list[bytes]:
    sha256 = hashlib.sha256
    neighbours = iter(level)
    above = [
        sha256(b"\x01" + left + right).digest()
        for left, right in zip(neighbours, neighbours, strict=False)
    ]
    if len(level) & 1:
        above.append(level[-1])
    return above


def _check_hashes(hashes: Sequence[bytes]) -> None:
    for value in hashes:
        if len(value) != HASH_LENGTH:
            raise ProofInvalid(reason=f"a hash has {len(value)} bytes, not {HASH_LENGTH}")
