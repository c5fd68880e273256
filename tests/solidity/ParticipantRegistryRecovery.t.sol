// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IParticipantRegistry} from "../../contracts/interfaces/IParticipantRegistry.sol";
import {Notice} from "../../contracts/libraries/Notice.sol";
import {Scopes} from "../../contracts/libraries/Scopes.sol";
import {LedgerFixture} from "./LedgerFixture.sol";

/// @notice An organisation that lost every key gets one again; one that is alive cannot be seized.
contract ParticipantRegistryRecoveryTest is LedgerFixture {
    uint40 private constant DUE = uint40(START + 30 days);
    address private spare;
    bytes private proof;

    function setUp() public override {
        super.setUp();
        uint256 key;
        (spare, key) = makeAddrAndKey("spare");
        proof = _signBinding(school.id, key);
    }

    // Roles and college

    function test_classify() public {
        vm.expectEmit(address(registry));
        emit IParticipantRegistry.ParticipantClassified(school.id, 4, 3);
        vm.prank(address(timelock));
        registry.classify(school.id, 4, 3);
        IParticipantRegistry.Participant memory participant = registry.participantOf(school.id);
        assertEq(participant.roles, 4);
        assertEq(participant.college, 3);
        assertEq(participant.admittedAt, START);
        assertTrue(participant.status == IParticipantRegistry.Status.Admitted);
    }

    function test_classify_revert() public {
        vm.expectRevert(_unauthorised(school.account));
        vm.prank(school.account);
        registry.classify(school.id, 1, 1);
        vm.expectRevert(_notAdmitted(stranger));
        vm.prank(address(timelock));
        registry.classify(stranger, 1, 1);
    }

    // Recovery

    function test_recover_onceTheNoticeHasPassedToTheSecond() public {
        vm.expectEmit(address(registry));
        emit IParticipantRegistry.RecoveryAnnounced(school.id, spare, DUE);
        _announce();
        assertEq(registry.recoveryOf(school.id).account, spare);
        assertEq(registry.recoveryOf(school.id).executableAt, DUE);
        assertEq(DUE, START + Notice.SECONDS);

        vm.warp(DUE - 1);
        vm.expectRevert(_notDue(DUE));
        registry.recover(school.id);
        assertFalse(registry.speaksFor(spare, school.id, Scopes.MANAGE));

        vm.warp(DUE);
        vm.expectEmit(address(registry));
        emit IParticipantRegistry.AccountBound(school.id, spare, Scopes.ALL, FOREVER);
        vm.prank(stranger);
        registry.recover(school.id);
        registry.authorise(spare, school.id, Scopes.MANAGE);
        registry.authorise(spare, school.id, Scopes.CLAIM);
        assertEq(registry.recoveryOf(school.id).account, address(0));
    }

    /// @notice Nothing is locked for good: the balance of an organisation without keys is claimed.
    function test_recover_andClaimTheBalance() public {
        bytes32 id = _activate(_terms());
        _deposit(id, company, 1_000 * EURO);
        _settle(_terms(), _voucher(id, 1_000), 1_000);
        vm.prank(school.account);
        registry.retireAccount(school.account);
        _announce();
        vm.warp(DUE);
        registry.recover(school.id);
        uint256 balance = settlement.balanceOf(school.id);
        vm.prank(spare);
        settlement.claim(school.id, spare, balance);
        assertEq(token.balanceOf(spare), balance);
        assertGt(balance, 0);
    }

    function test_cancelRecovery_byAManagerWhoIsStillThere() public {
        _announce();
        vm.warp(DUE + 1 days);
        vm.expectEmit(address(registry));
        emit IParticipantRegistry.RecoveryCancelled(school.id, spare);
        vm.prank(school.account);
        registry.cancelRecovery(school.id);
        vm.expectRevert(_noRecovery());
        registry.recover(school.id);
    }

    function test_cancelRecovery_byGovernance() public {
        _announce();
        vm.prank(address(timelock));
        registry.cancelRecovery(school.id);
        assertEq(registry.recoveryOf(school.id).executableAt, 0);
    }

    function test_cancelRecovery_revert() public {
        _announce();
        (address clerk, ) = _bind(school, "clerk", Scopes.ALL & ~Scopes.MANAGE, FOREVER);
        address[3] memory others = [clerk, company.account, spare];
        for (uint256 i; i < others.length; ++i) {
            vm.expectRevert(_notAuthorised(others[i], school.id, Scopes.MANAGE));
            vm.prank(others[i]);
            registry.cancelRecovery(school.id);
        }
        vm.startPrank(school.account);
        registry.cancelRecovery(school.id);
        vm.expectRevert(_noRecovery());
        registry.cancelRecovery(school.id);
    }

    function test_announceRecovery_againStartsTheNoticeAnew() public {
        _announce();
        vm.warp(START + 29 days);
        _announce();
        assertEq(registry.recoveryOf(school.id).executableAt, START + 59 days);
        vm.warp(DUE);
        vm.expectRevert(_notDue(START + 59 days));
        registry.recover(school.id);
    }

    function test_announceRecovery_revert() public {
        vm.expectRevert(_unauthorised(school.account));
        vm.prank(school.account);
        registry.announceRecovery(school.id, spare, proof);
        vm.startPrank(address(timelock));
        vm.expectRevert(_notAdmitted(stranger));
        registry.announceRecovery(stranger, spare, proof);
        vm.expectRevert(
            abi.encodeWithSelector(
                IParticipantRegistry.ParticipantRegistry_PossessionNotProven.selector,
                stranger
            )
        );
        registry.announceRecovery(school.id, stranger, proof);
        vm.expectRevert(_taken());
        registry.announceRecovery(school.id, company.account, proof);
    }

    /// @notice An account that another organisation has bound meanwhile stays there.
    function test_recover_revert_accountTakenMeanwhile() public {
        _announce();
        (, uint256 key) = makeAddrAndKey("spare");
        bytes memory signature = _signBinding(company.id, key);
        vm.prank(company.account);
        registry.bindAccount(company.id, spare, Scopes.AGREE, FOREVER, signature);
        vm.warp(DUE);
        vm.expectRevert(
            abi.encodeWithSelector(
                IParticipantRegistry.ParticipantRegistry_AccountTaken.selector,
                spare,
                company.id
            )
        );
        registry.recover(school.id);
    }

    function _announce() private {
        vm.prank(address(timelock));
        registry.announceRecovery(school.id, spare, proof);
    }

    function _notDue(uint256 executableAt) private view returns (bytes memory) {
        return
            abi.encodeWithSelector(
                IParticipantRegistry.ParticipantRegistry_RecoveryNotDue.selector,
                executableAt,
                block.timestamp
            );
    }

    function _noRecovery() private view returns (bytes memory) {
        return
            abi.encodeWithSelector(
                IParticipantRegistry.ParticipantRegistry_NoRecovery.selector,
                school.id
            );
    }

    function _notAdmitted(address organisation) private pure returns (bytes memory) {
        return
            abi.encodeWithSelector(
                IParticipantRegistry.ParticipantRegistry_NotAdmitted.selector,
                organisation
            );
    }

    function _taken() private view returns (bytes memory) {
        return
            abi.encodeWithSelector(
                IParticipantRegistry.ParticipantRegistry_AccountTaken.selector,
                company.account,
                company.id
            );
    }
}
