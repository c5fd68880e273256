"""The trees of RFC 9162, section 2.1, as the RFC writes them: slow, recursive, obvious.

Exists to check `merkle`; nothing else calls it.
"""

from __future__ import annotations

from collections.abc import Sequence

from protocol.merkle import EMPTY_ROOT, node_hash
from protocol.types import Hash32, Root


def root_of_reference(leaves: Sequence[bytes]) -> Root:
    """MTH(D_n) of section 2.1.1, over leaf hashes."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return Root(leaves[0])
    split = split_of(len(leaves))
    left, right = root_of_reference(leaves[:split]), root_of_reference(leaves[split:])
    return Root(node_hash(left, right))


def inclusion_path_reference(leaves: Sequence[bytes], index: int) -> tuple[Hash32, ...]:
    """PATH(m, D_n) of section 2.1.3.1."""
    if len(leaves) == 1:
        return ()
    split = split_of(len(leaves))
    left, right = leaves[:split], leaves[split:]
    if index < split:
        return (*inclusion_path_reference(left, index), Hash32(root_of_reference(right)))
    return (*inclusion_path_reference(right, index - split), Hash32(root_of_reference(left)))


def consistency_path_reference(leaves: Sequence[bytes], old_size: int) -> tuple[Hash32, ...]:
    """PROOF(m, D_n) of section 2.1.4.1."""
    return _subproof(leaves, old_size, whole=True)


def split_of(size: int) -> int:
    """The largest power of two below `size`, which is at least 2."""
    return 1 << (size - 1).bit_length() - 1


def _subproof(leaves: Sequence[bytes], old_size: int, *, whole: bool) -> tuple[Hash32, ...]:
    """SUBPROOF(m, D_n, b) of section 2.1.4.1; `whole` is b."""
    if old_size == len(leaves):
        return () if whole else (Hash32(root_of_reference(leaves)),)
    split = split_of(len(leaves))
    left, right = leaves[:split], leaves[split:]
    if old_size <= split:
        return (*_subproof(left, old_size, whole=whole), Hash32(root_of_reference(right)))
    rest = _subproof(right, old_size - split, whole=False)
    return (*rest, Hash32(root_of_reference(left)))
