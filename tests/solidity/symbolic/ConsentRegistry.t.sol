// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {ConsentRegistry} from "../../../contracts/ConsentRegistry.sol";
import {IAgreementRegistry} from "../../../contracts/interfaces/IAgreementRegistry.sol";
import {IConsentRegistry} from "../../../contracts/interfaces/IConsentRegistry.sol";
import {IParticipantRegistry} from "../../../contracts/interfaces/IParticipantRegistry.sol";
import {Agreeable} from "./Agreeable.sol";
import {AnyState} from "./AnyState.sol";

/// @notice Endings: who can write where, and that the first one stays. SHA-256 and ecrecover are
/// functions without meaning to the solver: equal inputs, equal outputs.
contract ConsentRegistrySymbolic is AnyState {
    Agreeable private neighbour;
    ConsentRegistry private consents;

    function setUp() public {
        neighbour = new Agreeable();
        consents = new ConsentRegistry(
            address(neighbour),
            IParticipantRegistry(address(neighbour)),
            IAgreementRegistry(address(neighbour))
        );
    }

    function check_withdraw_onlyInTheCallersNamespace(
        address caller,
        bytes32 leaf,
        address who,
        bytes32 other
    ) external {
        vm.assume(who != caller || other != leaf);
        uint256 before = _begin(1, who, other);
        vm.prank(caller);
        consents.withdraw(leaf);
        assertEq(consents.revocations(who, other), before);
    }

    function check_withdraw_theFirstTimeStays(address caller, bytes32 leaf, uint40 time) external {
        uint256 before = _begin(time, caller, leaf);
        vm.prank(caller);
        consents.withdraw(leaf);
        assertEq(consents.revocations(caller, leaf), before == 0 ? time : before);
    }

    function check_revoke_onlyInTheIssuersNamespace(
        address issuer,
        bytes32 leaf,
        address who,
        bytes32 other
    ) external {
        vm.assume(who != issuer || other != leaf);
        uint256 before = _begin(1, who, other);
        consents.revoke(issuer, leaf);
        assertEq(consents.revocations(who, other), before);
    }

    function check_revoke_theFirstTimeStays(address issuer, bytes32 leaf, uint40 time) external {
        uint256 before = _begin(time, issuer, leaf);
        consents.revoke(issuer, leaf);
        assertEq(consents.revocations(issuer, leaf), before == 0 ? time : before);
    }

    function check_revoke_onlyForTheIssuer(address caller, address issuer, bytes32 leaf) external {
        _begin(1, issuer, leaf);
        neighbour.set(false, address(0), 0);
        vm.prank(caller);
        try consents.revoke(issuer, leaf) {
            assertTrue(false);
        } catch {}
    }

    function check_invalidate_onlyInOurNamespace(
        bytes32 leaf,
        address who,
        bytes32 other
    ) external {
        vm.assume(who != address(consents) || other != leaf);
        uint256 before = _begin(1, who, other);
        consents.invalidate(leaf);
        assertEq(consents.revocations(who, other), before);
    }

    function check_invalidate_onlyByGovernance(address caller, bytes32 leaf) external {
        _begin(1, address(consents), leaf);
        neighbour.set(false, address(0), 0);
        vm.prank(caller);
        try consents.invalidate(leaf) {
            assertTrue(false);
        } catch {}
    }

    function check_signedWithdrawal_onlyInTheHoldersNamespace(
        IConsentRegistry.Withdrawal calldata withdrawal,
        address who,
        bytes32 other
    ) external {
        vm.assume(who != withdrawal.holder || other != withdrawal.leaf);
        uint256 before = _begin(1, who, other);
        consents.withdrawBySignature(withdrawal);
        assertEq(consents.revocations(who, other), before);
    }

    /// @notice Never for nobody: a signature that recovers to zero ends nothing.
    function check_signedWithdrawal_neverForAddressZero(
        IConsentRegistry.Withdrawal calldata withdrawal
    ) external {
        vm.assume(withdrawal.holder == address(0));
        _begin(1, address(0), withdrawal.leaf);
        try consents.withdrawBySignature(withdrawal) {
            assertTrue(false);
        } catch {}
    }

    function check_signedWithdrawal_refusesTheMalleatedTwin(
        IConsentRegistry.Withdrawal calldata withdrawal
    ) external {
        vm.assume(
            uint256(withdrawal.s) >
                0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
        );
        _begin(1, withdrawal.holder, withdrawal.leaf);
        try consents.withdrawBySignature(withdrawal) {
            assertTrue(false);
        } catch {}
    }

    function check_anchor_onlyInTheIssuersNamespace(
        address issuer,
        bytes32 leaf,
        address other,
        bytes32 root
    ) external {
        _begin(1, issuer, leaf);
        vm.assume(other != issuer);
        uint40 before = consents.anchorOf(other, root).anchoredAt;
        consents.anchor(issuer, _one(leaf));
        assertEq(consents.anchorOf(other, root).anchoredAt, before);
    }

    function check_anchor_theFirstTimeStays(address issuer, bytes32 leaf, uint40 time) external {
        _begin(time, issuer, leaf);
        vm.assume(consents.anchorOf(issuer, leaf).anchoredAt != 0);
        try consents.anchor(issuer, _one(leaf)) {
            assertTrue(false);
        } catch {}
    }

    function _begin(uint40 time, address who, bytes32 leaf) private returns (uint256) {
        _anyTime(time);
        vm.assume(time != 0);
        _anyStateOf(address(consents));
        vm.assume(consents.authority() == address(neighbour));
        return consents.revocations(who, leaf);
    }

    function _one(bytes32 leaf) private pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](1);
        leaves[0] = leaf;
    }
}
