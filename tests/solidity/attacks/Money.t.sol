// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IAgreementRegistry} from "../../../contracts/interfaces/IAgreementRegistry.sol";
import {IUsageSettlement} from "../../../contracts/interfaces/IUsageSettlement.sol";
import {Scopes} from "../../../contracts/libraries/Scopes.sol";
import {AttackFixture} from "./AttackFixture.sol";
import {HostileWallet} from "./HostileWallet.sol";

/// @notice Taking what is another's, and paying less than was signed. Rounding is in
/// Rounding.t.sol, leaving in Leaving.t.sol.
contract MoneyAttacksTest is AttackFixture {
    function test_attack_voucherAboveTheDeposit_theRestStaysClaimableAfterATopUp() public {
        uint64 units = 100_000; // 99,990 · 10,001 + 100,000 · 3,333
        uint256 gross = 1_333_299_990;
        IUsageSettlement.Voucher memory voucher = _voucher(id, units);
        bytes memory signature = _signed(voucher);
        vm.expectRevert(_depositTooSmall(DEPOSIT, gross));
        settlement.settle(_agreed(), voucher, units, company.account, signature);
        // As much as the deposit covers, and all the rest once it is topped up.
        settlement.settle(_agreed(), voucher, 75_000, company.account, signature);
        uint256 left = DEPOSIT - (uint256(74_990) * 10_001 + uint256(75_000) * 3_333);
        assertEq(settlement.depositOf(id, company.id), left);
        vm.expectRevert(_depositTooSmall(left, gross - (DEPOSIT - left)));
        settlement.settle(_agreed(), voucher, units, company.account, signature);
        _deposit(id, company, gross - DEPOSIT);
        settlement.settle(_agreed(), voucher, units, company.account, signature);
        assertEq(settlement.depositOf(id, company.id), 0);
        assertEq(settlement.settledUnitsOf(id, company.id, PERIOD), units);
    }

    /// @notice Two accomplices sign an agreement of their own that pays one of them, and reach for
    /// the deposit of somebody who signed another.
    function test_attack_shamAgreement_drainsNobodyElsesDeposit() public {
        IAgreementRegistry.Terms memory sham = _twoPartyTerms();
        sham.parties = _sorted(school.id, operator.id);
        sham.lines[0] = IAgreementRegistry.PriceLine(school.id, CATALOGUE, type(uint64).max, 0);
        bytes32 other = _activate(sham);
        bytes memory before = _money();

        // With the victim as consumer, who is no party …
        IUsageSettlement.Voucher memory voucher = _voucher(other, 1);
        bytes memory signature = _sign(school.key, _voucherDigest(voucher));
        vm.expectRevert(
            abi.encodeWithSelector(
                IUsageSettlement.UsageSettlement_NotParty.selector,
                other,
                company.id
            )
        );
        settlement.settle(sham, voucher, 1, school.account, signature);
        // … with the sham's prices under the victim's agreement …
        voucher = _voucher(id, 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IUsageSettlement.UsageSettlement_AgreementMismatch.selector,
                id,
                other
            )
        );
        settlement.settle(sham, voucher, 1, school.account, signature);
        // … and by an accomplice as consumer, who has no deposit.
        voucher = _voucher(other, 1);
        voucher.consumer = operator.id;
        signature = _sign(operator.key, _voucherDigest(voucher));
        vm.expectRevert(_depositTooSmall(0, type(uint64).max));
        settlement.settle(sham, voucher, 1, operator.account, signature);
        assertEq(_money(), before);
    }

    /// @notice A party that was named and never signed pays nothing.
    function test_attack_shamAgreementNamingTheVictim_staysUnsigned() public {
        IAgreementRegistry.Terms memory sham = _agreed();
        sham.salt = "sham";
        bytes32 other = _propose(sham);
        _signAgreement(other, school);
        _signAgreement(other, operator);
        IUsageSettlement.Voucher memory voucher = _voucher(other, 1);
        bytes memory signature = _signed(voucher);
        vm.expectRevert(
            abi.encodeWithSelector(
                IUsageSettlement.UsageSettlement_AgreementNeverActive.selector,
                other
            )
        );
        settlement.settle(sham, voucher, 1, company.account, signature);
    }

    /// @notice Whoever acts for a consumer in all that can be delegated still signs no voucher for
    /// it, puts down no deposit and takes none.
    function test_attack_operatorSettlesForItsCustomer_isRefused() public {
        vm.prank(company.account);
        registry.delegate(company.id, operator.id, Scopes.DELEGABLE, FOREVER);
        IUsageSettlement.Voucher memory voucher = _voucher(id, 1);
        bytes memory signature = _sign(operator.key, _voucherDigest(voucher));
        vm.expectRevert(_voucherSignatureInvalid(operator.account));
        settlement.settle(_agreed(), voucher, 1, operator.account, signature);
        vm.startPrank(operator.account);
        vm.expectRevert(_notAuthorised(operator.account, company.id, Scopes.CLAIM));
        settlement.deposit(id, company.id, 1);
        bytes memory reason = abi.encodeWithSelector(
            IUsageSettlement.UsageSettlement_NotAuthorised.selector,
            operator.account,
            company.id
        );
        vm.expectRevert(reason);
        settlement.requestLeaving(id, company.id, 1);
        vm.expectRevert(reason);
        settlement.leave(id, company.id, operator.account);
        vm.expectRevert(reason);
        settlement.claim(company.id, operator.account, 1);
    }

    /// @notice Anyone may bring a voucher; it moves the same money for whoever does.
    function test_attack_strangerSettlesSomebodysVoucher_gainsNothing() public {
        uint256 before = vm.snapshotState();
        _settle(_agreed(), _voucher(id, 100), 100);
        bytes memory money = _money();
        vm.revertToState(before);
        vm.startPrank(stranger);
        _settle(_agreed(), _voucher(id, 100), 100);
        assertEq(_money(), money);
        assertEq(token.balanceOf(stranger), 0);
        assertEq(settlement.balanceOf(stranger), 0);
    }

    /// @notice Payees are never called: one whose account refuses everything stops nobody.
    function test_attack_payeeThatReverts_stopsNobody() public {
        (address owner, uint256 key) = makeAddrAndKey("owner");
        HostileWallet wallet = new HostileWallet(owner);
        _bindWallet(school, address(wallet), key, Scopes.ALL);
        wallet.attack(HostileWallet.Attack.RefuseEverything, address(0), "");
        _settle(_agreed(), _voucher(id, 100), 100);
        uint256 balance = settlement.balanceOf(operator.id);
        vm.prank(operator.account);
        settlement.claim(operator.id, operator.account, balance);
        assertEq(token.balanceOf(operator.account), balance);
        // The token asks nobody either.
        vm.prank(school.account);
        settlement.claim(school.id, address(wallet), 1);
        assertEq(token.balanceOf(address(wallet)), 1);
    }

    /// @notice A gift to a contract is nobody's: no deposit, balance or commission grows by it.
    function test_attack_tokensSentDirectly_areNobodys() public {
        _fund(school.account, EURO);
        bytes memory before = _money();
        vm.startPrank(school.account);
        token.transfer(address(settlement), EURO);
        assertEq(_money(), before);
        vm.expectRevert(
            abi.encodeWithSelector(IUsageSettlement.UsageSettlement_AmountTooLarge.selector, 1, 0)
        );
        settlement.claim(school.id, school.account, 1);
        vm.expectRevert(IUsageSettlement.UsageSettlement_AmountZero.selector);
        settlement.payOutCommission();
    }

    function test_attack_agreementWithOneself_isRefused() public {
        IAgreementRegistry.Terms memory terms = _twoPartyTerms();
        terms.parties = new address[](2);
        (terms.parties[0], terms.parties[1]) = (school.id, school.id);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAgreementRegistry.AgreementRegistry_PartiesNotAscending.selector,
                1
            )
        );
        _propose(terms);
        terms.parties = new address[](1);
        terms.parties[0] = school.id;
        vm.expectRevert(
            abi.encodeWithSelector(
                IAgreementRegistry.AgreementRegistry_PartyCountInvalid.selector,
                1,
                2,
                32
            )
        );
        _propose(terms);
    }

    /// @notice Paying oneself to wash a deposit into a balance.
    function test_attack_consumerPaysItself_isRefused() public {
        IUsageSettlement.Voucher memory voucher = _voucher(id, 1);
        voucher.consumer = school.id;
        bytes memory signature = _sign(school.key, _voucherDigest(voucher));
        vm.expectRevert(
            abi.encodeWithSelector(
                IUsageSettlement.UsageSettlement_ConsumerIsPayee.selector,
                school.id
            )
        );
        settlement.settle(_agreed(), voucher, 1, school.account, signature);
    }
}
