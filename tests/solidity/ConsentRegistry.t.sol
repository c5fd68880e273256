// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

import {IConsentRegistry} from "../../contracts/interfaces/IConsentRegistry.sol";
import {Scopes} from "../../contracts/libraries/Scopes.sol";
import {LedgerFixture} from "./LedgerFixture.sol";

/// @notice Endings: by the holder, by signature, by the issuer, by governance. Anchoring is in
/// MerkleLog.t.sol, the status in ConsentStatus.t.sol.
contract ConsentRegistryTest is LedgerFixture {
    bytes32 private constant LEAF = keccak256("leaf");
    address private holder;
    uint256 private holderKey;

    function setUp() public override {
        super.setUp();
        (holder, holderKey) = makeAddrAndKey("holder");
    }

    // Own transaction

    function test_withdraw_inOnesOwnNamespace() public {
        _expectEnded(holder, LEAF);
        vm.prank(holder);
        consents.withdraw(LEAF);
        assertEq(consents.revocations(holder, LEAF), START);
        assertEq(consents.revocations(stranger, LEAF), 0);
    }

    function test_withdraw_theFirstTimeCounts() public {
        vm.prank(holder);
        consents.withdraw(LEAF);
        vm.warp(START + 1);
        vm.recordLogs();
        vm.prank(holder);
        consents.withdraw(LEAF);
        consents.withdrawBySignature(_withdrawal(holder, holderKey, LEAF));
        assertEq(vm.getRecordedLogs().length, 0);
        assertEq(consents.revocations(holder, LEAF), START);
    }

    // By signature

    function test_withdrawBySignature_submittedByAnyone_replayChangesNothing() public {
        IConsentRegistry.Withdrawal memory withdrawal = _withdrawal(holder, holderKey, LEAF);
        _expectEnded(holder, LEAF);
        vm.prank(stranger);
        consents.withdrawBySignature(withdrawal);
        vm.warp(START + 1);
        consents.withdrawBySignature(withdrawal);
        assertEq(consents.revocations(holder, LEAF), START);
    }

    function test_withdrawBySignature_revert_notTheHolders() public {
        IConsentRegistry.Withdrawal memory withdrawal = _withdrawal(stranger, holderKey, LEAF);
        _expectSignatureInvalid(withdrawal);
        withdrawal = _withdrawal(holder, holderKey, LEAF);
        withdrawal.leaf = "other";
        _expectSignatureInvalid(withdrawal);
    }

    function test_withdrawBySignature_revert_faultyValues() public {
        IConsentRegistry.Withdrawal memory withdrawal = _withdrawal(holder, holderKey, LEAF);
        withdrawal.v = 29;
        _expectSignatureInvalid(withdrawal);
        // A fault recovers to zero, which is nobody's namespace.
        withdrawal.holder = address(0);
        _expectSignatureInvalid(withdrawal);
        _expectSignatureInvalid(_withTwinS(_withdrawal(holder, holderKey, LEAF)));
    }

    function testFuzz_withdrawBySignature_agreesWithOpenZeppelin(
        IConsentRegistry.Withdrawal memory withdrawal,
        uint256 key,
        uint8 damage
    ) public {
        key = bound(key, 1, 2 ** 128);
        if (damage % 3 != 0) withdrawal = _withdrawal(vm.addr(key), key, withdrawal.leaf);
        if (damage % 3 == 2) withdrawal.v = damage;
        (address signer, ECDSA.RecoverError fault, ) = ECDSA.tryRecover(
            _withdrawalDigest(withdrawal.leaf),
            withdrawal.v,
            withdrawal.r,
            withdrawal.s
        );
        bool signed = fault == ECDSA.RecoverError.NoError && signer == withdrawal.holder;
        IConsentRegistry.Withdrawal[] memory one = new IConsentRegistry.Withdrawal[](1);
        one[0] = withdrawal;
        consents.withdrawManyBySignature(one);
        assertEq(consents.revocations(withdrawal.holder, withdrawal.leaf) != 0, signed);
    }

    function test_withdrawManyBySignature_oneBadSpoilsNothing() public {
        IConsentRegistry.Withdrawal[] memory many = new IConsentRegistry.Withdrawal[](3);
        many[0] = _withdrawal(holder, holderKey, LEAF);
        many[1] = _withdrawal(stranger, holderKey, LEAF);
        many[2] = _withdrawal(holder, holderKey, "other");
        _expectEnded(holder, LEAF);
        vm.expectEmit(address(consents));
        emit IConsentRegistry.WithdrawalRefused(stranger, LEAF);
        _expectEnded(holder, "other");
        consents.withdrawManyBySignature(many);
        assertEq(consents.revocations(stranger, LEAF), 0);
    }

    function test_withdrawManyBySignature_vBeyondAByteIsABadSignature() public {
        IConsentRegistry.Withdrawal[] memory many = new IConsentRegistry.Withdrawal[](1);
        many[0] = _withdrawal(holder, holderKey, LEAF);
        bytes memory call = abi.encodeCall(consents.withdrawManyBySignature, (many));
        call[call.length - 2] = 0x01; // v + 256
        vm.expectEmit(address(consents));
        emit IConsentRegistry.WithdrawalRefused(holder, LEAF);
        (bool success, ) = address(consents).call(call);
        assertTrue(success);
    }

    function test_withdrawBySignature_outOfGasIsNotABadSignature() public {
        IConsentRegistry.Withdrawal[] memory many = new IConsentRegistry.Withdrawal[](1);
        many[0] = _withdrawal(holder, holderKey, LEAF);
        for (uint256 gas = 24_000; gas < 60_000; gas += 500) {
            (bool success, ) = address(consents).call{gas: gas}(
                abi.encodeCall(consents.withdrawManyBySignature, (many))
            );
            if (success) assertEq(consents.revocations(holder, LEAF), START);
        }
        assertEq(consents.revocations(holder, LEAF), START);
    }

    // By the issuer

    function test_revoke() public {
        (address clerk, ) = _bind(school, "clerk", Scopes.ANCHOR, FOREVER);
        _expectEnded(school.id, LEAF);
        vm.prank(clerk);
        consents.revoke(school.id, LEAF);
        assertEq(consents.revocations(school.id, LEAF), START);
        vm.warp(START + 1);
        vm.prank(clerk);
        consents.revoke(school.id, LEAF);
        assertEq(consents.revocations(school.id, LEAF), START);
    }

    function test_revoke_byOperator() public {
        vm.prank(school.account);
        registry.delegate(school.id, operator.id, Scopes.ANCHOR, FOREVER);
        vm.prank(operator.account);
        consents.revoke(school.id, LEAF);
        assertEq(consents.revocations(school.id, LEAF), START);
    }

    function test_revoke_revert_notIssuer() public {
        vm.expectRevert(
            abi.encodeWithSelector(
                IConsentRegistry.ConsentRegistry_NotIssuer.selector,
                company.account,
                school.id
            )
        );
        vm.prank(company.account);
        consents.revoke(school.id, LEAF);
    }

    // By governance

    function test_invalidate() public {
        _expectEnded(address(consents), LEAF);
        vm.prank(address(timelock));
        consents.invalidate(LEAF);
        assertEq(consents.revocations(address(consents), LEAF), START);
    }

    function test_invalidate_revert_notGovernance() public {
        vm.expectRevert(_unauthorised(school.account));
        vm.prank(school.account);
        consents.invalidate(LEAF);
    }

    // Many issuers in one transaction

    function test_multicall_anchorsForManyIssuers() public {
        vm.prank(school.account);
        registry.delegate(school.id, operator.id, Scopes.ANCHOR, FOREVER);
        vm.prank(company.account);
        registry.delegate(company.id, operator.id, Scopes.ANCHOR, FOREVER);
        bytes32[] memory leaves = new bytes32[](1);
        leaves[0] = LEAF;
        bytes[] memory calls = new bytes[](2);
        calls[0] = abi.encodeCall(consents.anchor, (school.id, leaves));
        calls[1] = abi.encodeCall(consents.anchor, (company.id, leaves));
        vm.prank(operator.account);
        consents.multicall(calls);
        assertEq(consents.anchorOf(school.id, LEAF).size, 1);
        assertEq(consents.anchorOf(company.id, LEAF).firstIndex, 1);
    }

    // Where storage proofs look

    function test_storage_revocationsLieInSlot5() public {
        vm.prank(holder);
        consents.withdraw(LEAF);
        bytes32 inner = keccak256(abi.encode(holder, 5));
        assertEq(uint256(vm.load(address(consents), keccak256(abi.encode(LEAF, inner)))), START);
    }

    // Parts

    function _withdrawalDigest(bytes32 leaf) private view returns (bytes32) {
        bytes32 structHash = keccak256(
            abi.encode(keccak256("ConsentWithdrawal(bytes32 leaf)"), leaf)
        );
        return _digest("PTX ConsentRegistry", address(consents), structHash);
    }

    function _withdrawal(
        address claimed,
        uint256 key,
        bytes32 leaf
    ) private view returns (IConsentRegistry.Withdrawal memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, _withdrawalDigest(leaf));
        return IConsentRegistry.Withdrawal(claimed, leaf, r, s, v);
    }

    function _withTwinS(
        IConsentRegistry.Withdrawal memory withdrawal
    ) private pure returns (IConsentRegistry.Withdrawal memory) {
        uint256 order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
        withdrawal.s = bytes32(order - uint256(withdrawal.s));
        withdrawal.v = withdrawal.v == 27 ? 28 : 27;
        return withdrawal;
    }

    function _expectEnded(address who, bytes32 leaf) private {
        vm.expectEmit(address(consents));
        emit IConsentRegistry.ConsentEnded(who, leaf);
    }

    function _expectSignatureInvalid(IConsentRegistry.Withdrawal memory withdrawal) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IConsentRegistry.ConsentRegistry_SignatureInvalid.selector,
                withdrawal.holder,
                withdrawal.leaf
            )
        );
        consents.withdrawBySignature(withdrawal);
    }
}
