// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IAgreementRegistry} from "../../../contracts/interfaces/IAgreementRegistry.sol";
import {IConsentRegistry} from "../../../contracts/interfaces/IConsentRegistry.sol";
import {IUsageSettlement} from "../../../contracts/interfaces/IUsageSettlement.sol";
import {Scopes} from "../../../contracts/libraries/Scopes.sol";
import {ContractWallet} from "../ContractWallet.sol";
import {AttackFixture} from "./AttackFixture.sol";

/// @notice Whoever carries another's signature gives too little gas, or comes first. That a relay
/// without gas never turns a good withdrawal into a refused one is in ConsentRegistry.t.sol.
contract RelayAttacksTest is AttackFixture {
    /// @notice A wallet that runs out of the relay's gas looks as if it had said no: the whole
    /// reverts, nothing is lost, and with enough gas it goes through.
    function test_attack_relayWithTooLittleGasForAWallet_changesNothing() public {
        (address owner, uint256 key) = makeAddrAndKey("owner");
        address wallet = address(new ContractWallet(owner));
        _bindWallet(company, wallet, key, Scopes.VOUCHER);
        IUsageSettlement.Voucher memory voucher = _voucher(id, 100);
        bytes memory call = abi.encodeCall(
            settlement.settle,
            (_agreed(), voucher, 100, wallet, _sign(key, _voucherDigest(voucher)))
        );
        bytes memory before = _money();
        uint256 gas = 30_000;
        bool success;
        for (; !success; gas += 2_500) {
            assertEq(_money(), before);
            (success, ) = address(settlement).call{gas: gas}(call);
        }
        assertLt(gas, 400_000);
        assertEq(settlement.settledUnitsOf(id, company.id, PERIOD), 100);
    }

    /// @notice In a batch of withdrawals a relay drops none by giving too little: all or nothing.
    function test_attack_relayWithTooLittleGasForABatch_dropsNone() public {
        IConsentRegistry.Withdrawal[] memory many = new IConsentRegistry.Withdrawal[](5);
        for (uint256 i; i < 5; ++i) many[i] = _withdrawal(holderKey, bytes32(i + 1));
        bytes memory call = abi.encodeCall(consents.withdrawManyBySignature, (many));
        bool success;
        for (uint256 gas = 25_000; !success; gas += 1_000) {
            for (uint256 i; i < 5; ++i) assertEq(consents.revocations(holder, bytes32(i + 1)), 0);
            (success, ) = address(consents).call{gas: gas}(call);
        }
        for (uint256 i; i < 5; ++i) assertEq(consents.revocations(holder, bytes32(i + 1)), START);
    }

    /// @notice Whoever sees a payee's settlement on its way and settles a part first, or all,
    /// leaves the same money in the end.
    function test_attack_frontRunSettlement_givesTheSameMoney() public {
        IUsageSettlement.Voucher memory voucher = _voucher(id, 100);
        bytes memory signature = _signed(voucher);
        IUsageSettlement.Settlement[] memory batch = new IUsageSettlement.Settlement[](1);
        batch[0] = IUsageSettlement.Settlement(_agreed(), voucher, 100, company.account, signature);
        uint256 before = vm.snapshotState();
        settlement.settleMany(batch);
        bytes memory undisturbed = _money();
        uint64[3] memory parts = [uint64(1), 99, 100];
        for (uint256 i; i < parts.length; ++i) {
            vm.revertToState(before);
            vm.prank(stranger);
            settlement.settle(_agreed(), voucher, parts[i], company.account, signature);
            settlement.settleMany(batch);
            assertEq(_money(), undisturbed);
        }
    }

    /// @notice Whoever submits a relay's withdrawal first ends the consent at the same second; the
    /// relay's own then changes nothing and does not fail.
    function test_attack_frontRunRelay_endsTheConsentAllTheSame() public {
        IConsentRegistry.Withdrawal[] memory many = new IConsentRegistry.Withdrawal[](2);
        many[0] = _withdrawal(holderKey, "leaf");
        many[1] = _withdrawal(holderKey, "other");
        vm.prank(stranger);
        consents.withdrawBySignature(many[0]);
        vm.warp(START + 1);
        consents.withdrawManyBySignature(many);
        assertEq(consents.revocations(holder, "leaf"), START);
        assertEq(consents.revocations(holder, "other"), START + 1);
    }

    /// @notice A signature under an agreement brought by somebody else first counts as the same.
    function test_attack_frontRunAgreementSignature_countsAllTheSame() public {
        bytes32 proposed = _propose(_twoPartyTerms());
        bytes memory signature = _signAcceptance(proposed, school.id, school.key);
        bytes32 termsHash = termsHashOf[proposed];
        vm.prank(stranger);
        agreements.sign(termsHash, school.id, school.account, signature);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAgreementRegistry.AgreementRegistry_AlreadySigned.selector,
                proposed,
                school.id
            )
        );
        agreements.sign(termsHash, school.id, school.account, signature);
        _signAgreement(proposed, company);
        assertTrue(agreements.wasActivated(proposed));
    }
}
