// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {CommissionPolicy} from "../../../contracts/CommissionPolicy.sol";
import {ICommissionPolicy} from "../../../contracts/interfaces/ICommissionPolicy.sol";
import {Periods} from "../../../contracts/libraries/Periods.sol";
import {Agreeable} from "./Agreeable.sol";
import {AnyState} from "./AnyState.sol";

/// @notice Rates after any initial rate and one change. The history is a list of checkpoints, so
/// it is built by calls and not assumed at large.
contract CommissionPolicySymbolic is AnyState {
    uint256 private constant START = 1_796_083_200; // 1 December 2026, 00:00 UTC
    uint32 private constant PERIOD = (2026 - 1970) * 12 + 11;
    Agreeable private authority;
    CommissionPolicy private policy;

    function setUp() public {
        vm.warp(START);
        authority = new Agreeable();
        ICommissionPolicy.InitialRate[] memory rates = new ICommissionPolicy.InitialRate[](1);
        rates[0] = ICommissionPolicy.InitialRate(1, 500);
        policy = new CommissionPolicy(address(authority), rates);
    }

    function check_setRate_neverAboveTheCap(uint16 category, uint16 rateBps) external {
        vm.assume(rateBps > 1_000);
        try policy.setRate(category, PERIOD + 2, rateBps) {
            assertTrue(false);
        } catch {}
    }

    function check_setRate_neverWithinTheNotice(
        uint32 fromPeriod,
        uint16 rateBps,
        uint24 elapsed
    ) external {
        vm.assume(elapsed < 62 days);
        vm.warp(START + elapsed);
        policy.setRate(1, fromPeriod, rateBps);
        assertTrue(Periods.startOf(fromPeriod) >= START + elapsed + 30 days);
    }

    function check_setRate_changesNoEarlierPeriod(
        uint32 fromPeriod,
        uint16 rateBps,
        uint32 earlier
    ) external {
        vm.assume(earlier >= PERIOD && earlier < fromPeriod);
        policy.setRate(1, fromPeriod, rateBps);
        assertEq(policy.rateOf(1, earlier), 500);
    }

    function check_setRate_holdsFromItsPeriodOn(
        uint32 fromPeriod,
        uint16 rateBps,
        uint32 later
    ) external {
        vm.assume(later >= fromPeriod);
        policy.setRate(1, fromPeriod, rateBps);
        assertEq(policy.rateOf(1, later), rateBps);
    }

    function check_setRate_changesNoOtherCategory(uint16 category, uint16 rateBps) external {
        vm.assume(category != 1);
        policy.setRate(category, PERIOD + 2, rateBps);
        assertEq(policy.rateOf(1, PERIOD + 2), 500);
    }

    function check_setRate_onlyByGovernance(address caller, uint16 rateBps) external {
        authority.set(false, address(0), 0);
        vm.prank(caller);
        try policy.setRate(1, PERIOD + 2, rateBps) {
            assertTrue(false);
        } catch {}
    }

    function check_noAnswerBeforeTheFirstPeriod(uint32 period) external {
        vm.assume(period < PERIOD);
        try policy.rateOf(1, period) {
            assertTrue(false);
        } catch {}
    }

    function check_noAnswerForAnUnknownCategory(uint16 category) external {
        vm.assume(category != 1);
        try policy.rateOf(category, PERIOD) {
            assertTrue(false);
        } catch {}
    }
}
