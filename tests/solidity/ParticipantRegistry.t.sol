// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IParticipantRegistry} from "../../contracts/interfaces/IParticipantRegistry.sol";
import {Scopes} from "../../contracts/libraries/Scopes.sol";
import {ContractWallet} from "./ContractWallet.sol";
import {LedgerFixture} from "./LedgerFixture.sol";

/// @notice Admission, accounts, delegation. Who may do what is in ParticipantRegistryRights.t.sol.
contract ParticipantRegistryTest is LedgerFixture {
    // Admission

    function test_admit_bindsTheFirstAccountWithEveryScopeForEver() public {
        string memory did = "did:ebsi:university";
        address id = registry.organisationId(did);
        (address account, uint256 key) = makeAddrAndKey("university");
        bytes memory signature = _signBinding(id, key);

        vm.expectEmit(address(registry));
        emit IParticipantRegistry.ParticipantAdmitted(id, did, 3, 2);
        vm.expectEmit(address(registry));
        emit IParticipantRegistry.AccountBound(id, account, Scopes.ALL, FOREVER);
        vm.prank(address(timelock));
        assertEq(registry.admit(did, 3, 2, account, signature), id);

        IParticipantRegistry.Participant memory participant = registry.participantOf(id);
        assertTrue(participant.status == IParticipantRegistry.Status.Admitted);
        assertEq(participant.roles, 3);
        assertEq(participant.college, 2);
        assertEq(participant.admittedAt, START);
        registry.authorise(account, id, Scopes.MANAGE);
        registry.authorise(account, id, Scopes.CLAIM);
    }

    function test_organisationId_isTheHashOfTheDid() public view {
        assertEq(
            registry.organisationId("did:ebsi:school"),
            address(uint160(uint256(keccak256("did:ebsi:school"))))
        );
    }

    function test_admit_revert_notGovernance() public {
        vm.expectRevert(_unauthorised(stranger));
        vm.prank(stranger);
        registry.admit("did:x", 0, 0, stranger, "");
    }

    function test_admit_revert_didEmpty() public {
        vm.expectRevert(IParticipantRegistry.ParticipantRegistry_DidEmpty.selector);
        vm.prank(address(timelock));
        registry.admit("", 0, 0, stranger, "");
    }

    function test_admit_revert_twice() public {
        vm.expectRevert(
            abi.encodeWithSelector(
                IParticipantRegistry.ParticipantRegistry_AlreadyAdmitted.selector,
                school.id
            )
        );
        vm.prank(address(timelock));
        registry.admit("did:ebsi:school", 0, 0, stranger, "");
    }

    function test_admit_revert_accountOfAnother() public {
        address id = registry.organisationId("did:x");
        bytes memory signature = _signBinding(id, school.key);
        vm.expectRevert(
            abi.encodeWithSelector(
                IParticipantRegistry.ParticipantRegistry_AccountTaken.selector,
                school.account,
                school.id
            )
        );
        vm.prank(address(timelock));
        registry.admit("did:x", 0, 0, school.account, signature);
    }

    function test_suspendAndReinstate() public {
        vm.startPrank(address(timelock));
        vm.expectEmit(address(registry));
        emit IParticipantRegistry.ParticipantSuspended(school.id);
        registry.suspend(school.id);
        assertTrue(
            registry.participantOf(school.id).status == IParticipantRegistry.Status.Suspended
        );
        vm.expectEmit(address(registry));
        emit IParticipantRegistry.ParticipantReinstated(school.id);
        registry.reinstate(school.id);
        assertTrue(
            registry.participantOf(school.id).status == IParticipantRegistry.Status.Admitted
        );
    }

    function test_suspend_revert() public {
        vm.expectRevert(_unauthorised(stranger));
        vm.prank(stranger);
        registry.suspend(school.id);
        vm.startPrank(address(timelock));
        vm.expectRevert(
            abi.encodeWithSelector(
                IParticipantRegistry.ParticipantRegistry_NotAdmitted.selector,
                stranger
            )
        );
        registry.suspend(stranger);
        registry.suspend(school.id);
        vm.expectRevert(
            abi.encodeWithSelector(
                IParticipantRegistry.ParticipantRegistry_OrganisationSuspended.selector,
                school.id
            )
        );
        registry.suspend(school.id);
    }

    function test_reinstate_revert() public {
        vm.expectRevert(_unauthorised(stranger));
        vm.prank(stranger);
        registry.reinstate(school.id);
        vm.startPrank(address(timelock));
        vm.expectRevert(
            abi.encodeWithSelector(
                IParticipantRegistry.ParticipantRegistry_NotAdmitted.selector,
                stranger
            )
        );
        registry.reinstate(stranger);
        vm.expectRevert(
            abi.encodeWithSelector(
                IParticipantRegistry.ParticipantRegistry_AlreadyAdmitted.selector,
                school.id
            )
        );
        registry.reinstate(school.id);
    }

    // Description

    function test_describe() public {
        vm.expectEmit(address(registry));
        emit IParticipantRegistry.ParticipantDescribed(school.id, "https://school", "hash");
        vm.prank(school.account);
        registry.describe(school.id, "https://school", "hash");
        assertEq(registry.didDocumentHashOf(school.id), "hash");
    }

    function test_describe_revert_notManager() public {
        (address clerk, ) = _bind(school, "clerk", Scopes.ANCHOR, FOREVER);
        vm.expectRevert(_notAuthorised(clerk, school.id, Scopes.MANAGE));
        vm.prank(clerk);
        registry.describe(school.id, "https://school", "hash");
    }

    // Accounts

    function test_bindAccount() public {
        (address clerk, uint256 key) = makeAddrAndKey("clerk");
        bytes memory signature = _signBinding(school.id, key);
        uint40 expiresAt = uint40(START + 1 days);
        vm.expectEmit(address(registry));
        emit IParticipantRegistry.AccountBound(school.id, clerk, Scopes.ANCHOR, expiresAt);
        vm.prank(school.account);
        registry.bindAccount(school.id, clerk, Scopes.ANCHOR, expiresAt, signature);

        IParticipantRegistry.Account memory account = registry.accountOf(clerk);
        assertEq(account.organisation, school.id);
        assertEq(account.scopes, Scopes.ANCHOR);
        assertEq(account.expiresAt, expiresAt);
        assertEq(account.retiredAt, 0);
        assertTrue(registry.isParticipantAccount(clerk));
        assertFalse(registry.isParticipantAccount(stranger));
    }

    function test_bindAccount_contractWallet() public {
        (address owner, uint256 key) = makeAddrAndKey("owner");
        address wallet = address(new ContractWallet(owner));
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256("AccountBinding(address organisation,address account)"),
                school.id,
                wallet
            )
        );
        bytes32 digest = _digest("PTX ParticipantRegistry", address(registry), structHash);
        bytes memory signature = _sign(key, digest);
        vm.prank(school.account);
        registry.bindAccount(school.id, wallet, Scopes.ANCHOR, FOREVER, signature);
        assertTrue(registry.speaksFor(wallet, school.id, Scopes.ANCHOR));
    }

    function test_bindAccount_revert_notManager() public {
        vm.expectRevert(_notAuthorised(company.account, school.id, Scopes.MANAGE));
        vm.prank(company.account);
        registry.bindAccount(school.id, stranger, Scopes.ANCHOR, FOREVER, "");
    }

    function test_bindAccount_revert_scopesInvalid() public {
        uint8[2] memory wrong = [0, Scopes.ALL + 1];
        for (uint256 i; i < wrong.length; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    IParticipantRegistry.ParticipantRegistry_ScopesInvalid.selector,
                    wrong[i],
                    Scopes.ALL
                )
            );
            vm.prank(school.account);
            registry.bindAccount(school.id, stranger, wrong[i], FOREVER, "");
        }
    }

    function test_bindAccount_revert_expiryPassed() public {
        vm.expectRevert(
            abi.encodeWithSelector(
                IParticipantRegistry.ParticipantRegistry_ExpiryPassed.selector,
                START,
                START
            )
        );
        vm.prank(school.account);
        registry.bindAccount(school.id, stranger, Scopes.ANCHOR, uint40(START), "");
    }

    function test_bindAccount_revert_taken() public {
        (address clerk, uint256 key) = _bind(school, "clerk", Scopes.ANCHOR, FOREVER);
        vm.prank(clerk);
        registry.retireAccount(clerk);
        // Neither its own organisation nor another binds it anew, retired or not.
        bytes memory signature = _signBinding(company.id, key);
        vm.expectRevert(
            abi.encodeWithSelector(
                IParticipantRegistry.ParticipantRegistry_AccountTaken.selector,
                clerk,
                school.id
            )
        );
        vm.prank(company.account);
        registry.bindAccount(company.id, clerk, Scopes.ALL, FOREVER, signature);
    }

    function test_bindAccount_revert_possessionNotProven() public {
        (address clerk, uint256 key) = makeAddrAndKey("clerk");
        bytes memory forOther = _signBinding(company.id, key);
        bytes memory malleated = _malleate(_signBinding(school.id, key));
        _expectNotProven(clerk, forOther);
        _expectNotProven(clerk, malleated);
        _expectNotProven(clerk, "");
        _expectNotProven(address(0), new bytes(65));
    }

    function test_retireAccount_byItself() public {
        (address clerk, ) = _bind(school, "clerk", Scopes.ANCHOR, FOREVER);
        vm.expectEmit(address(registry));
        emit IParticipantRegistry.AccountRetired(school.id, clerk);
        vm.prank(clerk);
        registry.retireAccount(clerk);
        assertEq(registry.accountOf(clerk).retiredAt, START);
        assertFalse(registry.speaksFor(clerk, school.id, Scopes.ANCHOR));
        assertTrue(registry.isParticipantAccount(clerk));
    }

    function test_retireAccount_byManager() public {
        (address clerk, ) = _bind(school, "clerk", Scopes.ANCHOR, FOREVER);
        vm.prank(school.account);
        registry.retireAccount(clerk);
        vm.expectRevert(
            abi.encodeWithSelector(
                IParticipantRegistry.ParticipantRegistry_AccountRetired.selector,
                clerk,
                START
            )
        );
        vm.prank(school.account);
        registry.retireAccount(clerk);
    }

    function test_retireAccount_revert() public {
        vm.expectRevert(
            abi.encodeWithSelector(
                IParticipantRegistry.ParticipantRegistry_AccountUnknown.selector,
                stranger
            )
        );
        registry.retireAccount(stranger);
        vm.expectRevert(_notAuthorised(company.account, school.id, Scopes.MANAGE));
        vm.prank(company.account);
        registry.retireAccount(school.account);
    }

    // Delegation

    function test_delegate() public {
        uint40 expiresAt = uint40(START + 1 days);
        vm.expectEmit(address(registry));
        emit IParticipantRegistry.OperatorDelegated(
            school.id,
            operator.id,
            Scopes.DELEGABLE,
            expiresAt
        );
        vm.startPrank(school.account);
        registry.delegate(school.id, operator.id, Scopes.DELEGABLE, expiresAt);
        IParticipantRegistry.Delegation memory delegation = registry.delegationOf(
            school.id,
            operator.id
        );
        assertEq(delegation.scopes, Scopes.DELEGABLE);
        assertEq(delegation.expiresAt, expiresAt);
        // Ending it needs no expiry.
        registry.delegate(school.id, operator.id, 0, 0);
        assertFalse(registry.speaksFor(operator.account, school.id, Scopes.ANCHOR));
    }

    function test_delegate_revert() public {
        vm.expectRevert(_notAuthorised(operator.account, school.id, Scopes.MANAGE));
        vm.prank(operator.account);
        registry.delegate(school.id, operator.id, Scopes.ANCHOR, FOREVER);
        vm.startPrank(school.account);
        vm.expectRevert(
            abi.encodeWithSelector(
                IParticipantRegistry.ParticipantRegistry_NotAdmitted.selector,
                stranger
            )
        );
        registry.delegate(school.id, stranger, Scopes.ANCHOR, FOREVER);
        vm.expectRevert(
            abi.encodeWithSelector(
                IParticipantRegistry.ParticipantRegistry_ScopesInvalid.selector,
                Scopes.ANCHOR | Scopes.CLAIM,
                Scopes.DELEGABLE
            )
        );
        registry.delegate(school.id, operator.id, Scopes.ANCHOR | Scopes.CLAIM, FOREVER);
        vm.expectRevert(
            abi.encodeWithSelector(
                IParticipantRegistry.ParticipantRegistry_ExpiryPassed.selector,
                START,
                START
            )
        );
        registry.delegate(school.id, operator.id, Scopes.ANCHOR, uint40(START));
    }

    // Parts

    function _expectNotProven(address account, bytes memory signature) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IParticipantRegistry.ParticipantRegistry_PossessionNotProven.selector,
                account
            )
        );
        vm.prank(school.account);
        registry.bindAccount(school.id, account, Scopes.ANCHOR, FOREVER, signature);
    }
}
