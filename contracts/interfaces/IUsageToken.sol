// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IParticipantRegistry} from "./IParticipantRegistry.sol";

/// @title Usage token: one token is one euro of use, 6 decimals
/// @notice Issued against payment, redeemed and burnt; moves only between accounts of participants
/// ever admitted and the settlement and treasury contracts.
interface IUsageToken is IERC20, IERC20Permit {
    /// @notice Tokens were issued against a payment.
    event Issued(address indexed to, uint256 amount, bytes32 indexed paymentReference);
    /// @notice Tokens were burnt, to be paid out in money.
    event Redeemed(address indexed from, uint256 amount, bytes32 indexed payoutReference);

    /// @notice The account was never bound to a participant and may not hold tokens.
    error UsageToken_NotParticipant(address account);

    /// @notice Issues tokens to a participant's account. Only governance; a stop blocks it.
    /// @param paymentReference Hash that ties the issue to the payment received.
    function issue(address to, uint256 amount, bytes32 paymentReference) external;

    /// @notice Burns the sender's tokens, to be paid out in money.
    /// @param payoutReference Hash that ties the burn to the payout.
    function redeem(uint256 amount, bytes32 payoutReference) external;

    /// @notice Where organisations and their accounts are known.
    function REGISTRY() external view returns (IParticipantRegistry);

    /// @notice The settlement contract, which may hold tokens.
    function SETTLEMENT() external view returns (address);

    /// @notice The treasury contract, which may hold tokens.
    function TREASURY() external view returns (address);
}
