// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IAgreementRegistry} from "../../../contracts/interfaces/IAgreementRegistry.sol";
import {Scopes} from "../../../contracts/libraries/Scopes.sol";
import {GhostLedger} from "./GhostLedger.sol";

/// @title AgreementHandler
/// @notice Parties propose, sign, suspend, resume and terminate; and try what the state forbids.
abstract contract AgreementHandler is GhostLedger {
    uint256 internal constant AGREEMENTS_MAX = 8;

    /// @notice Terms of two or three organisations, or a supplement with one party more.
    function propose(uint256 seed) external acting {
        vm.assume(known.length < AGREEMENTS_MAX && !_isStopped());
        IAgreementRegistry.Terms memory terms;
        (terms.parties, terms.parent) = _chooseParties(seed);
        terms.validFrom = uint64(clock - 10 days + _draw(seed, 1, 13 days));
        terms.validUntil = uint64(clock + 5 days + _draw(seed, 2, 200 days));
        terms.salt = keccak256(abi.encode(seed, known.length));
        terms.lines = _priceLines(terms.parties, seed);
        address organisation = terms.parties[_draw(seed, 3, terms.parties.length)];
        GhostAccount memory proposer_ = _authorised(organisation, Scopes.AGREE, seed);
        vm.assume(proposer_.key != 0);
        _recordProposal(_proposeBy(proposer_.account, organisation, terms), terms);
    }

    function sign(uint256 seed) external acting {
        GhostAgreement storage agreement = _inState(IAgreementRegistry.State.Proposed, seed);
        vm.assume(clock < agreement.validUntil);
        uint256 offset = _draw(seed, 1, agreement.parties.length);
        for (uint256 i; i < agreement.parties.length; ++i) {
            address party = agreement.parties[(offset + i) % agreement.parties.length];
            if (_signFor(agreement, party, seed)) return;
        }
        vm.assume(false);
    }

    /// @notice Everybody signs who has not and can.
    function signByAll(uint256 seed) external acting {
        GhostAgreement storage agreement = _inState(IAgreementRegistry.State.Proposed, seed);
        vm.assume(clock < agreement.validUntil);
        bool signed;
        for (uint256 i; i < agreement.parties.length; ++i) {
            if (_signFor(agreement, agreement.parties[i], seed)) signed = true;
        }
        vm.assume(signed);
    }

    function suspendAgreement(uint256 seed) external acting {
        GhostAgreement storage agreement = _anyAgreement(seed);
        bool isActive = agreement.state == IAgreementRegistry.State.Active;
        vm.assume(isActive || agreement.state == IAgreementRegistry.State.Suspended);
        vm.assume(_draw(seed, 2, 2) == 0);
        address party = agreement.parties[_draw(seed, 1, agreement.parties.length)];
        GhostAccount memory speaker = _speaker(party, Scopes.AGREE, seed);
        vm.assume(!suspendedBy[agreement.id][party] && speaker.key != 0);
        vm.prank(speaker.account);
        agreements.suspend(agreement.id, party, keccak256("reason"));
        suspendedBy[agreement.id][party] = true;
        agreement.state = IAgreementRegistry.State.Suspended;
    }

    function resumeAgreement(uint256 seed) external acting {
        GhostAgreement storage agreement = _inState(IAgreementRegistry.State.Suspended, seed);
        uint256 suspensions;
        address party;
        for (uint256 i; i < agreement.parties.length; ++i) {
            if (!suspendedBy[agreement.id][agreement.parties[i]]) continue;
            ++suspensions;
            party = agreement.parties[i];
        }
        GhostAccount memory speaker = _speaker(party, Scopes.AGREE, seed);
        vm.assume(speaker.key != 0);
        vm.prank(speaker.account);
        agreements.resume(agreement.id, party);
        suspendedBy[agreement.id][party] = false;
        if (suspensions == 1) agreement.state = IAgreementRegistry.State.Active;
    }

    function terminateAgreement(uint256 seed) external acting {
        GhostAgreement storage agreement = _anyAgreement(seed);
        vm.assume(agreement.state != IAgreementRegistry.State.Terminated);
        // Most agreements live on, so that there is something to use.
        bool isSuspended_ = agreement.state == IAgreementRegistry.State.Suspended;
        vm.assume(_draw(seed, 1, isSuspended_ ? 2 : 6) == 0);
        address party = agreement.parties[_draw(seed, 2, agreement.parties.length)];
        GhostAccount memory speaker = _speaker(party, Scopes.AGREE, seed);
        vm.assume(speaker.key != 0);
        vm.prank(speaker.account);
        agreements.terminate(agreement.id, party, keccak256("reason"));
        agreement.state = IAgreementRegistry.State.Terminated;
    }

    /// @notice Every party tries every act that the agreement's state forbids.
    function moveAgainstTheState(uint256 seed) external acting {
        GhostAgreement storage agreement = _anyAgreement(seed);
        for (uint256 i; i < agreement.parties.length; ++i) {
            address party = agreement.parties[i];
            GhostAccount memory speaker = _speaker(party, Scopes.AGREE, seed);
            for (uint256 act; act < 4 && speaker.key != 0; ++act) {
                if (_isForbidden(agreement, party, act)) _tryAct(agreement.id, party, speaker, act);
            }
        }
    }

    /// @notice Every account shows for every party that lets it agree what it signed for others.
    function showAcceptanceOfAnother(uint256 seed) external acting {
        GhostAgreement storage agreement = _inState(IAgreementRegistry.State.Proposed, seed);
        vm.assume(clock < agreement.validUntil && !_isStopped());
        for (uint256 i; i < accounts.length; ++i) {
            for (uint256 j; j < agreement.parties.length; ++j) {
                if (!_mayAgree(agreement.id, agreement.parties[j], accounts[i])) continue;
                for (uint256 k; k < agreement.parties.length; ++k) {
                    if (k != j && _isTakenFor(agreement, j, k, accounts[i])) {
                        seizures.push("terms were taken for a party that did not say so");
                        return;
                    }
                }
            }
        }
    }

    // Parts

    function _mayAgree(
        bytes32 id,
        address party,
        GhostAccount memory signer
    ) private view returns (bool) {
        if (signedBy[id][party] || isSuspended[party]) return false;
        return _speaks(signer, party, Scopes.AGREE) && !isSuspended[signer.organisation];
    }

    function _isTakenFor(
        GhostAgreement storage agreement,
        uint256 party,
        uint256 accepting,
        GhostAccount memory signer
    ) private returns (bool) {
        bytes memory signature = _signAcceptance(
            agreement.id,
            agreement.parties[accepting],
            signer.key
        );
        bytes memory act = abi.encodeCall(
            agreements.sign,
            (termsHashOf[agreement.id], agreement.parties[party], signer.account, signature)
        );
        bytes4 reason = IAgreementRegistry.AgreementRegistry_SignatureInvalid.selector;
        return !_isRefused(strangers[0], address(agreements), act, [reason, bytes4(0), bytes4(0)]);
    }

    /// @dev 0 suspend, 1 resume, 2 terminate, 3 sign.
    function _isForbidden(
        GhostAgreement storage agreement,
        address party,
        uint256 act
    ) private view returns (bool) {
        IAgreementRegistry.State state = agreement.state;
        bool isSuspended_ = state == IAgreementRegistry.State.Suspended;
        bool isSuspender = suspendedBy[agreement.id][party];
        if (act == 0) {
            return state != IAgreementRegistry.State.Active && (!isSuspended_ || isSuspender);
        }
        if (act == 1) return !isSuspended_ || !isSuspender;
        if (act == 2) return state == IAgreementRegistry.State.Terminated;
        if (clock >= agreement.validUntil) return false;
        return state != IAgreementRegistry.State.Proposed || signedBy[agreement.id][party];
    }

    function _tryAct(
        bytes32 id,
        address party,
        GhostAccount memory speaker,
        uint256 choice
    ) private {
        bytes memory act;
        if (choice == 0) act = abi.encodeCall(agreements.suspend, (id, party, 0));
        else if (choice == 1) act = abi.encodeCall(agreements.resume, (id, party));
        else if (choice == 2) act = abi.encodeCall(agreements.terminate, (id, party, 0));
        else {
            bytes memory signature = _signAcceptance(id, party, speaker.key);
            act = abi.encodeCall(
                agreements.sign,
                (termsHashOf[id], party, speaker.account, signature)
            );
        }
        bytes4[3] memory reasons = [
            IAgreementRegistry.AgreementRegistry_StateInvalid.selector,
            IAgreementRegistry.AgreementRegistry_NotSuspendedBy.selector,
            IAgreementRegistry.AgreementRegistry_AlreadySigned.selector
        ];
        if (!_isRefused(speaker.account, address(agreements), act, reasons)) {
            forbiddenMoves.push(string.concat("act ", vm.toString(choice)));
        }
    }

    function _recordProposal(bytes32 id, IAgreementRegistry.Terms memory terms) internal {
        GhostAgreement storage agreement = known.push();
        agreement.id = id;
        agreement.terms = abi.encode(terms);
        agreement.parties = terms.parties;
        (agreement.validFrom, agreement.validUntil) = (terms.validFrom, terms.validUntil);
        agreement.state = IAgreementRegistry.State.Proposed;
    }

    function _signFor(
        GhostAgreement storage agreement,
        address party,
        uint256 seed
    ) internal returns (bool) {
        bytes32 id = agreement.id;
        GhostAccount memory signer = _authorised(party, Scopes.AGREE, seed);
        if (signedBy[id][party] || signer.key == 0) return false;
        _observe();
        bytes memory signature = _signAcceptance(id, party, signer.key);
        agreements.sign(termsHashOf[id], party, signer.account, signature);
        signedBy[id][party] = true;
        for (uint256 i; i < agreement.parties.length; ++i) {
            if (!signedBy[id][agreement.parties[i]]) return true;
        }
        agreement.state = IAgreementRegistry.State.Active;
        agreement.wasActive = true;
        return true;
    }

    function _anyAgreement(uint256 seed) internal view returns (GhostAgreement storage) {
        return known[_draw(seed, 107, known.length)];
    }

    function _inState(
        IAgreementRegistry.State state,
        uint256 seed
    ) private view returns (GhostAgreement storage agreement) {
        uint256 offset = _draw(seed, 108, known.length);
        for (uint256 i; i < known.length; ++i) {
            agreement = known[(offset + i) % known.length];
            if (agreement.state == state) return agreement;
        }
        vm.assume(false);
        return known[0];
    }

    function _chooseParties(
        uint256 seed
    ) private view returns (address[] memory parties, bytes32 parent) {
        uint256 wanted = 2 + _draw(seed, 4, 2);
        uint256 count;
        parties = new address[](5);
        GhostAgreement storage former = _anyAgreement(seed);
        if (former.wasActive && former.parties.length < 4 && _draw(seed, 5, 3) == 0) {
            parent = former.id;
            for (; count < former.parties.length; ++count) {
                parties[count] = former.parties[count];
                vm.assume(!isSuspended[parties[count]]);
            }
            wanted = count + 1;
        }
        uint256 offset = _draw(seed, 6, organisations.length);
        for (uint256 i; i < organisations.length && count < wanted; ++i) {
            address one = organisations[(offset + i) % organisations.length];
            if (isSuspended[one] || (parent != 0 && _isParty(former, one))) continue;
            parties[count] = one;
            ++count;
        }
        vm.assume(count > 1);
        return (_ascending(parties, count), parent);
    }

    function _ascending(
        address[] memory some,
        uint256 count
    ) private pure returns (address[] memory parties) {
        parties = new address[](count);
        for (uint256 i; i < count; ++i) {
            uint256 place = i;
            for (; place > 0 && parties[place - 1] > some[i]; --place) {
                parties[place] = parties[place - 1];
            }
            parties[place] = some[i];
        }
    }

    /// @dev One party is paid by no line, so that somebody can be the consumer.
    function _priceLines(
        address[] memory parties,
        uint256 seed
    ) private view returns (IAgreementRegistry.PriceLine[] memory lines) {
        uint256 consumer = _draw(seed, 7, parties.length);
        lines = new IAgreementRegistry.PriceLine[](1 + _draw(seed, 8, 3));
        for (uint256 i; i < lines.length; ++i) {
            uint256 payee = _draw(seed, 20 + i, parties.length - 1);
            lines[i] = IAgreementRegistry.PriceLine({
                payee: parties[payee < consumer ? payee : payee + 1],
                category: categories[_draw(seed, 30 + i, 2)],
                unitPrice: uint64(_draw(seed, 40 + i, 20_000)),
                freeUnits: uint64(_draw(seed, 50 + i, 30))
            });
        }
    }
}
