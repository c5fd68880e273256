// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";

import {IParticipantRegistry} from "../../contracts/interfaces/IParticipantRegistry.sol";
import {Scopes} from "../../contracts/libraries/Scopes.sol";
import {LedgerFixture} from "./LedgerFixture.sol";

/// @notice The timelock is the only power, from the first block on.
contract GovernanceTest is LedgerFixture {
    function test_timelockIsTheOnlyAdmin() public {
        (bool isTimelock, ) = manager.hasRole(manager.ADMIN_ROLE(), address(timelock));
        (bool isDeployer, ) = manager.hasRole(manager.ADMIN_ROLE(), makeAddr("deployer"));
        assertTrue(isTimelock);
        assertFalse(isDeployer);
        assertFalse(timelock.hasRole(timelock.DEFAULT_ADMIN_ROLE(), makeAddr("deployer")));
        assertFalse(timelock.hasRole(timelock.PROPOSER_ROLE(), makeAddr("deployer")));
        assertTrue(timelock.hasRole(timelock.DEFAULT_ADMIN_ROLE(), address(timelock)));
    }

    function test_wiring() public view {
        assertEq(registry.authority(), address(manager));
        assertEq(policy.authority(), address(manager));
        assertEq(consents.authority(), address(manager));
        assertEq(token.authority(), address(manager));
        assertEq(treasury.authority(), address(manager));
        assertEq(address(agreements.REGISTRY()), address(registry));
        assertEq(address(agreements.POLICY()), address(policy));
        assertEq(address(consents.REGISTRY()), address(registry));
        assertEq(address(consents.AGREEMENTS()), address(agreements));
        assertEq(address(token.REGISTRY()), address(registry));
        assertEq(token.SETTLEMENT(), address(settlement));
        assertEq(token.TREASURY(), address(treasury));
        assertEq(address(settlement.REGISTRY()), address(registry));
        assertEq(address(settlement.AGREEMENTS()), address(agreements));
        assertEq(address(settlement.POLICY()), address(policy));
        assertEq(address(settlement.TOKEN()), address(token));
        assertEq(settlement.TREASURY(), address(treasury));
        assertEq(address(treasury.TOKEN()), address(token));
    }

    function test_domains() public view {
        _expectDomain(address(registry), "PTX ParticipantRegistry");
        _expectDomain(address(agreements), "PTX AgreementRegistry");
        _expectDomain(address(consents), "PTX ConsentRegistry");
        _expectDomain(address(settlement), "PTX UsageSettlement");
    }

    /// @notice A proposer proposes, the delay passes, anyone executes.
    function test_anActTakesTheTimelocksDelay() public {
        bytes memory act = abi.encodeCall(registry.suspend, (school.id));
        vm.expectPartialRevert(
            bytes4(keccak256("AccessControlUnauthorizedAccount(address,bytes32)"))
        );
        vm.prank(stranger);
        timelock.schedule(address(registry), 0, act, 0, 0, 2 days);

        vm.prank(proposer);
        timelock.schedule(address(registry), 0, act, 0, 0, 2 days);
        vm.warp(START + 2 days - 1);
        vm.expectPartialRevert(TimelockController.TimelockUnexpectedOperationState.selector);
        vm.prank(stranger);
        timelock.execute(address(registry), 0, act, 0, 0);
        vm.warp(START + 2 days);
        vm.prank(stranger);
        timelock.execute(address(registry), 0, act, 0, 0);
        assertEq(uint8(registry.participantOf(school.id).status), 2);
    }

    /// @notice Nobody else, not even a proposer, reaches an act of governance: each is refused for
    /// who calls, before anything else is looked at.
    function testFuzz_nobodyElse(address caller) public {
        vm.assume(caller != address(timelock) && caller != address(manager));
        vm.assume(caller != address(0)); // sends nothing, and stands for "no guardian"
        bytes memory reason = abi.encodeWithSelector(
            IAccessManaged.AccessManagedUnauthorized.selector,
            caller
        );
        bytes[8] memory acts = [
            abi.encodeCall(registry.admit, ("did:x", 0, 0, caller, "")),
            abi.encodeCall(registry.classify, (school.id, 0, 0)),
            abi.encodeCall(registry.suspend, (school.id)),
            abi.encodeCall(registry.reinstate, (school.id)),
            abi.encodeCall(registry.announceRecovery, (school.id, caller, "")),
            abi.encodeCall(registry.appointGuardian, (caller)),
            abi.encodeCall(registry.endStop, ()),
            abi.encodeCall(registry.setAuthority, (caller))
        ];
        for (uint256 i; i < acts.length; ++i) {
            _expectRefused(caller, address(registry), acts[i], reason);
        }
        bytes memory act = abi.encodeCall(policy.setRate, (1, 9_999, 1));
        _expectRefused(caller, address(policy), act, reason);
        act = abi.encodeCall(consents.invalidate, (0));
        _expectRefused(caller, address(consents), act, reason);
        act = abi.encodeCall(token.issue, (caller, 1, 0));
        _expectRefused(caller, address(token), act, reason);
        act = abi.encodeCall(treasury.grant, (caller, 1, 0));
        _expectRefused(caller, address(treasury), act, reason);
    }

    /// @notice Nor what leads to such an act, or stops and calls off what others may, too.
    function testFuzz_nobodyElse_byAnotherWay(address caller) public {
        vm.assume(caller != address(timelock) && caller != address(manager));
        vm.assume(caller != address(0) && caller != school.account);
        _expectRefused(
            caller,
            address(registry),
            abi.encodeCall(registry.stop, (1)),
            abi.encodeWithSelector(
                IParticipantRegistry.ParticipantRegistry_NotGuardian.selector,
                caller
            )
        );
        _expectRefused(
            caller,
            address(registry),
            abi.encodeCall(registry.cancelRecovery, (school.id)),
            abi.encodeWithSelector(
                IParticipantRegistry.ParticipantRegistry_NotAuthorised.selector,
                caller,
                school.id,
                Scopes.MANAGE
            )
        );
        uint64 admin = manager.ADMIN_ROLE();
        bytes memory reason = abi.encodeWithSelector(
            IAccessManager.AccessManagerUnauthorizedAccount.selector,
            caller,
            admin
        );
        bytes memory act = abi.encodeCall(manager.grantRole, (admin, caller, 0));
        _expectRefused(caller, address(manager), act, reason);
        act = abi.encodeCall(manager.updateAuthority, (address(registry), caller));
        _expectRefused(caller, address(manager), act, reason);
    }

    function _expectRefused(
        address caller,
        address target,
        bytes memory act,
        bytes memory reason
    ) private {
        vm.prank(caller);
        (bool success, bytes memory answer) = target.call(act);
        assertFalse(success);
        assertEq(answer, reason);
    }

    function _expectDomain(address target, string memory expected) private view {
        (, bytes memory answer) = target.staticcall(abi.encodeWithSignature("eip712Domain()"));
        (, string memory name, string memory version, , , , ) = abi.decode(
            answer,
            (bytes1, string, string, uint256, address, bytes32, uint256[])
        );
        assertEq(name, expected);
        assertEq(version, "1");
    }
}
