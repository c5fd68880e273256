// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IUsageToken} from "../../../contracts/interfaces/IUsageToken.sol";
import {GhostLedger} from "./GhostLedger.sol";

/// @title TokenHandler
/// @notice Tokens are issued, redeemed, moved, given away to the contracts, and granted.
abstract contract TokenHandler is GhostLedger {
    function issue(uint256 seed, uint256 amount) external acting {
        vm.assume(!_isStopped());
        _issue(_anyAccount(seed).account, bound(amount, 1, 100_000 * EURO));
    }

    function redeem(uint256 seed, uint256 amount) external acting {
        address from = _rich(seed);
        amount = bound(amount, 1, token.balanceOf(from));
        vm.prank(from);
        token.redeem(amount, keccak256("payout"));
        redeemed += amount;
    }

    function transfer(uint256 seed, uint256 amount) external acting {
        address from = _rich(seed);
        amount = bound(amount, 0, token.balanceOf(from));
        vm.prank(from);
        token.transfer(_anyAccount(_draw(seed, 1, 1 << 255)).account, amount);
    }

    /// @notice A gift to the settlement is nobody's; it must not become anybody's either.
    function give(uint256 seed, uint256 amount) external acting {
        address from = _rich(seed);
        amount = bound(amount, 0, token.balanceOf(from));
        bool toTreasury = _draw(seed, 1, 2) == 0;
        vm.prank(from);
        token.transfer(toTreasury ? address(treasury) : address(settlement), amount);
        if (toTreasury) treasuryDonated += amount;
        else gifts += amount;
    }

    function transferToStranger(uint256 seed) external acting {
        address from = _rich(seed);
        bytes memory act = abi.encodeCall(token.transfer, (strangers[0], 1));
        bytes4 reason = IUsageToken.UsageToken_NotParticipant.selector;
        if (!_isRefused(from, address(token), act, [reason, bytes4(0), bytes4(0)])) {
            seizures.push("a stranger got tokens");
        }
    }

    function grant(uint256 seed, uint256 amount) external acting {
        uint256 held = token.balanceOf(address(treasury));
        vm.assume(held > 0);
        amount = bound(amount, 1, held);
        vm.prank(address(timelock));
        treasury.grant(_anyAccount(seed).account, amount, keccak256("decision"));
        treasuryGranted += amount;
    }

    function _issue(address to, uint256 amount) internal {
        vm.prank(address(timelock));
        token.issue(to, amount, keccak256("payment"));
        issued += amount;
    }

    /// @dev An account that holds tokens, retired or not.
    function _rich(uint256 seed) private view returns (address account) {
        uint256 offset = _draw(seed, 110, accounts.length);
        for (uint256 i; i < accounts.length; ++i) {
            account = accounts[(offset + i) % accounts.length].account;
            if (token.balanceOf(account) > 0) return account;
        }
        vm.assume(false);
    }
}
