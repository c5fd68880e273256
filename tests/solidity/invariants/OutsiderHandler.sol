// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IAgreementRegistry} from "../../../contracts/interfaces/IAgreementRegistry.sol";
import {IConsentRegistry} from "../../../contracts/interfaces/IConsentRegistry.sol";
import {IParticipantRegistry} from "../../../contracts/interfaces/IParticipantRegistry.sol";
import {IUsageSettlement} from "../../../contracts/interfaces/IUsageSettlement.sol";
import {Scopes} from "../../../contracts/libraries/Scopes.sol";
import {GhostLedger} from "./GhostLedger.sol";

/// @title OutsiderHandler
/// @notice Accounts act for organisations that never let them, and barred ones try new business:
/// all of it must be refused, for the right reason.
abstract contract OutsiderHandler is GhostLedger {
    /// @notice Keys, agreements, consents and money of somebody else.
    function actForSomebodyElse(uint256 seed) external acting {
        GhostAgreement storage agreement = known[_draw(seed, 1, known.length)];
        address victim = agreement.parties[_draw(seed, 2, agreement.parties.length)];
        address caller = _outsider(victim, seed);
        uint256 choice = _draw(seed, 3, 12);
        if (choice < 4) _try(caller, address(registry), _actOnKeys(choice, victim, seed));
        else if (choice < 7) {
            _try(caller, address(agreements), _actOnAgreements(choice, agreement.id, victim));
        } else if (choice < 9) _try(caller, address(consents), _actOnConsents(choice, victim));
        else _try(caller, address(settlement), _actOnMoney(choice, agreement.id, caller, victim));
    }

    /// @notice New business by the suspended, or by anybody during a stop.
    function newBusinessWhileBarred(uint256 seed) external acting {
        uint256 choice = _draw(seed, 1, _isStopped() ? 5 : 4);
        address caller = address(timelock);
        address target = address(token);
        bytes memory act = abi.encodeCall(token.issue, (accounts[0].account, 1, 0));
        if (choice < 4) (caller, target, act) = _businessOf(_barred(seed), choice, seed);
        bytes4[3] memory reasons = [
            IParticipantRegistry.ParticipantRegistry_OrganisationSuspended.selector,
            IParticipantRegistry.ParticipantRegistry_Stopped.selector,
            bytes4(0)
        ];
        if (!_isRefused(caller, target, act, reasons)) barredBusiness.push(vm.toString(act));
    }

    // Somebody else's

    function _try(address caller, address target, bytes memory act) private {
        // Each contract has its own word for it; only one of them can come from each.
        bytes4[3] memory reasons = [
            IParticipantRegistry.ParticipantRegistry_NotAuthorised.selector,
            target == address(agreements)
                ? IAgreementRegistry.AgreementRegistry_NotAuthorised.selector
                : IConsentRegistry.ConsentRegistry_NotIssuer.selector,
            IUsageSettlement.UsageSettlement_NotAuthorised.selector
        ];
        if (!_isRefused(caller, target, act, reasons)) {
            seizures.push(string.concat("acted for another: ", vm.toString(act)));
        }
    }

    function _actOnKeys(
        uint256 choice,
        address victim,
        uint256 seed
    ) private returns (bytes memory) {
        if (choice == 0) {
            uint256 key = _freshKey();
            bytes memory signature = _signBinding(victim, key);
            return
                abi.encodeCall(
                    registry.bindAccount,
                    (victim, vm.addr(key), Scopes.ALL, FOREVER, signature)
                );
        }
        if (choice == 1) {
            address to = organisations[_draw(seed, 4, organisations.length)];
            return abi.encodeCall(registry.delegate, (victim, to, Scopes.AGREE, FOREVER));
        }
        if (choice == 2) return abi.encodeCall(registry.describe, (victim, "https://evil", 0));
        for (uint256 i; i < accounts.length; ++i) {
            if (accounts[i].organisation != victim || accounts[i].retiredAt != 0) continue;
            return abi.encodeCall(registry.retireAccount, (accounts[i].account));
        }
        return abi.encodeCall(registry.cancelRecovery, (victim));
    }

    function _actOnAgreements(
        uint256 choice,
        bytes32 id,
        address victim
    ) private view returns (bytes memory) {
        if (choice == 4) return abi.encodeCall(agreements.suspend, (id, victim, 0));
        if (choice == 5) return abi.encodeCall(agreements.resume, (id, victim));
        return abi.encodeCall(agreements.terminate, (id, victim, 0));
    }

    function _actOnConsents(uint256 choice, address victim) private view returns (bytes memory) {
        bytes32 leaf = consented.length > 0 ? consented[0].leaf : bytes32("leaf");
        if (choice == 7) return abi.encodeCall(consents.revoke, (victim, leaf));
        bytes32[] memory leaves = new bytes32[](1);
        leaves[0] = leaf;
        return abi.encodeCall(consents.anchor, (victim, leaves));
    }

    function _actOnMoney(
        uint256 choice,
        bytes32 id,
        address caller,
        address victim
    ) private view returns (bytes memory) {
        if (choice == 9) return abi.encodeCall(settlement.claim, (victim, caller, 1));
        if (choice == 10) return abi.encodeCall(settlement.requestLeaving, (id, victim, 1));
        return abi.encodeCall(settlement.leave, (id, victim, caller));
    }

    // Barred

    function _barred(uint256 seed) private view returns (address organisation) {
        uint256 offset = _draw(seed, 5, organisations.length);
        for (uint256 i; i < organisations.length; ++i) {
            organisation = organisations[(offset + i) % organisations.length];
            if (_isStopped() || isSuspended[organisation]) return organisation;
        }
        vm.assume(false);
    }

    function _businessOf(
        address organisation,
        uint256 choice,
        uint256 seed
    ) private returns (address caller, address target, bytes memory act) {
        uint8[4] memory scopes = [Scopes.ANCHOR, Scopes.AGREE, Scopes.AGREE, Scopes.CLAIM];
        GhostAccount memory speaker = _speaker(organisation, scopes[choice], seed);
        vm.assume(speaker.key != 0);
        caller = speaker.account;
        if (choice == 0) {
            bytes32[] memory leaves = new bytes32[](1);
            leaves[0] = keccak256(abi.encode(seed, clock));
            return (
                caller,
                address(consents),
                abi.encodeCall(consents.anchor, (organisation, leaves))
            );
        }
        GhostAgreement storage agreement = _agreementOf(organisation, choice);
        bytes32 id = agreement.id;
        if (choice == 1) {
            IAgreementRegistry.Terms memory terms = _termsOf(agreement);
            terms.salt = keccak256(abi.encode(seed, clock));
            terms.validUntil = uint64(clock + 30 days);
            act = abi.encodeCall(agreements.propose, (organisation, terms));
            return (caller, address(agreements), act);
        }
        if (choice == 2) {
            bytes memory signature = _signAcceptance(id, organisation, speaker.key);
            act = abi.encodeCall(
                agreements.sign,
                (termsHashOf[id], organisation, caller, signature)
            );
            return (caller, address(agreements), act);
        }
        vm.prank(caller);
        token.approve(address(settlement), 1);
        act = abi.encodeCall(settlement.deposit, (id, organisation, 1));
        return (caller, address(settlement), act);
    }

    /// @dev One in which nothing but the bar is in the way.
    function _agreementOf(
        address organisation,
        uint256 choice
    ) private view returns (GhostAgreement storage agreement) {
        for (uint256 i; i < known.length; ++i) {
            agreement = known[i];
            if (!_isParty(agreement, organisation)) continue;
            if (choice == 1) return agreement;
            if (clock >= agreement.validUntil) continue;
            bool isOpen =
                agreement.state == IAgreementRegistry.State.Proposed &&
                    !signedBy[agreement.id][organisation];
            bool isActive = agreement.state == IAgreementRegistry.State.Active;
            if (choice == 2 ? isOpen : isActive) return agreement;
        }
        vm.assume(false);
        return known[0];
    }
}
