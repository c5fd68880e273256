// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @notice A contract account (ERC-1271) that serves its owner until it is told to attack whoever
/// asks it for a signature.
contract HostileWallet is IERC1271 {
    enum Attack {
        None,
        SayNo,
        BurnAllGas,
        FloodTheAnswer,
        AnswerShort,
        Reenter,
        RefuseEverything
    }

    address private immutable OWNER;
    Attack private _attack;
    address private _target;
    bytes private _call;
    /// @notice How often anything but the question for a signature came in.
    uint256 public calls;

    constructor(address owner) {
        OWNER = owner;
    }

    fallback() external payable {
        if (_attack == Attack.RefuseEverything) revert("no");
        ++calls;
    }

    /// @param target Whom to call when asked, with `data`, in `Reenter`.
    function attack(Attack kind, address target, bytes calldata data) external {
        (_attack, _target, _call) = (kind, target, data);
    }

    /// @inheritdoc IERC1271
    function isValidSignature(
        bytes32 hash,
        bytes calldata signature
    ) external view returns (bytes4) {
        if (_attack == Attack.RefuseEverything) revert("no");
        if (_attack == Attack.SayNo) return bytes4(0);
        if (_attack == Attack.BurnAllGas) {
            assembly ("memory-safe") {
                invalid()
            }
        }
        if (_attack == Attack.FloodTheAnswer) {
            assembly ("memory-safe") {
                return(0, 1000000)
            }
        }
        if (_attack == Attack.AnswerShort) {
            assembly ("memory-safe") {
                mstore(0, shl(224, 0x1626ba7e))
                return(0, 4)
            }
        }
        if (_attack == Attack.Reenter) {
            // A static call into a function that writes is refused by the machine itself.
            (bool entered, ) = _target.staticcall(_call);
            if (entered) return bytes4(0);
        }
        bool signed = ECDSA.recover(hash, signature) == OWNER;
        return signed ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}
