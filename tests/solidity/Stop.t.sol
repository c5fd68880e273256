// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IAgreementRegistry} from "../../contracts/interfaces/IAgreementRegistry.sol";
import {IConsentRegistry} from "../../contracts/interfaces/IConsentRegistry.sol";
import {IParticipantRegistry} from "../../contracts/interfaces/IParticipantRegistry.sol";
import {Notice} from "../../contracts/libraries/Notice.sol";
import {Scopes} from "../../contracts/libraries/Scopes.sol";
import {LedgerFixture} from "./LedgerFixture.sol";

/// @notice The stop (Data Act, article 36): who may order it and for how long, what it blocks, and
/// what nothing ever blocks.
contract StopTest is LedgerFixture {
    address private guardian = makeAddr("guardian");

    function setUp() public override {
        super.setUp();
        vm.prank(address(timelock));
        registry.appointGuardian(guardian);
    }

    // Who, and for how long

    function test_appointGuardian() public {
        assertEq(registry.guardian(), guardian);
        vm.expectEmit(address(registry));
        emit IParticipantRegistry.GuardianAppointed(stranger);
        vm.prank(address(timelock));
        registry.appointGuardian(stranger);
        vm.expectRevert(_notGuardian(guardian));
        vm.prank(guardian);
        registry.stop(1);
        vm.expectRevert(_unauthorised(guardian));
        vm.prank(guardian);
        registry.appointGuardian(guardian);
    }

    function test_stop_byGuardian_untilTheSecond() public {
        vm.expectEmit(address(registry));
        emit IParticipantRegistry.Stopped(uint40(START + 100));
        vm.prank(guardian);
        registry.stop(100);
        assertEq(registry.stoppedUntil(), START + 100);
        vm.warp(START + 99);
        vm.expectRevert(_stopped(START + 100));
        registry.requireNotStopped();
        vm.warp(START + 100);
        registry.requireNotStopped();
    }

    function test_stop_byGuardian_notLongerThan14Days() public {
        _expectTooLong(14 days + 1, 14 days);
        vm.prank(guardian);
        registry.stop(14 days);
    }

    function test_stop_byGuardian_neverOverAStopInForce() public {
        vm.startPrank(guardian);
        registry.stop(1 days);
        vm.expectRevert(_stopped(START + 1 days));
        registry.stop(2 days);
    }

    function test_stop_byGuardian_inParts_renewed90DaysAfterTheLastBegan() public {
        vm.prank(guardian);
        registry.stop(10 days);
        vm.warp(START + 20 days);
        _expectTooLong(4 days + 1, 4 days);
        vm.prank(guardian);
        registry.stop(4 days);
        vm.warp(START + 110 days - 1);
        _expectTooLong(1, 0);
        vm.warp(START + 110 days);
        vm.prank(guardian);
        registry.stop(14 days);
    }

    /// @notice Whatever a guardian tries, any 90 days hold at most 14 of its stops.
    function testFuzz_stop_byGuardian_atMost14DaysInAny90(uint256 seed) public {
        uint256[] memory starts = new uint256[](24);
        uint256[] memory ends = new uint256[](24);
        uint256 time = START;
        for (uint256 i; i < 24; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            time += seed % 40 days;
            vm.warp(time);
            uint40 duration = uint40((seed >> 128) % 14 days) + 1;
            vm.prank(guardian);
            try registry.stop(duration) {
                (starts[i], ends[i]) = (time, time + duration);
            } catch {}
        }
        // The stopped time of a window is largest for one that begins with a stop.
        for (uint256 i; i < 24; ++i) {
            uint256 stopped;
            for (uint256 j; j < 24; ++j) {
                stopped += _overlap(starts[j], ends[j], starts[i], starts[i] + 90 days);
            }
            assertLe(stopped, 14 days);
        }
    }

    function test_stop_byGovernance_withoutBound() public {
        vm.prank(guardian);
        registry.stop(14 days);
        vm.prank(address(timelock));
        registry.stop(365 days);
        assertEq(registry.stoppedUntil(), START + 365 days);
    }

    function test_stop_revert_byAnyoneElse() public {
        vm.expectRevert(_notGuardian(stranger));
        vm.prank(stranger);
        registry.stop(1);
    }

    function test_endStop() public {
        vm.prank(guardian);
        registry.stop(14 days);
        vm.expectRevert(_unauthorised(guardian));
        vm.prank(guardian);
        registry.endStop();
        vm.expectEmit(address(registry));
        emit IParticipantRegistry.StopEnded();
        vm.prank(address(timelock));
        registry.endStop();
        registry.requireNotStopped();
        // The guardian has used its days all the same.
        _expectTooLong(1, 0);
    }

    // What it blocks

    function test_stop_blocksNewBusiness() public {
        IAgreementRegistry.Terms memory terms = _terms();
        bytes32 proposed = _propose(terms);
        bytes memory signature = _signAcceptance(proposed, school.id, school.key);
        bytes32 active = _activate(_twoPartyTerms());
        _fund(company.account, 10);
        _stop();

        vm.expectRevert(_stopped(START + 14 days));
        vm.prank(school.account);
        agreements.propose(school.id, terms);
        vm.expectRevert(_stopped(START + 14 days));
        agreements.sign(termsHashOf[proposed], school.id, school.account, signature);
        vm.expectRevert(_stopped(START + 14 days));
        vm.prank(school.account);
        consents.anchor(school.id, new bytes32[](1));
        vm.expectRevert(_stopped(START + 14 days));
        vm.prank(company.account);
        settlement.deposit(active, company.id, 10);
        vm.expectRevert(_stopped(START + 14 days));
        vm.prank(address(timelock));
        token.issue(company.account, 10, "");
    }

    // What nothing blocks: a stop, a suspension of everybody, and an expired, terminated agreement

    function test_nothingBlocks_endingAConsent() public {
        (IConsentRegistry.Withdrawal memory withdrawal, address holder) = _withdrawal();
        _stop();
        _suspendAll();
        consents.withdrawBySignature(withdrawal);
        vm.prank(holder);
        consents.withdraw("other");
        vm.prank(school.account);
        consents.revoke(school.id, "other");
        vm.prank(address(timelock));
        consents.invalidate("other");
    }

    function test_nothingBlocks_endingAnAgreement() public {
        bytes32 id = _activate(_terms());
        _stop();
        _suspendAll();
        vm.startPrank(school.account);
        agreements.suspend(id, school.id, "");
        agreements.resume(id, school.id);
        agreements.terminate(id, school.id, "");
    }

    /// @notice The agreement's state alone: its payee and its consumer have suspended it.
    function test_nothingBlocks_settlingAndLeaving_suspendedAgreement() public {
        bytes32 id = _activateWithDeposit();
        vm.prank(school.account);
        agreements.suspend(id, school.id, "");
        vm.prank(company.account);
        agreements.suspend(id, company.id, "");
        _settleClaimAndLeave(id);
        assertTrue(agreements.agreementOf(id).state == IAgreementRegistry.State.Suspended);
    }

    function test_nothingBlocks_settlingAndLeaving_terminatedAgreement() public {
        bytes32 id = _activateWithDeposit();
        vm.prank(school.account);
        agreements.terminate(id, school.id, "");
        _settleClaimAndLeave(id);
    }

    function test_nothingBlocks_settlingAndLeaving_expiredAgreement() public {
        bytes32 id = _activateWithDeposit();
        vm.warp(_terms().validUntil);
        _settleClaimAndLeave(id);
    }

    function test_nothingBlocks_settlingAndLeaving_suspendedOrganisations() public {
        bytes32 id = _activateWithDeposit();
        _suspendAll();
        _settleClaimAndLeave(id);
    }

    function test_nothingBlocks_settlingAndLeaving_stop() public {
        bytes32 id = _activateWithDeposit();
        vm.prank(address(timelock));
        registry.stop(365 days);
        _settleClaimAndLeave(id);
        assertGt(registry.stoppedUntil(), block.timestamp);
    }

    /// @notice All of them at once.
    function test_nothingBlocks_settlingClaimingAndLeaving() public {
        bytes32 id = _activateWithDeposit();
        vm.startPrank(company.account);
        agreements.suspend(id, company.id, "");
        agreements.terminate(id, company.id, "");
        vm.stopPrank();
        vm.warp(_terms().validUntil + 1);
        _suspendAll();
        vm.prank(address(timelock));
        registry.stop(365 days);
        _settleClaimAndLeave(id);
    }

    function test_nothingBlocks_rotation() public {
        _stop();
        (address clerk, ) = _bind(school, "clerk", Scopes.ANCHOR, FOREVER);
        vm.prank(school.account);
        registry.retireAccount(clerk);
    }

    // Parts

    function _stop() private {
        vm.prank(guardian);
        registry.stop(14 days);
    }

    function _suspendAll() private {
        vm.startPrank(address(timelock));
        registry.suspend(school.id);
        registry.suspend(company.id);
        registry.suspend(operator.id);
        vm.stopPrank();
    }

    function _activateWithDeposit() private returns (bytes32 id) {
        id = _activate(_terms());
        _deposit(id, company, 1_000 * EURO);
    }

    function _settleClaimAndLeave(bytes32 id) private {
        _settle(_terms(), _voucher(id, 1_000), 1_000);
        uint256 balance = settlement.balanceOf(school.id);
        vm.prank(school.account);
        settlement.claim(school.id, school.account, balance);
        settlement.payOutCommission();
        uint256 left = settlement.depositOf(id, company.id);
        vm.startPrank(company.account);
        settlement.requestLeaving(id, company.id, type(uint128).max);
        vm.warp(block.timestamp + Notice.SECONDS);
        settlement.leave(id, company.id, company.account);
        token.redeem(left, "payout");
        vm.stopPrank();
        assertEq(settlement.depositOf(id, company.id), 0);
        assertGt(left, 0);
        assertGt(balance, 0);
        assertEq(token.balanceOf(school.account), balance);
    }

    function _withdrawal()
        private
        returns (IConsentRegistry.Withdrawal memory withdrawal, address holder)
    {
        uint256 key;
        (holder, key) = makeAddrAndKey("holder");
        bytes32 structHash = keccak256(
            abi.encode(keccak256("ConsentWithdrawal(bytes32 leaf)"), bytes32("leaf"))
        );
        bytes32 digest = _digest("PTX ConsentRegistry", address(consents), structHash);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        withdrawal = IConsentRegistry.Withdrawal(holder, "leaf", r, s, v);
    }

    function _expectTooLong(uint40 requested, uint40 allowed) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IParticipantRegistry.ParticipantRegistry_StopTooLong.selector,
                requested,
                allowed
            )
        );
        vm.prank(guardian);
        registry.stop(requested);
    }

    function _notGuardian(address account) private pure returns (bytes memory) {
        return
            abi.encodeWithSelector(
                IParticipantRegistry.ParticipantRegistry_NotGuardian.selector,
                account
            );
    }

    function _overlap(
        uint256 aStart,
        uint256 aEnd,
        uint256 bStart,
        uint256 bEnd
    ) private pure returns (uint256) {
        uint256 start = aStart > bStart ? aStart : bStart;
        uint256 end = aEnd < bEnd ? aEnd : bEnd;
        return end > start ? end - start : 0;
    }
}
