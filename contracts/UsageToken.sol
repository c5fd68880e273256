// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";

import {IParticipantRegistry} from "./interfaces/IParticipantRegistry.sol";
import {IUsageToken} from "./interfaces/IUsageToken.sol";

/// @title UsageToken
/// @notice Documented at its interface, IUsageToken.
contract UsageToken is IUsageToken, ERC20Permit, AccessManaged {
    string private constant NAME = "Prometheus-X Usage Token";

    /// @inheritdoc IUsageToken
    IParticipantRegistry public immutable REGISTRY;
    /// @inheritdoc IUsageToken
    address public immutable SETTLEMENT;
    /// @inheritdoc IUsageToken
    address public immutable TREASURY;

    constructor(
        address accessManager,
        IParticipantRegistry registry,
        address settlement,
        address treasury
    ) ERC20(NAME, "PTXU") ERC20Permit(NAME) AccessManaged(accessManager) {
        REGISTRY = registry;
        SETTLEMENT = settlement;
        TREASURY = treasury;
    }

    /// @inheritdoc IUsageToken
    function issue(address to, uint256 amount, bytes32 paymentReference) external restricted {
        REGISTRY.requireNotStopped();
        _mint(to, amount);
        emit Issued(to, amount, paymentReference);
    }

    /// @inheritdoc IUsageToken
    function redeem(uint256 amount, bytes32 payoutReference) external {
        _burn(msg.sender, amount);
        emit Redeemed(msg.sender, amount, payoutReference);
    }

    /// @notice One token, one euro of use, has 10^6 base units.
    function decimals() public pure override returns (uint8) {
        return 6;
    }

    /// @inheritdoc ERC20Permit
    function nonces(
        address owner
    ) public view override(ERC20Permit, IERC20Permit) returns (uint256) {
        return super.nonces(owner);
    }

    /// @dev Every issue, burn and transfer passes here; zero stands for issue and burn.
    function _update(address from, address to, uint256 amount) internal override {
        _requireHolder(from);
        _requireHolder(to);
        super._update(from, to, amount);
    }

    function _requireHolder(address account) private view {
        bool isOurs = account == address(0) || account == SETTLEMENT || account == TREASURY;
        if (!isOurs && !REGISTRY.isParticipantAccount(account)) {
            revert UsageToken_NotParticipant(account);
        }
    }
}
