// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {Vm} from "forge-std/Vm.sol";

import {IConsentRegistry} from "../../../contracts/interfaces/IConsentRegistry.sol";
import {IMerkleLog} from "../../../contracts/interfaces/IMerkleLog.sol";
import {Scopes} from "../../../contracts/libraries/Scopes.sol";
import {MerkleTree} from "../MerkleTree.sol";
import {GhostLedger} from "./GhostLedger.sol";

/// @title ConsentHandler
/// @notice Issuers anchor, learners withdraw in every way, issuers revoke, the association
/// invalidates, strangers end what is not theirs; and somebody hides leaves behind anchored nodes.
abstract contract ConsentHandler is GhostLedger {
    uint256 internal constant CONSENTS_MAX = 20;

    /// @dev Records the endings that an act's events tell.
    modifier ending() {
        vm.recordLogs();
        _;
        Vm.Log[] memory logs = vm.getRecordedLogs();
        endingsEmitted += _count(logs, IConsentRegistry.ConsentEnded.selector);
    }

    /// @notice Anchors up to three consents of one issuer among other leaves.
    function anchor(uint256 seed) external acting {
        uint256 first = consented.length;
        uint256 count = 1 + _draw(seed, 9, 3);
        bytes32[] memory leaves = _fillers(seed, count + _draw(seed, 1, 7));
        uint256 offset = _draw(seed, 2, leaves.length);
        for (uint256 i; i < count; ++i) {
            GhostConsent storage consent = _newConsent(seed, i);
            consent.index = (offset + i) % leaves.length;
            leaves[consent.index] = consent.leaf;
        }
        address issuer = consented[first].issuer;
        GhostAccount memory sender = _authorised(issuer, Scopes.ANCHOR, seed);
        vm.assume(sender.key != 0);
        bytes32 root = _anchorAs(sender.account, issuer, leaves);
        for (uint256 i = first; i < consented.length; ++i) {
            GhostConsent storage consent = consented[i];
            consent.path = MerkleTree.pathOf(leaves, consent.index);
            (consent.root, consent.isProvable) = (root, true);
        }
    }

    /// @notice The issuer anchors a node as a leaf: what lies below it was never emitted.
    function anchorNodeOverHiddenLeaf(uint256 seed) external acting {
        GhostConsent storage consent = _newConsent(seed, 0);
        GhostAccount memory sender = _authorised(consent.issuer, Scopes.ANCHOR, seed);
        vm.assume(sender.key != 0);
        bytes32 sibling = keccak256(abi.encode("sibling", seed));
        bytes32[] memory leaves = _fillers(seed, 2);
        // On both sides: a right child is climbed differently.
        uint256 place = _draw(seed, 1, 2);
        (bytes32 left, bytes32 right) = _draw(seed, 2, 2) == 0
            ? (consent.leaf, sibling)
            : (sibling, consent.leaf);
        leaves[place] = sha256(abi.encodePacked(hex"01", left, right));
        consent.path = new bytes32[](2);
        (consent.path[0], consent.path[1]) = (sibling, leaves[1 - place]);
        consent.root = _anchorAs(sender.account, consent.issuer, leaves);
    }

    /// @notice Another organisation anchors a consent that the issuer never did.
    function anchorForSomebodyElse(uint256 seed) external acting {
        GhostConsent storage consent = _newConsent(seed, 0);
        address other = _anyOrganisation(seed);
        GhostAccount memory sender = _authorised(other, Scopes.ANCHOR, seed);
        vm.assume(sender.key != 0 && other != consent.issuer);
        bytes32[] memory leaves = new bytes32[](1);
        leaves[0] = consent.leaf;
        consent.root = _anchorAs(sender.account, other, leaves);
    }

    function withdraw(uint256 seed) external acting ending {
        GhostConsent storage consent = _anyConsent(seed);
        address holder = vm.addr(consent.holderKey);
        vm.prank(holder);
        consents.withdraw(consent.leaf);
        _noteEnding(holder, consent.leaf);
    }

    function withdrawBySignature(uint256 seed) external acting ending {
        GhostConsent storage consent = _anyConsent(seed);
        vm.prank(strangers[0]);
        consents.withdrawBySignature(_withdrawal(consent));
        _noteEnding(vm.addr(consent.holderKey), consent.leaf);
    }

    /// @notice A relay's batch, in which one signature is somebody else's and one is repeated.
    function withdrawManyBySignature(uint256 seed) external acting ending {
        vm.assume(_draw(seed, 1, 2) == 0);
        GhostConsent storage first = _anyConsent(seed);
        GhostConsent storage second = _anyConsent(_draw(seed, 2, type(uint256).max));
        IConsentRegistry.Withdrawal[] memory some = new IConsentRegistry.Withdrawal[](4);
        (some[0], some[1]) = (_withdrawal(first), _withdrawal(first));
        (some[2], some[3]) = (_withdrawal(second), _withdrawal(second));
        some[2].holder = strangers[1];
        consents.withdrawManyBySignature(some);
        _noteEnding(vm.addr(first.holderKey), first.leaf);
        _noteEnding(vm.addr(second.holderKey), second.leaf);
    }

    /// @notice The issuer's word, taken back; also while it is suspended or business is stopped.
    function revoke(uint256 seed) external acting ending {
        GhostConsent storage consent = _anyConsent(seed);
        GhostAccount memory speaker = _speaker(consent.issuer, Scopes.ANCHOR, seed);
        vm.assume(speaker.key != 0);
        vm.prank(speaker.account);
        consents.revoke(consent.issuer, consent.leaf);
        _noteEnding(consent.issuer, consent.leaf);
    }

    function invalidate(uint256 seed) external acting ending {
        GhostConsent storage consent = _anyConsent(seed);
        vm.assume(_draw(seed, 1, 3) == 0);
        vm.prank(address(timelock));
        consents.invalidate(consent.leaf);
        _noteEnding(address(consents), consent.leaf);
    }

    /// @notice Organisations and people end what is not theirs, each in their own namespace.
    function endWhatIsNotTheirs(uint256 seed) external acting ending {
        GhostConsent storage consent = _anyConsent(seed);
        address organisation = _anyOrganisation(seed);
        GhostAccount memory speaker = _speaker(organisation, Scopes.ANCHOR, seed);
        if (speaker.key != 0 && organisation != consent.issuer) {
            vm.prank(speaker.account);
            consents.revoke(organisation, consent.leaf);
            _noteEnding(organisation, consent.leaf);
        }
        address other = strangers[_draw(seed, 1, 2)];
        vm.prank(other);
        consents.withdraw(consent.leaf);
        _noteEnding(other, consent.leaf);
    }

    /// @notice A signature that is not the holder's, or for another leaf, ends nothing.
    function withdrawWithForeignSignature(uint256 seed) external acting ending {
        GhostConsent storage consent = _anyConsent(seed);
        IConsentRegistry.Withdrawal memory withdrawal = _withdrawal(consent);
        if (_draw(seed, 1, 2) == 0) withdrawal.holder = consent.issuer;
        else withdrawal.leaf = keccak256(abi.encode(withdrawal.leaf));
        bytes memory act = abi.encodeCall(consents.withdrawBySignature, (withdrawal));
        bytes4 reason = IConsentRegistry.ConsentRegistry_SignatureInvalid.selector;
        if (!_isRefused(strangers[0], address(consents), act, [reason, bytes4(0), bytes4(0)])) {
            seizures.push("a foreign signature ended a consent");
        }
    }

    // What the invariants ask

    function _isActive(GhostConsent storage consent) internal view returns (bool) {
        return
            consents.isActive(
                consent.entry,
                IMerkleLog.InclusionProof(consent.root, consent.index, consent.path)
            );
    }

    /// @notice The status as docs and `protocol/` define it, from the ghost alone.
    function _shouldBeActive(GhostConsent storage consent) internal view returns (bool) {
        return
            consent.isProvable &&
            consent.validFrom <= clock &&
            clock < consent.validUntil &&
            !_isEnded(consent) &&
            _isActiveFor(consent.agreementId, consent.issuer);
    }

    function _isEnded(GhostConsent storage consent) internal view returns (bool) {
        bytes32 leaf = consent.leaf;
        return
            endedAt[vm.addr(consent.holderKey)][leaf] != 0 ||
            endedAt[consent.issuer][leaf] != 0 ||
            endedAt[address(consents)][leaf] != 0;
    }

    // Parts

    /// @dev Of a party of an agreement, mostly an active one; now and then of an organisation that
    /// is none. The n-th of a seed has the same agreement and issuer, and another holder.
    function _newConsent(uint256 seed, uint256 n) private returns (GhostConsent storage consent) {
        vm.assume(consented.length < CONSENTS_MAX && !_isStopped());
        GhostAgreement storage agreement = known[_draw(seed, 3, known.length)];
        for (uint256 i = 60; i < 64 && !_isActiveFor(agreement.id, agreement.parties[0]); ++i) {
            agreement = known[_draw(seed, i, known.length)];
        }
        consent = consented.push();
        consent.agreementId = agreement.id;
        consent.issuer = agreement.parties[_draw(seed, 4, agreement.parties.length)];
        if (_draw(seed, 5, 10) == 0) consent.issuer = _anyOrganisation(seed);
        consent.holderKey = _freshKey();
        consent.validFrom = uint64(clock + _draw(seed, 200 + n, 3 days));
        if (_draw(seed, 210 + n, 3) > 0) consent.validFrom = uint64(clock);
        consent.validUntil = uint64(clock + 3 days + _draw(seed, 220 + n, 120 days));
        consent.entry = abi.encodePacked(
            bytes2(0x0101),
            consent.agreementId,
            consent.issuer,
            vm.addr(consent.holderKey),
            consent.validFrom,
            consent.validUntil,
            bytes1(0x02),
            keccak256(abi.encode("commitment", seed, n))
        );
        consent.leaf = sha256(abi.encodePacked(hex"00", consent.entry));
    }

    function _fillers(uint256 seed, uint256 size) private view returns (bytes32[] memory leaves) {
        leaves = new bytes32[](size);
        for (uint256 i; i < size; ++i) {
            leaves[i] = keccak256(abi.encode(seed, consented.length, i));
        }
    }

    /// @dev The batch's first index comes from the event, its size from the leaves.
    function _anchorAs(
        address sender,
        address issuer,
        bytes32[] memory leaves
    ) private returns (bytes32 root) {
        vm.recordLogs();
        vm.prank(sender);
        root = consents.anchor(issuer, leaves);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        assertEq(logs.length, 1);
        assertEq(logs[0].topics[0], IMerkleLog.LeavesAnchored.selector);
        (uint64 firstIndex, bytes32[] memory emitted) = abi.decode(
            logs[0].data,
            (uint64, bytes32[])
        );
        batches.push(GhostBatch(issuer, logs[0].topics[2], firstIndex, emitted.length));
    }

    function _noteEnding(address who, bytes32 leaf) private {
        if (endedAt[who][leaf] != 0) return;
        endedAt[who][leaf] = clock;
        ++endings;
    }

    function _withdrawal(
        GhostConsent storage consent
    ) private view returns (IConsentRegistry.Withdrawal memory) {
        bytes32 structHash = keccak256(
            abi.encode(keccak256("ConsentWithdrawal(bytes32 leaf)"), consent.leaf)
        );
        bytes32 digest = _digest("PTX ConsentRegistry", address(consents), structHash);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(consent.holderKey, digest);
        return IConsentRegistry.Withdrawal(vm.addr(consent.holderKey), consent.leaf, r, s, v);
    }

    function _anyConsent(uint256 seed) private view returns (GhostConsent storage) {
        vm.assume(consented.length > 0);
        return consented[_draw(seed, 109, consented.length)];
    }
}
