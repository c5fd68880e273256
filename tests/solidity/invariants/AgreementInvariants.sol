// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IAgreementRegistry} from "../../../contracts/interfaces/IAgreementRegistry.sol";
import {LedgerHandlers} from "./LedgerHandlers.sol";

/// @title AgreementInvariants
/// @notice Agreements move along few ways, and only their parties move them.
abstract contract AgreementInvariants is LedgerHandlers {
    /// @notice I12: every move seen is allowed; docs/invariants.md lists the forbidden.
    function invariant_statesMoveOnlyAlongAllowedWays() public view {
        for (uint256 from; from < 5; ++from) {
            for (uint256 to; to < 5; ++to) {
                if (!_isAllowed(from, to)) assertEq(moves[from][to], 0, _way(from, to));
            }
        }
        assertEq(forbiddenMoves.length, 0, forbiddenMoves.length > 0 ? forbiddenMoves[0] : "");
    }

    /// @notice I13
    function invariant_terminatedIsForEver() public {
        vm.warp(clock);
        for (uint256 i; i < known.length; ++i) {
            if (known[i].state != IAgreementRegistry.State.Terminated) continue;
            IAgreementRegistry.Agreement memory is_ = agreements.agreementOf(known[i].id);
            assertTrue(is_.state == IAgreementRegistry.State.Terminated);
            for (uint256 j; j < organisations.length; ++j) {
                assertFalse(agreements.isActiveFor(known[i].id, organisations[j]));
            }
        }
    }

    /// @notice I14
    function invariant_activeOnlyWhereAllSigned() public view {
        for (uint256 i; i < known.length; ++i) {
            bytes32 id = known[i].id;
            IAgreementRegistry.Agreement memory is_ = agreements.agreementOf(id);
            uint256 signatures;
            for (uint256 j; j < organisations.length; ++j) {
                bool hasSigned = agreements.partyOf(id, organisations[j]).signedAt != 0;
                assertEq(hasSigned, signedBy[id][organisations[j]]);
                if (hasSigned) ++signatures;
            }
            assertEq(is_.signatureCount, signatures);
            assertEq(is_.partyCount, known[i].parties.length);
            bool isBeyond =
                is_.state == IAgreementRegistry.State.Active ||
                    is_.state == IAgreementRegistry.State.Suspended;
            if (isBeyond) assertEq(signatures, known[i].parties.length);
            assertEq(agreements.wasActivated(id), signatures == known[i].parties.length);
        }
    }

    /// @notice I15
    function invariant_suspendedExactlyWhileAPartySaysSo() public view {
        for (uint256 i; i < known.length; ++i) {
            bytes32 id = known[i].id;
            IAgreementRegistry.Agreement memory is_ = agreements.agreementOf(id);
            uint256 suspensions;
            for (uint256 j; j < organisations.length; ++j) {
                bool suspends = agreements.partyOf(id, organisations[j]).suspendedAt != 0;
                assertEq(suspends, suspendedBy[id][organisations[j]]);
                if (suspends) ++suspensions;
            }
            assertEq(is_.suspensionCount, suspensions);
            assertTrue(is_.state == known[i].state);
            if (is_.state == IAgreementRegistry.State.Terminated) continue;
            assertEq(is_.state == IAgreementRegistry.State.Suspended, suspensions > 0);
        }
    }

    /// @dev 0 unknown, 1 proposed, 2 active, 3 suspended, 4 terminated.
    function _isAllowed(uint256 from, uint256 to) private pure returns (bool) {
        if (from == 0) return to == 1;
        if (from == 1) return to == 2 || to == 4;
        if (from == 2) return to == 3 || to == 4;
        if (from == 3) return to == 2 || to == 4;
        return false;
    }

    function _way(uint256 from, uint256 to) private pure returns (string memory) {
        return string.concat("from ", vm.toString(from), " to ", vm.toString(to));
    }
}
