// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

import {AgreementRegistry} from "../../../contracts/AgreementRegistry.sol";
import {IAgreementRegistry} from "../../../contracts/interfaces/IAgreementRegistry.sol";
import {ICommissionPolicy} from "../../../contracts/interfaces/ICommissionPolicy.sol";
import {IParticipantRegistry} from "../../../contracts/interfaces/IParticipantRegistry.sol";
import {Agreeable} from "./Agreeable.sol";
import {AnyState} from "./AnyState.sol";

/// @notice The state machine, from any state of the contract and by any act of anyone.
contract AgreementRegistrySymbolic is AnyState {
    enum Act {
        Sign,
        Suspend,
        Resume,
        Terminate
    }

    Agreeable private neighbour;
    AgreementRegistry private agreements;

    function setUp() public {
        neighbour = new Agreeable();
        agreements = new AgreementRegistry(
            IParticipantRegistry(address(neighbour)),
            ICommissionPolicy(address(neighbour))
        );
    }

    function check_terminatedIsForEver(bytes32 id, address party, Act act, uint40 time) external {
        _begin(time);
        vm.assume(_state(id) == IAgreementRegistry.State.Terminated);
        assertFalse(_try(act, id, party));
        assertTrue(_state(id) == IAgreementRegistry.State.Terminated);
    }

    /// @notice By induction: an agreement is suspended exactly as long as a party suspends it.
    function check_onlyTheDrawnTransitions(
        bytes32 id,
        address party,
        Act act,
        uint40 time
    ) external {
        _begin(time);
        vm.assume(_countsSuspensions(id));
        IAgreementRegistry.State before = _state(id);
        if (!_try(act, id, party)) return;
        assertTrue(_isDrawn(before, _state(id), act));
        assertTrue(_countsSuspensions(id));
    }

    function check_noActBeforeAProposal(bytes32 id, address party, Act act, uint40 time) external {
        _begin(time);
        vm.assume(_state(id) == IAgreementRegistry.State.Unknown);
        // Parties are written by the proposal alone.
        vm.assume(!agreements.partyOf(id, party).isParty);
        assertFalse(_try(act, id, party));
    }

    function check_onlyPartiesAct(bytes32 id, address party, Act act, uint40 time) external {
        _begin(time);
        vm.assume(!agreements.partyOf(id, party).isParty);
        assertFalse(_try(act, id, party));
    }

    function check_onlySpeakersAct(bytes32 id, address party, Act act, uint40 time) external {
        _begin(time);
        neighbour.set(false, address(0), 0);
        assertFalse(_try(act, id, party));
    }

    function check_otherAgreementsStayAsTheyAre(
        bytes32 id,
        bytes32 other,
        address party,
        Act act
    ) external {
        _begin(1);
        vm.assume(id != other);
        IAgreementRegistry.State before = _state(other);
        bool wasActivated = agreements.wasActivated(other);
        _try(act, id, party);
        assertTrue(_state(other) == before);
        assertEq(agreements.wasActivated(other), wasActivated);
    }

    function check_resume_onlyByWhoSuspended(bytes32 id, address party, uint40 time) external {
        _begin(time);
        vm.assume(agreements.partyOf(id, party).suspendedAt == 0);
        assertFalse(_try(Act.Resume, id, party));
    }

    function check_resume_waitsForEverySuspension(bytes32 id, address party, uint40 time) external {
        _begin(time);
        uint8 suspensions = agreements.agreementOf(id).suspensionCount;
        vm.assume(_try(Act.Resume, id, party));
        assertEq(_state(id) == IAgreementRegistry.State.Active, suspensions == 1);
    }

    function check_sign_activatesWithTheLastSignature(
        bytes32 id,
        address party,
        uint40 time
    ) external {
        _begin(time);
        IAgreementRegistry.Agreement memory before = agreements.agreementOf(id);
        vm.assume(_try(Act.Sign, id, party));
        bool last = uint256(before.signatureCount) + 1 == before.partyCount;
        assertEq(_state(id) == IAgreementRegistry.State.Active, last);
        assertEq(agreements.partyOf(id, party).signedAt, time);
    }

    function check_sign_onceAParty(bytes32 id, address party, uint40 time) external {
        _begin(time);
        vm.assume(agreements.partyOf(id, party).signedAt != 0);
        assertFalse(_try(Act.Sign, id, party));
    }

    /// @notice What is signed for one party or under one agreement is signed for no other.
    function check_acceptance_isOfOnePartyAndItsTerms(
        bytes32 termsHash,
        address party,
        bytes32 otherHash,
        address other
    ) external view {
        bytes32 digest = agreements.acceptanceDigest(termsHash, party);
        vm.assume(termsHash != otherHash || party != other);
        assertTrue(digest != agreements.acceptanceDigest(otherHash, other));
    }

    /// @notice The signer is asked for this very acceptance: a wallet that signed that and nothing
    /// else signs for this party alone.
    function check_sign_asksForThePartysOwnAcceptance(
        bytes32 termsHash,
        address party,
        bytes32 signed
    ) external {
        _begin(1);
        neighbour.setSigned(signed);
        agreements.sign(termsHash, party, address(neighbour), "");
        assertEq(signed, agreements.acceptanceDigest(termsHash, party));
    }

    function check_isActiveFor_nothingButActiveAgreements(
        bytes32 id,
        address party,
        uint40 time
    ) external {
        _begin(time);
        IAgreementRegistry.Agreement memory agreement = agreements.agreementOf(id);
        assertEq(
            agreements.isActiveFor(id, party),
            agreement.state == IAgreementRegistry.State.Active &&
                agreement.validFrom <= time &&
                time < agreement.validUntil &&
                agreements.partyOf(id, party).isParty
        );
    }

    function _countsSuspensions(bytes32 id) private view returns (bool) {
        uint8 count = agreements.agreementOf(id).suspensionCount;
        IAgreementRegistry.State state = _state(id);
        if (state == IAgreementRegistry.State.Suspended) return count > 0;
        return state == IAgreementRegistry.State.Terminated || count == 0;
    }

    function _isDrawn(
        IAgreementRegistry.State from,
        IAgreementRegistry.State to,
        Act act
    ) private pure returns (bool) {
        IAgreementRegistry.State proposed = IAgreementRegistry.State.Proposed;
        IAgreementRegistry.State active = IAgreementRegistry.State.Active;
        IAgreementRegistry.State suspended = IAgreementRegistry.State.Suspended;
        if (act == Act.Sign) return from == proposed && (to == proposed || to == active);
        if (act == Act.Resume) return from == suspended && (to == suspended || to == active);
        IAgreementRegistry.State terminated = IAgreementRegistry.State.Terminated;
        if (act == Act.Terminate) return from != terminated && to == terminated;
        return (from == active || from == suspended) && to == suspended;
    }

    function _begin(uint40 time) private {
        _anyTime(time);
        _anyStateOf(address(agreements));
    }

    function _state(bytes32 id) private view returns (IAgreementRegistry.State) {
        return agreements.agreementOf(id).state;
    }

    function _idOf(bytes32 termsHash) private view returns (bytes32) {
        return MessageHashUtils.toTypedDataHash(agreements.DOMAIN_SEPARATOR(), termsHash);
    }

    function _try(Act act, bytes32 id, address party) private returns (bool done) {
        bytes memory data;
        if (act == Act.Sign) {
            bytes32 termsHash = SYMBOLIC.createBytes32("termsHash");
            vm.assume(id == _idOf(termsHash));
            data = abi.encodeCall(agreements.sign, (termsHash, party, address(neighbour), ""));
        } else if (act == Act.Suspend) {
            data = abi.encodeCall(agreements.suspend, (id, party, 0));
        } else if (act == Act.Resume) {
            data = abi.encodeCall(agreements.resume, (id, party));
        } else {
            data = abi.encodeCall(agreements.terminate, (id, party, 0));
        }
        (done, ) = address(agreements).call(data);
    }
}
