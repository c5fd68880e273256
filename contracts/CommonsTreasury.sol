// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {ICommonsTreasury} from "./interfaces/ICommonsTreasury.sol";
import {IUsageToken} from "./interfaces/IUsageToken.sol";

/// @title CommonsTreasury
/// @notice Documented at its interface, ICommonsTreasury.
contract CommonsTreasury is ICommonsTreasury, AccessManaged {
    using SafeERC20 for IUsageToken;

    /// @inheritdoc ICommonsTreasury
    IUsageToken public immutable TOKEN;

    constructor(address accessManager, IUsageToken token) AccessManaged(accessManager) {
        TOKEN = token;
    }

    /// @inheritdoc ICommonsTreasury
    function grant(address to, uint256 amount, bytes32 purposeHash) external restricted {
        TOKEN.safeTransfer(to, amount);
        emit Granted(to, amount, purposeHash);
    }
}
