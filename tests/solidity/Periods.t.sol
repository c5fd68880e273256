// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {Test} from "forge-std/Test.sol";

import {Periods} from "../../contracts/libraries/Periods.sol";

/// @notice The calendar's arithmetic against counting months one by one.
contract PeriodsTest is Test {
    function test_knownDates() public pure {
        assertEq(Periods.periodOf(0), 0);
        assertEq(Periods.startOf(0), 0);
        assertEq(Periods.startOf((2000 - 1970) * 12 + 2), 951_868_800); // 1 March 2000
        assertEq(Periods.startOf((2026 - 1970) * 12 + 11), 1_796_083_200); // 1 December 2026
        assertEq(Periods.periodOf(951_868_799), (2000 - 1970) * 12 + 1); // 29 February 2000
        assertEq(Periods.startOf((2100 - 1970) * 12 + 2), 4_107_542_400); // 1 March 2100
        assertEq(Periods.periodOf(4_107_542_399), (2100 - 1970) * 12 + 1); // 28 February 2100
    }

    /// @notice Every month from 1970 to 2470, more than one whole cycle of the calendar.
    function test_everyMonthOfFiveCenturies() public pure {
        uint256 start;
        for (uint32 period; period < 500 * 12; ++period) {
            assertEq(Periods.startOf(period), start);
            assertEq(Periods.periodOf(start), period);
            start += _daysIn(1970 + period / 12, (period % 12) + 1) * 1 days;
            assertEq(Periods.periodOf(start - 1), period);
        }
    }

    function testFuzz_periodHoldsItsTime(uint40 time) public pure {
        uint32 period = Periods.periodOf(time);
        assertLe(Periods.startOf(period), time);
        assertGt(Periods.startOf(period + 1), time);
    }

    function testFuzz_startOf_neverOverflows(uint32 period) public pure {
        uint256 start = Periods.startOf(period);
        assertEq(Periods.periodOf(start), period);
    }

    function _daysIn(uint256 year, uint256 month) private pure returns (uint256) {
        if (month == 2) {
            bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
            return leap ? 29 : 28;
        }
        return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
    }
}
