// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

/// @title MerkleTree
/// @notice RFC 9162, section 2.1, word for word and slow: the naive reference for the fast code.
library MerkleTree {
    /// @notice MTH(D[n]).
    function rootOf(bytes32[] memory leaves) internal pure returns (bytes32) {
        return _root(leaves, 0, leaves.length);
    }

    /// @notice PATH(m, D[n]).
    function pathOf(
        bytes32[] memory leaves,
        uint256 index
    ) internal pure returns (bytes32[] memory path) {
        path = new bytes32[](_depth(index, leaves.length));
        _fill(path, path.length, leaves, index, 0, leaves.length);
    }

    function _root(
        bytes32[] memory leaves,
        uint256 start,
        uint256 end
    ) private pure returns (bytes32) {
        if (end - start == 1) return leaves[start];
        uint256 split = start + _split(end - start);
        return
            sha256(
                abi.encodePacked(
                    bytes1(0x01),
                    _root(leaves, start, split),
                    _root(leaves, split, end)
                )
            );
    }

    /// @dev Fills path[0..height) from the top down: the sibling subtree first goes last.
    function _fill(
        bytes32[] memory path,
        uint256 height,
        bytes32[] memory leaves,
        uint256 index,
        uint256 start,
        uint256 end
    ) private pure {
        if (end - start == 1) return;
        uint256 split = start + _split(end - start);
        if (index < split) {
            path[height - 1] = _root(leaves, split, end);
            _fill(path, height - 1, leaves, index, start, split);
        } else {
            path[height - 1] = _root(leaves, start, split);
            _fill(path, height - 1, leaves, index, split, end);
        }
    }

    function _depth(uint256 index, uint256 size) private pure returns (uint256) {
        if (size == 1) return 0;
        uint256 split = _split(size);
        if (index < split) return 1 + _depth(index, split);
        return 1 + _depth(index - split, size - split);
    }

    /// @dev The largest power of two below `size`.
    function _split(uint256 size) private pure returns (uint256 split) {
        split = 1;
        while (split * 2 < size) split *= 2;
    }
}
