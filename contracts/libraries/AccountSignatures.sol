// SPDX-License-Identifier: EUPL-1.2
pragma solidity ^0.8.30;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

/// @title AccountSignatures
/// @notice Whether an organisation's account signed a digest: a key (65 bytes, low s) or a contract
/// wallet (ERC-1271).
/// @dev OpenZeppelin's `isValidSignatureNow` with the key tried first, which spares the look at the
/// signer's code. Nobody has the key of a contract's address, so the answer is the same there. A
/// key's account may carry code, too (EIP-7702): its own key's signature still counts first, which
/// OpenZeppelin would leave to the code, and any other is the code's to judge.
library AccountSignatures {
    function isValid(
        address signer,
        bytes32 digest,
        bytes calldata signature
    ) internal view returns (bool) {
        (address recovered, ECDSA.RecoverError fault, ) = ECDSA.tryRecover(digest, signature);
        if (fault == ECDSA.RecoverError.NoError && recovered == signer) return true;
        return SignatureChecker.isValidERC1271SignatureNow(signer, digest, signature);
    }
}
