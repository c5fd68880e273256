// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";

import {ICommissionPolicy} from "./interfaces/ICommissionPolicy.sol";
import {Notice} from "./libraries/Notice.sol";
import {Periods} from "./libraries/Periods.sol";

/// @title CommissionPolicy
/// @notice Documented at its interface, ICommissionPolicy.
contract CommissionPolicy is ICommissionPolicy, AccessManaged {
    using Checkpoints for Checkpoints.Trace224;

    /// @inheritdoc ICommissionPolicy
    uint16 public constant HARD_CAP_BPS = 1_000;
    /// @inheritdoc ICommissionPolicy
    uint40 public constant NOTICE = Notice.SECONDS;

    /// @dev Bit beside every rate of the history: tells a rate of zero from no rate.
    uint224 private constant KNOWN = 1 << 16;

    /// @notice A category's rate from the start of a period on, in one slot.
    /// @param fromPeriod Month from which it holds, UTC: (year − 1970)·12 + month − 1.
    /// @param rateBps Hundredths of a percent.
    /// @param isKnown Tells a rate of zero from no rate.
    struct Rate {
        uint32 fromPeriod;
        uint16 rateBps;
        bool isKnown;
    }

    /// @dev The last of the history, in one slot: nearly every question is about it.
    mapping(uint16 category => Rate) private _latest;
    /// @dev All rates by the period from which they hold.
    mapping(uint16 category => Checkpoints.Trace224) private _history;

    constructor(
        address accessManager,
        InitialRate[] memory initialRates
    ) AccessManaged(accessManager) {
        uint32 period = Periods.periodOf(block.timestamp);
        for (uint256 i; i < initialRates.length; ++i) {
            uint16 category = initialRates[i].category;
            if (_latest[category].isKnown) {
                revert CommissionPolicy_PeriodNotAscending(category, period, period);
            }
            _set(category, period, initialRates[i].rateBps);
        }
    }

    /// @inheritdoc ICommissionPolicy
    function setRate(uint16 category, uint32 fromPeriod, uint16 rateBps) external restricted {
        uint256 earliestStart = block.timestamp + NOTICE;
        if (Periods.startOf(fromPeriod) < earliestStart) {
            revert CommissionPolicy_NoticeTooShort(fromPeriod, earliestStart);
        }
        _set(category, fromPeriod, rateBps);
    }

    /// @inheritdoc ICommissionPolicy
    function rateOf(uint16 category, uint32 period) public view returns (uint16 rateBps) {
        Rate storage latest = _latest[category];
        if (latest.isKnown && period >= latest.fromPeriod) return latest.rateBps;
        uint224 rate = _history[category].upperLookupRecent(period);
        if (rate == 0) revert CommissionPolicy_UnknownCategory(category, period);
        return uint16(rate);
    }

    /// @inheritdoc ICommissionPolicy
    function ratesOf(
        uint16[] calldata categories,
        uint32 period
    ) external view returns (uint16[] memory ratesBps) {
        ratesBps = new uint16[](categories.length);
        for (uint256 i; i < categories.length; ++i) {
            ratesBps[i] = rateOf(categories[i], period);
        }
    }

    function _set(uint16 category, uint32 fromPeriod, uint16 rateBps) private {
        if (rateBps > HARD_CAP_BPS) {
            revert CommissionPolicy_RateAboveCap(rateBps, HARD_CAP_BPS);
        }
        Rate memory latest = _latest[category];
        if (latest.isKnown && fromPeriod < latest.fromPeriod) {
            revert CommissionPolicy_PeriodNotAscending(category, fromPeriod, latest.fromPeriod);
        }
        _latest[category] = Rate(fromPeriod, rateBps, true);
        _history[category].push(fromPeriod, KNOWN | rateBps);
        emit RateSet(category, fromPeriod, rateBps);
    }
}
