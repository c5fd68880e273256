// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {ICommonsTreasury} from "../../contracts/interfaces/ICommonsTreasury.sol";
import {IUsageToken} from "../../contracts/interfaces/IUsageToken.sol";
import {LedgerFixture} from "./LedgerFixture.sol";

contract CommonsTreasuryTest is LedgerFixture {
    function setUp() public override {
        super.setUp();
        _fund(company.account, EURO);
        vm.prank(company.account);
        token.transfer(address(treasury), EURO);
    }

    function test_grant() public {
        vm.expectEmit(address(treasury));
        emit ICommonsTreasury.Granted(school.account, EURO, "decision");
        vm.prank(address(timelock));
        treasury.grant(school.account, EURO, "decision");
        assertEq(token.balanceOf(school.account), EURO);
    }

    function test_grant_revert() public {
        vm.expectRevert(_unauthorised(company.account));
        vm.prank(company.account);
        treasury.grant(company.account, EURO, "");
        vm.expectRevert(
            abi.encodeWithSelector(IUsageToken.UsageToken_NotParticipant.selector, stranger)
        );
        vm.prank(address(timelock));
        treasury.grant(stranger, EURO, "");
    }
}
