// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IMerkleLog} from "../../contracts/interfaces/IMerkleLog.sol";
import {Scopes} from "../../contracts/libraries/Scopes.sol";
import {LedgerFixture} from "./LedgerFixture.sol";
import {MerkleTree} from "./MerkleTree.sol";

/// @notice Anchoring, through the consent registry.
contract MerkleLogTest is LedgerFixture {
    function test_anchor() public {
        bytes32[] memory leaves = _leaves(5, "a");
        bytes32 root = MerkleTree.rootOf(leaves);
        vm.expectEmit(address(consents));
        emit IMerkleLog.LeavesAnchored(school.id, root, 0, leaves);
        assertEq(_anchor(leaves), root);

        IMerkleLog.Anchor memory anchor = consents.anchorOf(school.id, root);
        assertEq(anchor.anchoredAt, START);
        assertEq(anchor.size, 5);
        assertEq(anchor.firstIndex, 0);
        assertEq(consents.anchorOf(company.id, root).anchoredAt, 0);
    }

    function test_anchor_indicesHaveNoGap() public {
        _anchor(_leaves(5, "a"));
        bytes32 root = _anchor(_leaves(3, "b"));
        assertEq(consents.anchorOf(school.id, root).firstIndex, 5);
        assertEq(consents.logSize(), 8);
    }

    function test_anchor_aCopiedLeafCountsForItsCopierAlone() public {
        bytes32[] memory leaves = _leaves(1, "a");
        bytes32 root = _anchor(leaves);
        vm.warp(START + 1);
        vm.prank(company.account);
        consents.anchor(company.id, leaves);
        assertEq(consents.anchorOf(school.id, root).anchoredAt, START);
        assertEq(consents.anchorOf(company.id, root).anchoredAt, START + 1);
    }

    function test_anchor_revert_notAuthorised() public {
        (address clerk, ) = _bind(school, "clerk", Scopes.AGREE, FOREVER);
        vm.expectRevert(_notAuthorised(clerk, school.id, Scopes.ANCHOR));
        vm.prank(clerk);
        consents.anchor(school.id, new bytes32[](1));
    }

    function test_anchor_revert_batchSizeInvalid() public {
        uint256[2] memory sizes = [uint256(0), 10_001];
        for (uint256 i; i < sizes.length; ++i) {
            bytes32[] memory leaves = new bytes32[](sizes[i]);
            vm.expectRevert(
                abi.encodeWithSelector(
                    IMerkleLog.MerkleLog_BatchSizeInvalid.selector,
                    sizes[i],
                    10_000
                )
            );
            vm.prank(school.account);
            consents.anchor(school.id, leaves);
        }
    }

    function test_anchor_revert_twice() public {
        bytes32[] memory leaves = _leaves(3, "a");
        bytes32 root = _anchor(leaves);
        vm.expectRevert(
            abi.encodeWithSelector(IMerkleLog.MerkleLog_AlreadyAnchored.selector, school.id, root)
        );
        _anchor(leaves);
    }

    function test_storage_anchorsLieInSlot0_packedAsDrawn() public {
        _anchor(_leaves(5, "a"));
        bytes32 root = _anchor(_leaves(3, "b"));
        bytes32 inner = keccak256(abi.encode(school.id, 0));
        uint256 word = uint256(vm.load(address(consents), keccak256(abi.encode(root, inner))));
        assertEq(word, START | (3 << 40) | (5 << 72));
    }

    function _leaves(
        uint256 count,
        string memory name
    ) private pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](count);
        for (uint256 i; i < count; ++i) leaves[i] = keccak256(abi.encode(name, i));
    }

    function _anchor(bytes32[] memory leaves) private returns (bytes32) {
        vm.prank(school.account);
        return consents.anchor(school.id, leaves);
    }
}
