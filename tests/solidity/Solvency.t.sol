// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IUsageSettlement} from "../../contracts/interfaces/IUsageSettlement.sol";
import {LedgerFixture} from "./LedgerFixture.sol";

/// @notice Whatever anybody does in whatever order, the settlement holds exactly what it owes, and
/// units only grow.
contract SolvencyTest is LedgerFixture {
    bytes32 private id;
    uint64 private settledBefore;
    uint256 private gifts;

    function setUp() public override {
        super.setUp();
        id = _activate(_terms());
        _fund(company.account, 1_000_000 * EURO);
        vm.prank(company.account);
        token.approve(address(settlement), type(uint256).max);
        targetContract(address(this));
        bytes4[] memory selectors = new bytes4[](6);
        selectors[0] = this.deposit.selector;
        selectors[1] = this.settle.selector;
        selectors[2] = this.claim.selector;
        selectors[3] = this.payOut.selector;
        selectors[4] = this.leave.selector;
        selectors[5] = this.give.selector;
        targetSelector(FuzzSelector(address(this), selectors));
    }

    function deposit(uint256 amount) external {
        uint256 available = token.balanceOf(company.account);
        vm.prank(company.account);
        try settlement.deposit(id, company.id, bound(amount, 0, available)) {} catch {}
    }

    function settle(uint64 units, uint64 upTo) external {
        IUsageSettlement.Voucher memory voucher = _voucher(id, uint64(bound(units, 0, 1e6)));
        bytes memory signature = _sign(company.key, _voucherDigest(voucher));
        upTo = uint64(bound(upTo, 0, voucher.units));
        try settlement.settle(_terms(), voucher, upTo, company.account, signature) {} catch {}
    }

    function claim(uint256 amount, bool bySchool) external {
        Organisation memory payee = bySchool ? school : operator;
        amount = bound(amount, 0, settlement.balanceOf(payee.id));
        vm.prank(payee.account);
        try settlement.claim(payee.id, payee.account, amount) {} catch {}
    }

    function payOut() external {
        try settlement.payOutCommission() {} catch {}
    }

    function leave(uint128 amount, uint256 wait) external {
        vm.startPrank(company.account);
        try settlement.requestLeaving(id, company.id, amount) {} catch {}
        vm.warp(block.timestamp + bound(wait, 29 days, 31 days));
        try settlement.leave(id, company.id, company.account) {} catch {}
        vm.stopPrank();
    }

    /// @dev A gift to the contract is nobody's; it must not become anybody's either.
    function give(uint256 amount) external {
        amount = bound(amount, 0, token.balanceOf(school.account));
        vm.prank(school.account);
        token.transfer(address(settlement), amount);
        gifts += amount;
    }

    function invariant_holdsExactlyWhatItOwes() public view {
        assertEq(
            token.balanceOf(address(settlement)),
            settlement.depositOf(id, company.id) +
                settlement.balanceOf(school.id) +
                settlement.balanceOf(operator.id) +
                settlement.balanceOf(company.id) +
                settlement.commissionOwed() +
                gifts
        );
    }

    function invariant_unitsOnlyGrow() public {
        uint64 settled = settlement.settledUnitsOf(id, company.id, PERIOD);
        assertGe(settled, settledBefore);
        settledBefore = settled;
    }
}
