// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IParticipantRegistry} from "../../../contracts/interfaces/IParticipantRegistry.sol";
import {Scopes} from "../../../contracts/libraries/Scopes.sol";
import {LedgerHandlers} from "./LedgerHandlers.sol";

/// @title ParticipantInvariants
/// @notice Accounts, suspensions and stops.
abstract contract ParticipantInvariants is LedgerHandlers {
    /// @notice I22
    function invariant_anAccountBelongsToOneOrganisationForEver() public view {
        for (uint256 i; i < accounts.length; ++i) {
            GhostAccount storage was = accounts[i];
            IParticipantRegistry.Account memory is_ = registry.accountOf(was.account);
            assertEq(is_.organisation, was.organisation);
            assertEq(is_.scopes, was.scopes);
            assertEq(is_.expiresAt, was.expiresAt);
        }
    }

    /// @notice I23
    function invariant_retiredStaysRetired() public {
        vm.warp(clock);
        for (uint256 i; i < accounts.length; ++i) {
            GhostAccount storage was = accounts[i];
            assertEq(registry.accountOf(was.account).retiredAt, was.retiredAt);
            for (uint8 scope = Scopes.MANAGE; scope <= Scopes.CLAIM; scope *= 2) {
                assertEq(
                    registry.speaksFor(was.account, was.organisation, scope),
                    _speaks(was, was.organisation, scope)
                );
            }
        }
    }

    /// @notice I24: whoever was barred did no new business; what nothing blocks is done by the
    /// handlers all the time, whoever is barred, and a revert is a finding.
    function invariant_suspensionAndStopBlockNewBusinessAlone() public {
        vm.warp(clock);
        assertEq(barredBusiness.length, 0, barredBusiness.length > 0 ? barredBusiness[0] : "");
        assertEq(registry.stoppedUntil() > clock, _isStopped());
        for (uint256 i; i < organisations.length; ++i) {
            address one = organisations[i];
            IParticipantRegistry.Participant memory is_ = registry.participantOf(one);
            assertTrue(
                is_.status ==
                    (
                        isSuspended[one]
                            ? IParticipantRegistry.Status.Suspended
                            : IParticipantRegistry.Status.Admitted
                    )
            );
            assertEq(is_.roles, standings[one].roles);
            assertEq(is_.college, standings[one].college);
        }
    }

    /// @notice I26: the stopped time of a window is largest for one that begins with a stop.
    function invariant_guardiansStopAtMost14DaysInAny90() public view {
        for (uint256 i; i < guardianStops.length; ++i) {
            uint256 opens = guardianStops[i].start;
            uint256 closes = opens + 90 days;
            uint256 stopped;
            for (uint256 j = i; j < guardianStops.length; ++j) {
                GhostStop storage one = guardianStops[j];
                if (one.start >= closes) break;
                stopped += (one.end < closes ? one.end : closes) - one.start;
            }
            assertLe(stopped, 14 days);
        }
    }
}
