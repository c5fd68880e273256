// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {LedgerHandlers} from "./LedgerHandlers.sol";

/// @title MoneyInvariants
/// @notice Tokens, deposits and balances: nothing appears, nothing is lost, nothing is shared.
abstract contract MoneyInvariants is LedgerHandlers {
    /// @notice I1
    function invariant_supplyIsIssuedLessRedeemed() public view {
        assertEq(token.totalSupply(), issued - redeemed);
    }

    /// @notice I2
    function invariant_supplyIsWhatAllHold() public view {
        uint256 held = _deposits() + _balances() + settlement.commissionOwed() + gifts;
        held += token.balanceOf(address(treasury));
        for (uint256 i; i < accounts.length; ++i) held += token.balanceOf(accounts[i].account);
        assertEq(token.totalSupply(), held);
    }

    /// @notice I3
    function invariant_settlementHoldsExactlyWhatItOwes() public view {
        assertEq(
            token.balanceOf(address(settlement)),
            _deposits() + _balances() + settlement.commissionOwed() + gifts
        );
    }

    /// @notice I4
    function invariant_aDepositIsItsConsumersAlone() public view {
        for (uint256 i; i < known.length; ++i) {
            bytes32 id = known[i].id;
            for (uint256 j; j < organisations.length; ++j) {
                address consumer = organisations[j];
                assertEq(settlement.depositOf(id, consumer), deposited[id][consumer]);
                assertEq(
                    abi.encode(settlement.leavingOf(id, consumer)),
                    abi.encode(leavings[id][consumer])
                );
            }
        }
        assertEq(earlyPayments.length, 0, earlyPayments.length > 0 ? earlyPayments[0] : "");
    }

    /// @notice I5
    function invariant_aBalanceIsWhatWasEarnedAndNotClaimed() public view {
        for (uint256 i; i < organisations.length; ++i) {
            address one = organisations[i];
            assertEq(settlement.balanceOf(one), earned[one] - claimed[one]);
        }
    }

    /// @notice I6
    function invariant_theTreasuryHoldsTheCommissions() public view {
        assertEq(settlement.commissionOwed(), commissionEarned - commissionPaidOut);
        assertEq(
            token.balanceOf(address(treasury)),
            commissionPaidOut + treasuryDonated - treasuryGranted
        );
    }

    function _deposits() internal view returns (uint256 sum) {
        for (uint256 i; i < known.length; ++i) {
            for (uint256 j; j < organisations.length; ++j) {
                sum += settlement.depositOf(known[i].id, organisations[j]);
            }
        }
    }

    /// @notice I28: an open request, too, was made after the last deposit that it can take out.
    function invariant_noDepositLeavesWithin30Days() public view {
        assertGe(shortestStay, 30 days);
        for (uint256 i; i < known.length; ++i) {
            bytes32 id = known[i].id;
            for (uint256 j; j < organisations.length; ++j) {
                address consumer = organisations[j];
                uint256 due = settlement.leavingOf(id, consumer).executableAt;
                if (due > 0) assertGe(due, depositedAt[id][consumer] + 30 days);
            }
        }
    }
}
