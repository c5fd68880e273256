// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IParticipantRegistry} from "../../../contracts/interfaces/IParticipantRegistry.sol";
import {Scopes} from "../../../contracts/libraries/Scopes.sol";
import {GhostLedger} from "./GhostLedger.sol";

/// @title ParticipantHandler
/// @notice Organisations come, are suspended and reinstated, rotate, delegate, lose their keys and
/// are recovered.
abstract contract ParticipantHandler is GhostLedger {
    struct GhostStanding {
        uint8 roles;
        uint8 college;
    }

    mapping(address organisation => GhostStanding) internal standings;

    function admit(uint256 seed) external acting {
        vm.assume(organisations.length < ORGANISATIONS_MAX);
        string memory did = string.concat("did:ebsi:member-", vm.toString(organisations.length));
        address organisation = address(uint160(uint256(keccak256(bytes(did)))));
        uint256 key = _freshKey();
        GhostStanding memory standing = GhostStanding(uint8(seed), uint8(seed >> 8));
        bytes memory signature = _signBinding(organisation, key);
        vm.prank(address(timelock));
        registry.admit(did, standing.roles, standing.college, vm.addr(key), signature);
        organisations.push(organisation);
        standings[organisation] = standing;
        _remember(organisation, key, Scopes.ALL, FOREVER);
    }

    function classify(uint256 seed) external acting {
        address organisation = _anyOrganisation(seed);
        GhostStanding memory standing = GhostStanding(uint8(seed), uint8(seed >> 8));
        vm.prank(address(timelock));
        registry.classify(organisation, standing.roles, standing.college);
        standings[organisation] = standing;
    }

    function suspendOrReinstate(uint256 seed) external acting {
        address organisation = _anyOrganisation(seed);
        // Rather reinstate: one barred organisation is enough to meet it everywhere.
        for (uint256 i; i < organisations.length && _draw(seed, 1, 4) > 0; ++i) {
            if (isSuspended[organisations[i]]) organisation = organisations[i];
        }
        vm.prank(address(timelock));
        if (isSuspended[organisation]) registry.reinstate(organisation);
        else registry.suspend(organisation);
        isSuspended[organisation] = !isSuspended[organisation];
    }

    function describe(uint256 seed) external acting {
        address organisation = _anyOrganisation(seed);
        GhostAccount memory manager_ = _speaker(organisation, Scopes.MANAGE, seed);
        vm.assume(manager_.key != 0);
        vm.prank(manager_.account);
        registry.describe(organisation, "https://node.example", keccak256(abi.encode(seed)));
    }

    function bindAccount(uint256 seed) external acting {
        vm.assume(accounts.length < ACCOUNTS_MAX);
        address organisation = _anyOrganisation(seed);
        GhostAccount memory manager_ = _speaker(organisation, Scopes.MANAGE, seed);
        vm.assume(manager_.key != 0);
        uint256 key = _freshKey();
        uint8 scopes = uint8(1 + _draw(seed, 1, Scopes.ALL));
        uint40 expiresAt = uint40(clock + 1 + _draw(seed, 2, 120 days));
        if (_draw(seed, 3, 2) == 0) expiresAt = FOREVER;
        bytes memory signature = _signBinding(organisation, key);
        vm.prank(manager_.account);
        registry.bindAccount(organisation, vm.addr(key), scopes, expiresAt, signature);
        _remember(organisation, key, scopes, expiresAt);
    }

    /// @notice An account that belongs to somebody, retired or not, belongs to nobody else.
    function bindTakenAccount(uint256 seed) external acting {
        address organisation = _anyOrganisation(seed);
        GhostAccount memory manager_ = _speaker(organisation, Scopes.MANAGE, seed);
        vm.assume(manager_.key != 0);
        GhostAccount memory taken = _anyAccount(seed);
        bytes memory signature = _signBinding(organisation, taken.key);
        bytes memory act = abi.encodeCall(
            registry.bindAccount,
            (organisation, taken.account, Scopes.ALL, FOREVER, signature)
        );
        bytes4 reason = IParticipantRegistry.ParticipantRegistry_AccountTaken.selector;
        if (!_isRefused(manager_.account, address(registry), act, [reason, bytes4(0), bytes4(0)])) {
            seizures.push("an account was bound twice");
        }
    }

    function retireAccount(uint256 seed) external acting {
        uint256 index = _draw(seed, 1, accounts.length);
        GhostAccount storage one = accounts[index];
        vm.assume(one.retiredAt == 0);
        GhostAccount memory manager_ = _speaker(one.organisation, Scopes.MANAGE, seed);
        // The first accounts keep the world going: they retire rarely.
        vm.assume(index > 2 || _draw(seed, 2, 4) == 0);
        _retire(one, manager_.key != 0 ? manager_.account : one.account);
    }

    /// @notice The organisation is left without any key that speaks for it.
    function loseEveryKey(uint256 seed) external acting {
        address organisation = _anyOrganisation(seed);
        vm.assume(_draw(seed, 1, 2) == 0);
        for (uint256 i; i < accounts.length; ++i) {
            GhostAccount storage one = accounts[i];
            if (one.organisation == organisation && one.retiredAt == 0) _retire(one, one.account);
        }
    }

    function delegate(uint256 seed) external acting {
        address organisation = _anyOrganisation(seed);
        address to = organisations[_draw(seed, 1, organisations.length)];
        GhostAccount memory manager_ = _speaker(organisation, Scopes.MANAGE, seed);
        vm.assume(manager_.key != 0 && to != organisation);
        uint8 scopes = uint8(_draw(seed, 2, 4) * Scopes.AGREE);
        uint40 expiresAt = uint40(clock + 1 + _draw(seed, 3, 90 days));
        vm.prank(manager_.account);
        registry.delegate(organisation, to, scopes, expiresAt);
        delegations[organisation][to] = GhostDelegation(scopes, expiresAt);
    }

    function announceRecovery(uint256 seed) external acting {
        vm.assume(accounts.length < ACCOUNTS_MAX);
        address organisation = _anyOrganisation(seed);
        for (uint256 i; i < organisations.length; ++i) {
            bool isLost = _speaker(organisations[i], Scopes.MANAGE, seed).key == 0;
            if (isLost && recoveries[organisations[i]].key == 0) organisation = organisations[i];
        }
        uint256 key = _freshKey();
        bytes memory signature = _signBinding(organisation, key);
        vm.prank(address(timelock));
        registry.announceRecovery(organisation, vm.addr(key), signature);
        recoveries[organisation] = GhostRecovery(key, clock + 30 days);
    }

    function cancelRecovery(uint256 seed) external acting {
        address organisation = _recovering(seed);
        GhostAccount memory manager_ = _speaker(organisation, Scopes.MANAGE, seed);
        // Who has no key left hopes for the recovery.
        vm.assume(manager_.key != 0);
        vm.prank(_draw(seed, 1, 2) == 0 ? manager_.account : address(timelock));
        registry.cancelRecovery(organisation);
        delete recoveries[organisation];
    }

    function recover(uint256 seed) external acting {
        address organisation = _recovering(seed);
        GhostRecovery memory recovery = recoveries[organisation];
        if (clock < recovery.executableAt) _pass(recovery.executableAt - clock);
        vm.prank(strangers[0]);
        registry.recover(organisation);
        delete recoveries[organisation];
        _remember(organisation, recovery.key, Scopes.ALL, FOREVER);
    }

    function recoverTooEarly(uint256 seed) external acting {
        address organisation = _recovering(seed);
        vm.assume(clock < recoveries[organisation].executableAt);
        bytes memory act = abi.encodeCall(registry.recover, (organisation));
        bytes4 reason = IParticipantRegistry.ParticipantRegistry_RecoveryNotDue.selector;
        if (!_isRefused(strangers[0], address(registry), act, [reason, bytes4(0), bytes4(0)])) {
            seizures.push("an organisation was recovered before its notice");
        }
    }

    function _retire(GhostAccount storage one, address by) private {
        vm.prank(by);
        registry.retireAccount(one.account);
        one.retiredAt = uint40(clock);
    }

    function _recovering(uint256 seed) private view returns (address organisation) {
        uint256 offset = _draw(seed, 4, organisations.length);
        for (uint256 i; i < organisations.length; ++i) {
            organisation = organisations[(offset + i) % organisations.length];
            if (recoveries[organisation].key != 0) return organisation;
        }
        vm.assume(false);
    }
}
