// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IAgreementRegistry} from "../../../contracts/interfaces/IAgreementRegistry.sol";
import {ICommissionPolicy} from "../../../contracts/interfaces/ICommissionPolicy.sol";
import {IUsageSettlement} from "../../../contracts/interfaces/IUsageSettlement.sol";
import {AttackFixture} from "./AttackFixture.sol";

/// @notice Votes that would change what was signed: every one goes the timelock's whole way.
contract RateAttacksTest is AttackFixture {
    function test_attack_rateVotedAfterTheVoucherWasSigned_changesNothing() public {
        IUsageSettlement.Voucher memory voucher = _voucher(id, 1_000);
        bytes memory signature = _signed(voucher);
        uint256 before = vm.snapshotState();
        settlement.settle(_agreed(), voucher, 1_000, company.account, signature);
        bytes memory asSigned = _money();
        vm.revertToState(before);

        bytes memory thisMonth = abi.encodeCall(policy.setRate, (CATALOGUE, PERIOD, 1_000));
        bytes memory later = abi.encodeCall(policy.setRate, (CATALOGUE, PERIOD + 2, 1_000));
        _schedule(thisMonth);
        _schedule(later);
        vm.warp(START + 2 days);
        _expectNoticeTooShort(PERIOD, START + 32 days);
        timelock.execute(address(policy), 0, thisMonth, 0, 0);
        timelock.execute(address(policy), 0, later, 0, 0);
        vm.warp(START + 90 days); // the new rate holds by now
        settlement.settle(_agreed(), voucher, 1_000, company.account, signature);
        assertEq(_money(), asSigned);
        assertEq(policy.rateOf(CATALOGUE, PERIOD + 2), 1_000);
    }

    /// @notice A vote that passed in time and is kept back until the month is near.
    function test_attack_rateVotedInTimeAndExecutedLate_isRefused() public {
        uint256 secondMonth = START + 62 days;
        bytes memory act = abi.encodeCall(policy.setRate, (CATALOGUE, PERIOD + 2, 1_000));
        _schedule(act);
        uint256[4] memory times = [
            secondMonth - 30 days + 1,
            secondMonth - 1,
            secondMonth,
            secondMonth + 365 days
        ];
        for (uint256 i; i < times.length; ++i) {
            vm.warp(times[i]);
            _expectNoticeTooShort(PERIOD + 2, times[i] + 30 days);
            timelock.execute(address(policy), 0, act, 0, 0);
        }
        assertEq(policy.rateOf(CATALOGUE, PERIOD + 2), CATALOGUE_BPS);
        // At the last second of the notice it passes.
        vm.warp(secondMonth - 30 days);
        timelock.execute(address(policy), 0, act, 0, 0);
        assertEq(policy.rateOf(CATALOGUE, PERIOD + 2), 1_000);
    }

    /// @notice A rate that was announced is not raised once the notice of its month has begun.
    function test_attack_announcedRateReplacedWithinTheNotice_isRefused() public {
        vm.startPrank(address(timelock));
        policy.setRate(CATALOGUE, PERIOD + 2, 1);
        vm.warp(START + 32 days + 1);
        _expectNoticeTooShort(PERIOD + 2, START + 62 days + 1);
        policy.setRate(CATALOGUE, PERIOD + 2, 1_000);
        assertEq(policy.rateOf(CATALOGUE, PERIOD + 2), 1);
    }

    /// @notice Consumer and payee agree to call the use of a dear month that of a cheap one, or of
    /// a month whose free units are untouched.
    function test_attack_useDatedBeforeOrAfterTheAgreement_isRefused() public {
        vm.prank(address(timelock));
        policy.setRate(CATALOGUE, PERIOD + 2, 1_000);
        IAgreementRegistry.Terms memory terms = _agreed();
        (terms.validFrom, terms.validUntil) = (uint64(START + 62 days), uint64(START + 90 days));
        bytes32 later = _activate(terms);
        _deposit(later, company, DEPOSIT);
        vm.warp(START + 365 days);
        uint32[3] memory others = [PERIOD, PERIOD + 1, PERIOD + 3];
        for (uint256 i; i < others.length; ++i) {
            IUsageSettlement.Voucher memory voucher = _voucher(later, 10);
            voucher.period = others[i];
            bytes memory signature = _signed(voucher);
            vm.expectRevert(
                abi.encodeWithSelector(
                    IUsageSettlement.UsageSettlement_PeriodOutsideValidity.selector,
                    others[i],
                    terms.validFrom,
                    terms.validUntil
                )
            );
            settlement.settle(terms, voucher, 10, company.account, signature);
        }
        assertEq(settlement.depositOf(later, company.id), DEPOSIT);
    }

    /// @notice Parties that together say that use was earlier pay that month's rate, and no less
    /// than any rate the members ever set.
    function test_attack_agreementDatedBack_paysTheRateOfTheMonthThatItNames() public {
        vm.prank(address(timelock));
        policy.setRate(CATALOGUE, PERIOD + 2, 1_000);
        vm.warp(START + 90 days);
        IAgreementRegistry.Terms memory terms = _twoPartyTerms();
        terms.lines[0].freeUnits = 0;
        bytes32 back = _activate(terms);
        _deposit(back, company, DEPOSIT);
        _settle(terms, _voucher(back, 1_000), 1_000);
        assertEq(settlement.commissionOwed(), (1_000 * 10_001 * uint256(CATALOGUE_BPS)) / 10_000);
    }

    function test_attack_rateAboveTheCap_isRefusedWhateverTheVote() public {
        uint16[2] memory rates = [uint16(1_001), type(uint16).max];
        for (uint256 i; i < rates.length; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    ICommissionPolicy.CommissionPolicy_RateAboveCap.selector,
                    rates[i],
                    1_000
                )
            );
            vm.prank(address(timelock));
            policy.setRate(CATALOGUE, PERIOD + 12, rates[i]);
        }
    }

    function _schedule(bytes memory act) private {
        vm.prank(proposer);
        timelock.schedule(address(policy), 0, act, 0, 0, 2 days);
    }

    function _expectNoticeTooShort(uint32 period, uint256 earliestStart) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                ICommissionPolicy.CommissionPolicy_NoticeTooShort.selector,
                period,
                earliestStart
            )
        );
    }
}
