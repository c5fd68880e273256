// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {Test} from "forge-std/Test.sol";

import {Rfc9162} from "../../contracts/libraries/Rfc9162.sol";
import {MerkleTree} from "./MerkleTree.sol";

/// @notice The fast tree against the naive one.
contract Rfc9162Test is Test {
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

    function leafHash(bytes calldata entry) external pure returns (bytes32) {
        return Rfc9162.leafHash(entry);
    }

    /// @notice Values of the RFC's own tree over nothing but zero-length and known entries.
    function test_leafHash() public view {
        assertEq(
            this.leafHash(""),
            0x6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d
        );
    }

    function test_everySizeUpTo33_everyIndex() public view {
        for (uint256 size = 1; size <= 33; ++size) {
            bytes32[] memory leaves = _leaves(size, size);
            bytes32 root = MerkleTree.rootOf(leaves);
            assertEq(this.rootOf(leaves), root);
            for (uint256 index; index < size; ++index) {
                bytes32[] memory path = MerkleTree.pathOf(leaves, index);
                assertTrue(this.includes(root, size, leaves[index], index, path));
            }
        }
    }

    function testFuzz_rootAndInclusion(uint256 size, uint256 index, uint256 seed) public view {
        size = bound(size, 1, 300);
        index = bound(index, 0, size - 1);
        bytes32[] memory leaves = _leaves(size, seed);
        bytes32 root = this.rootOf(leaves);
        assertEq(root, MerkleTree.rootOf(leaves));
        bytes32[] memory path = MerkleTree.pathOf(leaves, index);
        assertTrue(this.includes(root, size, leaves[index], index, path));
        _expectDamageRefused(root, size, leaves[index], index, path);
    }

    function testFuzz_rootOf_leavesMemoryUsable(uint256 size) public view {
        size = bound(size, 1, 64);
        bytes32[] memory leaves = _leaves(size, 1);
        bytes memory before = abi.encode(leaves);
        this.rootOf(leaves);
        assertEq(abi.encode(leaves), before);
    }

    function testFuzz_includes_neverBeyondTheSize(
        bytes32 root,
        uint256 size,
        bytes32 leaf,
        uint256 index,
        bytes32[] memory path
    ) public view {
        index = bound(index, size, type(uint256).max);
        assertFalse(this.includes(root, size, leaf, index, path));
    }

    function _expectDamageRefused(
        bytes32 root,
        uint256 size,
        bytes32 leaf,
        uint256 index,
        bytes32[] memory path
    ) private view {
        assertFalse(this.includes(root, size, ~leaf, index, path));
        assertFalse(this.includes(~root, size, leaf, index, path));
        assertFalse(this.includes(root, size, leaf, size, path));
        assertFalse(this.includes(root, size, leaf, index, _resized(path, path.length + 1)));
        if (path.length == 0) return;
        assertFalse(this.includes(root, size, leaf, index, _resized(path, path.length - 1)));
        assertFalse(this.includes(root, size, leaf, (index + 1) % size, path));
        path[path.length - 1] = ~path[path.length - 1];
        assertFalse(this.includes(root, size, leaf, index, path));
    }

    function _resized(
        bytes32[] memory path,
        uint256 length
    ) private pure returns (bytes32[] memory other) {
        other = new bytes32[](length);
        for (uint256 i; i < length && i < path.length; ++i) other[i] = path[i];
    }

    function _leaves(uint256 count, uint256 seed) private pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](count);
        for (uint256 i; i < count; ++i) leaves[i] = keccak256(abi.encode(seed, i));
    }
}
