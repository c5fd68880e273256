// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {Entries} from "../../../contracts/libraries/Entries.sol";
import {Rfc9162} from "../../../contracts/libraries/Rfc9162.sol";
import {MerkleTree} from "../MerkleTree.sol";
import {AnyState} from "./AnyState.sol";

/// @notice Trees of up to five leaves against the naive one, whatever the leaves; and the bytes
/// behind a leaf. That no *other* leaf has a proof rests on SHA-256 and is held by fuzzing.
/// @custom:halmos --loop 10
contract Rfc9162Symbolic is AnyState {
    function rootOf(bytes32[] calldata leaves) external view returns (bytes32) {
        return Rfc9162.rootOf(leaves);
    }

    function includes(
        bytes32 root,
        uint256 size,
        bytes32 leaf,
        uint256 index,
        bytes32[] calldata path
    ) external view returns (bool) {
        return Rfc9162.includes(root, size, leaf, index, path);
    }

    function decode(bytes calldata entry) external pure returns (Entries.Entry memory) {
        return Entries.decode(entry);
    }

    function check_treeOfOne(bytes32[1] calldata leaves) external view {
        bytes32[] memory all = new bytes32[](1);
        all[0] = leaves[0];
        _checkTree(all);
    }

    function check_treeOfTwo(bytes32[2] calldata leaves) external view {
        bytes32[] memory all = new bytes32[](2);
        for (uint256 i; i < 2; ++i) all[i] = leaves[i];
        _checkTree(all);
    }

    function check_treeOfThree(bytes32[3] calldata leaves) external view {
        bytes32[] memory all = new bytes32[](3);
        for (uint256 i; i < 3; ++i) all[i] = leaves[i];
        _checkTree(all);
    }

    function check_treeOfFour(bytes32[4] calldata leaves) external view {
        bytes32[] memory all = new bytes32[](4);
        for (uint256 i; i < 4; ++i) all[i] = leaves[i];
        _checkTree(all);
    }

    function check_treeOfFive(bytes32[5] calldata leaves) external view {
        bytes32[] memory all = new bytes32[](5);
        for (uint256 i; i < 5; ++i) all[i] = leaves[i];
        _checkTree(all);
    }

    function check_includes_neverBeyondTheSize(
        bytes32 root,
        uint256 size,
        bytes32 leaf,
        uint256 index,
        bytes32[3] calldata nodes
    ) external view {
        vm.assume(index >= size);
        for (uint256 length; length <= 3; ++length) {
            assertFalse(this.includes(root, size, leaf, index, _path(nodes, length)));
        }
    }

    /// @notice A path that is too long or too short for its place proves nothing.
    function check_includes_onlyPathsOfTheRightLength(
        bytes32 root,
        bytes32 leaf,
        bytes32[3] calldata nodes
    ) external view {
        for (uint256 size = 1; size <= 4; ++size) {
            for (uint256 index; index < size; ++index) {
                uint256 right = MerkleTree.pathOf(new bytes32[](size), index).length;
                for (uint256 length; length <= 3; ++length) {
                    if (length == right) continue;
                    assertFalse(this.includes(root, size, leaf, index, _path(nodes, length)));
                }
            }
        }
    }

    function check_decode_readsWhatWasWritten(
        Entries.Entry calldata entry,
        bytes32 commitment,
        uint8 parity
    ) external view {
        bytes memory packed = abi.encodePacked(
            entry.entryType,
            entry.version,
            entry.agreementId,
            entry.issuer,
            entry.holder,
            entry.validFrom,
            entry.validUntil,
            parity,
            commitment
        );
        assertEq(packed.length, Entries.LENGTH);
        Entries.Entry memory read = this.decode(packed);
        assertEq(read.entryType, entry.entryType);
        assertEq(read.version, entry.version);
        assertEq(read.agreementId, entry.agreementId);
        assertEq(read.issuer, entry.issuer);
        assertEq(read.holder, entry.holder);
        assertEq(read.validFrom, entry.validFrom);
        assertEq(read.validUntil, entry.validUntil);
    }

    function _checkTree(bytes32[] memory leaves) private view {
        bytes32 root = MerkleTree.rootOf(leaves);
        assertEq(this.rootOf(leaves), root);
        for (uint256 index; index < leaves.length; ++index) {
            bytes32[] memory path = MerkleTree.pathOf(leaves, index);
            assertTrue(this.includes(root, leaves.length, leaves[index], index, path));
        }
    }

    function _path(
        bytes32[3] calldata nodes,
        uint256 length
    ) private pure returns (bytes32[] memory path) {
        path = new bytes32[](length);
        for (uint256 i; i < length; ++i) path[i] = nodes[i];
    }
}
