// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {LedgerHandlers} from "./LedgerHandlers.sol";

/// @title PowerInvariants
/// @notice The timelock governs; its proposer proposes and cancels, anyone executes what is due.
abstract contract PowerInvariants is LedgerHandlers {
    /// @notice I25: in what was tried; in who has the role of every act of governance; and, for one
    /// of all who act, by turn, in the manager's answer for each such act and in the timelock's own
    /// roles. To ask that for all of them after every act would take as long as all the rest.
    function invariant_nobodyButTheTimelockHasPower() public view {
        assertEq(seizures.length, 0, seizures.length > 0 ? seizures[0] : "");
        (bool governs, ) = manager.hasRole(manager.ADMIN_ROLE(), address(timelock));
        assertTrue(governs);
        address[] memory few = _few();
        for (uint256 i; i < few.length; ++i) _expectNoAdmin(few[i]);
        for (uint256 i; i < accounts.length; ++i) _expectNoAdmin(accounts[i].account);
        _expectNoPower(_oneByTurn(few));
        assertEq(registry.authority(), address(manager));
        assertEq(policy.authority(), address(manager));
        assertEq(consents.authority(), address(manager));
        assertEq(token.authority(), address(manager));
        assertEq(treasury.authority(), address(manager));
        assertEq(registry.guardian(), guardianInOffice);
    }

    /// @dev Who acts besides the organisations' accounts and the learners, and our own contracts.
    function _few() private view returns (address[] memory few) {
        few = new address[](14);
        (few[0], few[1], few[2]) = (address(registry), address(policy), address(agreements));
        (few[3], few[4], few[5]) = (address(consents), address(token), address(settlement));
        (few[6], few[7], few[8]) = (address(treasury), address(this), whoDeployed);
        (few[9], few[10]) = (guardians[0], guardians[1]);
        (few[11], few[12], few[13]) = (strangers[0], strangers[1], proposer);
    }

    function _oneByTurn(address[] memory few) private view returns (address) {
        uint256 turn = actsDone % (few.length + accounts.length + consented.length);
        if (turn < few.length) return few[turn];
        turn -= few.length;
        if (turn < accounts.length) return accounts[turn].account;
        return vm.addr(consented[turn - accounts.length].holderKey);
    }

    function _expectNoAdmin(address account) private view {
        (bool isAdmin, ) = manager.hasRole(manager.ADMIN_ROLE(), account);
        assertFalse(isAdmin);
    }

    function _expectNoPower(address account) private view {
        bool proposes = account == proposer;
        assertEq(timelock.hasRole(timelock.PROPOSER_ROLE(), account), proposes);
        assertEq(timelock.hasRole(timelock.CANCELLER_ROLE(), account), proposes);
        // Nobody has it, because it is address zero's: whoever likes executes what is due.
        assertFalse(timelock.hasRole(timelock.EXECUTOR_ROLE(), account));
        assertFalse(timelock.hasRole(timelock.DEFAULT_ADMIN_ROLE(), account));
        _expectCannot(account, address(registry), registry.admit.selector);
        _expectCannot(account, address(registry), registry.classify.selector);
        _expectCannot(account, address(registry), registry.suspend.selector);
        _expectCannot(account, address(registry), registry.reinstate.selector);
        _expectCannot(account, address(registry), registry.announceRecovery.selector);
        _expectCannot(account, address(registry), registry.appointGuardian.selector);
        _expectCannot(account, address(registry), registry.endStop.selector);
        _expectCannot(account, address(policy), policy.setRate.selector);
        _expectCannot(account, address(consents), consents.invalidate.selector);
        _expectCannot(account, address(token), token.issue.selector);
        _expectCannot(account, address(treasury), treasury.grant.selector);
        // These two are a guardian's and a manager's, too, but not by the manager of access.
        _expectCannot(account, address(registry), registry.stop.selector);
        _expectCannot(account, address(registry), registry.cancelRecovery.selector);
    }

    function _expectCannot(address account, address target, bytes4 selector) private view {
        (bool can, uint32 delay) = manager.canCall(account, target, selector);
        assertFalse(can);
        assertEq(delay, 0);
    }
}
