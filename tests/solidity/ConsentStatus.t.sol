// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IAgreementRegistry} from "../../contracts/interfaces/IAgreementRegistry.sol";
import {IConsentRegistry} from "../../contracts/interfaces/IConsentRegistry.sol";
import {IMerkleLog} from "../../contracts/interfaces/IMerkleLog.sol";
import {LedgerFixture} from "./LedgerFixture.sol";
import {MerkleTree} from "./MerkleTree.sol";

/// @notice Each condition of `isActive`, one at a time.
contract ConsentStatusTest is LedgerFixture {
    struct Consent {
        uint8 entryType;
        uint8 version;
        bytes32 agreementId;
        address issuer;
        address holder;
        uint64 validFrom;
        uint64 validUntil;
    }

    bytes32 private agreementId;
    Consent private consent;
    address private holder = makeAddr("holder");

    function setUp() public override {
        super.setUp();
        agreementId = _activate(_twoPartyTerms());
        consent = Consent(
            1,
            1,
            agreementId,
            school.id,
            holder,
            uint64(START),
            uint64(START + 1 days)
        );
    }

    function test_active() public {
        _anchorAndExpect(true);
    }

    function test_inactive_otherTypeOrVersion() public {
        consent.entryType = 2;
        _anchorAndExpect(false);
        consent.entryType = 1;
        consent.version = 2;
        _anchorAndExpect(false);
    }

    function test_activeOnlyWithinItsValidity() public {
        consent.validFrom = uint64(START + 10);
        (bytes memory entry, IMerkleLog.InclusionProof memory proof) = _anchored();
        assertFalse(consents.isActive(entry, proof));
        vm.warp(START + 10);
        assertTrue(consents.isActive(entry, proof));
        vm.warp(START + 1 days - 1);
        assertTrue(consents.isActive(entry, proof));
        vm.warp(START + 1 days);
        assertFalse(consents.isActive(entry, proof));
    }

    function test_inactive_notAnchored() public view {
        bytes memory entry = _entry();
        bytes32 leaf = sha256(abi.encodePacked(hex"00", entry));
        IMerkleLog.InclusionProof memory proof;
        assertFalse(consents.isActive(entry, proof));
        proof.root = leaf;
        assertFalse(consents.isActive(entry, proof));
    }

    function test_inactive_anchoredByAnotherOnly() public {
        bytes memory entry = _entry();
        bytes32[] memory leaves = new bytes32[](1);
        leaves[0] = sha256(abi.encodePacked(hex"00", entry));
        vm.prank(company.account);
        consents.anchor(company.id, leaves);
        assertFalse(
            consents.isActive(entry, IMerkleLog.InclusionProof(leaves[0], 0, new bytes32[](0)))
        );
    }

    function test_inactive_wrongProof() public {
        (bytes memory entry, IMerkleLog.InclusionProof memory proof) = _anchored();
        proof.index = 4;
        assertFalse(consents.isActive(entry, proof));
        proof.index = 3;
        proof.path[0] = keccak256("x");
        assertFalse(consents.isActive(entry, proof));
    }

    /// @notice An inner node anchored as a leaf would make leaves below it provable, were the proof
    /// not held to the anchored size.
    function test_inactive_leafHiddenBelowAnAnchoredNode() public {
        bytes memory entry = _entry();
        bytes32 hidden = sha256(abi.encodePacked(hex"00", entry));
        bytes32 sibling = keccak256("sibling");
        bytes32[] memory leaves = new bytes32[](2);
        leaves[0] = sha256(abi.encodePacked(hex"01", hidden, sibling));
        leaves[1] = keccak256("other");
        vm.prank(school.account);
        bytes32 root = consents.anchor(school.id, leaves);
        bytes32[] memory path = new bytes32[](2);
        (path[0], path[1]) = (sibling, leaves[1]);
        for (uint256 index; index < 4; ++index) {
            assertFalse(consents.isActive(entry, IMerkleLog.InclusionProof(root, index, path)));
        }
    }

    function test_inactive_endedByEachOfTheThree() public {
        (bytes memory entry, IMerkleLog.InclusionProof memory proof) = _anchored();
        bytes32 leaf = sha256(abi.encodePacked(hex"00", entry));
        // Anyone else's ending, in their own namespace, is harmless.
        vm.prank(stranger);
        consents.withdraw(leaf);
        vm.prank(company.account);
        consents.revoke(company.id, leaf);
        assertTrue(consents.isActive(entry, proof));

        uint256 before = vm.snapshotState();
        vm.prank(holder);
        consents.withdraw(leaf);
        assertFalse(consents.isActive(entry, proof));
        vm.revertToState(before);
        vm.prank(school.account);
        consents.revoke(school.id, leaf);
        assertFalse(consents.isActive(entry, proof));
        vm.revertToState(before);
        vm.prank(address(timelock));
        consents.invalidate(leaf);
        assertFalse(consents.isActive(entry, proof));
    }

    function test_inactive_agreement() public {
        (bytes memory entry, IMerkleLog.InclusionProof memory proof) = _anchored();
        vm.startPrank(company.account);
        agreements.suspend(agreementId, company.id, "");
        assertFalse(consents.isActive(entry, proof));
        agreements.resume(agreementId, company.id);
        assertTrue(consents.isActive(entry, proof));
        agreements.terminate(agreementId, company.id, "");
        assertFalse(consents.isActive(entry, proof));
    }

    function test_inactive_issuerNoPartyOfTheAgreement() public {
        IAgreementRegistry.Terms memory terms = _twoPartyTerms();
        terms.parties = _sorted(company.id, operator.id);
        terms.lines[0].payee = operator.id;
        bytes32 id = _proposeBy(company.account, company.id, terms);
        _signAgreement(id, company);
        _signAgreement(id, operator);
        consent.agreementId = id;
        _anchorAndExpect(false);
    }

    function test_active_thoughTheIssuerIsSuspended() public {
        (bytes memory entry, IMerkleLog.InclusionProof memory proof) = _anchored();
        vm.prank(address(timelock));
        registry.suspend(school.id);
        assertTrue(consents.isActive(entry, proof));
    }

    function test_revert_entryLengthInvalid() public {
        IMerkleLog.InclusionProof memory proof;
        uint256[3] memory lengths = [uint256(0), 122, 124];
        for (uint256 i; i < lengths.length; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    IConsentRegistry.ConsentRegistry_EntryLengthInvalid.selector,
                    lengths[i],
                    123
                )
            );
            consents.isActive(new bytes(lengths[i]), proof);
        }
    }

    // Parts

    function _entry() private view returns (bytes memory) {
        return
            abi.encodePacked(
                consent.entryType,
                consent.version,
                consent.agreementId,
                consent.issuer,
                consent.holder,
                consent.validFrom,
                consent.validUntil,
                bytes1(0x02),
                keccak256("commitment")
            );
    }

    /// @dev The fourth leaf of seven.
    function _anchored()
        private
        returns (bytes memory entry, IMerkleLog.InclusionProof memory proof)
    {
        entry = _entry();
        bytes32[] memory leaves = new bytes32[](7);
        for (uint256 i; i < 7; ++i) leaves[i] = keccak256(abi.encode(i));
        leaves[3] = sha256(abi.encodePacked(hex"00", entry));
        vm.prank(school.account);
        proof.root = consents.anchor(school.id, leaves);
        proof.index = 3;
        proof.path = MerkleTree.pathOf(leaves, 3);
    }

    function _anchorAndExpect(bool expected) private {
        (bytes memory entry, IMerkleLog.InclusionProof memory proof) = _anchored();
        assertEq(consents.isActive(entry, proof), expected);
    }
}
