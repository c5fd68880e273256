// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IAgreementRegistry} from "../../../contracts/interfaces/IAgreementRegistry.sol";
import {Periods} from "../../../contracts/libraries/Periods.sol";
import {LedgerHandlers} from "./LedgerHandlers.sol";

/// @title SettlementInvariants
/// @notice Vouchers and the commission: the split loses no cent, and its rates were known before.
abstract contract SettlementInvariants is LedgerHandlers {
    /// @notice I7
    function invariant_partsSumToTheWhole() public view {
        for (uint256 i; i < splits.length; ++i) {
            Split storage split = splits[i];
            assertEq(split.fromDeposits, split.grossEmitted);
            assertEq(split.toCommission, split.commissionEmitted);
            assertEq(split.fromDeposits, split.toBalances + split.toCommission);
        }
    }

    /// @notice I8: the closed formula from 0 to the units that the contract says are settled.
    function invariant_manySettlementsGiveTheCentsOfOne() public view {
        for (uint256 i; i < uses.length; ++i) {
            GhostUse storage use = uses[i];
            uint64 units = settlement.settledUnitsOf(use.id, use.consumer, use.period);
            IAgreementRegistry.Terms memory terms = _termsOf(known[_indexOf(use.id)]);
            for (uint256 line; line < terms.lines.length; ++line) {
                uint256 gross = _gross(terms.lines[line], units);
                uint16 rateBps = frozenRate[terms.lines[line].category][use.period];
                if (use.gross.length == 0) continue;
                assertEq(use.gross[line], gross);
                assertEq(use.commission[line], (gross * rateBps) / 10_000);
            }
        }
    }

    /// @notice I9: of every line's total, in the period's rate and never above ten percent.
    function invariant_aCommissionIsNeverAboveTheCap() public view {
        assertEq(policy.HARD_CAP_BPS(), 1_000);
        for (uint256 i; i < uses.length; ++i) {
            for (uint256 line; line < uses[i].gross.length; ++line) {
                assertLe(uses[i].commission[line] * 10, uses[i].gross[line]);
            }
        }
        for (uint256 i; i < categories.length; ++i) {
            for (uint32 period = PERIOD; period < frozenUntil + 6; ++period) {
                assertLe(policy.rateOf(categories[i], period), 1_000);
            }
        }
    }

    /// @notice I10
    function invariant_settledUnitsNeverFall() public view {
        assertEq(unitsFell, 0);
        for (uint256 i; i < uses.length; ++i) {
            assertEq(
                settlement.settledUnitsOf(uses[i].id, uses[i].consumer, uses[i].period),
                uses[i].units
            );
        }
    }

    /// @notice I11: from thirty days before a period begins, and for ever after.
    function invariant_aRateWithinTheNoticeNeverChanges() public view {
        assertGt(frozenUntil, Periods.periodOf(clock));
        for (uint256 i; i < categories.length; ++i) {
            for (uint32 period = PERIOD; period < frozenUntil; ++period) {
                assertEq(policy.rateOf(categories[i], period), frozenRate[categories[i]][period]);
            }
        }
    }

    /// @notice I29: some second of every period with settled units is one of the agreement's.
    function invariant_useIsSettledInTheValidityAlone() public view {
        for (uint256 i; i < uses.length; ++i) {
            (bytes32 agreementId, uint32 period) = (uses[i].id, uses[i].period);
            if (settlement.settledUnitsOf(agreementId, uses[i].consumer, period) == 0) continue;
            GhostAgreement storage agreement = known[_indexOf(agreementId)];
            assertLe(Periods.periodOf(agreement.validFrom), period);
            assertLe(period, Periods.periodOf(agreement.validUntil - 1));
        }
    }
}
