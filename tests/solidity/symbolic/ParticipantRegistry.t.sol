// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IParticipantRegistry} from "../../../contracts/interfaces/IParticipantRegistry.sol";
import {ParticipantRegistry} from "../../../contracts/ParticipantRegistry.sol";
import {Agreeable} from "./Agreeable.sol";
import {AnyState} from "./AnyState.sol";

/// @notice Who may act for whom, from any accounts, delegations, states and stops.
contract ParticipantRegistrySymbolic is AnyState {
    Agreeable private authority;
    ParticipantRegistry private registry;

    function setUp() public {
        authority = new Agreeable();
        registry = new ParticipantRegistry(address(authority));
    }

    function check_noScopeNoVoice(
        address account,
        address organisation,
        uint8 scope,
        uint40 time
    ) external {
        _begin(time);
        vm.assume(registry.accountOf(account).scopes & scope == 0);
        assertFalse(registry.speaksFor(account, organisation, scope));
    }

    function check_outOfServiceNoVoice(
        address account,
        address organisation,
        uint8 scope,
        uint40 time
    ) external {
        _begin(time);
        IParticipantRegistry.Account memory bound = registry.accountOf(account);
        vm.assume(bound.retiredAt != 0 || bound.expiresAt <= time);
        assertFalse(registry.speaksFor(account, organisation, scope));
    }

    function check_anotherOrganisationOnlyByItsDelegation(
        address account,
        address organisation,
        uint8 scope,
        uint40 time
    ) external {
        _begin(time);
        address own = registry.accountOf(account).organisation;
        vm.assume(own != organisation);
        IParticipantRegistry.Delegation memory given = registry.delegationOf(organisation, own);
        vm.assume(given.scopes & scope == 0 || given.expiresAt <= time);
        assertFalse(registry.speaksFor(account, organisation, scope));
    }

    function check_authorise_isAVoiceAndMore(
        address account,
        address organisation,
        uint8 scope,
        uint40 time
    ) external {
        _begin(time);
        registry.authorise(account, organisation, scope);
        IParticipantRegistry.Status suspended = IParticipantRegistry.Status.Suspended;
        address own = registry.accountOf(account).organisation;
        assertTrue(registry.speaksFor(account, organisation, scope));
        assertTrue(registry.participantOf(organisation).status != suspended);
        assertTrue(registry.participantOf(own).status != suspended);
        assertTrue(registry.stoppedUntil() <= time);
    }

    function check_delegate_neverMoneyOrKeys(
        address organisation,
        address operator,
        uint8 scopes,
        uint40 expiresAt,
        uint40 time
    ) external {
        _begin(time);
        vm.assume(scopes & ~uint8(6) != 0); // neither agree nor anchor
        try registry.delegate(organisation, operator, scopes, expiresAt) {
            assertTrue(false);
        } catch {}
    }

    function check_delegate_onlyByItsManager(
        address caller,
        address organisation,
        address operator,
        uint8 scopes,
        uint40 expiresAt
    ) external {
        _begin(1);
        vm.assume(!registry.speaksFor(caller, organisation, 1));
        vm.prank(caller);
        try registry.delegate(organisation, operator, scopes, expiresAt) {
            assertTrue(false);
        } catch {}
    }

    function check_anAccountIsBoundOnce(
        address organisation,
        address account,
        uint8 scopes,
        uint40 expiresAt,
        uint40 time
    ) external {
        _begin(time);
        vm.assume(registry.accountOf(account).organisation != address(0));
        try registry.bindAccount(organisation, account, scopes, expiresAt, "") {
            assertTrue(false);
        } catch {}
    }

    function check_retire_isForEver(address account, uint40 time) external {
        _begin(time);
        vm.assume(registry.accountOf(account).retiredAt != 0);
        try registry.retireAccount(account) {
            assertTrue(false);
        } catch {}
    }

    /// @notice Exactly: own voucher scope, and in service, or the period began before it ended and
    /// the notice still runs.
    function check_signsVoucherFor_untilTheNoticeEnds(
        address signer,
        address organisation,
        uint40 periodStart,
        uint40 time
    ) external {
        _begin(time);
        IParticipantRegistry.Account memory bound = registry.accountOf(signer);
        uint256 end = bound.expiresAt;
        if (bound.retiredAt != 0 && bound.retiredAt < end) end = bound.retiredAt;
        bool inService = time < end;
        bool inNotice = periodStart < end && time < end + 30 days;
        bool mayEver = bound.organisation == organisation && bound.scopes & 8 != 0;
        assertEq(
            registry.signsVoucherFor(signer, organisation, periodStart),
            mayEver && (inService || inNotice)
        );
    }

    function check_guardianStops14DaysAtMost(
        address caller,
        uint40 duration,
        uint40 time
    ) external {
        _begin(time);
        authority.set(false, address(0), 0);
        uint256 stoppedBefore = registry.stoppedUntil();
        vm.prank(caller);
        registry.stop(duration);
        assertEq(caller, registry.guardian());
        assertTrue(duration <= 14 days);
        assertTrue(stoppedBefore <= time); // never on top of a stop that runs
        assertEq(registry.stoppedUntil(), uint256(time) + duration);
    }

    /// @notice Two stops in one allowance: together 14 days, too.
    function check_guardianStops14DaysInAll(
        uint40 one,
        uint40 two,
        uint40 time,
        uint40 later
    ) external {
        _begin(time);
        authority.set(false, address(0), 0);
        vm.startPrank(registry.guardian());
        registry.stop(one);
        vm.assume(later >= time && later < uint256(time) + 90 days);
        vm.warp(later);
        registry.stop(two);
        assertTrue(uint256(one) + two <= 14 days);
    }

    function check_recover_waitsForTheNotice(address organisation, uint40 time) external {
        _begin(time);
        vm.assume(registry.recoveryOf(organisation).executableAt > time);
        try registry.recover(organisation) {
            assertTrue(false);
        } catch {}
    }

    function check_governanceAlone(address organisation, uint8 choice) external {
        _begin(1);
        authority.set(false, address(0), 0);
        bytes memory data;
        if (choice == 0) data = abi.encodeCall(registry.suspend, (organisation));
        else if (choice == 1) data = abi.encodeCall(registry.reinstate, (organisation));
        else if (choice == 2) data = abi.encodeCall(registry.classify, (organisation, 1, 1));
        else if (choice == 3) data = abi.encodeCall(registry.appointGuardian, (organisation));
        else if (choice == 4) data = abi.encodeCall(registry.endStop, ());
        else data = abi.encodeCall(registry.admit, ("did", 1, 1, organisation, ""));
        (bool done, ) = address(registry).call(data);
        assertFalse(done);
    }

    function _begin(uint40 time) private {
        _anyTime(time);
        _anyStateOf(address(registry));
        // The authority is no part of the state at large: it is the one of the deployment.
        vm.assume(registry.authority() == address(authority));
    }
}
