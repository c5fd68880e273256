// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IConsentRegistry} from "../../../contracts/interfaces/IConsentRegistry.sol";
import {IMerkleLog} from "../../../contracts/interfaces/IMerkleLog.sol";
import {MerkleTree} from "../MerkleTree.sol";
import {AttackFixture} from "./AttackFixture.sol";

/// @notice Leaves that are not what they seem, and proofs of leaves that were never anchored.
contract TreeAttacksTest is AttackFixture {
    /// @notice An entry made of two hashes would have an inner node for its leaf, were leaves and
    /// nodes hashed alike.
    function test_attack_secondPreimage_aNodeIsNoLeaf() public {
        bytes32[] memory leaves = _leaves(2, "batch");
        bytes32 root = _anchor(school, leaves);
        bytes memory pair = abi.encodePacked(leaves[0], leaves[1]);
        assertNotEq(_leafOf(pair), root);
        assertEq(sha256(abi.encodePacked(hex"01", pair)), root);
        vm.expectRevert(
            abi.encodeWithSelector(
                IConsentRegistry.ConsentRegistry_EntryLengthInvalid.selector,
                64,
                123
            )
        );
        consents.isActive(pair, IMerkleLog.InclusionProof(root, 0, new bytes32[](0)));
    }

    /// @notice An inner node, anchored alone, has the root of the batch below it. That batch is
    /// then refused rather than half known, and goes through in another order.
    function test_attack_rootAnchoredAsALeafFirst_provesNothingAndBlocksNothing() public {
        bytes memory entry = _entry(school.id);
        bytes32[] memory leaves = _leaves(2, "batch");
        leaves[0] = _leafOf(entry);
        bytes32 root = MerkleTree.rootOf(leaves);
        assertEq(_anchor(school, _one(root)), root);
        IMerkleLog.InclusionProof memory proof = IMerkleLog.InclusionProof(
            root,
            0,
            MerkleTree.pathOf(leaves, 0)
        );
        assertFalse(consents.isActive(entry, proof));
        vm.expectRevert(
            abi.encodeWithSelector(IMerkleLog.MerkleLog_AlreadyAnchored.selector, school.id, root)
        );
        _anchor(school, leaves);

        (leaves[0], leaves[1]) = (leaves[1], leaves[0]);
        proof.root = _anchor(school, leaves);
        proof.index = 1;
        assertTrue(consents.isActive(entry, proof));
    }

    /// @notice Of a leaf that stands twice one ending ends both.
    function test_attack_duplicateLeaf_isEndedOnce() public {
        bytes memory entry = _entry(school.id);
        bytes32[] memory leaves = _leaves(4, "batch");
        (leaves[1], leaves[2]) = (_leafOf(entry), _leafOf(entry));
        IMerkleLog.InclusionProof[2] memory proofs;
        bytes32 root = _anchor(school, leaves);
        for (uint256 i; i < 2; ++i) {
            proofs[i] = IMerkleLog.InclusionProof(root, i + 1, MerkleTree.pathOf(leaves, i + 1));
            assertTrue(consents.isActive(entry, proofs[i]));
        }
        consents.withdrawBySignature(_withdrawal(holderKey, _leafOf(entry)));
        for (uint256 i; i < 2; ++i) assertFalse(consents.isActive(entry, proofs[i]));
        // Nor does anchoring it anew bring it back.
        root = _anchor(school, _one(_leafOf(entry)));
        assertFalse(consents.isActive(entry, IMerkleLog.InclusionProof(root, 0, new bytes32[](0))));
    }

    /// @notice A last node without a sibling is promoted, not doubled (CVE-2012-2459): a batch that
    /// repeats its last leaf has another root.
    function test_attack_oddNodeRepeated_isAnotherTree() public {
        for (uint256 size = 1; size < 12; size += 2) {
            bytes32[] memory leaves = _leaves(size, "odd");
            bytes32[] memory repeated = new bytes32[](size + 1);
            for (uint256 i; i < size; ++i) repeated[i] = leaves[i];
            repeated[size] = leaves[size - 1];
            assertNotEq(_anchor(school, leaves), _anchor(school, repeated));
        }
    }

    function test_attack_emptyTree_isNeverAnchored() public {
        vm.expectRevert(
            abi.encodeWithSelector(IMerkleLog.MerkleLog_BatchSizeInvalid.selector, 0, 10_000)
        );
        _anchor(school, new bytes32[](0));
        // Nor is a root of nothing known: an unknown batch has size 0, and no index below it.
        bytes memory entry = _entry(school.id);
        bytes32[3] memory roots = [bytes32(0), sha256(""), _leafOf(entry)];
        for (uint256 i; i < roots.length; ++i) {
            assertFalse(
                consents.isActive(entry, IMerkleLog.InclusionProof(roots[i], 0, new bytes32[](0)))
            );
        }
    }

    /// @notice A proof made for a tree of another size, from leaf to the anchored root or not.
    function test_attack_proofForAnotherSize_isRefused() public {
        bytes memory entry = _entry(school.id);
        bytes32[] memory leaves = _leaves(7, "batch");
        leaves[6] = _leafOf(entry);
        bytes32 root = _anchor(school, leaves);
        bytes32[] memory path = MerkleTree.pathOf(leaves, 6);
        assertTrue(consents.isActive(entry, IMerkleLog.InclusionProof(root, 6, path)));
        // The last leaf of 7 is promoted once, so its path fits other indices of other sizes.
        for (uint256 index; index < 16; ++index) {
            if (index == 6) continue;
            assertFalse(consents.isActive(entry, IMerkleLog.InclusionProof(root, index, path)));
        }
        bytes32[] memory eight = new bytes32[](8);
        for (uint256 i; i < 7; ++i) eight[i] = leaves[i];
        assertFalse(
            consents.isActive(
                entry,
                IMerkleLog.InclusionProof(root, 6, MerkleTree.pathOf(eight, 6))
            )
        );
    }

    function test_attack_proofTooLong_isRefused() public {
        bytes memory entry = _entry(school.id);
        bytes32 root = _anchor(school, _one(_leafOf(entry)));
        uint256[4] memory lengths = [uint256(1), 2, 256, 10_000];
        for (uint256 i; i < lengths.length; ++i) {
            IMerkleLog.InclusionProof memory proof = IMerkleLog.InclusionProof(
                root,
                0,
                new bytes32[](lengths[i])
            );
            assertFalse(consents.isActive(entry, proof));
            proof.index = type(uint256).max;
            assertFalse(consents.isActive(entry, proof));
        }
    }

    /// @notice Whoever sees a batch on its way and anchors a copy first takes nothing from it.
    function test_attack_copiedLeafAnchoredFirst_countsForItsIssuerAllTheSame() public {
        bytes memory entry = _entry(school.id);
        bytes32[] memory leaves = _one(_leafOf(entry));
        bytes32 root = _anchor(company, leaves);
        IMerkleLog.InclusionProof memory proof = IMerkleLog.InclusionProof(
            root,
            0,
            new bytes32[](0)
        );
        assertFalse(consents.isActive(entry, proof));
        _anchor(school, leaves);
        assertTrue(consents.isActive(entry, proof));
        // The copier ends its copy, which is nobody's consent.
        vm.prank(company.account);
        consents.revoke(company.id, leaves[0]);
        assertTrue(consents.isActive(entry, proof));
    }

    /// @notice Ending a leaf before it is anchored is a withdrawal made in advance, not a way to
    /// anchor over it.
    function test_attack_leafAnchoredAfterItsWithdrawal_isEndedFromTheStart() public {
        bytes memory entry = _entry(school.id);
        consents.withdrawBySignature(_withdrawal(holderKey, _leafOf(entry)));
        bytes32 root = _anchor(school, _one(_leafOf(entry)));
        assertFalse(consents.isActive(entry, IMerkleLog.InclusionProof(root, 0, new bytes32[](0))));
    }
}
