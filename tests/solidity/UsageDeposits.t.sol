// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IAgreementRegistry} from "../../contracts/interfaces/IAgreementRegistry.sol";
import {IUsageSettlement} from "../../contracts/interfaces/IUsageSettlement.sol";
import {Notice} from "../../contracts/libraries/Notice.sol";
import {Scopes} from "../../contracts/libraries/Scopes.sol";
import {LedgerFixture} from "./LedgerFixture.sol";

/// @notice Deposits, leaving with them, claims and the commission's way to the treasury.
contract UsageDepositsTest is LedgerFixture {
    uint256 private constant DEPOSIT = 1_000 * EURO;
    bytes32 private id;

    function setUp() public override {
        super.setUp();
        id = _activate(_terms());
    }

    // Deposits

    function test_deposit() public {
        _fund(company.account, DEPOSIT);
        vm.startPrank(company.account);
        token.approve(address(settlement), DEPOSIT);
        vm.expectEmit(address(settlement));
        emit IUsageSettlement.Deposited(id, company.id, company.account, DEPOSIT);
        settlement.deposit(id, company.id, DEPOSIT);
        assertEq(settlement.depositOf(id, company.id), DEPOSIT);
        assertEq(token.balanceOf(address(settlement)), DEPOSIT);
    }

    function test_deposit_beforeTheAgreementBegins() public {
        IAgreementRegistry.Terms memory terms = _terms();
        terms.validFrom = uint64(START + 1 days);
        _deposit(_activate(terms), company, DEPOSIT);
    }

    function test_deposit_revert_amountZero() public {
        vm.expectRevert(IUsageSettlement.UsageSettlement_AmountZero.selector);
        vm.prank(company.account);
        settlement.deposit(id, company.id, 0);
    }

    function test_deposit_revert_notAuthorised() public {
        (address clerk, ) = _bind(company, "clerk", Scopes.VOUCHER, FOREVER);
        vm.expectRevert(_notAuthorised(clerk, company.id, Scopes.CLAIM));
        vm.prank(clerk);
        settlement.deposit(id, company.id, 1);
    }

    function test_deposit_revert_notParty() public {
        bytes32 ofTwo = _activate(_twoPartyTerms());
        vm.expectRevert(
            abi.encodeWithSelector(
                IUsageSettlement.UsageSettlement_NotParty.selector,
                ofTwo,
                operator.id
            )
        );
        vm.prank(operator.account);
        settlement.deposit(ofTwo, operator.id, 1);
    }

    function test_deposit_revert_agreementNotActive() public {
        bytes32 proposed = _propose(_twoPartyTerms());
        _expectNotActive(proposed);
        vm.startPrank(school.account);
        agreements.suspend(id, school.id, "");
        vm.stopPrank();
        _expectNotActive(id);
        vm.startPrank(school.account);
        agreements.resume(id, school.id);
        vm.stopPrank();
        vm.warp(START + 365 days);
        _expectNotActive(id);
    }

    // Deposits with permit

    function test_depositWithPermit() public {
        _fund(company.account, DEPOSIT);
        IUsageSettlement.Permit memory permit = _permit(DEPOSIT, START);
        vm.expectEmit(address(settlement));
        emit IUsageSettlement.Deposited(id, company.id, company.account, DEPOSIT);
        vm.prank(company.account);
        settlement.depositWithPermit(id, company.id, DEPOSIT, permit);
        assertEq(settlement.depositOf(id, company.id), DEPOSIT);
        assertEq(token.allowance(company.account, address(settlement)), 0);
        assertEq(token.nonces(company.account), 1);
    }

    /// @notice Whoever sees a permit on its way and submits it first changes nothing.
    function test_depositWithPermit_thatSomebodySubmittedBefore() public {
        _fund(company.account, DEPOSIT);
        IUsageSettlement.Permit memory permit = _permit(DEPOSIT, START);
        vm.prank(stranger);
        token.permit(
            company.account,
            address(settlement),
            DEPOSIT,
            permit.deadline,
            permit.v,
            permit.r,
            permit.s
        );
        vm.prank(company.account);
        settlement.depositWithPermit(id, company.id, DEPOSIT, permit);
        assertEq(settlement.depositOf(id, company.id), DEPOSIT);
    }

    function test_depositWithPermit_revert_permitOfNoUse() public {
        _fund(company.account, DEPOSIT);
        IUsageSettlement.Permit[2] memory permits;
        permits[0] = _permit(DEPOSIT - 1, START);
        permits[1] = _permit(DEPOSIT, START - 1);
        for (uint256 i; i < permits.length; ++i) {
            vm.expectRevert(
                abi.encodeWithSignature(
                    "ERC20InsufficientAllowance(address,uint256,uint256)",
                    address(settlement),
                    0,
                    DEPOSIT
                )
            );
            vm.prank(company.account);
            settlement.depositWithPermit(id, company.id, DEPOSIT, permits[i]);
        }
    }

    function _permit(
        uint256 amount,
        uint256 deadline
    ) private view returns (IUsageSettlement.Permit memory permit) {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "Permit(address owner,address spender,uint256 value,uint256 nonce,"
                    "uint256 deadline)"
                ),
                company.account,
                address(settlement),
                amount,
                0,
                deadline
            )
        );
        bytes32 digest = _digest("Prometheus-X Usage Token", address(token), structHash);
        permit.deadline = deadline;
        (permit.v, permit.r, permit.s) = vm.sign(company.key, digest);
    }

    // Leaving

    function test_leave_atTheSecondTheNoticeEnds() public {
        _deposit(id, company, DEPOSIT);
        uint40 due = uint40(START + Notice.SECONDS);
        vm.startPrank(company.account);
        vm.expectEmit(address(settlement));
        emit IUsageSettlement.LeavingRequested(id, company.id, 100, due);
        settlement.requestLeaving(id, company.id, 100);
        assertEq(settlement.leavingOf(id, company.id).amount, 100);
        assertEq(settlement.leavingOf(id, company.id).executableAt, due);

        vm.warp(due - 1);
        _expectNotDue(due, due - 1);
        settlement.leave(id, company.id, company.account);
        vm.warp(due);
        vm.expectEmit(address(settlement));
        emit IUsageSettlement.Left(id, company.id, company.account, 100);
        settlement.leave(id, company.id, company.account);
        assertEq(settlement.depositOf(id, company.id), DEPOSIT - 100);
        assertEq(token.balanceOf(company.account), 100);
        // The request is spent.
        vm.warp(due + 1);
        _expectNotDue(0, due + 1);
        settlement.leave(id, company.id, company.account);
    }

    function test_leave_oneSecondLater() public {
        _deposit(id, company, DEPOSIT);
        vm.startPrank(company.account);
        settlement.requestLeaving(id, company.id, 100);
        vm.warp(START + Notice.SECONDS + 1);
        settlement.leave(id, company.id, company.account);
        assertEq(token.balanceOf(company.account), 100);
    }

    function test_leave_vouchersSettleAgainstTheWholeUntilThen() public {
        IAgreementRegistry.Terms memory terms = _terms();
        _deposit(id, company, 1_333_400);
        vm.prank(company.account);
        settlement.requestLeaving(id, company.id, type(uint128).max);
        _settle(terms, _voucher(id, 100), 100); // 1,233,390
        vm.warp(START + Notice.SECONDS);
        vm.prank(company.account);
        settlement.leave(id, company.id, company.account);
        assertEq(token.balanceOf(company.account), 1_333_400 - 1_233_390);
        assertEq(settlement.depositOf(id, company.id), 0);
    }

    function test_requestLeaving_aNewRequestStartsTheNoticeAgain() public {
        _deposit(id, company, DEPOSIT);
        vm.startPrank(company.account);
        settlement.requestLeaving(id, company.id, 100);
        vm.warp(START + Notice.SECONDS);
        settlement.requestLeaving(id, company.id, 200);
        _expectNotDue(uint40(START + 2 * Notice.SECONDS), START + Notice.SECONDS);
        settlement.leave(id, company.id, company.account);
    }

    /// @notice That request alone: neither under another agreement nor another party's.
    function test_deposit_endsTheRequestToLeave() public {
        _deposit(id, company, DEPOSIT);
        bytes32 ofTwo = _activate(_twoPartyTerms());
        vm.startPrank(company.account);
        settlement.requestLeaving(id, company.id, 100);
        settlement.requestLeaving(ofTwo, company.id, 200);
        vm.stopPrank();
        vm.prank(school.account);
        settlement.requestLeaving(id, school.id, 300);
        vm.warp(START + Notice.SECONDS - 1);
        _deposit(id, company, 1);
        assertEq(settlement.leavingOf(id, company.id).amount, 0);
        assertEq(settlement.leavingOf(id, company.id).executableAt, 0);
        assertEq(settlement.leavingOf(ofTwo, company.id).amount, 200);
        assertEq(settlement.leavingOf(id, school.id).amount, 300);
        vm.warp(START + Notice.SECONDS);
        _expectNotDue(0, START + Notice.SECONDS);
        vm.prank(company.account);
        settlement.leave(id, company.id, company.account);
    }

    function test_depositWithPermit_endsTheRequestToLeave() public {
        _fund(company.account, DEPOSIT);
        IUsageSettlement.Permit memory permit = _permit(DEPOSIT, START);
        vm.startPrank(company.account);
        settlement.requestLeaving(id, company.id, 100);
        settlement.depositWithPermit(id, company.id, DEPOSIT, permit);
        assertEq(settlement.leavingOf(id, company.id).executableAt, 0);
    }

    function test_leaving_revert() public {
        vm.startPrank(company.account);
        vm.expectRevert(IUsageSettlement.UsageSettlement_AmountZero.selector);
        settlement.requestLeaving(id, company.id, 0);
        _expectNotAuthorised(school.account, company.id);
        settlement.leave(id, company.id, school.account);
        _expectNotAuthorised(company.account, school.id);
        settlement.requestLeaving(id, school.id, 1);
        _expectNotAuthorised(company.account, school.id);
        settlement.leave(id, school.id, company.account);
    }

    // Claims

    function test_claim_inParts() public {
        _settleHundred();
        uint256 balance = settlement.balanceOf(school.id);
        (address cashier, ) = _bind(school, "cashier", Scopes.ANCHOR, FOREVER);
        vm.startPrank(school.account);
        vm.expectEmit(address(settlement));
        emit IUsageSettlement.BalanceClaimed(school.id, cashier, 1);
        settlement.claim(school.id, cashier, 1);
        settlement.claim(school.id, school.account, balance - 1);
        assertEq(token.balanceOf(cashier), 1);
        assertEq(token.balanceOf(school.account), balance - 1);
        vm.expectRevert(
            abi.encodeWithSelector(IUsageSettlement.UsageSettlement_AmountTooLarge.selector, 1, 0)
        );
        settlement.claim(school.id, school.account, 1);
    }

    function test_claim_revert() public {
        vm.startPrank(school.account);
        vm.expectRevert(IUsageSettlement.UsageSettlement_AmountZero.selector);
        settlement.claim(school.id, school.account, 0);
        _expectNotAuthorised(school.account, company.id);
        settlement.claim(company.id, school.account, 1);
        _expectNotAuthorised(company.account, school.id); // only to the school's own
        settlement.claim(school.id, company.account, 1);
    }

    function test_payOutCommission() public {
        vm.expectRevert(IUsageSettlement.UsageSettlement_AmountZero.selector);
        settlement.payOutCommission();
        _settleHundred();
        uint256 owed = settlement.commissionOwed();
        vm.expectEmit(address(settlement));
        emit IUsageSettlement.CommissionPaidOut(owed);
        vm.prank(stranger);
        assertEq(settlement.payOutCommission(), owed);
        assertEq(token.balanceOf(address(treasury)), owed);
        assertEq(settlement.commissionOwed(), 0);
    }

    // Parts

    function _settleHundred() private {
        _deposit(id, company, DEPOSIT);
        _settle(_terms(), _voucher(id, 100), 100);
    }

    function _expectNotActive(bytes32 agreementId) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IUsageSettlement.UsageSettlement_AgreementNotActive.selector,
                agreementId
            )
        );
        vm.prank(company.account);
        settlement.deposit(agreementId, company.id, 1);
    }

    function _expectNotDue(uint40 executableAt, uint256 time) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IUsageSettlement.UsageSettlement_LeavingNotDue.selector,
                executableAt,
                time
            )
        );
    }

    function _expectNotAuthorised(address account, address organisation) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IUsageSettlement.UsageSettlement_NotAuthorised.selector,
                account,
                organisation
            )
        );
    }
}
