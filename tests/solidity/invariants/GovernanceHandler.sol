// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";

import {ICommissionPolicy} from "../../../contracts/interfaces/ICommissionPolicy.sol";
import {IParticipantRegistry} from "../../../contracts/interfaces/IParticipantRegistry.sol";
import {Periods} from "../../../contracts/libraries/Periods.sol";
import {GhostLedger} from "./GhostLedger.sol";

/// @title GovernanceHandler
/// @notice The timelock sets rates and stops, guardians stop, strangers try to govern; time passes.
abstract contract GovernanceHandler is GhostLedger {
    // Time

    /// @notice Up to ten days, or to one second around the next period's begin.
    function passTime(uint256 seed) external acting {
        uint256 next = Periods.startOf(Periods.periodOf(clock) + 1);
        bool isNear = next - clock < 20 days && _draw(seed, 1, 2) == 0;
        if (isNear && next - clock > 1) _pass(next - clock - 1 + _draw(seed, 2, 3));
        else _pass(1 + _draw(seed, 3, 10 days));
    }

    // Rates

    /// @notice Any rate from any period on: what the rules allow is recorded, the rest refused.
    function setRate(uint256 seed) external acting {
        uint16 category = categories[_draw(seed, 1, 2)];
        uint32 fromPeriod = Periods.periodOf(clock) + uint32(_draw(seed, 2, 5));
        uint16 rateBps = uint16(_draw(seed, 3, 1_200));
        bytes memory act = abi.encodeCall(policy.setRate, (category, fromPeriod, rateBps));
        bytes4[3] memory reasons = [
            ICommissionPolicy.CommissionPolicy_NoticeTooShort.selector,
            ICommissionPolicy.CommissionPolicy_RateAboveCap.selector,
            ICommissionPolicy.CommissionPolicy_PeriodNotAscending.selector
        ];
        if (_isRefused(address(timelock), address(policy), act, reasons)) return;
        GhostRate[] storage history = rates[category];
        GhostRate storage latest = history[history.length - 1];
        if (latest.fromPeriod == fromPeriod) latest.rateBps = rateBps;
        else history.push(GhostRate(fromPeriod, rateBps));
    }

    // Stop

    function appointGuardian(uint256 seed) external acting {
        uint256 choice = _draw(seed, 1, 5);
        address chosen = choice == 4 ? address(0) : guardians[choice % 2];
        vm.prank(address(timelock));
        registry.appointGuardian(chosen);
        guardianInOffice = chosen;
    }

    /// @notice A guardian stops for as long as it likes: what the rules allow is recorded.
    function stopByGuardian(uint256 seed) external acting {
        vm.assume(guardianInOffice != address(0));
        if (_draw(seed, 4, 4) == 0) _pass(_draw(seed, 5, 50 days));
        uint40 duration = uint40(1 + _draw(seed, 1, 3 days));
        if (_draw(seed, 2, 4) == 0) duration = uint40(1 + _draw(seed, 3, 30 days));
        bytes4[3] memory reasons = [
            IParticipantRegistry.ParticipantRegistry_StopTooLong.selector,
            IParticipantRegistry.ParticipantRegistry_Stopped.selector,
            bytes4(0)
        ];
        bytes memory act = abi.encodeCall(registry.stop, (duration));
        if (_isRefused(guardianInOffice, address(registry), act, reasons)) return;
        stoppedUntil = clock + duration;
        guardianStops.push(GhostStop(clock, stoppedUntil));
    }

    function stopByGovernance(uint256 seed) external acting {
        vm.assume(_draw(seed, 1, 2) == 0);
        uint40 duration = uint40(1 + _draw(seed, 2, 4 days));
        vm.prank(address(timelock));
        registry.stop(duration);
        stoppedUntil = clock + duration;
    }

    function endStop() external acting {
        vm.assume(_isStopped());
        vm.prank(address(timelock));
        registry.endStop();
        stoppedUntil = clock;
    }

    // Strangers

    /// @notice Everybody but the timelock (and the guardian, to stop) tries an act of governance.
    function governWithoutPower(uint256 seed) external acting {
        address caller = _powerless(seed);
        (address target, bytes memory act) = _actOfGovernance(caller, seed);
        bytes4[3] memory reasons = [
            IAccessManaged.AccessManagedUnauthorized.selector,
            IParticipantRegistry.ParticipantRegistry_NotGuardian.selector,
            IAccessManager.AccessManagerUnauthorizedAccount.selector
        ];
        if (!_isRefused(caller, target, act, reasons)) {
            seizures.push(string.concat("governed: ", vm.toString(act)));
        }
    }

    function _powerless(uint256 seed) private view returns (address caller) {
        uint256 choice = _draw(seed, 1, 6);
        if (choice == 0) return strangers[0];
        if (choice == 1) return proposer;
        if (choice == 2) return whoDeployed;
        if (choice == 3 && consented.length > 0) return vm.addr(consented[0].holderKey);
        if (choice == 4) {
            caller = guardians[_draw(seed, 2, 2)];
            if (caller != guardianInOffice) return caller;
        }
        return _anyAccount(seed).account;
    }

    function _actOfGovernance(
        address caller,
        uint256 seed
    ) private view returns (address target, bytes memory act) {
        address organisation = _anyOrganisation(seed);
        bytes32 leaf = consented.length > 0 ? consented[0].leaf : bytes32(0);
        bytes[14] memory acts = [
            abi.encodeCall(registry.admit, ("did:ebsi:x", 0, 0, caller, "")),
            abi.encodeCall(registry.classify, (organisation, 0, 0)),
            abi.encodeCall(registry.suspend, (organisation)),
            abi.encodeCall(registry.reinstate, (organisation)),
            abi.encodeCall(registry.announceRecovery, (organisation, caller, "")),
            abi.encodeCall(registry.appointGuardian, (caller)),
            abi.encodeCall(registry.endStop, ()),
            abi.encodeCall(registry.stop, (1)),
            abi.encodeCall(registry.setAuthority, (caller)),
            abi.encodeCall(policy.setRate, (CATALOGUE, PERIOD + 99, 1)),
            abi.encodeCall(consents.invalidate, (leaf)),
            abi.encodeCall(token.issue, (caller, 1, 0)),
            abi.encodeCall(treasury.grant, (caller, 1, 0)),
            abi.encodeCall(manager.grantRole, (0, caller, 0))
        ];
        uint256 choice = _draw(seed, 3, acts.length);
        act = acts[choice];
        if (choice < 9) target = address(registry);
        else if (choice == 9) target = address(policy);
        else if (choice == 10) target = address(consents);
        else if (choice == 11) target = address(token);
        else target = choice == 12 ? address(treasury) : address(manager);
    }
}
