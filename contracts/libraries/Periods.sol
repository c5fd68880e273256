// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

/// @title Periods
/// @notice A period is a calendar month in UTC, numbered (year − 1970)·12 + month − 1.
/// @dev Proleptic Gregorian calendar. Years are counted from March, so that the leap day is the
/// last day of a year and the lengths of the months before it are ⌊(153·m + 2) / 5⌋ days. An era
/// is 400 years, after which the calendar repeats.
library Periods {
    /// @dev Days from 1 March of year 0 to 1 January 1970.
    uint256 private constant EPOCH_DAYS = 719_468;
    /// @dev Months from March of year 0 to January 1970.
    uint256 private constant EPOCH_MONTHS = 1970 * 12 - 2;
    uint256 private constant DAYS_PER_ERA = 146_097;

    /// @dev The period that holds a time, in Unix seconds.
    function periodOf(uint256 timestamp) internal pure returns (uint32) {
        uint256 day = timestamp / 1 days + EPOCH_DAYS;
        uint256 era = day / DAYS_PER_ERA;
        uint256 dayOfEra = day % DAYS_PER_ERA;
        uint256 leapDays = dayOfEra / 1_460 + dayOfEra / 146_096 - dayOfEra / 36_524;
        uint256 yearOfEra = (dayOfEra - leapDays) / 365;
        uint256 dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
        uint256 month = (5 * dayOfYear + 2) / 153;
        return uint32((400 * era + yearOfEra) * 12 + month - EPOCH_MONTHS);
    }

    /// @dev The first second of a period. Unchecked: 32 bits of months are 58 bits of seconds, and
    /// period 0 begins EPOCH_DAYS after the calendar does.
    function startOf(uint32 period) internal pure returns (uint256) {
        unchecked {
            uint256 months = period + EPOCH_MONTHS;
            uint256 year = months / 12;
            uint256 month = months % 12;
            uint256 leapDays = year / 4 - year / 100 + year / 400;
            return (365 * year + leapDays + (153 * month + 2) / 5 - EPOCH_DAYS) * 1 days;
        }
    }
}
