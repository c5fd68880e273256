// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {stdError} from "forge-std/StdError.sol";

import {IAgreementRegistry} from "../../../contracts/interfaces/IAgreementRegistry.sol";
import {ICommissionPolicy} from "../../../contracts/interfaces/ICommissionPolicy.sol";
import {IMerkleLog} from "../../../contracts/interfaces/IMerkleLog.sol";
import {IParticipantRegistry} from "../../../contracts/interfaces/IParticipantRegistry.sol";
import {IUsageSettlement} from "../../../contracts/interfaces/IUsageSettlement.sol";
import {Periods} from "../../../contracts/libraries/Periods.sol";
import {Scopes} from "../../../contracts/libraries/Scopes.sol";
import {AttackFixture} from "./AttackFixture.sol";

/// @notice Every time and amount at 0, at 1 and at the largest that its type holds.
contract BoundaryAttacksTest is AttackFixture {
    uint64 private constant MAX = type(uint64).max;

    // Amounts

    function test_attack_deposit_of0And1AndTheLargest() public {
        _fund(company.account, 1);
        vm.startPrank(company.account);
        token.approve(address(settlement), type(uint256).max);
        vm.expectRevert(IUsageSettlement.UsageSettlement_AmountZero.selector);
        settlement.deposit(id, company.id, 0);
        settlement.deposit(id, company.id, 1);
        assertEq(settlement.depositOf(id, company.id), DEPOSIT + 1);
        vm.expectRevert(stdError.arithmeticError);
        settlement.deposit(id, company.id, type(uint256).max);
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientBalance.selector,
                company.account,
                0,
                type(uint256).max - DEPOSIT - 1
            )
        );
        settlement.deposit(id, company.id, type(uint256).max - DEPOSIT - 1);
    }

    function test_attack_claim_of0And1AndTheLargest() public {
        _settle(_agreed(), _voucher(id, 100), 100);
        uint256 balance = settlement.balanceOf(school.id);
        vm.startPrank(school.account);
        vm.expectRevert(IUsageSettlement.UsageSettlement_AmountZero.selector);
        settlement.claim(school.id, school.account, 0);
        settlement.claim(school.id, school.account, 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IUsageSettlement.UsageSettlement_AmountTooLarge.selector,
                type(uint256).max,
                balance - 1
            )
        );
        settlement.claim(school.id, school.account, type(uint256).max);
    }

    function test_attack_leaving_with0And1AndTheLargest() public {
        vm.startPrank(company.account);
        vm.expectRevert(IUsageSettlement.UsageSettlement_AmountZero.selector);
        settlement.requestLeaving(id, company.id, 0);
        settlement.requestLeaving(id, company.id, 1);
        vm.warp(START + 30 days);
        settlement.leave(id, company.id, company.account);
        assertEq(settlement.depositOf(id, company.id), DEPOSIT - 1);
        settlement.requestLeaving(id, company.id, type(uint128).max);
        vm.warp(START + 60 days);
        settlement.leave(id, company.id, company.account);
        assertEq(token.balanceOf(company.account), DEPOSIT);
        assertEq(settlement.depositOf(id, company.id), 0);
    }

    function test_attack_units_of0And1AndTheLargest() public {
        IUsageSettlement.Voucher memory voucher = _voucher(id, MAX);
        bytes memory signature = _signed(voucher);
        vm.expectRevert(
            abi.encodeWithSelector(IUsageSettlement.UsageSettlement_VoucherNotNewer.selector, 0, 0)
        );
        settlement.settle(_agreed(), voucher, 0, company.account, signature);
        settlement.settle(_agreed(), voucher, 1, company.account, signature);
        assertEq(settlement.balanceOf(operator.id), 3_333 - 83);
        uint256 needed = (uint256(MAX) - 10) * 10_001 + (uint256(MAX) - 1) * 3_333;
        vm.expectRevert(_depositTooSmall(DEPOSIT - 3_333, needed));
        settlement.settle(_agreed(), voucher, MAX, company.account, signature);
    }

    /// @notice Thirty-two lines at the largest price for the largest use: a sum that fits, and a
    /// deposit that does not reach.
    function test_attack_pricesAndUnitsAtTheirLargest_neverOverflow() public {
        IAgreementRegistry.Terms memory terms = _twoPartyTerms();
        terms.lines = new IAgreementRegistry.PriceLine[](32);
        for (uint256 i; i < 32; ++i) {
            terms.lines[i] = IAgreementRegistry.PriceLine(school.id, CATALOGUE, MAX, 0);
        }
        bytes32 other = _activate(terms);
        IUsageSettlement.Voucher memory voucher = _voucher(other, MAX);
        bytes memory signature = _signed(voucher);
        vm.expectRevert(_depositTooSmall(0, 32 * uint256(MAX) ** 2));
        settlement.settle(terms, voucher, MAX, company.account, signature);
        // With so much money it is settled to the last base unit.
        uint256 needed = 32 * uint256(MAX) ** 2;
        _deposit(other, company, needed);
        settlement.settle(terms, voucher, MAX, company.account, signature);
        uint256 commission = 32 * ((uint256(MAX) ** 2 * CATALOGUE_BPS) / 10_000);
        assertEq(settlement.commissionOwed(), commission);
        assertEq(settlement.balanceOf(school.id), needed - commission);
        assertEq(settlement.depositOf(other, company.id), 0);
    }

    /// @notice Lines that cost nothing, by price or by free units, move nothing and count units.
    function test_attack_priceOf0AndEndlessFreeUnits_moveNothing() public {
        IAgreementRegistry.Terms memory terms = _agreed();
        terms.lines[0] = IAgreementRegistry.PriceLine(school.id, CATALOGUE, 0, 0);
        terms.lines[1] = IAgreementRegistry.PriceLine(operator.id, CONSENT, MAX, MAX);
        bytes32 other = _activate(terms);
        _settle(terms, _voucher(other, MAX), MAX);
        assertEq(settlement.balanceOf(school.id) + settlement.balanceOf(operator.id), 0);
        assertEq(settlement.commissionOwed(), 0);
        assertEq(settlement.settledUnitsOf(other, company.id, PERIOD), MAX);
    }

    function test_attack_issue_of0AndTheLargest() public {
        vm.startPrank(address(timelock));
        token.issue(school.account, 0, "");
        token.issue(school.account, type(uint256).max - DEPOSIT, "");
        vm.expectRevert(stdError.arithmeticError);
        token.issue(school.account, 1, "");
        assertEq(token.totalSupply(), type(uint256).max);
    }

    // Times

    function test_attack_period_0AndTheLargest() public {
        IAgreementRegistry.Terms memory terms = _twoPartyTerms();
        (terms.validFrom, terms.validUntil) = (0, MAX);
        bytes32 always = _activate(terms);
        _expectRefused(
            terms,
            always,
            0,
            abi.encodeWithSelector(
                ICommissionPolicy.CommissionPolicy_UnknownCategory.selector,
                CATALOGUE,
                0
            )
        );
        _expectRefused(
            terms,
            always,
            type(uint32).max,
            abi.encodeWithSelector(
                IUsageSettlement.UsageSettlement_PeriodNotBegun.selector,
                type(uint32).max,
                Periods.startOf(type(uint32).max)
            )
        );
        _expectRefused(
            _agreed(),
            id,
            0,
            abi.encodeWithSelector(
                IUsageSettlement.UsageSettlement_PeriodOutsideValidity.selector,
                0,
                _agreed().validFrom,
                _agreed().validUntil
            )
        );
    }

    function test_attack_rateFromPeriod0AndTheLargest() public {
        vm.startPrank(address(timelock));
        vm.expectRevert(
            abi.encodeWithSelector(
                ICommissionPolicy.CommissionPolicy_NoticeTooShort.selector,
                0,
                START + 30 days
            )
        );
        policy.setRate(CATALOGUE, 0, 1);
        policy.setRate(CATALOGUE, type(uint32).max, 1);
        assertEq(policy.rateOf(CATALOGUE, type(uint32).max - 1), CATALOGUE_BPS);
        assertEq(policy.rateOf(CATALOGUE, type(uint32).max), 1);
    }

    function test_attack_validityOfAnAgreement_from0ToTheLargest() public {
        IAgreementRegistry.Terms memory terms = _twoPartyTerms();
        (terms.validFrom, terms.validUntil) = (0, MAX);
        bytes32 other = _activate(terms);
        assertTrue(agreements.isActiveFor(other, school.id));
        uint64[2] memory ends = [uint64(0), 1];
        for (uint256 i; i < ends.length; ++i) {
            terms.validUntil = ends[i];
            vm.expectRevert(
                abi.encodeWithSelector(
                    IAgreementRegistry.AgreementRegistry_ValidityInvalid.selector,
                    0,
                    ends[i],
                    START
                )
            );
            _propose(terms);
        }
        // One second, the last: active at it, over at the next.
        (terms.validFrom, terms.validUntil) = (uint64(START), uint64(START + 1));
        other = _activate(terms);
        assertTrue(agreements.isActiveFor(other, school.id));
        vm.warp(START + 1);
        assertFalse(agreements.isActiveFor(other, school.id));
    }

    function test_attack_validityOfAConsent_from0ToTheLargest() public {
        assertTrue(_isActiveBetween(0, MAX));
        assertTrue(_isActiveBetween(uint64(START), uint64(START + 1)));
        assertFalse(_isActiveBetween(0, 0));
        assertFalse(_isActiveBetween(0, 1));
        assertFalse(_isActiveBetween(MAX, MAX));
        assertFalse(_isActiveBetween(MAX, 0));
        assertFalse(_isActiveBetween(uint64(START + 1), uint64(START + 1)));
    }

    function test_attack_expiryOfAnAccount_0And1AndTheLargest() public {
        (address clerk, uint256 key) = makeAddrAndKey("clerk");
        bytes memory signature = _signBinding(school.id, key);
        vm.startPrank(school.account);
        uint40[2] memory passed = [uint40(0), 1];
        for (uint256 i; i < passed.length; ++i) {
            bytes memory reason = abi.encodeWithSelector(
                IParticipantRegistry.ParticipantRegistry_ExpiryPassed.selector,
                passed[i],
                START
            );
            vm.expectRevert(reason);
            registry.bindAccount(school.id, clerk, Scopes.ANCHOR, passed[i], signature);
            vm.expectRevert(reason);
            registry.delegate(school.id, operator.id, Scopes.ANCHOR, passed[i]);
        }
        registry.bindAccount(school.id, clerk, Scopes.ANCHOR, FOREVER, signature);
        registry.delegate(school.id, operator.id, Scopes.ANCHOR, FOREVER);
        vm.warp(FOREVER - 1);
        assertTrue(registry.speaksFor(clerk, school.id, Scopes.ANCHOR));
        assertTrue(registry.speaksFor(operator.account, school.id, Scopes.ANCHOR));
    }

    function test_attack_stopFor0And1AndTheLargest() public {
        vm.startPrank(address(timelock));
        registry.stop(0);
        registry.requireNotStopped();
        registry.stop(1);
        vm.expectRevert(_stopped(START + 1));
        registry.requireNotStopped();
        vm.expectRevert(stdError.arithmeticError);
        registry.stop(type(uint40).max);
        registry.stop(type(uint40).max - uint40(START));
        assertEq(registry.stoppedUntil(), type(uint40).max);
        registry.endStop();
        registry.requireNotStopped();
    }

    function test_attack_leaf0AndTheLargest_areLeavesLikeAnyOther() public {
        bytes32[2] memory leaves = [bytes32(0), bytes32(type(uint256).max)];
        for (uint256 i; i < 2; ++i) {
            assertEq(_anchor(school, _one(leaves[i])), leaves[i]);
            assertEq(consents.anchorOf(school.id, leaves[i]).size, 1);
            consents.withdrawBySignature(_withdrawal(holderKey, leaves[i]));
            assertEq(consents.revocations(holder, leaves[i]), START);
        }
        assertEq(consents.revocations(holder, bytes32(uint256(1))), 0);
    }

    function _isActiveBetween(uint64 validFrom, uint64 validUntil) private returns (bool) {
        bytes memory entry = _entryFor(school.id, validFrom, validUntil);
        bytes32 root = _anchor(school, _one(_leafOf(entry)));
        return consents.isActive(entry, IMerkleLog.InclusionProof(root, 0, new bytes32[](0)));
    }

    function _expectRefused(
        IAgreementRegistry.Terms memory terms,
        bytes32 agreementId,
        uint32 period,
        bytes memory reason
    ) private {
        IUsageSettlement.Voucher memory voucher = _voucher(agreementId, 1);
        voucher.period = period;
        bytes memory signature = _signed(voucher);
        vm.expectRevert(reason);
        settlement.settle(terms, voucher, 1, company.account, signature);
    }
}
