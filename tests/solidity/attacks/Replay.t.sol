// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {AgreementRegistry} from "../../../contracts/AgreementRegistry.sol";
import {ConsentRegistry} from "../../../contracts/ConsentRegistry.sol";
import {IAgreementRegistry} from "../../../contracts/interfaces/IAgreementRegistry.sol";
import {IConsentRegistry} from "../../../contracts/interfaces/IConsentRegistry.sol";
import {IParticipantRegistry} from "../../../contracts/interfaces/IParticipantRegistry.sol";
import {IUsageSettlement} from "../../../contracts/interfaces/IUsageSettlement.sol";
import {Scopes} from "../../../contracts/libraries/Scopes.sol";
import {UsageSettlement} from "../../../contracts/UsageSettlement.sol";
import {AttackFixture} from "./AttackFixture.sol";

/// @notice A good signature, shown again: on another chain, to another contract, as another type,
/// for another month or party.
contract ReplayAttacksTest is AttackFixture {
    uint256 private constant OTHER_CHAIN = 4_242;

    // Another chain: a copy of this one, with all that it holds, under another number

    function test_attack_voucherReplayedOnAnotherChain_namesAnUnknownAgreement() public {
        IAgreementRegistry.Terms memory terms = _agreed();
        IUsageSettlement.Voucher memory voucher = _voucher(id, 1);
        bytes memory signature = _signed(voucher);
        vm.chainId(OTHER_CHAIN);
        vm.expectRevert(
            abi.encodeWithSelector(
                IUsageSettlement.UsageSettlement_AgreementMismatch.selector,
                id,
                agreements.agreementIdOf(terms)
            )
        );
        settlement.settle(terms, voucher, 1, company.account, signature);
    }

    function test_attack_withdrawalReplayedOnAnotherChain_isRefused() public {
        IConsentRegistry.Withdrawal memory withdrawal = _withdrawal(holderKey, "leaf");
        vm.chainId(OTHER_CHAIN);
        vm.expectRevert(_withdrawalInvalid(withdrawal));
        consents.withdrawBySignature(withdrawal);
    }

    function test_attack_bindingReplayedOnAnotherChain_isRefused() public {
        (address clerk, uint256 key) = makeAddrAndKey("clerk");
        bytes memory signature = _signBinding(school.id, key);
        vm.chainId(OTHER_CHAIN);
        _expectBindingRefused(clerk, signature);
    }

    function test_attack_termsReplayedOnASecondChain_areAnotherAgreement() public {
        bytes memory signature = _signAcceptance(id, school.id, school.key);
        vm.chainId(OTHER_CHAIN);
        AgreementRegistry second = new AgreementRegistry(registry, policy);
        _expectAnotherAgreement(second, signature);
        // On a copy of this very chain, too, the same terms are another agreement.
        _expectAnotherAgreement(agreements, signature);
    }

    // Another contract on this chain

    function test_attack_termsReplayedOnAnotherRegistry_areAnotherAgreement() public {
        AgreementRegistry second = new AgreementRegistry(registry, policy);
        _expectAnotherAgreement(second, _signAcceptance(id, school.id, school.key));
    }

    function test_attack_voucherReplayedOnAnotherSettlement_isRefused() public {
        UsageSettlement second = new UsageSettlement(
            registry,
            agreements,
            policy,
            token,
            address(treasury)
        );
        IUsageSettlement.Voucher memory voucher = _voucher(id, 1);
        bytes memory signature = _signed(voucher);
        vm.expectRevert(_voucherSignatureInvalid(company.account));
        second.settle(_agreed(), voucher, 1, company.account, signature);
    }

    function test_attack_withdrawalReplayedOnAnotherRegistry_isRefused() public {
        ConsentRegistry second = new ConsentRegistry(address(manager), registry, agreements);
        IConsentRegistry.Withdrawal memory withdrawal = _withdrawal(holderKey, "leaf");
        vm.expectRevert(_withdrawalInvalid(withdrawal));
        second.withdrawBySignature(withdrawal);
    }

    // Another type

    /// @notice Whatever else the company signed is no voucher, and a voucher is nothing else.
    function test_attack_signatureOfOneTypeAsAnother_isRefused() public {
        IUsageSettlement.Voucher memory voucher = _voucher(id, 1);
        bytes32[4] memory others = [
            id,
            _acceptanceDigest(termsHashOf[id], company.id),
            _bindingDigest(company.id, company.account),
            _withdrawalDigest(voucher.usageRoot)
        ];
        for (uint256 i; i < others.length; ++i) {
            bytes memory signature = _sign(company.key, others[i]);
            vm.expectRevert(_voucherSignatureInvalid(company.account));
            settlement.settle(_agreed(), voucher, 1, company.account, signature);
        }
        (address clerk, uint256 key) = makeAddrAndKey("clerk");
        _expectBindingRefused(clerk, _sign(key, _voucherDigest(voucher)));
        _expectBindingRefused(clerk, _sign(key, id));
        _expectBindingRefused(clerk, _signAcceptance(id, school.id, key));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(holderKey, _voucherDigest(voucher));
        IConsentRegistry.Withdrawal memory withdrawal = IConsentRegistry.Withdrawal(
            holder,
            voucher.usageRoot,
            r,
            s,
            v
        );
        vm.expectRevert(_withdrawalInvalid(withdrawal));
        consents.withdrawBySignature(withdrawal);
    }

    /// @notice Nor does it take an agreement's terms for the company.
    function test_attack_signatureOfAnotherTypeUnderAnAgreement_isRefused() public {
        bytes32 proposed = _propose(_otherTerms());
        bytes32[4] memory others = [
            proposed,
            termsHashOf[proposed],
            _bindingDigest(company.id, company.account),
            _voucherDigest(_voucher(proposed, 1))
        ];
        for (uint256 i; i < others.length; ++i) {
            _expectAcceptanceRefused(proposed, company, _sign(company.key, others[i]));
        }
    }

    // Another month, amount or agreement

    /// @notice Every field of a voucher is signed.
    function test_attack_signatureOfOneVoucherForAnother_isRefused() public {
        bytes memory signature = _signed(_voucher(id, 1));
        vm.warp(START + 31 days);
        IUsageSettlement.Voucher memory other = _voucher(id, 1);
        other.period = PERIOD + 1;
        _expectVoucherRefused(other, signature);
        _expectVoucherRefused(_voucher(id, 2), signature);
        other = _voucher(id, 1);
        other.usageRoot = "other";
        _expectVoucherRefused(other, signature);

        IAgreementRegistry.Terms memory terms = _otherTerms();
        other = _voucher(_activate(terms), 1);
        vm.expectRevert(_voucherSignatureInvalid(company.account));
        settlement.settle(terms, other, 1, company.account, signature);
    }

    /// @notice A voucher below what is settled neither takes back nor pays twice.
    function test_attack_oldVoucherAfterANewerOne_movesNothing() public {
        _settle(_agreed(), _voucher(id, 100), 100);
        bytes memory before = _money();
        IUsageSettlement.Voucher memory old = _voucher(id, 40);
        bytes memory signature = _signed(old);
        vm.expectRevert(
            abi.encodeWithSelector(
                IUsageSettlement.UsageSettlement_VoucherNotNewer.selector,
                40,
                100
            )
        );
        settlement.settle(_agreed(), old, 40, company.account, signature);
        assertEq(_money(), before);
    }

    // Another party or agreement

    /// @notice An operator takes the terms as a party of its own; for its customer, too, it agrees
    /// only by saying so.
    function test_attack_operatorsSignatureForItself_countsForNobodyElse() public {
        vm.prank(school.account);
        registry.delegate(school.id, operator.id, Scopes.AGREE, FOREVER);
        bytes32 proposed = _propose(_otherTerms());
        bytes32 termsHash = termsHashOf[proposed];
        bytes memory signature = _signAcceptance(proposed, operator.id, operator.key);
        vm.expectRevert(_agreementSignatureInvalid(proposed, operator.account));
        vm.prank(stranger);
        agreements.sign(termsHash, school.id, operator.account, signature);
        _signAgreement(proposed, operator);
        assertEq(agreements.partyOf(proposed, school.id).signedAt, 0);

        signature = _signAcceptance(proposed, school.id, operator.key);
        agreements.sign(termsHash, school.id, operator.account, signature);
        assertEq(agreements.partyOf(proposed, school.id).signedAt, START);
        signature = _signAcceptance(proposed, company.id, operator.key);
        vm.expectRevert(_notAuthorised(operator.account, company.id, Scopes.AGREE));
        agreements.sign(termsHash, company.id, operator.account, signature);
    }

    function test_attack_signatureUnderOneAgreementForAnother_isRefused() public {
        bytes32 proposed = _propose(_otherTerms());
        _expectAcceptanceRefused(proposed, school, _signAcceptance(id, school.id, school.key));
    }

    // Parts

    function _expectBindingRefused(address account, bytes memory signature) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IParticipantRegistry.ParticipantRegistry_PossessionNotProven.selector,
                account
            )
        );
        vm.prank(school.account);
        registry.bindAccount(school.id, account, Scopes.ANCHOR, FOREVER, signature);
    }

    /// @dev The same terms again, where the school's signature under `id` says nothing.
    function _expectAnotherAgreement(AgreementRegistry second, bytes memory signature) private {
        vm.prank(school.account);
        bytes32 other = second.propose(school.id, _agreed());
        assertNotEq(other, id);
        vm.expectRevert(_agreementSignatureInvalid(other, school.account));
        second.sign(termsHashOf[id], school.id, school.account, signature);
    }

    function _expectAcceptanceRefused(
        bytes32 proposed,
        Organisation memory party,
        bytes memory signature
    ) private {
        vm.expectRevert(_agreementSignatureInvalid(proposed, party.account));
        agreements.sign(termsHashOf[proposed], party.id, party.account, signature);
    }

    function _otherTerms() private view returns (IAgreementRegistry.Terms memory terms) {
        terms = _agreed();
        terms.salt = "other";
    }

    function _expectVoucherRefused(
        IUsageSettlement.Voucher memory voucher,
        bytes memory signature
    ) private {
        vm.expectRevert(_voucherSignatureInvalid(company.account));
        settlement.settle(_agreed(), voucher, 1, company.account, signature);
    }
}
