// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IUsageSettlement} from "../../../contracts/interfaces/IUsageSettlement.sol";
import {Notice} from "../../../contracts/libraries/Notice.sol";
import {Scopes} from "../../../contracts/libraries/Scopes.sol";
import {AttackFixture} from "./AttackFixture.sol";

/// @notice Using and not paying: leaving before the payee settles, and retiring the key that
/// signed. Leaving whatever happens is in Stop.t.sol.
contract LeavingAttacksTest is AttackFixture {
    uint40 private constant DUE = uint40(START) + Notice.SECONDS;
    /// @notice A month's use: 990 · 10,001 + 1,000 · 3,333.
    uint256 private constant GROSS = 13_233_990;

    function setUp() public override {
        super.setUp();
        vm.prank(company.account);
        settlement.requestLeaving(id, company.id, type(uint128).max);
    }

    // The race at the end of the notice

    function test_attack_leavingOneSecondEarly_isRefused() public {
        vm.warp(DUE - 1);
        vm.expectRevert(_leavingNotDue(DUE));
        _leave();
        _settleMonth(); // what the payee may still do, up to the last second
        assertEq(settlement.depositOf(id, company.id), DEPOSIT - GROSS);
    }

    /// @notice Whoever comes first at the second itself and after it: the payee is paid and the
    /// rest leaves, or all leaves and the voucher waits for a deposit.
    function test_attack_leavingAtTheNoticeAndASecondLater_takesOnlyWhatIsLeft() public {
        for (uint40 time = DUE; time <= DUE + 1; ++time) {
            vm.warp(time);
            uint256 before = vm.snapshotState();
            _settleMonth();
            _leave();
            assertEq(token.balanceOf(company.account), DEPOSIT - GROSS);
            assertEq(settlement.depositOf(id, company.id), 0);

            vm.revertToState(before);
            _leave();
            assertEq(token.balanceOf(company.account), DEPOSIT);
            IUsageSettlement.Voucher memory voucher = _voucher(id, 1_000);
            bytes memory signature = _signed(voucher);
            vm.expectRevert(_depositTooSmall(0, GROSS));
            settlement.settle(_agreed(), voucher, 1_000, company.account, signature);
            // Nothing is forgiven: the voucher is good as soon as there is a deposit again.
            _deposit(id, company, GROSS);
            settlement.settle(_agreed(), voucher, 1_000, company.account, signature);
            vm.revertToState(before);
        }
    }

    /// @notice A request kept open in advance, to have a deposit out again at once: with the
    /// deposit it is gone, and the next one has a notice in which the payee settles.
    function test_attack_depositAfterANotice_hasItsOwnNotice() public {
        uint40 time = DUE + 60 days;
        vm.warp(time);
        _deposit(id, company, DEPOSIT);
        vm.expectRevert(_leavingNotDue(0));
        _leave();
        vm.prank(company.account);
        settlement.requestLeaving(id, company.id, type(uint128).max);
        vm.warp(time + Notice.SECONDS - 1);
        vm.expectRevert(_leavingNotDue(time + Notice.SECONDS));
        _leave();
        _settleMonth();
        vm.warp(time + Notice.SECONDS);
        _leave();
        assertEq(token.balanceOf(company.account), 2 * DEPOSIT - GROSS);
    }

    /// @notice A deposit ends a request, but nobody can keep a consumer in by depositing for it.
    function test_attack_othersDepositToKeepAConsumerIn_isRefused() public {
        vm.prank(company.account);
        registry.delegate(company.id, operator.id, Scopes.DELEGABLE, FOREVER);
        address[3] memory others = [stranger, school.account, operator.account];
        for (uint256 i; i < others.length; ++i) {
            vm.expectRevert(_notAuthorised(others[i], company.id, Scopes.CLAIM));
            vm.prank(others[i]);
            settlement.deposit(id, company.id, 1);
        }
        vm.warp(DUE);
        _leave();
        assertEq(token.balanceOf(company.account), DEPOSIT);
    }

    function test_attack_leavingTwiceWithOneRequest_isRefused() public {
        vm.prank(company.account);
        settlement.requestLeaving(id, company.id, 1);
        vm.warp(DUE);
        _leave();
        vm.expectRevert(_leavingNotDue(0));
        _leave();
        assertEq(settlement.depositOf(id, company.id), DEPOSIT - 1);
    }

    function test_attack_leavingToAStrangersAccount_isRefused() public {
        vm.warp(DUE);
        vm.expectRevert(
            abi.encodeWithSelector(
                IUsageSettlement.UsageSettlement_NotAuthorised.selector,
                stranger,
                company.id
            )
        );
        vm.prank(company.account);
        settlement.leave(id, company.id, stranger);
    }

    // A key retired to escape

    /// @notice The consumer signs, uses, retires the key and asks to leave, all in one block: the
    /// payee settles to the last second of the notice.
    function test_attack_keyRotatedToEscapeASignedVoucher_itStillBinds() public {
        (address meter, uint256 key) = _bind(company, "meter", Scopes.VOUCHER, FOREVER);
        IUsageSettlement.Voucher memory voucher = _voucher(id, 1_000);
        bytes memory signature = _sign(key, _voucherDigest(voucher));
        vm.warp(START + 1);
        vm.startPrank(company.account);
        registry.retireAccount(meter);
        settlement.requestLeaving(id, company.id, type(uint128).max);
        vm.stopPrank();

        vm.warp(START + 1 + Notice.SECONDS - 1);
        uint256 before = vm.snapshotState();
        settlement.settle(_agreed(), voucher, 1_000, meter, signature);
        assertEq(settlement.depositOf(id, company.id), DEPOSIT - GROSS);
        // With the notice the key's word ends, as does the deposit that it could bind.
        vm.revertToState(before);
        vm.warp(START + 1 + Notice.SECONDS);
        vm.expectRevert(_voucherSignatureInvalid(meter));
        settlement.settle(_agreed(), voucher, 1_000, meter, signature);
    }

    /// @notice A retired key, in wrong hands, signs nothing for months that began after it.
    function test_attack_retiredKeySignsForALaterMonth_isRefused() public {
        (address meter, uint256 key) = _bind(company, "meter", Scopes.VOUCHER, FOREVER);
        vm.warp(START + 30 days);
        vm.prank(company.account);
        registry.retireAccount(meter);
        vm.warp(START + 31 days);
        IUsageSettlement.Voucher memory voucher = _voucher(id, 1);
        voucher.period = PERIOD + 1;
        bytes memory signature = _sign(key, _voucherDigest(voucher));
        vm.expectRevert(_voucherSignatureInvalid(meter));
        settlement.settle(_agreed(), voucher, 1, meter, signature);
    }

    /// @notice An organisation that binds a key anew, somewhere else, cannot take it away.
    function test_attack_keyMovedToAnotherOrganisation_isRefused() public {
        (, uint256 key) = _bind(company, "meter", Scopes.VOUCHER, FOREVER);
        address meter = vm.addr(key);
        bytes memory signature = _signBinding(school.id, key);
        vm.expectRevert(
            abi.encodeWithSignature(
                "ParticipantRegistry_AccountTaken(address,address)",
                meter,
                company.id
            )
        );
        vm.prank(school.account);
        registry.bindAccount(school.id, meter, Scopes.VOUCHER, FOREVER, signature);
    }

    // Parts

    function _settleMonth() private {
        _settle(_agreed(), _voucher(id, 1_000), 1_000);
    }

    function _leave() private {
        vm.prank(company.account);
        settlement.leave(id, company.id, company.account);
    }
}
