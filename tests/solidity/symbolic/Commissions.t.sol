// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IAgreementRegistry} from "../../../contracts/interfaces/IAgreementRegistry.sol";
import {IUsageSettlement} from "../../../contracts/interfaces/IUsageSettlement.sol";
import {Commissions} from "../../../contracts/libraries/Commissions.sol";
import {AnyState} from "./AnyState.sol";

/// @notice Rounding and the cumulative split. A product of two unknowns and the quotient that
/// checks it are hard for a solver of bits: where a type here is smaller than the contract's, the
/// solver decides no more; that gross never falls and nothing panics it does not decide at all.
/// Fuzzing in ../Commissions.t.sol holds these over the whole range.
contract CommissionsSymbolic is AnyState {
    function grossOf(
        IAgreementRegistry.PriceLine calldata line,
        uint64 units
    ) external pure returns (uint256) {
        return Commissions.grossOf(line, units);
    }

    function between(
        IAgreementRegistry.PriceLine calldata line,
        uint64 fromUnits,
        uint64 toUnits,
        uint16 rateBps
    ) external pure returns (IUsageSettlement.LineAmount memory) {
        return Commissions.amountBetween(line, fromUnits, toUnits, rateBps);
    }

    function check_commissionIsTheFloor(uint16 gross, uint16 rateBps) external pure {
        vm.assume(rateBps <= 1_000);
        uint256 commission = Commissions.commissionRoundedDown(gross, rateBps);
        uint256 exact = uint256(gross) * rateBps;
        assertTrue(commission * 10_000 <= exact && exact - commission * 10_000 < 10_000);
    }

    function check_freeUnitsCostNothing(uint64 price, uint64 free, uint64 units) external view {
        vm.assume(units <= free);
        assertEq(this.grossOf(_line(price, free), units), 0);
    }

    /// @notice Where one stops in between changes no cent.
    function check_twoPartsPayWhatOnePays(
        uint64 price,
        uint64 free,
        uint64 stop,
        uint64 units,
        uint16 rateBps
    ) external view {
        vm.assume(stop <= units && rateBps <= 1_000);
        IAgreementRegistry.PriceLine memory line = _line(price, free);
        IUsageSettlement.LineAmount memory one = this.between(line, 0, stop, rateBps);
        IUsageSettlement.LineAmount memory two = this.between(line, stop, units, rateBps);
        IUsageSettlement.LineAmount memory whole = this.between(line, 0, units, rateBps);
        assertEq(uint256(one.gross) + two.gross, whole.gross);
        assertEq(
            uint256(one.commissionRoundedDown) + two.commissionRoundedDown,
            whole.commissionRoundedDown
        );
    }

    /// @notice So the payee's net never underflows: more gross owes at most that much more.
    function check_noPartOwesMoreThanItsGross(uint8 gross, uint8 more) external pure {
        vm.assume(gross <= more);
        uint256 owed =
            Commissions.commissionRoundedDown(more, 1_000) -
                Commissions.commissionRoundedDown(gross, 1_000);
        assertTrue(owed <= more - gross);
    }

    function _line(
        uint64 price,
        uint64 free
    ) private pure returns (IAgreementRegistry.PriceLine memory) {
        return IAgreementRegistry.PriceLine(address(1), 1, price, free);
    }
}
