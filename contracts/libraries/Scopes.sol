// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

/// @title Scopes
/// @notice What an account may do for its organisation; several are combined by bitwise or.
library Scopes {
    /// @dev Bind and retire accounts, delegate, describe the organisation.
    uint8 internal constant MANAGE = 1;
    /// @dev Propose, sign, suspend, resume and terminate agreements.
    uint8 internal constant AGREE = 2;
    /// @dev Anchor consents and revoke them.
    uint8 internal constant ANCHOR = 4;
    /// @dev Sign usage vouchers.
    uint8 internal constant VOUCHER = 8;
    /// @dev Deposit, claim balances, leave with a deposit.
    uint8 internal constant CLAIM = 16;
    /// @dev Every scope.
    uint8 internal constant ALL = 31;
    /// @dev What an organisation may delegate to an operator. Money and keys stay with its own.
    uint8 internal constant DELEGABLE = AGREE | ANCHOR;
}
