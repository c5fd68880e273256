// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {Scopes} from "../../../contracts/libraries/Scopes.sol";
import {LedgerFixture} from "../LedgerFixture.sol";

/// @title Actors
/// @notice Who acts in the campaigns: organisations with accounts of every scope and expiry,
/// learners with one-time keys, a guardian and strangers; and the clock they all live by. What an
/// account may do is worked out here from what was granted, never asked from the contracts.
abstract contract Actors is LedgerFixture {
    struct GhostAccount {
        address account;
        uint256 key;
        address organisation;
        uint8 scopes;
        uint40 expiresAt;
        uint40 retiredAt;
    }

    struct GhostDelegation {
        uint8 scopes;
        uint40 expiresAt;
    }

    struct GhostRecovery {
        uint256 key;
        uint256 executableAt;
    }

    uint256 internal constant ORGANISATIONS_MAX = 6;
    uint256 internal constant ACCOUNTS_MAX = 24;

    uint256 internal clock;
    uint256 internal stoppedUntil;
    uint256 internal actsDone;
    address[] internal organisations;
    GhostAccount[] internal accounts;
    mapping(address organisation => bool) internal isSuspended;
    mapping(address organisation => mapping(address operator => GhostDelegation))
        internal delegations;
    mapping(address organisation => GhostRecovery) internal recoveries;
    /// @dev Own namespaces to end leaves in, besides the organisations'.
    address[2] internal strangers = [makeAddr("first stranger"), makeAddr("second stranger")];
    address[2] internal guardians = [makeAddr("first guardian"), makeAddr("second guardian")];
    address internal whoDeployed = makeAddr("deployer");
    uint256 private _keys;

    /// @notice Every act happens at the campaign's own time, whatever was checked in between; and
    /// after it some hours pass.
    modifier acting() {
        vm.warp(clock);
        _;
        _observe();
        _pass(_draw(clock, ++actsDone, 20 hours));
    }

    function _pass(uint256 duration) internal virtual;

    /// @dev Looks at what an act has changed, whoever did it.
    function _observe() internal virtual;

    function _gather() internal {
        clock = block.timestamp;
        Organisation[3] memory first = [school, company, operator];
        for (uint256 i; i < 3; ++i) {
            organisations.push(first[i].id);
            _remember(first[i].id, first[i].key, Scopes.ALL, FOREVER);
        }
    }

    function _remember(address organisation, uint256 key, uint8 scopes, uint40 expiresAt) internal {
        accounts.push(GhostAccount(vm.addr(key), key, organisation, scopes, expiresAt, 0));
    }

    /// @notice A key that nobody used before.
    function _freshKey() internal returns (uint256) {
        return uint256(keccak256(abi.encode("key", ++_keys))) >> 1;
    }

    // Chance

    /// @notice The n-th choice below `below` that a seed stands for.
    function _draw(uint256 seed, uint256 n, uint256 below) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, n))) % below;
    }

    function _anyOrganisation(uint256 seed) internal view returns (address) {
        return organisations[_draw(seed, 101, organisations.length)];
    }

    function _anyAccount(uint256 seed) internal view returns (GhostAccount memory) {
        return accounts[_draw(seed, 102, accounts.length)];
    }

    // Who may do what

    function _isStopped() internal view returns (bool) {
        return clock < stoppedUntil;
    }

    function _isInService(GhostAccount memory one) internal view returns (bool) {
        return one.retiredAt == 0 && clock < one.expiresAt;
    }

    function _speaks(
        GhostAccount memory one,
        address organisation,
        uint8 scope
    ) internal view returns (bool) {
        if (!_isInService(one) || one.scopes & scope == 0) return false;
        if (one.organisation == organisation) return true;
        GhostDelegation memory delegation = delegations[organisation][one.organisation];
        return delegation.scopes & scope != 0 && clock < delegation.expiresAt;
    }

    /// @notice An account that speaks for the organisation; key 0: there is none.
    function _speaker(
        address organisation,
        uint8 scope,
        uint256 seed
    ) internal view returns (GhostAccount memory one) {
        uint256 offset = _draw(seed, 103, accounts.length);
        for (uint256 i; i < accounts.length; ++i) {
            one = accounts[(offset + i) % accounts.length];
            if (_speaks(one, organisation, scope)) return one;
        }
        delete one;
    }

    /// @notice An account that may do new business for the organisation; key 0: there is none.
    function _authorised(
        address organisation,
        uint8 scope,
        uint256 seed
    ) internal view returns (GhostAccount memory one) {
        if (_isStopped() || isSuspended[organisation]) return one;
        uint256 offset = _draw(seed, 104, accounts.length);
        for (uint256 i; i < accounts.length; ++i) {
            one = accounts[(offset + i) % accounts.length];
            if (_speaks(one, organisation, scope) && !isSuspended[one.organisation]) return one;
        }
        delete one;
    }

    /// @notice An account whose voucher binds the organisation for a period; key 0: there is none.
    function _voucherSigner(
        address organisation,
        uint256 periodStart,
        uint256 seed
    ) internal view returns (GhostAccount memory one) {
        uint256 offset = _draw(seed, 105, accounts.length);
        for (uint256 i; i < accounts.length; ++i) {
            one = accounts[(offset + i) % accounts.length];
            if (one.organisation != organisation || one.scopes & Scopes.VOUCHER == 0) continue;
            uint256 end = one.expiresAt;
            if (one.retiredAt != 0 && one.retiredAt < end) end = one.retiredAt;
            if (clock < end || (periodStart < end && clock < end + 30 days)) return one;
        }
        delete one;
    }

    /// @notice An account that nobody ever let act for the organisation; a stranger's if all may.
    function _outsider(address organisation, uint256 seed) internal view returns (address) {
        uint256 offset = _draw(seed, 106, accounts.length);
        for (uint256 i; i < accounts.length; ++i) {
            GhostAccount memory one = accounts[(offset + i) % accounts.length];
            bool isOwn = one.organisation == organisation;
            bool isDelegate = delegations[organisation][one.organisation].scopes != 0;
            if (!isOwn && !isDelegate) return one.account;
        }
        return strangers[0];
    }
}
