// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IAgreementRegistry} from "../../contracts/interfaces/IAgreementRegistry.sol";
import {ICommissionPolicy} from "../../contracts/interfaces/ICommissionPolicy.sol";
import {IUsageSettlement} from "../../contracts/interfaces/IUsageSettlement.sol";
import {Periods} from "../../contracts/libraries/Periods.sol";
import {LedgerFixture} from "./LedgerFixture.sol";

/// @notice The month that a voucher names: it gives the rate and the free units, has begun, and
/// lies within the agreement's validity.
contract UsagePeriodsTest is LedgerFixture {
    bytes32 private id;

    function setUp() public override {
        super.setUp();
        id = _activate(_terms());
        _deposit(id, company, 1_000 * EURO);
    }

    function test_settle_freeUnitsAreGivenInEachPeriod() public {
        IAgreementRegistry.Terms memory terms = _terms();
        _settle(terms, _voucher(id, 10), 10);
        assertEq(settlement.balanceOf(school.id), 0);
        vm.warp(START + 31 days);
        IUsageSettlement.Voucher memory voucher = _voucher(id, 10);
        voucher.period = PERIOD + 1;
        _settle(terms, voucher, 10);
        assertEq(settlement.balanceOf(school.id), 0);
    }

    function test_settle_theRateIsThatOfThePeriod() public {
        IAgreementRegistry.Terms memory terms = _terms();
        vm.prank(address(timelock));
        policy.setRate(CATALOGUE, PERIOD + 2, 1_000);
        vm.warp(START + 62 days); // the period after next; vouchers of the first come late
        _settle(terms, _voucher(id, 110), 110);
        assertEq(settlement.balanceOf(school.id), 1_000_100 - 50_005);
        IUsageSettlement.Voucher memory voucher = _voucher(id, 110);
        voucher.period = PERIOD + 2;
        _settle(terms, voucher, 110);
        assertEq(settlement.balanceOf(school.id), 2 * 1_000_100 - 50_005 - 100_010);
    }

    function test_settle_revert_periodNotBegun() public {
        IAgreementRegistry.Terms memory terms = _terms();
        IUsageSettlement.Voucher memory voucher = _voucher(id, 1);
        voucher.period = PERIOD + 1;
        bytes memory signature = _sign(company.key, _voucherDigest(voucher));
        vm.warp(START + 31 days - 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IUsageSettlement.UsageSettlement_PeriodNotBegun.selector,
                PERIOD + 1,
                START + 31 days
            )
        );
        settlement.settle(terms, voucher, 1, company.account, signature);
        vm.warp(START + 31 days);
        settlement.settle(terms, voucher, 1, company.account, signature);
    }

    /// @notice The month of the first second of validity and that of the last, and none beside.
    function test_settle_revert_periodOutsideValidity() public {
        IAgreementRegistry.Terms memory terms = _terms();
        (terms.validFrom, terms.validUntil) = (uint64(START - 1), uint64(START + 31 days + 1));
        terms.lines = new IAgreementRegistry.PriceLine[](0);
        bytes32 other = _activate(terms);
        vm.warp(START + 365 days);
        _expectOutsideValidity(terms, other, PERIOD - 2);
        _settleIn(terms, other, PERIOD - 1);
        _settleIn(terms, other, PERIOD);
        _settleIn(terms, other, PERIOD + 1);
        _expectOutsideValidity(terms, other, PERIOD + 2);
    }

    function test_settle_revert_periodOutsideValidity_atTheBoundary() public {
        IAgreementRegistry.Terms memory terms = _terms();
        (terms.validFrom, terms.validUntil) = (uint64(START), uint64(START + 31 days));
        bytes32 other = _activate(terms);
        vm.warp(START + 365 days);
        _expectOutsideValidity(terms, other, PERIOD - 1);
        _expectOutsideValidity(terms, other, PERIOD + 1);
    }

    function testFuzz_settle_exactlyInThePeriodsOfItsValidity(
        uint64 validFrom,
        uint64 validUntil,
        uint32 period
    ) public {
        IAgreementRegistry.Terms memory terms = _terms();
        terms.validUntil = uint64(bound(validUntil, START + 1, START + 200 days));
        terms.validFrom = uint64(bound(validFrom, START - 200 days, terms.validUntil - 1));
        terms.lines = new IAgreementRegistry.PriceLine[](0);
        period = uint32(bound(period, PERIOD - 8, PERIOD + 8));
        bytes32 other = _activate(terms);
        vm.warp(START + 365 days);
        uint32 first = Periods.periodOf(terms.validFrom);
        uint32 last = Periods.periodOf(terms.validUntil - 1);
        if (first <= period && period <= last) _settleIn(terms, other, period);
        else _expectOutsideValidity(terms, other, period);
    }

    function test_settle_revert_categoryWithoutRateInThePeriod() public {
        IAgreementRegistry.Terms memory terms = _terms();
        terms.validFrom = uint64(START - 1);
        IUsageSettlement.Voucher memory voucher = _voucher(_activate(terms), 1);
        voucher.period = PERIOD - 1; // before the first rate
        bytes memory signature = _sign(company.key, _voucherDigest(voucher));
        vm.expectRevert(
            abi.encodeWithSelector(
                ICommissionPolicy.CommissionPolicy_UnknownCategory.selector,
                CATALOGUE,
                PERIOD - 1
            )
        );
        settlement.settle(terms, voucher, 1, company.account, signature);
    }

    // Parts

    function _settleIn(
        IAgreementRegistry.Terms memory terms,
        bytes32 agreementId,
        uint32 period
    ) private {
        IUsageSettlement.Voucher memory voucher = _voucher(agreementId, 1);
        voucher.period = period;
        _settle(terms, voucher, 1);
        assertEq(settlement.settledUnitsOf(agreementId, company.id, period), 1);
    }

    function _expectOutsideValidity(
        IAgreementRegistry.Terms memory terms,
        bytes32 agreementId,
        uint32 period
    ) private {
        IUsageSettlement.Voucher memory voucher = _voucher(agreementId, 1);
        voucher.period = period;
        bytes memory signature = _sign(company.key, _voucherDigest(voucher));
        vm.expectRevert(
            abi.encodeWithSelector(
                IUsageSettlement.UsageSettlement_PeriodOutsideValidity.selector,
                period,
                terms.validFrom,
                terms.validUntil
            )
        );
        settlement.settle(terms, voucher, 1, company.account, signature);
    }
}
