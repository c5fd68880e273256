// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IMerkleLog} from "../../../contracts/interfaces/IMerkleLog.sol";
import {LedgerHandlers} from "./LedgerHandlers.sol";

/// @title ConsentInvariants
/// @notice Who ended what and when; what the log proves, and what it does not.
abstract contract ConsentInvariants is LedgerHandlers {
    /// @notice I16
    function invariant_aConsentIsActiveExactlyByTheRule() public {
        vm.warp(clock);
        for (uint256 i; i < consented.length; ++i) {
            assertEq(_isActive(consented[i]), _shouldBeActive(consented[i]));
        }
    }

    /// @notice I17
    function invariant_anEndedConsentIsNeverActiveAgain() public {
        vm.warp(clock);
        for (uint256 i; i < consented.length; ++i) {
            if (_isEnded(consented[i])) assertFalse(_isActive(consented[i]));
        }
    }

    /// @notice I18
    function invariant_theFirstEndingsTimeNeverMoves() public view {
        for (uint256 i; i < consented.length; ++i) {
            bytes32 leaf = consented[i].leaf;
            address[4] memory who = [
                vm.addr(consented[i].holderKey),
                consented[i].issuer,
                address(consents),
                strangers[0]
            ];
            for (uint256 j; j < who.length; ++j) {
                uint256 first = endedAt[who[j]][leaf];
                if (first != 0) assertEq(consents.revocations(who[j], leaf), first);
            }
        }
    }

    /// @notice I19: no namespace holds an ending that was not its own act; only the timelock's
    /// `invalidate` writes the contract's.
    function invariant_nobodyEndsOutsideTheirOwnNamespace() public view {
        assertEq(endingsEmitted, endings);
        for (uint256 i; i < consented.length; ++i) {
            bytes32 leaf = consented[i].leaf;
            _expectEnding(vm.addr(consented[i].holderKey), leaf);
            _expectEnding(address(consents), leaf);
            _expectEnding(address(timelock), leaf);
            _expectEnding(strangers[0], leaf);
            _expectEnding(strangers[1], leaf);
            for (uint256 j; j < organisations.length; ++j) _expectEnding(organisations[j], leaf);
        }
    }

    /// @notice I20: neither a leaf below an anchored node nor one that only others anchored, with
    /// any index and every part of the path.
    function invariant_onlyEmittedLeavesAreProvable() public {
        vm.warp(clock);
        for (uint256 i; i < consented.length; ++i) {
            GhostConsent storage consent = consented[i];
            if (consent.isProvable) continue;
            for (uint256 length; length <= consent.path.length; ++length) {
                bytes32[] memory path = new bytes32[](length);
                for (uint256 j; j < length; ++j) path[j] = consent.path[j];
                for (uint256 index; index < 4; ++index) {
                    IMerkleLog.InclusionProof memory proof = IMerkleLog.InclusionProof(
                        consent.root,
                        index,
                        path
                    );
                    assertFalse(consents.isActive(consent.entry, proof));
                }
            }
        }
    }

    /// @notice I21
    function invariant_theLogHasNoGap() public view {
        uint256 size;
        for (uint256 i; i < batches.length; ++i) {
            GhostBatch storage batch = batches[i];
            assertEq(batch.firstIndex, size);
            IMerkleLog.Anchor memory anchor_ = consents.anchorOf(batch.issuer, batch.root);
            assertEq(anchor_.firstIndex, batch.firstIndex);
            assertEq(anchor_.size, batch.size);
            size += batch.size;
        }
        assertEq(consents.logSize(), size);
    }

    function _expectEnding(address who, bytes32 leaf) private view {
        assertEq(consents.revocations(who, leaf), endedAt[who][leaf]);
    }
}
