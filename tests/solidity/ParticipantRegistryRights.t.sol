// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IParticipantRegistry} from "../../contracts/interfaces/IParticipantRegistry.sol";
import {Notice} from "../../contracts/libraries/Notice.sol";
import {Scopes} from "../../contracts/libraries/Scopes.sol";
import {LedgerFixture} from "./LedgerFixture.sol";

/// @notice The branches of `authorise`, `speaksFor` and `signsVoucherFor`, drawn in
/// ParticipantRegistryRights.tree.
contract ParticipantRegistryRightsTest is LedgerFixture {
    // Direct accounts

    function test_direct_hasItsScopesOnly() public {
        (address clerk, ) = _bind(school, "clerk", Scopes.ANCHOR | Scopes.AGREE, FOREVER);
        _expectRights(clerk, school.id, Scopes.ANCHOR, true);
        _expectRights(clerk, school.id, Scopes.AGREE, true);
        _expectRights(clerk, school.id, Scopes.MANAGE, false);
        _expectRights(clerk, school.id, Scopes.CLAIM, false);
        _expectRights(clerk, school.id, 0, false);
        _expectRights(clerk, company.id, Scopes.ANCHOR, false);
    }

    function test_unbound_hasNothing() public {
        _expectRights(stranger, school.id, Scopes.ANCHOR, false);
        _expectRights(stranger, address(0), Scopes.ANCHOR, false);
        _expectRights(stranger, address(0), 0, false);
    }

    function test_direct_untilItsExpiry() public {
        (address clerk, ) = _bind(school, "clerk", Scopes.ANCHOR, uint40(START + 100));
        vm.warp(START + 99);
        _expectRights(clerk, school.id, Scopes.ANCHOR, true);
        vm.warp(START + 100);
        _expectRights(clerk, school.id, Scopes.ANCHOR, false);
    }

    function test_direct_untilItsRetirement() public {
        vm.prank(school.account);
        registry.retireAccount(school.account);
        _expectRights(school.account, school.id, Scopes.ANCHOR, false);
    }

    // Delegated accounts

    function test_delegated_withTheScopeOnBothSides() public {
        (address machine, ) = _bind(operator, "machine", Scopes.ANCHOR, FOREVER);
        vm.prank(school.account);
        registry.delegate(school.id, operator.id, Scopes.DELEGABLE, uint40(START + 100));
        _expectRights(machine, school.id, Scopes.ANCHOR, true);
        _expectRights(machine, school.id, Scopes.AGREE, false);
        _expectRights(operator.account, school.id, Scopes.AGREE, true);
        // Money and keys are never delegated.
        _expectRights(operator.account, school.id, Scopes.MANAGE, false);
        _expectRights(operator.account, school.id, Scopes.CLAIM, false);
        _expectRights(operator.account, school.id, Scopes.VOUCHER, false);
        // A delegation does not go on to a third, nor backwards.
        _expectRights(company.account, school.id, Scopes.ANCHOR, false);
        _expectRights(school.account, operator.id, Scopes.ANCHOR, false);
        vm.warp(START + 100);
        _expectRights(machine, school.id, Scopes.ANCHOR, false);
    }

    function test_delegated_endsAtOnce() public {
        vm.startPrank(school.account);
        registry.delegate(school.id, operator.id, Scopes.ANCHOR, FOREVER);
        registry.delegate(school.id, operator.id, 0, FOREVER);
        vm.stopPrank();
        _expectRights(operator.account, school.id, Scopes.ANCHOR, false);
    }

    // Suspension: no new business, but speech stays

    function test_suspended_organisation() public {
        vm.prank(address(timelock));
        registry.suspend(school.id);
        _expectSuspended(school.account, school.id, school.id);
        assertTrue(registry.speaksFor(school.account, school.id, Scopes.ANCHOR));
    }

    function test_suspended_operatorOrDelegator() public {
        vm.prank(school.account);
        registry.delegate(school.id, operator.id, Scopes.ANCHOR, FOREVER);
        vm.startPrank(address(timelock));
        registry.suspend(operator.id);
        vm.stopPrank();
        _expectSuspended(operator.account, school.id, operator.id);
        assertTrue(registry.speaksFor(operator.account, school.id, Scopes.ANCHOR));
        vm.startPrank(address(timelock));
        registry.suspend(school.id);
        vm.stopPrank();
        _expectSuspended(operator.account, school.id, school.id);
    }

    function test_suspended_organisationStillRotatesItsKeys() public {
        vm.prank(address(timelock));
        registry.suspend(school.id);
        (address clerk, ) = _bind(school, "clerk", Scopes.ANCHOR, FOREVER);
        vm.startPrank(school.account);
        registry.retireAccount(clerk);
        registry.delegate(school.id, operator.id, Scopes.ANCHOR, FOREVER);
        registry.describe(school.id, "https://school", "hash");
    }

    // Vouchers

    function test_voucher_needsTheScopeAndADirectAccount() public {
        (address meter, ) = _bind(company, "meter", Scopes.VOUCHER, FOREVER);
        (address clerk, ) = _bind(company, "clerk", Scopes.ANCHOR, FOREVER);
        assertTrue(registry.signsVoucherFor(meter, company.id, uint40(START)));
        assertFalse(registry.signsVoucherFor(clerk, company.id, uint40(START)));
        assertFalse(registry.signsVoucherFor(meter, school.id, uint40(START)));
        assertFalse(registry.signsVoucherFor(stranger, address(0), uint40(START)));
    }

    function test_voucher_ofARetiredKey() public {
        (address meter, ) = _bind(company, "meter", Scopes.VOUCHER, FOREVER);
        vm.warp(START + 100);
        vm.prank(company.account);
        registry.retireAccount(meter);
        _expectSignsUntilNotice(meter, START + 100);
    }

    function test_voucher_ofAnExpiredKey() public {
        (address meter, ) = _bind(company, "meter", Scopes.VOUCHER, uint40(START + 100));
        vm.warp(START + 100);
        _expectSignsUntilNotice(meter, START + 100);
    }

    function test_voucher_retiredAfterItsExpiry_countsFromTheExpiry() public {
        (address meter, ) = _bind(company, "meter", Scopes.VOUCHER, uint40(START + 100));
        vm.warp(START + 200);
        vm.prank(company.account);
        registry.retireAccount(meter);
        vm.warp(START + 100 + Notice.SECONDS - 1);
        assertTrue(registry.signsVoucherFor(meter, company.id, uint40(START)));
        vm.warp(START + 100 + Notice.SECONDS);
        assertFalse(registry.signsVoucherFor(meter, company.id, uint40(START)));
    }

    // Parts

    /// @dev The key ended now, at `end`.
    function _expectSignsUntilNotice(address meter, uint256 end) private {
        assertTrue(registry.signsVoucherFor(meter, company.id, uint40(end - 1)));
        assertFalse(registry.signsVoucherFor(meter, company.id, uint40(end)));
        vm.warp(end + Notice.SECONDS - 1);
        assertTrue(registry.signsVoucherFor(meter, company.id, uint40(end - 1)));
        vm.warp(end + Notice.SECONDS);
        assertFalse(registry.signsVoucherFor(meter, company.id, uint40(end - 1)));
    }

    function _expectRights(
        address account,
        address organisation,
        uint8 scope,
        bool expected
    ) private {
        assertEq(registry.speaksFor(account, organisation, scope), expected);
        if (!expected) vm.expectRevert(_notAuthorised(account, organisation, scope));
        registry.authorise(account, organisation, scope);
    }

    function _expectSuspended(address account, address actsFor, address organisation) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IParticipantRegistry.ParticipantRegistry_OrganisationSuspended.selector,
                organisation
            )
        );
        registry.authorise(account, actsFor, Scopes.ANCHOR);
    }
}
