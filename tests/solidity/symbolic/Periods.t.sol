// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {Periods} from "../../../contracts/libraries/Periods.sol";
import {AnyState} from "./AnyState.sol";

/// @notice The calendar of ten years; ../Periods.t.sol goes through every month of 500.
contract PeriodsSymbolic is AnyState {
    uint32 private constant FIRST = (2025 - 1970) * 12;
    uint32 private constant LAST = (2035 - 1970) * 12 - 1;

    function check_periodOfItsStart(uint32 period) external pure {
        vm.assume(period >= FIRST && period <= LAST);
        assertEq(Periods.periodOf(Periods.startOf(period)), period);
    }

    function check_theSecondBeforeBelongsToTheOneBefore(uint32 period) external pure {
        vm.assume(period >= FIRST && period <= LAST);
        assertEq(Periods.periodOf(Periods.startOf(period) - 1), period - 1);
    }

    function check_aPeriodHas28To31Days(uint32 period) external pure {
        vm.assume(period >= FIRST && period <= LAST);
        uint256 length = Periods.startOf(period + 1) - Periods.startOf(period);
        assertTrue(length >= 28 days && length <= 31 days && length % 1 days == 0);
    }
}
