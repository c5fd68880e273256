// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IAgreementRegistry} from "../../../contracts/interfaces/IAgreementRegistry.sol";
import {IConsentRegistry} from "../../../contracts/interfaces/IConsentRegistry.sol";
import {IParticipantRegistry} from "../../../contracts/interfaces/IParticipantRegistry.sol";
import {IUsageSettlement} from "../../../contracts/interfaces/IUsageSettlement.sol";
import {Scopes} from "../../../contracts/libraries/Scopes.sol";
import {AttackFixture} from "./AttackFixture.sol";

/// @notice Other writings of a good signature, and signatures of nobody, at every door that takes
/// one: the binding of an account, an agreement, a voucher, a withdrawal, a permit.
contract SignatureAttacksTest is AttackFixture {
    bytes32 private proposed;
    address private clerk;
    uint256 private clerkKey;

    function setUp() public override {
        super.setUp();
        proposed = _propose(_twoPartyTerms());
        (clerk, clerkKey) = makeAddrAndKey("clerk");
    }

    function test_attack_highS_isRefusedAtEveryDoor() public {
        _expectRefusedAtEveryDoor(_withHighS);
    }

    function test_attack_compactSignatureOf64Bytes_isRefusedAtEveryDoor() public {
        _expectRefusedAtEveryDoor(_compact);
    }

    function test_attack_vOf0Or1_isRefusedAtEveryDoor() public {
        _expectRefusedAtEveryDoor(_withSmallV);
        IConsentRegistry.Withdrawal memory withdrawal = _withdrawal(holderKey, "leaf");
        withdrawal.v -= 27;
        vm.expectRevert(_withdrawalInvalid(withdrawal));
        consents.withdrawBySignature(withdrawal);
    }

    function test_attack_signatureWithOneByteMore_isRefusedAtEveryDoor() public {
        _expectRefusedAtEveryDoor(_longer);
    }

    function test_attack_noSignature_isRefusedAtEveryDoor() public {
        _expectRefusedAtEveryDoor(_empty);
    }

    /// @notice A signature of nobody recovers to address zero, which is nobody's account.
    function test_attack_ecrecoverGivesZero_whichActsForNobody() public {
        bytes memory ofNobody = abi.encodePacked(bytes32(0), bytes32(0), uint8(27));
        _expectRefusedAtEveryDoor(_ofNobody);

        vm.expectRevert(_notAuthorised(address(0), school.id, Scopes.AGREE));
        agreements.sign(termsHashOf[proposed], school.id, address(0), ofNobody);
        vm.expectRevert(
            abi.encodeWithSelector(
                IParticipantRegistry.ParticipantRegistry_PossessionNotProven.selector,
                address(0)
            )
        );
        vm.prank(school.account);
        registry.bindAccount(school.id, address(0), Scopes.ALL, FOREVER, ofNobody);
        IUsageSettlement.Voucher memory voucher = _voucher(id, 1);
        vm.expectRevert(_voucherSignatureInvalid(address(0)));
        settlement.settle(_agreed(), voucher, 1, address(0), ofNobody);
        IConsentRegistry.Withdrawal memory withdrawal;
        vm.expectRevert(_withdrawalInvalid(withdrawal));
        consents.withdrawBySignature(withdrawal);
    }

    /// @notice Address 4 repeats what it is asked, which an ERC-1271 check must not take for a yes.
    function test_attack_precompileAsSigner_provesNothing() public {
        for (uint160 precompile = 1; precompile < 10; ++precompile) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    IParticipantRegistry.ParticipantRegistry_PossessionNotProven.selector,
                    address(precompile)
                )
            );
            vm.prank(school.account);
            registry.bindAccount{gas: 1_000_000}(
                school.id,
                address(precompile),
                Scopes.ALL,
                FOREVER,
                ""
            );
        }
    }

    function test_attack_permitWithHighS_givesNoAllowance() public {
        bytes32 typehash = keccak256(
            "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
        );
        bytes32 structHash = keccak256(
            abi.encode(typehash, company.account, address(settlement), 1, 0, START)
        );
        bytes32 digest = _digest("Prometheus-X Usage Token", address(token), structHash);
        bytes memory twin = _malleate(_sign(company.key, digest));
        (bytes32 r, bytes32 s) = _halves(twin);
        vm.expectRevert(abi.encodeWithSignature("ECDSAInvalidSignatureS(bytes32)", s));
        token.permit(company.account, address(settlement), 1, START, uint8(twin[64]), r, s);
        assertEq(token.allowance(company.account, address(settlement)), 0);
    }

    // Parts

    function _expectRefusedAtEveryDoor(
        function(bytes memory) pure returns (bytes memory) rewrite
    ) private {
        bytes memory signature = rewrite(_signBinding(school.id, clerkKey));
        vm.expectRevert(
            abi.encodeWithSelector(
                IParticipantRegistry.ParticipantRegistry_PossessionNotProven.selector,
                clerk
            )
        );
        vm.prank(school.account);
        registry.bindAccount(school.id, clerk, Scopes.ANCHOR, FOREVER, signature);

        signature = rewrite(_signAcceptance(proposed, school.id, school.key));
        vm.expectRevert(_agreementSignatureInvalid(proposed, school.account));
        agreements.sign(termsHashOf[proposed], school.id, school.account, signature);

        IUsageSettlement.Voucher memory voucher = _voucher(id, 1);
        IAgreementRegistry.Terms memory terms = _agreed();
        signature = rewrite(_signed(voucher));
        vm.expectRevert(_voucherSignatureInvalid(company.account));
        settlement.settle(terms, voucher, 1, company.account, signature);

        signature = rewrite(_sign(holderKey, _withdrawalDigest("leaf")));
        if (signature.length != 65) return; // a withdrawal has r, s and v, and nothing else
        (bytes32 r, bytes32 s) = _halves(signature);
        IConsentRegistry.Withdrawal memory withdrawal = IConsentRegistry.Withdrawal(
            holder,
            "leaf",
            r,
            s,
            uint8(signature[64])
        );
        vm.expectRevert(_withdrawalInvalid(withdrawal));
        consents.withdrawBySignature(withdrawal);
    }

    function _withHighS(bytes memory signature) private pure returns (bytes memory) {
        return _malleate(signature);
    }

    /// @dev ERC-2098: the parity of v in the highest bit of s.
    function _compact(bytes memory signature) private pure returns (bytes memory) {
        (bytes32 r, bytes32 s) = _halves(signature);
        uint256 parity = uint256(uint8(signature[64])) - 27;
        return abi.encodePacked(r, bytes32(uint256(s) | (parity << 255)));
    }

    function _withSmallV(bytes memory signature) private pure returns (bytes memory) {
        signature[64] = bytes1(uint8(signature[64]) - 27);
        return signature;
    }

    function _longer(bytes memory signature) private pure returns (bytes memory) {
        return abi.encodePacked(signature, bytes1(0));
    }

    function _empty(bytes memory) private pure returns (bytes memory) {
        return "";
    }

    function _ofNobody(bytes memory) private pure returns (bytes memory) {
        return abi.encodePacked(bytes32(0), bytes32(0), uint8(27));
    }

    function _halves(bytes memory signature) private pure returns (bytes32 r, bytes32 s) {
        assembly ("memory-safe") {
            r := mload(add(signature, 32))
            s := mload(add(signature, 64))
        }
    }
}
