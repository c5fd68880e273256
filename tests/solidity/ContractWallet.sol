// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @notice A contract account that signs what its owner's key signed (ERC-1271).
contract ContractWallet is IERC1271 {
    address private immutable OWNER;

    constructor(address owner) {
        OWNER = owner;
    }

    /// @inheritdoc IERC1271
    function isValidSignature(
        bytes32 hash,
        bytes calldata signature
    ) external view returns (bytes4) {
        bool signed = ECDSA.recover(hash, signature) == OWNER;
        return signed ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}
