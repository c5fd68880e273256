// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IAgreementRegistry} from "../../contracts/interfaces/IAgreementRegistry.sol";
import {Scopes} from "../../contracts/libraries/Scopes.sol";
import {ContractWallet} from "./ContractWallet.sol";
import {LedgerFixture} from "./LedgerFixture.sol";

/// @notice An agreement's life after its proposal, drawn in AgreementRegistryLife.tree.
contract AgreementRegistryLifeTest is LedgerFixture {
    bytes32 private id;
    bytes32 private termsHash;

    function setUp() public override {
        super.setUp();
        id = _propose(_twoPartyTerms());
        termsHash = termsHashOf[id];
    }

    // Signing

    function test_sign_theLastActivates() public {
        vm.warp(START + 1);
        vm.expectEmit(address(agreements));
        emit IAgreementRegistry.AgreementSigned(id, school.id, school.account);
        _signAgreement(id, school);
        _expectState(IAgreementRegistry.State.Proposed, START);
        assertEq(agreements.partyOf(id, school.id).signedAt, START + 1);
        assertFalse(agreements.wasActivated(id));

        vm.expectEmit(address(agreements));
        emit IAgreementRegistry.AgreementSigned(id, company.id, company.account);
        vm.expectEmit(address(agreements));
        emit IAgreementRegistry.AgreementActivated(id);
        _signAgreement(id, company);
        _expectState(IAgreementRegistry.State.Active, START + 1);
        assertTrue(agreements.wasActivated(id));
        assertTrue(agreements.isActiveFor(id, school.id));
        assertFalse(agreements.isActiveFor(id, operator.id));
    }

    function test_sign_byContractWallet() public {
        (address owner, uint256 key) = makeAddrAndKey("owner");
        address wallet = address(new ContractWallet(owner));
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256("AccountBinding(address organisation,address account)"),
                school.id,
                wallet
            )
        );
        bytes32 digest = _digest("PTX ParticipantRegistry", address(registry), structHash);
        bytes memory binding = _sign(key, digest);
        vm.prank(school.account);
        registry.bindAccount(school.id, wallet, Scopes.AGREE, FOREVER, binding);
        bytes memory signature = _signAcceptance(id, school.id, key);
        agreements.sign(termsHash, school.id, wallet, signature);
        assertEq(agreements.agreementOf(id).signatureCount, 1);
    }

    function test_sign_byOperatorWithDelegation() public {
        vm.prank(school.account);
        registry.delegate(school.id, operator.id, Scopes.AGREE, FOREVER);
        bytes memory signature = _signAcceptance(id, school.id, operator.key);
        agreements.sign(termsHash, school.id, operator.account, signature);
        assertEq(agreements.agreementOf(id).signatureCount, 1);
    }

    function test_sign_revert_notProposed() public {
        _activateBoth();
        _expectStateInvalid(id, IAgreementRegistry.State.Active);
        agreements.sign(termsHash, school.id, school.account, "");
    }

    /// @notice The id is no hash of terms either.
    function test_sign_revert_noAgreementOfTheseTerms() public {
        bytes memory signature = _signAcceptance(id, school.id, school.key);
        bytes32[3] memory others = [bytes32(0), "unknown", id];
        for (uint256 i; i < others.length; ++i) {
            bytes32 unknown = _agreementDigest(others[i]);
            _expectStateInvalid(unknown, IAgreementRegistry.State.Unknown);
            agreements.sign(others[i], school.id, school.account, signature);
        }
    }

    function test_sign_revert_expired() public {
        uint64 validUntil = agreements.agreementOf(id).validUntil;
        bytes memory signature = _signAcceptance(id, school.id, school.key);
        vm.warp(validUntil);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAgreementRegistry.AgreementRegistry_ValidityInvalid.selector,
                START,
                validUntil,
                validUntil
            )
        );
        agreements.sign(termsHash, school.id, school.account, signature);
    }

    function test_sign_revert_notParty() public {
        _expectNotParty(operator.id);
        agreements.sign(termsHash, operator.id, operator.account, "");
    }

    function test_sign_revert_twice() public {
        _signAgreement(id, school);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAgreementRegistry.AgreementRegistry_AlreadySigned.selector,
                id,
                school.id
            )
        );
        agreements.sign(termsHash, school.id, school.account, "");
    }

    function test_sign_revert_signerNotAuthorised() public {
        bytes memory signature = _signAcceptance(id, school.id, company.key);
        vm.expectRevert(_notAuthorised(company.account, school.id, Scopes.AGREE));
        agreements.sign(termsHash, school.id, company.account, signature);
    }

    function test_sign_revert_signatureInvalid() public {
        _expectSignatureInvalid(_signAcceptance(id, school.id, company.key));
        _expectSignatureInvalid(_malleate(_signAcceptance(id, school.id, school.key)));
        _expectSignatureInvalid("");
    }

    /// @notice Who signs the terms and not for whom has accepted them for nobody.
    function test_sign_revert_overTheTermsAlone() public {
        _expectSignatureInvalid(_sign(school.key, id));
        _expectSignatureInvalid(_sign(school.key, termsHash));
        _expectSignatureInvalid(_signAcceptance(id, company.id, school.key));
        _expectSignatureInvalid(_signAcceptance(id, address(0), school.key));
        _signAgreement(id, school);
    }

    // Activity follows time without a transaction

    function test_isActiveFor_onlyWithinItsValidity() public {
        IAgreementRegistry.Terms memory terms = _twoPartyTerms();
        terms.validFrom = uint64(START + 100);
        terms.validUntil = uint64(START + 200);
        bytes32 later = _activate(terms);
        assertFalse(agreements.isActiveFor(later, school.id));
        vm.warp(START + 100);
        assertTrue(agreements.isActiveFor(later, school.id));
        vm.warp(START + 199);
        assertTrue(agreements.isActiveFor(later, school.id));
        vm.warp(START + 200);
        assertFalse(agreements.isActiveFor(later, school.id));
        assertTrue(agreements.wasActivated(later));
    }

    // Suspension

    function test_suspendAndResume_eachPartyItsOwn() public {
        _activateBoth();
        vm.warp(START + 10);
        vm.expectEmit(address(agreements));
        emit IAgreementRegistry.AgreementSuspended(id, school.id, "reason");
        vm.prank(school.account);
        agreements.suspend(id, school.id, "reason");
        _expectState(IAgreementRegistry.State.Suspended, START + 10);
        assertEq(agreements.partyOf(id, school.id).suspendedAt, START + 10);
        assertFalse(agreements.isActiveFor(id, school.id));

        vm.warp(START + 20);
        vm.prank(company.account);
        agreements.suspend(id, company.id, "reason");
        _expectState(IAgreementRegistry.State.Suspended, START + 10);
        assertEq(agreements.agreementOf(id).suspensionCount, 2);

        vm.expectEmit(address(agreements));
        emit IAgreementRegistry.AgreementResumed(id, school.id);
        vm.prank(school.account);
        agreements.resume(id, school.id);
        _expectState(IAgreementRegistry.State.Suspended, START + 10);
        assertEq(agreements.partyOf(id, school.id).suspendedAt, 0);

        vm.prank(company.account);
        agreements.resume(id, company.id);
        _expectState(IAgreementRegistry.State.Active, START + 20);
        assertEq(agreements.agreementOf(id).suspensionCount, 0);
        assertTrue(agreements.isActiveFor(id, school.id));
    }

    function test_suspend_revert() public {
        _expectStateInvalid(id, IAgreementRegistry.State.Proposed);
        vm.prank(school.account);
        agreements.suspend(id, school.id, "");
        _activateBoth();
        _expectNotParty(operator.id);
        vm.prank(operator.account);
        agreements.suspend(id, operator.id, "");
        _expectNotSpeaker(company.account, school.id);
        vm.prank(company.account);
        agreements.suspend(id, school.id, "");
        vm.startPrank(school.account);
        agreements.suspend(id, school.id, "");
        _expectStateInvalid(id, IAgreementRegistry.State.Suspended);
        agreements.suspend(id, school.id, "");
    }

    function test_resume_revert() public {
        _activateBoth();
        _expectStateInvalid(id, IAgreementRegistry.State.Active);
        vm.prank(school.account);
        agreements.resume(id, school.id);
        vm.prank(school.account);
        agreements.suspend(id, school.id, "");
        vm.expectRevert(
            abi.encodeWithSelector(
                IAgreementRegistry.AgreementRegistry_NotSuspendedBy.selector,
                id,
                company.id
            )
        );
        vm.prank(company.account);
        agreements.resume(id, company.id);
        _expectNotSpeaker(company.account, school.id);
        vm.prank(company.account);
        agreements.resume(id, school.id);
        _expectNotParty(operator.id);
        vm.prank(operator.account);
        agreements.resume(id, operator.id);
    }

    // Termination

    function test_terminate_fromProposed() public {
        vm.expectEmit(address(agreements));
        emit IAgreementRegistry.AgreementTerminated(id, company.id, "reason");
        vm.prank(company.account);
        agreements.terminate(id, company.id, "reason");
        _expectState(IAgreementRegistry.State.Terminated, START);
        assertFalse(agreements.wasActivated(id));
        bytes memory signature = _signAcceptance(id, school.id, school.key);
        _expectStateInvalid(id, IAgreementRegistry.State.Terminated);
        agreements.sign(termsHash, school.id, school.account, signature);
    }

    function test_terminate_fromSuspended_forEver() public {
        _activateBoth();
        vm.startPrank(school.account);
        agreements.suspend(id, school.id, "");
        agreements.terminate(id, school.id, "");
        assertTrue(agreements.wasActivated(id));
        _expectStateInvalid(id, IAgreementRegistry.State.Terminated);
        agreements.resume(id, school.id);
        _expectStateInvalid(id, IAgreementRegistry.State.Terminated);
        agreements.suspend(id, school.id, "");
        _expectStateInvalid(id, IAgreementRegistry.State.Terminated);
        agreements.terminate(id, school.id, "");
    }

    function test_terminate_revert() public {
        _expectNotParty(operator.id);
        vm.prank(operator.account);
        agreements.terminate(id, operator.id, "");
        _expectNotSpeaker(stranger, school.id);
        vm.prank(stranger);
        agreements.terminate(id, school.id, "");
    }

    // Parts

    function _activateBoth() private {
        _signAgreement(id, school);
        _signAgreement(id, company);
    }

    function _expectState(IAgreementRegistry.State state, uint256 changedAt) private view {
        IAgreementRegistry.Agreement memory agreement = agreements.agreementOf(id);
        assertTrue(agreement.state == state);
        assertEq(agreement.changedAt, changedAt);
    }

    function _expectStateInvalid(bytes32 agreementId, IAgreementRegistry.State state) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IAgreementRegistry.AgreementRegistry_StateInvalid.selector,
                agreementId,
                state
            )
        );
    }

    function _expectSignatureInvalid(bytes memory signature) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IAgreementRegistry.AgreementRegistry_SignatureInvalid.selector,
                id,
                school.account
            )
        );
        agreements.sign(termsHash, school.id, school.account, signature);
    }

    function _expectNotParty(address organisation) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IAgreementRegistry.AgreementRegistry_NotParty.selector,
                id,
                organisation
            )
        );
    }

    function _expectNotSpeaker(address account, address organisation) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IAgreementRegistry.AgreementRegistry_NotAuthorised.selector,
                account,
                organisation
            )
        );
    }
}
