// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";

import {IAgreementRegistry} from "../../../contracts/interfaces/IAgreementRegistry.sol";
import {IConsentRegistry} from "../../../contracts/interfaces/IConsentRegistry.sol";
import {IMerkleLog} from "../../../contracts/interfaces/IMerkleLog.sol";
import {IParticipantRegistry} from "../../../contracts/interfaces/IParticipantRegistry.sol";
import {Scopes} from "../../../contracts/libraries/Scopes.sol";
import {AttackFixture} from "./AttackFixture.sol";

/// @notice Those who have a power, and what lies beyond it. Nobody else reaches an act of
/// governance: Governance.t.sol.
contract PowerAttacksTest is AttackFixture {
    bytes private entry;
    bytes32 private leaf;
    IMerkleLog.InclusionProof private proof;

    function setUp() public override {
        super.setUp();
        entry = _entry(school.id);
        leaf = _leafOf(entry);
        proof.root = _anchor(school, _one(leaf));
    }

    // Consents

    /// @notice Whatever the timelock does but `invalidate`, the consent stands.
    function test_attack_governanceEndsAConsentOtherwise_itStands() public {
        vm.startPrank(address(timelock));
        consents.withdraw(leaf); // in the timelock's own namespace, which nobody asks
        bytes[] memory calls = new bytes[](1);
        calls[0] = abi.encodeCall(consents.withdraw, (leaf));
        consents.multicall(calls);
        manager.execute(address(consents), calls[0]);
        vm.expectRevert(_notIssuer(address(timelock)));
        consents.revoke(school.id, leaf);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAgreementRegistry.AgreementRegistry_NotParty.selector,
                id,
                address(timelock)
            )
        );
        agreements.terminate(id, address(timelock), "");
        vm.expectRevert(
            abi.encodeWithSelector(
                IAgreementRegistry.AgreementRegistry_NotAuthorised.selector,
                address(timelock),
                school.id
            )
        );
        agreements.terminate(id, school.id, "");
        registry.suspend(school.id);
        registry.classify(school.id, 0, 0);
        registry.stop(365 days);
        vm.stopPrank();
        assertTrue(consents.isActive(entry, proof));

        vm.prank(address(timelock));
        consents.invalidate(leaf);
        assertFalse(consents.isActive(entry, proof));
    }

    /// @notice Nobody who has a power somewhere ends a consent: guardian, proposer, manager, the
    /// contracts themselves.
    function test_attack_anyOtherPowerEndsAConsent_itStands() public {
        vm.prank(address(timelock));
        registry.appointGuardian(stranger);
        address[7] memory others = [
            stranger,
            proposer,
            operator.account,
            company.account,
            address(manager),
            address(registry),
            address(agreements)
        ];
        for (uint256 i; i < others.length; ++i) {
            vm.startPrank(others[i]);
            consents.withdraw(leaf);
            vm.expectRevert(_notIssuer(others[i]));
            consents.revoke(school.id, leaf);
            vm.expectRevert(_unauthorised(others[i]));
            consents.invalidate(leaf);
            vm.stopPrank();
        }
        assertTrue(consents.isActive(entry, proof));
    }

    /// @notice What has ended stays ended, at its first second, whoever tries what.
    function test_attack_anyoneRevivesAConsent_itStaysEnded() public {
        consents.withdrawBySignature(_withdrawal(holderKey, leaf));
        vm.warp(START + 1);
        vm.startPrank(address(timelock));
        consents.invalidate(leaf);
        registry.suspend(school.id);
        registry.reinstate(school.id);
        manager.updateAuthority(address(consents), address(new AccessManager(stranger)));
        vm.stopPrank();
        vm.prank(stranger); // whoever takes over governance, too
        consents.invalidate(leaf);
        _anchor(school, _twice());
        vm.startPrank(school.account);
        consents.revoke(school.id, leaf);
        agreements.suspend(id, school.id, "");
        agreements.resume(id, school.id);
        vm.stopPrank();
        vm.prank(holder);
        consents.withdraw(leaf);
        assertEq(consents.revocations(holder, leaf), START);
        assertFalse(consents.isActive(entry, proof));
    }

    // Operators

    function test_attack_removedOperatorStillAnchors_isRefused() public {
        vm.prank(school.account);
        registry.delegate(school.id, operator.id, Scopes.DELEGABLE, uint40(START + 10));
        bytes32[] memory leaves = _one("other");
        uint256 before = vm.snapshotState();
        // Removed by the school …
        vm.prank(school.account);
        registry.delegate(school.id, operator.id, 0, 0);
        _expectAnchorRefused(leaves, _notAuthorised(operator.account, school.id, Scopes.ANCHOR));
        // … by time …
        vm.revertToState(before);
        vm.warp(START + 10);
        _expectAnchorRefused(leaves, _notAuthorised(operator.account, school.id, Scopes.ANCHOR));
        // … by retiring its key …
        vm.revertToState(before);
        vm.prank(operator.account);
        registry.retireAccount(operator.account);
        _expectAnchorRefused(leaves, _notAuthorised(operator.account, school.id, Scopes.ANCHOR));
        // … and by governance.
        vm.revertToState(before);
        vm.prank(address(timelock));
        registry.suspend(operator.id);
        _expectAnchorRefused(
            leaves,
            abi.encodeWithSelector(
                IParticipantRegistry.ParticipantRegistry_OrganisationSuspended.selector,
                operator.id
            )
        );
        vm.revertToState(before);
        vm.prank(operator.account);
        consents.anchor(school.id, leaves);
    }

    /// @notice An operator whose delegation has ended revokes nothing either.
    function test_attack_removedOperatorStillRevokes_isRefused() public {
        vm.startPrank(school.account);
        registry.delegate(school.id, operator.id, Scopes.ANCHOR, FOREVER);
        registry.delegate(school.id, operator.id, 0, 0);
        vm.stopPrank();
        vm.expectRevert(_notIssuer(operator.account));
        vm.prank(operator.account);
        consents.revoke(school.id, leaf);
    }

    // The timelock

    function test_attack_proposerActsWithoutTheTimelock_isRefused() public {
        vm.startPrank(proposer);
        vm.expectRevert(_unauthorised(proposer));
        consents.invalidate(leaf);
        vm.expectRevert(_unauthorised(proposer));
        token.issue(school.account, 1, "");
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessManager.AccessManagerUnauthorizedCall.selector,
                proposer,
                address(consents),
                consents.invalidate.selector
            )
        );
        manager.execute(address(consents), abi.encodeCall(consents.invalidate, (leaf)));
        bytes memory noAdmin = abi.encodeWithSelector(
            IAccessManager.AccessManagerUnauthorizedAccount.selector,
            proposer,
            manager.ADMIN_ROLE()
        );
        vm.expectRevert(noAdmin);
        manager.grantRole(0, proposer, 0);
        vm.expectRevert(noAdmin);
        manager.updateAuthority(address(consents), proposer);
    }

    function test_attack_proposerShortensTheDelay_isRefused() public {
        bytes memory act = abi.encodeCall(consents.invalidate, (leaf));
        vm.startPrank(proposer);
        for (uint256 delay; delay < 2 days; delay += 1 days) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    TimelockController.TimelockInsufficientDelay.selector,
                    delay,
                    2 days
                )
            );
            timelock.schedule(address(consents), 0, act, 0, 0, delay);
        }
        vm.expectRevert(
            abi.encodeWithSelector(TimelockController.TimelockUnauthorizedCaller.selector, proposer)
        );
        timelock.updateDelay(0);
        // Not even in one batch with the act that the shorter delay would serve.
        address[] memory targets = new address[](2);
        (targets[0], targets[1]) = (address(timelock), address(consents));
        bytes[] memory acts = new bytes[](2);
        (acts[0], acts[1]) = (abi.encodeCall(timelock.updateDelay, (0)), act);
        timelock.scheduleBatch(targets, new uint256[](2), acts, 0, 0, 2 days);
        vm.warp(START + 2 days - 1);
        vm.expectPartialRevert(TimelockController.TimelockUnexpectedOperationState.selector);
        timelock.executeBatch(targets, new uint256[](2), acts, 0, 0);
    }

    /// @notice A guardian stops new business and nothing more, and never past its days.
    function test_attack_guardianStopsForGood_isRefused() public {
        vm.prank(address(timelock));
        registry.appointGuardian(stranger);
        vm.startPrank(stranger);
        registry.stop(14 days);
        for (uint256 day = 14; day < 90; day += 19) {
            vm.warp(START + day * 1 days);
            vm.expectRevert(
                abi.encodeWithSelector(
                    IParticipantRegistry.ParticipantRegistry_StopTooLong.selector,
                    1,
                    0
                )
            );
            registry.stop(1);
        }
        vm.expectRevert(_unauthorised(stranger));
        registry.suspend(school.id);
    }

    // Parts

    /// @dev The same leaf in a batch with another root.
    function _twice() private view returns (bytes32[] memory leaves) {
        leaves = new bytes32[](2);
        (leaves[0], leaves[1]) = (leaf, leaf);
    }

    function _expectAnchorRefused(bytes32[] memory leaves, bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(operator.account);
        consents.anchor(school.id, leaves);
    }

    function _notIssuer(address account) private view returns (bytes memory) {
        return
            abi.encodeWithSelector(
                IConsentRegistry.ConsentRegistry_NotIssuer.selector,
                account,
                school.id
            );
    }
}
