// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IUsageToken} from "./IUsageToken.sol";

/// @title Treasury of the commons
/// @notice Receives the commissions; grants them to maintainers of commons.
interface ICommonsTreasury {
    /// @notice A grant was paid.
    event Granted(address indexed to, uint256 amount, bytes32 indexed purposeHash);

    /// @notice Pays a grant to a participant's account. Only governance.
    /// @param purposeHash SHA-256 of the decision's document.
    function grant(address to, uint256 amount, bytes32 purposeHash) external;

    /// @notice The token of the commissions.
    function TOKEN() external view returns (IUsageToken);
}
