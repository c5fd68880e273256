// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {Test} from "forge-std/Test.sol";

import {ConsentRegistry} from "../../../contracts/ConsentRegistry.sol";
import {IAgreementRegistry} from "../../../contracts/interfaces/IAgreementRegistry.sol";
import {IConsentRegistry} from "../../../contracts/interfaces/IConsentRegistry.sol";
import {IParticipantRegistry} from "../../../contracts/interfaces/IParticipantRegistry.sol";
import {Rfc9162} from "../../../contracts/libraries/Rfc9162.sol";

/// @notice The machine allows 1,024 calls inside one another. Whoever calls a contract at the very
/// bottom leaves it no call for its own, to SHA-256 or to ecrecover: it must revert, and neither
/// know a wrong root nor refuse a good signature. With at most 63/64 of the gas passed on, that
/// takes 10^12 gas, which no block has; `npm run coverage:solidity` gives it, other runs skip.
contract CallDepthAttackTest is Test {
    uint256 private constant DEEPEST = 1_024;
    uint256 private constant GAS = 10 ** 12;

    ConsentRegistry private consents;
    address private holder;
    bytes private withdrawals;

    function setUp() public {
        consents = new ConsentRegistry(
            address(this),
            IParticipantRegistry(address(1)),
            IAgreementRegistry(address(1))
        );
        uint256 key;
        (holder, key) = makeAddrAndKey("holder");
        (, string memory name, string memory version, uint256 chainId, address at, , ) = consents
            .eip712Domain();
        bytes32 domain = keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,"
                    "address verifyingContract)"
                ),
                keccak256(bytes(name)),
                keccak256(bytes(version)),
                chainId,
                at
            )
        );
        bytes32 structHash = keccak256(
            abi.encode(keccak256("ConsentWithdrawal(bytes32 leaf)"), bytes32("leaf"))
        );
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(
            key,
            keccak256(abi.encodePacked(hex"1901", domain, structHash))
        );
        IConsentRegistry.Withdrawal[] memory one = new IConsentRegistry.Withdrawal[](1);
        one[0] = IConsentRegistry.Withdrawal(holder, "leaf", r, s, v);
        withdrawals = abi.encodeCall(consents.withdrawManyBySignature, (one));
    }

    function rootOf(bytes32[] calldata leaves) external view returns (bytes32) {
        return Rfc9162.rootOf(leaves);
    }

    function nodeHash(bytes32 left, bytes32 right) external view returns (bytes32) {
        return Rfc9162.nodeHash(left, right);
    }

    /// @notice Calls `target` from `levels` calls further down.
    function dive(
        uint256 levels,
        address target,
        bytes calldata data
    ) external returns (bool success, bytes memory answer) {
        if (levels == 0) return target.call(data);
        return this.dive(levels - 1, target, data);
    }

    function test_attack_callAtTheDeepestLevel_isNeverABadSignature() public {
        vm.skip(gasleft() < GAS);
        (bool reached, bool refused) = (false, false);
        for (uint256 levels = DEEPEST; levels > DEEPEST - 12; --levels) {
            uint256 before = vm.snapshotState();
            (bool dived, bool success, ) = _dive(levels, address(consents), withdrawals);
            bool ended = consents.revocations(holder, "leaf") != 0;
            assertEq(ended, dived && success);
            if (dived && !success) refused = true;
            if (dived && success) reached = true;
            vm.revertToState(before);
        }
        assertTrue(reached && refused);
    }

    function test_attack_callAtTheDeepestLevel_isNeverAWrongRoot() public {
        vm.skip(gasleft() < GAS);
        bytes32[] memory leaves = new bytes32[](2);
        bytes32 root = this.rootOf(leaves);
        bytes[2] memory calls = [
            abi.encodeCall(this.rootOf, (leaves)),
            abi.encodeCall(this.nodeHash, (leaves[0], leaves[1]))
        ];
        for (uint256 i; i < calls.length; ++i) {
            (bool reached, bool refused) = (false, false);
            for (uint256 levels = DEEPEST; levels > DEEPEST - 12; --levels) {
                (bool dived, bool success, bytes memory answer) = _dive(
                    levels,
                    address(this),
                    calls[i]
                );
                if (dived && success) {
                    assertEq(answer, abi.encode(root));
                    reached = true;
                }
                if (dived && !success) {
                    assertEq(answer, "");
                    refused = true;
                }
            }
            assertTrue(reached && refused);
        }
    }

    /// @return dived Whether the last level could make its call, or found the machine's end.
    function _dive(
        uint256 levels,
        address target,
        bytes memory data
    ) private returns (bool dived, bool success, bytes memory answer) {
        try this.dive(levels, target, data) returns (bool accepted, bytes memory returned) {
            return (true, accepted, returned);
        } catch {}
    }
}
