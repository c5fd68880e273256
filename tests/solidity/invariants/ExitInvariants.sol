// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {Scopes} from "../../../contracts/libraries/Scopes.sol";
import {LedgerHandlers} from "./LedgerHandlers.sol";

/// @title ExitInvariants
/// @notice From wherever the ledger stands, everybody gets out with what is theirs.
abstract contract ExitInvariants is LedgerHandlers {
    /// @notice I27: with new business stopped for years, everybody suspended and every agreement as
    /// it stands. Whoever has lost the keys is recovered first. What is done here is undone.
    function invariant_nothingIsLockedForGood() public {
        uint256 before = vm.snapshotState();
        vm.warp(clock);
        _stopAndSuspendEverything();
        uint256[] memory keys = _everybodyHasAKey();
        _everybodyLeaves(keys);
        _everybodyRedeems(keys);
        assertEq(settlement.commissionOwed(), 0);
        assertEq(token.balanceOf(address(settlement)), gifts);
        assertEq(token.totalSupply(), gifts + token.balanceOf(address(treasury)));
        vm.revertToState(before);
        vm.warp(clock);
    }

    function _stopAndSuspendEverything() private {
        vm.startPrank(address(timelock));
        registry.stop(3650 days);
        for (uint256 i; i < organisations.length; ++i) {
            if (!isSuspended[organisations[i]]) registry.suspend(organisations[i]);
        }
        vm.stopPrank();
    }

    /// @dev One key of each organisation that claims until all is over; a fresh one, where there is
    /// none, by recovery.
    function _everybodyHasAKey() private returns (uint256[] memory keys) {
        keys = new uint256[](organisations.length);
        for (uint256 i; i < keys.length; ++i) {
            keys[i] = _lastingKey(organisations[i]);
            if (keys[i] != 0) continue;
            uint256 key = uint256(keccak256(abi.encode("rescue", i))) >> 1;
            bytes memory signature = _signBinding(organisations[i], key);
            vm.prank(address(timelock));
            registry.announceRecovery(organisations[i], vm.addr(key), signature);
        }
        vm.warp(block.timestamp + 30 days);
        for (uint256 i; i < keys.length; ++i) {
            if (keys[i] != 0) continue;
            registry.recover(organisations[i]);
            keys[i] = uint256(keccak256(abi.encode("rescue", i))) >> 1;
        }
    }

    function _lastingKey(address organisation) private view returns (uint256) {
        for (uint256 i; i < accounts.length; ++i) {
            GhostAccount memory one = accounts[i];
            bool lasts = one.retiredAt == 0 && one.expiresAt > clock + 61 days;
            if (one.organisation == organisation && one.scopes & Scopes.CLAIM != 0 && lasts) {
                return one.key;
            }
        }
        return 0;
    }

    function _everybodyLeaves(uint256[] memory keys) private {
        for (uint256 round; round < 2; ++round) {
            for (uint256 i; i < known.length; ++i) {
                for (uint256 j; j < keys.length; ++j) {
                    (bytes32 id, address consumer) = (known[i].id, organisations[j]);
                    if (settlement.depositOf(id, consumer) == 0) continue;
                    vm.prank(vm.addr(keys[j]));
                    if (round == 0) settlement.requestLeaving(id, consumer, type(uint128).max);
                    else settlement.leave(id, consumer, vm.addr(keys[j]));
                }
            }
            if (round == 0) vm.warp(block.timestamp + 30 days);
        }
        for (uint256 j; j < keys.length; ++j) {
            uint256 balance = settlement.balanceOf(organisations[j]);
            if (balance == 0) continue;
            vm.prank(vm.addr(keys[j]));
            settlement.claim(organisations[j], vm.addr(keys[j]), balance);
        }
        if (settlement.commissionOwed() > 0) settlement.payOutCommission();
    }

    function _everybodyRedeems(uint256[] memory keys) private {
        for (uint256 i; i < accounts.length; ++i) _redeemAll(accounts[i].account);
        for (uint256 i; i < keys.length; ++i) _redeemAll(vm.addr(keys[i]));
    }

    function _redeemAll(address account) private {
        uint256 held = token.balanceOf(account);
        if (held == 0) return;
        vm.prank(account);
        token.redeem(held, keccak256("payout"));
    }
}
