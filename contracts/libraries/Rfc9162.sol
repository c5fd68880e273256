// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

/// @title Rfc9162
/// @notice Hash trees of RFC 9162 (Certificate Transparency 2.0), section 2.1, over SHA-256.
/// @dev A leaf hash is SHA-256(0x00 ‖ entry), an inner node SHA-256(0x01 ‖ left ‖ right). A level
/// with an odd number of nodes promotes its last one, which gives the tree of the RFC for any size.
library Rfc9162 {
    /// @dev SHA-256(0x00 ‖ entry).
    function leafHash(bytes calldata entry) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x00), entry));
    }

    /// @dev SHA-256(0x01 ‖ left ‖ right), in unreserved memory.
    function nodeHash(bytes32 left, bytes32 right) internal view returns (bytes32 node) {
        assembly ("memory-safe") {
            let input := mload(0x40)
            mstore8(input, 1)
            mstore(add(input, 1), left)
            mstore(add(input, 33), right)
            if iszero(staticcall(gas(), 2, input, 65, 0, 32)) {
                revert(0, 0)
            }
            node := mload(0)
        }
    }

    /// @dev Root of the tree over at least one leaf.
    ///
    /// Levels are computed in place, in unreserved memory. The prefix 0x01 of a pair is written
    /// over the byte before it: the last byte of the pair hashed before, which nobody reads again,
    /// or for the first pair a byte of the spare word in front of the level.
    function rootOf(bytes32[] calldata leaves) internal view returns (bytes32 root) {
        assembly ("memory-safe") {
            let level := add(mload(0x40), 32)
            let count := leaves.length
            calldatacopy(level, leaves.offset, mul(count, 32))
            let hashed := 1
            for {} gt(count, 1) {} {
                let parent := level
                let pair := level
                let pairsEnd := add(level, mul(div(count, 2), 64))
                for {} lt(pair, pairsEnd) {} {
                    mstore8(sub(pair, 1), 1)
                    hashed := and(hashed, staticcall(gas(), 2, sub(pair, 1), 65, parent, 32))
                    parent := add(parent, 32)
                    pair := add(pair, 64)
                }
                if mod(count, 2) {
                    mstore(parent, mload(pairsEnd))
                }
                count := div(add(count, 1), 2)
            }
            if iszero(hashed) {
                revert(0, 0)
            }
            root := mload(level)
        }
    }

    /// @dev Whether `leaf` stands at `index` of the tree of `size` leaves with this root: RFC 9162,
    /// section 2.1.3.2, with `index` and `last` for its fn and sn.
    function includes(
        bytes32 root,
        uint256 size,
        bytes32 leaf,
        uint256 index,
        bytes32[] calldata path
    ) internal view returns (bool) {
        if (index >= size) return false;
        uint256 last = size - 1;
        bytes32 node = leaf;
        for (uint256 i; i < path.length; ++i) {
            if (last == 0) return false;
            if (index & 1 == 1 || index == last) {
                node = nodeHash(path[i], node);
                // A promoted node has no sibling until it is a right child.
                while (index & 1 == 0 && index != 0) {
                    index >>= 1;
                    last >>= 1;
                }
            } else {
                node = nodeHash(node, path[i]);
            }
            index >>= 1;
            last >>= 1;
        }
        return last == 0 && node == root;
    }
}
