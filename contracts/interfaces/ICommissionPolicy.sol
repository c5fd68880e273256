// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

/// @title Commission rates, by commons category and period
/// @notice A rate is fixed for a whole period = (year − 1970)·12 + month − 1, UTC. No vote changes
/// a period that is nearer than the notice.
interface ICommissionPolicy {
    /// @notice A rate in force from the period of deployment.
    /// @param category Number of the commons category.
    /// @param rateBps Hundredths of a percent.
    struct InitialRate {
        uint16 category;
        uint16 rateBps;
    }

    /// @notice A category's rate from the start of a period on; a later event for the same period
    /// replaces an earlier one.
    event RateSet(uint16 indexed category, uint32 indexed fromPeriod, uint16 rateBps);

    /// @notice The category has no rate in this period.
    error CommissionPolicy_UnknownCategory(uint16 category, uint32 period);
    /// @notice The rate is above what the bytecode allows.
    error CommissionPolicy_RateAboveCap(uint16 rateBps, uint16 capBps);
    /// @notice The period starts before the notice has passed, at `earliestStart` (Unix seconds).
    error CommissionPolicy_NoticeTooShort(uint32 fromPeriod, uint256 earliestStart);
    /// @notice The category has a rate from a later period; what was set before stands.
    error CommissionPolicy_PeriodNotAscending(uint16 category, uint32 fromPeriod, uint32 latest);

    /// @notice Sets the rate of a category from the start of a period on, in place of one that was
    /// set for the very same period; not before a period for which one was set. Only governance.
    function setRate(uint16 category, uint32 fromPeriod, uint16 rateBps) external;

    /// @notice The rate in force in a period; reverts `UnknownCategory` where there is none.
    function rateOf(uint16 category, uint32 period) external view returns (uint16 rateBps);

    /// @notice Rates of several categories in one period, in order.
    function ratesOf(
        uint16[] calldata categories,
        uint32 period
    ) external view returns (uint16[] memory ratesBps);

    /// @notice No rate is ever above this, in basis points.
    function HARD_CAP_BPS() external view returns (uint16);

    /// @notice Seconds between the execution of a change and the first period that it may touch.
    function NOTICE() external view returns (uint40);
}
