// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {Test} from "forge-std/Test.sol";

import {IAgreementRegistry} from "../../contracts/interfaces/IAgreementRegistry.sol";
import {IUsageSettlement} from "../../contracts/interfaces/IUsageSettlement.sol";
import {Commissions} from "../../contracts/libraries/Commissions.sol";

contract CommissionsTest is Test {
    function between(
        IAgreementRegistry.PriceLine calldata line,
        uint64 fromUnits,
        uint64 toUnits,
        uint16 rateBps
    ) external pure returns (IUsageSettlement.LineAmount memory) {
        return Commissions.amountBetween(line, fromUnits, toUnits, rateBps);
    }

    function test_freeUnitsCostNothing_andTheCentIsRoundedDown() public view {
        IAgreementRegistry.PriceLine memory line = _line(3_333, 10);
        assertEq(this.between(line, 0, 10, 250).gross, 0);
        IUsageSettlement.LineAmount memory amount = this.between(line, 0, 11, 250);
        assertEq(amount.gross, 3_333);
        assertEq(amount.commissionRoundedDown, 83); // 83.325
    }

    /// @notice However one settles in between, the sums are those of one settlement.
    function testFuzz_differencesSumToTheWhole(
        IAgreementRegistry.PriceLine memory line,
        uint64[] memory stops,
        uint64 units,
        uint16 rateBps
    ) public view {
        rateBps = uint16(bound(rateBps, 0, 1_000));
        uint256 gross;
        uint256 commission;
        uint64 settled;
        for (uint256 i; i <= stops.length; ++i) {
            uint64 next = i < stops.length ? uint64(bound(stops[i], settled, units)) : units;
            if (next < settled) next = settled;
            IUsageSettlement.LineAmount memory part = this.between(line, settled, next, rateBps);
            gross += part.gross;
            commission += part.commissionRoundedDown;
            settled = next;
            if (settled == units) break;
        }
        IUsageSettlement.LineAmount memory whole = this.between(line, 0, units, rateBps);
        assertEq(gross, whole.gross);
        assertEq(commission, whole.commissionRoundedDown);
    }

    function testFuzz_everyPartIsWhatTheFormulaSays(
        uint64 unitPrice,
        uint64 freeUnits,
        uint64 units,
        uint16 rateBps
    ) public view {
        rateBps = uint16(bound(rateBps, 0, 1_000));
        uint256 billed = units > freeUnits ? units - freeUnits : 0;
        IUsageSettlement.LineAmount memory amount = this.between(
            _line(unitPrice, freeUnits),
            0,
            units,
            rateBps
        );
        assertEq(amount.gross, billed * unitPrice);
        assertEq(amount.commissionRoundedDown, (billed * unitPrice * rateBps) / 10_000);
        assertLe(amount.commissionRoundedDown, amount.gross / 10);
    }

    /// @notice The largest line of all fits: no voucher is too large to be settled.
    function test_theLargestLineFits() public view {
        IUsageSettlement.LineAmount memory amount = this.between(
            _line(type(uint64).max, 0),
            0,
            type(uint64).max,
            1_000
        );
        assertEq(amount.gross, uint256(type(uint64).max) ** 2);
    }

    function _line(
        uint64 unitPrice,
        uint64 freeUnits
    ) private pure returns (IAgreementRegistry.PriceLine memory) {
        return IAgreementRegistry.PriceLine(address(1), 1, unitPrice, freeUnits);
    }
}
