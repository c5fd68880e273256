// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {Vm} from "forge-std/Vm.sol";

import {IAgreementRegistry} from "../../../contracts/interfaces/IAgreementRegistry.sol";
import {IConsentRegistry} from "../../../contracts/interfaces/IConsentRegistry.sol";
import {IUsageSettlement} from "../../../contracts/interfaces/IUsageSettlement.sol";
import {Scopes} from "../../../contracts/libraries/Scopes.sol";
import {ContractWallet} from "../ContractWallet.sol";
import {AttackFixture} from "./AttackFixture.sol";

/// @notice Whoever carries another's signature gives too little gas, or comes first. That a relay
/// without gas never turns a good withdrawal into a refused one is in ConsentRegistry.t.sol.
contract RelayAttacksTest is AttackFixture {
    /// @notice A wallet that runs out of the relay's gas takes the whole with it: it reverts
    /// without a reason, nothing is lost, and with enough gas it goes through. One that burns a
    /// block's gas leaves enough to call it a bad signature, with as little lost: Wallets.t.sol.
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
        for (; !success; gas += 500) {
            assertEq(_money(), before);
            bytes memory answer;
            (success, answer) = address(settlement).call{gas: gas}(call);
            assertEq(answer, "");
        }
        assertLt(gas, 400_000);
        assertEq(settlement.settledUnitsOf(id, company.id, PERIOD), 100);
    }

    /// @notice A key's signature is never bad for want of gas: no reason is given, which is the
    /// machine's own word for it.
    function test_attack_relayWithTooLittleGasForAKey_isNeverABadSignature() public {
        IUsageSettlement.Voucher memory voucher = _voucher(id, 100);
        bytes memory call = abi.encodeCall(
            settlement.settle,
            (_agreed(), voucher, 100, company.account, _signed(voucher))
        );
        bytes memory before = _money();
        bool success;
        for (uint256 gas = 30_000; !success; gas += 500) {
            assertEq(_money(), before);
            bytes memory answer;
            (success, answer) = address(settlement).call{gas: gas}(call);
            assertEq(answer, "");
        }
        assertEq(settlement.settledUnitsOf(id, company.id, PERIOD), 100);
    }

    /// @notice In a batch of withdrawals a relay drops none by giving too little: it runs out as a
    /// whole, without a reason, or ends all five. No attempt refuses any, not even before it runs
    /// out: the record keeps the events of what reverted, too.
    function test_attack_relayWithTooLittleGasForABatch_dropsNone() public {
        IConsentRegistry.Withdrawal[] memory many = new IConsentRegistry.Withdrawal[](5);
        for (uint256 i; i < 5; ++i) many[i] = _withdrawal(holderKey, bytes32(i + 1));
        bytes memory call = abi.encodeCall(consents.withdrawManyBySignature, (many));
        bool success;
        vm.recordLogs();
        for (uint256 gas = 25_000; !success; gas += 250) {
            for (uint256 i; i < 5; ++i) assertEq(consents.revocations(holder, bytes32(i + 1)), 0);
            bytes memory answer;
            (success, answer) = address(consents).call{gas: gas}(call);
            assertEq(answer, "");
        }
        for (uint256 i; i < 5; ++i) assertEq(consents.revocations(holder, bytes32(i + 1)), START);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        assertGt(logs.length, 5);
        for (uint256 i; i < logs.length; ++i) {
            assertEq(logs[i].topics[0], IConsentRegistry.ConsentEnded.selector);
        }
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
