// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {CommissionPolicy} from "../../contracts/CommissionPolicy.sol";
import {ICommissionPolicy} from "../../contracts/interfaces/ICommissionPolicy.sol";
import {LedgerFixture} from "./LedgerFixture.sol";

contract CommissionPolicyTest is LedgerFixture {
    function test_constants() public view {
        assertEq(policy.HARD_CAP_BPS(), 1_000);
        assertEq(policy.NOTICE(), 30 days);
    }

    function test_constructor_ratesHoldFromThePeriodOfDeployment() public {
        assertEq(policy.rateOf(CATALOGUE, PERIOD), CATALOGUE_BPS);
        assertEq(policy.rateOf(CONSENT, PERIOD + 1_000), CONSENT_BPS);
        _expectUnknown(CATALOGUE, PERIOD - 1);
        _expectUnknown(9, PERIOD);
    }

    function test_constructor_revert() public {
        ICommissionPolicy.InitialRate[] memory rates = new ICommissionPolicy.InitialRate[](2);
        rates[0] = ICommissionPolicy.InitialRate(1, 1_001);
        vm.expectRevert(_aboveCap(1_001));
        this.deploy(rates);
        rates[0].rateBps = 1_000;
        rates[1] = ICommissionPolicy.InitialRate(1, 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                ICommissionPolicy.CommissionPolicy_PeriodNotAscending.selector,
                1,
                PERIOD,
                PERIOD
            )
        );
        this.deploy(rates);
    }

    /// @dev A call of its own: what a creation reverts with is only seen around it.
    function deploy(ICommissionPolicy.InitialRate[] memory rates) external {
        new CommissionPolicy(address(manager), rates);
    }

    function test_setRate_keepsHistory() public {
        vm.startPrank(address(timelock));
        vm.expectEmit(address(policy));
        emit ICommissionPolicy.RateSet(CATALOGUE, PERIOD + 1, 0);
        policy.setRate(CATALOGUE, PERIOD + 1, 0);
        policy.setRate(CATALOGUE, PERIOD + 12, 1_000);
        assertEq(policy.rateOf(CATALOGUE, PERIOD), CATALOGUE_BPS);
        assertEq(policy.rateOf(CATALOGUE, PERIOD + 1), 0);
        assertEq(policy.rateOf(CATALOGUE, PERIOD + 11), 0);
        assertEq(policy.rateOf(CATALOGUE, PERIOD + 12), 1_000);
        assertEq(policy.rateOf(CONSENT, PERIOD + 12), CONSENT_BPS);
    }

    function test_setRate_noticeToTheSecond() public {
        uint256 start = START + 31 days; // the next period's
        vm.startPrank(address(timelock));
        vm.warp(start - 30 days + 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                ICommissionPolicy.CommissionPolicy_NoticeTooShort.selector,
                PERIOD + 1,
                start + 1
            )
        );
        policy.setRate(CATALOGUE, PERIOD + 1, 1);
        vm.warp(start - 30 days);
        policy.setRate(CATALOGUE, PERIOD + 1, 1);
    }

    function test_setRate_ofANewCategory() public {
        vm.prank(address(timelock));
        policy.setRate(9, PERIOD + 1, 7);
        assertEq(policy.rateOf(9, PERIOD + 1), 7);
        _expectUnknown(9, PERIOD);
    }

    function test_setRate_revert() public {
        vm.expectRevert(_unauthorised(stranger));
        vm.prank(stranger);
        policy.setRate(CATALOGUE, PERIOD + 1, 1);
        vm.startPrank(address(timelock));
        vm.expectRevert(_aboveCap(1_001));
        policy.setRate(CATALOGUE, PERIOD + 1, 1_001);
        policy.setRate(CATALOGUE, PERIOD + 2, 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                ICommissionPolicy.CommissionPolicy_PeriodNotAscending.selector,
                CATALOGUE,
                PERIOD + 1,
                PERIOD + 2
            )
        );
        policy.setRate(CATALOGUE, PERIOD + 1, 1);
    }

    /// @notice A later vote corrects a rate that has not begun, as long as the notice allows.
    function test_setRate_replacesOneThatHasNotBegun() public {
        vm.startPrank(address(timelock));
        policy.setRate(CATALOGUE, PERIOD + 2, 900);
        vm.expectEmit(address(policy));
        emit ICommissionPolicy.RateSet(CATALOGUE, PERIOD + 2, 90);
        policy.setRate(CATALOGUE, PERIOD + 2, 90);
        assertEq(policy.rateOf(CATALOGUE, PERIOD + 1), CATALOGUE_BPS);
        assertEq(policy.rateOf(CATALOGUE, PERIOD + 2), 90);
        policy.setRate(CATALOGUE, PERIOD + 3, 80);
        assertEq(policy.rateOf(CATALOGUE, PERIOD + 2), 90);
    }

    function test_ratesOf() public {
        uint16[] memory categories = new uint16[](2);
        (categories[0], categories[1]) = (CONSENT, CATALOGUE);
        uint16[] memory rates = policy.ratesOf(categories, PERIOD);
        assertEq(rates.length, 2);
        assertEq(rates[0], CONSENT_BPS);
        assertEq(rates[1], CATALOGUE_BPS);
        categories[1] = 9;
        vm.expectRevert(
            abi.encodeWithSelector(
                ICommissionPolicy.CommissionPolicy_UnknownCategory.selector,
                9,
                PERIOD
            )
        );
        policy.ratesOf(categories, PERIOD);
    }

    /// @notice Whatever is voted in the meantime, a period's rate is what it was when it began.
    function testFuzz_setRate_neverTouchesABegunPeriod(uint32 ahead, uint16 rateBps) public {
        vm.prank(address(timelock));
        try policy.setRate(CATALOGUE, PERIOD + (ahead % 24), rateBps) {} catch {}
        assertEq(policy.rateOf(CATALOGUE, PERIOD), CATALOGUE_BPS);
    }

    function _aboveCap(uint16 rateBps) private pure returns (bytes memory) {
        return
            abi.encodeWithSelector(
                ICommissionPolicy.CommissionPolicy_RateAboveCap.selector,
                rateBps,
                1_000
            );
    }

    function _expectUnknown(uint16 category, uint32 period) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                ICommissionPolicy.CommissionPolicy_UnknownCategory.selector,
                category,
                period
            )
        );
        policy.rateOf(category, period);
    }
}
