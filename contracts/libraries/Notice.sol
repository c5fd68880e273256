// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

/// @title Notice
/// @notice The one notice of the system, in seconds: between a change of rate and the first period
/// that it may touch, between a request to leave with a deposit and the payment, and for vouchers
/// that a retired key still signs.
library Notice {
    uint40 internal constant SECONDS = 30 days;
}
