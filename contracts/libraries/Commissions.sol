// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IAgreementRegistry} from "../interfaces/IAgreementRegistry.sol";
import {IUsageSettlement} from "../interfaces/IUsageSettlement.sol";

/// @title Commissions
/// @notice What a price line brings, and the association's share of it. Both are functions of the
/// cumulative units of a period; a settlement pays their differences, so the cents do not depend on
/// how often one settles.
library Commissions {
    using SafeCast for uint256;

    /// @dev One hundred percent, in basis points.
    uint256 private constant WHOLE_BPS = 10_000;

    /// @dev max(0, units − freeUnits) · unitPrice.
    function grossOf(
        IAgreementRegistry.PriceLine calldata line,
        uint64 units
    ) internal pure returns (uint256) {
        if (units <= line.freeUnits) return 0;
        return uint256(units - line.freeUnits) * line.unitPrice;
    }

    /// @dev ⌊gross · rate / 10,000⌋: rounded in the payee's favour.
    function commissionRoundedDown(uint256 gross, uint16 rateBps) internal pure returns (uint256) {
        return (gross * rateBps) / WHOLE_BPS;
    }

    /// @dev What settling from `fromUnits` up to `toUnits` brings.
    function amountBetween(
        IAgreementRegistry.PriceLine calldata line,
        uint64 fromUnits,
        uint64 toUnits,
        uint16 rateBps
    ) internal pure returns (IUsageSettlement.LineAmount memory amount) {
        uint256 grossFrom = grossOf(line, fromUnits);
        uint256 grossTo = grossOf(line, toUnits);
        amount.gross = (grossTo - grossFrom).toUint128();
        amount.commissionRoundedDown = (commissionRoundedDown(grossTo, rateBps) -
            commissionRoundedDown(grossFrom, rateBps)).toUint128();
    }
}
