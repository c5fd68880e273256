// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";

import {IUsageToken} from "../../contracts/interfaces/IUsageToken.sol";
import {LedgerFixture} from "./LedgerFixture.sol";

contract UsageTokenTest is LedgerFixture {
    function test_description() public view {
        assertEq(token.name(), "Prometheus-X Usage Token");
        assertEq(token.symbol(), "PTXU");
        assertEq(token.decimals(), 6);
        assertEq(token.totalSupply(), 0);
    }

    function test_issue() public {
        vm.expectEmit(address(token));
        emit IUsageToken.Issued(company.account, EURO, "payment");
        vm.prank(address(timelock));
        token.issue(company.account, EURO, "payment");
        assertEq(token.balanceOf(company.account), EURO);
        assertEq(token.totalSupply(), EURO);
    }

    function test_issue_revert() public {
        vm.expectRevert(_unauthorised(company.account));
        vm.prank(company.account);
        token.issue(company.account, EURO, "");
        _expectNotParticipant(stranger);
        vm.prank(address(timelock));
        token.issue(stranger, EURO, "");
    }

    function test_redeem() public {
        _fund(company.account, EURO);
        vm.expectEmit(address(token));
        emit IUsageToken.Redeemed(company.account, EURO, "payout");
        vm.prank(company.account);
        token.redeem(EURO, "payout");
        assertEq(token.totalSupply(), 0);
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientBalance.selector,
                company.account,
                0,
                1
            )
        );
        vm.prank(company.account);
        token.redeem(1, "payout");
    }

    function test_transfer_betweenParticipantsAndOurContractsOnly() public {
        _fund(company.account, 10);
        vm.startPrank(company.account);
        token.transfer(school.account, 1);
        token.transfer(address(settlement), 1);
        token.transfer(address(treasury), 1);
        _expectNotParticipant(stranger);
        token.transfer(stranger, 1);
        _expectNotParticipant(address(timelock));
        token.transfer(address(timelock), 1);
        token.approve(stranger, 1);
        vm.stopPrank();
        vm.prank(stranger); // a spender needs no admission, the ends do
        token.transferFrom(company.account, school.account, 1);
        assertEq(token.balanceOf(school.account), 2);
        _expectNotParticipant(stranger);
        vm.prank(stranger);
        token.transfer(school.account, 0);
    }

    function test_transfer_byRetiredAccountOfASuspendedParticipant() public {
        _fund(company.account, 10);
        vm.prank(company.account);
        registry.retireAccount(company.account);
        vm.prank(address(timelock));
        registry.suspend(company.id);
        vm.prank(company.account);
        token.transfer(school.account, 10);
    }

    function test_permit() public {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "Permit(address owner,address spender,uint256 value,uint256 nonce,"
                    "uint256 deadline)"
                ),
                company.account,
                address(settlement),
                EURO,
                0,
                START
            )
        );
        bytes32 digest = _digest("Prometheus-X Usage Token", address(token), structHash);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(company.key, digest);
        token.permit(company.account, address(settlement), EURO, START, v, r, s);
        assertEq(token.allowance(company.account, address(settlement)), EURO);
    }

    function _expectNotParticipant(address account) private {
        vm.expectRevert(
            abi.encodeWithSelector(IUsageToken.UsageToken_NotParticipant.selector, account)
        );
    }
}
